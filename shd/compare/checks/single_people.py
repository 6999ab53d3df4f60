"""Checks of what may point at single people."""

import numpy as np

from shd.compare.core.sides import Sides
from shd.compare.core.tables import MISSING, Coded, Column
from shd.dataset import describe_columns

_RARE = 5  # people who share a value, below which it may point at one of them
_FAR, _STEPS = 0.1, 40
"""How far from the next one the largest number stands alone: share of the range of nearly all numbers; and steps of the
finest grid that holds them, for on a coarse one other people soon have the same number."""


def known_by_values(sides: Sides) -> list[str]:
    """SHD014: values of few people of train, and of nobody held out, that synthetic records show, too."""
    shown = {
        column.name: _shown(column, sides.train, sides.synthetic, sides.holdout, j)
        for j, column in enumerate(sides.train.columns)
    }
    columns = [name for name, n in shown.items() if n]
    if not columns:
        return []
    values, nobody = sum(shown.values()), "" if sides.holdout is None else ", and nobody held out,"
    what = "1 value" if values == 1 else f"{values:,} values"
    return [
        f"synthetic records show {what} that fewer than {_RARE} people of train{nobody} have (rare levels, and numbers "
        f"far from all others; {describe_columns(columns)}): who knows that somebody has one, may look for them."
    ]


def _shown(column: Column, train: Coded, made: Coded, holdout: Coded | None, j: int) -> int:
    """Return how many values of few people of train come up in synthetic records: levels, and the ends of numbers."""
    values, there = train.values[:, j], np.unique(made.values[:, j])
    if column.is_number:
        candidates = _alone(values[~np.isnan(values)])
    else:
        candidates = np.flatnonzero(np.array(column.levels, dtype=object) != MISSING)
    candidates = candidates[np.isin(candidates, there)]
    if holdout is not None:
        candidates = candidates[~np.isin(candidates, holdout.values[:, j])]
    people = (len(np.unique(train.subjects[values == value])) for value in candidates)
    return sum(0 < n < _RARE for n in people)


def _alone(known: np.ndarray) -> np.ndarray:
    """Return the smallest and the largest number, where it is far from the next one."""
    unique = np.unique(known)
    if len(unique) < 2:
        return unique[:0]
    low, high = np.quantile(known, [0.005, 0.995])
    far = max(_FAR * (high - low), _STEPS * np.diff(unique).min())
    return np.array([end for end, following in (unique[:2], unique[:-3:-1]) if abs(end - following) > far])
