from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare.core.sides import look
from shd.compare.privacy import anonymity
from shd.compare.privacy.anonymity import k_anonymity, k_map
from shd.dataset import Dataset

TABLE = pd.DataFrame({"sex": list("ffffffmm"), "age": [30, 30, 30, 30, 30, 40, 30, None], "x": range(8)})


def _citizens(n, seed):
    """Where someone lives and in which year they were born: many combinations, most of them rare."""
    rng = np.random.default_rng(seed)
    place = pd.Categorical((rng.exponential(6, n)).astype(int).clip(0, 40).astype(str))
    return pd.DataFrame({"place": place, "year": rng.integers(0, 80, n) * 1.0, "sex": rng.choice(["f", "m"], n)})


def _prepare(train, synthetic, holdout, sensitive=("place", "year", "sex")):
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    return replace(look({name: t for name, t in given.items() if t is not None}), sensitive=sensitive)


def test_groups_by_hand():
    # f 30 five times; f 40, m 30 and m missing once
    assert k_anonymity(TABLE, ["sex", "age"]) == {"smallest group": 1, "below 5": 3, "unique": 3}
    assert k_anonymity(TABLE, "sex") == {"smallest group": 2, "below 5": 2, "unique": 0}


def test_k_map_by_hand():
    real = pd.DataFrame({"sex": list("mmmff"), "age": [30, 30, None, 50, 30], "x": 0})
    # f 40 is nobody, m 30 two people, m missing one
    assert sorted(k_map(TABLE, real, ["sex", "age"])) == [0, 1, 2]
    assert k_map(TABLE, Dataset(real, subjects=[7, 7, 8, 9, 9]), ["sex", "age"]).max() == 1


def test_a_copy_of_train_is_caught():
    train, holdout = _citizens(1500, 1), _citizens(1500, 2)
    of = {score.metric: score for score in anonymity.measure(_prepare(train, train, holdout)).scores}
    assert of["k-map: one person"].verdict == "red" and of["k-map: one person"].value > 0.4
    # the groups of a copy are those of real records: this is what k-anonymity cannot see
    assert of["k-anonymity: below 5"].verdict == "grey"


@pytest.mark.parametrize("seed", [3, 13])
def test_new_people_and_independent_columns_are_no_alarm(seed):
    inputs = _prepare(_citizens(1500, 1), _citizens(1500, seed), _citizens(1500, 2))
    for given in (inputs, replace(inputs, synthetic=inputs.floor)):
        groups, one_person = (score.verdict for score in anonymity.measure(given).scores)
        assert groups == "grey" and one_person in ("green", "grey")


def test_smaller_groups_than_real_ones_are_amber():
    rng = np.random.default_rng(0)
    train, holdout = (pd.DataFrame({"k": rng.integers(0, 9, 500).astype(str)}) for _ in range(2))
    spread = pd.DataFrame({"k": rng.integers(0, 190, 500).astype(str)})
    score = anonymity.measure(_prepare(train, spread, holdout, ("k",))).scores[0]
    assert score.verdict == "amber" and "more than real ones, and easier" in score.sentence
    assert score.ceiling == 0 and score.low <= score.value <= score.high


def test_the_frame_counts_every_combination_once():
    answer = anonymity.measure(_prepare(_citizens(1500, 1), _citizens(1500, 3), _citizens(1500, 2)))
    frame, unique = answer.tables["k-map"], k_anonymity(_citizens(1500, 3), ["place", "year", "sex"])["unique"]
    assert frame["people"].tolist() == ["nobody", "1", "2 to 4", "5 or more"]
    assert frame["in train"].sum() == frame["in holdout"].sum() == unique
    assert f"{unique:,} combinations of place, year and sex" in answer.scores[1].sentence


def test_what_a_neighbour_knows(cohort):
    train, synthetic, holdout = cohort
    inputs = _prepare(train, synthetic, holdout, ())
    assert anonymity._quasi_identifiers(inputs) == ["pills", "sex"]  # not the target, not what has many values
    assert anonymity._quasi_identifiers(replace(inputs, sensitive=("age",))) == ["age"]


def test_the_same_seed_gives_the_same_digits():
    inputs = _prepare(_citizens(800, 1), _citizens(800, 3), _citizens(700, 2))
    assert anonymity.measure(inputs).scores == anonymity.measure(inputs).scores


def test_what_cannot_be_judged_is_said(people):
    answer = anonymity.measure(_prepare(people(60, 1), people(60, 2), None, ()))
    assert len(answer.scores) == 1 and "takes a holdout" in answer.skipped[0].why
    answer = anonymity.measure(_prepare(people(60, 1), people(60, 2), people(60, 3), ()))
    assert "combinations of pills, sick and sex" in answer.skipped[0].why
    numbers = (people(60, k)[["blood"]] for k in (1, 2, 3))
    assert "no column is sensitive" in anonymity.measure(_prepare(*numbers, ())).skipped[0].why


@pytest.mark.parametrize("columns, said", [([], "no column was named"), (["colour"], "'colour' is not in the table")])
def test_bad_input_is_refused(columns, said):
    with pytest.raises(ShdError, match=said):
        k_anonymity(TABLE, columns)
    with pytest.raises(ShdError, match=said):
        k_map(TABLE, TABLE, columns)
