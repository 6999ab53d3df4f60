"""A schema beside a CSV: what each of its columns is, so that the same records come back.

The names of the fields are those of Frictionless Table Schema (https://specs.frictionlessdata.io/table-schema,
and version 2 for ``missingValues`` of a field, ``categories`` and ``categoriesOrdered``); ``dtype`` and
``categoriesDtype`` are of pandas.
"""

import csv
import io
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from shd._errors import ShdError

_SUFFIX = ".schema.json"
_MARK = "shd"  # with the version of what stands below it
_MISSING = ("", "NA", "NULL", "N/A", "(missing)")  # the first that is no level of the column

_JSON_NAMES = {"missing": "missingValues", "categories_dtype": "categoriesDtype", "ordered": "categoriesOrdered"}


@dataclass(frozen=True)
class Field:
    """One column of a CSV."""

    name: str
    type: str  # as Table Schema has it
    dtype: str  # of pandas, to give back
    missing: str = ""  # what stands for a missing value
    categories: list | None = None  # all of them, in order, with their own dtype
    categories_dtype: str | None = None
    ordered: bool = False  # whether that order means something

    @classmethod
    def of(cls, values: pd.Series, texts: pd.Series) -> "Field":
        """Describe a column, given its texts."""
        written = set(texts.dropna().unique())
        missing = next((word for word in _MISSING if word not in written), None)
        if missing is None:
            missing = max(written, key=len) + "_missing"
        name, dtype = str(values.name), values.dtype
        if isinstance(dtype, pd.CategoricalDtype):
            levels = dtype.categories
            return cls(name, _type(levels), "category", missing, _texts(levels), str(levels.dtype), dtype.ordered)
        return cls(name, _type(values), str(dtype), missing)

    def read(self, texts: pd.Series) -> pd.Series:
        """Return a column from its texts; ValueError or TypeError where they are not of this field."""
        absent = (texts == self.missing).to_numpy(bool)
        if self.categories is not None:
            at = pd.Index(self.categories, dtype="str").get_indexer(texts)
            if ((at < 0) & ~absent).any():
                raise ValueError(f"it has no level {texts[(at < 0) & ~absent].iloc[0]!r}")
            return pd.Series(pd.Categorical.from_codes(np.where(absent, -1, at), dtype=self.categorical))
        return _values(texts.mask(absent), self.dtype)

    @property
    def categorical(self) -> pd.CategoricalDtype:
        """The dtype of a column of categories."""
        levels = _values(pd.Series(self.categories, dtype="str"), self.categories_dtype)
        return pd.CategoricalDtype(pd.Index(levels), self.ordered)


@dataclass(frozen=True)
class Schema:
    """What the columns of a CSV are."""

    fields: tuple[Field, ...]

    @classmethod
    def beside(cls, path: Path) -> "Schema | None":
        """Return the schema that lies beside a table; None where there is none.

        `ShdError` where it is broken.
        """
        where = schema_path(path)
        if not where.is_file():
            return None
        try:
            content = json.loads(where.read_text(encoding="utf-8"))
            return cls(tuple(map(_from_json, content["fields"]))) if _MARK in content else None  # else somebody's own
        except (OSError, ValueError, KeyError, TypeError):
            raise ShdError(f"{where.name} beside it is no schema of shd. Get it again, or remove it.") from None

    def to_dict(self) -> dict:
        """Return the schema as plain values for JSON."""
        return {_MARK: 1, "fields": [_to_json(one) for one in self.fields]}

    def read(self, text: str) -> pd.DataFrame:
        """Return the records of a CSV, given its text."""
        cells = pd.read_csv(
            io.StringIO(text, newline=""), header=None, dtype="str", na_filter=False, skip_blank_lines=False
        )
        cells, names = cells.iloc[1:].reset_index(drop=True), cells.iloc[0].tolist()
        cells.columns = names
        self._check(names)
        columns = {}
        for one in self.fields:
            try:
                columns[one.name] = one.read(cells[one.name])
            except (ValueError, TypeError, OverflowError) as error:
                reason = str(error).splitlines()[0]
                raise ShdError(
                    f"column {one.name!r} is not as the schema beside it says ({reason}); mend it, or remove that file."
                ) from None
        return pd.DataFrame(columns, copy=False)

    def restore(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the records of a Parquet file with the categories that it does not keep: those that are no text."""
        self._check(list(frame.columns))
        lost = {
            one.name: pd.Series(pd.Categorical(frame[one.name], dtype=one.categorical))
            for one in self.fields
            if one.categories is not None and not isinstance(frame[one.name].dtype, pd.CategoricalDtype)
        }
        return pd.DataFrame({name: lost.get(name, frame[name]) for name in frame.columns}, copy=False)

    def _check(self, names: list) -> None:
        if names != [one.name for one in self.fields]:
            raise ShdError("the schema beside it names other columns. Get both files again, or remove the schema.")


def schema_path(path: Path) -> Path:
    """Return where the schema of a table lies: ``synthetic.csv.gz`` has ``synthetic.schema.json``."""
    return path.with_name(path.name.split(".csv")[0].removesuffix(".parquet") + _SUFFIX)


def write_csv(frame: pd.DataFrame) -> tuple[bytes, Schema]:
    """Return a table as CSV in UTF-8, and its schema: together they give the same records back."""
    columns = {name: _column_texts(frame[name]) for name in frame.columns}
    fields = tuple(Field.of(frame[name], texts) for name, texts in columns.items())
    texts = pd.DataFrame(
        {str(name): columns[name].fillna(one.missing) for name, one in zip(columns, fields, strict=True)}
    )
    # a lone carriage return ends a line unless it stands in quotes, and a line of blanks is none
    alone = any(column.str.contains("\r", regex=False).any() for _, column in texts.items())
    quoting = csv.QUOTE_ALL if alone or texts.shape[1] == 1 else csv.QUOTE_MINIMAL
    return texts.to_csv(index=False, lineterminator="\n", quoting=quoting).encode(), Schema(fields)


def same_records(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    """Whether two tables hold the same values in columns of the same kinds; units of time apart."""
    if list(one.columns) != list(other.columns) or len(one) != len(other):
        return False
    return all(_same(one[name], other[name]) for name in one.columns)


def _same(one: pd.Series, other: pd.Series) -> bool:
    both = [isinstance(values.dtype, pd.CategoricalDtype) for values in (one, other)]
    if any(both):
        return all(both) and one.dtype == other.dtype and bool((one.cat.codes == other.cat.codes).all())
    if pd.api.types.is_datetime64_any_dtype(one) or pd.api.types.is_timedelta64_dtype(one):
        return one.dtype.kind == other.dtype.kind and one.astype(other.dtype).equals(other)
    if _type(one) == _type(other) == "string":  # however pandas holds text
        return one.astype("str").equals(other.astype("str"))
    return one.dtype == other.dtype and one.equals(other)


def _column_texts(values: pd.Series) -> pd.Series:
    if isinstance(values.dtype, pd.CategoricalDtype):
        texts = np.array([*_texts(values.cat.categories), None], dtype=object)
        return pd.Series(texts[values.cat.codes], dtype="str")
    return pd.Series(_texts(values), dtype="str")


def _texts(values: pd.Series | pd.Index) -> list[str | None]:
    """Return values as text that gives them back exactly."""
    if pd.api.types.is_datetime64_any_dtype(values):
        texts = [None if value is pd.NaT else value.isoformat(sep=" ") for value in values]
        midnight = all(text is None or text.endswith(" 00:00:00") for text in texts)
        return [text and text[:10] for text in texts] if midnight else texts
    return [None if pd.isna(value) else value if isinstance(value, str) else _text(value) for value in values]


def _text(value: object) -> str:
    return repr(float(value)) if isinstance(value, (float, np.floating)) else str(value)


def _values(texts: pd.Series, dtype: str) -> pd.Series:
    """Undo `_texts`."""
    kind = pd.api.types.pandas_dtype(dtype)
    if pd.api.types.is_datetime64_any_dtype(kind):
        zone = getattr(kind, "tz", None) or getattr(getattr(kind, "pyarrow_dtype", None), "tz", None)
        return pd.to_datetime(texts, format="ISO8601", utc=zone is not None).astype(kind)
    if getattr(kind, "kind", "") == "m":
        return pd.to_timedelta(texts).astype(kind)
    if pd.api.types.is_bool_dtype(kind):
        if not set(texts.dropna().unique()) <= {"True", "False"}:
            raise ValueError("it holds more than True and False")
        return texts.map({"True": True, "False": False}).astype(kind)
    if pd.api.types.is_float_dtype(kind) or pd.api.types.is_integer_dtype(kind):
        number = float if pd.api.types.is_float_dtype(kind) else int
        values = [None if text is None else number(text) for text in texts.astype(object).where(texts.notna(), None)]
        if isinstance(kind, np.dtype):
            return pd.Series([np.nan if v is None else v for v in values]).astype(kind)
        return pd.Series(pd.array(values, dtype=kind))
    return texts.astype(kind)


def _type(values: pd.Series | pd.Index) -> str:
    is_a = pd.api.types
    if is_a.is_datetime64_any_dtype(values):
        return "datetime"
    if is_a.is_bool_dtype(values):
        return "boolean"
    if is_a.is_integer_dtype(values):
        return "integer"
    return "number" if is_a.is_float_dtype(values) else "string"


def _to_json(one: Field) -> dict:
    known = {key: value for key, value in asdict(one).items() if value is not None}
    found = {_JSON_NAMES.get(key, key): value for key, value in known.items()}
    found["missingValues"] = [one.missing]
    if one.categories is None:
        del found["categoriesOrdered"]
    return found


def _from_json(one: dict) -> Field:
    json_names = {field.name: _JSON_NAMES.get(field.name, field.name) for field in fields(Field)}
    known = {name: one[key] for name, key in json_names.items() if key in one}
    return Field(**{**known, "missing": one["missingValues"][0]})
