"""Alzheimer's MRI: from the owner's archive to a `Dataset`.

Source: Sachin Kumar, Sourabh Shastri (2022), *Alzheimer MRI Preprocessed Dataset*, Kaggle, doi
10.34740/KAGGLE/DSV/3364939, made from OASIS-1: Marcus et al. (2007), *Open Access Series of
Imaging Studies (OASIS)*, Journal of Cognitive Neuroscience, doi 10.1162/jocn.2007.19.9.1498.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import DataCard, Dataset, describe_columns
from shd.datasets._pictures import read_pictures
from shd.datasets._scans import read_scans

NAME = "alzheimers"
URL = "https://www.kaggle.com/api/v1/datasets/download/sachinkumar413/alzheimer-mri-dataset"
SHA256 = "0db82369b91b8b8540553dcfe082e94b2fabd0b6625c64de6dbe294588ab97ae"
FILE_NAME = "alzheimer-mri-dataset.zip"
FOLDERS = ("Dataset", "Alzheimer_s Dataset")
"""What the archive unpacks to, as Kaggle has it twice; counts as the real data where the zip is not there."""
SIZE = 29_069_984  # bytes
SHIPPED = {
    "synthetic": "alzheimers_mri/data/release/synthetic.zip",
    "stand-in": "alzheimers_mri/data/stand-in.zip",
}

TARGET = "class"
LEVELS = ("non-demented", "very mild", "mild", "moderate")
MIN_PEOPLE = 1
"""The class of two people, one of whom trains, is learned: its owner publishes it, without names, for everybody."""

N_SLICES = 32
"""Axial slices of each person; 0 is the lowest."""

_SIDE = 32  # pixels of a thumbnail: fast, and fine enough to tell 100 people apart
_PEOPLE = Path(__file__).with_name("alzheimers_people.csv")

CARD = DataCard(
    title="Alzheimer's MRI, four classes",
    description=(
        "One grey image an axial slice through the brain of a person, who was rated as not demented, or as "
        "very mildly, mildly or moderately demented."
    ),
    licence="ODbL 1.0",
    licence_url="https://opendatacommons.org/licenses/odbl/1-0/",
    citation=(
        "Kumar, Shastri (2022). Alzheimer MRI Preprocessed Dataset. Kaggle, doi 10.34740/KAGGLE/DSV/3364939. "
        "After OASIS-1: Marcus et al. (2007), doi 10.1162/jocn.2007.19.9.1498."
    ),
    url="https://www.kaggle.com/datasets/sachinkumar413/alzheimer-mri-dataset",
    notes=(
        "200 people and not 6,400 (100, 70, 28 and 2 a class, 32 slices each): split by subject, or scores inflate.",
        "'moderate' is two people: one trains, one tests, and nothing may be concluded there.",
        "The class is that of the person, not of the slice: no single slice was ever rated.",
        "The images are JPEG files of 128 x 128 pixels, which the owner squeezed from 176 x 208: not for measuring.",
    ),
)


def build(archive: Path) -> Dataset:
    """Put the owner's images (the zip or the folder that it unpacks to) with the people whom they show.

    6,400 records of 200 subjects, images of 128 x 128, in the order of class, subject and slice.
    """
    table = people()
    images = read_scans(archive, table)
    data = _dataset(table[[TARGET, "slice"]], table["subject"].to_numpy(), images, "real")
    _check_people(archive, data)
    return data


def read(path: Path, source: str) -> Dataset:
    """Read images that ship, with the dtypes that `build` gives; ``subject`` in their index says which share one."""
    index, images = read_pictures(path)
    subjects = index["subject"].to_numpy() if "subject" in index else None
    for column, known in ((TARGET, LEVELS), ("slice", range(N_SLICES))):
        if column not in index:
            raise ShdError(f"{path}: its index lacks the column {column!r}. Write it again.")
        strange = [value for value in pd.unique(index[column]).tolist() if value not in known]
        if strange:
            raise ShdError(
                f"{path}: column {column!r} has {describe_columns(strange)}, unknown in this data set. Write it again."
            )
    return _dataset(index[[TARGET, "slice"]], subjects, images, source)


def people() -> pd.DataFrame:
    """Return class, subject, slice (0 to 31) and number (of the owner's file, from 1 in each class) of each image.

    The owner's files do not say whom they show; it was found by matching neighbouring slices, see `neighbour_margin`.
    """
    wide = pd.read_csv(_PEOPLE)
    table = wide.melt([TARGET, "subject"], var_name="slice", value_name="number")
    table = table.assign(**{TARGET: _levels(table[TARGET]), "slice": table["slice"].astype("int64")})
    return table.sort_values([TARGET, "subject", "slice"], ignore_index=True)


def _dataset(frame: pd.DataFrame, subjects: np.ndarray | None, images: np.ndarray, source: str) -> Dataset:
    frame = frame.assign(**{TARGET: _levels(frame[TARGET]), "slice": frame["slice"].astype("int64")})
    roles = {"target": TARGET, "declared": (TARGET,), "min_people": MIN_PEOPLE, "name": NAME, "card": CARD}
    return Dataset(frame, subjects=subjects, images=images, source=source, **roles)


def _levels(values: pd.Series) -> pd.Series:
    return values.astype(pd.CategoricalDtype(LEVELS, ordered=True))


def _check_people(archive: Path, data: Dataset) -> None:
    """Refuse files that are numbered in another way: then images would be with the wrong people."""
    pairs = neighbour_margin(data)
    wrong = pairs[pairs["margin"] <= 0]
    if len(wrong):
        first = wrong.iloc[0]
        raise ShdError(
            f"{archive}: the images do not fit the people: of {len(pairs):,} pairs of neighbouring slices "
            f"{len(wrong):,} are less alike than those of strangers, first slices {first['slice']} and "
            f"{first['slice'] + 1} of {first['subject']}. The files were renamed; get them again: shd data fetch {NAME}"
        )


# Whether images are with the right people ----------------------------------------------------------


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
