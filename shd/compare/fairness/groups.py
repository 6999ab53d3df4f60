"""Groups of people: who belongs to which, and which are large enough to speak of."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from shd.compare.core.score import Skipped
from shd.compare.core.tables import MISSING, Coded, Column
from shd.dataset import describe_columns

FEWEST_TRAIN, FEWEST = 100, 50
"""Records of a group in train, and in every other table, below which nothing is said about it."""

FEWEST_TOLD = 20
"""Records of a group in train below which not even noise in their place would be told."""

_MOST_GROUPS, _BANDS = 6, 4  # of one column
_FEWEST_NAMED = 5  # people of train


@dataclass(frozen=True)
class Group:
    """People who share a level, or a band of numbers, of one sensitive column."""

    column: object
    label: str
    at: int  # position of the column
    first: float  # of its values, both ends included; NaN for people whose value is missing
    last: float

    def is_in(self, table: Coded) -> np.ndarray:
        """Say which records belong to the group, shape (n,)."""
        values = table.values[:, self.at]
        return np.isnan(values) if np.isnan(self.first) else (values >= self.first) & (values <= self.last)

    @property
    def name(self) -> tuple:
        """Column and label."""
        return self.column, self.label

    def __str__(self) -> str:
        return f"{self.column} = {self.label}"


def members(groups: Sequence[Group], table: Coded) -> np.ndarray:
    """Say which records belong to which group, bool, shape (n, n_groups)."""
    return np.column_stack([np.zeros((len(table), 0), dtype=bool), *(group.is_in(table) for group in groups)])


def find_groups(train: Coded, sensitive: Sequence, fewest: int = FEWEST_TRAIN) -> tuple[list[Group], list[Skipped]]:
    """Return the groups of each column that have at least `fewest` records in train, and what was left out.

    A level is a group; numbers and dates of more than six values are cut into up to four bands
    with about as many people each. The six commonest groups of a column are looked at.
    """
    groups, skipped = [], []
    for column in sensitive:
        own = _groups_of(train, train.names.index(column))
        size = np.array([int(group.is_in(train).sum()) for group in own])
        rank = np.empty(len(own), dtype=int)
        rank[np.argsort(-size, kind="stable")] = np.arange(len(own))
        keep = (rank < _MOST_GROUPS) & (size >= fewest)
        if keep.sum() < 2:
            why = f"takes two groups of {fewest} records in train; it has {keep.sum()}"
            skipped.append(Skipped(f"groups of {column}", why))
            continue
        left = [group for group, kept in zip(own, keep, strict=True) if not kept]
        if left:
            why = f"fewer than {fewest} records in train, or not among the {_MOST_GROUPS} commonest"
            skipped.append(Skipped(f"groups of {column}: {_named(left, train)}", why))
        groups += [group for group, kept in zip(own, keep, strict=True) if kept]
    return groups, skipped


def _named(groups: Sequence[Group], train: Coded) -> str:
    """Name groups, and only count those of few people: what a report says is handed on."""
    labels = [group.label for group in groups if len(np.unique(train.subjects[group.is_in(train)])) >= _FEWEST_NAMED]
    rest = len(groups) - len(labels)
    few = f"{rest} of fewer than {_FEWEST_NAMED} people"
    return " and ".join([*([describe_columns(labels)] if labels else []), *([few] if rest else [])])


def _groups_of(train: Coded, at: int) -> list[Group]:
    column, values = train.columns[at], train.values[:, at]
    known = np.unique(values[~np.isnan(values)])
    if column.is_number and len(known) > _MOST_GROUPS:
        inner = np.quantile(values[~np.isnan(values)], np.linspace(0, 1, _BANDS + 1)[1:-1], method="higher")
        inner = np.unique(inner[inner > known[0]])
        first, last = np.append(-np.inf, inner), np.append(np.nextafter(inner, -np.inf), np.inf)
        labels = _band_labels(inner, column)
    else:
        first = last = known
        labels = [_written(v, column) if column.is_number else column.levels[int(v)] for v in known]
    groups = [Group(column.name, label, at, *ends) for label, *ends in zip(labels, first, last, strict=True)]
    return [*groups, Group(column.name, MISSING, at, np.nan, np.nan)] if np.isnan(values).any() else groups


def _band_labels(inner: np.ndarray, column: Column) -> list[str]:
    cuts = [_written(cut, column) for cut in inner]
    between = [f"{low} to under {high}" for low, high in pairwise(cuts)]
    return [f"under {cuts[0]}", *between, f"{cuts[-1]} and over"] if cuts else ["all"]


def _written(value: float, column: Column) -> str:
    return str((pd.Timestamp(0) + pd.Timedelta(days=value)).date()) if column.date else f"{value:,.6g}"


def by_group(groups: Sequence[Group], facts: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return one row a group: its column, its label, and what is known of it."""
    names = {
        "column": pd.Series([group.column for group in groups], dtype=object),
        "group": pd.Series([group.label for group in groups], dtype=object),
    }
    return pd.DataFrame({**names, **facts})


def large_enough(groups: Sequence[Group], *tables: Coded) -> list[Group]:
    """Return the groups that have enough records in every one of the tables."""
    return [group for group in groups if all(group.is_in(table).sum() >= FEWEST for table in tables)]
