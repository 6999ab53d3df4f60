"""How surprising it is that two records are so alike: weights of record linkage, block by block.

A level that agrees counts by how rare it is, a number by how few others lie as near to it. Two records that share one
rare value, or a number to the last digit, say more than two that share what everybody has: distances, which count all
columns alike, do not see a record of somebody with one cell changed.

Fellegi, Sunter (1969), *A Theory for Record Linkage*, JASA, doi 10.1080/01621459.1969.10501049, and Good (1953), *The
Population Frequencies of Species*, Biometrika, doi 10.1093/biomet/40.3-4.237 (both quoted from memory): how often a
value comes up again that was seen once.
"""

from dataclasses import dataclass

import numpy as np

from shd._parallel import in_parallel
from shd.compare.core.tables import Coded

_CELLS = 400_000  # pairs of records at a time: they stay in the cache of a core


@dataclass(frozen=True, eq=False)
class Linkage:
    """Minus the logarithm of the chance that a stranger's record would agree as well, summed over the columns."""

    is_number: np.ndarray
    known: list[np.ndarray]  # the values of each column in train, sorted, each once; of levels their codes
    chance: list[np.ndarray]  # how often a new record has each of them, and last how often it has none (missing)
    below: list[np.ndarray]  # share of train below each value, ties by half

    @classmethod
    def of(cls, train: Coded) -> "Linkage":
        """Learn from train how common each value is."""
        columns = [_learned(values) for values in train.values.T]
        is_number = np.array([column.is_number for column in train.columns])
        return cls(is_number, *map(list, zip(*columns, strict=True)))

    def closest(self, records: Coded, real: Coded) -> np.ndarray:
        """Return the largest weight of each record with a real one, nats, shape (n,)."""
        own, theirs = self._read(records), self._read(real)
        block = int(np.clip(_CELLS // len(real), 1, len(records)))

        def of_block(start: int) -> np.ndarray:
            rows = slice(start, start + block)
            total = np.zeros((min(block, len(records) - start), len(real)), dtype=np.float32)
            for j, (mine, others) in enumerate(zip(own, theirs, strict=True)):
                total += self._weight(j, [part[rows] for part in mine], others)
            return total.max(axis=1)

        return np.concatenate(in_parallel(of_block, range(0, len(records), block)))

    def _read(self, table: Coded) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Return for each column which value each record has (-1: none of train's), its weight, and what is below."""
        columns = []
        for values, known, chance, below in zip(table.values.T, self.known, self.chance, self.below, strict=True):
            at = np.searchsorted(known, np.nan_to_num(values))
            near = np.minimum(at, max(len(known) - 1, 0))
            found = known[near] == values if len(known) else np.zeros(len(values), dtype=bool)
            which = np.where(np.isnan(values), len(known), np.where(found, near, -1)).astype(np.int32)
            lies = np.interp(values, known, below, left=0.0, right=1.0) if len(known) else np.full(len(values), np.nan)
            columns.append((which, -np.log(chance[which]).astype(np.float32), lies.astype(np.float32)))
        return columns

    def _weight(self, j: int, mine: list[np.ndarray], others: tuple) -> np.ndarray:
        same = mine[0][:, None] == others[0]
        same &= mine[0][:, None] >= 0
        if not self.is_number[j]:
            return np.where(same, mine[1][:, None], np.float32(0))
        gap = np.abs(mine[2][:, None] - others[2])
        np.nan_to_num(gap, copy=False, nan=1.0)
        # nearer than that is no more surprising than the same value
        np.clip(2 * gap, self.chance[j].min(), 1, out=gap)
        np.log(gap, out=gap)
        return np.where(same, mine[1][:, None], -gap)


def _learned(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the values of a column, each once, how often a new record has each, and the share below."""
    n, missing = len(values), int(np.isnan(values).sum())
    known, count = np.unique(values[~np.isnan(values)], return_counts=True)
    below = (np.cumsum(count) - count / 2) / max(count.sum(), 1)
    once, twice = (count == 1).sum(), (count == 2).sum()
    chance = np.append(count, max(missing, 1)) / n
    # Good's estimate: of values seen once, most of those seen by the next record are others, as many as there are
    chance[:-1][count == 1] *= min(1.0, (2 * twice + 1) / max(once, 1))
    return known, chance, below
