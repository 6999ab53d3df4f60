"""Where things lie on this machine."""

import os
import tomllib
from pathlib import Path

import platformdirs

from shd._errors import ShdError, first_line

CHALLENGE = "challenge.toml"
"""What makes a folder a challenge."""


def data_dir() -> Path:
    """Return the folder of the real archives: ``$SHD_DATA``, else the user's data folder.

    It may be missing or read-only; nothing but `shd.datasets.archive` writes there.
    """
    chosen = os.environ.get("SHD_DATA")
    return Path(chosen).expanduser() if chosen else Path(platformdirs.user_data_dir("shd", appauthor=False))


def challenges_dir() -> Path:
    """Return the folder of the challenges: inside an installed package, else beside it in a checkout.

    ``$SHD_CHALLENGES`` names another one, for organisers with challenges of their own.
    """
    chosen = os.environ.get("SHD_CHALLENGES")
    if chosen:
        return Path(chosen).expanduser()
    package = Path(__file__).resolve().parent
    installed = package / "_challenges"
    return installed if installed.is_dir() else package.parent / "challenges"


def own_challenge(name: str) -> Path | None:
    """Return the nearest folder of a challenge about the data set `name`, from where people work upwards; else None.

    They work in the working directory, or in the notebook that runs, of which Jupyter says where it lies.
    """
    here, notebook = Path.cwd(), os.environ.get("JPY_SESSION_NAME")
    starts = [here, *([(here / notebook).parent] if notebook else [])]
    above = (folder for start in starts for folder in (start, *start.parents))
    return next((folder for folder in above if is_challenge(folder) and told(folder).get("dataset") == name), None)


def is_challenge(folder: Path) -> bool:
    """Whether a folder holds a challenge."""
    return (folder / CHALLENGE).is_file()


def told(folder: Path) -> dict:
    """Return what the challenge.toml of a folder says, unchecked; `shd.hackathon.read_challenge` checks it."""
    file = folder / CHALLENGE
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ShdError(f"{file}: cannot be read ({error.strerror}). Give the folder of a challenge.") from None
    except ValueError as error:  # not TOML, or not UTF-8
        raise ShdError(f"{file}: not TOML ({first_line(error)}). Mend that line.") from None
