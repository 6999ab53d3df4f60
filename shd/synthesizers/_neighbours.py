"""Who is near to whom: records as points, and the nearest of many."""

from collections.abc import Iterator

import numpy as np

from shd.synthesizers._codes import entropy, is_ordered, places
from shd.synthesizers.encoding import ColumnCodec

_CELLS = 4_000_000  # distances held at once: 16 MB
_LEAST_ENTROPY = 0.1  # nats, so that a level that hardly anybody has does not decide alone
NEARER = 1e-3
"""What is nearer by less than that, in squared distance, is as near: single precision."""


class Space:
    """Records as points whose squared distance is a sum over columns (after Gower 1971, doi 10.2307/2528823).

    Levels that differ count 1; numbers count the square of what lies between them, as a share of all records. Missing
    is a level.

    Parameters
    ----------
    tables : list of ndarray of float32, shape (n_codes, n_dimensions)
        Where each code of each column stands.
    """

    def __init__(self, tables: list[np.ndarray]):
        self.tables = tables

    @classmethod
    def of(cls, codes: np.ndarray, codecs: list[ColumnCodec], rare: bool = False) -> "Space":
        """Learn where codes stand from records, int, (n, n_columns), and what the codes stand for.

        With `rare` a column counts by the inverse of its entropy, so that rare things count more.
        """
        tables = []
        for own, codec in zip(codes.T, codecs, strict=True):
            weight = 1 / max(_LEAST_ENTROPY, entropy(np.bincount(own))) if rare else 1.0
            tables.append((np.sqrt(weight) * _points(own, codec)).astype(np.float32))
        return cls(tables)

    def __call__(self, codes: np.ndarray) -> np.ndarray:
        """Return the points of records, float32, shape (n, n_dimensions)."""
        return np.hstack([table[own] for table, own in zip(self.tables, codes.T, strict=True)])


def _points(own: np.ndarray, codec: ColumnCodec) -> np.ndarray:
    """Return a point for each code of a column, (n_codes, n_dimensions); the commonest one is the origin."""
    if is_ordered(codec):
        missing = np.arange(codec.n_codes) >= codec.n_codes - codec.missing
        points = np.column_stack([places(own, codec), missing])[:, : 1 + codec.missing]
    elif codec.n_codes <= 2:
        points = np.arange(codec.n_codes)[:, None].astype(float)
    else:
        points = np.eye(codec.n_codes) / np.sqrt(2)
    # small numbers keep their digits in single precision
    return points - points[np.bincount(own, minlength=codec.n_codes).argmax()]


def squared_distances(points: np.ndarray, others: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Give squared distances block by block: which points, and theirs to all others, float32, (block, n_others)."""
    size = (others**2).sum(axis=1)
    for part in _blocks(points, others):
        distance = points[part] @ others.T
        distance *= -2
        distance += size
        distance += (points[part] ** 2).sum(axis=1)[:, None]
        yield part, np.maximum(distance, 0, out=distance)


def nearest(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which of the others is nearest to each point, of equal ones the first; int64, shape (n,)."""
    found = np.empty(len(points), dtype=np.int64)
    for part, distance in squared_distances(points, others):
        found[part] = distance.argmin(axis=1)
    return found


def to_other_people(points: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Return the squared distance of each record to the nearest one of another person, float32, shape (n,)."""
    found = np.empty(len(points), dtype=np.float32)
    for part, distance in squared_distances(points, points):
        distance[people[part, None] == people] = np.inf
        found[part] = distance.min(axis=1)
    return found


def are_inside(points: np.ndarray, centres: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """Return which points lie in any circle, whose `radius` is squared; bool, shape (n,)."""
    inside = np.zeros(len(points), dtype=bool)
    # a point x is nearer to c than r where x c + (r - c c) / 2 > x x / 2: one product, one maximum
    ends = ((radius - NEARER - (centres**2).sum(axis=1)) / 2).astype(np.float32)
    for part in _blocks(points, centres) if len(centres) else ():
        score = points[part] @ centres.T
        score += ends
        inside[part] = score.max(axis=1) > (points[part] ** 2).sum(axis=1) / 2
    return inside


def _blocks(points: np.ndarray, others: np.ndarray) -> Iterator[slice]:
    size = max(1, _CELLS // max(1, len(others)))
    return (slice(first, first + size) for first in range(0, len(points), size))
