"""What every module on fidelity has to stand: odd tables, no holdout, the same digits again, known answers."""

import numpy as np
import pandas as pd
import pytest

from shd.compare.ask import answers
from shd.compare.core.sides import Sides, look
from shd.compare.fidelity import c2st, columns, missingness, neighbourhoods, pairs, principal_axes, propensity, triples
from shd.compare.utility import prediction
from shd.dataset import Dataset

MODULES = (columns, pairs, c2st, propensity, prediction, neighbourhoods, triples, missingness, principal_axes)
QUESTIONS = tuple(module.QUESTION for module in MODULES)


def sides_of(train, synthetic, holdout=None, level="full") -> Sides:
    given = {"train": train, "synthetic": synthetic, **({} if holdout is None else {"holdout": holdout})}
    return look(given, level=level)


def _odd_tables() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(0)
    plain = pd.DataFrame({"x": rng.normal(size=60), "g": rng.choice(["a", "b"], 60), "k": rng.choice([0, 1], 60)})
    days = pd.Timestamp("2020-11-14") + pd.to_timedelta(np.arange(60), unit="D")
    return {
        "one record": plain.head(1),
        "two records": plain.head(2),
        "one column": plain[["x"]],
        "one column of levels": plain[["g"]],
        "constant": pd.DataFrame({"x": [1.0] * 60, "g": ["a"] * 60, "k": [0] * 60}),
        "all missing": pd.DataFrame({"x": [np.nan] * 60, "g": [None] * 60, "k": [np.nan] * 60}),
        "constant columns": plain.assign(x=1.0, g="a"),
        "missing columns": plain.assign(x=np.nan, g=None),
        "a column half missing": plain.assign(x=plain["x"].where(plain["k"] == 0)),
        "huge numbers": plain.assign(x=plain["x"] * 1e200),
        "infinite numbers": plain.assign(x=np.where(plain["x"] > 1, np.inf, plain["x"])),
        "dates": plain.assign(x=days),
        "many levels": plain.assign(g=rng.integers(0, 40, 60).astype(str)),
        "names that are numbers": plain.set_axis([0, 1, 2], axis=1),
        "few different records": plain[["g", "k"]].assign(h=plain["g"]),
    }


def judged(*tables) -> None:
    """Ask every question: each is answered or skipped with a reason, and numbers are numbers."""
    for question, answer in answers(QUESTIONS, sides_of(*tables)).items():
        assert answer.scores or answer.tables or answer.skipped, question.name
        for score in answer.scores:
            assert np.isfinite([score.value, score.low, score.high]).all(), score
            assert score.floor is None or np.isfinite(score.floor)
            assert score.low <= score.value <= score.high
            assert score.ceiling is None or np.isfinite(score.ceiling)


@pytest.mark.parametrize("odd", list(_odd_tables()))
@pytest.mark.parametrize("with_holdout", [True, False])
def test_odd_tables_are_judged_or_skipped_with_a_reason(odd, with_holdout):
    table = _odd_tables()[odd]
    judged(table, table.copy(), table.copy() if with_holdout else None)


def test_a_holdout_of_two_records_is_enough_to_go_on(people):
    judged(people(60, 1), people(60, 2), people(2, 3))


def test_nothing_in_common_is_no_obstacle(people):
    train = people(60, 1)
    judged(train, train.assign(age=train["age"] + 1e6, sex="x", pills="more", sick="maybe", blood=0.0), people(60, 3))


@pytest.mark.parametrize("level", ["quick", "full"])
def test_the_same_seed_gives_the_same_digits(people, level):
    tables = people(300, 1), people(250, 2), people(100, 3)
    first, second = (answers(QUESTIONS, sides_of(*tables, level)) for _ in range(2))
    for question, answer in first.items():
        assert answer.scores == second[question].scores
        for name, frame in answer.tables.items():
            pd.testing.assert_frame_equal(frame, second[question].tables[name])


@pytest.mark.slow
@pytest.mark.parametrize("holdout", [302, None])
def test_a_fresh_sample_is_green_with_and_without_a_holdout(people, holdout):
    held = None if holdout is None else people(1500, holdout)
    for answer in answers(QUESTIONS, sides_of(people(1500, 102), people(1500, 202), held)).values():
        assert {score.verdict for score in answer.scores} <= {"green", "grey"}, answer.scores


def test_one_record_repeated_is_red_by_every_measure(people):
    train = people(400, 1)
    one = train.iloc[np.zeros(400, dtype=int)].reset_index(drop=True)
    found = answers(QUESTIONS, sides_of(train, one, people(400, 3)))
    for score in (score for answer in found.values() for score in answer.scores):
        assert score.verdict == "red" or score.metric in ("precision", "density"), score


def test_stand_in_records_never_pass_for_real_ones(cohort):
    train, synthetic, holdout = cohort
    train, holdout = (
        Dataset(data.frame.assign(age=data.frame["age"].where(data.frame["age"] > 45)), source="stand-in")
        for data in (train, holdout)
    )
    found = answers(QUESTIONS, sides_of(train, synthetic, holdout))
    said = " ".join(score.sentence for answer in found.values() for score in answer.scores)
    assert "stand-in" in said and "real" not in said
    assert set(found[principal_axes.QUESTION].tables["map"]["source"]) == {"stand-in", "synthetic"}
