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
from shd.datasets.neighbours import neighbour_margin

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
