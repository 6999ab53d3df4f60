"""Columns as a private synthesizer sees them: fine cells that are known before the data are, and noisy counts.

A declared column is cut into cells by its declaration alone. Every count over those cells carries noise, and whatever
is done with noisy counts afterwards (merging cells into codes, dropping codes nobody seems to have) costs nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd.domain import Dates, Declared, Levels, Numbers
from shd.synthesizers._dtypes import MICROSECONDS, microseconds
from shd.synthesizers._pieces import shared_codes
from shd.synthesizers.dp.noise import Noise
from shd.synthesizers.encoding import ColumnCodec

CELLS = 8, 256  # a range with more values than there are cells is cut into that many of equal width, 8 to 256
_SURE = 4  # what was not declared, or lies far out, counts if its noisy count is above this many scales of the noise


@dataclass
class Column:
    """One column in cells: the position of each record's cell, and how to make a codec once counts are known."""

    fine: ColumnCodec  # one code a cell, the last one missing where that can be
    cells: np.ndarray  # of each record, -1 for what is not declared
    doubtful: tuple[int, ...] = ()  # cells that nobody declared: they stay if noisy counts say that somebody is there

    @classmethod
    def of(cls, values: pd.Series, declared: Declared, n_cells: int, learned: bool) -> "Column":
        """Cut a column into the cells of its declaration; `learned` if that came from a part of the budget."""
        fine = fine_codec(values.name, declared, n_cells)
        absent = np.array(pd.isna(values), dtype=bool)
        if isinstance(declared, Levels):
            cells = pd.Index(fine.levels, dtype=object).get_indexer(pd.Index(values.astype(object)))
            absent &= cells < 0
            if declared.other is not None:
                cells = np.where((cells < 0) & ~absent, fine.levels.index(declared.other), cells)
        else:
            numbers = numbers_of(values, declared)
            absent = np.isnan(numbers)
            known = np.clip(np.where(absent, fine.low[0], numbers), *_ends(declared))
            cells = fine._piece_of_number(known)
            cells = np.where(absent, -1, cells)
        if fine.missing:  # also where a level is not declared, and there is no other
            cells = np.where(cells < 0, fine.n_codes - 1, cells)
        other = getattr(declared, "other", None)
        doubtful = [] if other is None else [fine.levels.index(other)]
        doubtful = tuple(doubtful + [fine.n_codes - 1] * fine.missing) if learned else ()
        return cls(fine, cells.astype(np.int64), doubtful)

    @property
    def n_cells(self) -> int:
        """How many cells there are, the one for missing included."""
        return self.fine.n_codes

    def by_chance(self, noise: Noise) -> None:
        """Put records that hold what is not declared into a cell by chance: no error may tell that there is one."""
        stray = np.flatnonzero(self.cells < 0)
        self.cells[stray] = [noise.below(self.n_cells) for _ in stray]

    def within(self, noisy: np.ndarray, deviation: float) -> np.ndarray:
        """Return which cells lie between the first and the last number (date) that somebody seems to have, bool.

        Most of a declared range may be empty. Noise would put people at its far end, who weigh much in every mean and
        correlation. So cells at either end count as empty until one, or their sum, is clearly more than noise.
        """
        there = np.ones(self.n_cells, dtype=bool)
        if self.fine.levels is None:
            known = noisy[: self.n_cells - self.fine.missing]
            limit = _SURE * deviation * np.sqrt(np.arange(1, len(known) + 1))
            sides = known, known[::-1]
            first, last = (np.flatnonzero((np.cumsum(s) > limit) | (s > 2 * _SURE * deviation)) for s in sides)
            if len(first) and len(last) and first[0] < len(known) - last[0]:  # sums of noise may cross
                there[: first[0]] = there[len(known) - last[0] : len(known)] = False
        return there

    def settle(
        self, counts: np.ndarray, scale: float, max_codes: int, least: float, noise: Noise
    ) -> tuple[ColumnCodec, np.ndarray, np.ndarray]:
        """Merge cells into at most so many codes of at least so many records, from noisy counts alone."""
        kept = np.ones(self.n_cells, dtype=bool)
        kept[[cell for cell in self.doubtful if counts[cell] <= _SURE * scale]] = False
        n_known = self.n_cells - self.fine.missing
        kept[:n_known] |= not kept[:n_known].any()  # a column is never left without any value
        missing = self.fine.missing and bool(kept[-1])
        known = np.flatnonzero(kept[:n_known])
        codec, code = _merge(self.fine, known, counts, max_codes, least, missing)
        code_of_cell = np.full(self.n_cells, -1)
        code_of_cell[known] = code
        if missing:
            code_of_cell[-1] = codec.n_codes - 1
        margin = np.bincount(code_of_cell[code_of_cell >= 0], counts[code_of_cell >= 0], minlength=codec.n_codes)
        codes = code_of_cell[self.cells]
        stray = np.flatnonzero(codes < 0)
        codes[stray] = [noise.below(codec.n_codes) for _ in stray]
        return codec, margin, codes


def _merge(
    fine: ColumnCodec, known: np.ndarray, counts: np.ndarray, max_codes: int, least: float, missing: bool
) -> tuple[ColumnCodec, np.ndarray]:
    """Return a codec of the cells at `known`, merged into at most that many codes, and the code of each of them."""
    weight = counts[known] + 1e-9  # a code that nobody seems to have can still be drawn
    rises = fine.levels is None or fine.ordered
    code = _neighbours(weight, max_codes, least) if rises else _common(weight, max_codes, least)
    order = np.argsort(code, kind="stable")
    pieces = {"code": code[order], "weight": weight[order]}
    if fine.levels is None:
        pieces |= {"low": fine.low[known][order], "high": fine.high[known][order]}
    else:
        pieces["levels"] = [fine.levels[cell] for cell in known[order]]
    shared = {"name": fine.name, "decimals": fine.decimals, "unit": fine.unit, "ordered": fine.ordered}
    shared |= {"categories_dtype": fine.categories_dtype, "missing": missing}
    dtype, categories = fine.dtype, fine.categories
    if not missing and fine.missing:  # a doubtful one that has gone
        dtype = {"boolean": "bool"}.get(dtype, dtype)
        dtype = "int64" if dtype == "float64" and fine.decimals == 0 else dtype
    if categories is not None and len(known) < len(fine.levels):  # likewise
        categories = [fine.levels[cell] for cell in known]
    n_codes = int(code.max()) + 1 + missing
    return ColumnCodec(dtype=dtype, categories=categories, n_codes=n_codes, **shared, **pieces), code


def _neighbours(weight: np.ndarray, max_codes: int, least: float) -> np.ndarray:
    """Return a code for each cell, merged with its neighbours: what a code with many records leaves is shared anew."""
    if len(weight) <= max_codes and not least:
        return np.arange(len(weight))
    code, at, rest, own = np.zeros(len(weight), dtype=np.int64), 0, weight.sum(), 0.0
    for cell, here in enumerate(weight):
        if at < max_codes - 1 and own >= max(least, rest / (max_codes - at)):
            at, rest, own = at + 1, rest - own, 0.0
        code[cell], own = at, own + here
    return np.minimum(code, max(0, at - 1)) if own < least else code


def _common(weight: np.ndarray, max_codes: int, least: float) -> np.ndarray:
    """Return a code for each level: the commonest on their own, the others share codes; rare ones go with any."""
    code = shared_codes(weight, max_codes) if len(weight) > max_codes else np.arange(len(weight))
    size = np.bincount(code, weight)
    rare = size < least
    if rare.any() and not rare.all():
        code = np.where(rare[code], int(np.argmax(rare)) if size[rare].sum() >= least else int(size.argmax()), code)
    return np.unique(code, return_inverse=True)[1]


def fine_codec(name: str, declared: Declared, n_cells: int) -> ColumnCodec:
    """Return the codec with one code a cell, at most `n_cells` for a range and always one a level."""
    shared = {"name": name, "dtype": declared.dtype, "missing": declared.missing}
    if isinstance(declared, Levels):
        levels = list(declared.levels)
        kind = {"levels": levels, "ordered": declared.ordered}
        if declared.dtype == "category":
            kind |= {"categories": levels, "categories_dtype": str(pd.Index(levels).dtype)}
        n_cells = len(levels)
    else:
        low, high = _cells(*_ends(declared), decimals := _decimals(declared), n_cells)
        kind = {"low": low, "high": high, "decimals": decimals, "unit": getattr(declared, "unit", None)}
        n_cells = len(low)
    cells = {"code": np.arange(n_cells), "weight": np.ones(n_cells), "n_codes": n_cells + declared.missing}
    return ColumnCodec(**shared, **cells, **kind)


def _cells(low: float, high: float, decimals: int, n_cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a range: each value a cell where there are few, else cells of equal width and zero on its own."""
    step = 10.0**-decimals
    n_values = round((high - low) / step) + 1
    if n_values <= n_cells:
        values = np.round(low + np.arange(n_values) * step, decimals)
        return values, values
    edges = np.round(np.linspace(low, high + step, n_cells + 1), decimals)
    if low <= 0 <= high:  # many columns of health data are zero for most people
        edges = np.append(edges, [0.0, step])
    edges = np.unique(edges[edges < high + 1.5 * step])
    start, end = edges[:-1], edges[1:]
    return start, np.where(end - start < 1.5 * step, start, end)


def _ends(declared: Numbers | Dates) -> tuple[float, float]:
    """Return the smallest and the largest number of a column, dates in their unit."""
    if isinstance(declared, Numbers):
        return tuple(np.round([declared.low, declared.high], declared.decimals).tolist())
    moments = [declared.moment(declared.first), declared.moment(declared.last)]
    size = np.timedelta64(MICROSECONDS[declared.unit], "us")
    zero = np.timedelta64(0, "us") if isinstance(moments[0], pd.Timedelta) else np.datetime64(0, "us")
    return tuple(float((moment.to_numpy() - zero) // size) for moment in moments)


def _decimals(declared: Numbers | Dates) -> int:
    return declared.decimals if isinstance(declared, Numbers) else 0


def numbers_of(values: pd.Series, declared: Numbers | Dates) -> np.ndarray:
    """Return a column as float64, NaN where it is missing or no number (date) at all; it never raises for a cell."""
    if isinstance(declared, Numbers):
        if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_complex_dtype(values):
            numbers = values.to_numpy(dtype=float, na_value=np.nan)
        else:
            numbers = np.array([_or_nan(float, value) for value in values])
        return np.round(np.clip(numbers, declared.low, declared.high), declared.decimals)
    return np.floor(microseconds_of(values, declared.dtype.startswith("timedelta")) / MICROSECONDS[declared.unit])


def microseconds_of(values: pd.Series, length: bool) -> np.ndarray:
    """Return dates (or lengths of time) as microseconds since 1970 in UTC, float64, NaN where a cell holds none."""
    right = pd.api.types.is_timedelta64_dtype(values) if length else pd.api.types.is_datetime64_any_dtype(values)
    if right:
        return np.where(values.isna(), np.nan, microseconds(values))
    read = pd.Timedelta if length else pd.Timestamp
    return np.array([_or_nan(lambda v: _microseconds(read(v)), value) for value in values])


def _microseconds(moment: pd.Timestamp | pd.Timedelta) -> float:
    if getattr(moment, "tzinfo", None) is not None:
        moment = moment.tz_convert("UTC").tz_localize(None)
    return np.nan if pd.isna(moment) else float(moment.as_unit("us").to_numpy().astype(np.int64))


def _or_nan(read: Callable[[object], float], value: object) -> float:
    try:
        return read(value)
    except (TypeError, ValueError, OverflowError, ArithmeticError, AttributeError):
        return np.nan
