"""Columns that another fixes: value by value, by ranges of a number, and what is missing exactly when."""

import numpy as np

from shd.synthesizers.rules.kinds import Fixed, Formula, MissingTogether, MissingWhen
from shd.synthesizers.rules.rule import Part, Rule, round_between
from shd.synthesizers.rules.table import Column, Table, log_fixed, log_ranges

_MOST_RANGES = 50  # levels that ranges of a number may fix


def find_fixed(table: Table, log_alpha: float, min_people: int, formulas: list[Formula]) -> list[Fixed]:
    """Return what is fixed by another column: not what a formula says, nor what follows from two others."""
    columns = table.columns
    linked = {frozenset(formula.columns) for formula in formulas if len(formula.terms) == 1}
    targets = [j for j, c in enumerate(columns) if c.codes is not None and len(c.levels) > 1]
    limit = log_alpha - np.log(2 * max(len(targets), 1) * len(columns))
    found: dict[tuple[int, int], Fixed] = {}
    for by, column in enumerate(columns):
        constant = _constant(table, column, [columns[j].codes for j in targets])
        for place, j in enumerate(targets):
            target = columns[j]
            if j == by or not constant[place] or frozenset((target.name, column.name)) in linked:
                continue
            rule = None
            if column.numbers is not None and len(target.levels) <= _MOST_RANGES:
                made = _ranges(table, column, target.codes, target.levels, min_people, limit)
                if made is not None:
                    rule = Fixed(target.name, column.name, made[0], made[1], ranges=True, people=made[2])
            if column.codes is not None:
                value = _by_value(table, column, target, min_people, limit)
                rule = value if rule is None or (value and len(value.keys) <= len(rule.keys)) else rule
            if rule is not None:
                found[by, j] = rule
    return _short(table, found)


def _constant(table: Table, by: Column, targets: list[np.ndarray]) -> np.ndarray:
    """Return for each target whether records with the same code of `by` have the same; first a sample is looked at.

    So it may be where `by` has no codes.
    """
    if by.codes is None:
        return np.full(len(targets), True)
    holds = np.full(len(targets), bool((by.codes >= 0).any()))
    for rows in (table.sample, np.arange(len(by.codes))):
        rows = rows[np.argsort(by.codes[rows], kind="stable")]
        rows = rows[by.codes[rows] >= 0]
        groups = np.flatnonzero(np.diff(by.codes[rows], prepend=-1))
        for place in np.flatnonzero(holds):
            codes = targets[place][rows]
            most = np.maximum.reduceat(codes, groups)
            least = np.minimum.reduceat(np.where(codes < 0, np.iinfo(codes.dtype).max, codes), groups)
            holds[place] = ((most < 0) | (most == least)).all()  # a group of which nothing is known breaks nothing
    return holds


def _by_value(table: Table, by: Column, target: Column, min_people: int, limit: float) -> Fixed | None:
    known = (by.codes >= 0) & (target.codes >= 0)
    one = table.one[known[table.one]]
    if not log_fixed(by.codes[one], target.codes[one]) < limit:
        return None
    value_of = np.full(len(by.levels), -1)
    value_of[by.codes[known]] = target.codes[known]
    told = [k for k in np.flatnonzero(table.people_of_codes(by) >= min_people) if value_of[k] >= 0]
    values = [target.levels[value_of[k]] for k in told]
    if len(set(values)) < 2:
        return None
    both = len(set(value_of[value_of >= 0])) == int((value_of >= 0).sum())
    return Fixed(target.name, by.name, tuple(by.levels[k] for k in told), tuple(values), both=both, people=len(one))


def _ranges(table: Table, by: Column, codes: np.ndarray, levels: list, min_people: int, limit: float):
    """Return keys, values and people of ranges of a number that each have one code; None where there are none."""
    if not _is_unbroken(by.numbers[table.sample], codes[table.sample]) or not _is_unbroken(by.numbers, codes):
        return None
    known = ~np.isnan(by.numbers) & (codes >= 0)
    one = table.one[known[table.one]]
    if not log_ranges(codes[one]) < limit:
        return None
    numbers, own = by.numbers[known], codes[known]
    lows = {code: numbers[own == code].min() for code in np.unique(own)}
    order = sorted(lows, key=lows.get)
    highs = [numbers[own == code].max() for code in order]
    keys = [None, *(round_between(high, lows[code]) for high, code in zip(highs, order[1:], strict=False))]
    told = [table.n_people(known & (codes == code)) >= min_people for code in order]
    values = [levels[code] if enough else None for code, enough in zip(order, told, strict=True)]
    kept = [i for i in range(len(order)) if i == 0 or told[i] or told[i - 1]]  # what says nothing is one range
    if any(keys[i] is None for i in kept[1:]) or sum(told) < 2:
        return None
    return tuple(keys[i] for i in kept), tuple(values[i] for i in kept), len(one)


def _is_unbroken(numbers: np.ndarray, codes: np.ndarray) -> bool:
    known = ~np.isnan(numbers) & (codes >= 0)
    numbers, codes = numbers[known], codes[known]
    order = np.lexsort((codes, numbers))
    change = np.diff(codes[order]) != 0
    n_codes = np.count_nonzero(np.bincount(codes)) if len(codes) else 0
    return n_codes > 0 and change.sum() == n_codes - 1 and bool(np.diff(numbers[order])[change].all())


def _short(table: Table, found: dict[tuple[int, int], Fixed]) -> list[Fixed]:
    """Leave out what follows: of columns that fix each other the first stands for all, and a chain for its ends."""
    stands = {}
    for j in range(len(table.columns)):
        stands[j] = next((stands[i] for i in range(j) if (i, j) in found and (j, i) in found), j)
    kept = []
    for (by, j), rule in found.items():
        if stands[by] == stands[j]:
            if by == stands[j]:
                kept.append(rule)
        elif stands[by] == by and stands[j] == j:
            between = {b for a, b in found if a == by and stands[b] not in (by, j) and table.knows(b, by, j)}
            if not any((stands[b], j) in found for b in between):
                kept.append(rule)
    return kept


def find_missing(table: Table, log_alpha: float, min_people: int) -> list[Rule]:
    """Return which columns are missing together, and which exactly when another has a level, or is known."""
    groups: dict[bytes, list[Column]] = {}
    for column in table.columns:
        if column.missing.any() and min(table.n_people(column.missing), table.n_people(~column.missing)) >= min_people:
            groups.setdefault(np.packbits(column.missing).tobytes(), []).append(column)
    first = [group[0] for group in groups.values()]
    n_groups, total = len(first), sum(map(len, groups.values()))
    limit = log_alpha - np.log(max(total, 1) * (total + 2 * len(table.columns)))
    rules: list[Rule] = []
    for group in groups.values():
        absent = group[0].missing[table.one]
        if len(group) > 1 and log_fixed(absent, absent) < limit:
            rules.append(MissingTogether(tuple(column.name for column in group), people=len(table.one)))
    for i in range(n_groups):
        absent = first[i].missing[table.one]
        for j in range(i):
            if (first[i].missing != first[j].missing).all() and log_fixed(absent, absent) < limit:
                part = Part(first[j].name, missing=False)
                rules.append(MissingWhen(first[i].name, part, people=len(table.one)))
    return [*rules, *_missing_by(table, first, min_people, limit)]


def _missing_by(table: Table, first: list[Column], min_people: int, limit: float) -> list[MissingWhen]:
    """Return which columns are missing exactly when another has some levels, or is in some range."""
    absent = [column.missing.astype(np.int64) for column in first]
    by_column: dict[int, list[tuple[Column, MissingWhen]]] = {}
    for by in table.columns:
        constant = _constant(table, by, absent)
        for i, column in enumerate(first):
            if column is by or not constant[i] or (column.missing == by.missing).all():
                continue
            rule = _missing_by_range(table, column, by, min_people, limit) if by.numbers is not None else None
            if rule is None and by.codes is not None:
                rule = _missing_by_level(table, column, by, min_people, limit)
            if rule is not None:
                by_column.setdefault(i, []).append((by, rule))
    return [rule for rules in by_column.values() for rule in _simplest(table, rules)]


def _missing_by_level(table, column: Column, by: Column, min_people: int, limit: float) -> MissingWhen | None:
    known = by.codes >= 0
    one = table.one[known[table.one]]
    if not log_fixed(by.codes[one], column.missing[one]) < limit:
        return None
    told = table.people_of_codes(by) >= min_people
    is_missing = np.zeros(len(by.levels), dtype=bool)
    is_missing[by.codes[known]] = column.missing[known]
    levels = [tuple(by.levels[k] for k in np.flatnonzero(told & (is_missing == side))) for side in (True, False)]
    if not all(levels):
        return None
    others = None if told.all() else Part(by.name, levels=levels[1])
    return MissingWhen(column.name, Part(by.name, levels=levels[0]), others, people=len(one))


def _missing_by_range(table, column: Column, by: Column, min_people: int, limit: float) -> MissingWhen | None:
    both_ends = column.missing.astype(np.int64)
    made = _ranges(table, by, both_ends, [False, True], min_people, limit)
    if made is None or len(made[0]) != 2:
        return None
    (_, key), values, people = made
    low, high = (None, key) if values[0] else (key, None)
    return MissingWhen(column.name, Part(by.name, low=low, high=high, date=by.is_date), people=people)


def _simplest(table: Table, rules: list[tuple[Column, MissingWhen]]) -> list[MissingWhen]:
    """Of columns that fix each other keep the one with the fewest levels."""
    kept: list[tuple[Column, MissingWhen]] = []
    for by, rule in sorted(rules, key=lambda entry: len(entry[1].when.levels)):
        codes = [other.codes for other, _ in kept]
        alike = by.codes is not None and any(own is not None and _constant(table, by, [own])[0] for own in codes)
        if not alike:
            kept.append((by, rule))
    return [rule for _, rule in kept]
