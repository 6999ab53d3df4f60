"""A table laid out for the search: numbers, codes of levels, what is missing, whose each record is."""

from collections.abc import Hashable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from shd.dataset import is_numeric
from shd.synthesizers._dtypes import is_time
from shd.synthesizers.rules._parts import as_numbers, is_ordered, plain

_MOST_LEVELS = 2000  # columns with more distinct values are codes of nothing
_SCREENED = 1000  # records that most candidates fail on


@dataclass(frozen=True, eq=False)
class Column:
    """One column.

    Parameters
    ----------
    name : hashable
    scale : object
        Columns of the same scale can be compared; None for plain levels.
    numbers : ndarray of float64, shape (n,), or None
    codes : ndarray of int64, shape (n,), or None
        Code of each distinct value, -1 for missing; None for dates, and for too many distinct values.
    levels : list
        What each code stands for.
    missing : ndarray of bool, shape (n,)
    """

    name: Hashable
    scale: object
    numbers: np.ndarray | None
    codes: np.ndarray | None
    levels: list
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
        pairs = pd.DataFrame({"code": column.codes[known], "person": self.people[known]}).drop_duplicates()
        return np.bincount(pairs["code"], minlength=len(column.levels))


def _decimals(numbers: np.ndarray) -> int | None:
    known = np.unique(numbers[~np.isnan(numbers)])
    if not len(known):
        return None
    return next((d for d in range(7) if np.allclose(np.round(known, d), known, rtol=1e-9, atol=1e-12)), None)
