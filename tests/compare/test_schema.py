"""A score is made of numbers, and chance explains what a dozen of them show at once."""

import numpy as np
import pytest

from shd.compare._compare import Step, ask_step, prepare_tables
from shd.compare._schema import Answer, Score, judge, says_nothing


def _score(**changed) -> Score:
    numbers = {"value": 0.5, "low": 0.4, "high": 0.6, "floor": 0.0, "ceiling": 1.0}
    return Score("utility", "a number", **(numbers | changed), verdict="green", better="higher", sentence="")


@pytest.mark.parametrize("name", ["value", "low", "high", "floor", "ceiling"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_score_that_is_no_number_is_refused(name, bad):
    with pytest.raises(ValueError, match="a number: .* skip it"):
        _score(**{name: bad})


@pytest.mark.parametrize("name", ["floor", "ceiling"])
def test_a_score_may_lack_a_floor_or_a_ceiling(name):
    assert getattr(_score(**{name: None}), name) is None


@pytest.mark.parametrize("floor", [0.5, 0.105])
def test_a_little_more_than_an_interval_off_is_chance_among_a_dozen_scores(floor):
    """The last one: a table without structure, whose floor is as good as its ceiling, 0.1."""
    assert judge(0.24, 0.14, 0.34, floor, 0.1, "lower") == "green"  # 1.4 times as far as the interval reaches
    assert judge(0.25, 0.15, 0.35, floor, 0.1, "lower") != "green"  # 1.5 times


@pytest.mark.parametrize("floor", [0.5, 0.1])
def test_twelve_scores_of_fresh_samples_are_all_green_nineteen_times_in_twenty(floor):
    values, half = 0.1 + 0.05 * np.random.default_rng(1).normal(size=(2000, 12)), 1.96 * 0.05
    green = [all(judge(v, v - half, v + half, floor, 0.1, "lower") == "green" for v in study) for study in values]
    assert np.mean(green) >= 0.95


def _between(question: str, verdict: str, low: float, high: float, ceiling: float | None = 0.9) -> Score:
    return Score(question, "m", 0.7, low, high, 0.6, ceiling, verdict, "higher", "words")


def test_an_interval_from_floor_to_ceiling_says_nothing():
    assert says_nothing(_between("utility", "amber", 0.5, 0.95))
    assert says_nothing(_between("fidelity", "amber", 0.6, 0.9))
    assert not says_nothing(_between("utility", "amber", 0.65, 0.95))  # it is above the floor
    assert not says_nothing(_between("utility", "amber", 0.5, 0.8))  # and here below the ceiling
    assert not says_nothing(_between("utility", "green", 0.5, 0.95))
    assert not says_nothing(_between("privacy", "amber", 0.5, 0.95))
    assert not says_nothing(_between("utility", "amber", 0.5, 0.95, ceiling=None))


def test_scores_that_say_nothing_are_listed_as_skipped(people):
    silent, loud = _between("utility", "amber", 0.5, 0.95), _between("utility", "red", 0.3, 0.5)
    inputs, _ = prepare_tables({"train": people(60, 1), "synthetic": people(60, 2)})
    answer = ask_step(Step("a step", lambda _: Answer([silent, loud]), weight=1), inputs)
    assert answer.scores == [loud]
    assert [(n.what, "0.500 to 0.950" in n.why) for n in answer.skipped] == [("m", True)]
