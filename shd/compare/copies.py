"""Synthetic records that are real ones: copies in every column, and records that are nearly those of people."""

import numpy as np
import pandas as pd
from scipy.stats import beta

from shd._errors import ShdError
from shd.compare._attacks import (
    RELEASED,
    REPLICATES,
    budget,
    check_count,
    count_people,
    hits,
    judge_excess,
    one_each,
    some,
)
from shd.compare._coded import Coded, align
from shd.compare._gower import Gower
from shd.compare._resample import bootstrap_weights, deal, generator, interval
from shd.compare._schema import Inputs, Score
from shd.dataset import Dataset

NEAR_GREEN, NEAR_AMBER = 0.01, 0.03  # how far above 1 % the share of near copies may lie
NEAR = 0.01  # the nearest share of held-out records
FEWEST_NEAR, _NEAR_ROWS = 100, 2000


def verbatim_copies(train: Dataset | pd.DataFrame | Coded, synthetic: Dataset | pd.DataFrame | Coded) -> int:
    """Count the synthetic records that equal a train record in every column, missing values included.

    Returns
    -------
    int
        0 to the number of synthetic records.
    """
    (train, synthetic), _ = align(train, synthetic)
    return int(_is_copy(train, synthetic).sum())


def near_copies(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded,
    rows: int = 2000,
    random_state: int = 0,
) -> float:
    """Return the share of synthetic records nearer to train than the nearest 1 % of held-out people.

    Gower's distance to the closest train record; one record a held-out person. 0.01 is what new
    people reach by construction (of records that tie at the border, as many count as that takes).

    Parameters
    ----------
    train, synthetic, holdout : Dataset or DataFrame
    rows : int
        Most synthetic records, and held-out people, that are looked at.
    random_state : int

    Returns
    -------
    float
        0 to 1; above 0.01: some synthetic records are nearly those of people learned from.

    Raises
    ------
    ShdError
        Where the holdout has fewer than 100 people.

    References
    ----------
    Platzer, Reutterer (2021), doi 10.3389/fdata.2021.679939: the holdout shows what is to be expected.
    """
    check_count(rows, "rows")
    (train, synthetic, holdout), _ = align(train, synthetic, holdout, names=["train", "synthetic", "holdout"])
    if count_people(holdout) < FEWEST_NEAR:
        raise ShdError(
            f"near copies: holdout has {count_people(holdout)} people; give at least {FEWEST_NEAR}, of whom the "
            "nearest 1 % is then one or more."
        )
    rng = generator(random_state, "near copies")
    gower, train = Gower.of(train), some(train, RELEASED, rng)
    people = gower.nearest(one_each(holdout, rows, rng), train)
    return float(_nearer(gower.nearest(some(synthetic, rows, rng), train), people)[0])


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


def judge_copies(inputs: Inputs) -> Score:
    """Count copies, and judge them by how many records of other people are equal."""
    n = len(inputs.synthetic)
    value = verbatim_copies(inputs.train, inputs.synthetic)
    floor = verbatim_copies(inputs.train, inputs.floor) * n / len(inputs.floor)
    low, high = (n * bound for bound in binomial_interval(value, n))
    equal = _is_of_others(inputs.train)
    ceiling, chance, other = None, n * binomial_interval(int(equal.sum()), len(equal))[1], ""
    if inputs.holdout is not None:
        found, size = verbatim_copies(inputs.train, inputs.holdout), len(inputs.holdout)
        ceiling = n * found / size
        chance = min(chance, n * binomial_interval(found, size)[1])  # a holdout may hold records of train
        other = f" Among as many other {inputs.word} records it is {ceiling:,.0f}, by chance alone."
    verdict = "red" if low > chance else "green" if value <= (ceiling or 0) else "amber"
    sentence = f"{value:,} of {n:,} synthetic records equal a record learned from, in every column.{other}"
    return Score(
        "privacy", "verbatim copies", float(value), low, high, floor, ceiling, verdict, "lower", sentence, digits=0
    )


def binomial_interval(found: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's exact 95 % interval of a share."""
    low = float(beta.ppf(0.025, found, n - found + 1)) if found else 0.0
    high = float(beta.ppf(0.975, found + 1, n - found)) if found < n else 1.0
    return low, high


def judge_near(inputs: Inputs) -> Score:
    """Judge by one half of the holdout what is near; the other half shows what new people reach."""
    rng = generator(inputs.random_state, "near copies")
    half = deal(inputs.holdout.subjects, 2, rng) == 0
    rows = budget(inputs, _NEAR_ROWS)
    gower, train = Gower.of(inputs.train), some(inputs.train, budget(inputs, RELEASED), rng)
    tables = (some(inputs.synthetic, rows, rng), some(inputs.floor, rows, rng))
    people = (one_each(inputs.holdout.take(side), rows, rng) for side in (half, ~half))
    synthetic, floor, held, others = (gower.nearest(records, train) for records in (*tables, *people))
    drawn = [bootstrap_weights(len(side), REPLICATES, rng) for side in (synthetic, held)]
    value = float(_nearer(synthetic, held)[0])
    drawn_again = interval(value, _nearer(synthetic, held, np.hstack(drawn)), 0, 1)
    exact = binomial_interval(round(value * len(synthetic)), len(synthetic))  # none, drawn again, is none each time
    low, high = float(min(drawn_again[0], exact[0])), float(max(drawn_again[1], exact[1]))
    floor, ceiling = (float(_nearer(side, held)[0]) for side in (floor, others))
    verdict = judge_excess(value - NEAR, low - NEAR, NEAR_GREEN, NEAR_AMBER)
    means = {
        "green": "hardly more than chance gives",
        "amber": "some are nearly records of people learned from",
        "red": "many are nearly records of people learned from",
    }
    sentence = (
        f"{value:.1%} of synthetic records lie as near to a record learned from as the nearest 1% of people held out "
        f"(other {inputs.word} people: {ceiling:.1%}): {means[verdict]}."
    )
    return Score("privacy", "near copies", value, low, high, floor, ceiling, verdict, "lower", sentence)


def _nearer(records: np.ndarray, held: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the share of records at smaller distances than the smallest 1 % of those of held-out people."""
    return hits(np.repeat([True, False], [len(records), len(held)]), -np.concatenate([records, held]), weights, NEAR)
