"""What a grader needs of a challenge, packed so that it can travel to another machine with the task."""

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from shd._errors import ShdError
from shd.hackathon.challenge import find_challenge
from shd.hackathon.start import start

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
    waiting = [folder]
    while waiting:
        path = waiting.pop()
        if path.is_dir():
            inner = (one for one in path.iterdir() if one.name not in _LEFT_OUT and not one.is_symlink())
            waiting += sorted(inner, reverse=True)
        elif path.is_file() and path.suffix != ".whl":
            yield path


@dataclass(frozen=True)
class Kit:
    """A challenge as its organiser has it.

    Parameters
    ----------
    challenge : str
        Its id.
    content : bytes
        The folder that teams got, packed: what ``shd challenge start`` makes.
    exercises : str
        The file that declares the exercises, hidden checks included; empty where tracks alone are scored.
    organiser : bytes or None
        What ``shd challenge seal`` made, packed: with it the other tracks are scored, on the hidden people.
    """

    challenge: str
    content: bytes
    exercises: str
    organiser: bytes | None = None

    @classmethod
    def of(cls, challenge: str | Path, organiser: str | Path | None = None) -> "Kit":
        """Pack a challenge that ships, by name, or the one in a folder."""
        found = find_challenge(challenge)
        file = found.path("exercises")
        if organiser is None and (file is None or not file.is_file()):
            raise ShdError(f"{found.folder}: no exercises to grade; challenge.toml names their file in [files].")
        if organiser is not None and not Path(organiser).is_dir():
            raise ShdError(f"{organiser}: no such folder; shd challenge seal makes it.")
        with tempfile.TemporaryDirectory() as place:
            content = pack(start(found.folder, Path(place) / "team").folder)
        sealed = pack(Path(organiser)) if organiser is not None else None
        exercises = file.read_text(encoding="utf-8") if file is not None and file.is_file() else ""
        return cls(found.id, content, exercises, sealed)

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of all of it."""
        whole = hashlib.sha256(self.content)
        whole.update(self.exercises.encode())
        whole.update(self.organiser or b"")
        return whole.hexdigest()

    def fill(self, folder: Path) -> Path:
        """Unpack the folder that teams got."""
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            archive.extractall(folder)  # packed by `pack`, of our own files
        return folder

    def fill_organiser(self, folder: Path) -> Path:
        """Unpack what only the organiser has."""
        with zipfile.ZipFile(io.BytesIO(self.organiser or b"")) as archive:
            archive.extractall(folder)
        return folder
