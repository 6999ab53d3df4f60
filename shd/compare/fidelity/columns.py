"""Is every column alike? The distance of each column's distribution from train, one at a time, 0 to 1.

Total variation for categories (missing is a level): the share of records that would have to change. The
Kolmogorov-Smirnov distance for numbers and dates (missing counts as smaller than every number): the largest gap
between the two cumulative shares. Beside it the Wasserstein distance of order 1, over the records whose value is
known, in the units of the column (days for dates): where every value is 3 years too high it is 3 years. Ramdas,
García Trillos, Cuturi (2017), *On Wasserstein Two-Sample Testing*, arXiv 1509.02237.
"""

import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance

from shd.compare.core.chance import bootstrap_weights, counts_again, deal, generator, interval
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, within
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, Column
from shd.compare.fidelity.distributions import distributions

GREEN_TO, AMBER_TO = 0.05, 0.15  # distance of one column
_SCORES = 10  # on fidelity, of which all columns together are one
_MEAN_GREEN_TO, _MEAN_AMBER_TO = 0.03, 0.10  # mean distance over all columns
_BLOCKS, _REPLICATES, _GRID = 50, 200, 512


def measure(sides: Sides) -> Answer:
    """Compare every column, one at a time."""
    value, held = column_distances(sides.train, sides.synthetic), sides.holdout
    low, high, ends = _intervals(sides, value)
    frame = pd.DataFrame(
        {
            "column": value.index,
            "kind": ["date" if c.date else "number" if c.is_number else "category" for c in sides.train.columns],
            "distance": value.to_numpy(),
            "low": low,
            "high": high,
            "floor": column_distances(sides.train, sides.floor).to_numpy(),
            "real reference": np.nan if held is None else column_distances(sides.train, held).to_numpy(),
            "wasserstein": _ways(sides.train, sides.synthetic),
            "wasserstein real reference": np.nan if held is None else _ways(sides.train, held),
        }
    )
    frame["verdict"] = [
        within(np.nan_to_num(other), GREEN_TO, AMBER_TO, "lower").verdict(*numbers, scores=_SCORES * len(frame))
        for *numbers, other in frame[["distance", "low", "high", "real reference"]].to_numpy()
    ]
    return Answer([_score(sides, frame, ends)], {"columns": frame, "distributions": distributions(sides)})


def _score(sides: Sides, frame: pd.DataFrame, ends: tuple) -> Score:
    value, floor = float(frame["distance"].mean()), float(frame["floor"].mean())
    ceiling = None if sides.holdout is None else float(frame["real reference"].mean())
    worst = frame.loc[frame["distance"].idxmax()]
    other = f" (other {sides.word} records: {ceiling:.1%})" if ceiling is not None else ""
    rule = within(ceiling or 0.0, _MEAN_GREEN_TO, _MEAN_AMBER_TO, "lower", floor)
    sentence = (
        f"Looking at one column at a time, about {value:.1%} of the records would have to change for the "
        f"two tables to agree{other}. The furthest is {worst['column']} at {worst['distance']:.1%}."
    )
    return Score.of("column distance", value, ends, (floor, ceiling), verdict=rule, sentence=sentence)


def column_distances(train: Coded, other: Coded) -> pd.Series:
    """Return the distance of every column from train, 0 (the same) to 1 (nothing in common), by column."""
    pairs = zip(train.columns, train.values.T, other.values.T, strict=True)
    distances = [_ks(*v) if c.is_number else _distance(*(_shares(codes, c) for codes in v), False) for c, *v in pairs]
    return pd.Series(distances, index=pd.Index(train.names, dtype=object), dtype=float)


def _ks(first: np.ndarray, second: np.ndarray) -> float:
    first, second = (np.sort(np.where(np.isnan(v), -np.inf, v)) for v in (first, second))
    at = np.concatenate([first, second])
    gap = np.searchsorted(first, at, "right") / len(first) - np.searchsorted(second, at, "right") / len(second)
    return float(np.abs(gap).max())


def _shares(codes: np.ndarray, column: Column) -> np.ndarray:
    return np.bincount(codes.astype(int), minlength=len(column.levels)) / len(codes)


def _distance(first: np.ndarray, second: np.ndarray, is_number: bool) -> np.ndarray:
    """Distance between shares, shape (..., n_levels), over the last axis."""
    if is_number:
        return np.abs(np.cumsum(first - second, axis=-1)).max(axis=-1)
    return np.abs(first - second).sum(axis=-1) / 2


def _ways(train: Coded, other: Coded) -> list[float]:
    """Return how far the known numbers of every column have to move; NaN for levels and where nothing is known."""
    ways = []
    for column, *values in zip(train.columns, train.values.T, other.values.T, strict=True):
        known = [v[~np.isnan(v)] for v in values]
        is_known = column.is_number and min(map(len, known)) > 0
        ways.append(float(wasserstein_distance(*known)) if is_known else np.nan)
    return ways


def _intervals(sides: Sides, value: pd.Series) -> tuple[np.ndarray, np.ndarray, tuple]:
    """95 % intervals of each distance and of their mean: train and synthetic drawn again by blocks of subjects."""
    tables = (sides.train, sides.synthetic)
    rng = generator(sides.random_state, "columns")
    blocks = [deal(table.subjects, min(_BLOCKS, len(table)), rng) for table in tables]
    weights = [bootstrap_weights(int(b.max()) + 1, _REPLICATES, rng) for b in blocks]
    replicates = np.empty((_REPLICATES, len(value)))
    for j, column in enumerate(sides.train.columns):
        codes = _grid_codes(sides.train.values[:, j], sides.synthetic.values[:, j], column)
        n_codes = max(int(c.max()) for c in codes) + 1
        drawn = [counts_again(c, n_codes, b, w) for c, b, w in zip(codes, blocks, weights, strict=True)]
        shares = (counts / counts.sum(axis=1, keepdims=True) for counts in drawn)
        replicates[:, j] = _distance(*shares, column.is_number)
    return *interval(value.to_numpy(), replicates, 0, 1), interval(value.mean(), replicates.mean(axis=1), 0, 1)


def _grid_codes(train: np.ndarray, synthetic: np.ndarray, column: Column) -> list[np.ndarray]:
    if not column.is_number:
        return [train.astype(int), synthetic.astype(int)]
    known = train[~np.isnan(train)]
    edges = np.unique(known) if len(known) else np.zeros(1)
    if len(edges) > _GRID:
        edges = np.unique(np.quantile(known, np.linspace(0, 1, _GRID)))
    return [np.where(np.isnan(v), 0, 1 + np.searchsorted(edges, v)) for v in (train, synthetic)]


QUESTION = Question(
    name="columns",
    chapter="fidelity",
    measure=measure,
    show="chapters.fidelity:columns",
    weight=2,
    tables=("columns", "distributions"),
    readme=("column distance",),
    words={
        "column distance": (
            "For categories the total variation, the share of records that would have to change; for numbers the "
            "Kolmogorov-Smirnov distance, the largest gap between the cumulative shares. Missing counts as a "
            "value."
        ),
        "Wasserstein distance": (
            "How far the values of a column would have to move on average to agree, in its own units."
        ),
    },
)
