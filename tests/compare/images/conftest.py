"""Small heads: an ellipse with a dark middle that widens with the class, seen at three slices."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd.compare import compare
from shd.compare.images import networks as _network
from shd.dataset import DataCard, Dataset

CLASSES = ("none", "some", "much")
SIDE, SLICES = 32, 3


def make_heads(people: int, seed: int, classes: tuple = CLASSES, wider: float = 1.2, **roles) -> Dataset:
    """Draw so many people of each class, three slices each; every person differs a little, classes by the middle."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    images, rows, subjects = [], [], []
    for c, name in enumerate(classes):
        for person in range(people):
            light, wide = rng.normal(140, 12), 2.5 + wider * c + rng.normal(0, 0.5)
            texture = rng.normal(0, 6, (SIDE, SIDE))
            for level in range(SLICES):
                head = np.where((x / 13) ** 2 + (y / 14) ** 2 < 1, light + texture + 5 * level, 0)
                head[(x / wide) ** 2 + (y / (wide + level)) ** 2 < 1] = 30
                images.append(np.clip(head + (head > 0) * rng.normal(0, 3, head.shape), 0, 255).astype(np.uint8))
                rows.append((name, level))
                subjects.append(f"{seed}-{c}-{person}")
    frame = pd.DataFrame(rows, columns=["class", "slice"])
    frame["class"] = pd.Categorical(frame["class"], categories=classes, ordered=True)
    return Dataset(frame, target="class", subjects=np.array(subjects), images=np.stack(images), **roles)


@pytest.fixture(scope="session", autouse=True)
def _few_steps():
    """Train for seconds: what is tested here is how networks are used."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_network, "_STEPS", 10)
        patch.setattr(_network, "_FEWEST_STEPS", 10)
        patch.setattr(_network, "BATCH", 16)
        patch.setattr(_network, "_DETECTOR_STEPS", 10)
        patch.setattr(_network, "_FEWEST_DETECTOR_STEPS", 10)
        yield


@pytest.fixture(scope="session")
def heads():
    return make_heads


@pytest.fixture(scope="session")
def sides() -> tuple[Dataset, Dataset, Dataset]:
    """Train, a fresh sample in the part of the synthetic pictures, and holdout."""
    card = DataCard(title="Toy heads", licence="CC0 1.0", citation="Nobody (2020). Heads.")
    train, holdout = make_heads(12, 1, card=card), make_heads(6, 2, card=card)
    made = make_heads(12, 3, source="synthetic")
    return train, replace(made, subjects=None), holdout


@pytest.fixture(scope="session")
def fresh(sides):
    """Report on other people: as good as it gets."""
    train, synthetic, holdout = sides
    return compare(train, synthetic, holdout=holdout)


@pytest.fixture(scope="session")
def repeated(sides):
    """Report on one training picture a class, again and again."""
    train, synthetic, holdout = sides
    first = {name: np.flatnonzero(train.frame["class"] == name)[0] for name in CLASSES}
    rows = [first[name] for name in synthetic.frame["class"]]
    return compare(train, replace(synthetic, images=train.images[rows]), holdout=holdout)
