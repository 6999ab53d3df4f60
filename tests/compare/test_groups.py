import numpy as np
import pandas as pd
import pytest

from shd.compare.core.tables import align
from shd.compare.fairness import groups as _groups
from shd.compare.fairness import worst_group


def test_every_level_is_a_group_and_numbers_are_cut_into_bands():
    n = 400
    frame = pd.DataFrame({"sex": ["f", "m"] * (n // 2), "age": np.arange(n), "smokes": [0, 1, 1, 1] * (n // 4)})
    (table,), _ = align(frame)
    groups, skipped = _groups.find_groups(table, ["sex", "age", "smokes"])
    assert [str(group) for group in groups] == [
        "sex = f", "sex = m", "age = under 100", "age = 100 to under 200", "age = 200 to under 300",
        "age = 300 and over", "smokes = 0", "smokes = 1",
    ]  # fmt: skip
    assert _groups.members(groups, table).sum(axis=0).tolist() == [200, 200, 100, 100, 100, 100, 100, 300]
    assert skipped == []


def test_small_and_rare_groups_are_listed():
    sizes = {"a": 130, "b": 120, "c": 115, "d": 110, "e": 108, "f": 106, "g": 104, "h": 20}
    frame = pd.DataFrame({"race": np.repeat(list(sizes), list(sizes.values()))})
    (table,), _ = align(frame)
    groups, skipped = _groups.find_groups(table, ["race"])
    assert [group.label for group in groups] == list("abcdef")
    assert "'g', 'h'" in skipped[0].what and "100" in skipped[0].why


def test_groups_of_few_people_are_counted_and_not_named():
    frame = pd.DataFrame({"faith": np.repeat(["a", "b", "c", "hermit", "sage"], [200, 150, 5, 4, 1])})
    (table,), _ = align(frame)
    _, (note,) = _groups.find_groups(table, ["faith"])
    assert note.what == "groups of faith: 'c' and 2 of fewer than 5 people"


def test_people_whose_number_is_missing_are_a_group():
    frame = pd.DataFrame({"age": [*np.arange(400.0), *[np.nan] * 150]})
    (table,), _ = align(frame)
    groups, _ = _groups.find_groups(table, ["age"])
    assert groups[-1].label == "(missing)" and groups[-1].is_in(table).sum() == 150
    assert _groups.members(groups, table).sum(axis=1).tolist() == [1] * 550  # each record in one group


def test_dates_are_written_as_dates():
    frame = pd.DataFrame({"born": pd.Timestamp("1950-01-01") + pd.to_timedelta(np.arange(400), unit="D")})
    (table,), _ = align(frame)
    groups, _ = _groups.find_groups(table, ["born"])
    assert groups[0].label == "under 1950-04-11"


def test_one_group_is_none():
    (table,), _ = align(pd.DataFrame({"sex": ["f"] * 300 + ["m"] * 50}))
    groups, skipped = _groups.find_groups(table, ["sex"])
    assert groups == [] and "two groups" in skipped[0].why


# --- the worst of many


LIMITS = worst_group.Measure("gap", 0.1, 0.2)


def gaps_of(value, spread):
    replicates = np.array(value) + np.array([-1, 1])[:, None] * np.array(spread)
    names = [("race", label) for label in "abcdef"[: len(value)]]
    return worst_group.find_gaps(LIMITS, names, np.array(value), replicates, np.zeros(len(value)), None)


def test_intervals_grow_with_the_number_of_groups():
    alone, of_five = gaps_of([0.3], [0.1])[0], gaps_of([0.3] * 5, [0.1] * 5)[0]
    assert alone.high - alone.value == pytest.approx(1.96 * 0.1, rel=0.001)
    assert of_five.high - of_five.value == pytest.approx(2.5758 * 0.1, rel=0.001)  # 1 % of each: 5 % of all


def test_the_worst_gap_is_not_that_of_the_noisiest_group():
    gaps = gaps_of([0.3, 0.25, 0.05], [0.2, 0.01, 0.01])
    assert [gap.verdict for gap in gaps] == ["grey", "red", "green"]
    assert worst_group.worst_gap(gaps).group == "b"


def test_verdicts_by_limits():
    assert [gap.verdict for gap in gaps_of([0.1, 0.15, 0.25], [0.001] * 3)] == ["green", "amber", "red"]


def test_what_cannot_be_measured_is_left_out():
    assert [gap.group for gap in gaps_of([0.3, np.nan, 0.1], [0.1, 0.1, 0.1])] == ["a", "c"]
