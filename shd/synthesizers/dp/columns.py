"""What every private fit learns first: what columns hold, noisy counts of each, and the codes made from these."""

from fractions import Fraction

import numpy as np

from shd.synthesizers.dp.cells import CELLS, Column
from shd.synthesizers.dp.domain import learn_declared
from shd.synthesizers.dp.private import Records
from shd.synthesizers.encoding import TableEncoder

SIZE, DOMAIN, MARGINS = Fraction(1, 100), Fraction(3, 10), Fraction(1, 4)
"""Shares: of the budget for the number of records, and for columns nobody declared (times their share of all columns);
of what is left then for single columns."""
_THETA = 4  # the average cell is at least this many times its noise


class ColumnsFit:
    """Base of what learns a table privately: columns, codes and noisy shares.

    After `_learn_columns`, `codes` holds the codes of the records (which nobody may look at but through noise),
    `shares` the noisy share of each code of each column, `n` the noisy number of records, and `encoder` the codecs.
    """

    margins = MARGINS

    def __init__(self, records: Records, max_bins: int, max_levels: int):
        self.frame, self.people, self.m = records.frame, records.people, records.m
        self.domain, self.budget, self.noise = records.domain, records.budget, records.noise
        self.max_bins, self.max_levels = max_bins, max_levels

    def _learn_columns(self) -> None:
        """Learn columns, codes and shares, in that order."""
        codecs, codes = self._margins(self._columns())
        self.encoder = TableEncoder(self.max_bins, self.max_levels)
        self.encoder.columns_ = codecs
        self.sizes = self.encoder.sizes
        self.codes = np.asfortranarray(codes)

    def _columns(self) -> list[Column]:
        """Cut every column into cells; what is not declared is learned from its part of the budget."""
        cost = self.budget.total * SIZE
        self.budget.spend("number of records", cost)
        self.n_rough = int(self.budget.blur(self.noise, np.array(len(self.frame)), cost, self.m))
        self.n_variance = self.budget.deviation(cost, self.m) ** 2
        names = list(self.frame.columns)
        open_ = [name for name in names if name not in self.domain.columns]
        cost = self.budget.total * DOMAIN / len(names)
        delta = self.budget.domain_delta / max(1, len(open_))
        singles = (self.budget.left - cost * len(open_)) * self._share_of_margins(len(names)) / len(names)
        # a cell should hold more than its noise
        n_cells = int(np.clip(self.n_rough / (_THETA * self.budget.deviation(singles, self.m)), *CELLS))
        columns = []
        for name in names:
            declared = self.domain.columns.get(name)
            if declared is None:
                self.budget.spend(f"domain of {name}", cost, delta)
                bought = self.budget.pure(cost), delta
                declared = learn_declared(self.frame[name], self.people, self.m, *bought, self.noise)
            column = Column.of(self.frame[name], declared, n_cells, learned=name in open_)
            column.by_chance(self.noise)
            columns.append(column)
        return columns

    def _share_of_margins(self, n_columns: int) -> Fraction:
        """Return which share of what is left goes into single columns."""
        return self.margins if n_columns > 1 else Fraction(1)

    def _margins(self, columns: list[Column]) -> tuple[list, np.ndarray]:
        """Count the cells of every column once, with noise; records, codes and weights all come from these counts."""
        share = self.budget.left * self._share_of_margins(len(columns))
        self.budget.spend(f"counts of {len(columns)} single columns", share)
        cost = share / len(columns)
        counts = [np.bincount(c.cells, minlength=c.n_cells) for c in columns]
        noisy = [self.budget.blur(self.noise, count, cost, self.m) for count in counts]
        self.margin_noise = self.budget.deviation(cost, self.m)
        # every column counts the same records: the mean of all sums, each by how little noise it carries
        weights = np.array([1 / self.n_variance, *(1 / (len(count) * self.margin_noise**2) for count in noisy)])
        sums = [self.n_rough, *(count.sum() for count in noisy)]
        self.n = max(1, round(float(weights @ sums / weights.sum())))
        n_bins = self._most_bins(len(columns))
        settled = [
            column.settle(
                self._tidy(column, count),
                self.margin_noise,
                self.max_levels if column.fine.levels is not None else n_bins,
                self._least(),
                self.noise,
            )
            for column, count in zip(columns, noisy, strict=True)
        ]
        codecs, margins, codes = zip(*settled, strict=True)
        self.shares = [np.maximum(margin, 1e-6) / np.maximum(margin, 1e-6).sum() for margin in margins]
        return list(codecs), np.column_stack(codes)

    def _tidy(self, column: Column, noisy: np.ndarray) -> np.ndarray:
        """Return noisy counts of cells, none below 0 and none beyond where people are, that add up to all records."""
        there = column.within(noisy, self.margin_noise)
        counts = np.zeros(len(noisy))
        counts[there] = to_total(noisy[there], self.n)
        return counts

    def _least(self) -> float:
        """Return how many records a code should have; rarer levels and neighbouring numbers share one."""
        return 0.0

    def _most_bins(self, n_columns: int) -> int:
        """Return how many codes a number may have; `n` is known by now."""
        return self.max_bins


def to_total(noisy: np.ndarray, total: float) -> np.ndarray:
    """Return noisy counts, none below 0, that add up to a total (the nearest such counts).

    Clipping alone would add weight to every empty cell. So as much is taken off all cells as
    leaves, after clipping at 0, that total.
    """
    falling = np.sort(noisy.ravel())[::-1].astype(float)
    excess = (np.cumsum(falling) - total) / np.arange(1, falling.size + 1)
    return np.clip(noisy - excess[np.flatnonzero(falling > excess)[-1]], 0, None)
