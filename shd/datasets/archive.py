"""The owners' archives on this disk: what is there, fetch it, add it by hand, verify it."""

import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from shd._errors import ShdError, ShdWorkError
from shd._progress import Bar, notice, progress
from shd.datasets.registry import DATASETS, Recipe, archive_path, find, real_path, shipped_path

_CHUNK = 1 << 16  # bytes read at a time
_TIMEOUT = 30  # seconds without an answer


def list_datasets() -> pd.DataFrame:
    """List the data sets there are.

    Returns
    -------
    pandas.DataFrame
        One row a data set: name, real (bool, on disk), where (str, the place of the archive or, where
        only that is there, of the folder it unpacks to), synthetic and stand_in (bool, shipped), licence.
    """
    rows = [
        {
            "name": name,
            "real": real_path(name) is not None,
            "where": str(real_path(name) or archive_path(name)),
            "synthetic": shipped_path(name, "synthetic").is_file(),
            "stand_in": shipped_path(name, "stand-in").is_file(),
            "licence": recipe.CARD.licence,
        }
        for name, recipe in DATASETS.items()
    ]
    return pd.DataFrame(rows)


def fetch(name: str) -> Path:
    """Download the owner's archive, unless it is there and whole.

    Licence, checksum and place are told on standard error.

    Parameters
    ----------
    name : str
        For example ``"diabetes"``.

    Returns
    -------
    pathlib.Path
        The archive.

    Raises
    ------
    ShdError
        Where the owner's site cannot be reached or gives another file, or the disk refuses it.
        Then nothing is left behind, and an archive that was there stays.
    """
    recipe, target = find(name), archive_path(name)
    if _is_whole(target, recipe):
        notice(f"{name}: already at {target}, checksum verified.")
        return target
    notice(f"{name}: {recipe.CARD.title}, {recipe.SIZE / 1e6:.1f} MB from {recipe.URL}")

    by_hand = f"download it by hand from {recipe.URL} and run: shd data add {name} FILE"
    wrong = f"{name}: {recipe.URL} gave another or an incomplete file; try again, or {by_hand}"
    _install(target, recipe, lambda part: _download(recipe, part, by_hand), wrong)
    return _tell(name, recipe, target)


def _download(recipe: Recipe, part: Path, by_hand: str) -> None:
    import pooch  # both take 0.3 s, and load does without
    import requests

    try:
        with progress(recipe.SIZE, f"fetch {recipe.NAME}") as bar:
            downloader = pooch.HTTPDownloader(progressbar=_Gauge(bar), chunk_size=_CHUNK, timeout=_TIMEOUT)
            downloader(recipe.URL, str(part), None)
    except requests.HTTPError as error:
        status = error.response.status_code
        raise ShdWorkError(f"{recipe.NAME}: the owner's site answers with status {status}; {by_hand}") from None
    except requests.RequestException as error:
        reason = type(error).__name__
        raise ShdWorkError(f"{recipe.NAME}: the owner's site cannot be reached ({reason}); {by_hand}") from None


def add(name: str, path: str | Path) -> Path:
    """Take an archive that was downloaded by hand.

    Parameters
    ----------
    name : str
        For example ``"diabetes"``.
    path : str or pathlib.Path
        The archive, as the owner publishes it; its file name does not matter.

    Returns
    -------
    pathlib.Path
        Where the archive lies now. `path` itself stays.

    Raises
    ------
    ShdError
        Where there is no such file, it is another one, or the disk refuses it.
    """
    recipe, target, path = find(name), archive_path(name), Path(path).expanduser()
    if path.is_dir():
        raise ShdError(f"{path}: a folder. Give the archive itself, {recipe.FILE_NAME}, not unpacked.")
    if not path.is_file():
        raise ShdError(f"{path}: no such file. Download {recipe.URL} and give its path.")
    wrong = f"{path} is not the archive of {name}, or is incomplete; download it again, not unpacked, from {recipe.URL}"
    if _sha256(path) != recipe.SHA256:
        raise ShdError(wrong)
    if _is_whole(target, recipe):
        notice(f"{name}: already at {target}, checksum verified.")
        return target
    _install(target, recipe, lambda part: shutil.copyfile(path, part), wrong)
    return _tell(name, recipe, target)


def verify(name: str) -> Path:
    """Compute the archive's checksum again and return the archive's path.

    Raises
    ------
    ShdError
        Where the archive is not on disk, or is not what the owner publishes.
    """
    recipe, target = find(name), archive_path(name)
    unpacked = real_path(name)
    if unpacked not in (target, None):
        raise ShdError(f"{unpacked}: unpacked, and the checksum is that of the archive; run: shd data fetch {name}")
    if not target.is_file():
        raise ShdError(f"{name}, real: not on disk ({target}); run: shd data fetch {name}")
    if _sha256(target) != recipe.SHA256:
        raise ShdWorkError(f"{target}: not what the owner publishes, its checksum differs; run: shd data fetch {name}")
    return target


def _install(target: Path, recipe: Recipe, write: Callable[[Path], object], wrong: str) -> None:
    """Let `write` fill a file beside `target`, and put it there only if its checksum is right."""
    if target.is_dir():
        raise ShdError(f"{target}: a folder lies where the archive belongs; move it away.")
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        write(part)
        if _sha256(part) != recipe.SHA256:
            raise ShdWorkError(wrong)
        part.replace(target)
    except OSError as error:
        raise _disk_error(target.parent, error) from None
    finally:
        _remove(part)


def _remove(part: Path) -> None:
    try:
        part.unlink(missing_ok=True)
    except OSError:  # the folder cannot be written to: then nothing was
        return


def _disk_error(folder: Path, error: OSError) -> ShdWorkError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ShdWorkError(f"{folder}: no space left; free some, or set SHD_DATA to a folder on another disk.")
    reason = error.strerror or type(error).__name__
    return ShdWorkError(f"{folder}: cannot be written to ({reason}); set SHD_DATA to a folder that can.")


def _is_whole(target: Path, recipe: Recipe) -> bool:
    return target.is_file() and _sha256(target) == recipe.SHA256


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ShdWorkError(f"{path}: cannot be read ({error.strerror}); check its permissions.") from None


def _tell(name: str, recipe: Recipe, target: Path) -> Path:
    notice(f"{name}: sha256 {recipe.SHA256} verified.")
    notice(f"{name}: licence {recipe.CARD.licence} ({recipe.CARD.licence_url}). {recipe.CARD.citation}")
    notice(f"{name}: at {target}")
    return target


class _Gauge:
    """Our progress bar as pooch drives one; its closing reset-and-refill is ignored."""

    total = 0  # pooch sets the content length here, which owners often do not send

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._done = False

    def update(self, size: int) -> None:
        if not self._done:
            self._bar.advance(size)

    def reset(self) -> None:
        self._done = True

    def close(self) -> None:
        self._done = True
