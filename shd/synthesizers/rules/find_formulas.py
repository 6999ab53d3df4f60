"""Numbers that follow from other numbers: sums, differences, changes of unit, products and ratios."""

from dataclasses import replace
from math import comb

import numpy as np

from shd.synthesizers.rules.kinds import Formula
from shd.synthesizers.rules.table import Table, log_formula

_MOST_TERMS = 5  # columns that a formula may read
_TRIED = 7  # columns that are tried on the way to it
_NEAR = 3.0  # times what rounding explains, while the weights are not yet written shortly
_LARGEST = 1e150  # squares of larger numbers are more than a float holds
_LEAST = 30  # records in which all of them are known


def find_formulas(table: Table, log_alpha: float) -> list[Formula]:
    """Return formulas that hold in every record, each once: not what follows from those before it.

    For each column in turn, others are taken one by one, always the one that explains most of what is left
    (orthogonal matching pursuit), until rounding explains the rest; those that are not needed leave again.
    Products are sums of logarithms.
    """
    at = [j for j, column in enumerate(table.columns) if column.numbers is not None and column.numbers.size]
    at = [j for j in at if len(np.unique(table.columns[j].numbers[~table.columns[j].missing])) > 1]
    at = [j for j in at if np.nanmax(np.abs(table.columns[j].numbers)) < _LARGEST]
    found: list[Formula] = []
    for product in (False, True):
        search = _Search(table, at, product)
        candidates = 2 * len(at) * max(comb(max(len(at) - 1, 0), k) for k in range(_MOST_TERMS + 1))
        for target in search.at:
            formula = search.formula_for(target)
            if formula is None:
                continue
            chance, people = search.log_chance(formula)
            if people >= _LEAST and chance + np.log(candidates) < log_alpha:
                found.append(replace(formula, people=people))
    return _each_once(found)


class _Search:
    def __init__(self, table: Table, at: list[int], product: bool):
        self.table, self.product = table, product
        numbers = {j: table.columns[j].numbers for j in at}
        if product:  # dates and numbers with values below 0 have no logarithm; nor have levels of a scale from 0 on
            at = [j for j in at if table.columns[j].scale == "number" and np.nanmin(numbers[j]) > 0]
        self.at, self.numbers = at, numbers
        self.date = np.array([table.columns[j].is_date for j in at])
        sample = np.column_stack([numbers[j][table.sample] for j in at]) if at else np.zeros((0, 0))
        self.sample = np.log(sample) if product else sample

    def formula_for(self, target: int) -> Formula | None:
        """Return the formula of one column, None where there is none."""
        place = self.at.index(target)
        chosen: list[int] = []
        for _ in range(min(_TRIED, len(self.at) - 1)):
            best = self._next(place, chosen)
            if best is None:
                return None
            chosen.append(best)
            if self._is_near(place, chosen):
                return self._pruned(place, sorted(chosen))
        return None

    def _residual(self, place: int, chosen: list[int]) -> tuple[np.ndarray, np.ndarray] | None:
        y = self.sample[:, place]
        rows = ~np.isnan(self.sample[:, [place, *chosen]]).any(axis=1)
        if rows.sum() < max(_LEAST, 4 * len(chosen)):
            return None
        left = np.full(len(y), np.nan)
        design = np.column_stack([self.sample[rows][:, chosen], np.ones(rows.sum())])
        shift = design.mean(axis=0) * (np.arange(design.shape[1]) < len(chosen))
        weights = np.linalg.lstsq(design - shift, y[rows] - y[rows].mean(), rcond=None)[0]
        left[rows] = y[rows] - y[rows].mean() - (design - shift) @ weights
        return left, np.append(weights[:-1], y[rows].mean() + weights[-1] - shift[:-1] @ weights[:-1])

    def _next(self, place: int, chosen: list[int]) -> int | None:
        """Return the column that explains most of what is left of the target."""
        left = self._residual(place, chosen)
        if left is None:
            return None
        known = ~np.isnan(left[0])[:, None] & ~np.isnan(self.sample)
        count = known.sum(axis=0)
        x = np.where(known, self.sample, 0.0)
        x = np.where(known, x - x.sum(axis=0) / np.maximum(count, 1), 0.0)
        r = np.where(known, np.nan_to_num(left[0])[:, None], 0.0)
        with np.errstate(all="ignore"):
            strength = np.abs((x * r).sum(axis=0)) / np.sqrt((x**2).sum(axis=0) * (r**2).sum(axis=0))
        strength[[place, *chosen]] = np.nan
        strength[count < _LEAST] = np.nan
        return None if np.isnan(strength).all() else int(np.nanargmax(strength))

    def _is_near(self, place: int, chosen: list[int]) -> bool:
        """Whether these columns explain the target in the sample, to within a few times what rounding explains.

        The weights are fitted to rounded numbers, and are a little off themselves.
        """
        fitted = self._residual(place, chosen)
        if fitted is None or np.nanmax(np.abs(fitted[0])) > 0.2 * np.nanstd(self.sample[:, place]):
            return False
        formula = self._made(place, chosen, fitted[1][:-1], fitted[1][-1], rounded=True)
        numbers = np.column_stack([self.numbers[j][self.table.sample] for j in self._columns(place, chosen)])
        numbers = numbers[~np.isnan(numbers).any(axis=1)]
        off = np.abs(numbers[:, 0] - formula.predict(numbers))
        return bool((off <= _NEAR * formula.slack(numbers, rounded=True) + 1e-7 * np.abs(numbers[:, 0])).all())

    def _columns(self, place: int, chosen: list[int]) -> list[int]:
        return [self.at[place], *(self.at[j] for j in chosen)]

    def _made(self, place: int, chosen: list[int], weights, constant: float, rounded: bool) -> Formula:
        columns, places = self.table.columns, self.table.decimals
        at = self._columns(place, chosen)
        terms = tuple((columns[j].name, float(w)) for j, w in zip(at[1:], weights, strict=True))
        constant = float(np.exp(constant)) if self.product else float(constant)
        return Formula(columns[at[0]].name, terms, constant, self.product, tuple(places[j] for j in at), rounded)

    def _pruned(self, place: int, chosen: list[int]) -> Formula | None:
        """Take out columns that are not needed, write the weights shortly, and hold it against every record."""
        for column in list(chosen):
            rest = [j for j in chosen if j != column]
            if rest and self._is_near(place, rest):
                chosen = rest
        if len(chosen) > _MOST_TERMS:
            return None
        _, weights = self._residual(place, chosen)
        dates = self.date[[place, *chosen]]
        if dates.any() and abs(weights[:-1][dates[1:]].sum() - dates[0]) > 0.01:
            return None  # a date is another date and so many days; a length of time is between two dates
        if not self.product and len(chosen) == 1 and self.date[place] != self.date[chosen[0]]:
            return None
        return next((made for short in self._short(weights) if (made := self._exact(place, chosen, short))), None)

    def _short(self, weights: np.ndarray):
        """Give the weights, shortly written first."""
        powers = np.round(weights[:-1] * 2) / 2
        if self.product:
            if (np.abs(powers - weights[:-1]) < 0.1).all() and powers.all():
                yield powers
            return
        for digits in (1, 2, 3, 4, 5):
            size = 10.0 ** (digits - 1 - np.floor(np.log10(np.maximum(np.abs(weights[:-1]), 1e-300))))
            short = np.round(weights[:-1] * size) / size
            if short.all():
                yield short
        yield weights[:-1]

    def _exact(self, place: int, chosen: list[int], weights: np.ndarray) -> Formula | None:
        at = self._columns(place, chosen)
        numbers = np.column_stack([self.numbers[j] for j in at])
        known = ~np.isnan(numbers).any(axis=1)
        logs = np.log(numbers[known]) if self.product else numbers[known]
        rest = logs[:, 0] - logs[:, 1:] @ weights
        middle = float((rest.min() + rest.max()) / 2)
        for rounded in (False, True):
            for constant in _shorter(np.exp(middle) if self.product else middle, self.product):
                made = self._made(place, chosen, weights, np.log(constant) if self.product else constant, rounded)
                if not made.off(numbers[known]).any():
                    return made
        return None

    def log_chance(self, formula: Formula) -> tuple[float, int]:
        """Return how likely it holds for everybody by chance (see `log_formula`), and how many people that is."""
        at = {self.table.columns[j].name: j for j in self.at}
        numbers = np.column_stack([self.numbers[at[name]][self.table.one] for name in formula.columns])
        numbers = numbers[~np.isnan(numbers).any(axis=1)]
        if not len(numbers):
            return 0.0, 0
        rng = np.random.default_rng(0)
        dealt = np.column_stack([rng.permutation(numbers[:, 0]), numbers[:, 1:]])
        return log_formula(int((~formula.off(dealt)).sum()), len(dealt), len(numbers), len(formula.terms) + 1), len(
            numbers
        )


def _shorter(constant: float, product: bool):
    """Give a constant, shortly written first; none at all before that."""
    yield 1.0 if product else 0.0
    for digits in range(1, 7):
        yield float(f"{constant:.{digits}g}")
    yield constant


def _each_once(found: list[Formula]) -> list[Formula]:
    """Keep formulas that do not follow from those before them; simple ones, and computed columns, come first."""

    def simple(formula: Formula) -> tuple:
        digits = sum(len(f"{abs(number):g}".replace(".", "").strip("0")) for _, number in formula.terms)
        digits += 0 if formula.product else len(f"{abs(formula.constant):g}".replace(".", "").strip("0"))
        minus = sum(weight < 0 for _, weight in formula.terms)
        return len(formula.terms), formula.rounded, digits, minus, -found.index(formula)

    names = list(dict.fromkeys(name for formula in found for name in formula.columns))
    kept, rows = [], {False: [], True: []}
    for formula in sorted(found, key=simple):
        row = np.zeros(len(names) + 1)
        row[names.index(formula.target)], row[-1] = -1, formula.constant
        for name, weight in formula.terms:
            row[names.index(name)] = weight
        row[-1] = np.log(formula.constant) if formula.product else formula.constant
        scaled = row / np.abs(row[:-1]).max()
        known = rows[formula.product]
        if known:
            base = np.array(known)
            left = scaled - np.linalg.lstsq(base.T, scaled, rcond=None)[0] @ base
            if np.abs(left[:-1]).max() < 0.01:
                continue
        copies = [other for other in kept if set(other.columns) == set(formula.columns)]
        if copies:  # a change of unit is a sum and a product, too
            continue
        known.append(scaled)
        kept.append(formula)
    return kept
