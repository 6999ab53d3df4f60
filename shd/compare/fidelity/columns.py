"""Is every column alike? The distance of each column's distribution from train, one at a time."""

import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance

from shd.compare.core.chance import bootstrap_weights, deal, generator, interval
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, Column, align
from shd.compare.core.verdicts import within
from shd.compare.fidelity.distributions import distributions
from shd.dataset import Dataset

GREEN_TO, AMBER_TO = 0.05, 0.15  # distance of one column
_SCORES = 10  # on fidelity, of which all columns together are one
_MEAN_GREEN_TO, _MEAN_AMBER_TO = 0.03, 0.10  # mean distance over all columns
_BLOCKS, _REPLICATES, _GRID = 50, 200, 512


def column_distances(train: Dataset | pd.DataFrame | Coded, synthetic: Dataset | pd.DataFrame | Coded) -> pd.Series:
    """Return the distance of every column from train, 0 (the same) to 1 (nothing in common).

    Total variation for categories (missing is a level): the share of records that would have to
    change. The Kolmogorov-Smirnov distance for numbers and dates (missing counts as smaller than
    every number): the largest gap between the two cumulative shares.

    Parameters
    ----------
    train, synthetic : Dataset or DataFrame

    Returns
    -------
    pandas.Series of float, indexed by column
    """
    (train, synthetic), _ = align(train, synthetic)
    distances = [
        _ks(train.values[:, j], synthetic.values[:, j])
        if column.is_number
        else _distance(*(_shares(table.values[:, j], column) for table in (train, synthetic)), is_number=False)
        for j, column in enumerate(train.columns)
    ]
    return pd.Series(distances, index=pd.Index(train.names, dtype=object), dtype=float)


def wasserstein_distances(
    train: Dataset | pd.DataFrame | Coded, synthetic: Dataset | pd.DataFrame | Coded
) -> pd.Series:
    """Return how far the numbers of every column have to move for it to agree with train, in its own units.

    The Wasserstein distance of order 1: the mean way from a value to its match, over the records
    whose value is known. Where every value is 3 years too high it is 3 years.

    Parameters
    ----------
    train, synthetic : Dataset or DataFrame

    Returns
    -------
    pandas.Series of float, indexed by column
        0 or more, in days for dates; NaN for categories, and where either table knows no value.

    References
    ----------
    Ramdas, García Trillos, Cuturi (2017), *On Wasserstein Two-Sample Testing and Related Families of
    Nonparametric Tests*, Entropy, arXiv 1509.02237.
    """
    (train, synthetic), _ = align(train, synthetic)
    distances = [
        _wasserstein(train.values[:, j], synthetic.values[:, j]) if column.is_number else np.nan
        for j, column in enumerate(train.columns)
    ]
    return pd.Series(distances, index=pd.Index(train.names, dtype=object), dtype=float)


def measure(sides: Sides) -> Answer:
    """Compare every column, one at a time."""
    value = column_distances(sides.train, sides.synthetic)
    low, high, mean_low, mean_high = _intervals(sides, value)
    floor = column_distances(sides.train, sides.floor)
    ceiling = None if sides.holdout is None else column_distances(sides.train, sides.holdout)
    frame = pd.DataFrame(
        {
            "column": value.index,
            "kind": ["date" if c.date else "number" if c.is_number else "category" for c in sides.train.columns],
            "distance": value.to_numpy(),
            "low": low,
            "high": high,
            "floor": floor.to_numpy(),
            "real reference": np.nan if ceiling is None else ceiling.to_numpy(),
            "wasserstein": wasserstein_distances(sides.train, sides.synthetic).to_numpy(),
            "wasserstein real reference": np.nan
            if sides.holdout is None
            else wasserstein_distances(sides.train, sides.holdout).to_numpy(),
        }
    )
    frame["verdict"] = [
        within(np.nan_to_num(other), GREEN_TO, AMBER_TO, "lower").verdict(*numbers, scores=_SCORES * len(frame))
        for *numbers, other in frame[["distance", "low", "high", "real reference"]].to_numpy()
    ]
    score = _score(sides, frame, mean_low, mean_high)
    return Answer([score], {"columns": frame, "distributions": distributions(sides)})


def _score(sides: Sides, frame: pd.DataFrame, low: float, high: float) -> Score:
    value = float(frame["distance"].mean())
    ceiling = None if sides.holdout is None else float(frame["real reference"].mean())
    worst = frame.loc[frame["distance"].idxmax()]
    other = f" (other {sides.word} records: {ceiling:.1%})" if ceiling is not None else ""
    sentence = (
        f"Looking at one column at a time, about {value:.1%} of the records would have to change for the "
        f"two tables to agree{other}. The furthest is {worst['column']} at {worst['distance']:.1%}."
    )
    floor = float(frame["floor"].mean())
    rule = within(ceiling or 0.0, _MEAN_GREEN_TO, _MEAN_AMBER_TO, "lower", floor)
    return Score("fidelity", "column distance", value, low, high, floor, ceiling, rule, "lower", sentence)


def _ks(first: np.ndarray, second: np.ndarray) -> float:
    first, second = (np.sort(np.where(np.isnan(v), -np.inf, v)) for v in (first, second))
    at = np.concatenate([first, second])
    gap = np.searchsorted(first, at, "right") / len(first) - np.searchsorted(second, at, "right") / len(second)
    return float(np.abs(gap).max())


def _wasserstein(first: np.ndarray, second: np.ndarray) -> float:
    first, second = (values[~np.isnan(values)] for values in (first, second))
    return float(wasserstein_distance(first, second)) if len(first) and len(second) else np.nan


def _shares(codes: np.ndarray, column: Column) -> np.ndarray:
    return np.bincount(codes.astype(int), minlength=len(column.levels)) / len(codes)


def _distance(first: np.ndarray, second: np.ndarray, is_number: bool) -> np.ndarray:
    """Distance between shares, shape (..., n_levels), over the last axis."""
    if is_number:
        return np.abs(np.cumsum(first - second, axis=-1)).max(axis=-1)
    return np.abs(first - second).sum(axis=-1) / 2


def _intervals(sides: Sides, value: pd.Series) -> tuple[np.ndarray, np.ndarray, float, float]:
    """95 % intervals of each distance and of their mean: train and synthetic drawn again by blocks of subjects."""
    tables = (sides.train, sides.synthetic)
    rng = generator(sides.random_state, "columns")
    blocks = [deal(table.subjects, min(_BLOCKS, len(table)), rng) for table in tables]
    weights = [bootstrap_weights(int(b.max()) + 1, _REPLICATES, rng) for b in blocks]
    replicates = np.empty((_REPLICATES, len(value)))
    for j, column in enumerate(sides.train.columns):
        codes = _grid_codes(sides.train.values[:, j], sides.synthetic.values[:, j], column)
        shares = []
        for code, block, weight in zip(codes, blocks, weights, strict=True):
            n_codes = max(int(c.max()) for c in codes) + 1
            counts = np.bincount(block * n_codes + code, minlength=weight.shape[1] * n_codes)
            drawn = weight @ counts.reshape(-1, n_codes)
            shares.append(drawn / drawn.sum(axis=1, keepdims=True))
        replicates[:, j] = _distance(*shares, is_number=column.is_number)
    low, high = interval(value.to_numpy(), replicates, 0, 1)
    mean_low, mean_high = interval(value.mean(), replicates.mean(axis=1), 0, 1)
    return low, high, float(mean_low), float(mean_high)


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
