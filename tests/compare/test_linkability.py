from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.sides import look
from shd.compare.core.tables import align
from shd.compare.privacy import linkability as module


@pytest.fixture(scope="module")
def inputs(cohort):
    train, synthetic, holdout = cohort
    return look({"train": train, "synthetic": synthetic, "holdout": holdout})


def test_links_by_hand():
    release = pd.DataFrame({"a": [0.0, 1, 2, 9], "b": [0.0, 9, 2, 1]})
    (train, people), _ = align(release, pd.DataFrame({"a": [0.0, 1.0, 9.0], "b": [0.1, 1.0, 6.0]}))
    halves = (np.array([0]), np.array([1]))
    # one neighbour: 0 and 0; 1 and 3; 3 and 1 (9 is nearer to 6 than 2 is)
    assert module._linked(people, train, halves, train, 1).tolist() == [True, False, False]
    # two: {0,1} and {0,3}; {1,0} and {3,0}, of equally near ones the first; {3,2} and {1,2}
    assert module._linked(people, train, halves, train, 2).tolist() == [True, True, True]


def test_halves_are_disjoint_and_tell_equally_much(people):
    order = ["age", "sex", "sick", "blood", "pills"]
    table = align(people(200, 1)[order], people(200, 2)[order])[0][0]
    for first, second in [cut for seed in range(5) for cut in module._halves(table, np.random.default_rng(seed))]:
        assert sorted([*first, *second]) == [0, 1, 2, 3, 4]
        assert len(first) - len(second) in (0, 1)
        assert len({0, 3} & set(first)) == 1  # age and blood tell most, and are apart


def test_a_copy_of_train_is_caught(inputs):
    (score,) = module.measure(replace(inputs, synthetic=inputs.train)).scores
    assert score.verdict == "red" and score.value > 0.3


def test_new_people_and_independent_columns_link_nobody(inputs, people):
    other = look({"train": people(800, 31), "synthetic": people(800, 32), "holdout": people(800, 33)})
    for given in (inputs, replace(inputs, synthetic=inputs.floor), other):
        assert module.measure(given).scores[0].verdict in ("green", "grey")


def test_the_score_stands_beside_its_references(inputs):
    answer = module.measure(inputs)
    score, frame = answer.scores[0], answer.tables["linkability"]
    assert score.low <= score.value <= score.high
    assert frame["release"].tolist() == ["synthetic", "floor", "ceiling"]
    assert frame["excess"].tolist() == [score.value, score.floor, score.ceiling]
    assert "held out" in score.sentence and score.sentence.endswith("does not bring the records of people together.")


def test_the_same_seed_gives_the_same_digits(inputs):
    assert module.measure(inputs).scores == module.measure(inputs).scores


def test_what_cannot_be_judged_is_said(people):
    assert "takes a holdout" in ask("linkability", people(50, 1), people(50, 2)).skipped[-1].why
    one = [people(50, k)[["age"]] for k in range(3)]
    assert "at least 2 columns" in ask("linkability", *one[:2], holdout=one[2]).skipped[-1].why
