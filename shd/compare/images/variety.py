"""Is there as much variety? How much brightness, ventricles and whole pictures differ within a class."""

import numpy as np
import pandas as pd

from shd.compare.core.chance import generator, interval, mean_known, subject_weights
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped
from shd.compare.images.pictures import Pictures
from shd.compare.images.sides import ImageSides

_BACKGROUND, _DARK = 16, 64  # grey values of 255: up to which all is background, below which is fluid
_GREEN, _AMBER = 1.25, 1.6  # times too much or too little
_REPLICATES = 100


def brightness(images: np.ndarray) -> np.ndarray:
    """Return the mean grey value of everything that is not background (16 or less); 0 for a black picture."""
    inside = images > _BACKGROUND
    count = inside.sum(axis=(1, 2))
    total = np.where(inside, images, 0).sum(axis=(1, 2), dtype=float)
    return np.divide(total, count, out=np.zeros(len(images)), where=count > 0)


def ventricle_share(images: np.ndarray) -> np.ndarray:
    """Return the size of the ventricles: the share of pixels below 64 of 255 in the inner half of the picture, 0 to 1.

    Fluid is dark on these pictures (T1), and in a centred axial slice nearly all fluid of the inner half is in the
    ventricles. On the real pictures of this project (200 people, mean over 32 slices each) the share rises with
    dementia, .12, .17, .21 and .21 from none to moderate, and orders people with and without it right in three of four
    pairs (AUROC .75): as well as a small network.
    """
    height, width = images.shape[1:]
    middle = images[:, height // 4 : height - height // 4, width // 4 : width - width // 4]
    return (middle < _DARK).mean(axis=(1, 2))


def measure(sides: ImageSides, done: dict) -> Answer:
    """Compare the spread within each class with that of the real people held out."""
    rng = generator(sides.random_state, "variety")
    scores, rows, skipped = [], [], []
    for metric, spread in (
        ("variety of brightness", lambda pictures: _Deviation(brightness(pictures.images), pictures)),
        ("variety of ventricles", lambda pictures: _Deviation(ventricle_share(pictures.images), pictures)),
        ("variety of pictures", _Pairs),
    ):
        own, replicates = [], []
        for c in sides.judged:
            real, *tables = (spread(p.take(p.classes == c)) for p in (sides.real, *_sides(sides)))
            ratios = [_ratio(side.value(), real.value()) for side in tables]
            drawn = [spread_of.drawn(rng) for spread_of in (tables[0], real)]
            own.append(ratios)
            replicates.append([_ratio(a, b) for a, b in zip(*drawn, strict=True)])
            low, high = interval(ratios[0], np.array(replicates[-1]), 0)
            rows.append((metric, sides.names[c], ratios[0], float(low), float(high), *ratios[1:]))
        ratios = mean_known(np.array(own))
        if np.isfinite(ratios).all():
            scores.append(_score(metric, ratios, mean_known(np.array(replicates)), sides.word))
        else:
            skipped.append(Skipped(metric, f"{sides.word} pictures of the people held out do not vary in it"))
    columns = ["metric", "class", "ratio", "low", "high", "floor", "real reference"]
    return Answer(scores, {"variety": pd.DataFrame(rows, columns=columns)}, skipped)


def _sides(sides: ImageSides) -> list[Pictures]:
    return [sides.others[name] for name in ("synthetic", "floor", "ceiling")]


class _Deviation:
    """The standard deviation of a number a picture."""

    def __init__(self, numbers: np.ndarray, pictures: Pictures):
        self.numbers, self.subjects = numbers, pictures.subjects

    def value(self) -> float:
        return float(self.numbers.std())

    def drawn(self, rng: np.random.Generator) -> np.ndarray:
        w = subject_weights(self.subjects, _REPLICATES, rng)
        total = w.sum(axis=1)
        mean = w @ self.numbers / total
        return np.sqrt(np.clip(w @ self.numbers**2 / total - mean**2, 0, None))


class _Pairs:
    """The mean distance between pictures of different people, over the pixels of 64 x 64."""

    def __init__(self, pictures: Pictures):
        x = pictures.small.reshape(len(pictures), -1).astype(float)
        squares = (x**2).sum(axis=1)
        distances = np.sqrt(np.clip(squares[:, None] + squares - 2 * x @ x.T, 0, None))
        self.counted = (pictures.subjects[:, None] != pictures.subjects).astype(float)
        self.distances, self.subjects = distances * self.counted, pictures.subjects

    def value(self) -> float:
        return float(self.distances.sum() / max(self.counted.sum(), 1.0))

    def drawn(self, rng: np.random.Generator) -> np.ndarray:
        w = subject_weights(self.subjects, _REPLICATES, rng)
        return ((w @ self.distances) * w).sum(axis=1) / np.maximum(((w @ self.counted) * w).sum(axis=1), 1.0)


def _ratio(value: float, real: float) -> float:
    return value / real if real > 1e-9 else 1.0 if value <= 1e-9 else np.nan


def _score(metric: str, ratios: np.ndarray, replicates: np.ndarray, word: str) -> Score:
    value, floor, ceiling = map(float, ratios)
    low, high = map(float, interval(value, replicates, 0))
    what = {"variety of brightness": "brightness", "variety of ventricles": "the size of the ventricles"}.get(metric)
    differ = f"Within a class, {what} varies" if what else "Within a class, whole pictures differ"
    sentence = (
        f"{differ} {value:.2f} times as much as among {word} people (1 is right); among other {word} people "
        f"{ceiling:.2f} times, in blurred Gaussians {floor:.2f} times."
    )
    verdict = _band(value, low, high, ceiling, floor)
    return Score.of(
        metric, value, (low, high), (floor, ceiling), verdict=verdict, better="at 1", sentence=sentence, digits=2
    )


def _band(value: float, low: float, high: float, ceiling: float, floor: float = np.inf) -> str:
    """Judge a ratio: a quarter too much or too little is green, and more where chance explains it.

    Too much or too little is what lies outside the range from 1 to the ratio of other real people. Further from 1
    than that of the floor is grey: whatever it is that tells pictures from blurred Gaussians, it is not this.
    """
    right = min(max(value, min(1.0, ceiling)), max(1.0, ceiling))
    off = _off(value / right)
    if off <= _GREEN or (off <= _AMBER and low <= 1 <= high):
        return "grey" if _off(value) > _off(floor) else "green"
    return "amber" if off <= _AMBER else "red"


def _off(ratio: float) -> float:
    return max(ratio, 1 / ratio) if ratio > 0 else np.inf


QUESTION = Question(
    name="variety",
    chapter="fidelity",
    measure=measure,
    show="chapters.pictures:variety",
    weight=5,
    tables=("variety",),
    words={
        "variety": (
            "How much brightness, ventricles and whole pictures differ within a class, divided by how much they "
            "do among real people. 1 is right; below, the generator makes the common pictures again and again."
        ),
        "ventricles": (
            "The cavities in the middle of the brain, filled with fluid; they widen with dementia. Measured here "
            "as the share of dark pixels in the inner half of the picture."
        ),
    },
)
