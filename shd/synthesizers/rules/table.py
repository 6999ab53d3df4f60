"""What the search for rules reads: a table laid out, and how likely independent columns would keep a rule.

The chances are natural logarithms of probabilities, given the margins of the columns.
"""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.special import gammaln, xlogy

from shd.dataset import is_numeric
from shd.synthesizers._dtypes import is_time
from shd.synthesizers._few import distinct_people
from shd.synthesizers.rules.rule import as_numbers, is_ordered
from shd.tables.types import plain

_MOST_LEVELS = 2000  # columns with more distinct values are codes of nothing
_SCREENED = 1000  # records that most candidates fail on


@dataclass(frozen=True, eq=False)
class Column:
    """One column; `numbers` and `codes` (-1 for missing) are None where it has none, or too many distinct values."""

    name: Hashable
    scale: object  # columns of the same scale can be compared; None for plain levels
    numbers: np.ndarray | None
    codes: np.ndarray | None
    levels: list  # what each code stands for
    missing: np.ndarray

    @classmethod
    def of(cls, values: pd.Series, n_people: int) -> "Column":
        """Lay out one column."""
        date, missing = is_time(values), values.isna().to_numpy(bool)
        scale = None
        if is_ordered(values):
            category = isinstance(values.dtype, pd.CategoricalDtype)
            scale = tuple(values.cat.categories) if category else values.dtype.kind if date else "number"
        codes, levels = None, []
        if not date:
            codes, distinct = pd.factorize(values.astype(object), sort=is_numeric(values))
            levels = [plain(level) for level in distinct]
            if len(levels) > min(_MOST_LEVELS, max(n_people // 2, 2)):
                codes, levels = None, []
        numbers = as_numbers(values) if is_numeric(values) or date else None
        return cls(values.name, scale, numbers, codes, levels, missing)

    @property
    def is_date(self) -> bool:
        """Whether its numbers are days since 1970."""
        return self.scale == "M"


class Table:
    """All columns of a table, and whose each record is."""

    def __init__(self, frame: pd.DataFrame, people: np.ndarray):
        self.frame, self.people = frame, pd.factorize(people)[0]
        self.one = np.flatnonzero(~pd.Series(self.people).duplicated())  # a record of each person: chance counts people
        named = [name for name in frame.columns if isinstance(name, str | int)]  # what JSON gives back as it was
        self.columns = [Column.of(frame[name], len(self.one)) for name in named]
        rng = np.random.default_rng(0)
        n = len(frame)
        self.sample = np.arange(n) if n <= _SCREENED else np.sort(rng.choice(n, _SCREENED, replace=False))

    @cached_property
    def decimals(self) -> list[int | None]:
        """Fewest decimals, up to 6, that write every number of a column; None where more are needed."""
        return [None if column.numbers is None else _decimals(column.numbers) for column in self.columns]

    def n_people(self, rows: np.ndarray) -> int:
        """Return how many people some records (a mask) are of."""
        return int(np.count_nonzero(np.bincount(self.people[rows])))

    def knows(self, j: int, *others: int) -> bool:
        """Whether a column is known wherever all of some others are: else nothing follows through it."""
        known = ~np.any([self.columns[other].missing for other in others], axis=0)
        return not (self.columns[j].missing & known).any()

    def people_of_codes(self, column: Column) -> np.ndarray:
        """Return how many people have each code of a column, shape (n_levels,)."""
        known = column.codes >= 0
        return distinct_people(column.codes[known], self.people[known], len(column.levels))


def _decimals(numbers: np.ndarray) -> int | None:
    known = np.unique(numbers[~np.isnan(numbers)])
    if not len(known):
        return None
    return next((d for d in range(7) if np.allclose(np.round(known, d), known, rtol=1e-9, atol=1e-12)), None)


# Chance -----------------------------------------------------------------------------------------


def log_order(first: np.ndarray, second: np.ndarray) -> float:
    """Return log P(first <= second for all n people) where `second` is dealt to people at random.

    With `first` from the largest down and c_i people whose `second` is no less than the i-th of them, exactly
    the product of (c_i - i) / (n - i), i = 0 .. n - 1: the i-th may take any of these that are not taken.
    """
    n = len(first)
    if n == 0:
        return 0.0
    at_least = n - np.searchsorted(np.sort(second), np.sort(first)[::-1], side="left") - np.arange(n)
    return float(np.sum(np.log(np.maximum(at_least, 1e-9)) - np.log(np.arange(n, 0, -1))))


def log_fixed(by: np.ndarray, column: np.ndarray) -> float:
    """Return log P(all people with the same code of `by` have the same code of `column`).

    With shares p_v of the codes of `column` and n_l people at each code of `by`, the product over l of the sum over
    v of p_v ** n_l.
    """
    _, of_by = np.unique(by, return_counts=True)
    share = np.unique(column, return_counts=True)[1] / len(column)
    sizes, times = np.unique(of_by[of_by > 1], return_counts=True)
    if not len(sizes):
        return 0.0
    powers = sizes[:, None] * np.log(share)[None, :]
    top = powers.max(axis=1)
    return float(np.sum(times * (top + np.log(np.exp(powers - top[:, None]).sum(axis=1)))))


def log_ranges(column: np.ndarray) -> float:
    """Return log P(each code of `column` is one unbroken range of a number that is independent of it).

    Of n! / prod(n_v!) ways to lay n_v people of each of m codes in a row, m! are unbroken.
    """
    counts = np.unique(column, return_counts=True)[1]
    return float(gammaln(len(counts) + 1) + gammaln(counts + 1).sum() - gammaln(counts.sum() + 1))


def log_never(first: np.ndarray, second: np.ndarray, n: int) -> np.ndarray:
    """Return log P(nobody of n people is among `first` and among `second`), both dealt at random: hypergeometric."""
    rest = n - first - second
    chance = gammaln(n - first + 1) + gammaln(n - second + 1) - gammaln(np.maximum(rest, 0) + 1) - gammaln(n + 1)
    return np.where(rest < 0, -np.inf, chance)


def log_formula(hits: int, tried: int, people: int, free: int) -> float:
    """Return log P(a formula with `free` fitted numbers holds for all people).

    `hits` of `tried` records keep it once the target is dealt to them at random; the fit may have made it hold for
    `free` people whatever they are.
    """
    return float(xlogy(max(people - free, 0), max(hits, 1) / tried))
