"""Between pandas columns and plain numbers or levels, so that every dtype comes back as it was."""

import numpy as np
import pandas as pd
import pyarrow as pa

from shd._errors import ShdError
from shd.dataset import is_numeric
from shd.tables.types import LARGEST_WHOLE

MICROSECONDS = {"D": 86_400_000_000, "h": 3_600_000_000, "min": 60_000_000, "s": 1_000_000, "us": 1}
_ARROW_TEXT = "arrow string"


def is_time(values: pd.Series) -> bool:
    """Whether a column holds dates or lengths of time."""
    return pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(values)


def learn_dtype(values: pd.Series) -> dict:
    """Return what is needed to give a column its dtype back."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        index = values.cat.categories
        check_levels(values.name, index)
        categories = {"categories": index.tolist(), "categories_dtype": str(index.dtype)}
        return {"dtype": "category", **categories, "ordered": bool(values.cat.ordered)}
    name = str(values.dtype)
    try:
        readable = pd.api.types.pandas_dtype(name) == values.dtype
    except TypeError:
        readable = False
    if not readable or pd.api.types.is_complex_dtype(values):
        raise ShdError(
            f"column {values.name!r} is of type {name}, which is not supported; turn it into text or numbers."
        )
    if is_time(values):
        whole = microseconds(values.dropna())
        return {"dtype": name, "unit": next(u for u, size in MICROSECONDS.items() if not (whole % size).any())}
    return {"dtype": name}


def odd_dtype(values: pd.Series, known: pd.Series) -> str | None:
    """Return the dtype that a column came with, where `known_types` changed it and it can be given back."""
    if values.dtype == known.dtype or values.dtype == object:
        return None
    name = str(values.dtype)
    if name == "string[pyarrow]":  # pandas reads that name as a type of its own
        name = _ARROW_TEXT
    try:
        return name if as_given(known.dropna().head(3), name).dtype == values.dtype else None
    except (TypeError, ValueError, NotImplementedError):  # Arrow's errors among them
        return None


def as_given(values: pd.Series, given: str | None) -> pd.Series:
    """Return a column with the dtype that `odd_dtype` told; unchanged where it told none."""
    if given is None:
        return values
    if given.startswith("period["):
        return values.dt.to_period(pd.api.types.pandas_dtype(given).freq)
    if given == _ARROW_TEXT:
        return values.astype(pd.ArrowDtype(pa.string()))
    return values.astype(given)


def check_levels(name: str, levels: pd.Index) -> None:
    """Raise `ShdError` where a level is not text, a number or yes/no."""
    for level in levels:
        if not isinstance(level, (str, bool, int, float, np.bool_, np.integer, np.floating)):
            raise ShdError(
                f"column {name!r} holds {type(level).__name__} values such as {str(level)[:40]!r}; "
                f"turn it into text with .astype(str), or into numbers."
            )


def to_numbers(values: pd.Series, unit: str | None) -> np.ndarray:
    """Return a column without missing values as float64, dates and lengths of time in `unit`."""
    try:
        if unit is not None:
            values = values if is_time(values) else pd.to_datetime(values)
            return microseconds(values) / MICROSECONDS[unit]
        numbers = values.to_numpy(float)
    except (TypeError, ValueError):
        wanted, given = "dates" if unit else "numbers", str(values.iloc[0])[:40]
        raise ShdError(f"column {values.name!r} wants {wanted}; it was given {given!r}.") from None
    if np.isinf(numbers).any():
        raise ShdError(f"column {values.name!r} has infinite values; make them missing, or clip them.")
    if pd.api.types.is_integer_dtype(values) and (np.abs(numbers) > LARGEST_WHOLE).any():
        raise ShdError(f"column {values.name!r} has whole numbers beyond 2**53; if it is an id drop it, else scale it.")
    return numbers


def restore_numbers(numbers: np.ndarray, absent: np.ndarray, dtype: str, unit: str | None, name: str) -> pd.Series:
    """Undo `to_numbers`; rows that are `absent` become missing."""
    target = pd.api.types.pandas_dtype(dtype)
    if unit is not None:
        return _restore_times(numbers, absent, target, unit, name)
    if pd.api.types.is_integer_dtype(target):
        numbers = np.round(numbers)
    if isinstance(target, np.dtype):
        return pd.Series(np.where(absent, np.nan, numbers) if absent.any() else numbers, name=name).astype(target)
    return pd.Series(pd.arrays.FloatingArray(numbers, absent), name=name).astype(target)


def restore_levels(levels: list, at: np.ndarray, dtype: str, name: str) -> pd.Series:
    """Return the level at each position, missing where it is ``len(levels)``; not for categories."""
    values = np.empty(len(levels) + 1, dtype=object)
    values[:-1] = levels
    values[-1] = None
    # few levels, many rows: give the levels their dtype first, where it can hold missing
    target = pd.api.types.pandas_dtype(dtype)
    if isinstance(target, np.dtype):
        return pd.Series(values[at], name=name, dtype=object).astype(target)
    return pd.Series(pd.Series(values, dtype=target).array.take(at), name=name)


def microseconds(values: pd.Series) -> np.ndarray:
    """Return dates as microseconds since 1970 in UTC, and lengths of time, int64."""
    if getattr(values.dtype, "tz", None) is not None:
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    kind = "m" if pd.api.types.is_timedelta64_dtype(values) else "M"
    return values.to_numpy().astype(f"{kind}8[us]").astype(np.int64)


def _restore_times(numbers: np.ndarray, absent: np.ndarray, target: object, unit: str, name: str) -> pd.Series:
    whole = np.round(np.where(absent, 0, numbers) * MICROSECONDS[unit]).astype(np.int64)
    kind = "m" if getattr(target, "kind", "M") == "m" else "M"
    times = whole.astype(f"{kind}8[us]")
    times[absent] = np.array("NaT", dtype=times.dtype)
    series = pd.Series(times, name=name)
    if isinstance(target, pd.DatetimeTZDtype):
        return series.dt.tz_localize("UTC").astype(target)
    return series.astype(target)


def is_level(values: pd.Series) -> bool:
    """Whether a column is one of levels (text, categories, yes/no) and not of numbers or dates."""
    return not is_numeric(values) and not is_time(values)
