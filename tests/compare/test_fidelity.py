"""What every module on fidelity has to stand: odd tables, no holdout, the same digits again, known answers."""

import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.question import NEEDS
from shd.compare.fidelity import (
    c2st,
    columns,
    missingness,
    neighbourhoods,
    pairs,
    principal_axes,
    propensity,
    triples,
)
from shd.compare.utility import prediction

MODULES = (columns, pairs, c2st, propensity, prediction, neighbourhoods, triples, missingness, principal_axes)
of_modules = pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__.rsplit(".", 1)[-1])


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


def _judged(module, train, synthetic, holdout=None) -> None:
    answer = ask(module.QUESTION.name, train, synthetic, holdout=holdout)
    assert answer.scores or answer.tables or [note for note in answer.skipped if note.kind in ("measure", *NEEDS)]
    for score in answer.scores:
        assert np.isfinite([score.value, score.low, score.high]).all(), score
        assert score.floor is None or np.isfinite(score.floor)
        assert score.low <= score.value <= score.high
        assert score.ceiling is None or np.isfinite(score.ceiling)


@of_modules
@pytest.mark.parametrize("odd", list(_odd_tables()))
@pytest.mark.parametrize("with_holdout", [True, False])
def test_odd_tables_are_judged_or_skipped_with_a_reason(module, odd, with_holdout):
    table = _odd_tables()[odd]
    _judged(module, table, table.copy(), table.copy() if with_holdout else None)


@of_modules
def test_a_holdout_of_two_records_is_enough_to_go_on(module, people):
    _judged(module, people(60, 1), people(60, 2), people(2, 3))


@of_modules
def test_nothing_in_common_is_no_obstacle(module, people):
    train = people(60, 1)
    other = train.assign(age=train["age"] + 1e6, sex="x", pills="more", sick="maybe", blood=0.0)
    _judged(module, train, other, people(60, 3))


@of_modules
@pytest.mark.parametrize("level", ["quick", "full"])
def test_the_same_seed_gives_the_same_digits(module, people, level):
    tables = people(300, 1), people(250, 2)
    first, second = (ask(module.QUESTION.name, *tables, holdout=people(100, 3), level=level) for _ in range(2))
    assert first.scores == second.scores
    for name, frame in first.tables.items():
        pd.testing.assert_frame_equal(frame, second.tables[name])


@of_modules
def test_a_fresh_sample_is_green_with_and_without_a_holdout(module, people):
    for holdout in (people(1500, 302), None):
        answer = ask(module.QUESTION.name, people(1500, 102), people(1500, 202), holdout=holdout)
        assert {score.verdict for score in answer.scores} <= {"green", "grey"}, answer.scores


def test_one_record_repeated_is_red_by_every_measure(people):
    train = people(400, 1)
    one = train.iloc[np.zeros(400, dtype=int)].reset_index(drop=True)
    answers = {module: ask(module.QUESTION.name, train, one, holdout=people(400, 3)) for module in MODULES[:-2]}
    near = answers.pop(neighbourhoods)
    for module, answer in answers.items():
        assert {score.verdict for score in answer.scores} == {"red"}, module
    assert near.score("recall").verdict == near.score("coverage").verdict == "red"


def test_stand_in_records_never_pass_for_real_ones(cohort):
    from shd.dataset import Dataset

    train, synthetic, holdout = cohort
    train, holdout = (Dataset(data.frame.assign(age=data.frame["age"].where(data.frame["age"] > 45)),
                              source="stand-in") for data in (train, holdout))  # fmt: skip
    answers = [ask(module.QUESTION.name, train, synthetic, holdout=holdout) for module in MODULES]
    said = " ".join(score.sentence for answer in answers for score in answer.scores)
    assert "stand-in" in said and "real" not in said
    assert set(answers[-1].tables["map"]["source"]) == {"stand-in", "synthetic"}
