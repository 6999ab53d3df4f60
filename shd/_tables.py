"""Tables from files: what is read as missing, as a date, and what is refused."""

import re
from pathlib import Path

import pandas as pd

from shd._errors import ShdError

_MISSING = ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "NULL", "null", "<NA>"]
"""Words for a missing value. ``None`` is not among them: in health data it is a level."""

_DATE = r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}.*)?"
_SHEETS = (".xlsx", ".xls", ".ods")


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a CSV (plain or compressed) or Parquet file.

    Which of the two it is shows in the first bytes, not in the name. In a CSV, a column whose
    every value is a date as ``2020-11-14`` becomes dates, and the word ``None`` is a level, except
    in a column of numbers.

    Parameters
    ----------
    path : str or pathlib.Path
        CSV in UTF-8, separated by commas, first row the names; or Parquet.

    Returns
    -------
    pandas.DataFrame, shape (n_records, n_columns)

    Raises
    ------
    ShdError
        Where the file is missing, a folder, empty, or not such a table.
    """
    path = Path(path)
    if path.is_dir():
        raise ShdError(f"{path}: a folder, not a file. Give a .csv or .parquet file.")
    if not path.is_file():
        raise ShdError(f"{path}: no such file. Check the path.")
    if path.suffix.lower() in _SHEETS:
        raise ShdError(f"{path}: a spreadsheet. Save it as CSV (UTF-8, commas) and give that file.")
    try:
        return _parse(path)
    except UnicodeDecodeError:
        raise ShdError(f"{path}: not text in UTF-8. Save it as CSV in UTF-8, or give a .parquet file.") from None
    except pd.errors.EmptyDataError:
        raise ShdError(f"{path}: empty, without even a row of names. Give a .csv or .parquet file.") from None
    except (ValueError, OSError, EOFError) as error:  # parser, Arrow and decompression errors
        raise ShdError(
            f"{path}: cannot be read as a table ({_first_line(error)}). Give a .csv or .parquet file."
        ) from None


def _parse(path: Path) -> pd.DataFrame:
    with path.open("rb") as stream:
        start = stream.read(4)
    if start == b"PAR1":
        return pd.read_parquet(path)
    if path.suffix == ".parquet":
        raise ValueError("the name says Parquet, the content does not")
    table = pd.read_csv(path, keep_default_na=False, na_values=_MISSING)
    if table.shape[1] == 1 and re.search(r"[;\t|]", str(table.columns[0])):
        raise ValueError("one column only, with another separator in its name: use commas")
    text = table.select_dtypes(include=["str", "object"]).columns
    return table.assign(**{column: _sharpen(table[column]) for column in text}) if len(text) else table


def _sharpen(text: pd.Series) -> pd.Series:
    """Turn a text column into numbers (apart from ``None``) or dates where every value is one."""
    known = text.dropna()
    if len(known) and known.astype(str).str.fullmatch(_DATE).all():
        dates = pd.to_datetime(text, format="ISO8601", errors="coerce")
        return dates if dates.notna().sum() == len(known) else text
    known = known[known != "None"]
    if 0 < len(known) < text.notna().sum():
        numbers = pd.to_numeric(text, errors="coerce")
        return numbers if numbers.notna().sum() == len(known) else text
    return text


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
