"""Levels, and ranges of a number, that no record has both of."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from shd.synthesizers.rules.kinds import Fixed, MissingTogether, MissingWhen, Never
from shd.synthesizers.rules.rule import Part, Rule, round_between
from shd.synthesizers.rules.table import Column, Table, log_never

_LEVELS, _BINS = 60, 8  # most levels of a column that is looked at, and ranges of a number with more values
_DISTINCT = 12  # numbers with at most so many values are levels


@dataclass(frozen=True, eq=False)
class Cut:
    """A column cut into parts."""

    name: object
    parts: list
    codes: np.ndarray  # the part of each record, len(parts) for none
    of_one: np.ndarray  # people in each part, by one record of each
    is_number: bool
    ranges: int  # how many of the parts, from the first on, are ranges of a number in order


def find_never(table: Table, log_alpha: float, min_people: int, rules: list[Rule]) -> list[Never]:
    """Return which levels of two columns never meet, but for columns that one of `rules` is about."""
    cuts = [cut for column in table.columns if (cut := _cut(table, column, min_people)) is not None]
    linked = _linked(rules)
    tried = [
        (a, b)
        for b in range(len(cuts))
        for a in range(b)
        if not (cuts[a].is_number and cuts[b].is_number) and frozenset((cuts[a].name, cuts[b].name)) not in linked
    ]
    candidates = sum(len(cuts[a].parts) * len(cuts[b].parts) for a, b in tried)
    limit = log_alpha - np.log(3 * max(candidates, 1))  # each cell alone, and as an end of the ranges below and above
    zeros = {}
    for a, b in tried:
        if (
            log_never(cuts[a].of_one.max(), cuts[b].of_one.max(), len(table.one)) < limit
            or cuts[a].ranges + cuts[b].ranges
        ):
            empty = _joint(cuts[a], cuts[b]) == 0
            chance = _chance_of(cuts[a], cuts[b], empty, len(table.one))
            if (zero := empty & (chance < limit)).any():
                zeros[a, b] = zero, chance
    _drop_implied(cuts, zeros, [rule for rule in rules if isinstance(rule, Fixed) and not rule.ranges])
    made = [entry for (a, b), (zero, chance) in zeros.items() for entry in _blocks(cuts[a], cuts[b], zero, chance)]
    return [rule for _, rule in sorted(made, key=lambda entry: entry[0])]  # the least likely first


def _linked(rules: list[Rule]) -> set[frozenset]:
    """Return the pairs of columns that a rule is about already; what is missing together is so for all of them."""
    groups = [set(rule.columns) for rule in rules if isinstance(rule, MissingTogether)]
    linked = set()
    for rule in rules:
        sides = [next((group for group in groups if name in group), {name}) for name in rule.columns]
        if isinstance(rule, MissingWhen):
            linked |= {frozenset((first, second)) for first in sides[0] for second in sides[1]}
        else:
            linked |= {frozenset(pair) for pair in combinations(rule.columns, 2)}
    return linked


def _chance_of(first: Cut, second: Cut, empty: np.ndarray, n: int) -> np.ndarray:
    """Return log of the chance of each empty cell, or of the empty ranges up to either end of which it is one."""
    chance = log_never(first.of_one[:, None], second.of_one[None, :], n)
    for cut, other, cells, own in ((first, second, empty, chance), (second, first, empty.T, chance.T)):
        for ends in (slice(0, cut.ranges), slice(cut.ranges - 1, None, -1)) if cut.ranges else ():
            run = np.logical_and.accumulate(cells[: cut.ranges][ends], axis=0)
            people = (run * cut.of_one[: cut.ranges][ends][:, None]).sum(axis=0)
            together = np.where(run, log_never(people, other.of_one, n)[None, :], 0.0)
            own[: cut.ranges][ends] = np.minimum(own[: cut.ranges][ends], together)
    return chance


def _joint(first: Cut, second: Cut) -> np.ndarray:
    """Count records in each pair of parts, shape (n_parts of first, n_parts of second)."""
    width = len(second.parts) + 1
    counts = np.bincount(first.codes * width + second.codes, minlength=(len(first.parts) + 1) * width)
    return counts.reshape(-1, width)[:-1, :-1]


def _cut(table: Table, column: Column, min_people: int) -> Cut | None:
    """Cut a column into levels, or ranges of a number; missing is a part, too."""
    if column.is_date or (column.codes is None and column.numbers is None):
        return None
    if column.codes is not None and len(column.levels) <= (_DISTINCT if column.numbers is not None else _LEVELS):
        parts = [Part(column.name, levels=(level,)) for level in column.levels]
        codes = np.where(column.codes < 0, len(parts), column.codes)
    elif column.numbers is not None and column.scale == "number":
        parts, codes = _bins(column)
    else:
        return None
    if column.missing.any():
        codes = np.where(column.missing, len(parts), codes)
        parts = [*parts, Part(column.name, missing=True)]
    of_one = np.bincount(codes[table.one], minlength=len(parts))[: len(parts)]
    of_one = np.where(of_one >= min_people, of_one, 0)  # chance never explains what nobody has
    ranges = 0 if parts[0].levels else sum(part.missing is None for part in parts)
    made = Cut(column.name, parts, codes.astype(np.int64), of_one, column.numbers is not None, ranges)
    return made if len(parts) > 1 else None


def _bins(column: Column) -> tuple[list[Part], np.ndarray]:
    known = column.numbers[~column.missing]
    edges = _round_edges(known)
    above = known[known > 0]
    least = round_between(0.0, above.min()) if len(above) else None
    if (known == 0).mean() > 1 / _BINS and known.min() == 0 and least is not None:  # zero is a level of its own
        edges = np.array([least, *(edge for edge in _round_edges(above) if edge > least)])
    ends = [None, *map(float, edges), None]
    parts = [Part(column.name, low=low, high=high) for low, high in pairwise(ends)]
    codes = np.searchsorted(edges, column.numbers, side="right")
    return parts, np.where(column.missing, len(parts), codes)


def _round_edges(numbers: np.ndarray) -> np.ndarray:
    """Return quantiles, written with two digits of their spread: no edge is a single person's number."""
    edges = np.quantile(numbers, np.arange(1, _BINS) / _BINS)
    spread = np.quantile(numbers, 0.95) - np.quantile(numbers, 0.05)
    step = 10.0 ** np.floor(np.log10(spread / 20)) if spread > 0 else 1.0
    return np.unique(np.round(edges / step) * step)


def _drop_implied(cuts: list[Cut], zeros: dict, fixed: list[Fixed]) -> None:
    """Take out cells that follow: a chapter never goes with x, and a code fixes its chapter."""
    place = {cut.name: i for i, cut in enumerate(cuts)}
    for rule in fixed:
        if rule.by not in place or rule.column not in place:
            continue
        by, column = place[rule.by], place[rule.column]
        at = {part.levels: k for k, part in enumerate(cuts[column].parts)}
        of_by = dict(zip(rule.keys, rule.values, strict=True))
        said = [at.get((of_by.get(part.levels[0]),), -1) if part.levels else -1 for part in cuts[by].parts]
        for other in range(len(cuts)):
            own, coarse = _cells(zeros, by, other), _cells(zeros, column, other)
            if own is not None and coarse is not None:
                for k, level in enumerate(said):
                    if level >= 0:
                        own[k] &= ~coarse[level]


def _cells(zeros: dict, first: int, second: int) -> np.ndarray | None:
    """Return the cells of two columns, one row a part of the first (a view), None where there are none."""
    if (first, second) in zeros:
        return zeros[first, second][0]
    return zeros[second, first][0].T if (second, first) in zeros else None


def _blocks(first: Cut, second: Cut, zero: np.ndarray, chance: np.ndarray) -> Iterator[tuple[float, Never]]:
    """Give one rule for all parts of one column that never meet the same parts of the other."""
    if len(np.unique(zero.T, axis=0)) < len(np.unique(zero, axis=0)):
        first, second, zero, chance = second, first, zero.T, chance.T
    for pattern in np.unique(zero, axis=0):
        if not pattern.any():
            continue
        rows = np.flatnonzero((zero == pattern).all(axis=1))
        for own in _together(first, rows):
            for others in _together(second, np.flatnonzero(pattern)):
                people = int(min(first.of_one[own].sum(), second.of_one[others].sum()))
                rule = Never(_one_part(first, own), _one_part(second, others), people)
                yield float(chance[np.ix_(own, others)].sum()), rule


def _together(cut: Cut, at: np.ndarray) -> list[np.ndarray]:
    """Split parts into those that one part can be made of: all levels, neighbouring ranges, missing."""
    is_level = np.array([bool(cut.parts[k].levels) for k in at])
    is_missing = np.array([cut.parts[k].missing is not None for k in at])
    groups = [at[is_level], at[is_missing]]
    ranges = at[~is_level & ~is_missing]
    groups += np.split(ranges, np.flatnonzero(np.diff(ranges) > 1) + 1)
    return [group for group in groups if len(group)]


def _one_part(cut: Cut, at: np.ndarray) -> Part:
    first, last = cut.parts[at[0]], cut.parts[at[-1]]
    if first.missing is not None:
        return first
    if first.levels:
        return Part(cut.name, levels=tuple(level for k in at for level in cut.parts[k].levels))
    return Part(cut.name, low=first.low, high=last.high)
