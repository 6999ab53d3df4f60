"""Synthetic records that are real ones: copies in every column, held against what chance gives among strangers.

Strangers are people held out, and people of train beside each other. Copies may raise an alarm; that there are none
shows nothing, and is grey (Yao et al. 2025, *The DCR Delusion*, arXiv 2505.01524; consensus framework in Patterns,
2025, doi 10.1016/j.patter.2025.101320).
"""

import numpy as np
import pandas as pd

from shd.compare.core.attacks import RELEASED, one_each, pick_one_each, row_keys
from shd.compare.core.chance import binomial_interval, chance_of, generator
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, beyond_chance
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

_ALARM = 0.01  # how often chance may raise an alarm for copies
_CONTAMINATED = 0.001  # a holdout that equals train so much more often than strangers do is no measure


def _is_copy(train: Coded, other: Coded) -> np.ndarray:
    return np.isin(row_keys(other.values), row_keys(train.values))


def measure(sides: Sides) -> Answer:
    """Count copies, and judge them by how many people held out, and strangers in train, are equal by chance."""
    n, rng = len(sides.synthetic), generator(sides.random_state, "copies")
    value, floor = (int(_is_copy(sides.train, table).sum()) for table in (sides.synthetic, sides.floor))
    low, high = (n * bound for bound in binomial_interval(value, n))
    equal, people = _strangers(sides.train, rng)
    ceiling, other = None, ""
    if sides.holdout is not None:
        ceiling = n * int(_is_copy(sides.train, sides.holdout).sum()) / len(sides.holdout)
        other = f" Among as many other {sides.word} records it is {ceiling:,.0f}, by chance alone."
        held = _is_copy(sides.train, one_each(sides.holdout, RELEASED, rng))
        if held.mean() <= equal / people or chance_of(held.sum(), len(held), equal, people) > _CONTAMINATED:
            equal, people = equal + held.sum(), people + len(held)
    made = _is_copy(sides.train, one_each(sides.synthetic, n, rng))
    is_sure = chance_of(made.sum(), len(made), equal, people) < _ALARM
    verdict = beyond_chance(1, 1, 0, 0, is_sure=is_sure, passed="grey")  # a copy is as bad as can be
    means = "more than chance gives" if verdict == "red" else "not more than chance may give, which shows little"
    sentence = f"{value:,} of {n:,} synthetic records equal a record learned from, in every column: {means}.{other}"
    beside = (floor * n / len(sides.floor), ceiling)
    return Answer(
        [Score.of("verbatim copies", value, (low, high), beside, verdict=verdict, sentence=sentence, digits=0)]
    )


def _strangers(train: Coded, rng: np.random.Generator) -> tuple[float, float]:
    """Return how many people of train equal another one by chance, and of how many.

    One record of each, beside all records of the others, as people held out are. Equal people come in pairs: both
    count as half.
    """
    rows = pick_one_each(train, len(train), rng)
    people = pd.Series(train.subjects).groupby(row_keys(train.values)).transform("nunique").to_numpy()
    return (people[rows] > 1).sum() / 2, len(rows) / 2


QUESTION = Question(
    name="verbatim copies",
    chapter="privacy",
    measure=measure,
    readme=("verbatim copies",),
    words={
        "verbatim copy": "A synthetic record that equals a record learned from in every column.",
    },
)
