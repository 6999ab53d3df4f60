from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.question import Answer
from shd.compare.core.score import Skipped
from shd.compare.core.tables import left_out
from shd.compare.fidelity import trust
from shd.dataset import Dataset
from shd.synthesizers import Marginals


def trust_table(skipped=(), **tables) -> pd.DataFrame:
    """Judge tables as if they were the answers to the questions before."""
    sides = SimpleNamespace(word="real", skipped=skipped)
    return trust.measure(sides, {"before": Answer(tables=tables)}).tables["trust"]


def frames(**changes):
    """Three columns without fault, but for the changes: {frame: {row: {column: value}}}."""
    names = ["age", "sick", "sex"]
    made = {
        "columns": pd.DataFrame({"column": names, "distance": 0.01, "real reference": 0.01, "verdict": "green"}),
        "pairs": pd.DataFrame(
            {
                "first": ["age", "age", "sick"],
                "second": ["sick", "sex", "sex"],
                "train": [0.5, 0.0, 0.0],
                "synthetic": [0.48, 0.01, 0.02],
                "real reference": [0.51, 0.01, 0.01],
            }
        ),
        "prediction": pd.DataFrame({"column": names, "relative error": 1.01, "floor": [1.5, 1.5, 1.0]}),
        "giveaways": pd.DataFrame({"column": names, "importance": 0.001, "real reference": 0.0}),
    }
    for frame, rows in changes.items():
        for row, cells in rows.items():
            for column, value in cells.items():
                made[frame].loc[row, column] = value
    errors = made["prediction"]
    errors["lost"] = (errors["relative error"] - 1) / (errors["floor"] - 1).clip(lower=0.01)
    return trust_table(**made).set_index("column")


def test_nothing_found_is_green():
    table = frames()
    assert (table["verdict"] == "green").all() and (table["not for"] == "–").all()


@pytest.mark.parametrize(
    ("changes", "verdicts", "word"),
    [
        ({"columns": {1: {"distance": 0.2, "verdict": "red"}}}, ("green", "red", "green"), "by itself"),
        ({"pairs": {0: {"synthetic": 0.35}}}, ("amber", "amber", "green"), "a link is lost"),
        ({"pairs": {1: {"synthetic": 0.3}}}, ("red", "green", "red"), "a link is invented"),
        ({"pairs": {0: {"synthetic": 0.35, "real reference": 0.37}}}, ("green", "green", "green"), "should be"),
        ({"prediction": {0: {"relative error": 1.2}}}, ("amber", "green", "green"), "follows less well"),
        ({"prediction": {2: {"relative error": 1.2}}}, ("green", "green", "green"), "should be"),  # it never followed
        ({"giveaways": {2: {"importance": 0.15}}}, ("green", "green", "red"), "gives synthetic records away"),
    ],
)
def test_each_fault_is_named(changes, verdicts, word):
    table = frames(**changes)
    assert tuple(table["verdict"]) == verdicts
    assert table["why"].str.contains(word).any()


def test_all_faults_stand_behind_the_worst():
    table = frames(columns={0: {"verdict": "amber"}}, pairs={0: {"synthetic": 0.1}})
    assert table.loc["age", "verdict"] == "red" and "sick" in table.loc["age", "why"]
    assert table.loc["age", "not for"] == "counts and shares of it; its link with sick"


def test_only_columns_were_judged():
    columns = pd.DataFrame({"column": ["a"], "distance": [0.0], "real reference": [np.nan], "verdict": ["green"]})
    assert trust_table(columns=columns)["verdict"].tolist() == ["green"]


def test_a_report_has_its_trust_table(fresh, scrambled):
    good, bad = (report.table("trust").set_index("column")["verdict"] for report in (fresh, scrambled))
    assert (good == "green").sum() >= 4 and "red" not in set(good)
    assert set(bad[["age", "blood", "pills", "sick"]]) == {"red"} and bad["sex"] == "green"


def test_the_column_behind_a_lost_link_is_named(cohort):
    train, synthetic, holdout = cohort
    table = judged(train, Dataset(scrambled_frame(synthetic.frame, "blood"), source="synthetic"), holdout)
    assert table.loc["blood", "verdict"] == "red" and table.loc["sex", "verdict"] == "green"
    assert table.loc["blood", "with"] == "age"


def test_chance_is_no_fault_and_red_must_be_sure():
    for half, verdict in ((0.02, "red"), (0.1, "amber"), (0.2, "green")):
        intervals = {"low": -0.5 - half, "high": -0.5 + half}
        columns = pd.DataFrame({"column": ["a", "b"], "distance": 0.0, "real reference": 0.0, "verdict": "green"})
        link = {"first": ["a"], "second": ["b"], "train": [0.6], "synthetic": [0.35], "real reference": [0.6]}
        table = trust_table(columns=columns, pairs=pd.DataFrame(link).assign(**intervals))
        assert set(table["verdict"]) == {verdict}


def test_little_is_lost_of_much_is_no_fault():
    # 1.3 times the error, where independent columns make tenfold: three hundredths of the way
    assert frames(prediction={0: {"relative error": 1.3, "floor": 10.0}})["verdict"]["age"] == "green"
    assert frames(prediction={0: {"relative error": 1.3, "floor": 1.4}})["verdict"]["age"] == "red"


def test_columns_that_were_not_compared_are_not_trusted():
    columns = pd.DataFrame({"column": ["a", 7], "distance": 0.0, "real reference": 0.0, "verdict": "green"})
    notes = [
        left_out("notes", "looks like free text"),
        left_out(7, "3 infinite values were counted as missing", compared=True),
        left_out("x", "only in synthetic"),
        Skipped("DCR share", "takes a holdout"),
    ]
    table = trust_table(notes, columns=columns).set_index("column")
    assert table["verdict"].to_dict() == {"a": "green", 7: "green", "notes": "grey", "x": "grey"}
    assert table.loc["notes", "why"] == "it was not compared: looks like free text"


def make(seed: int, n: int = 600) -> pd.DataFrame:
    """Two numbers that hang together, two levels that do, a number of two modes with gaps, and a level."""
    rng = np.random.default_rng(seed)
    first, p = rng.normal(size=n), rng.integers(0, 2, n)
    number = np.where(rng.random(n) < 0.7, rng.normal(0, 1, n), rng.normal(9, 1, n))
    return pd.DataFrame(
        {
            "first": first,
            "second": first + rng.normal(0, 0.5, n),
            "p": p.astype(str),
            "q": np.where(rng.random(n) < 0.8, p, 1 - p).astype(str),
            "number": np.where(rng.random(n) < 0.1, np.nan, number),
            "level": rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2]),
        }
    )


def make_parity(seed: int, keep: bool = True) -> pd.DataFrame:
    """Three levels of which any two are independent, and each follows from the two others; and one beside them."""
    a, b, c, d = np.random.default_rng(seed).integers(0, 2, (4, 1000))
    return pd.DataFrame({"a": a, "b": b, "c": a ^ b if keep else c, "d": d}).astype(str)


def judged(train, synthetic, holdout) -> pd.DataFrame:
    return ask("trust in single variables", train, synthetic, holdout=holdout).table("trust").set_index("column")


def scrambled_frame(frame: pd.DataFrame, *names: str) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return frame.assign(**{name: rng.permutation(frame[name]) for name in names})


FAULTS = {
    "none": (lambda f: f, set(), ""),
    "a link destroyed": (lambda f: scrambled_frame(f, "second"), {"first", "second"}, "a link is lost"),
    "a link of levels destroyed": (lambda f: scrambled_frame(f, "q"), {"p", "q"}, "a link is lost"),
    "a mode dropped": (lambda f: f.assign(number=f["number"].where(~(f["number"] > 5), 0)), {"number"}, "by itself"),
    "a level dropped": (lambda f: f.assign(level=f["level"].replace("c", "a")), {"level"}, "by itself"),
    "gaps filled in": (lambda f: f.assign(number=f["number"].where(f.index % 2 == 0)), {"number"}, "by itself"),
    "a link invented": (
        lambda f: f.assign(level=np.where(f["p"] == "1", "a", f["level"])),
        {"p", "q", "level"},
        "link is invented",
    ),
    "independent columns": (
        lambda f: Marginals(random_state=0).fit(f).sample(len(f)),
        {"first", "second", "p", "q"},
        "",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_where_it_is_and_nowhere_else(fault):
    plant, at_fault, why = FAULTS[fault]
    table = judged(make(1), plant(make(2)), make(3))
    assert set(table.index[table["verdict"] != "green"]) == at_fault
    assert set(table.loc[list(at_fault), "verdict"]) <= {"red"}
    assert table.loc[list(at_fault), "why"].str.contains(why).any() or not at_fault


@pytest.mark.slow
def test_what_only_three_columns_show_is_found_too():
    table = judged(make_parity(1), make_parity(2, keep=False), make_parity(3))
    assert table["verdict"].to_dict() == {"a": "red", "b": "red", "c": "red", "d": "green"}
    assert table.loc["c", "why"].startswith("it follows less well from the others")
    assert table["link"].abs().max() < 0.1
    assert set(judged(make_parity(1), make_parity(2), make_parity(3))["verdict"]) == {"green"}


def test_the_same_records_again_are_trusted():
    assert set(judged(make(1), make(1), make(3))["verdict"]) == {"green"}


def test_one_record_repeated_is_trusted_in_nothing():
    one = make(2).iloc[np.full(600, 7)].reset_index(drop=True)
    assert set(judged(make(1), one, make(3))["verdict"]) == {"red"}


def test_small_fresh_samples_are_trusted_in_nearly_everything():
    verdicts = [judged(*(make(seed + more, 200) for more in (20, 60, 80)))["verdict"] for seed in range(3)]
    verdicts = pd.concat(verdicts)
    assert verdicts.isin(["green", "grey"]).mean() > 0.95  # 200 records cannot tell of every column
    assert (verdicts == "green").mean() > 0.8
