"""Synthetic records that are real ones: copies in every column, and records that are nearly those of people.

Both are held against what chance gives among strangers: people held out, and for copies people of train beside each
other. They may raise an alarm; that they do not shows nothing (Yao et al. 2025, arXiv 2505.01524; consensus framework
in Patterns, 2025, doi 10.1016/j.patter.2025.101320), so that they are grey then.
"""

import numpy as np
import pandas as pd
from scipy.stats import beta, hypergeom

from shd.compare.core.attacks import (
    RELEASED,
    one_each,
    pick_one_each,
)
from shd.compare.core.chance import generator
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, align
from shd.dataset import Dataset

NEAR_GREEN, NEAR_AMBER = 0.01, 0.03  # how far above 1 % the share of near copies may lie
NEAR = 0.01  # the nearest share of held-out records
FEWEST_NEAR, _NEAR_ROWS, _NEAR_REAL = 100, 2000, 20_000
_LOOKS = (10, 20, 50, 100, 200)  # how many of the nearest, synthetic or not, are looked at
_ALARM = 0.01  # how often chance may raise an alarm for copies
_CONTAMINATED = 0.001  # a holdout that equals train so much more often than strangers do is no measure


def verbatim_copies(train: Dataset | pd.DataFrame | Coded, synthetic: Dataset | pd.DataFrame | Coded) -> int:
    """Count the synthetic records that equal a train record in every column, missing values included.

    Returns
    -------
    int
        0 to the number of synthetic records.
    """
    (train, synthetic), _ = align(train, synthetic)
    return int(_is_copy(train, synthetic).sum())


def _is_copy(train: Coded, other: Coded) -> np.ndarray:
    seen = {row.tobytes() for row in np.ascontiguousarray(train.values)}
    return np.array([row.tobytes() in seen for row in np.ascontiguousarray(other.values)])


def _is_of_others(table: Coded) -> np.ndarray:
    """Whether each record equals one of another subject: how many do by chance, among people learned from."""
    whose = {}
    rows = [row.tobytes() for row in np.ascontiguousarray(table.values)]
    for row, subject in zip(rows, table.subjects, strict=True):
        whose.setdefault(row, set()).add(subject)
    return np.array([len(whose[row]) > 1 for row in rows])


def measure(sides: Sides) -> Answer:
    """Count copies, and judge them by how many people held out, and strangers in train, are equal by chance."""
    n, rng = len(sides.synthetic), generator(sides.random_state, "copies")
    value = verbatim_copies(sides.train, sides.synthetic)
    floor = verbatim_copies(sides.train, sides.floor) * n / len(sides.floor)
    low, high = (n * bound for bound in binomial_interval(value, n))
    equal, people = _strangers(sides.train, rng)
    ceiling, other = None, ""
    if sides.holdout is not None:
        found, size = verbatim_copies(sides.train, sides.holdout), len(sides.holdout)
        ceiling = n * found / size
        other = f" Among as many other {sides.word} records it is {ceiling:,.0f}, by chance alone."
        held = _is_copy(sides.train, one_each(sides.holdout, RELEASED, rng))
        if held.mean() <= equal / people or beyond(held.sum(), len(held), equal, people) > _CONTAMINATED:
            equal, people = equal + held.sum(), people + len(held)
    made = _is_copy(sides.train, one_each(sides.synthetic, n, rng))
    verdict = "red" if beyond(made.sum(), len(made), equal, people) < _ALARM else "grey"
    means = "more than chance gives" if verdict == "red" else "not more than chance may give, which shows little"
    sentence = f"{value:,} of {n:,} synthetic records equal a record learned from, in every column: {means}.{other}"
    return Answer(
        [
            Score(
                "privacy",
                "verbatim copies",
                float(value),
                low,
                high,
                floor,
                ceiling,
                verdict,
                "lower",
                sentence,
                digits=0,
            )
        ]
    )


def _strangers(train: Coded, rng: np.random.Generator) -> tuple[float, float]:
    """Return how many people of train equal another one by chance, and of how many.

    One record of each, beside all records of the others, as people held out are. Equal people come in pairs: both
    count as half.
    """
    rows = pick_one_each(train, len(train), rng)
    return _is_of_others(train)[rows].sum() / 2, len(rows) / 2


def beyond(found: float, n: float, others: float, of: float) -> float:
    """Return the chance of so many among n or more, if they come up as often as among the others (Fisher's test)."""
    found, n, others, of = (round(float(count)) for count in (found, n, others, of))
    return float(hypergeom.sf(found - 1, n + of, found + others, n))


def binomial_interval(found: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's exact 95 % interval of a share."""
    low = float(beta.ppf(0.025, found, n - found + 1)) if found else 0.0
    high = float(beta.ppf(0.975, found + 1, n - found)) if found < n else 1.0
    return low, high


QUESTION = Question(
    name="verbatim copies",
    chapter="privacy",
    measure=measure,
    weight=1,
    readme=("verbatim copies",),
    words={
        "verbatim copy": "A synthetic record that equals a record learned from in every column.",
    },
)
