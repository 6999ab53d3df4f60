"""What a grader needs of a challenge, packed so that it can travel to another machine with the task."""

import hashlib
import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from shd._errors import ShdError

_DAY = (2020, 1, 1, 0, 0, 0)  # of every entry: the same files are the same bytes
_LEFT_OUT = ("__pycache__", ".git", ".shd", ".ipynb_checkpoints", ".venv")


def pack(folder: Path, limit: int = 1_000_000_000) -> bytes:
    """Return a folder as the bytes of a ZIP archive; the same files give the same bytes. Links are left out."""
    made, size = io.BytesIO(), 0
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for path in files_of(folder):
            size += path.stat().st_size
            if size > limit:
                raise ShdError(f"{folder.name}: more than {limit / 1e6:.0f} MB; hand in what README.md asks for alone.")
            archive.writestr(zipfile.ZipInfo(path.relative_to(folder).as_posix(), _DAY), path.read_bytes())
    return made.getvalue()


def files_of(folder: Path) -> Iterator[Path]:
    """Yield the plain files of a folder in the order of their names, without what tools leave behind."""
    for path in sorted(folder.iterdir()):
        if path.name in _LEFT_OUT or path.is_symlink():
            continue
        if path.is_dir():
            yield from files_of(path)
        elif path.is_file():
            yield path


@dataclass(frozen=True)
class Kit:
    """A challenge as its organiser has it, and what only the organiser has of the hidden people.

    Parameters
    ----------
    challenge : str
        Its id.
    content : bytes
        The folder of the challenge, packed: the starter, the exercises with their hidden checks, the data.
    organiser : bytes or None
        What ``shd challenge seal`` made, packed: without it, tracks are scored on what teams may see.
    """

    challenge: str
    content: bytes
    organiser: bytes | None = None

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of all of it."""
        return hashlib.sha256(self.content + (self.organiser or b"")).hexdigest()

    def unpacked(self) -> Path:
        """Return the folder of the challenge, unpacked once a machine."""
        return _unpacked(self.content)

    def organiser_unpacked(self) -> Path | None:
        """Return the organiser's folder, unpacked once a machine; only who unpacked it can read it."""
        return _unpacked(self.organiser) if self.organiser else None


def _unpacked(content: bytes) -> Path:
    folder = Path(tempfile.gettempdir()) / f"shd-kit-{_user()}-{hashlib.sha256(content).hexdigest()[:24]}"
    if not folder.is_dir():
        made = Path(tempfile.mkdtemp(prefix="shd-kit-"))  # readable by its owner alone
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(made)  # the organiser's own files
        try:
            made.rename(folder)
        except OSError:  # another process was faster
            shutil.rmtree(made)
    return folder


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in containers
        return "nobody"
