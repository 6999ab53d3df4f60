"""How a CSV is laid out: its separator, its row of names, and lines that do not fit."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from itertools import islice

import numpy as np
import pandas as pd

from shd._errors import ShdError

_SEPARATORS = (",", ";", "\t", "|")
_LOOKED_AT = 200  # records from which the separator is told
_DIRECTIVE = re.compile(r"sep=(.)\s*")  # a first line by which spreadsheets tell the separator


def lay_out(text: str, skip: int = 0) -> tuple[pd.DataFrame, list[str], str]:
    """Return the cells of a CSV as text, one row a record, what was decided, and the separator."""
    stream = io.StringIO(text, newline="")
    for _ in range(skip):
        stream.readline()
    start = stream.tell()
    separator = _separator(stream)
    stream.seek(start)
    first = list(islice(_records(stream, separator, skip), _LOOKED_AT))
    if not first:
        raise pd.errors.EmptyDataError
    _check_names(first)
    stream.seek(start)
    lines = _records(stream, separator, skip)
    at, names = next(lines)
    body = stream.tell()
    names = names[: _used(names)]
    widest, notes = _check_widths(lines, len(names), at)
    stream.seek(body)
    width = max(widest, len(names))
    cells = pd.read_csv(stream, sep=separator, header=None, names=range(width), dtype="str", na_filter=False)
    cells = cells.iloc[:, : len(names)].fillna("")
    cells.columns = names
    cells, more = _without_unnamed(cells)
    repeated = cells.columns[cells.columns.duplicated()]
    if len(repeated):
        raise ShdError(f"the table has the column {repeated[0]!r} more than once; rename one of them.")
    if all(name.strip().lstrip("+-").replace(".", "", 1).isdigit() for name in names):
        more.append("the first line holds numbers: they were taken for the names of the columns")
    if separator != ",":
        more.append(f"fields are separated by {_SHOWN[separator]}")
    return cells, [*notes, *more], separator


_SHOWN = {";": "semicolons", "\t": "tabs", "|": "bars"}


def _records(stream: io.StringIO, separator: str, skipped: int = 0) -> Iterator[tuple[int, list[str]]]:
    """Give the number of the first line of each record, from 1 on, and its fields; empty lines are none."""
    reader = csv.reader(iter(stream.readline, ""), delimiter=separator)
    line = 1
    for fields in reader:
        if fields:
            directive = line == 1 and not skipped and _DIRECTIVE.fullmatch(separator.join(fields))
            yield line + skipped, [separator.join(fields)] if directive else fields
        line = reader.line_num + 1


def _separator(stream: io.StringIO) -> str:
    """Return the separator by which all records have as many fields; a comma where none is better."""
    start, best, most = stream.tell(), ",", 0.0
    told = _DIRECTIVE.match(stream.readline())
    for separator in _SEPARATORS:
        stream.seek(start)
        widths = [len(fields) for _, fields in islice(_records(stream, separator), _LOOKED_AT)]
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        even = set(widths[widths.index(usual) :]) == {usual}  # lines above the names may be anything
        share = (widths.count(usual) / len(widths) if usual > 1 else 0) + bool(told and told[1] == separator)
        if share > most and (separator == "," or even):
            best, most = separator, share
    return best


def _check_names(first: list[tuple[int, list[str]]]) -> None:
    """Raise `ShdError` where what should be the row of names has fewer fields than most lines below it."""
    (at, names), *below = first
    widths = Counter(_used(fields) for _, fields in below)
    usual = max(widths, key=lambda width: (widths[width], width == _used(names), width), default=0)
    if usual <= _used(names):
        if len(names) == 1 and re.search(r"[;\t|]", names[0]):
            raise ValueError("one column only, with another separator in its name: use commas")
        return
    line = next(line for line, fields in below if _used(fields) == usual)
    raise ShdError(
        f"line {at} has {_fields(_used(names))} and line {line} has {usual}: names and records do not fit. "
        f"Mend the names, or leave out what stands above the names with --skip {line - 1} (skip={line - 1})."
    )


def _used(fields: list[str]) -> int:
    """How many fields a record has, without empty ones at its end."""
    return max((i for i, field in enumerate(fields, 1) if field.strip()), default=1)


def _check_widths(records: Iterator[tuple[int, list[str]]], n_names: int, at: int) -> tuple[int, list[str]]:
    """Return the widest record and notes; `ShdError` for a line that has more fields than there are names."""
    widest, trailing, short = n_names, 0, []
    for line, fields in records:
        width = len(fields)
        if width > n_names:
            if any(field.strip() for field in fields[n_names:]):
                raise ShdError(
                    f"line {line} has {_fields(_used(fields))} and line {at}, the row of names, has {n_names}. Mend "
                    f"that line: a comma inside a field needs quotes around the field."
                )
            widest, trailing = max(widest, width), trailing + 1
        elif width < n_names:
            if width == 1 and n_names > 2:
                raise ShdError(
                    f"line {line} has 1 field and line {at}, the row of names, has {n_names}. Mend or delete that line."
                )
            short.append(line)
    notes = [f"empty fields at the end of {trailing:,} lines were left out"] if trailing else []
    if short:
        some = f"line {short[0]}" + (f" and {len(short) - 1:,} more" if len(short) > 1 else "")
        notes.append(f"{some} ended early: fields that are not there were read as missing")
    return widest, notes


def _fields(n: int) -> str:
    return f"{n} field{'' if n == 1 else 's'}"


def _without_unnamed(cells: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Leave out columns without a name that are empty, or number the rows; name the others."""
    notes, keep, names = [], [], []
    for j, name in enumerate(cells.columns):
        column = cells.iloc[:, j]
        blank = not name.strip()
        if blank and (column.str.strip() == "").all():
            continue
        if blank and j == 0 and len(column) and _numbers_rows(column):
            notes.append("the first column has no name and numbers the rows: it was left out")
            continue
        if blank:
            notes.append(f"column {j + 1} has no name: it is called 'Unnamed: {j}'")
        keep.append(j)
        names.append(f"Unnamed: {j}" if blank else name)
    cells = cells.iloc[:, keep]
    cells.columns = names
    return cells, notes


def _numbers_rows(column: pd.Series) -> bool:
    if column.iloc[0] not in ("0", "1"):
        return False
    return bool((column == pd.Series(np.arange(len(column)) + int(column.iloc[0])).astype("str")).all())
