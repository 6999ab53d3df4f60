"""Is the average picture of each class right? Class means, and by how many grey levels they are off."""

import numpy as np
import pandas as pd

from shd.compare.core.chance import generator, interval, subject_weights
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, between
from shd.compare.images.picture_grid import Grid
from shd.compare.images.pictures import Pictures
from shd.compare.images.sides import ImageSides

_REPLICATES = 100


def mean_image_error(real: np.ndarray, other: np.ndarray) -> float:
    """Return by how many grey levels two mean pictures differ, averaged over the pixels, 0 to 255."""
    return float(np.abs(real.mean(axis=0) - other.mean(axis=0)).mean())


def measure(sides: ImageSides, done: dict) -> Answer:
    """Compare the mean picture of each class that has enough people."""
    rng = generator(sides.random_state, "mean pictures")
    rows, replicates = [], []
    for c in sides.judged:
        real = _of(sides.real, c)
        error = {name: mean_image_error(real.images, _of(other, c).images) for name, other in sides.others.items()}
        rows.append((sides.names[c], *error.values()))
        replicates.append(_replicates(real, _of(sides.others["synthetic"], c), rng))
    frame = pd.DataFrame(rows, columns=["class", "synthetic", "floor", "real reference"])
    value, floor, ceiling = frame[["synthetic", "floor", "real reference"]].mean()
    low, high = interval(value, np.mean(replicates, axis=0), 0)
    sentence = (
        f"The average synthetic picture of a class is off by {value:.1f} of 255 grey levels; that of other "
        f"{sides.word} people by {ceiling:.1f}, that of blurred Gaussians by {floor:.1f}."
    )
    rule = between(floor, ceiling, "lower")
    score = Score.of(
        "mean image error", value, (low, high), (floor, ceiling), verdict=rule, sentence=sentence, digits=1
    )
    return Answer([score], {"means": frame}, pictures={"means": _grid(sides)})


def _of(pictures: Pictures, of_class: int) -> Pictures:
    return pictures.take(pictures.classes == of_class)


def _replicates(real: Pictures, other: Pictures, rng: np.random.Generator) -> np.ndarray:
    """Errors with people drawn again on both sides, shape (replicates,)."""
    means = []
    for pictures in (real, other):
        weights = subject_weights(pictures.subjects, _REPLICATES, rng)
        pixels = pictures.small.reshape(len(pictures), -1).astype(float)
        means.append(weights @ pixels / weights.sum(axis=1, keepdims=True))
    return np.abs(means[0] - means[1]).mean(axis=1)


def _grid(sides: ImageSides) -> Grid:
    """Mean pictures, real above synthetic, and their difference."""
    tables = [sides.real, sides.others["synthetic"]]
    real, synthetic = (np.stack([_of(s, c).images.mean(axis=0) for c in sides.judged]) for s in tables)
    values = np.stack([real, synthetic, synthetic - real]).astype(np.float32)
    return Grid(values, (sides.word, "synthetic", "difference"), tuple(sides.names[c] for c in sides.judged))


QUESTION = Question(
    name="mean pictures",
    chapter="fidelity",
    measure=measure,
    show="chapters.pictures:means",
    weight=4,
    tables=("means",),
    words={
        "mean image error": (
            "By how many grey levels the average picture of a class is off, mean over pixels and classes."
        ),
        "grey level": "Brightness of a pixel, from 0 (black) to 255 (white).",
    },
)
