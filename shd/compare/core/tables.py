"""Tables as numbers: one shared coding that every comparison works on.

The train table decides what a column is. Numbers and dates stay numbers; everything else becomes
codes of levels, compared by their written form, so that `1`, `1.0` and ``"1"`` are one level and
it does not matter whether a table came from memory or from a CSV file. Missing is a level of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.compare.core.score import Skipped
from shd.dataset import Dataset, as_frame, describe_columns, is_numeric, role_of
from shd.tables.identify import identify
from shd.tables.types import known_types, text_of

MISSING = "(missing)"
_MODEL_LEVELS = 200  # gradient boosting takes at most 255 levels; rarer ones share a code
_HUGE = 1e100  # no measurement is larger; squares and sums of larger numbers overflow


def left_out(column: object, why: str, compared: bool = False) -> Skipped:
    """Name a column that was left out of the comparison, or, where it was `compared`, repaired for it."""
    return Skipped(f"column {column}", why, "repaired" if compared else "column", column)


def why_not_compared(column: object, skipped: Sequence[Skipped]) -> str | None:
    """Return why a column was left out; None where it was not."""
    return next((note.why for note in skipped if note.kind == "column" and note.column == column), None)


@dataclass(frozen=True, eq=False)
class Column:
    """What the codes of one column mean."""

    name: object
    levels: tuple[str, ...] | None = None  # of each code; None for numbers and dates
    rank: np.ndarray | None = None  # place of each level in train, 0 for the commonest
    date: bool = False  # whether the numbers are days since 1970

    @property
    def is_number(self) -> bool:
        """Whether the column holds numbers (or dates)."""
        return self.levels is None


@dataclass(frozen=True, eq=False)
class Coded:
    """One table as numbers (NaN where missing) and codes of levels (never NaN), float64, shape (n, n_columns)."""

    values: np.ndarray
    columns: tuple[Column, ...]  # shared by all tables that were aligned together
    subjects: np.ndarray  # of each record

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def names(self) -> list:
        """Column names, in order."""
        return [column.name for column in self.columns]

    def take(self, rows: np.ndarray) -> "Coded":
        """Return the records at `rows` (positions or a mask)."""
        return replace(self, values=self.values[rows], subjects=self.subjects[rows])

    def is_missing(self) -> np.ndarray:
        """Return which values are missing, bool, shape (n, n_columns)."""
        code = [np.nan if c.is_number or MISSING not in c.levels else c.levels.index(MISSING) for c in self.columns]
        return np.isnan(self.values) | (self.values == np.array(code))

    def pooled(self, most: int) -> np.ndarray:
        """Return the values with at most `most` levels a column; the rarest share the last code."""
        values = self.values.copy()
        for j, column in enumerate(self.columns):
            if not column.is_number and len(column.levels) > most:
                values[:, j] = np.minimum(column.rank, most - 1)[values[:, j].astype(int)]
        return values

    def features(self, without: object = None) -> tuple[np.ndarray, np.ndarray]:
        """Return what a model reads: values, shape (n, n_features), and which of them are categories."""
        keep = np.array([without is None or name != without for name in self.names])
        categories = np.array([not column.is_number for column in self.columns])
        return self.pooled(_MODEL_LEVELS)[:, keep], categories[keep]


def align(*tables: "Coded | Dataset | pd.DataFrame", names: Sequence[str] = ()) -> tuple[list[Coded], list[Skipped]]:
    """Code tables together, by the columns that all have; say which columns were left out or repaired, and why.

    The first one is train: it decides which columns are numbers. Coded tables come back as they are; `names` are
    what messages call the tables.
    """
    if all(isinstance(table, Coded) for table in tables):
        return list(tables), []
    names = names or ["train", "synthetic", "holdout", "another table"]
    frames = [known_types(as_frame(table, name)) for table, name in zip(tables, names, strict=False)]
    people = _subjects(tables[0])
    shared = [c for c in frames[0].columns if all(c in frame.columns for frame in frames)]
    if not shared:
        apart = next((i for i, f in enumerate(frames) if not set(f.columns) & set(frames[0].columns)), len(frames) - 1)
        raise ShdError(
            f"{names[0]} and {names[apart]} share no column{'' if len(frames) == 2 else ' with the others'}: "
            f"{describe_columns(list(frames[0].columns), 3)} against "
            f"{describe_columns(list(frames[apart].columns), 3)}. Compare tables with the same columns."
        )
    skipped = _not_shared(dict(zip(names, frames, strict=False)), shared)
    columns, values = [], []
    for name in shared:
        kept = name in role_of(tables[0], "keep", ())
        column, coded, why = _code_column(name, [frame[name] for frame in frames], people, kept)
        if why:
            skipped.append(left_out(name, why, compared=column is not None))
        if column is not None:
            columns.append(column)
            values.append(coded)
    if not columns:
        raise ShdError(f"no column can be compared: {skipped[-1].what}, {skipped[-1].why}")
    coded = [
        Coded(np.column_stack([v[i] for v in values]), tuple(columns), people if i == 0 else _subjects(table))
        for i, table in enumerate(tables)
    ]
    return coded, skipped


def _subjects(table: Dataset | pd.DataFrame) -> np.ndarray:
    return pd.factorize(table.subjects)[0] if isinstance(table, Dataset) else np.arange(len(table))


def _not_shared(frames: dict[str, pd.DataFrame], shared: list) -> list[Skipped]:
    """List every column that some table lacks, once."""
    skipped = []
    for column in dict.fromkeys(c for frame in frames.values() for c in frame.columns if c not in shared):
        there = [name for name, frame in frames.items() if column in frame.columns]
        lacking = [name for name in frames if name not in there]
        why = f"only in {there[0]}" if len(there) == 1 else f"not in {' and '.join(lacking)}"
        skipped.append(left_out(column, why))
    return skipped


def _code_column(
    name: object, series: list[pd.Series], people: np.ndarray, kept: bool = False
) -> tuple[Column | None, list[np.ndarray], str]:
    """Code one column in all tables, and say why it was left out or repaired; `people` are the subjects of train.

    A column that was `kept` knowingly is not left out as one that identifies them.
    """
    first = series[0]
    date = pd.api.types.is_datetime64_any_dtype(first)
    if date or is_numeric(first) or pd.api.types.is_timedelta64_dtype(first):
        numbers = [_as_numbers(values, date) for values in series]
        if any(array is None for array in numbers):
            return None, [], "holds numbers or dates in train, and something else in another table"
        infinite = sum(int((np.abs(array) > _HUGE).sum()) for array in numbers)
        if infinite:
            numbers = [np.where(np.abs(array) > _HUGE, np.nan, array) for array in numbers]
        why = f"{infinite} infinite values (or beyond {_HUGE:g}) were counted as missing" if infinite else ""
        return Column(name, date=date), numbers, why
    written = [_written(values, like=first) for values in series]
    levels = _levels(first, written)
    if not kept and (found := identify(first.to_frame(name), people)):
        return None, [], f"identifies people: {found[0].kind} ({written[0].nunique():,} different entries)"
    codes = [np.where(w.isna(), len(levels), pd.Index(levels).get_indexer(w)).astype(float) for w in written]
    if any(w.isna().any() for w in written):
        levels = [*levels, MISSING]
    count = np.bincount(codes[0].astype(int), minlength=len(levels))
    rank = np.empty(len(levels), dtype=int)
    rank[np.argsort(-count, kind="stable")] = np.arange(len(levels))
    return Column(name, tuple(levels), rank), codes, ""


def _as_numbers(values: pd.Series, date: bool) -> np.ndarray | None:
    """Numbers of a column, float64, dates as days since 1970; None where it holds something else."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(object)
    if date:
        known = pd.to_datetime(values, errors="coerce", utc=True)
        if known.isna().sum() > values.isna().sum():
            return None
        # microseconds: nanoseconds end in the year 2262
        since = known.dt.as_unit("us") - pd.Timestamp(0, tz="UTC").as_unit("us")
        return (since / pd.Timedelta(days=1)).to_numpy(float)
    if pd.api.types.is_timedelta64_dtype(values):
        return (values / pd.Timedelta(days=1)).to_numpy(float)
    if pd.api.types.is_datetime64_any_dtype(values):
        return None
    known = pd.to_numeric(values, errors="coerce")
    if known.isna().sum() > values.isna().sum():
        return None
    return known.to_numpy(float, na_value=np.nan) + 0.0  # -0.0 becomes 0.0


def _written(values: pd.Series, like: pd.Series) -> pd.Series:
    """Written form of every entry, missing kept."""
    codes, unique = pd.factorize(values.astype(object))
    yes_no = pd.api.types.is_bool_dtype(like) and set(unique) <= {0, 1}
    text = np.array([*(text_of(bool(u) if yes_no else u) for u in unique), None], dtype=object)
    return pd.Series(text[codes], dtype=object)


def _levels(first: pd.Series, written: list[pd.Series]) -> list[str]:
    """Levels that occur, in the order of train's categories, strangers behind."""
    seen = set().union(*(set(w.dropna().unique()) for w in written))
    known = (
        first.cat.categories if isinstance(first.dtype, pd.CategoricalDtype) else sorted(written[0].dropna().unique())
    )
    ordered = list(dict.fromkeys(text_of(level) for level in known))
    return [*(level for level in ordered if level in seen), *sorted(seen - set(ordered))]
