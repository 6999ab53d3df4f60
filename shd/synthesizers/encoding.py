"""Tables to whole-number codes and back: the one encoding that every tabular synthesizer shares.

Every column becomes a small set of codes 0..n-1. A level of a category is a code. A number is a
code for a quantile bin, and comes back as a draw from what that bin held. Missing is a code of its
own, so that nothing is ever imputed.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import is_numeric

_FINE = 8  # continuous bins are cut into this many steps of equal weight, to keep their inner shape
_EXACT = 1000  # numbers with at most this many distinct values give back exactly those values


@dataclass
class ColumnCodec:
    """How one column becomes codes and comes back.

    A code stands for one or more *pieces*: levels of a category, single numbers, or short ranges
    of numbers. Decoding draws a piece by its weight within the code.

    Parameters
    ----------
    name, dtype : str
        Column name, and the pandas dtype to give back.
    code : ndarray of int, shape (n_pieces,)
        The code each piece belongs to, in increasing order.
    weight : ndarray of float, shape (n_pieces,)
        How often each piece occurred in the table the codec was made from.
    levels : list, optional
        Level of each piece, for categories, text and yes/no columns.
    low, high : ndarray of float, shape (n_pieces,), optional
        Range of each piece, for numbers and dates; equal for a single number.
    decimals : int
        Decimals that numbers are given back with.
    categories : list, optional
        All categories of a categorical dtype, in order; `ordered` says if the order means something.
    n_codes : int
        Number of codes, the one for missing included.
    missing : bool
        Whether the last code stands for missing.
    """

    name: str
    dtype: str
    code: np.ndarray
    weight: np.ndarray
    n_codes: int
    missing: bool
    levels: list | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None
    decimals: int = 0
    categories: list | None = None
    ordered: bool = False

    @classmethod
    def fit(cls, values: pd.Series, max_bins: int, max_levels: int) -> "ColumnCodec":
        """Learn the codec of one column; see `TableEncoder` for the parameters."""
        known = values.dropna()
        shared = {"name": values.name, "missing": bool(values.isna().any()), **_dtype_of(values)}
        if is_numeric(values) or pd.api.types.is_datetime64_any_dtype(values):
            pieces = _number_pieces(_as_float(known), max_bins)
        else:
            pieces = _level_pieces(known, max_levels)
        n_codes = (int(pieces["code"].max()) + 1 if len(pieces["code"]) else 0) + shared["missing"]
        return cls(**shared, **pieces, n_codes=n_codes)

    def transform(self, values: pd.Series) -> np.ndarray:
        """Return the code of every value, int64, shape (n,)."""
        absent = values.isna().to_numpy()
        if absent.any() and not self.missing:
            raise ShdError(f"column {self.name!r} has missing values, and had none when it was learned; drop them.")
        codes = np.full(len(values), self.n_codes - 1, dtype=np.int64)
        if self.levels is None:
            codes[~absent] = self.code[self._piece_of_number(_as_float(values[~absent]))]
        else:
            piece = pd.Index(self.levels, dtype=object).get_indexer(values[~absent].astype(object))
            if (piece < 0).any():
                stranger = values[~absent].iloc[int(np.flatnonzero(piece < 0)[0])]
                raise ShdError(f"column {self.name!r} has no level {stranger!r}; it knows {_first(self.levels)}.")
            codes[~absent] = self.code[piece]
        return codes

    def _piece_of_number(self, numbers: np.ndarray) -> np.ndarray:
        """Piece of each number: the single number if there is one, else the range it falls into."""
        by_low = np.argsort(self.low, kind="stable")
        piece = by_low[np.clip(np.searchsorted(self.low[by_low], numbers, side="right") - 1, 0, None)]
        single = np.flatnonzero(self.low == self.high)
        if len(single):
            at = single[np.clip(np.searchsorted(self.low[single], numbers), 0, len(single) - 1)]
            piece = np.where(self.low[at] == numbers, at, piece)
        return piece

    def inverse(self, codes: np.ndarray, rng: np.random.Generator) -> pd.Series:
        """Return a value for every code, with the dtype the column came with."""
        n_known = self.n_codes - self.missing
        absent = codes >= n_known
        piece = np.zeros(len(codes), dtype=np.int64)
        if n_known:
            # one sorted search for all codes: piece k of code c ends at c + (cumulated share of k in c)
            share = self.weight / np.bincount(self.code, self.weight)[self.code]
            total = np.cumsum(share)
            first = np.searchsorted(self.code, self.code)
            end = self.code + total - (total[first] - share[first])
            end[np.append(np.diff(self.code) > 0, True)] = self.code[np.append(np.diff(self.code) > 0, True)] + 1
            draw = np.where(absent, 0, codes) + rng.random(len(codes))
            piece = np.minimum(np.searchsorted(end, draw, side="right"), len(end) - 1)
        values = self._numbers(piece, rng) if self.levels is None else self._levels(piece, absent)
        return _restore(values, absent, self)

    def _numbers(self, piece: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if not len(self.low):
            return np.zeros(len(piece))
        width = self.high - self.low
        numbers = self.low[piece] + (rng.random(len(piece)) * width[piece] if width.any() else 0)
        # single numbers come back to the last bit; only draws from a range are rounded
        return np.where(width[piece] > 0, np.round(numbers, self.decimals), numbers)

    def _levels(self, piece: np.ndarray, absent: np.ndarray) -> pd.Categorical | np.ndarray:
        if self.categories is None:
            return np.array([*self.levels, None], dtype=object)[np.where(absent, len(self.levels), piece)]
        position = pd.Index(self.categories, dtype=object).get_indexer(pd.Index(self.levels, dtype=object))
        at = np.append(position, -1)[np.where(absent, len(self.levels), piece)]
        return pd.Categorical.from_codes(at, dtype=pd.CategoricalDtype(self.categories, self.ordered))

    def code_of(self, level: object) -> int:
        """Return the code of one level; `ShdError` names the known levels where it is not one."""
        return int(self.transform(pd.Series([level], name=self.name, dtype=object))[0])

    def to_dict(self) -> dict:
        """Return the codec as plain lists and numbers, for JSON."""
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, state: dict) -> "ColumnCodec":
        """Undo `to_dict`."""
        arrays = {k: np.array(state[k], dtype=float) for k in ("weight", "low", "high") if state[k] is not None}
        return cls(**{**state, **arrays, "code": np.array(state["code"], dtype=np.int64)})


class TableEncoder:
    """Codes for a whole table.

    Parameters
    ----------
    max_bins : int
        Numbers with more distinct values than this become that many quantile bins.
    max_levels : int
        Categories with more levels keep the commonest as they are; the others share codes with
        their neighbours in sorted order (diagnosis codes that stand together mean like things) and
        are drawn from what they share. It bounds memory for columns with thousands of levels.
    whole : sequence of str
        Columns whose levels never share a code (the condition of a generator).
    """

    def __init__(self, max_bins: int = 40, max_levels: int = 200, whole: tuple[str, ...] = ()):
        self.max_bins, self.max_levels, self.whole = max_bins, max_levels, whole

    def fit(self, frame: pd.DataFrame) -> "TableEncoder":
        """Learn every column of `frame`, shape (n, n_columns)."""
        self.columns_ = [
            ColumnCodec.fit(frame[name], self.max_bins, len(frame) if name in self.whole else self.max_levels)
            for name in frame.columns
        ]
        return self

    @property
    def names(self) -> list[str]:
        """Column names, in order."""
        return [codec.name for codec in self.columns_]

    @property
    def sizes(self) -> list[int]:
        """Number of codes of each column."""
        return [codec.n_codes for codec in self.columns_]

    def __getitem__(self, name: str) -> ColumnCodec:
        return self.columns_[self.names.index(name)]

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """Return codes, int64, shape (n, n_columns); `ShdError` where a column or level is unknown."""
        absent = [name for name in self.names if name not in frame.columns]
        if absent:
            raise ShdError(f"the table lacks the column {absent[0]!r}; give the columns that were learned.")
        return np.column_stack([codec.transform(frame[codec.name]) for codec in self.columns_])

    def inverse(self, codes: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
        """Return a table for codes of shape (n, n_columns): same columns, same dtypes."""
        return pd.DataFrame(
            {codec.name: codec.inverse(codes[:, j], rng) for j, codec in enumerate(self.columns_)}, copy=False
        )

    def to_dict(self) -> dict:
        """Return the encoder as plain lists and numbers, for JSON."""
        return {"columns": [codec.to_dict() for codec in self.columns_]}

    @classmethod
    def from_dict(cls, state: dict) -> "TableEncoder":
        """Undo `to_dict`."""
        encoder = cls()
        encoder.columns_ = [ColumnCodec.from_dict(column) for column in state["columns"]]
        return encoder


def _dtype_of(values: pd.Series) -> dict:
    if isinstance(values.dtype, pd.CategoricalDtype):
        categories = values.cat.categories.tolist()
        return {"dtype": "category", "categories": categories, "ordered": bool(values.cat.ordered)}
    return {"dtype": str(values.dtype)}


def _as_float(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_datetime64_any_dtype(values):
        return (values - pd.Timestamp(0, tz=values.dt.tz)).dt.total_seconds().to_numpy(float)
    return values.to_numpy(float)


def _level_pieces(known: pd.Series, max_levels: int) -> dict:
    counts = known.astype(object).value_counts(sort=False)
    try:
        counts = counts.sort_index()
    except TypeError:  # levels of mixed types have no order of their own
        counts = counts.loc[sorted(counts.index, key=str)]
    levels, weight = counts.index.tolist(), counts.to_numpy(float)
    code = np.arange(len(levels))
    if len(levels) > max_levels:
        own = np.zeros(len(levels), dtype=bool)
        n_shared = max(1, max_levels // 4)
        own[np.argsort(-weight, kind="stable")[: max_levels - n_shared]] = True
        rare = weight[~own]
        code[~own] = np.minimum((np.cumsum(rare) - rare / 2) / rare.sum() * n_shared, n_shared - 1).astype(int)
        code[own] = n_shared + np.arange(own.sum())
    _, code = np.unique(code, return_inverse=True)
    order = np.argsort(code, kind="stable")
    return {"code": code[order], "weight": weight[order], "levels": [levels[i] for i in order]}


def _number_pieces(numbers: np.ndarray, max_bins: int) -> dict:
    value, count = np.unique(numbers, return_counts=True)
    if len(value) <= max_bins:
        return {"code": np.arange(len(value)), "weight": count.astype(float), "low": value, "high": value}
    share = count / count.sum()
    if len(value) <= _EXACT:
        middle = np.cumsum(share) - share / 2
        _, code = np.unique((middle * max_bins).astype(int), return_inverse=True)
        return {"code": code, "weight": count.astype(float), "low": value, "high": value}
    return _continuous_pieces(numbers, value, count, share > 0.5 / max_bins, max_bins)


def _continuous_pieces(
    numbers: np.ndarray, value: np.ndarray, count: np.ndarray, common: np.ndarray, max_bins: int
) -> dict:
    """Pieces of a column with many distinct numbers: common ones (zeros) alone, ranges for the rest."""
    rest = numbers[~np.isin(numbers, value[common])]
    n_bins = max(1, max_bins - int(common.sum()))
    edges = np.unique(np.quantile(rest, np.linspace(0, 1, n_bins * _FINE + 1)))
    weight = np.histogram(rest, edges)[0].astype(float)
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    code = np.minimum((middle * n_bins).astype(int), n_bins - 1)
    _, code = np.unique(code, return_inverse=True)
    n_range = int(code.max()) + 1
    return {
        "code": np.concatenate([code, n_range + np.arange(common.sum())]),
        "weight": np.concatenate([weight, count[common]]),
        "low": np.concatenate([edges[:-1], value[common]]),
        "high": np.concatenate([edges[1:], value[common]]),
        "decimals": _decimals(value),
    }


def _decimals(value: np.ndarray) -> int:
    """Fewest decimals, up to 6, that write most of the values exactly."""
    some = value[:: max(1, len(value) // 1000)]
    return next((d for d in range(6) if np.isclose(np.round(some, d), some, rtol=0, atol=1e-9).mean() > 0.99), 6)


def _restore(values: np.ndarray | pd.Categorical, absent: np.ndarray, codec: ColumnCodec) -> pd.Series:
    if isinstance(values, pd.Categorical):
        return pd.Series(values, name=codec.name)
    if codec.levels is None:
        if codec.dtype.startswith("datetime64"):
            return _as_dates(values, absent, codec)
        values = pd.Series(values, name=codec.name, dtype="Float64" if codec.dtype[0].isupper() else float)
        values[absent] = pd.NA if codec.dtype[0].isupper() else np.nan
        if "int" in codec.dtype.lower():
            values = values.round()
        return values.astype(codec.dtype)
    return pd.Series(values, name=codec.name, dtype=object).astype(codec.dtype)


def _as_dates(seconds: np.ndarray, absent: np.ndarray, codec: ColumnCodec) -> pd.Series:
    dates = pd.Series(pd.to_datetime(np.where(absent, np.nan, seconds), unit="s"), name=codec.name)
    dtype = pd.api.types.pandas_dtype(codec.dtype)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return dates.dt.tz_localize("UTC").astype(dtype)
    return dates.astype(dtype)


def _first(levels: list, most: int = 6) -> str:
    shown = ", ".join(repr(level) for level in levels[:most])
    return shown if len(levels) <= most else f"{shown} and {len(levels) - most} more"
