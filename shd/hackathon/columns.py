"""Whether a table has the columns, levels and numbers that it should have: all findings at once, in plain words."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np
import pandas as pd

from shd.dataset import Dataset, describe_columns, is_numeric
from shd.domain import Levels, Numbers
from shd.tables.types import text_of

_NEAR = 0.75  # how alike two names are, of which one may be meant for the other
_HINTS = 20  # unknown columns for which a meant one is looked for
_NEVER = 1e-6  # a chance so small that a column does not hold one value by chance


@dataclass(frozen=True, eq=False)
class Expected:
    """What one column holds."""

    name: str
    kind: str  # level, yes/no, count, number, date
    levels: tuple[str, ...] = ()
    low: float = -np.inf
    high: float = np.inf
    may_lack: bool = False  # whether it has missing values
    commonest: float = 1.0  # share of its commonest value; 1 where nothing is known of it
    dtype: object = None


def expected(tables: Sequence[Dataset]) -> list[Expected]:
    """Return what the columns of a data set hold, from some of its tables; the first says how common a value is."""
    return [_expected(column, tables) for column in tables[0].frame.columns]


def _expected(column: str, tables: Sequence[Dataset]) -> Expected:
    first, series = tables[0].frame[column], [table.frame[column] for table in tables]
    declared = next((table.domain.columns.get(column) for table in tables if table.domain is not None), None)
    shares = first.value_counts(normalize=True, dropna=False)
    common = {
        "may_lack": any(values.isna().any() for values in series),
        "commonest": float(shares.iloc[0]) if len(shares) else 1.0,
        "dtype": first.dtype,
    }
    if pd.api.types.is_datetime64_any_dtype(first):
        return Expected(column, "date", **common)
    if pd.api.types.is_bool_dtype(first):
        return Expected(column, "yes/no", **common)
    if is_numeric(first):
        low, high = _range(declared, series)
        is_count = column in tables[0].counts or pd.api.types.is_integer_dtype(first)
        return Expected(column, "count" if is_count else "number", low=low, high=high, **common)
    known = [text_of(level) for values in series for level in _levels(values)]
    known += [text_of(level) for level in declared.levels] if isinstance(declared, Levels) else []
    return Expected(column, "level", levels=tuple(dict.fromkeys(known)), **common)


def _levels(values: pd.Series) -> list:
    return list(values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values.dropna().unique())


def _range(declared: object, series: list[pd.Series]) -> tuple[float, float]:
    """Return the smallest and the largest number that is plausible: as declared, else as far again as people reach."""
    if isinstance(declared, Numbers):
        return declared.low, declared.high
    low, high = (float(getattr(pd.concat(series), end)()) for end in ("min", "max"))
    if not np.isfinite([low, high]).all():
        return -np.inf, np.inf
    width = max(high - low, 1.0)
    return (0.0 if low >= 0 else low - width), high + width


def meant(found: Sequence[str], wanted: Sequence[str]) -> dict[str, str]:
    """Return which unknown columns are likely to be misspelt, and what they should be called."""
    lacking = {name.lower(): name for name in wanted if name not in found}
    pairs = {}
    for name in [name for name in found if name not in wanted][:_HINTS]:
        near = get_close_matches(str(name).strip().lower(), lacking, 1, _NEAR)
        if near:
            pairs[name] = lacking.pop(near[0])
    return pairs


def match_names(found: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """Say which columns are missing, and which are unknown and perhaps meant for them."""
    pairs = meant(found, wanted)
    said = [f"column {name!r} is unknown: did you mean {right!r}? Rename it" for name, right in pairs.items()]
    lacking = [name for name in wanted if name not in found and name not in pairs.values()]
    strange = [str(name) for name in found if name not in wanted and name not in pairs]
    if lacking:
        said.append(f"{_plural(lacking)} missing: add {'it' if len(lacking) == 1 else 'them'}")
    if strange:
        said.append(f"{_plural(strange)} unknown: drop {'it' if len(strange) == 1 else 'them'}")
    return said


def _plural(names: list[str]) -> str:
    return f"column {names[0]!r} is" if len(names) == 1 else f"{len(names)} columns ({describe_columns(names)}) are"


def judge(values: pd.Series, column: Expected) -> tuple[pd.Series | None, list[str]]:
    """Return a column as it should be, None where it cannot be made so, and what is wrong with it."""
    missing = int(values.isna().sum())
    said = [] if column.may_lack or not missing else [f"{missing:,} values are missing (NaN, or empty): fill them"]
    judged = {"level": _as_levels, "yes/no": _as_yes_no, "date": _as_dates}.get(column.kind, _as_numbers)
    made, more = judged(values, column)
    said += more
    if made is not None and not said and len(made) > 1 and made.nunique(dropna=False) == 1:
        chance = column.commonest ** len(made)  # of so many records that are drawn alike
        if column.commonest < 1 and chance < _NEVER:
            shown = "nothing" if missing else repr(text_of(made.iloc[0]))
            said.append(f"every record has {shown}; among people no value is more common than {column.commonest:.0%}")
    return (None if more else made), [f"column {column.name!r}: {one}" for one in said]


def _as_levels(values: pd.Series, column: Expected) -> tuple[pd.Series, list[str]]:
    codes, unique = pd.factorize(values.astype(object))
    texts = np.array([*map(text_of, unique), None], dtype=object)
    written = pd.Series(texts[codes], dtype=object)
    strange = [level for level in dict.fromkeys(texts[:-1]) if level not in column.levels]
    said = []
    for level in strange[:3]:
        near = get_close_matches(level, column.levels, 1, 0.6)
        rows = int((written == level).sum())
        hint = f"did you mean {near[0]!r}?" if near else f"known are {describe_columns(column.levels)}"
        said.append(f"level {level!r} ({rows:,} records) is unknown: {hint}")
    if len(strange) > 3:
        said.append(f"{len(strange) - 3:,} more levels are unknown")
    own = column.dtype if isinstance(column.dtype, pd.CategoricalDtype) else pd.CategoricalDtype([])
    kept = list(own.categories) if all(isinstance(level, str) for level in own.categories) else []
    levels = [*kept, *(level for level in column.levels if level not in kept)]
    known = written.where(written.isin(levels), None)
    return known.astype(pd.CategoricalDtype(levels, ordered=bool(own.ordered))), said


def _as_yes_no(values: pd.Series, column: Expected) -> tuple[pd.Series, list[str]]:
    words = {"true": True, "false": False, "1": True, "0": False, "1.0": True, "0.0": False}
    made = values.astype(object).map(lambda value: words.get(str(value).lower()), na_action="ignore")
    strange = values[made.isna() & values.notna()]
    said = (
        [f"{len(strange):,} values are neither True nor False, for example {strange.iloc[0]!r}"] if len(strange) else []
    )
    return made.astype("boolean" if made.isna().any() else "bool"), said


def _as_dates(values: pd.Series, column: Expected) -> tuple[pd.Series, list[str]]:
    zone = getattr(column.dtype, "tz", None)
    written = values if pd.api.types.is_datetime64_any_dtype(values) else values.astype(object)
    made = pd.to_datetime(written, errors="coerce", format="ISO8601", utc=zone is not None)
    strange = values[made.isna() & values.notna()]
    said = [f"{len(strange):,} values are no dates, for example {str(strange.iloc[0])!r}"] if len(strange) else []
    return made.dt.tz_convert(zone) if zone is not None else made, said


def _as_numbers(values: pd.Series, column: Expected) -> tuple[pd.Series, list[str]]:
    text = values.astype(object) if isinstance(values.dtype, pd.CategoricalDtype) else values
    made = pd.to_numeric(text, errors="coerce")
    strange = values[made.isna() & values.notna()]
    made = made.astype(float)
    if len(strange):
        return made, [f"{len(strange):,} values are no numbers, for example {str(strange.iloc[0])!r}"]
    said = []
    endless = np.isinf(made)
    beyond = made[(made < column.low) | (made > column.high) | endless]
    if len(beyond):
        plausible = f"{column.low:g} to {column.high:g}"
        said.append(f"{len(beyond):,} numbers are out of range ({plausible}), for example {beyond.iloc[0]:g}")
    if column.kind == "count":
        broken = made[~endless & made.notna() & (made % 1 != 0)]
        if len(broken):
            said.append(f"{len(broken):,} values are no whole numbers, for example {broken.iloc[0]:g}")
        elif not endless.any() and made.notna().all():
            made = made.astype("int64")
    return made, said
