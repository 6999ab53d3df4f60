"""Two small networks that judge pictures, and how they are trained: seconds to half a minute each.

`Classifier` tells the class of a picture of 64 x 64 pixels; what it computes before the last layer
are the features in which sets of pictures are compared. `Detector` tells real from synthetic, and
looks at every pixel there is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, pad

from shd.compare.images.pictures import Pictures

BATCH = 64
CLASSIFIER_SECONDS = 16
_STEPS, _FEWEST_STEPS = 250, 120  # of a classifier
_DETECTOR_STEPS, _FEWEST_DETECTOR_STEPS = 400, 150
_ROUNDS = 6  # times that a classifier sees each picture, within these bounds
_DETECTOR_ROUNDS = 8
_LEARNING_RATE, _DECAY = 2e-3, 1e-2
_SHIFT = 3  # pixels of 64
_CHUNK = 256

Tick = Callable[[float], None]
"""Told which further share of the whole, 0 to 1, is done."""


@dataclass(frozen=True)
class Job:
    """A training to be done beside others: takes a tick, returns what was learned, in about so many seconds."""

    work: Callable[[Tick], object]
    seconds: float


class Classifier(nn.Module):
    """Four convolutions, then the mean over all places, 168k parameters.

    That the last layer sees means alone is what makes maps of where it looks (Grad-CAM) honest.
    """

    def __init__(self, n_classes: int):
        super().__init__()
        self.maps = _maps(2)
        self.head = nn.Linear(64, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a logit a class; x is float32, 0 to 1, shape (n, 1, 64, 64)."""
        return self.head(self.features(x))

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the last layer sees, shape (n, 64)."""
        return self.maps(x).mean((2, 3))


class Detector(nn.Module):
    """The same convolutions on pictures of full size; fine texture is what it learns first."""

    def __init__(self, height: int, width: int):
        super().__init__()
        self.fold = max(1, min(height, width) // 32)  # so that every size becomes about 32 x 32
        self.maps = _maps(self.fold)
        self.head = nn.Linear(64, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return a logit, high for synthetic, shape (n,); x is float32, 0 to 1, shape (n, 1, height, width)."""
        x = pad(x, (0, -x.shape[3] % self.fold, 0, -x.shape[2] % self.fold))
        return self.head(self.maps(x).mean((2, 3)))[:, 0]


def _maps(fold: int) -> nn.Sequential:
    """Turn pictures into 64 maps of a quarter of the folded size; float32, shape (n, 64, ...)."""
    # fold x fold pixels become one with as many values: far less work, and nothing is lost
    sizes = ((fold**2, 32, True), (32, 64, True), (64, 128, False), (128, 64, False))
    return nn.Sequential(nn.PixelUnshuffle(fold), *(layer for size in sizes for layer in _block(*size)))


def _block(sides: int, outputs: int, halve: bool) -> list[nn.Module]:
    layers = [nn.Conv2d(sides, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return [*layers, nn.MaxPool2d(2)] if halve else layers


def build(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """Make a network with weights from a generator of its own: threads must not share one."""
    rng = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        network = make()
    network = network.to_empty(device="cpu")
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.reset_parameters()
        elif isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=rng)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return network.to(memory_format=torch.channels_last)


def train_classifier(pictures: Pictures, n_classes: int, seed: int, tick: Tick, *, shift: int = _SHIFT) -> Classifier:
    """Train a classifier on reduced pictures, six rounds through them within 120 to 250 batches.

    They are shifted by up to so many pixels of 64 at random, so that people are not learned by heart.
    """
    images, classes = pictures.small, torch.tensor(pictures.classes)
    steps = int(np.clip(_ROUNDS * len(images) / BATCH, _FEWEST_STEPS, _STEPS))
    network, rng = build(lambda: Classifier(n_classes), seed), np.random.default_rng(seed)
    order = _endless(len(images), rng)

    def loss() -> torch.Tensor:
        rows = next(order)
        x = _shifted(images[rows], shift, rng) if shift else images[rows]
        return cross_entropy(network(as_input(x)), classes[rows])

    _descend(network, loss, steps, tick)
    return network


def train_detector(real: np.ndarray, other: np.ndarray, seed: int, tick: Tick) -> Detector:
    """Train a detector of `other` among `real` pictures; nothing is augmented. Eight rounds, 150 to 400 batches."""
    rounds = int(_DETECTOR_ROUNDS * len(real) / (BATCH // 2))
    steps = int(np.clip(rounds, _FEWEST_DETECTOR_STEPS, _DETECTOR_STEPS))
    network, rng = build(lambda: Detector(*real.shape[1:]), seed), np.random.default_rng(seed)
    is_other = torch.repeat_interleave(torch.tensor([0.0, 1.0]), BATCH // 2)

    def loss() -> torch.Tensor:
        halves = [images[rng.integers(0, len(images), BATCH // 2)] for images in (real, other)]
        return binary_cross_entropy_with_logits(network(as_input(np.concatenate(halves))), is_other)

    _descend(network, loss, steps, tick)
    return network


def _descend(network: nn.Module, loss: Callable[[], torch.Tensor], steps: int, tick: Tick) -> None:
    """Lower the loss by Adam, its rate rising and falling once; the network is left ready for use."""
    adam = torch.optim.AdamW(network.parameters(), _LEARNING_RATE, weight_decay=_DECAY)
    rate = torch.optim.lr_scheduler.OneCycleLR(adam, _LEARNING_RATE, total_steps=steps)
    for _ in range(steps):
        adam.zero_grad()
        loss().backward()
        adam.step()
        rate.step()
        tick(1 / steps)
    network.eval().requires_grad_(False)


def as_input(images: np.ndarray) -> torch.Tensor:
    """Return uint8 pictures as float32, 0 to 1, shape (n, 1, height, width)."""
    return (torch.tensor(images).float()[:, None] / 255).contiguous(memory_format=torch.channels_last)


def _endless(n: int, rng: np.random.Generator):
    """Yield batches of rows, every row once a round."""
    rows = np.empty(0, dtype=int)
    while True:
        while len(rows) < BATCH:
            rows = np.concatenate([rows, rng.permutation(n)])
        yield rows[:BATCH]
        rows = rows[BATCH:]


def _shifted(images: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Shift each picture by up to so many pixels, black where nothing comes in."""
    height, width = images.shape[1:]
    wide = np.pad(images, ((0, 0), (most, most), (most, most)))
    corners = rng.integers(0, 2 * most + 1, (len(images), 2))
    return np.stack([w[y : y + height, x : x + width] for w, (y, x) in zip(wide, corners, strict=True)])


@torch.no_grad()
def apply(network: Callable[[torch.Tensor], torch.Tensor], images: np.ndarray) -> np.ndarray:
    """Return what a network says about uint8 pictures, float64, shape (n, ...)."""
    parts = [network(as_input(images[i : i + _CHUNK])) for i in range(0, len(images), _CHUNK)]
    return torch.cat(parts).double().numpy()


def probabilities(network: Classifier, pictures: Pictures) -> np.ndarray:
    """Return the chance of each class, float64, shape (n, n_classes)."""
    return apply(lambda x: network(x).softmax(1), pictures.small)


def features(network: Classifier, pictures: Pictures) -> np.ndarray:
    """Return what a classifier computes before its last layer, float64, shape (n, 64)."""
    return apply(network.features, pictures.small)
