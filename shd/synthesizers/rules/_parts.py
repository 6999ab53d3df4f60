"""Columns as a rule reads them: numbers, missing or not, and a part of a column such as ``age is 18 or more``."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd.dataset import is_numeric
from shd.synthesizers._dtypes import is_time, restore_numbers

_DAY = 86_400_000_000  # microseconds
_NAMED = 4  # levels that are named in words
_FEW_DIGITS = 4  # of a number between two ranges: one with more could be a single person's


def as_numbers(values: pd.Series) -> np.ndarray:
    """Return a column as float64, shape (n,): dates as days since 1970, ordered categories by rank, missing as NaN."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        codes = values.cat.codes.to_numpy(float)
        return np.where(codes < 0, np.nan, codes)
    if is_time(values):
        length = pd.api.types.is_timedelta64_dtype(values)
        since = values if length else pd.to_datetime(values, utc=True) - pd.Timestamp(0, tz="UTC").as_unit("us")
        return (since / pd.Timedelta(days=1)).to_numpy(float, na_value=np.nan)
    return pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=np.nan)


def with_numbers(values: pd.Series, rows: np.ndarray, numbers: np.ndarray) -> pd.Series:
    """Return a column with other numbers at `rows` (a mask), its dtype kept; what its dtype cannot hold stays."""
    time = is_time(values)
    new = np.where(rows, numbers, as_numbers(values))
    absent = np.isnan(new)
    target = getattr(values.dtype, "numpy_dtype", values.dtype)
    if pd.api.types.is_integer_dtype(target):
        limits = np.iinfo(getattr(target, "name", str(target)).lower())
        fits = (new >= limits.min) & (new <= limits.max)
        new = np.where(fits | absent, new, as_numbers(values))
    new = np.where(absent, 0.0, new * _DAY if time else new)
    made = restore_numbers(new, absent, str(values.dtype), "us" if time else None, values.name)
    return made.set_axis(values.index)


def with_levels(values: pd.Series, rows: np.ndarray, levels: np.ndarray) -> pd.Series:
    """Return a column with other levels at `rows` (a mask), of as many objects, its dtype kept."""
    values = values.copy()
    at = np.flatnonzero(rows)
    codes, distinct = pd.factorize(levels)
    for code, level in enumerate(distinct):
        values.iloc[at[codes == code]] = level
    return values


def plain(level: object) -> object:
    """Return a level as JSON knows it."""
    return level.item() if isinstance(level, np.generic) else level


def and_join(words: Iterable[str], last: str = "and") -> str:
    """Join words as people do."""
    *first, end = words
    return f"{', '.join(first)} {last} {end}" if first else end


def round_between(below: float, at_most: float) -> float | None:
    """Return the roundest number above one and not above the other; None where only long ones lie there."""
    size = max(abs(below), abs(at_most))
    for place in range(int(np.floor(np.log10(size))) + 1, -12, -1) if size > 0 else ():
        step = 10.0**place
        number = round(np.floor(at_most / step + 1e-9) * step, max(-place, 0))
        if below < number <= at_most:
            return float(number) if float(f"{number:.{_FEW_DIGITS}g}") == number or place >= 0 else None
    return None


@dataclass(frozen=True)
class Part:
    """Some of what a column may hold.

    Parameters
    ----------
    column : str or int
    levels : tuple, optional
        Any of these levels.
    low, high : float, optional
        From `low` on, below `high`; dates as days since 1970 (`date`).
    missing : bool, optional
        Whether it is missing.
    """

    column: Hashable
    levels: tuple = ()
    low: float | None = None
    high: float | None = None
    missing: bool | None = None
    date: bool = False

    @classmethod
    def of(cls, column: Hashable, what: object) -> "Part":
        """Read what a user gives for a column: a level, some levels, or None for missing."""
        if what is None:
            return cls(column, missing=True)
        several = isinstance(what, list | tuple | set | frozenset | np.ndarray | pd.Index)
        return cls(column, levels=tuple(map(plain, what if several else (what,))))

    def holds(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which records are in it, bool, shape (n,)."""
        values = frame[self.column]
        if self.missing is not None:
            return (values.isna() == self.missing).to_numpy(bool)
        if self.levels:
            return values.isin(list(self.levels)).fillna(False).to_numpy(bool)
        numbers = as_numbers(values)
        low = -np.inf if self.low is None else self.low
        return (numbers >= low) & (numbers < (np.inf if self.high is None else self.high))

    @property
    def words(self) -> str:
        """The part in words."""
        if self.missing is not None:
            return f"{self.column} is {'missing' if self.missing else 'known'}"
        if self.levels:
            shown = [str(level) for level in self.levels[:_NAMED]]
            more = len(self.levels) - _NAMED
            return f"{self.column} is {and_join([*shown, f'{more} more'] if more > 0 else shown, 'or')}"
        if self.low is None:
            return f"{self.column} is below {self._write(self.high)}"
        to = "or more" if self.high is None else f"to below {self._write(self.high)}"
        return f"{self.column} is {self._write(self.low)} {to}"

    def _write(self, number: float) -> str:
        return str(np.datetime64(int(np.floor(number)), "D")) if self.date else f"{number:,.6g}"


def is_ordered(values: pd.Series) -> bool:
    """Whether one value of a column can be more than another."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return bool(values.cat.ordered)
    return is_numeric(values) or is_time(values)
