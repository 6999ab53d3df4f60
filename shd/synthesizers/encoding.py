"""Tables to whole-number codes and back: the one encoding that every tabular synthesizer shares.

Every column becomes a small set of codes 0..n-1. A level of a category is a code. A number is a
code for a quantile bin, and comes back as a draw from what that bin held. Missing is a code of its
own, so that nothing is ever imputed.
"""

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd._types import known_types
from shd.synthesizers._dtypes import (
    as_given,
    check_levels,
    is_level,
    learn_dtype,
    odd_dtype,
    restore_levels,
    restore_numbers,
    to_numbers,
)
from shd.synthesizers._protect import distinct_people, round_to

_FINE = 8  # continuous bins are cut into this many steps of equal weight, to keep their inner shape
_EXACT = (
    1000  # numbers with at most this many distinct values give back exactly those values, if many people share each
)
_SINGLE = ("float32", "Float32", "float16")


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
    decimals : int, optional
        Decimals that draws from a range are cut to; None leaves them as drawn.
    unit : str, optional
        What dates and lengths of time are counted in: D, h, min, s or us.
    categories : list, optional
        All categories of a categorical dtype, in order, and their own dtype `categories_dtype`;
        `ordered` says if the order means something.
    given : str, optional
        Odd dtype that the column came with, such as Period, and that it is given back in the end.
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
    decimals: int | None = None
    unit: str | None = None
    categories: list | None = None
    categories_dtype: str | None = None
    ordered: bool = False
    given: str | None = None

    @classmethod
    def fit(
        cls,
        values: pd.Series,
        max_bins: int,
        max_levels: int,
        people: np.ndarray | None = None,
        min_people: int = 1,
    ) -> "ColumnCodec":
        """Learn the codec of one column; see `TableEncoder` for the parameters."""
        known = values.dropna()
        shared = {"name": values.name, "missing": bool(values.isna().any()), **learn_dtype(values)}
        if is_level(values):
            pieces = _level_pieces(known, max_levels)
        else:
            numbers = to_numbers(known, shared.get("unit"))
            people = np.arange(len(values)) if people is None else people
            pieces = _number_pieces(
                numbers, people[values.notna().to_numpy()], max_bins, min_people, shared["dtype"] in _SINGLE
            )
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

    def _piece_of_level(self, known: pd.Series) -> np.ndarray:
        if isinstance(known.dtype, pd.CategoricalDtype):
            at, distinct = known.cat.codes.to_numpy(), known.cat.categories
        else:
            at, distinct = pd.factorize(known)
        piece = pd.Index(self.levels, dtype=object).get_indexer(pd.Index(distinct).astype(object))[at]
        if (piece < 0).any():
            stranger = known.iloc[int(np.argmax(piece < 0))]
            raise ShdError(f"column {self.name!r} has no level {stranger!r}; it knows {_first(self.levels)}.")
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


def _level_pieces(known: pd.Series, max_levels: int) -> dict:
    if isinstance(known.dtype, pd.CategoricalDtype):  # in the order of the categories
        weight = np.bincount(known.cat.codes, minlength=len(known.cat.categories)).astype(float)
        levels = known.cat.categories[weight > 0].tolist()
        weight = weight[weight > 0]
    else:
        counts = known.astype(object).value_counts(sort=False)
        check_levels(known.name, counts.index)
        try:
            counts = counts.sort_index()
        except TypeError:  # levels of mixed types have no order of their own
            counts = counts.loc[sorted(counts.index, key=str)]
        levels = [level.item() if isinstance(level, np.generic) else level for level in counts.index.tolist()]
        weight = counts.to_numpy(float)
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


def _number_pieces(
    numbers: np.ndarray, people: np.ndarray, max_bins: int, min_people: int, single: bool = False
) -> dict:
    value, at, count = np.unique(numbers, return_inverse=True, return_counts=True)
    share = count / max(1, count.sum())
    shared = np.ones(len(value), bool) if min_people < 2 else distinct_people(at, people, len(value)) >= min_people
    if shared.all() and len(value) <= max_bins:
        return {"code": np.arange(len(value)), "weight": count.astype(float), "low": value, "high": value}
    if shared.all() and len(value) <= _EXACT:
        middle = np.cumsum(share) - share / 2
        _, code = np.unique((middle * max_bins).astype(int), return_inverse=True)
        return {"code": code, "weight": count.astype(float), "low": value, "high": value}
    common = shared & ((share > 0.5 / max_bins) | (len(value) <= max_bins))
    rest = ~common[at]
    few = max_bins >= len(numbers) or len(np.unique(people[rest])) < min_people
    rest &= not (few and common.any())  # they count as the number below that many people share
    ranges = _ranges(numbers[rest], people[rest], max(1, max_bins - int(common.sum())), min_people, value, single)
    return _continuous_pieces(*ranges, value[common], count[common])


def _ranges(
    rest: np.ndarray, people: np.ndarray, n_bins: int, min_people: int, value: np.ndarray, single: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int | None]:
    """Return edges of ranges of about equal weight, the weight of each, the bin of each, and decimals of the column.

    Each range holds `min_people` people, and an edge is rounded, so that it is no single person's number.
    """
    decimals = _decimals(value)
    if not len(rest):
        return np.zeros(0), np.zeros(0), np.zeros(0, dtype=int), decimals
    # edges are numbers that occurred, so that the lower end of a range always belongs to it
    edges = np.unique(np.quantile(rest, np.linspace(0, 1, n_bins * _FINE + 1), method="inverted_cdf"))
    step = 0.0 if decimals is None else 10.0**-decimals
    if min_people > 1:
        edges = _with_round_ends(edges, step)
        for _ in range(2):  # what was joined is wider, and its edges may be rounded more
            edges = _joined(_rounded(edges, step), rest, people, min_people)
    edges = edges.astype(np.float32).astype(float) if single else edges
    # ranges are half open; the last one is opened a step further, so that the largest can be drawn
    opened = edges[-1] + step if step else np.nextafter(edges[-1], np.inf)
    edges = np.append(edges[: max(1, len(edges) - 1)], opened)
    at = np.clip(np.searchsorted(edges, rest, side="right") - 1, 0, len(edges) - 2)
    weight = np.bincount(at, minlength=len(edges) - 1).astype(float)
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    _, code = np.unique(np.minimum((middle * n_bins).astype(int), n_bins - 1), return_inverse=True)
    return edges, weight, code, decimals


def _with_round_ends(edges: np.ndarray, grid: float) -> np.ndarray:
    """Move the first and the last edge inwards, to a number that is rounder than those of the column."""
    if len(edges) < 2:
        return edges
    steps = 10.0 ** (np.floor(np.log10([edges[1] - edges[0], edges[-1] - edges[-2]])) - 1)
    low, high = round_to(edges[0], steps[0], np.ceil), round_to(edges[-1], steps[1], np.floor)
    # on a coarse grid an end is a place of the grid, which is nobody's own
    ends = low if steps[0] > grid else edges[0], high if steps[1] > grid else edges[-1]
    return np.unique([ends[0], *edges[1:-1], ends[1]])


def _rounded(edges: np.ndarray, grid: float) -> np.ndarray:
    """Round the inner edges to a step below the width of the ranges beside them."""
    width = np.diff(edges)
    if len(width) < 2:
        return edges
    step = 10.0 ** np.floor(np.log10(np.minimum(width[1:], width[:-1])))
    inner = np.where(step > grid, round_to(edges[1:-1], step, np.round), edges[1:-1])
    return np.unique([edges[0], *np.clip(inner, edges[0], edges[-1]), edges[-1]])


def _joined(edges: np.ndarray, rest: np.ndarray, people: np.ndarray, min_people: int) -> np.ndarray:
    """Leave out edges until each range holds enough people; what lies outside counts as in the outer ranges."""
    n = len(edges) - 1
    if n < 2:
        return edges
    at = np.clip(np.searchsorted(edges, rest, side="right") - 1, 0, n - 1)
    parts = np.split(people[np.argsort(at, kind="stable")], np.cumsum(np.bincount(at, minlength=n))[:-1])
    first, inside = [0], set()
    for i, part in enumerate(parts):
        if len(inside) >= min_people:
            first.append(i)
            inside = set()
        inside.update(part.tolist())
    if len(inside) < min_people and len(first) > 1:  # too few at the end join the group before
        first.pop()
    return edges[[*first, n]]


def _continuous_pieces(
    edges: np.ndarray,
    weight: np.ndarray,
    code: np.ndarray,
    decimals: int | None,
    common: np.ndarray,
    count: np.ndarray,
) -> dict:
    """Pieces of a column with many distinct numbers: common ones (zeros) alone, ranges for the rest."""
    step = 0.0 if decimals is None else 10.0**-decimals
    lows = edges[:-1]
    taken = np.isin(lows, common)  # a range does not begin at a number that has a code of its own
    after = lows + step if step else np.nextafter(lows, np.inf)
    lows = np.where(taken & (after < edges[1:]), after, lows)
    low = np.concatenate([lows, common])
    code = np.concatenate([code, code.max(initial=-1) + 1 + np.arange(len(common))])
    first = np.full(code.max() + 1, np.inf)
    np.minimum.at(first, code, low)
    code = np.argsort(np.argsort(first))[code]  # codes in the order of their lowest number
    order = np.argsort(code, kind="stable")
    return {
        "code": code[order],
        "weight": np.concatenate([weight, count])[order].astype(float),
        "low": low[order],
        "high": np.concatenate([edges[1:], common])[order],
        "decimals": decimals,
    }


def _decimals(value: np.ndarray) -> int | None:
    """Fewest decimals, up to 6, that write most of the values exactly; None where more are needed."""
    some = value[:: max(1, len(value) // 1000)]
    return next((d for d in range(7) if np.isclose(np.round(some, d), some, rtol=1e-7, atol=0).mean() > 0.99), None)


def _first(levels: list, most: int = 6) -> str:
    shown = ", ".join(repr(level) for level in levels[:most])
    return shown if len(levels) <= most else f"{shown} and {len(levels) - most} more"
