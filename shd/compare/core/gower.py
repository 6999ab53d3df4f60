"""Gower's distance between records of mixed types, block by block."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shd._parallel import in_parallel
from shd.compare.core.tables import Coded

_ROWS, _CELLS = 250, 20_000_000  # records at a time, and most distances between them and the real ones
_CACHED = 100_000  # distances worked on at once: they stay in the cache of a core
_GRAIN = 64  # weights are multiples of 1/64, so that sums of them are exact in float32
_GROUP = 64  # records, of which first the nearest alone is looked at


@dataclass(frozen=True)
class Gower:
    """Gower's distance: over all columns, 0 or 1 for levels that agree or not, difference by range for numbers.

    Missing is judged as a level. By one matrix product for all categories and one difference a number.
    Gower (1971), *A General Coefficient of Similarity and Some of Its Properties*, doi 10.2307/2528823.
    """

    is_number: np.ndarray
    starts: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, train: Coded, weights: np.ndarray | None = None) -> "Gower":
        """Take the ranges of numbers from train; `weights` say how much each column counts, by default 1."""
        is_number = np.array([c.is_number for c in train.columns])
        sizes = [2 if c.is_number else len(c.levels) for c in train.columns]  # a number is there or missing
        known = [column[~np.isnan(column)] for column in train.values[:, is_number].T]
        centre = np.array([k.min() if len(k) else 0.0 for k in known])
        scale = np.array([np.ptp(k) or 1.0 if len(k) else 1.0 for k in known])
        weights = np.ones(len(is_number)) if weights is None else np.round(np.asarray(weights) * _GRAIN) / _GRAIN
        return cls(is_number, np.concatenate([[0], np.cumsum(sizes)]), centre, scale, weights)

    def nearest(self, records: Coded, real: Coded) -> np.ndarray:
        """Return the distance of each record to the nearest real one, 0 to n_columns, float32, shape (n,)."""
        return np.concatenate(self.map_blocks(records, real, lambda distance, _: distance.min(axis=1)))

    def nearest_few(self, records: Coded, real: Coded, few: int) -> tuple[np.ndarray, np.ndarray]:
        """Return distances and positions of the nearest real records, of equal ones the first, shape (n, few)."""
        blocks = self.map_blocks(records, real, lambda distance, _: smallest(distance, few))
        return tuple(np.concatenate(part) for part in zip(*blocks, strict=True))

    def nearest_two_people(self, records: Coded, real: Coded) -> np.ndarray:
        """Return the distances to the nearest real record and of another subject (perhaps infinite), shape (n, 2)."""
        return self.two_people(records, real)[0]

    def two_people(self, records: Coded, real: Coded) -> tuple[np.ndarray, np.ndarray]:
        """Return what `nearest_two_people` returns, and the subject of the nearest real record, shape (n,)."""

        def two(distance: np.ndarray, _: int) -> tuple[np.ndarray, np.ndarray]:
            closest = distance.argmin(axis=1)
            first, person = distance[np.arange(len(distance)), closest], real.subjects[closest]
            distance[person[:, None] == real.subjects] = np.inf
            return np.column_stack([first, distance.min(axis=1)]), person

        return tuple(np.concatenate(part) for part in zip(*self.map_blocks(records, real, two), strict=True))

    def map_blocks(self, records: Coded, real: Coded, work: Callable[[np.ndarray, int], object]) -> list:
        """Return what `work` makes of each block of distances, float32, shape (block, n_real), by several threads.

        It is given the distances, which it may change, and the position of the first record of the block.
        """
        levels, numbers = self._encode(real)
        own_levels, own_numbers = self._encode(records)
        for table in (numbers, own_numbers):
            table *= self.weights[self.is_number, None].astype(np.float32)
        own_levels *= np.repeat(self.weights, np.diff(self.starts)).astype(np.float32)
        any_missing = bool(np.isnan(numbers).any() or np.isnan(own_numbers).any())
        # whole numbers (and 64ths) far below 2^24 are exact in float32, so that ties stay ties
        furthest = np.float32(self.weights.sum())
        block, tile = (int(np.clip(most // len(real), 1, _ROWS)) for most in (_CELLS, _CACHED))

        def of_block(start: int) -> object:
            distance = own_levels[start : start + block] @ levels.T
            gap = np.empty((tile, len(real)), dtype=np.float32)
            for first in range(0, len(distance), tile):
                part = distance[first : first + tile]
                np.subtract(furthest, part, out=part)
                for mine, theirs in zip(own_numbers[:, start + first :], numbers, strict=True):
                    own = gap[: len(part)]
                    np.subtract(mine[: len(part), None], theirs, out=own)
                    np.abs(own, out=own)
                    if any_missing:
                        np.nan_to_num(own, copy=False)  # missing is judged as a level
                    np.add(part, own, out=part)
            return work(distance, start)

        return in_parallel(of_block, range(0, len(records), block))

    def _encode(self, table: Coded) -> tuple[np.ndarray, np.ndarray]:
        """One column a level, shape (n, n_levels), and scaled numbers, shape (n_numbers, n); float32."""
        levels = np.zeros((len(table), self.starts[-1]), dtype=np.float32)
        for j, start in enumerate(self.starts[:-1]):
            values = table.values[:, j]
            code = np.isnan(values) if self.is_number[j] else values
            levels[np.arange(len(table)), start + code.astype(int)] = 1
        numbers = (table.values[:, self.is_number].T - self.centre[:, None]) / self.scale[:, None]
        return levels, numbers.astype(np.float32)


def smallest(distance: np.ndarray, few: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the smallest values of each row and where they stand, in order, the first of equal ones first.

    The smallest lie in the groups with the smallest minima, so that most groups are looked at once.
    """
    n, width = distance.shape
    groups = -(-width // _GROUP)
    if groups <= few:
        order = np.argsort(distance, axis=1, kind="stable")[:, :few]
        return np.take_along_axis(distance, order, axis=1), order
    padded = distance
    if groups * _GROUP > width:
        padded = np.full((n, groups * _GROUP), np.inf, dtype=distance.dtype)
        padded[:, :width] = distance
    minima = padded.reshape(n, groups, _GROUP).min(axis=2)
    chosen = np.sort(np.argsort(minima, axis=1, kind="stable")[:, :few], axis=1)
    where = (chosen[:, :, None] * _GROUP + np.arange(_GROUP)).reshape(n, -1)
    values = np.take_along_axis(padded, where, axis=1)
    order = np.argsort(values, axis=1, kind="stable")[:, :few]
    return np.take_along_axis(values, order, axis=1), np.take_along_axis(where, order, axis=1)
