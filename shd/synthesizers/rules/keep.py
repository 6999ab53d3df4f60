"""Draw records that keep rules: draw again what breaks one, and mend what is still broken."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.synthesizers.rules.kinds import Formula, Own
from shd.synthesizers.rules.rule import Rule, changed

_AT_ONCE = 64  # records drawn at least, so that one in so many may do
_BUDGET = 10  # times as many records as are wanted, and some more, are drawn at most before they are mended
_PASSES = 4  # times that all rules mend, one after the other

Draw = Callable[[int, dict | pd.DataFrame | None], pd.DataFrame]


def as_rules(keep_rules: object, found: Sequence[Rule]) -> list[Rule]:
    """Return the rules that `sample` is told to keep: those found for True, none for False, else those given."""
    if isinstance(keep_rules, bool):
        return list(found) if keep_rules else []
    if isinstance(keep_rules, Rule) or callable(keep_rules):
        keep_rules = [keep_rules]
    rules = []
    for rule in keep_rules if np.iterable(keep_rules) else [keep_rules]:
        if not isinstance(rule, Rule) and not callable(rule):
            raise ShdError(f"keep_rules={rule!r} is no rule; give True, or rules such as Rule.at_most('start', 'end').")
        name = getattr(rule, "__name__", "a rule of your own")
        rules.append(rule if isinstance(rule, Rule) else Own(name, rule))
    return rules


def check_columns(rules: Sequence[Rule], names: Sequence) -> None:
    """Raise `ShdError` where a rule is about a column that is not there."""
    for rule in rules:
        strange = [column for column in rule.columns if column not in names]
        if strange:
            raise ShdError(f"rule {rule.words!r}: there is no column {strange[0]!r} in the table. Check the name.")


def draw_keeping(
    draw: Draw, n: int, condition: dict | pd.DataFrame | None, rules: Sequence[Rule], rng: np.random.Generator
) -> pd.DataFrame:
    """Return `n` records that keep all rules.

    What a formula computes is computed. What breaks another rule is drawn again under the same condition. Where that
    takes too long, records are mended: by a rule's own repair (the sum, the value looked up, two dates changed), and
    where that does not do, all columns that rules link with those broken come from another record that was drawn.
    Columns of the condition stay as asked.
    """
    locked = frozenset(condition if condition is not None else ())
    formulas = [rule for rule in rules if isinstance(rule, Formula)]

    def drawn(rows: int, asked: dict | pd.DataFrame | None) -> pd.DataFrame:
        frame = draw(rows, asked)
        for rule in formulas:
            frame = rule.repair(frame, locked)
        return frame

    frame = drawn(n, condition)
    pools, left, accepted = [frame], _BUDGET * n + 20 * _AT_ONCE, 0.5
    broken = _broken(frame, rules)
    while broken.any() and left > 0:
        slots = np.flatnonzero(broken)
        times = int(np.clip(np.ceil(1 / accepted), max(1, -(-_AT_ONCE // len(slots))), max(1, left // len(slots))))
        slots = slots.repeat(times)
        asked = condition.iloc[slots].reset_index(drop=True) if isinstance(condition, pd.DataFrame) else condition
        again = drawn(len(slots), asked)
        left -= len(slots)
        good = ~_broken(again, rules)
        accepted = max(good.mean(), 0.02)
        pools.append(again)
        place, first = np.unique(slots[good], return_index=True)
        frame = _replaced(frame, place, again, np.flatnonzero(good)[first], frame.columns)
        broken[place] = False
    if broken.any():
        frame = _mended(frame, broken, rules, locked, pd.concat(pools[-8:], ignore_index=True), rng)
        _refuse(frame, rules, n)
    return frame


def _broken(frame: pd.DataFrame, rules: Sequence[Rule]) -> np.ndarray:
    broken = np.zeros(len(frame), dtype=bool)
    for rule in rules:
        broken |= rule.broken(frame)
    return broken


def _replaced(frame: pd.DataFrame, place: np.ndarray, other: pd.DataFrame, at: np.ndarray, columns) -> pd.DataFrame:
    """Return `frame` with its records at `place` those of `other` at `at`, in some columns; dtypes stay."""
    order = np.arange(len(frame))
    order[place] = len(frame) + at
    taken = {name: pd.concat([frame[name], other[name]], ignore_index=True).iloc[order].array for name in columns}
    made = {name: pd.Series(v, index=frame.index, dtype=frame[name].dtype) for name, v in taken.items()}
    return changed(frame, made)


def _mended(frame, broken: np.ndarray, rules: Sequence[Rule], locked: frozenset, pool: pd.DataFrame, rng):
    rows = np.flatnonzero(broken)
    some = frame.iloc[rows].reset_index(drop=True)
    for _ in range(_PASSES):
        for rule in rules:
            some = rule.repair(some, locked)
        if not _broken(some, rules).any():
            break
    for columns, own in _linked(rules, list(frame.columns)):
        some = _from_donors(some, columns, own, locked, pool, rng)
    return _replaced(frame, rows, some, np.arange(len(rows)), frame.columns)


def _linked(rules: Sequence[Rule], names: list) -> list[tuple[list, list[Rule]]]:
    """Return columns that rules link with each other, and these rules; one's own may link them all."""
    groups: list[tuple[set, list[Rule]]] = []
    for rule in rules:
        columns, own = set(rule.columns or names), [rule]
        for other in [group for group in groups if group[0] & columns]:
            groups.remove(other)
            columns, own = columns | other[0], [*other[1], *own]
        groups.append((columns, own))
    return [([name for name in names if name in columns], own) for columns, own in groups]


def _from_donors(some, columns: list, rules: Sequence[Rule], locked: frozenset, pool: pd.DataFrame, rng):
    """Give records that break one of the rules these columns of a record that keeps them, the same where locked."""
    broken = np.flatnonzero(_broken(some, rules))
    if not len(broken):
        return some
    donors = np.flatnonzero(~_broken(pool, rules))
    asked = [name for name in columns if name in locked]
    if asked:
        keys = pd.concat([pool[asked].iloc[donors], some[asked].iloc[broken]])
        codes = pd.MultiIndex.from_frame(keys.astype(object).where(keys.notna(), None)).factorize()[0]
        of_donor, of_broken = np.split(codes, [len(donors)])
    else:
        of_donor, of_broken = np.zeros(len(donors), dtype=int), np.zeros(len(broken), dtype=int)
    for code in np.unique(of_broken):
        fits, rows = donors[of_donor == code], broken[of_broken == code]
        if len(fits):
            some = _replaced(some, rows, pool, rng.choice(fits, len(rows)), columns)
    return some


def _refuse(frame: pd.DataFrame, rules: Sequence[Rule], n: int) -> None:
    for rule in rules:
        count = int(rule.broken(frame).sum())
        if count:
            raise ShdError(
                f"keep_rules: {count:,} of {n:,} records still break {rule.words!r} after {_BUDGET} times as many were "
                f"drawn; ask for another condition, or leave this rule out."
            )
