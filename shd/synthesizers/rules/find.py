"""Find rules that hold in every record, and that chance does not explain."""

import numpy as np
import pandas as pd

from shd.dataset import Dataset, as_frame
from shd.synthesizers.rules.find_fixed import find_fixed, find_missing
from shd.synthesizers.rules.find_formulas import find_formulas
from shd.synthesizers.rules.find_never import find_never
from shd.synthesizers.rules.kinds import AtMost, Formula
from shd.synthesizers.rules.rule import Rule, as_numbers
from shd.synthesizers.rules.table import Table, log_order

_ALPHA = 0.01  # largest chance of any false rule in a table of independent columns
_KINDS = 5
LEAST_PEOPLE = 50
"""A rule that fewer people could have broken is not told from chance: with none of 50, up to 6 % may break it."""


def find_rules(data: Dataset | pd.DataFrame, people: np.ndarray | None = None, min_people: int = 5) -> tuple[Rule, ...]:
    """Return the rules that every record keeps, by kind.

    * *order*: a <= b, or a < b, for numbers, dates, and categories of the same order;
    * *formula*: a number or date is a sum, difference, product or ratio of up to five others, with weights, to within
      rounding (half a unit in the last place; where the others are rounded, as much more as that makes);
    * *fixed*: the level of one column, or the range of a number, fixes the value of another;
    * *missing*: columns are missing together, or exactly when another column has certain levels (or a range);
    * *never together*: levels (or ranges of a number) that no record has both of.

    A rule holds without a single exception. Were its columns independent given their margins, it would hold for all
    people by chance with a probability below .01 / (5 m), where m is how many candidates of its kind were tried
    and 5 the number of kinds (Bonferroni); see `table`. The probabilities count people, by one record of each. With n
    people in whom it could have been broken, at most 1 - .05 ** (1 / n) break it in truth (Clopper and Pearson 1934,
    doi 10.1093/biomet/26.4.404, at 95 %): n is at least 50, and stands with the rule. What disjoint ranges or margins
    make true by themselves fails that test; what follows from another rule is left out. Levels and ranges of fewer
    than `min_people` are not in a rule: it says nothing of them.
    """
    frame = as_frame(data)
    if people is None:
        people = pd.factorize(data.subjects)[0] if isinstance(data, Dataset) else np.arange(len(frame))
    table = Table(frame, people)
    if len(table.one) < LEAST_PEOPLE:
        return ()
    level = np.log(_ALPHA / _KINDS)
    formulas = find_formulas(table, level)
    missing = find_missing(table, level, min_people)
    fixed = find_fixed(table, level, min_people, formulas)
    orders = find_orders(table, level, formulas)
    never = find_never(table, level, min_people, [*fixed, *missing])
    return (*orders, *formulas, *fixed, *missing, *never)


def find_orders(table: Table, log_alpha: float, formulas: list[Formula]) -> list[AtMost]:
    """Return the orders between two columns: not those that follow from two others, or from a sum of parts."""
    found: dict[tuple[int, int], tuple] = {}
    candidates = 0
    for scale in dict.fromkeys(column.scale for column in table.columns if column.scale is not None):
        at = [j for j, column in enumerate(table.columns) if column.scale == scale]
        numbers = np.column_stack([as_numbers(table.frame[table.columns[j].name]) for j in at])
        candidates += len(at) * (len(at) - 1)
        sample = numbers[table.sample]
        for a, first in enumerate(at):
            with np.errstate(invalid="ignore"):
                holds = ~(sample[:, [a]] > sample).any(axis=0)
            for b in np.flatnonzero(holds):
                rule = _order(table, numbers[:, a], numbers[:, b]) if a != b else None
                if rule is not None:
                    found[first, at[b]] = rule
    sure = {pair: rule for pair, (rule, chance) in found.items() if chance + np.log(candidates) < log_alpha}
    short = [pair for pair in sure if pair[::-1] not in sure and not _follows(table, pair, sure)]
    columns = table.columns
    return [
        AtMost(columns[a].name, columns[b].name, *sure[a, b]) for a, b in short if not _is_part(table, a, b, formulas)
    ]


def _order(table: Table, first: np.ndarray, second: np.ndarray) -> tuple[tuple[bool, int], float] | None:
    """Return whether it is strict, how many people it is about, and log of the chance; None where it does not hold."""
    with np.errstate(invalid="ignore"):
        if (first > second).any():
            return None
    known = ~np.isnan(first) & ~np.isnan(second)
    one = table.one[known[table.one]]
    if len(one) < LEAST_PEOPLE:
        return None
    chance, strict = log_order(first[one], second[one]), False
    if not (first[known] == second[known]).any():
        values, count = np.unique(second[one], return_counts=True)
        share = dict(zip(values, count / len(one), strict=True))
        equal = np.mean([share.get(value, 0.0) for value in first[one]])
        strict = bool(len(one) * np.log1p(-min(equal, 0.999999)) < np.log(1e-4))
    return (strict, len(one)), chance


def _follows(table: Table, pair: tuple[int, int], sure: dict) -> bool:
    """Whether a <= c follows from a <= b <= c; of equal columns the first stands for all."""
    a, c = pair
    for b in range(len(table.columns)):
        if b in pair or (a, b) not in sure or (b, c) not in sure or not table.knows(b, a, c):
            continue
        if not (b > c and (c, b) in sure) and not (b > a and (b, a) in sure):
            return True
    return False


def _is_part(table: Table, a: int, b: int, formulas: list[Formula]) -> bool:
    """Whether b is a plus what is never below 0, by a formula; dates are left, where people look for the order."""
    columns = {column.name: column for column in table.columns}
    first, second = table.columns[a], table.columns[b]
    if second.is_date:
        return False
    for formula in formulas:
        weights = dict(formula.terms) | {formula.target: -1.0}
        if formula.product or first.name not in weights or second.name not in weights:
            continue
        scale = -weights[second.name]
        rest = {name: weight / scale for name, weight in weights.items() if name != second.name}
        least = [weight * np.nanmin(columns[name].numbers) for name, weight in rest.items()]
        whole = rest[first.name] >= 1 and np.nanmin(first.numbers) >= 0
        if whole and formula.constant / scale >= 0 and min(least) >= 0:
            return True
    return False
