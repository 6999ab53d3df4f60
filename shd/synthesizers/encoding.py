"""Tables to whole-number codes and back: the one encoding that every tabular synthesizer shares.

Every column becomes a small set of codes 0..n-1. A level of a category is a code. A number is a code for a quantile
bin, and comes back as a draw from what that bin held. Missing is a code of its own, so that nothing is ever imputed.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import describe_columns
from shd.synthesizers._dtypes import (
    as_given,
    is_level,
    learn_dtype,
    odd_dtype,
    restore_levels,
    restore_numbers,
    to_numbers,
)
from shd.synthesizers._pieces import level_pieces, number_pieces
from shd.tables.types import known_types

_SINGLE = ("float32", "Float32", "float16")


@dataclass
class ColumnCodec:
    """How one column becomes codes and comes back.

    A code stands for one or more *pieces*: levels of a category, single numbers, or short ranges
    of numbers. Decoding draws a piece by its weight within the code.
    """

    name: str
    dtype: str  # to give back
    code: np.ndarray  # that each piece belongs to, rising
    weight: np.ndarray  # how often each piece occurred
    n_codes: int  # the one for missing, which is the last, included
    missing: bool
    levels: list | None = None  # of each piece; None for numbers and dates, which have
    low: np.ndarray | None = None  # a range each, of equal ends for a single number
    high: np.ndarray | None = None
    decimals: int | None = None  # that draws from a range are cut to; None leaves them as drawn
    unit: str | None = None  # of dates and lengths of time: D, h, min, s or us
    categories: list | None = None  # all of a categorical dtype, in order
    categories_dtype: str | None = None
    ordered: bool = False
    given: str | None = None  # an odd dtype, such as Period, that the column came with and is given back in the end

    @classmethod
    def fit(
        cls,
        values: pd.Series,
        max_bins: int,
        max_levels: int,
        people: np.ndarray | None = None,
        min_people: int = 1,
        whole: bool = False,
    ) -> "ColumnCodec":
        """Learn the codec of one column; see `TableEncoder` for the parameters."""
        known = values.dropna()
        shared = {"name": values.name, "missing": bool(values.isna().any()), **learn_dtype(values)}
        if is_level(values):
            pieces = level_pieces(known, max_levels)
        else:
            numbers = to_numbers(known, shared.get("unit"))
            people = (np.arange(len(values)) if people is None else people)[values.notna().to_numpy()]
            pieces = number_pieces(numbers, people, max_bins, min_people, shared["dtype"] in _SINGLE, whole)
        n_codes = (int(pieces["code"].max()) + 1 if len(pieces["code"]) else 0) + shared["missing"]
        return cls(**shared, **pieces, n_codes=n_codes)

    def transform(self, values: pd.Series) -> np.ndarray:
        """Return the code of every value, int64, shape (n,); `ShdError` for what was never learned."""
        absent = values.isna().to_numpy()
        if absent.any() and not self.missing:
            raise ShdError(f"column {self.name!r} has missing values, and had none when it was learned; drop them.")
        codes = np.full(len(values), self.n_codes - 1, dtype=np.int64)
        if absent.all():
            return codes
        if not len(self.code):
            raise ShdError(f"column {self.name!r} had only missing values when it was learned; it knows no other.")
        known = values[~absent]
        piece = (
            self._piece_of_number(to_numbers(known, self.unit)) if self.levels is None else self._piece_of_level(known)
        )
        codes[~absent] = self.code[piece]
        return codes

    def knows(self, values: pd.Series) -> np.ndarray:
        """Return which values are there and could have been learned, bool, shape (n,): any number, levels by name."""
        there = values.notna().to_numpy() & bool(len(self.code))
        return there if self.levels is None else there & values.astype(object).isin(self.levels).to_numpy()

    def _piece_of_level(self, known: pd.Series) -> np.ndarray:
        if isinstance(known.dtype, pd.CategoricalDtype):
            at, distinct = known.cat.codes.to_numpy(), known.cat.categories
        else:
            at, distinct = pd.factorize(known)
        piece = pd.Index(self.levels, dtype=object).get_indexer(pd.Index(distinct).astype(object))[at]
        if (piece < 0).any():
            stranger = known.iloc[int(np.argmax(piece < 0))]
            raise ShdError(
                f"column {self.name!r} has no level {stranger!r}; it knows {describe_columns(self.levels, 6)}."
            )
        return piece

    def _piece_of_number(self, numbers: np.ndarray) -> np.ndarray:
        """Piece of each number: the single number if there is one, else the range it falls into."""
        by_low = np.argsort(self.low, kind="stable")
        single = by_low[self.low[by_low] == self.high[by_low]]
        ranges = by_low[self.low[by_low] < self.high[by_low]]
        among = ranges if len(ranges) else single
        piece = among[np.clip(np.searchsorted(self.low[among], numbers, side="right") - 1, 0, None)]
        if len(ranges) and len(single):
            at = single[np.clip(np.searchsorted(self.low[single], numbers), 0, len(single) - 1)]
            piece = np.where(self.low[at] == numbers, at, piece)
        return piece

    def inverse(self, codes: np.ndarray, rng: np.random.Generator) -> pd.Series:
        """Return a value for every code, with the dtype the column came with."""
        n_known = self.n_codes - self.missing
        absent = codes >= n_known
        piece = np.zeros(len(codes), dtype=np.int64)
        if n_known:
            # code c owns the stretch c..c+1 of one line, its pieces by weight: one sorted search draws all
            share = self.weight / np.bincount(self.code, self.weight)[self.code]
            before = np.concatenate([[0], np.cumsum(share)])
            end = self.code + before[1:] - before[np.searchsorted(self.code, self.code)]
            last = np.append(np.diff(self.code) > 0, True)
            end[last] = self.code[last] + 1  # whatever rounding did, a code ends where the next begins
            draw = np.where(absent, 0, codes) + rng.random(len(codes))
            piece = np.minimum(np.searchsorted(end, draw, side="right"), len(end) - 1)
        if self.levels is None:
            return restore_numbers(self._numbers(piece, rng), absent, self.dtype, self.unit, self.name)
        at = np.where(absent, len(self.levels), piece)
        return restore_levels(self.levels, at, self.dtype, self.name) if self.categories is None else self._category(at)

    def _numbers(self, piece: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a number from each piece. What comes back always lies in the piece it was drawn from."""
        if not len(self.low):
            return np.zeros(len(piece))
        low, width = self.low[piece], (self.high - self.low)[piece]
        drawn = width > 0
        if not drawn.any():
            return low
        numbers = low + rng.random(len(piece)) * width
        if self.decimals is not None:
            numbers = np.floor(numbers * 10.0**self.decimals) / 10.0**self.decimals
        if self.dtype in _SINGLE:
            numbers = numbers.astype(self.dtype.lower()).astype(float)
        # rounding may leave the range, or hit a common number that has a code of its own
        outside = (numbers < low) | (numbers >= self.high[piece])
        outside |= np.isin(numbers, self.low[self.low == self.high])
        return np.where(drawn & ~outside, numbers, low)

    def _category(self, at: np.ndarray) -> pd.Series:
        categories = pd.Index(self.categories, dtype=self.categories_dtype)
        position = categories.astype(object).get_indexer(pd.Index(self.levels, dtype=object))
        dtype = pd.CategoricalDtype(categories, self.ordered)
        return pd.Series(pd.Categorical.from_codes(np.append(position, -1)[at], dtype=dtype), name=self.name)

    def to_dict(self) -> dict:
        """Return the codec as plain lists and numbers, for JSON."""
        return {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, state: dict) -> "ColumnCodec":
        """Undo `to_dict`."""
        arrays = {k: np.array(state[k], dtype=float) for k in ("weight", "low", "high") if state[k] is not None}
        return cls(**{**state, **arrays, "code": np.array(state["code"], dtype=np.int64)})


class TableEncoder:
    """Codes for a whole table."""

    def __init__(self, max_bins: int = 40, max_levels: int = 200, whole: tuple[str, ...] = ()):
        self.max_bins, self.max_levels, self.whole = max_bins, max_levels, whole

    def fit(self, frame: pd.DataFrame, people: np.ndarray | None = None, min_people: int = 1) -> "TableEncoder":
        """Learn every column of `frame`, shape (n, n_columns).

        `people` says whose each record is, int, shape (n,). Numbers that fewer than `min_people` of them have are
        not told: they share ranges with others, and no range begins or ends at one.
        """
        known = known_types(frame)
        self.columns_ = [
            ColumnCodec.fit(
                known[name],
                len(frame) if name in self.whole else self.max_bins,
                len(frame) if name in self.whole else self.max_levels,
                people,
                min_people,
                name in self.whole,
            )
            for name in frame.columns
        ]
        self.give_back(frame)
        return self

    def give_back(self, frame: pd.DataFrame) -> None:
        """Let columns come back with the dtypes that they have in `frame`, odd ones (see `known_types`) too."""
        known = known_types(frame)
        for codec in self.columns_:
            codec.given = odd_dtype(frame[codec.name], known[codec.name])

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
        frame = known_types(frame[self.names])
        return np.column_stack([codec.transform(frame[codec.name]) for codec in self.columns_])

    def inverse(self, codes: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
        """Return a table for codes of shape (n, n_columns): same columns, same dtypes."""
        return pd.DataFrame(
            {
                codec.name: as_given(codec.inverse(codes[:, j], rng), codec.given)
                for j, codec in enumerate(self.columns_)
            },
            copy=False,
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
