"""The pieces of a column, of which `ColumnCodec` makes its codes: levels, single numbers, and ranges of numbers."""

import numpy as np
import pandas as pd

from shd.synthesizers._dtypes import check_levels
from shd.synthesizers._few import decimals_of, distinct_people, round_to
from shd.tables.types import plain

_FINE = 8  # continuous bins are cut into this many steps of equal weight, to keep their inner shape
_EXACT = 1000  # numbers with at most this many distinct values come back exactly, if many people share each


def level_pieces(known: pd.Series, max_levels: int) -> dict:
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
        levels = [plain(level) for level in counts.index.tolist()]
        weight = counts.to_numpy(float)
    code = np.arange(len(levels)) if len(levels) <= max_levels else shared_codes(weight, max_levels)
    order = np.argsort(code, kind="stable")
    return {"code": code[order], "weight": weight[order], "levels": [levels[i] for i in order]}


def shared_codes(weight: np.ndarray, most: int) -> np.ndarray:
    """Return a code for each level: the commonest have one each, the others share `most / 4` with their neighbours."""
    own, n_shared = np.zeros(len(weight), dtype=bool), max(1, most // 4)
    own[np.argsort(-weight, kind="stable")[: most - n_shared]] = True
    rare, code = weight[~own], np.arange(len(weight))
    code[~own] = np.minimum((np.cumsum(rare) - rare / 2) / rare.sum() * n_shared, n_shared - 1).astype(int)
    code[own] = n_shared + np.arange(own.sum())
    return np.unique(code, return_inverse=True)[1]


def number_pieces(
    numbers: np.ndarray,
    people: np.ndarray,
    max_bins: int,
    min_people: int,
    single: bool = False,
    whole: bool = False,
) -> dict:
    """Return codes for numbers; `whole` where none may share one but those of few people."""
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
    few = whole or len(np.unique(people[rest])) < min_people
    rest &= not (few and common.any())  # they count as the number below that many people share
    ranges = _ranges(numbers[rest], people[rest], max(1, max_bins - int(common.sum())), min_people, value, single)
    return _continuous_pieces(*ranges, value[common], count[common])


def _ranges(
    rest: np.ndarray, people: np.ndarray, n_bins: int, min_people: int, value: np.ndarray, single: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int | None]:
    """Return edges of ranges of about equal weight, the weight of each, the bin of each, and decimals of the column.

    Each range holds `min_people` people, and an edge is rounded, so that it is no single person's number.
    """
    decimals = decimals_of(value, 1000)
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
