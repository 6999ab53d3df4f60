"""Pictures as every question sees them: grey values, class, slice and person of each.

How near pictures are to each other is measured after reducing them to 16 x 16 pixels and removing their mean
brightness. What is left are the large shapes, by which people differ. In finer pixels every smooth picture lies near
the people whose average it is, whether it remembers anybody or not: there copies and pictures that share no more than a
basis with train are hard to tell apart (measured: copies exceed the reference by .23 and `SliceGaussian` by .14 at
32 x 32, by .25 and .09 at 16 x 16).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch.nn.functional import interpolate

from shd.compare.core.chance import deal

SIDE = 64
"""Pixels a side of the reduced pictures that classifiers see."""

FEWEST_PEOPLE = 3
"""People of a class on a side, below which nothing is said about that class."""

_CHUNK, _CHUNK_OF_POINTS = 512, 500
_POINT = 16  # pixels a side of a picture as a point


@dataclass(frozen=True, eq=False)
class Pictures:
    """Grey pictures, uint8 (n, height, width), with class, slice and person of each.

    `classes` are positions in the names of the classes, from the healthiest on; `levels` are 0 where unknown.
    """

    images: np.ndarray
    classes: np.ndarray
    levels: np.ndarray
    subjects: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: np.ndarray) -> "Pictures":
        """Return the pictures at `rows` (positions or a mask)."""
        return Pictures(self.images[rows], self.classes[rows], self.levels[rows], self.subjects[rows])

    @cached_property
    def small(self) -> np.ndarray:
        """The pictures reduced to 64 x 64, uint8, shape (n, 64, 64)."""
        return reduced(self.images, SIDE)

    def people(self, of_class: int) -> int:
        """Count the people of a class."""
        return len(np.unique(self.subjects[self.classes == of_class]))

    def hands(self, hands: int, rng: np.random.Generator) -> list["Pictures"]:
        """Deal the pictures into equal hands, all pictures of a person into the same one."""
        hand = deal(self.subjects, hands, rng)
        return [self.take(hand == h) for h in range(hands)]


def together(*parts: Pictures) -> Pictures:
    """Return the pictures of all parts."""
    columns = ([getattr(part, name) for part in parts] for name in ("images", "classes", "levels", "subjects"))
    return Pictures(*(np.concatenate(column) for column in columns))


def reduced(images: np.ndarray, side: int) -> np.ndarray:
    """Return pictures reduced to side x side pixels by averaging, uint8, shape (n, side, side)."""
    if images.shape[1:] == (side, side):
        return images
    parts = []
    for first in range(0, len(images), _CHUNK):
        part = torch.tensor(images[first : first + _CHUNK]).float()[:, None]
        parts.append(interpolate(part, (side, side), mode="area")[:, 0].round().byte().numpy())
    return np.concatenate(parts) if parts else np.zeros((0, side, side), dtype=np.uint8)


def shared_counts(sets: list[Pictures], n_classes: int) -> np.ndarray:
    """Return how many pictures of each class every one of some sets has, int, shape (n_classes,)."""
    return np.min([np.bincount(pictures.classes, minlength=n_classes) for pictures in sets], axis=0)


def some_of(pictures: Pictures, counts: np.ndarray, rng: np.random.Generator) -> Pictures:
    """Return that many pictures of each class, drawn at random, in order."""
    rows = [
        rng.permutation(np.flatnonzero(pictures.classes == of_class))[:count] for of_class, count in enumerate(counts)
    ]
    return pictures.take(np.sort(np.concatenate(rows)))


def like(wanted: Pictures, pool: Pictures, rng: np.random.Generator) -> Pictures:
    """Draw as many pictures from `pool` as are `wanted`, of the same classes and slices.

    Where a slice runs out, the nearest slice of the same class stands in; where a class runs out,
    fewer are drawn.
    """
    rows = []
    for of_class in np.unique(wanted.classes):
        free = rng.permutation(np.flatnonzero(pool.classes == of_class))
        used = np.zeros(len(free), dtype=bool)
        short = []
        for level, count in zip(*np.unique(wanted.levels[wanted.classes == of_class], return_counts=True), strict=True):
            found = np.flatnonzero(pool.levels[free] == level)[:count]
            used[found] = True
            short += [level] * (count - len(found))
        for level in short[: int((~used).sum())]:
            away = np.where(used, np.inf, np.abs(pool.levels[free] - level))
            used[np.argmin(away)] = True
        rows.append(free[used])
    return pool.take(np.sort(np.concatenate(rows)))


def points_of(images: np.ndarray) -> np.ndarray:
    """Return pictures as points: 16 x 16 pixels less their mean, float32, shape (n, 256)."""
    flat = reduced(images, _POINT).reshape(len(images), -1).astype(np.float32) / 255
    return flat - flat.mean(axis=1, keepdims=True)


def squares(points: np.ndarray, real: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield, part by part, which points and their squared distances to all real ones."""
    length = (real**2).sum(axis=1)
    for first in range(0, len(points), _CHUNK_OF_POINTS):
        part = slice(first, first + _CHUNK_OF_POINTS)
        here = points[part]
        yield part, np.maximum((here**2).sum(axis=1)[:, None] + length - 2 * here @ real.T, 0)


def nearest(points: np.ndarray, real: np.ndarray, own: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance of each point to the nearest real one, and which; without those of its own person."""
    distance, which = np.empty(len(points)), np.empty(len(points), dtype=int)
    for part, away in squares(points, real):
        if own is not None:
            away[own[part, None] == own] = np.inf
        which[part] = away.argmin(axis=1)
        distance[part] = np.sqrt(away[np.arange(len(away)), which[part]])
    return distance, which
