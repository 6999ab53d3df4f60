"""Odd types of other people's tables, made what they are: numbers, dates, lengths of time, levels."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa

from shd._errors import ShdError

LARGEST_WHOLE = 2**53
"""Beyond it, whole numbers do not fit a float: they are codes."""

_ARROW_KEPT = ("int", "uint", "float", "double", "halffloat", "bool")
_TEXT_OF = ("UUID", "IPv4Address", "IPv6Address", "PosixPath", "WindowsPath", "Path", "Interval", "Fraction")


def known_types(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose columns are numbers, dates, lengths of time, yes/no, text or categories of these.

    Dates and decimals that are held as objects, Arrow and Period types and the like become what they
    are; codes too long to be exact numbers become text. The same table comes back where nothing is odd.
    """
    columns = [frame.iloc[:, j] for j in range(frame.shape[1])]
    known = [known_type(values) for values in columns]
    if all(new is values for new, values in zip(known, columns, strict=True)):
        return frame
    return pd.DataFrame(dict(zip(frame.columns, known, strict=True)), index=frame.index, copy=False)


def known_type(values: pd.Series) -> pd.Series:
    """Return one column as in `known_types`; the column itself where it is not odd."""
    dtype = values.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _categories(values)
    if isinstance(dtype, pd.ArrowDtype):
        values = _from_arrow(values, dtype.pyarrow_dtype)
    elif isinstance(dtype, pd.PeriodDtype):
        values = values.dt.to_timestamp()
    elif isinstance(dtype, pd.IntervalDtype):
        values = values.astype("str")
    elif isinstance(dtype, pd.SparseDtype):
        values = values.sparse.to_dense()
    if pd.api.types.is_complex_dtype(values):
        raise ShdError(f"column {values.name!r} holds complex numbers; give real and imaginary part as two columns.")
    if values.dtype == object:
        return _from_objects(values)
    if pd.api.types.is_integer_dtype(values) and len(values) and _too_long(values):
        return values.astype("str").where(values.notna(), None).astype("str")
    return values


def _too_long(values: pd.Series) -> bool:
    low, high = values.min(), values.max()
    return bool(pd.notna(high) and (int(high) > LARGEST_WHOLE or int(low) < -LARGEST_WHOLE))


def _from_arrow(values: pd.Series, kind: pa.DataType) -> pd.Series:
    if str(kind).startswith(_ARROW_KEPT):
        return values
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or str(kind) == "string_view":
        texts = values.array.__arrow_array__().cast(pa.large_string()).to_pandas()
        return pd.Series(texts.array, index=values.index, name=values.name, dtype="str")
    if pa.types.is_null(kind):
        return pd.Series(np.nan, index=values.index, name=values.name)
    if pa.types.is_date(kind):
        return values.astype(pd.ArrowDtype(pa.timestamp("us"))).astype("datetime64[us]")
    if pa.types.is_dictionary(kind) or pa.types.is_duration(kind) or pa.types.is_timestamp(kind):
        plain = values.array.__arrow_array__().to_pandas()
        return known_type(pd.Series(plain.array, index=values.index, name=values.name))
    return values.astype(object)


def _from_objects(values: pd.Series) -> pd.Series:
    """Return a column of Python objects as what all of them are."""
    known = values.dropna()
    kind = pd.api.types.infer_dtype(known, skipna=True)
    if kind == "integer" and len(known) < len(values):  # as floats, long codes would lose digits
        return _numbers(values, known)
    sure = values.infer_objects()
    if sure.dtype != object:
        return known_type(sure)
    if kind == "boolean":
        return values.where(values.notna(), None).astype("boolean")
    if kind == "date" or (kind in ("datetime", "datetime64", "mixed") and _are(known, "date", "datetime", "Timestamp")):
        return _dates(values)
    if kind in ("decimal", "integer", "floating", "mixed-integer-float") or (
        kind.startswith("mixed") and all(map(is_number, known)) and len(known)
    ):
        return _numbers(values, known)
    if kind == "time":
        return _times(values)
    if kind == "period":
        starts = pd.to_datetime([None if pd.isna(value) else value.start_time for value in values])
        return pd.Series(starts, index=values.index, name=values.name)
    if kind == "bytes":
        return _decoded(values)
    if kind == "string" or kind == "empty":
        return values
    return _levels(values, known)


def _are(known: pd.Series, *names: str) -> bool:
    return {type(value).__name__ for value in known} <= set(names)


def _dates(values: pd.Series) -> pd.Series:
    aware = {getattr(value, "tzinfo", None) is not None for value in values.dropna()}
    if len(aware) > 1:
        raise ShdError(f"column {values.name!r} has dates with and without a time zone; give all of them one.")
    texts = pd.Series([None if pd.isna(value) else value.isoformat() for value in values], dtype="str")
    dates = pd.to_datetime(texts, format="ISO8601", utc=True in aware)
    return pd.Series(dates.array, index=values.index, name=values.name)


def _numbers(values: pd.Series, known: pd.Series) -> pd.Series:
    whole = all(value == int(value) for value in known if np.isfinite(float(value)))
    if whole and any(np.isfinite(float(value)) and abs(int(value)) > LARGEST_WHOLE for value in known):
        return values.map(lambda value: None if pd.isna(value) else f"{int(value)}").astype("str")
    return values.map(lambda value: np.nan if pd.isna(value) else float(value)).astype(float)


def _times(values: pd.Series) -> pd.Series:
    """Return times of day as time since midnight."""
    since = [
        np.timedelta64("NaT")
        if pd.isna(v)
        else np.timedelta64(((v.hour * 60 + v.minute) * 60 + v.second) * 1_000_000 + v.microsecond, "us")
        for v in values
    ]
    return pd.Series(np.array(since, dtype="m8[us]"), index=values.index, name=values.name)


def _decoded(values: pd.Series) -> pd.Series:
    try:
        return values.map(lambda value: None if pd.isna(value) else value.decode()).astype("str")
    except UnicodeDecodeError:
        raise ShdError(
            f"column {values.name!r} holds bytes that are no text in UTF-8; drop it, or turn it into text."
        ) from None


def _levels(values: pd.Series, known: pd.Series) -> pd.Series:
    """Levels of a type that has a written form, as text; text, numbers and yes/no side by side stay."""
    if all(isinstance(value, (str, bool, np.bool_)) or is_number(value) for value in known):
        return values
    return as_text(values, known)


def as_text(values: pd.Series, known: pd.Series) -> pd.Series:
    """Return levels as text, missing kept; `ShdError` for what has no written form."""
    for value in known:
        plain = isinstance(value, (str, bool, np.bool_, pd.Timestamp, pd.Timedelta)) or is_number(value)
        if not plain and type(value).__name__ not in _TEXT_OF and not hasattr(value, "isoformat"):
            raise ShdError(
                f"column {values.name!r} holds {type(value).__name__} values such as {str(value)[:40]!r}; "
                f"turn it into text with .astype(str), or into numbers, one value a cell."
            )
    return values.map(lambda value: None if pd.isna(value) else text_of(value)).astype("str")


def is_number(value: object) -> bool:
    """Whether a cell is a number, decimals among them, and not yes/no."""
    return isinstance(value, (int, float, Decimal, np.number)) and not isinstance(value, bool)


def plain(value: object) -> object:
    """Return a value of numpy as Python, and so JSON, knows it."""
    return value.item() if isinstance(value, np.generic) else value


def text_of(value: object) -> str:
    """Return the text of a level: whole numbers without a point."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _categories(values: pd.Series) -> pd.Series:
    """Categories of odd types as categories of their texts, in the same order."""
    levels = values.cat.categories
    plain = all(isinstance(v, (str, bool, int, float, np.bool_, np.integer, np.floating)) for v in levels)
    kinds = {
        str if isinstance(level, str) else bool if isinstance(level, (bool, np.bool_)) else float for level in levels
    }
    if plain and len(kinds) <= 1 and not isinstance(levels.dtype, pd.ArrowDtype):
        return values
    texts = as_text(pd.Series(levels.astype(object), name=values.name), pd.Series(levels.astype(object)))
    if texts.duplicated().any():
        raise ShdError(f"column {values.name!r} has two categories that are written alike; rename one of them.")
    return values.cat.rename_categories(texts.tolist())
