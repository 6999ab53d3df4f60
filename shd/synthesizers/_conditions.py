"""What a conditional generator is asked for: classes, how often they occur, and what a user asks."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import check_frame, describe_columns
from shd.synthesizers._dtypes import is_level, restore_numbers, to_numbers
from shd.synthesizers._few import distinct_people
from shd.synthesizers.encoding import ColumnCodec, TableEncoder
from shd.tables.types import is_number, plain

_MOST_NUMBERS = 20  # a target of more numbers is measured, not chosen from: few people have each


def condition_columns(
    asked: str | tuple[str, ...] | None, target: str | None, frame: pd.DataFrame, max_levels: int
) -> tuple[str, ...]:
    """Return the columns of a table that can be asked for."""
    if asked is None:
        if target is None or frame.shape[1] < 2:
            return ()
        most = max_levels if is_level(frame[target]) else min(max_levels, _MOST_NUMBERS)
        return (target,) if _count_levels(frame[target]) <= most else ()
    columns = tuple(dict.fromkeys(asked)) if isinstance(asked, (list, tuple, np.ndarray, pd.Index)) else (asked,)
    for column in columns:
        if column not in frame.columns:
            raise ShdError(
                f"condition {column!r} is not a column of the table; it has {describe_columns(frame.columns)}."
            )
        if _count_levels(frame[column]) > max_levels:
            raise ShdError(
                f"condition {column!r} has more than {max_levels} levels, the most that a condition may have. "
                f"Choose another, or group its levels."
            )
    if len(columns) == frame.shape[1]:
        raise ShdError("every column is a condition, so nothing is left to generate; name fewer.")
    return columns


def _count_levels(column: pd.Series) -> int:
    return column.astype(str).nunique()


@dataclass
class Conditions:
    """The classes of a generator: every combination of levels that its condition columns had."""

    columns: tuple[str, ...]
    combinations: np.ndarray  # codes of each class, int64, (n_classes, n_condition_columns)
    counts: np.ndarray  # how often each class occurred

    @classmethod
    def learn(
        cls, columns: tuple[str, ...], codes: np.ndarray, people: np.ndarray | None = None, min_people: int = 1
    ) -> tuple["Conditions", np.ndarray]:
        """Return the classes of a table, and the class of each of its rows, shape (n,).

        A class of fewer than `min_people` people is none: its rows count as the commonest one that is most alike.
        """
        if not columns:  # one class that holds all
            return cls((), codes[:1], np.array([len(codes)])), np.zeros(len(codes), dtype=np.int64)
        combinations, classes, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
        classes = classes.ravel()
        known = np.ones(len(counts), bool)
        if people is not None:
            known = distinct_people(classes, people, len(counts)) >= min_people
        if known.all():
            return cls(columns, combinations, counts), classes
        if not known.any():  # too many columns for so few people: only the commonest is left
            known[np.argmax(counts)] = True
        left, share = combinations[known], counts[known] / (counts.sum() + 1)
        alike = [np.argmax((left == combination).sum(axis=1) + share) for combination in combinations[~known]]
        home = np.cumsum(known) - 1
        home[~known] = alike
        classes = home[classes]
        return cls(columns, left, np.bincount(classes)), classes

    def to_dict(self) -> dict:
        """Return plain lists, for JSON."""
        return {name: list(value) if name == "columns" else value.tolist() for name, value in vars(self).items()}

    @classmethod
    def from_dict(cls, state: dict) -> "Conditions":
        """Undo `to_dict`; other entries of `state` are left alone."""
        return cls(tuple(state["columns"]), np.array(state["combinations"]), np.array(state["counts"]))

    def draw(self, n: int, asked: dict | pd.DataFrame | None, encoder: TableEncoder, rng: np.random.Generator):
        """Return codes of the condition columns for `n` rows, int64, shape (n, n_condition_columns).

        What is asked for is what comes. Condition columns that are not asked for follow the real
        classes among those that fit.
        """
        if asked is None or (isinstance(asked, dict) and not asked):
            return self.combinations[rng.choice(len(self.counts), n, p=self.counts / self.counts.sum())]
        wanted = codes_requested(self.columns, n, asked, encoder)
        codes = np.empty((n, len(self.columns)), dtype=np.int64)
        requests, request_of_row = np.unique(wanted, axis=0, return_inverse=True)
        for k, request in enumerate(requests):
            rows = np.flatnonzero(request_of_row.ravel() == k)
            free = request < 0
            fits = (free | (self.combinations == request)).all(axis=1)
            weight = np.where(fits, self.counts, 0) if fits.any() else self.counts  # a pair never seen together
            codes[rows] = self.combinations[rng.choice(len(weight), len(rows), p=weight / weight.sum())]
            codes[np.ix_(rows, ~free)] = request[~free]
        return codes


NO_CONDITION = Conditions((), np.zeros((1, 0), dtype=np.int64), np.ones(1, dtype=np.int64))
"""Of a model that cannot be asked for anything."""


def codes_requested(columns: tuple[str, ...], n: int, asked: dict | pd.DataFrame, encoder: TableEncoder) -> np.ndarray:
    """Return codes asked for, int64, shape (n, n_columns); -1 where one of `columns` is left free."""
    if not isinstance(asked, (dict, pd.DataFrame)):
        raise ShdError(f"condition must be a dict or a DataFrame, not {type(asked).__name__}.")
    if isinstance(asked, pd.DataFrame):
        check_frame(asked, "condition")
    if isinstance(asked, pd.DataFrame) and len(asked) != n:
        raise ShdError(f"condition has {len(asked)} rows for {n} rows to sample; give one each.")
    strangers = [c for c in asked if c not in columns]
    if strangers and strangers[0] not in encoder.names:
        raise ShdError(f"there is no column {strangers[0]!r}; the model knows {describe_columns(encoder.names)}.")
    if strangers:
        raise ShdError(
            f"column {strangers[0]!r} is not conditional: this model was fitted with "
            f"{describe_columns(columns) or 'no condition'}. Fit again with condition={strangers[0]!r}."
        )
    wanted = np.full((n, len(columns)), -1, dtype=np.int64)
    for column in asked:
        at = columns.index(column)
        if isinstance(asked, dict):
            if not pd.api.types.is_scalar(asked[column]):
                raise ShdError(f"condition {column!r}: give one level, or a DataFrame with a level for each row.")
            wanted[:, at] = code_asked(encoder[column], asked[column])
        else:
            wanted[:, at] = _codes_asked(encoder[column], asked[column])
    return wanted


def _codes_asked(codec: ColumnCodec, values: pd.Series) -> list[int]:
    """Codes for a column of requests; each different one is looked up once."""
    found: dict[tuple, int] = {}
    codes = []
    for value in values.astype(object):
        key = (type(value), "missing" if pd.isna(value) else value)  # True, 1 and 1.0 are equal, and are not the same
        if key not in found:
            found[key] = code_asked(codec, value)
        codes.append(found[key])
    return codes


def code_asked(codec: ColumnCodec, value: object) -> int:
    """Return the code that stands for exactly the value asked for.

    A number may be given as text that writes it, a date as text in ISO 8601, a level of text by what it looks like.
    """
    if pd.isna(value):
        if not codec.missing:
            raise ShdError(f"column {codec.name!r} had no missing values; ask for one that it had: {_known(codec)}.")
        return codec.n_codes - 1
    if codec.levels is not None:
        at = _place_of_level(codec.levels, value)
    else:
        number = _number_asked(codec, value)
        same = [] if number is None else np.flatnonzero((codec.low == number) & (codec.high == number))
        at = int(same[0]) if len(same) else None
    if at is None:
        shown = str(value) if isinstance(value, date) else plain(value)
        raise ShdError(f"column {codec.name!r} has no level {shown!r}; it knows {_known(codec)}.")
    return int(codec.code[at])


def _place_of_level(levels: list, value: object) -> int | None:
    """Return the place of a level: the very same, else the same number, else the same when written."""
    value = plain(value)
    tests = (
        lambda level: type(level) is type(value) and level == value,
        lambda level: is_number(level) and is_number(value) and level == value,
        lambda level: str(level) == str(value),
    )
    return next((at for same in tests for at, level in enumerate(levels) if same(level)), None)


def _number_asked(codec: ColumnCodec, value: object) -> float | None:
    """Return what a value is among the numbers of a column; None where it cannot be one of them."""
    dtype = pd.api.types.pandas_dtype(codec.dtype)
    if codec.unit is None:
        if isinstance(value, str):
            try:
                value = float(value) if value == value.strip() else value
            except ValueError:
                return None
        if not is_number(value):
            return None
        number = float(value)
        narrow = str(dtype).lower() in ("float32", "float16")  # 0.1 is another number there
        return float(np.dtype(str(dtype).lower()).type(number)) if narrow and np.isfinite(number) else number
    try:
        time = _length(value) if getattr(dtype, "kind", "M") == "m" else _date(value, getattr(dtype, "tz", None))
        return None if time is None else float(to_numbers(pd.Series([time]), codec.unit)[0])
    except (ValueError, OverflowError):  # pandas' errors of dates that are none, or out of range
        return None


def _length(value: object) -> pd.Timedelta | None:
    if isinstance(value, str) and value.strip().lstrip("+-").replace(".", "", 1).isdigit():  # of what?
        return None
    return pd.Timedelta(value) if isinstance(value, (str, timedelta, np.timedelta64)) else None


def _date(value: object, zone: object) -> pd.Timestamp | None:
    """Return a date; without an offset it is the clock of the column's time zone."""
    if isinstance(value, str):
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}([T ].+)?", value):
            return None
        time = pd.to_datetime([value], format="ISO8601")[0]
    elif isinstance(value, pd.Period):
        time = value.start_time
    elif isinstance(value, (date, np.datetime64)):
        time = pd.Timestamp(value)
    else:
        return None
    if time.tzinfo is None:
        return time if zone is None else time.tz_localize(zone)
    return None if zone is None else time.tz_convert(zone)


def _known(codec: ColumnCodec) -> str:
    """Say in one line what a column knows."""
    if codec.levels is not None:
        return describe_columns(codec.levels) if codec.levels else "only missing values"
    if not len(codec.low):
        return "only missing values"
    absent = np.zeros(len(codec.low), dtype=bool)
    values = restore_numbers(codec.low, absent, codec.dtype, codec.unit, codec.name)
    if codec.unit is None:
        return describe_columns([number.item() for number in np.unique(values.to_numpy())])
    kind = "lengths of time" if pd.api.types.is_timedelta64_dtype(values) else "dates"
    shown = [str(value).removesuffix(" 00:00:00") for value in sorted(values)]
    return ", ".join(shown) if len(shown) <= 5 else f"{len(shown):,} {kind} from {shown[0]} to {shown[-1]}"
