"""Whether images are with the right people: neighbouring slices of one person are alike."""

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import Dataset

_SIDE = 32  # pixels of a thumbnail: fast, and fine enough to tell 100 people apart


def neighbour_margin(data: Dataset) -> pd.DataFrame:
    """Compare neighbouring slices of one subject with those of strangers of the same class.

    Images are made thumbnails of 32 x 32 and set to mean 0 and length 1 each; then the mean image
    of their slice level is taken away, so that what is left is what sets a person apart. One row for each two
    neighbouring slices of a subject: `own` is their correlation, `stranger` the highest of either with the other's
    level in another subject of the class, `margin` own - stranger: where all are positive, every image is with its own
    people.
    """
    if data.images is None or "slice" not in data.frame:
        raise ShdError(f"{data.name}: neighbours need images and a column 'slice'; this dataset lacks them.")
    level = data.frame["slice"].to_numpy()
    person, ids = pd.factorize(data.subjects)
    classes = pd.Series("all", data.frame.index) if data.target is None else data.frame[data.target]
    thumbnails = _thumbnails(data.images, level)

    parts = []
    for name in pd.unique(classes):
        in_class = (classes == name).to_numpy()
        for lower in np.unique(level[in_class]):
            here, there = (np.flatnonzero(in_class & (level == which)) for which in (lower, lower + 1))
            if len(here) and len(there):
                pairs = _compare(thumbnails[here], thumbnails[there], person[here], person[there])
                parts.append(pairs.assign(**{"class": name, "slice": lower}))
    pairs = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if not len(pairs):
        raise ShdError(f"{data.name}: no subject has two neighbouring slices, so there is nothing to compare.")
    pairs = pairs.assign(
        **{"subject": np.asarray(ids)[pairs["subject"]], "class": pairs["class"].astype(classes.dtype)}
    )
    return pairs[["class", "subject", "slice", "own", "stranger", "margin"]]


def _compare(here: np.ndarray, there: np.ndarray, person_here: np.ndarray, person_there: np.ndarray) -> pd.DataFrame:
    """Compare all images of one class and slice level with all of the next level."""
    alike = here @ there.T
    same = person_here[:, None] == person_there[None, :]
    strangers = np.where(same, -np.inf, alike)
    row, column = np.nonzero(same)
    best = np.maximum(strangers.max(axis=1)[row], strangers.max(axis=0)[column])
    best[np.isinf(best)] = np.nan
    own = alike[row, column]
    return pd.DataFrame({"subject": person_here[row], "own": own, "stranger": best, "margin": own - best})


def _thumbnails(images: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Return what sets each image apart from others of its level, shape (n, pixels), length 1."""
    height, width = (max(1, side // _SIDE) for side in images.shape[1:])
    rows, columns = images.shape[1] // height, images.shape[2] // width
    cut = images[:, : rows * height, : columns * width]
    # first down, then across: three times as fast as both at once
    small = cut.reshape(len(images), rows, height, columns * width).sum(axis=2, dtype=np.float32)
    small = small.reshape(len(images), rows * columns, width).sum(axis=2)
    # first the contrast of each, or a bright scan would be like every other bright one
    small = _unit(small - small.mean(axis=1, keepdims=True))
    for which in np.unique(level):
        small[level == which] -= small[level == which].mean(axis=0)
    return _unit(small)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
