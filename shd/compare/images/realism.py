"""Do the pictures lie where real ones lie? Fréchet and kernel distance, precision, recall, density, coverage."""

import numpy as np
import pandas as pd

from shd.compare.core.chance import generator, interval, subject_weights
from shd.compare.core.neighbourhoods import (
    NEIGHBOURS,
    Regions,
    frechet_distance,
    kernel_distance,
    kernels,
    score_regions,
    weighted_kernel_distance,
)
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, between
from shd.compare.images import imagenet as _imagenet
from shd.compare.images.imagenet import evenly
from shd.compare.images.networks import Job, features
from shd.compare.images.sides import ImageSides
from shd.compare.images.utility import classifiers

_REPLICATES = 100
_SIDES = ("synthetic", "floor", "ceiling")
_SAID = {
    "precision": "{value:.0%} of synthetic pictures look like some real one",
    "recall": "{value:.0%} of {word} pictures look like some synthetic one, so that the rest of the variety is lost",
    "density": "Around a {word} picture there are {value:.2f} times as many synthetic pictures as there should be",
    "coverage": "{value:.0%} of {word} pictures have a synthetic one among their nearest neighbours",
}
_BESIDE = "; with pictures of other {word} people it is {ceiling}, with blurred Gaussians {floor}."


def jobs(sides: ImageSides) -> dict[str, Job]:
    """Return what takes time: the classifier whose features are compared."""
    return {"classifier of real": classifiers(sides)["classifier of real"]}


def measure(sides: ImageSides, done: dict) -> Answer:
    """Compare the sets in the features of a classifier of the real people, and of ImageNet where it is there."""
    classifier = done["classifier of real"]
    real, others = _scaled(features(classifier, sides.real), {n: features(classifier, sides.others[n]) for n in _SIDES})
    scores, skipped = [], []
    if min(len(real), len(others["synthetic"])) > NEIGHBOURS:
        scores += _neighbour_scores(sides, real, others)
    else:
        skipped.append(Skipped("precision, recall, density, coverage", f"take more than {NEIGHBOURS} pictures a side"))
    distances, rows = _scores(sides, real, others, "")
    scores += distances
    network, why = _imagenet.from_cache()
    if network is None:
        skipped.append(Skipped("distances in ImageNet features", why))
    else:
        seen = {name: _imagenet.features(network, pictures) for name, pictures in sides.others.items()}
        more, more_rows = _scores(sides, *_scaled(_imagenet.features(network, sides.real), seen), ", ImageNet")
        scores, rows = scores + more, rows + more_rows
    frame = pd.DataFrame(rows, columns=["metric", *_SIDES])
    return Answer(scores, {"distances": frame}, skipped)


def _scaled(real: np.ndarray, others: dict[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Centre features, and divide them by how much one of them varies among real pictures, as a root mean square."""
    centre, scale = real.mean(axis=0), max(float(np.sqrt(real.var(axis=0).mean())), 1e-9)
    return (real - centre) / scale, {name: (other - centre) / scale for name, other in others.items()}


def _scores(sides: ImageSides, real: np.ndarray, others: dict, where: str) -> tuple[list[Score], list[tuple]]:
    """Fréchet and kernel distance, with people drawn again for their intervals."""
    scores, rows = [], []
    # features may be those of some pictures, evenly taken
    seen = ((sides.real, real), (sides.others["synthetic"], others["synthetic"]))
    whose = [pictures.subjects[evenly(len(pictures), len(x))] for pictures, x in seen]
    for metric, said, distance, replicates, digits in (
        ("frechet_distance", "Fréchet distance", frechet_distance, _frechet_replicates, 2),
        ("kernel distance", "kernel distance", kernel_distance, _kernel_replicates, 3),
    ):
        value, floor, ceiling = (distance(real, others[name]) for name in _SIDES)
        rng = generator(sides.random_state, metric + where)
        weights = [subject_weights(people, _REPLICATES, rng) for people in whose]
        low, high = interval(value, replicates(real, others["synthetic"], *weights))
        low = max(low, 0.0) if metric == "frechet_distance" else low
        sentence = (
            f"By the {said}, synthetic pictures are {value:.{digits}f} away from those of people held out (0: the "
            f"same); pictures of other {sides.word} people {ceiling:.{digits}f}, blurred Gaussians {floor:.{digits}f}."
        )
        rule = between(floor, ceiling, "lower")
        name = metric + where
        score = Score.of(name, value, (low, high), (floor, ceiling), verdict=rule, sentence=sentence, digits=digits)
        scores.append(score)
        rows.append((name, value, floor, ceiling))
    return scores, rows


def _frechet_replicates(real: np.ndarray, other: np.ndarray, *weights: np.ndarray) -> np.ndarray:
    drawn = zip(*(own.astype(int) for own in weights), strict=True)
    return np.array([frechet_distance(real.repeat(own, axis=0), other.repeat(its, axis=0)) for own, its in drawn])


def _kernel_replicates(real: np.ndarray, other: np.ndarray, *weights: np.ndarray) -> np.ndarray:
    return weighted_kernel_distance(*kernels(real, other), *weights)


def _neighbour_scores(sides: ImageSides, real: np.ndarray, others: dict[str, np.ndarray]) -> list[Score]:
    regions = {name: Regions.of(real, others[name]) for name in _SIDES}
    rng = generator(sides.random_state, "neighbourhoods")
    weights = [subject_weights(p.subjects, _REPLICATES, rng) for p in (sides.real, sides.others["synthetic"])]
    return score_regions(regions, weights, _SAID, _BESIDE, sides.word)


QUESTION = Question(
    name="precision, recall, Fréchet distance",
    chapter="fidelity",
    measure=measure,
    weight=8,
    tables=("distances",),
    jobs=jobs,
    words={
        "Fréchet distance": (
            "How far the features of two sets of pictures are apart in mean and spread; 0 is the same. Its scale "
            "depends on the network, so that only floor and ceiling give it a meaning."
        ),
        "kernel distance": "KID: how far two sets of features are apart, by a measure that needs fewer pictures.",
        "precision, recall, density, coverage": (
            "Around each picture lies a ball that reaches to its fifth neighbour. Precision: synthetic pictures "
            "inside balls of real ones. Recall: real ones inside balls of synthetic ones. Density: how many real "
            "balls hold a synthetic picture. Coverage: real balls that hold at least one."
        ),
        "features": (
            "What a small network computes from a picture before it names the class: 64 numbers in which pictures "
            "are compared. It was trained on real train people alone."
        ),
    },
)
