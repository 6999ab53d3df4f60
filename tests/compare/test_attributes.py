from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.gower import Gower
from shd.compare.core.sides import look
from shd.compare.core.tables import align
from shd.compare.privacy import attributes
from shd.dataset import Dataset


@pytest.fixture(scope="module")
def inputs(cohort):
    train, synthetic, holdout = cohort
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    return replace(look(given), sensitive=("sex", "pills"))


def _right(people, release, guesses):
    guessed = attributes._guessed(people, release, guesses, Gower.of(release))
    pairs = [(guessed[:, k], people.values[:, guess.column]) for k, guess in enumerate(guesses)]
    return np.column_stack([guess.right(*pair) for guess, pair in zip(guesses, pairs, strict=True)])


def test_guesses_by_hand():
    known = {"place": list("aabb"), "age": [0.0, 10.0, 0.0, 10.0]}
    release = pd.DataFrame({**known, "ill": ["flu", "cold", "none", "flu"], "cost": [1.0, 2.0, 3.0, 9.0]})
    person = pd.DataFrame({"place": ["a", "b"], "age": [9.0, 2.0], "ill": ["cold", "flu"], "cost": [2.05, 3.0]})
    (train, people), _ = align(release, person)
    guesses = [attributes._Guess.of(j, train) for j in (2, 3)]
    # the first one is like the second record: cold, and 2 is within a tenth of a deviation of 2.05; the
    # other one like the third, none where flu is true, or, with the flu known, like the last: 9 for 3
    assert _right(people, train, guesses).tolist() == [[True, True], [False, False]]


def test_the_value_guessed_is_not_among_what_is_known():
    # the nearest by all columns has the true value; the nearest by what the attacker knows has not
    release = pd.DataFrame({"c": ["x", "y"], "n": [0.4, 1.0], "m": [0.0, 0.0]})
    (train, people), _ = align(release, pd.DataFrame({"c": ["x"], "n": [0.8], "m": [0.0]}))
    guess = attributes._Guess.of(0, train)
    assert not _right(people, train, [guess]).any()


def test_missing_values_are_levels():
    release = pd.DataFrame({"k": ["a", "b"], "n": [np.nan, 5.0]})
    (train, people), _ = align(release, pd.DataFrame({"k": ["a", "b", "b"], "n": [np.nan, np.nan, 5.0]}))
    won = _right(people, train, [attributes._Guess.of(1, train)])
    assert won[:, 0].tolist() == [True, False, True]


def test_a_copy_of_train_is_caught(inputs):
    score = attributes.measure(replace(inputs, synthetic=inputs.train)).scores[0]
    assert score.verdict == "red" and score.value > 0.3 and score.low > 0.2
    assert " from the most similar" in score.sentence and score.sentence.endswith("the release betrays its people.")


def test_new_people_and_independent_columns_betray_nobody(inputs, people):
    for release in (inputs.synthetic, inputs.floor):
        scores = attributes.measure(replace(inputs, synthetic=release)).scores
        assert {score.verdict for score in scores} <= {"green", "grey"}
    other = look({"train": people(800, 31), "synthetic": people(800, 32), "holdout": people(800, 33)})
    assert {score.verdict for score in attributes.measure(other).scores} <= {"green", "grey"}


@pytest.mark.parametrize("declared", [True, False])
def test_people_with_a_rare_level_are_found_where_it_betrays_them(people, declared):
    """Of each person who has it one record with one other cell changed, among records of new people."""
    rng = np.random.default_rng(0)
    tables = [people(1500, seed) for seed in (51, 52, 53)]
    for table in tables:
        table["nurse"] = pd.Categorical(rng.choice(list("abcdefgh"), 1500))
        table["weight"] = rng.normal(80, 15, 1500).round(1)
        table["ill"] = pd.Categorical(np.where(rng.random(1500) < 0.02, "yes", "no"))
    train, fresh, holdout = tables
    leaked = train[train["ill"] == "yes"].copy()
    for row in leaked.index:
        column = rng.choice(["age", "blood", "pills", "sick", "sex", "nurse", "weight"])
        leaked.loc[row, column] = fresh[column].iloc[rng.integers(1500)]
    made = pd.concat([leaked, fresh.iloc[len(leaked) :]], ignore_index=True)
    roles = {"sensitive": ("ill",)} if declared else {}
    found = {}
    for name, release in (("leaked", made), ("fresh", fresh)):
        given = {"train": Dataset(train, **roles), "synthetic": release, "holdout": holdout}
        answer = attributes.measure(look(given))
        found[name] = next(score for score in answer.scores if "rare" in score.metric)
    assert found["leaked"].verdict == "red" and "ill = yes" in found["leaked"].sentence
    assert found["fresh"].verdict in ("green", "grey")
    worst = answer.tables["attribute inference: rare levels"]
    assert (worst["people train"] >= 8).all()


def test_the_frame_shows_every_column_tried(inputs):
    answer = attributes.measure(inputs)
    frame, score = answer.tables["attribute inference"], answer.scores[0]
    assert frame["column"].tolist() == ["sex", "pills", "sick"]
    possible = (frame["train"] - frame["holdout"]) / (1 - frame["holdout"])
    assert frame["excess"].tolist() == pytest.approx(possible.tolist())
    assert score.value == frame["excess"].max() and score.floor is not None and score.ceiling is not None
    assert "of people learned from" in score.sentence and "held out" in score.sentence


def test_without_roles_the_categories_that_tell_most_are_tried(people):
    train = align(people(300, 1), people(300, 2))[0][0]
    assert attributes._attributes(train, (), None) == ["pills", "sex", "sick"]
    numbers = align(*[pd.DataFrame({"a": [1.0, 2, 3], "b": [1.0, 1, 2], "c": [0.0] * 3})] * 2)[0][0]
    assert attributes._attributes(numbers, (), None) == ["a", "b"]
    assert attributes._attributes(train, ("sex", "sick"), "sick") == ["sex", "sick"]


def test_the_same_seed_gives_the_same_digits(inputs):
    first, second = attributes.measure(inputs), attributes.measure(inputs)
    assert first.scores == second.scores
    pd.testing.assert_frame_equal(first.tables["attribute inference"], second.tables["attribute inference"])


def test_what_cannot_be_judged_is_said(people):
    def why(tables):
        return ask("attribute inference", *tables[:2], holdout=tables[2] if len(tables) > 2 else None).skipped[-1].why

    assert "takes a holdout" in why([people(50, 1), people(50, 2)])
    assert "at least 2 columns" in why([people(50, k)[["age"]] for k in range(3)])
    assert "no column varies" in why([pd.DataFrame({"a": ["x"] * 50, "b": [1.0] * 50})] * 3)
