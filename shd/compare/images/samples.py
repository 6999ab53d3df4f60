"""Look at them: real beside synthetic pictures, class by class and slice by slice."""

import numpy as np

from shd.compare.core.chance import generator
from shd.compare.core.question import Answer, Question
from shd.compare.images.picture_grid import Grid
from shd.compare.images.pictures import Pictures
from shd.compare.images.sides import ImageSides

_COLUMNS = 6


def measure(sides: ImageSides, done: dict) -> Answer:
    """Draw, for every class, a row of real pictures and one of synthetic ones at the same slices."""
    rng = generator(sides.random_state, "pictures to look at")
    known = np.unique(sides.test.levels)
    at = known[np.linspace(0, len(known) - 1, _COLUMNS).round().astype(int)]
    columns = tuple(f"slice {level}" for level in at) if len(known) > 1 else tuple("" for _ in at)
    rows, names, persons = [], [], []
    for c, name in enumerate(sides.names):
        for side, what, is_real in ((sides.test, sides.word, True), (sides.synthetic, "synthetic", False)):
            if (side.classes == c).any():
                rows.append(_row(side, c, at, rng))
                names.append(f"{name}, {what}")
                persons.append(is_real)
    return Answer(pictures={"samples": Grid(np.stack(rows), tuple(names), columns, tuple(persons))})


def _row(pictures: Pictures, of_class: int, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One picture of a class at, or nearest to, each slice, none twice while there are others."""
    free = rng.permutation(np.flatnonzero(pictures.classes == of_class))
    rows = []
    for level in at:
        away = np.abs(pictures.levels[free] - level) + 1000 * np.isin(free, rows)
        rows.append(free[np.argmin(away)])
    return pictures.images[rows]


QUESTION = Question(
    name="pictures to look at",
    chapter="fidelity",
    measure=measure,
    show="chapters.pictures:samples",
    weight=1,
)
