"""Where do classifiers look? Grad-CAM of one trained on real and one trained on synthetic pictures.

Selvaraju et al. (2017), *Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization*, ICCV,
arXiv 1610.02391.
"""

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import avg_pool2d, interpolate, relu

from shd.compare.core.chance import generator, interval, mean_known, subject_weights
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, between
from shd.compare.images.networks import Classifier, as_input, build
from shd.compare.images.picture_grid import Grid
from shd.compare.images.pictures import SIDE, Pictures
from shd.compare.images.sides import ImageSides
from shd.compare.images.utility import classifiers

_REPLICATES = 100
_CHUNK = 256
_BACKGROUND = 16  # grey value of 255


def grad_cam(network: Classifier, images: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return where each picture speaks for its class, float32, shape (n, 8, 8).

    The maps of the last convolution, weighted by how much the logit of the class rises with each, and summed. What
    speaks against the class is 0, and so is the background around the head.
    """
    parts = []
    for first in range(0, len(images), _CHUNK):
        rows = slice(first, first + _CHUNK)
        x = as_input(images[rows])
        maps = network.maps(x).detach().requires_grad_()
        own = network.head(maps.mean((2, 3))).gather(1, torch.tensor(classes[rows])[:, None]).sum()
        (slope,) = torch.autograd.grad(own, maps)
        seen = relu((slope.mean((2, 3), keepdim=True) * maps).sum(1)).detach()
        inside = avg_pool2d((x > _BACKGROUND / 255).float(), SIDE // seen.shape[-1])[:, 0]
        parts.append((seen * inside).numpy())
    return np.concatenate(parts)


def agreement(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the correlation of the maps of each picture, -1 to 1, NaN where a map is flat; shape (n,)."""
    first, second = (m.reshape(len(m), -1) - m.mean(axis=(1, 2))[:, None] for m in (first, second))
    size = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    return np.divide((first * second).sum(axis=1), size, out=np.full(len(first), np.nan), where=size > 1e-12)


def measure(sides: ImageSides, done: dict) -> Answer:
    """Compare where the two classifiers look, on the same people held out."""
    real = sides.real
    untrained = build(lambda: Classifier(len(sides.names)), sides.random_state).eval().requires_grad_(False)
    networks = {
        "real": done["classifier of real"],
        "synthetic": done["classifier of synthetic"],
        "ceiling": done["classifier of real, again"],
        "floor": untrained,
    }
    maps = {name: grad_cam(network, real.small, real.classes) for name, network in networks.items()}
    agree = {name: agreement(maps["real"], maps[name]) for name in ("synthetic", "floor", "ceiling")}
    value, floor, ceiling = (float(mean_known(agree[name])) for name in ("synthetic", "floor", "ceiling"))
    pictures = {"attention": _grid(sides, maps)}
    if not np.isfinite([value, floor, ceiling]).all():
        why = "some network looks nowhere in particular, so that maps cannot be compared"
        return Answer(skipped=[Skipped("Grad-CAM agreement", why)], pictures=pictures)
    rng = generator(sides.random_state, "grad-cam")
    known = ~np.isnan(agree["synthetic"])
    weights = subject_weights(real.subjects, _REPLICATES, rng)[:, known]
    replicates = weights @ agree["synthetic"][known] / np.maximum(weights.sum(axis=1), 1)
    low, high = interval(value, replicates, -1, 1)
    sentence = (
        f"A network that learned from synthetic pictures looks at the same places as one that learned from "
        f"{sides.word} ones with a correlation of {value:.2f}; two that learned from {sides.word} ones agree by "
        f"{ceiling:.2f}, with one that learned nothing it is {floor:.2f}."
    )
    rule = between(floor, ceiling, "higher")
    score = Score.of(
        "Grad-CAM agreement",
        value,
        (low, high),
        (floor, ceiling),
        verdict=rule,
        better="higher",
        sentence=sentence,
        digits=2,
    )
    by_class = [(sides.names[c], *(_mean(agree[name][real.classes == c]) for name in agree)) for c in sides.judged]
    frame = pd.DataFrame(by_class, columns=["class", "synthetic", "floor", "real reference"])
    return Answer([score], {"attention": frame}, pictures=pictures)


def _mean(values: np.ndarray) -> float:
    return float(mean_known(values))


def _grid(sides: ImageSides, maps: dict[str, np.ndarray]) -> Grid:
    """Mean picture, and mean map of each network on it, for each class; each map from 0 to 1."""
    real: Pictures = sides.real
    rows = [np.stack([real.small[real.classes == c].mean(axis=0) for c in sides.judged])]
    for name in ("real", "synthetic"):
        mean = np.stack([maps[name][real.classes == c].mean(axis=0) for c in sides.judged])
        wide = interpolate(torch.tensor(mean)[:, None], (SIDE, SIDE), mode="bicubic")[:, 0].clamp(min=0).numpy()
        rows.append(wide / np.maximum(wide.max(axis=(1, 2), keepdims=True), 1e-9))
    names = (f"{sides.word} people", f"trained on {sides.word}", "trained on synthetic")
    return Grid(np.stack(rows).astype(np.float32), names, tuple(sides.names[c] for c in sides.judged))


QUESTION = Question(
    name="Grad-CAM: where networks look",
    chapter="utility",
    measure=measure,
    show="chapters.pictures:attention",
    weight=4,
    tables=("attention",),
    jobs=classifiers,
    words={
        "Grad-CAM": "A map of the places in a picture that made a network name the class.",
    },
)
