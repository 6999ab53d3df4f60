"""The data sets there are. A new one is one new module and one line here."""

from pathlib import Path
from typing import Protocol

from shd._errors import ShdError
from shd._paths import challenges_dir, data_dir, own_challenge, told
from shd.dataset import DataCard, Dataset
from shd.datasets import alzheimers, diabetes, diabetes_cohort
from shd.datasets.own import OwnData


class Recipe(Protocol):
    """What the module of a data set gives."""

    NAME: str  # as in ``shd.load(NAME)``
    URL: str  # where the owner publishes the archive
    FILE_NAME: str  # of the archive; its checksum, and its size in bytes
    SHA256: str
    SIZE: int
    SHIPPED: dict[str, str]  # file of each source that ships, below the challenges folder
    CARD: DataCard
    # FOLDERS: tuple of str, optional; count as the real data where the archive is not there, `build` takes them

    def build(self, archive: Path) -> Dataset:
        """Make the real Dataset from the owner's archive."""

    def read(self, path: Path, source: str) -> Dataset:
        """Read what ships, with the same columns and dtypes."""


DATASETS: dict[str, Recipe] = {
    diabetes.NAME: diabetes,
    diabetes_cohort.NAME: diabetes_cohort,
    alzheimers.NAME: alzheimers,
}


def find(name: str) -> Recipe:
    """Return the module of a data set; `ShdError` names the known ones where there is none."""
    if name not in DATASETS:
        raise ShdError(f"there is no data set {name!r}; known are {', '.join(DATASETS)}. See: shd data list")
    return DATASETS[name]


def recipe_of(name: str) -> Recipe | OwnData:
    """Return what reads a data set: a module, or the challenge about it that people work in."""
    folder = None if name in DATASETS else own_challenge(name)
    return find(name) if folder is None else OwnData(folder)


def is_known(name: str) -> bool:
    """Whether there is a data set of that name, in shd or in the challenge that people work in."""
    return name in DATASETS or own_challenge(name) is not None


def archive_path(name: str) -> Path:
    """Return where the owner's archive lies, or would lie."""
    return data_dir() / find(name).FILE_NAME


def real_path(name: str) -> Path | None:
    """Return where the real data lie: the owner's archive, else a folder that it unpacks to, else None."""
    if name not in DATASETS:
        own = own_path(name, "real")
        return own if own is not None and own.is_file() else None
    archive = archive_path(name)
    if archive.is_file():
        return archive
    unpacked = [data_dir() / folder for folder in getattr(find(name), "FOLDERS", ())]
    return next((folder for folder in unpacked if folder.is_dir()), None)


def shipped_path(name: str, source: str) -> Path:
    """Return where the synthetic table or the stand-in lies, or would lie; the challenge that people work in first."""
    own = own_path(name, source)
    if own is not None:
        return own
    if name not in DATASETS:
        recipe_of(name)
        raise ShdError(f"{name}, {source}: this challenge has none; take another source, or name its file in [files].")
    return challenges_dir() / DATASETS[name].SHIPPED[source]


def own_path(name: str, source: str) -> Path | None:
    """Return the file that the challenge about it, which people work in, names for a source; None where none does."""
    folder = own_challenge(name)
    file = None if folder is None else told(folder).get("files", {}).get(source.replace("-", "_"))
    return None if file is None else folder / file
