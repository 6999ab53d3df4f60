"""`Rule`: what holds between the columns of every record; and `Part`, some of what a column may hold."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import is_numeric
from shd.synthesizers._dtypes import is_time, restore_numbers
from shd.tables.types import plain

KINDS: dict[str, type["Rule"]] = {}
"""Every kind, by name; see `kinds`."""

_DAY = 86_400_000_000  # microseconds
_NAMED = 4  # levels that are named in words
_FEW_DIGITS = 4  # of a number between two ranges: one with more could be a single person's


@dataclass(frozen=True)
class Rule:
    """What holds between the columns of every record.

    Make one with `at_most`, `total`, `fixed`, `never`, `missing_when` or `own`. A rule says nothing of a record in
    which a value that it needs is missing.

    Examples
    --------
    >>> mine = [
    ...     shd.Rule.at_most("admission", "discharge"),
    ...     shd.Rule.never({"sex": "male", "pregnant": "yes"}),
    ...     shd.Rule.own("no child drives", lambda frame: (frame.age >= 18) | (frame.drives == "no")),
    ... ]  # doctest: +SKIP
    >>> gan.sample(1000, keep_rules=mine)  # doctest: +SKIP
    >>> shd.compare(train, synthetic, rules=mine)  # doctest: +SKIP
    """

    kind: ClassVar[str] = ""
    about: ClassVar[tuple[str, ...]] = ()  # its fields that hold a column, or a part of one

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.kind:
            KINDS[cls.kind] = cls

    @property
    def columns(self) -> tuple:
        """The columns that it is about."""
        held = [getattr(self, name) for name in self.about]
        return tuple(one.column if isinstance(one, Part) else one for one in held)

    @property
    def words(self) -> str:
        """The rule in words."""
        return self._words()

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which records break it, bool, shape (n,)."""
        return self._broken(frame)

    def _words(self) -> str:
        raise NotImplementedError

    def _broken(self, frame: pd.DataFrame) -> np.ndarray:
        raise NotImplementedError

    def repair(self, frame: pd.DataFrame, locked: frozenset = frozenset()) -> pd.DataFrame:
        """Return the records mended as far as one column of them can mend them; `locked` columns stay."""
        rows = self.broken(frame)
        return changed(frame, self._mended(frame, rows, locked) if rows.any() else {})

    def _mended(self, frame: pd.DataFrame, rows: np.ndarray, locked: frozenset) -> dict[Hashable, pd.Series]:
        """Return columns in which the records at `rows` (a mask) no longer break it; none unless a kind says how."""
        return {}

    def to_dict(self) -> dict:
        """Return it as plain values, for JSON."""
        return {"kind": self.kind, **asdict(self)}

    @staticmethod
    def at_most(first: Hashable, second: Hashable, strict: bool = False) -> "Rule":
        """`first` is never more than `second` (`strict`: always less): numbers, dates, ordered categories."""
        return KINDS["order"](first, second, strict)

    @staticmethod
    def total(column: Hashable, parts: Sequence[Hashable], decimals: int = 6) -> "Rule":
        """`column` is the sum of `parts`, to so many decimals."""
        terms = tuple((part, 1.0) for part in parts)
        return KINDS["formula"](column, terms, places=(decimals,) * (len(parts) + 1))

    @staticmethod
    def fixed(column: Hashable, by: Hashable, table: Mapping) -> "Rule":
        """`column` is what `table` says for the level of `by`; it says nothing of levels not in the table."""
        return KINDS["fixed"](column, by, tuple(map(plain, table)), tuple(map(plain, table.values())))

    @staticmethod
    def never(together: Mapping) -> "Rule":
        """No record has both: ``{"sex": "male", "pregnant": ["yes", "unsure"]}``; None stands for missing."""
        if len(together) != 2:
            raise ShdError(f"Rule.never takes two columns, not {len(together)}: {{'sex': 'male', 'pregnant': 'yes'}}.")
        return KINDS["never together"](*(Part.of(column, what) for column, what in together.items()))

    @staticmethod
    def missing_when(column: Hashable, when: Mapping) -> "Rule":
        """`column` is missing in records with ``{"died": "no"}``, and in no others."""
        if len(when) != 1:
            raise ShdError(f"Rule.missing_when takes one other column, not {len(when)}: {{'died': 'no'}}.")
        return KINDS["missing when"](column, *(Part.of(other, what) for other, what in when.items()))

    @staticmethod
    def own(words: str, holds: Callable[[pd.DataFrame], pd.Series]) -> "Rule":
        """Any function of the frame that says of each record whether the rule holds. It cannot be saved."""
        return KINDS["own"](words, holds)


def rule_from_dict(state: Mapping) -> Rule:
    """Undo `Rule.to_dict`."""
    state = dict(state)
    kind = KINDS[state.pop("kind")]
    for name, value in state.items():
        if isinstance(value, dict):
            state[name] = Part(**{k: tuple(v) if isinstance(v, list) else v for k, v in value.items()})
        elif isinstance(value, list):
            state[name] = tuple(tuple(v) if isinstance(v, list) else v for v in value)
    return kind(**state)


# What columns hold ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """Some of what a column may hold: any of some levels, from `low` on and below `high` (dates: days), or missing."""

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
        if self.low is None and self.high is None:  # any number
            return f"{self.column} is known"
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


def changed(frame: pd.DataFrame, columns: Mapping[Hashable, pd.Series]) -> pd.DataFrame:
    """Return a frame with other columns, and leave the one that was given as it is."""
    made = frame.copy(deep=False) if columns else frame
    for name, values in columns.items():
        made[name] = values
    return made


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
