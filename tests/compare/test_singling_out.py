from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.sides import look
from shd.compare.core.tables import align
from shd.compare.privacy import singling_out as module

UNIVARIATE, MULTIVARIATE = "singling out: univariate", "singling out: multivariate"


def _rng():
    return np.random.default_rng(0)


def _codes(n, seed):
    """A table with rare levels: some codes belong to one or two people, most to many."""
    rng = np.random.default_rng(seed)
    common, rare = rng.integers(0, 20, n), rng.integers(0, 2000, n)
    number = np.where(rng.random(n) < 0.1, 1000 + rare, common)
    return pd.DataFrame({"number": number * 1.0, "kind": pd.Categorical(rng.choice(list("abc"), n))})


@pytest.fixture(scope="module")
def inputs(cohort):
    train, synthetic, holdout = cohort
    return look({"train": train, "synthetic": synthetic, "holdout": holdout})


def test_single_values_by_hand():
    release = pd.DataFrame({"c": ["a"] * 18 + ["b", "c"], "n": [1.0] * 18 + [5.0, 9.0]})
    train = pd.DataFrame({"c": ["a", "b", "b", "c"], "n": [1.0, 9.0, 6.0, 12.0]})
    holdout = pd.DataFrame({"c": ["c", "c", "a", "a"], "n": [9.0, 5.0, 2.0, 1.0]})
    (release, *crowds), _ = align(release, train, holdout)
    records, won = module._by_one_value(release, crowds, 100, _rng())
    found = sorted(zip(records.tolist(), won.tolist(), strict=True))
    # record 18: b is held by two of train and nobody held out; 5 by nobody and one
    # record 19: c by one and two; 9 by one and one; 9 or more by two and one (1, the smallest, is not single)
    assert found == [(18, [0, 0]), (18, [0, 1]), (19, [0, 1]), (19, [1, 0]), (19, [1, 1])]


def test_several_records_of_one_person_are_one_person():
    release = pd.DataFrame({"c": ["a"] * 9 + ["b"]})
    (release, crowd), _ = align(release, pd.DataFrame({"c": ["b", "b", "a"]}))
    object.__setattr__(crowd, "subjects", np.array([4, 4, 5]))
    _, won = module._by_one_value(release, (crowd, crowd.take([0, 2])), 100, _rng())
    assert won.tolist() == [[1, 1]]
    frame = pd.DataFrame({"n": [1.0] * 9 + [2.0]})
    (numbers, crowd), _ = align(frame, pd.DataFrame({"n": [2.0, 3.0, 1.0]}))
    object.__setattr__(crowd, "subjects", np.array([4, 4, 5]))
    assert module._by_one_value(numbers, (crowd, crowd), 100, _rng())[1].tolist() == [[1, 1]] * 2  # 2, and 2 or more
    assert module._by_several(numbers, (crowd, crowd), 100, _rng())[1].tolist() == [[1, 1]]
    (release, crowd), _ = align(pd.DataFrame({"c": ["a"] * 9 + ["b"]}), pd.DataFrame({"c": ["b", "b", "a"]}))
    object.__setattr__(crowd, "subjects", np.array([4, 5, 5]))
    assert module._by_one_value(release, (crowd, crowd), 100, _rng())[1].tolist() == [[0, 0]]


def test_values_that_hardly_repeat_are_nothing_rare(people):
    (release, crowd), _ = align(people(400, 1)[["blood"]], people(400, 2)[["blood"]])
    records, _ = module._by_one_value(release, (crowd, crowd), 1000, _rng())
    assert len(records) == 2  # the largest and the smallest


def test_combinations_hold_for_their_record_alone(people):
    (release, crowd), _ = align(people(300, 1), people(300, 2))
    records, won = module._by_several(release, (release, crowd), 1000, _rng())
    assert len(records) > 200 and len(np.unique(records)) == len(records)
    assert won[:, 0].all() and won[:, 1].mean() < 0.5


def test_a_record_with_a_double_makes_no_combination():
    frame = pd.DataFrame({"a": ["x", "x", "y"], "b": ["u", "u", "v"]})
    (release, crowd), _ = align(frame, frame)
    records, won = module._by_several(release, (crowd, crowd), 10, _rng())
    assert records.tolist() == [2] and won.tolist() == [[1, 1]]


def test_matching_stops_when_few_are_left():
    table = np.array([[0, 0, 1, 1], [0, 1, 0, 1], [5, 5, 5, 6]])
    rows, used = module._matching(table, np.array([0, 1, 5]), np.array([2, 0, 1]), enough=1)
    assert rows.tolist() == [1] and used == 3
    rows, used = module._matching(table, np.array([0, 1, 6]), np.array([2, 0, 1]), enough=1)
    assert rows.tolist() == [3] and used == 1


def test_a_copy_of_train_is_caught_by_both(inputs):
    (score,) = module.measure(replace(inputs, synthetic=inputs.train)).scores
    assert score.metric == MULTIVARIATE and score.verdict == "red" and score.value > 0.4
    train, holdout = _codes(2000, 1), _codes(2000, 2)
    scores = module.measure(look({"train": train, "synthetic": train, "holdout": holdout})).scores
    assert {score.metric: score.verdict for score in scores} == {UNIVARIATE: "red"}


def test_new_people_and_independent_columns_single_nobody_out(inputs, people):
    tables = {"train": people(800, 31), "synthetic": people(800, 32), "holdout": people(800, 33)}
    other = look(tables)
    codes = look({name: _codes(2000, k) for k, name in enumerate(tables)})
    for given in (inputs, replace(inputs, synthetic=inputs.floor), other, codes):
        assert {score.verdict for score in module.measure(given).scores} <= {"green", "grey"}
    assert [score.metric for score in module.measure(codes).scores] == [UNIVARIATE]


def test_scores_stand_beside_what_is_won_on_people_held_out(inputs):
    answer = module.measure(inputs)
    score, frame = answer.scores[0], answer.tables["singling out"]
    assert score.low <= score.value <= score.high and score.floor is not None and score.ceiling is not None
    assert score.verdict == "grey"  # 400 people are too few for the all-clear
    assert "held out" in score.sentence and score.sentence.endswith("so few cannot show more.")
    assert frame["kind"].tolist() == ["multivariate"]
    assert frame["excess"].tolist() == pytest.approx((frame["train"] - frame["holdout"]).tolist())
    assert answer.skipped[0].what == "singling out, univariate"


def test_the_same_seed_gives_the_same_digits(inputs):
    first, second = module.measure(inputs), module.measure(inputs)
    assert first.scores == second.scores
    pd.testing.assert_frame_equal(first.tables["singling out"], second.tables["singling out"])


def test_what_cannot_be_judged_is_said(people):
    assert "takes a holdout" in ask("singling out", people(50, 1), people(50, 2)).skipped[-1].why
    same = [pd.DataFrame({"a": ["x"] * 50}) for _ in range(3)]
    found = ask("singling out", *same[:2], holdout=same[2])
    assert not found.scores and not found.tables and len(found.skipped) == 2
