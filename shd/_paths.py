"""Where things lie on this machine."""

import os
from pathlib import Path

import platformdirs


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
