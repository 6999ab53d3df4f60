"""`Domain`: what the cells of a table can hold, written down before anybody looks at the records.

A private synthesizer may learn nothing for nothing. That a level exists, or where the largest number lies, is
something about people as well. What is declared here is not learned: it comes from a codebook, a form, a ward's
rules or common sense, and stays the same whoever is in the table.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.tables.types import LARGEST_WHOLE, plain

UNITS = ("D", "h", "min", "s", "us")
"""What dates and lengths of time are counted in, from coarse to fine."""


@dataclass(frozen=True)
class Levels:
    """A column of levels: text, whole numbers that are codes, or yes/no.

    Parameters
    ----------
    levels : sequence of str, int, float or bool
        All that can occur, each once, in the order they are to be shown.
    ordered : bool
        Whether that order means something.
    other : str, int, float or bool, optional
        The level that stands for whatever is not in `levels`; it joins them where it is not among them.
    missing : bool
        Whether a cell can be empty.
    dtype : str, optional
        pandas dtype of the column; by default ``bool`` for yes/no that is never missing, ``boolean`` where it can
        be, else ``category``.

    Raises
    ------
    ShdError
        Where there are no levels, one is there twice, or one is no text, number or yes/no.
    """

    levels: Sequence
    ordered: bool = False
    other: object = None
    missing: bool = False
    dtype: str | None = None

    def __post_init__(self) -> None:
        if isinstance(self.levels, str) or not isinstance(self.levels, Sequence | np.ndarray | pd.Index):
            raise ShdError(f"levels={self.levels!r} must be a list, for example Levels(['no', 'yes']).")
        levels = [plain(level) for level in self.levels]
        other = plain(self.other)
        if other is not None and other not in levels:
            levels.append(other)
        strange = [level for level in levels if not isinstance(level, str | bool | int | float) or level != level]
        if strange or not levels or len(set(levels)) < len(levels):
            why = f"{strange[0]!r} is none" if strange else "one is there twice" if levels else "there is none"
            raise ShdError(f"levels must be different texts, numbers or yes/no, one at least; here {why}.")
        yes_no = all(isinstance(level, bool) for level in levels)
        dtype = self.dtype or (("boolean" if self.missing else "bool") if yes_no else "category")
        if dtype != "category":
            _check_dtype(dtype, self.missing)
        object.__setattr__(self, "levels", tuple(levels))
        object.__setattr__(self, "other", other)
        object.__setattr__(self, "dtype", dtype)


@dataclass(frozen=True)
class Numbers:
    """A column of numbers.

    Parameters
    ----------
    low, high : float
        Smallest and largest that can occur; what lies beyond is cut to them.
    decimals : int
        Decimals they are written with, 0 to 6. More are rounded away.
    missing : bool
        Whether a cell can be empty.
    dtype : str, optional
        pandas dtype of the column; by default ``int64`` for whole numbers that are never missing, else ``float64``.

    Raises
    ------
    ShdError
        Where the range is empty, endless or too wide to be exact, or the decimals are not 0 to 6.
    """

    low: float
    high: float
    decimals: int = 0
    missing: bool = False
    dtype: str | None = None

    def __post_init__(self) -> None:
        low, high = plain(self.low), plain(self.high)
        numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
        if not numbers or not (-LARGEST_WHOLE < low <= high < LARGEST_WHOLE):
            raise ShdError(f"low={low!r} and high={high!r} must be numbers, low not above high, for example 0 and 120.")
        if self.decimals not in range(7) or isinstance(self.decimals, bool):
            raise ShdError(f"decimals={self.decimals!r} must be a whole number from 0 to 6.")
        dtype = self.dtype or ("float64" if self.decimals or self.missing else "int64")
        _check_dtype(dtype, self.missing)
        whole = pd.api.types.is_integer_dtype(dtype)
        limits = np.iinfo(getattr(pd.api.types.pandas_dtype(dtype), "numpy_dtype", dtype)) if whole else None
        if whole and (self.decimals or low < limits.min or high > limits.max):
            raise ShdError(f"dtype={dtype!r} cannot hold numbers from {low} to {high} with {self.decimals} decimals.")
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        object.__setattr__(self, "dtype", dtype)


@dataclass(frozen=True)
class Dates:
    """A column of dates, of times, or with the dtype ``timedelta64[us]`` of lengths of time.

    Parameters
    ----------
    first, last : str or pandas.Timestamp
        Earliest and latest that can occur, for example ``"2020-01-01"`` (or ``"0 days"``); what lies beyond is cut
        to them. For a dtype with a time zone, they are in UTC.
    unit : {"D", "h", "min", "s", "us"}
        What they are counted in; finer parts are cut off.
    missing : bool
        Whether a cell can be empty.
    dtype : str
        pandas dtype of the column.

    Raises
    ------
    ShdError
        Where `first` or `last` is no date, or the order is wrong.
    """

    first: str
    last: str
    unit: str = "D"
    missing: bool = False
    dtype: str = "datetime64[us]"

    def __post_init__(self) -> None:
        if self.unit not in UNITS:
            raise ShdError(f"unit={self.unit!r} must be one of {', '.join(UNITS)}.")
        _check_dtype(self.dtype, missing=True)
        try:
            first, last = (self.moment(str(end)) for end in (self.first, self.last))
            fits = first <= last
        except (ValueError, TypeError):
            fits = False
        if not fits:
            raise ShdError(
                f"first={self.first!r} and last={self.last!r} must be dates, first not after last, "
                "for example '2020-01-01' and '2020-12-31'."
            )
        object.__setattr__(self, "first", str(first))
        object.__setattr__(self, "last", str(last))

    def moment(self, text: str) -> pd.Timestamp | pd.Timedelta:
        """Return a date (or length of time) that was written as text, cut to the unit."""
        kind = pd.Timedelta if self.dtype.startswith("timedelta") else pd.Timestamp
        return kind(text).as_unit("us").floor(self.unit)


Declared = Levels | Numbers | Dates
_KINDS = {kind.__name__: kind for kind in (Levels, Numbers, Dates)}


@dataclass(frozen=True)
class Domain:
    """What the cells of each column can hold: `Levels`, `Numbers` or `Dates`.

    >>> Domain({"sex": Levels(["f", "m"]), "age": Numbers(0, 110), "weight": Numbers(2, 250, decimals=1, missing=True)})
    Domain of 3 columns: sex, age, weight

    Parameters
    ----------
    columns : mapping of str to Levels, Numbers or Dates
        Columns that are declared. It must not come from the records: whoever reads levels or ranges off the table
        makes the promise of a private synthesizer false, and nothing can notice.

    Raises
    ------
    ShdError
        Where a column is declared as something else.
    """

    columns: Mapping[str, Declared]

    def __post_init__(self) -> None:
        if not isinstance(self.columns, Mapping):
            raise ShdError("a Domain takes a dict, for example Domain({'age': Numbers(0, 110)}).")
        for name, declared in self.columns.items():
            if not isinstance(declared, Declared):
                raise ShdError(
                    f"column {name!r} is declared as {type(declared).__name__}; use Levels, Numbers or Dates."
                )
        object.__setattr__(self, "columns", dict(self.columns))

    def __repr__(self) -> str:
        names = ", ".join(map(str, list(self.columns)[:6])) + (", ..." if len(self.columns) > 6 else "")
        return f"Domain of {len(self.columns)} columns: {names}"

    @classmethod
    def of(cls, data: object, columns: Sequence[str]) -> "Domain":
        """Declare the categories of some columns as they stand in their dtype.

        pandas cannot tell categories that somebody wrote down from those that it read off the records. By naming a
        column here you say that its were written down.

        Parameters
        ----------
        data : Dataset or pandas.DataFrame
        columns : sequence of str
            Columns with a categorical (or plain yes/no) dtype.

        Returns
        -------
        Domain

        Raises
        ------
        ShdError
            Where a column is not categorical, or its levels are known to be read off the records.
        """
        frame = getattr(data, "frame", data)
        declared = {}
        for name in columns:
            dtype = frame[name].dtype if name in frame.columns else None
            if name in getattr(data, "levels_read", ()):
                raise ShdError(
                    f"column {name!r}: its levels were read off the records; declare them with Levels([...])."
                )
            if isinstance(dtype, pd.CategoricalDtype):
                declared[name] = Levels(dtype.categories.tolist(), ordered=bool(dtype.ordered))
            elif pd.api.types.is_bool_dtype(dtype):
                declared[name] = Levels([False, True], missing=str(dtype) != "bool", dtype=str(dtype))
            else:
                raise ShdError(f"column {name!r} has no categories; declare it with Levels, Numbers or Dates.")
        return cls(declared)

    def __or__(self, other: "Domain") -> "Domain":
        """Return both together; where both declare a column, the right one counts."""
        return Domain({**self.columns, **other.columns})

    @classmethod
    def read(cls, path: str | Path) -> "Domain":
        """Read a domain that was written as JSON: ``{"sex": {"levels": ["f", "m"]}, "age": {"low": 0, "high": 110}}``.

        Raises
        ------
        ShdError
            Where there is no such file, or it says something else.
        """
        try:
            told = json.loads(Path(path).read_text(encoding="utf-8"))
            kinds = {"levels": Levels, "low": Numbers, "first": Dates}
            return cls({name: next(kinds[key] for key in kinds if key in one)(**one) for name, one in told.items()})
        except OSError as error:
            raise ShdError(f"{path}: cannot be read ({error.strerror}). Name a file that declares columns.") from None
        except (ValueError, TypeError, AttributeError, StopIteration):
            example = '{"sex": {"levels": ["f", "m"]}, "age": {"low": 0, "high": 110}}'
            raise ShdError(f"{path}: declares no columns. It should be like {example}.") from None

    def to_dict(self) -> dict:
        """Return plain values, for JSON."""
        return {"columns": [[name, type(d).__name__, asdict(d)] for name, d in self.columns.items()]}

    @classmethod
    def from_dict(cls, state: dict) -> "Domain":
        """Undo `to_dict`."""
        return cls({name: _KINDS[kind](**values) for name, kind, values in state["columns"]})


def _check_dtype(dtype: str, missing: bool) -> None:
    """Raise `ShdError` for what pandas does not know, or what cannot be missing where it has to."""
    try:
        known = pd.api.types.pandas_dtype(dtype)
    except TypeError:
        raise ShdError(f"dtype={dtype!r} is no dtype of pandas; leave it out.") from None
    if missing and isinstance(known, np.dtype) and known.kind in "iub":
        raise ShdError(f"dtype={dtype!r} cannot be missing; leave it out, or use 'Int64', 'float64' or 'boolean'.")
