"""Tables from files: CSV with whatever separators, compression and customs it comes, and Parquet."""

import bz2
import csv
import gzip
import io
import lzma
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from shd._errors import ShdError, first_line
from shd.tables.cells import MISSING, Cells, Customs, Notes, read_cells
from shd.tables.layout import lay_out
from shd.tables.schema import Schema

_SHEETS = (".xlsx", ".xls", ".ods")
_BROKEN = (ValueError, OSError, EOFError, csv.Error, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
_OPENERS = {b"\x1f\x8b": gzip.decompress, b"BZh": bz2.decompress, b"\xfd7zXZ": lzma.decompress}
_COMPRESSED = {".gz": b"\x1f\x8b", ".bz2": b"BZh", ".xz": b"\xfd7zXZ", ".zip": b"PK"}


@dataclass(frozen=True)
class Reading:
    """How a CSV is to be read, where that should not be told from its text."""

    skip: int = 0  # lines above the row of names
    missing: tuple[str, ...] | None = None  # words for a missing value, instead of `shd.tables.cells.MISSING`
    text: tuple[str, ...] = ()  # columns to keep as they are written: only an empty field is missing
    day_first: bool | None = None  # whether 03/04/2020 is in April
    decimal: str | None = None  # mark of numbers such as 93,508

    def __post_init__(self) -> None:
        if isinstance(self.skip, bool) or not isinstance(self.skip, int) or self.skip < 0:
            raise ShdError(f"skip={self.skip!r} must be a whole number of lines, 0 or more.")
        if self.decimal not in (None, ".", ","):
            raise ShdError(f"decimal={self.decimal!r} must be '.' or ','.")
        for name in ("missing", "text"):
            value = getattr(self, name)
            object.__setattr__(self, name, (value,) if isinstance(value, str) else value and tuple(value))


def read_table(path: str | Path, reading: Reading | None = None) -> pd.DataFrame:
    """Read a CSV (plain or compressed) or Parquet file; see `read_noted`."""
    return read_noted(path, reading)[0]


def read_noted(path: str | Path, reading: Reading | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Read a CSV (plain or compressed) or Parquet file, and say what was decided about it.

    What a file is shows in its first bytes, not in its name. Where a schema lies beside a CSV, it
    says what each column is. Without one the text tells: numbers with points or commas, per cent and
    units, dates in the format that nearly all cells have, yes/no, and levels otherwise. Codes with
    leading zeros, and whole numbers too long to be exact, stay text. The word ``None`` is a level,
    except in a column of numbers.
    """
    path, reading = Path(path), reading or Reading()
    if path.is_dir():
        raise ShdError(f"{path}: a folder, not a file. Give a .csv or .parquet file.")
    if not path.is_file():
        raise ShdError(f"{path}: no such file. Check the path.")
    if path.suffix.lower() in _SHEETS:
        raise ShdError(f"{path}: a spreadsheet. Save it as CSV (UTF-8, commas) and give that file.")
    try:
        return _parse(path, reading)
    except ShdError as error:
        raise ShdError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise ShdError(f"{path}: not text in UTF-8. Save it as CSV in UTF-8, or give a .parquet file.") from None
    except pd.errors.EmptyDataError:
        raise ShdError(f"{path}: empty, without even a row of names. Give a .csv or .parquet file.") from None
    except _BROKEN as error:  # parser, Arrow and decompression errors
        raise ShdError(
            f"{path}: cannot be read as a table ({first_line(error)}). Give a .csv or .parquet file."
        ) from None


def _parse(path: Path, reading: Reading) -> tuple[pd.DataFrame, list[str]]:
    with path.open("rb") as stream:
        start = stream.read(4)
    schema = Schema.beside(path)
    if start == b"PAR1":
        # whole numbers beside missing ones as they are: as floats, long codes lose digits
        frame = pd.read_parquet(path, to_pandas_kwargs={"integer_object_nulls": True})
        return (frame if schema is None else schema.restore(frame)), []
    if path.suffix == ".parquet":
        raise ValueError("the name says Parquet, the content does not")
    if schema is not None:  # it says more than anybody could
        return schema.read(_text(path)), []
    cells, notes, separator = lay_out(_text(path), reading.skip)
    strange = [name for name in reading.text if name not in cells]
    if strange:
        raise ShdError(f"text: there is no column {strange[0]!r} in the table. Check the name.")
    words = MISSING if reading.missing is None else reading.missing
    columns = [Cells(name, cells[name], words, name in reading.text) for name in cells]
    found, said = Notes(), Customs(reading.decimal, reading.day_first, "," if separator == ";" else ".")
    frame = pd.DataFrame(read_cells(columns, said, found), columns=cells.columns, copy=False)
    return frame, [*notes, *found.lines()]


def _text(path: Path) -> str:
    """Return the text of a file, compressed or not."""
    content = path.read_bytes()
    expected = _COMPRESSED.get(path.suffix.lower())
    if expected and not content.startswith(expected):
        raise ValueError(f"the name says {path.suffix}, the content does not")
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise ValueError(f"an archive of {len(names)} files")
            content = archive.read(names[0])
    opener = next((opener for magic, opener in _OPENERS.items() if content.startswith(magic)), None)
    return (opener(content) if opener else content).decode("utf-8-sig")
