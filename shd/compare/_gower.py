"""Gower's distance between records of mixed types, block by block."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from shd._parallel import in_parallel
from shd.compare._coded import Coded

_CHUNK = 250  # records at a time


@dataclass(frozen=True)
class Gower:
    """Gower's distance: over all columns, 0 or 1 for levels that agree or not, difference by range for numbers.

    Missing is judged as a level. By one matrix product for all categories and one difference a number.

    References
    ----------
    Gower (1971), *A General Coefficient of Similarity and Some of Its Properties*, Biometrics,
    doi 10.2307/2528823.
    """

    is_number: np.ndarray
    starts: np.ndarray
    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, train: Coded) -> "Gower":
        """Take the ranges of numbers from train."""
        is_number = np.array([c.is_number for c in train.columns])
        sizes = [2 if c.is_number else len(c.levels) for c in train.columns]  # a number is there or missing
        known = [column[~np.isnan(column)] for column in train.values[:, is_number].T]
        centre = np.array([k.min() if len(k) else 0.0 for k in known])
        scale = np.array([np.ptp(k) or 1.0 if len(k) else 1.0 for k in known])
        return cls(is_number, np.concatenate([[0], np.cumsum(sizes)]), centre, scale)

    def nearest(self, records: Coded, real: Coded) -> np.ndarray:
        """Return the distance of each record to the nearest real one, 0 to n_columns, float32, shape (n,)."""
        return np.concatenate(self.map_blocks(records, real, lambda distance, _: distance.min(axis=1)))

    def map_blocks(self, records: Coded, real: Coded, work: Callable[[np.ndarray, int], object]) -> list:
        """Return what `work` makes of each block of distances, in order.

        It is given distances, float32, shape (block, n_real), 0 to n_columns, which it may change,
        and the position of the first record of the block. Blocks are worked on by several threads.
        """
        levels, numbers = self._encode(real)
        own_levels, own_numbers = self._encode(records)
        any_missing = bool(np.isnan(numbers).any() or np.isnan(own_numbers).any())

        def of_block(start: int) -> object:
            part = slice(start, start + _CHUNK)
            # whole numbers far below 2^24 are exact in float32, so that ties stay ties
            distance = np.float32(len(self.is_number)) - own_levels[part] @ levels.T
            for mine, theirs in zip(own_numbers[:, part], numbers, strict=True):
                gap = mine[:, None] - theirs
                np.abs(gap, out=gap)
                if any_missing:
                    np.nan_to_num(gap, copy=False)  # missing is judged as a level
                distance += gap
            return work(distance, start)

        return in_parallel(of_block, range(0, len(records), _CHUNK))

    def _encode(self, table: Coded) -> tuple[np.ndarray, np.ndarray]:
        """One column a level, shape (n, n_levels), and scaled numbers, shape (n_numbers, n); float32."""
        levels = np.zeros((len(table), self.starts[-1]), dtype=np.float32)
        for j, start in enumerate(self.starts[:-1]):
            values = table.values[:, j]
            code = np.isnan(values) if self.is_number[j] else values
            levels[np.arange(len(table)), start + code.astype(int)] = 1
        numbers = (table.values[:, self.is_number].T - self.centre[:, None]) / self.scale[:, None]
        return levels, numbers.astype(np.float32)
