import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare import ask, c2st


def giveaways(real, synthetic):
    return ask("C2ST: telling real from synthetic", real, synthetic).table("giveaways")


def test_the_same_population_cannot_be_told_apart(people):
    assert c2st(people(500, 1), people(500, 2)) == pytest.approx(0.5, abs=0.07)


def test_another_population_can(people):
    other = people(500, 2)
    other["blood"] += 30
    assert c2st(people(500, 1), other) > 0.95


def test_the_same_seed_gives_the_same_number(people):
    first, second = people(300, 1), people(400, 2)
    assert c2st(first, second, rows=200, random_state=4) == c2st(first, second, rows=200, random_state=4)
    assert c2st(first, second, rows=200, random_state=4) != c2st(first, second, rows=200, random_state=5)


def test_too_few_records_are_not_judged(people):
    assert np.isnan(c2st(people(19, 1), people(400, 2)))


def test_what_is_no_table_is_refused(people):
    with pytest.raises(ShdError, match="real must be"):
        c2st("real.csv", people(30, 1))


def test_scores(fresh, scrambled):
    assert fresh.score("C2ST").verdict == "green"
    bad = scrambled.score("C2ST")
    assert bad.verdict == "red" and bad.value == pytest.approx(bad.floor, abs=0.05)
    assert bad.ceiling == pytest.approx(0.5, abs=0.06)


def test_what_gave_them_away_is_named(people):
    real, other = people(500, 1), people(500, 2)
    other["sex"] = "f"
    found = giveaways(real, other)
    assert found["column"].iloc[0] == "sex" and found["importance"].iloc[0] > 0.15
    assert found["importance"].iloc[1:].abs().max() < 0.03
    share = (real["sex"] == "f").mean()
    assert found["tell"].iloc[0] in (
        f"too many f (100.0%, should be {share:.1%})",
        f"too few m (0.0%, should be {1 - share:.1%})",
    )
    assert (found["low"] <= found["importance"]).all() and (found["importance"] <= found["high"]).all()


def test_a_lost_link_is_told_by_both_of_its_columns(people):
    other = people(800, 2)
    other["blood"] = np.random.default_rng(0).permutation(other["blood"])
    found = giveaways(people(800, 1), other).set_index("column")
    assert set(found.index[:2]) == {"age", "blood"}
    assert found.loc["sex", "importance"] < 0.02


@pytest.mark.parametrize(
    ("real", "synthetic", "tell"),
    [
        (["a"] * 50 + ["b"] * 50, ["a"] * 80 + ["b"] * 20, "too many a (80.0%, should be 50.0%)"),
        (["a"] * 50 + [None] * 50, ["a"] * 80 + [None] * 20, "too many a (80.0%, should be 50.0%)"),
        ([1.0] * 50 + [2.0] * 50, [1.0] * 100, "too many from 1 to below 2 (100.0%, should be 50.0%)"),
        ([1.0] * 50 + [np.nan] * 50, [1.0] * 100, "too many from 1 on (100.0%, should be 50.0%)"),
        (
            pd.to_datetime(["2020-01-01", "2021-01-01"] * 50),
            pd.to_datetime(["2020-01-01"] * 100),
            "too many from 2020-01-01 to below 2021-01-01 (100.0%, should be 50.0%)",
        ),
        (
            ["a"] * 50 + ["b"] * 50,
            ["b", "a"] * 50,
            "alone it looks right; what tells is how it goes with other columns",
        ),
    ],
)
def test_a_tell_by_hand(real, synthetic, tell):
    assert giveaways(pd.DataFrame({"x": real}), pd.DataFrame({"x": synthetic}))["tell"].tolist() == [tell]


def test_of_wide_tables_the_most_telling_columns_are_shuffled():
    rng = np.random.default_rng(0)
    real, other = (pd.DataFrame(rng.normal(size=(150, 70))).add_prefix("c") for _ in range(2))
    other["c50"] += 3
    found = giveaways(real, other)
    assert len(found) == 60 and found["column"].iloc[0] == "c50"


def test_too_few_records_give_nothing_away(people):
    found = ask("C2ST: telling real from synthetic", people(19, 1), people(400, 2))
    assert not found.scores and not found.tables and found.skipped[-1].why == "takes at least 20 records a side"


def test_giveaways_are_in_the_report_and_in_the_sentence(fresh, scrambled):
    for report in (fresh, scrambled):
        frame = report.table("giveaways")
        assert list(frame) == ["column", "importance", "low", "high", "real reference", "tell"]
        assert frame["importance"].is_monotonic_decreasing and frame["real reference"].notna().all()
    assert "gives synthetic records away most is" in scrambled.score("C2ST").sentence
    assert "gives" not in fresh.score("C2ST").sentence


def test_without_a_holdout_giveaways_have_no_reference(people):
    assert giveaways(people(100, 1), people(100, 2))["real reference"].isna().all()
