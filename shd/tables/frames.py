"""Tables of other people: what nothing can be done with, and what their columns are."""

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd

from shd._errors import ShdError, ShdWarning
from shd.tables.dates import dates_from_digits
from shd.tables.types import as_text


def is_numeric(values: pd.Series) -> bool:
    """Whether a column holds numbers (yes/no columns do not count as numbers)."""
    return pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values)


def check_frame(frame: pd.DataFrame, what: str = "the table") -> None:
    """Raise `ShdError` for a table that nothing can be done with."""
    if not isinstance(frame, pd.DataFrame):
        raise ShdError(f"{what} must be a pandas DataFrame, not {type(frame).__name__}.")
    unnamed = [column for column in frame.columns if pd.api.types.is_scalar(column) and pd.isna(column)]
    if unnamed:
        raise ShdError(f"{what} has a column without a name; name it.")
    if frame.columns.nlevels > 1:
        raise ShdError(f"{what} has several rows of column names; make each name one text.")
    odd = [column for column in frame.columns if not isinstance(column, (str, int, float, np.integer, np.floating))]
    if odd:
        raise ShdError(
            f"{what} has a column whose name is no text ({type(odd[0]).__name__} {str(odd[0])!r}); name the columns "
            f"with text: frame.columns = frame.columns.map(str)."
        )
    repeated = frame.columns[frame.columns.duplicated()]
    if len(repeated):
        raise ShdError(f"{what} has the column {repeated[0]!r} more than once; rename one of them.")
    if frame.shape[1] == 0 or len(frame) == 0:
        raise ShdError(f"{what} is empty: {len(frame)} rows and {frame.shape[1]} columns.")
    for column, values in frame.items():
        # only where pandas finds more than text or numbers is each cell looked at
        mixed = values.dtype == object and pd.api.types.infer_dtype(values).startswith("mixed")
        if mixed and not all(map(pd.api.types.is_hashable, values)):
            raise ShdError(f"column {column!r} holds lists or other nested values; make it one value a cell.")


def text_to_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn text into categories; numbers and dates that pandas holds as objects become what they are."""
    frame = frame.infer_objects()
    for column in frame.select_dtypes(include=["str", "string", "object"]).columns:
        known = frame[column].dropna()
        mixed = frame[column].dtype == object and known.map(type).nunique() > 1
        frame[column] = (as_text(frame[column], known) if mixed else frame[column]).astype("category")
    return frame


def warn_of_dates(frame: pd.DataFrame) -> None:
    """Warn of whole numbers such as 20200314: as numbers, most of what is made of them is no date."""
    for column in frame.columns:
        values = frame[column]
        if pd.api.types.is_integer_dtype(values):
            counts = values.dropna().value_counts()
            if dates_from_digits([str(number) for number in counts.index], counts.to_numpy()):
                warnings.warn(
                    f"column {column!r} holds whole numbers that look like dates; make them dates with "
                    f"pd.to_datetime(frame[{column!r}].astype(str))",
                    ShdWarning,
                    stacklevel=3,
                )


def is_count(values: pd.Series) -> bool:
    """Whether a column holds more than two different whole numbers from 0 on."""
    return pd.api.types.is_integer_dtype(values) and values.nunique() > 2 and bool((values.dropna() >= 0).all())


def describe_columns(columns: Sequence[str], most: int = 5) -> str:
    """Return names for a message: ``'a', 'b' and 3 more``."""
    shown = ", ".join(repr(c) for c in list(columns)[:most])
    return shown if len(columns) <= most else f"{shown} and {len(columns) - most} more"


def check_lengths(frame: pd.DataFrame, subjects: np.ndarray, images: np.ndarray | None) -> None:
    """Raise `ShdError` where subjects or images are not one a record."""
    for what, values in (("subjects", subjects), ("images", images)):
        if values is not None and len(values) != len(frame):
            raise ShdError(f"{what} has {len(values)} entries for {len(frame)} records; give one a record.")
    if subjects.ndim != 1 or pd.isna(subjects).any():
        raise ShdError("subjects must be one id a record, none missing; fill them or drop those records.")
    if images is not None and (getattr(images, "dtype", None) != np.uint8 or images.ndim != 3):
        raise ShdError("images must be a uint8 array of shape (n_records, height, width), one grey picture a record.")
