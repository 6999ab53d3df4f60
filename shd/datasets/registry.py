"""The data sets there are. A new one is one new module and one line here."""

from pathlib import Path
from typing import Protocol

from shd._errors import ShdError
from shd._paths import challenges_dir, data_dir
from shd.dataset import DataCard, Dataset
from shd.datasets import alzheimers, diabetes, diabetes_cohort


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


def archive_path(name: str) -> Path:
    """Return where the owner's archive lies, or would lie."""
    return data_dir() / find(name).FILE_NAME


def real_path(name: str) -> Path | None:
    """Return where the real data lie: the owner's archive, else a folder that it unpacks to, else None."""
    archive = archive_path(name)
    if archive.is_file():
        return archive
    unpacked = [data_dir() / folder for folder in getattr(find(name), "FOLDERS", ())]
    return next((folder for folder in unpacked if folder.is_dir()), None)


def shipped_path(name: str, source: str) -> Path:
    """Return where the synthetic table or the stand-in lies, or would lie."""
    return challenges_dir() / find(name).SHIPPED[source]
