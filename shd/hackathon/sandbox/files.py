"""Files that came out of a sandbox: read without being led astray, and removed however deep they lie."""

import errno
import os
import re
import stat
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from shd._errors import ShdError
from shd.hackathon.sandbox.limits import in_words

_DRIVE = re.compile(r"^[A-Za-z]:")
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)
_OPEN = os.O_RDONLY | _NO_FOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)  # a pipe would wait


def safe_read(work: Path, name: str, limit: int) -> bytes:
    """Read a file that strangers' code wrote.

    Parameters
    ----------
    work : Path
        The private folder of the sandbox.
    name : str
        The file's path below it, with ``/`` between its parts.
    limit : int
        The most bytes it may have.

    Returns
    -------
    bytes
        What the file holds.

    Raises
    ------
    ShdError
        It is not there, leads out of the folder, is a link or no regular file, or is too large.
    """
    parts = name.split("/")
    if not name or "\\" in name or "\0" in name or _DRIVE.match(name) or {"", ".", ".."} & set(parts):
        raise ShdError(
            f"The file {name!r} is not one of the private folder; give a path below it, as 'out/scores.csv'."
        )
    try:
        file = open_below(Path(work), parts)
    except FileNotFoundError:
        raise ShdError(f"The file {name} is not there; the notebook did not write it.") from None
    except OSError:
        raise ShdError(f"The file {name} is no regular file, or a part of its path is a link; write a file.") from None
    with file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ShdError(f"The file {name} has more than {in_words(limit)}; write less.")
    return content


def is_link(told: os.stat_result) -> bool:
    """Say whether what `lstat` told is of a link, one of Windows' junctions included."""
    return stat.S_ISLNK(told.st_mode) or getattr(told, "st_reparse_tag", 0) != 0


def open_below(work: Path, parts: list[str]) -> BinaryIO:
    """Open each part from the one before, so that none can be exchanged for a link between a look and the next."""
    if os.open not in os.supports_dir_fd:  # Windows, where making a link is a privilege
        path = work
        for part in parts:
            path = path / part
            if is_link(path.lstat()):
                raise OSError(errno.ELOOP, "link")
        return path.open("rb")
    folder = os.open(work, os.O_RDONLY | os.O_DIRECTORY)
    for part in parts[:-1]:
        try:
            inner = os.open(part, os.O_RDONLY | os.O_DIRECTORY | _NO_FOLLOW, dir_fd=folder)
        finally:
            os.close(folder)
        folder = inner
    try:
        opened = os.open(parts[-1], _OPEN, dir_fd=folder)
    finally:
        os.close(folder)
    if not stat.S_ISREG(os.fstat(opened).st_mode):
        os.close(opened)
        raise OSError(errno.EINVAL, "no regular file")
    return os.fdopen(opened, "rb")


def remove(folder: Path) -> None:
    """Remove a private folder whatever was made in it.

    Folders in folders are flattened rather than descended into: thousands of them have paths that no system call takes.
    """
    if not folder.exists():
        return
    _unlock(folder)
    waiting, count = [entry.path for entry in os.scandir(folder)], 0
    while waiting:
        path = waiting.pop()
        if not stat.S_ISDIR(os.lstat(path).st_mode):
            os.unlink(path)  # noqa: PTH108
            continue
        _unlock(Path(path))
        for entry in list(os.scandir(path)):
            if entry.is_dir(follow_symlinks=False):
                _unlock(Path(entry.path))  # moving a folder changes what is in it: its way up
            count += 1
            moved = str(folder / f".removed-{count}")
            os.rename(entry.path, moved)  # noqa: PTH104
            waiting.append(moved)
        Path(path).rmdir()
    folder.rmdir()


def _unlock(folder: Path) -> None:
    with suppress(PermissionError):
        folder.chmod(0o700)
