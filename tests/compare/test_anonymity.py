from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.sides import look
from shd.compare.core.tables import align
from shd.compare.privacy import anonymity, k_map
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


def _measure(sides):
    """Return the scores and tables of both questions."""
    parts = [question.measure(sides) for question in (anonymity.QUESTION, k_map.QUESTION)]
    return {score.metric: score for part in parts for score in part.scores}, parts[1]


def test_groups_by_hand():
    # f 30 five times; f 40, m 30 and m missing once
    sentence = anonymity.measure(_prepare(TABLE, TABLE, None, ("sex", "age"))).scores[0].sentence
    assert "By sex and age, 3 of 8 synthetic records are in groups of fewer than 5 and 3 are unique" in sentence
    sentence = anonymity.measure(_prepare(TABLE, TABLE, None, ("sex",))).scores[0].sentence
    assert "2 of 8 synthetic records" in sentence and "0 are unique, the smallest group has 2" in sentence


def test_k_map_by_hand():
    real = pd.DataFrame({"sex": list("mmmff"), "age": [30, 30, None, 50, 30], "x": 0})
    for subjects, people in (([1, 2, 3, 4, 5], [0, 1, 2]), ([7, 7, 8, 9, 9], [0, 1, 1])):
        (synthetic, crowd), _ = align(TABLE, Dataset(real, subjects=subjects))
        crowd = replace(crowd, subjects=np.array(subjects))
        found = k_map._held_by(synthetic, crowd, crowd, ["sex", "age"], np.random.default_rng(0))
        # f 40 is nobody, m 30 two people, m missing one
        assert sorted(found[:, 0]) == sorted(found[:, 1]) == people


def test_a_copy_of_train_is_caught():
    train, holdout = _citizens(1500, 1), _citizens(1500, 2)
    of, _ = _measure(_prepare(train, train, holdout))
    assert of["k-map: one person"].verdict == "red" and of["k-map: one person"].value > 0.4
    # the groups of a copy are those of real records: this is what k-anonymity cannot see
    assert of["k-anonymity: below 5"].verdict == "grey"


@pytest.mark.parametrize("seed", [3, 13])
def test_new_people_and_independent_columns_are_no_alarm(seed):
    inputs = _prepare(_citizens(1500, 1), _citizens(1500, seed), _citizens(1500, 2))
    for given in (inputs, replace(inputs, synthetic=inputs.floor)):
        groups, one_person = (score.verdict for score in _measure(given)[0].values())
        assert groups == "grey" and one_person in ("green", "grey")


def test_smaller_groups_than_real_ones_are_amber():
    rng = np.random.default_rng(0)
    train, holdout = (pd.DataFrame({"k": rng.integers(0, 9, 500).astype(str)}) for _ in range(2))
    spread = pd.DataFrame({"k": rng.integers(0, 190, 500).astype(str)})
    score = anonymity.measure(_prepare(train, spread, holdout, ("k",))).scores[0]
    assert score.verdict == "amber" and "more than real ones, and easier" in score.sentence
    assert score.ceiling == 0 and score.low <= score.value <= score.high


def test_the_frame_counts_every_combination_once():
    scores, answer = _measure(_prepare(_citizens(1500, 1), _citizens(1500, 3), _citizens(1500, 2)))
    frame, unique = answer.tables["k-map"], (_citizens(1500, 3).value_counts() == 1).sum()
    assert frame["people"].tolist() == ["nobody", "1", "2 to 4", "5 or more"]
    assert frame["in train"].sum() == frame["in holdout"].sum() == unique
    assert f"{unique:,} combinations of place, year and sex" in scores["k-map: one person"].sentence
    assert f"and {unique:,} are unique" in scores["k-anonymity: below 5"].sentence


def test_what_a_neighbour_knows(cohort):
    train, synthetic, holdout = cohort
    inputs = _prepare(train, synthetic, holdout, ())
    assert anonymity.quasi_identifiers(inputs) == ["pills", "sex"]  # not the target, not what has many values
    assert anonymity.quasi_identifiers(replace(inputs, sensitive=("age",))) == ["age"]


def test_the_same_seed_gives_the_same_digits():
    inputs = _prepare(_citizens(800, 1), _citizens(800, 3), _citizens(700, 2))
    assert _measure(inputs)[0] == _measure(inputs)[0]


def test_what_cannot_be_judged_is_said(people):
    found = ask("k-map", people(60, 1), people(60, 2))
    assert found.scores == () and "takes a holdout" in found.skipped[-1].why
    found = ask("k-map", people(60, 1), people(60, 2), holdout=people(60, 3))
    assert "combinations of pills, sick and sex" in found.skipped[0].why
    numbers = [people(60, k)[["blood"]] for k in (1, 2, 3)]
    for name in ("k-anonymity", "k-map"):
        assert "no column is sensitive" in ask(name, *numbers[:2], holdout=numbers[2]).skipped[0].why
