"""What the cells of a column can hold, learned from a part of a privacy budget, where nobody declared it.

Two mechanisms. Levels: the number of people who have each level, with noise, and only levels far above what a single
person could bring about (stability-based histogram; Korolova et al. 2009, doi 10.1145/1526709.1526733; Bun, Nissim,
Stemmer 2016, arXiv 1511.08552). Ranges, decimals and units: noisy histograms over grids that are the same for every
table in the world.
"""

import datetime
import math
from fractions import Fraction

import numpy as np
import pandas as pd

from shd.dataset import is_numeric
from shd.domain import UNITS, Dates, Declared, Levels, Numbers
from shd.synthesizers._dtypes import MICROSECONDS, is_level
from shd.synthesizers.dp.cells import microseconds_of, numbers_of
from shd.synthesizers.dp.noise import Noise
from shd.tables.types import plain

OTHER = "other"
"""The level that stands for all that too few people have."""

KIND = Fraction(1, 5)
"""Share of a column's budget for the question of which kind it is."""

_KINDS = "levels", "numbers", "dates", "lengths"
_POWERS = 52, 20  # numbers are placed between powers of two, up to 2**52 and down to 2**-20
_YEARS = 1800, 2200  # dates are placed in one of these years
_MISSED = 0.002  # chance that noise alone makes any bin of a grid look as if somebody were in it
_FINER = 0.01  # share of records that may have more decimals than are kept


def learn_declared(
    values: pd.Series, people: np.ndarray, m: int, epsilon: Fraction, delta: Fraction, noise: Noise
) -> Declared:
    """Learn what a column can hold: (epsilon, delta)-differentially private for subjects with at most m records.

    A fifth goes into a noisy vote on what kind of column it is: one odd cell turns the dtype of a column of numbers
    into that of text, so that the dtype tells of a person. Categories are levels without a vote: no cell can change
    that. But a category without `Levels` is no declaration, and neither is the order of its categories.
    """
    if isinstance(values.dtype, pd.CategoricalDtype):
        return _learn_levels(values, people, m, epsilon, delta, noise)
    vote = epsilon * KIND
    kind = _KINDS[int(noise.blur(_votes(values), m / vote).argmax())]
    epsilon -= vote
    if kind == "levels":
        return _learn_levels(values, people, m, epsilon, delta, noise)
    scale = m / (epsilon / 2)  # two histograms; a subject moves each by at most m
    if kind == "numbers":
        return _learn_numbers(values, scale, noise)
    return _learn_dates(values, kind == "lengths", scale, noise)


def _votes(values: pd.Series) -> np.ndarray:
    """Return how many cells are levels, numbers, dates and lengths of time; missing ones are none of them."""
    types = (
        (is_level(values) and not pd.api.types.is_object_dtype(values)),
        is_numeric(values),
        pd.api.types.is_datetime64_any_dtype(values),
        pd.api.types.is_timedelta64_dtype(values),
    )
    if any(types):  # the same kind in every cell
        return np.array(types) * int(values.notna().sum())
    known = values[values.notna().to_numpy()]
    kinds = [(bool, np.bool_, str), (int, float, np.number), (datetime.date, np.datetime64), (datetime.timedelta,)]
    kind = [next((k for k, of in enumerate(kinds) if isinstance(cell, of)), 0) for cell in known]
    return np.bincount(np.array(kind, dtype=np.int64), minlength=len(kinds))


def levels_threshold(m: int, epsilon: Fraction, delta: Fraction) -> int:
    """Return the noisy number of people above which a level is named.

    A level that one subject alone has counts 1, and a subject has at most m levels. The chance that noise of scale b
    lifts 1 above 1 + b log(m / delta) is below delta / m each.
    """
    return 2 + math.ceil(float(m / epsilon) * math.log(m / float(delta)))


def _learn_levels(
    values: pd.Series, people: np.ndarray, m: int, epsilon: Fraction, delta: Fraction, noise: Noise
) -> Levels:
    held = values.astype(object)
    of_levels = held.map(lambda v: isinstance(v, str | bool | int | float | np.bool_ | np.integer | np.floating))
    usable = of_levels.to_numpy(dtype=bool) & held.notna().to_numpy()
    code, known = pd.factorize(held[usable])
    # people, not records: a subject counts once for a level, and moves at most m counts by one
    pairs = np.unique(np.column_stack([people[usable], code]), axis=0)
    counts = np.bincount(pairs[:, 1], minlength=len(known))
    named = noise.blur(counts, m / epsilon) > levels_threshold(m, epsilon, delta)
    levels = [plain(level) for level in known[named]]
    if levels and all(isinstance(level, bool) for level in levels):
        return Levels([False, True], missing=True)
    # sorted: in the order of the records, or of a dtype, their order would tell of the records
    levels = sorted((level for level in levels if level != OTHER), key=lambda level: (type(level).__name__, str(level)))
    text = all(isinstance(level, str) for level in levels) and not isinstance(values.dtype, pd.CategoricalDtype)
    return Levels([*levels, OTHER], other=OTHER, missing=True, dtype="str" if text else "category")


def _learn_numbers(values: pd.Series, scale: Fraction, noise: Noise) -> Numbers:
    numbers = numbers_of(values, Numbers(-(2.0 ** _POWERS[0]), 2.0 ** _POWERS[0], decimals=6))
    numbers = numbers[~np.isnan(numbers)]
    decimals = _coarsest(_decimals_of(numbers), 7, scale, noise)
    low, high = _range_of_powers(numbers, scale, noise)
    step = 10**decimals
    return Numbers(math.floor(low * step) / step, math.ceil(high * step) / step, decimals, missing=True)


def _learn_dates(values: pd.Series, length: bool, scale: Fraction, noise: Noise) -> Dates:
    stamps = microseconds_of(values, length)
    stamps = stamps[~np.isnan(stamps)].astype(np.int64)
    fineness = np.zeros(len(stamps), dtype=np.int64)
    for coarser in UNITS[:-1]:
        fineness += stamps % MICROSECONDS[coarser] != 0
    unit = UNITS[_coarsest(fineness, len(UNITS), scale, noise)]
    if length:
        ends = _range_of_powers(stamps.astype(float), scale, noise)
        low, high = (str(pd.Timedelta(int(end), unit="us")) for end in ends)
        return Dates(low, high, unit, missing=True, dtype="timedelta64[us]")
    years = stamps.astype("M8[us]").astype("M8[Y]").astype(np.int64) + 1970
    first, last = _likely(np.clip(years, *_YEARS) - _YEARS[0], _YEARS[1] - _YEARS[0] + 1, scale, noise)
    ends = f"{first + _YEARS[0]}-01-01", f"{last + _YEARS[0]}-12-31T23:59:59.999999"
    return Dates(*ends, unit, missing=True)  # in UTC, without a time zone: that stands in a dtype only


def _likely(bins: np.ndarray, n_bins: int, scale: Fraction, noise: Noise) -> tuple[int, int]:
    """Return the first and the last bin in which there seems to be somebody; the fullest where none stands out."""
    noisy = noise.blur(np.bincount(bins, minlength=n_bins), scale)
    there = np.flatnonzero(noisy > float(scale) * math.log(n_bins / _MISSED))
    return (int(there[0]), int(there[-1])) if len(there) else (int(noisy.argmax()),) * 2


def _coarsest(fineness: np.ndarray, n: int, scale: Fraction, noise: Noise) -> int:
    """Return the coarsest grain (0 to n - 1) that all but a few records fit."""
    noisy = noise.blur(np.bincount(fineness, minlength=n), scale)
    finer = np.append(np.cumsum(noisy[::-1])[::-1][1:], 0)  # records that need more than this grain
    few = max(_FINER * noisy.sum(), 2 * float(scale) * math.log(n / _MISSED))
    return int(np.argmax(finer <= few))


def _decimals_of(numbers: np.ndarray) -> np.ndarray:
    """Return the decimals each number is written with, 0 to 6."""
    decimals = np.full(len(numbers), 6)
    for d in range(5, -1, -1):
        decimals[np.isclose(np.round(numbers, d), numbers, rtol=1e-9, atol=1e-9)] = d
    return decimals


def _range_of_powers(numbers: np.ndarray, scale: Fraction, noise: Noise) -> tuple[float, float]:
    """Return a range between powers of two that holds nearly all numbers."""
    top, bottom = _POWERS
    size = np.clip(np.abs(numbers), 2.0 ** -(bottom + 1), 2.0**top)
    power = np.clip(np.floor(np.log2(size)).astype(np.int64) + bottom + 1, 0, top + bottom)
    most = top + bottom  # bins run from -most to most; bin p > 0 holds 2**(p - bottom - 1) up to 2**(p - bottom)
    first, last = _likely(np.sign(numbers).astype(np.int64) * power + most, 2 * most + 1, scale, noise)
    outer = [0.0 if p == 0 else 2.0 ** (p - bottom) for p in range(most + 1)]
    inner = [0.0 if p == 0 else 2.0 ** (p - bottom - 1) for p in range(most + 1)]
    first, last = first - most, last - most
    low = inner[first] if first >= 0 else -outer[-first]
    high = outer[last] if last >= 0 else -inner[-last]
    return low, high
