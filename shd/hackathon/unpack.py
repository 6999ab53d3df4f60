"""Open the ZIP that a team hands in, without being led out of the folder or filling the disk."""

import io
import re
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from shd._errors import ShdError, ShdWorkError

_LONGEST_NAME = 200
_LONGEST_ENTRY = 2048  # bytes in the list of entries: a name, and what programs add to it
_CHUNK = 65536
_ENCRYPTED = 0x1
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # the signature, and the lengths of name and extra field at its end
_LOCAL_SIGNATURE = b"PK\x03\x04"
_DRIVE = re.compile(r"^[A-Za-z]:")
_RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)  # devices on Windows
_NOISE = ("__MACOSX", ".DS_Store", "Thumbs.db")  # what file managers add to every archive


def unpack(archive: Path, into: Path, *, limit_bytes: int, limit_files: int, keep: str = "") -> list[Path]:
    """Unpack a ZIP that a team hands in.

    A folder that wraps everything is stepped into; archives within are left closed.

    Parameters
    ----------
    archive : Path
        The ZIP file.
    into : Path
        The folder to write to, which is made where it is missing, and else has to be empty.
    limit_bytes, limit_files : int
        The most bytes, counted while they are unpacked, and the most entries.
    keep : str, optional
        A folder that is part of what is handed in: where it is all that there is, it is not stepped into.

    Returns
    -------
    list of Path
        The files that were written, sorted.

    Raises
    ------
    ShdError
        The archive is damaged or encrypted, or one of its entries leads out of the folder, is a link, comes twice or is
        too much. Nothing of it is left.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with zipfile.ZipFile(Path(folder, "in.zip"), "w") as made:
    ...         made.writestr("my-team/predictions.csv", "id,risk")
    ...     files = unpack(Path(folder, "in.zip"), Path(folder, "in"), limit_bytes=10**6, limit_files=10)
    ...     [file.name for file in files]
    ['predictions.csv']
    """
    archive, into = Path(archive), Path(into)
    with _Target(into, archive.name, limit_bytes, limit_files) as target, _opened(archive, limit_files) as opened:
        entries = [entry for entry in opened.infolist() if not _is_noise(entry.filename)]
        target.check_count(len(opened.infolist()))
        target.check_names([entry.orig_filename for entry in entries])
        target.step_into([entry.filename for entry in entries], keep)
        _check_entries(archive.name, entries)
        _check_overlaps(archive, opened)
        for entry in entries:
            if not entry.is_dir():
                target.write(entry.filename, _content(archive.name, opened, entry))
    return target.files


class _Target:
    """The folder that is written to: counts every byte, and leaves nothing behind when something is refused."""

    def __init__(self, into: Path, said: str, limit_bytes: int, limit_files: int) -> None:
        if into.is_symlink() or (into.exists() and (not into.is_dir() or any(into.iterdir()))):
            raise ShdError(f"{into} is not an empty folder; what a team hands in is unpacked into one of its own.")
        for name, limit in (("limit_bytes", limit_bytes), ("limit_files", limit_files)):
            if isinstance(limit, bool) or not isinstance(limit, int) or limit <= 0:
                raise ShdError(f"{name}={limit!r} must be a whole number above zero.")
        self.files: list[Path] = []
        self._into, self._said, self._was_there = into, said, into.exists()
        self._limit_bytes, self._limit_files, self._room = limit_bytes, limit_files, limit_bytes
        self._top = 0

    def __enter__(self) -> "_Target":
        self._into.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self.files.sort()
        if kind is None:
            return
        for entry in self._into.iterdir():
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
        if not self._was_there:
            self._into.rmdir()

    def check_count(self, count: int) -> None:
        """Check the number of entries."""
        if count > self._limit_files:
            raise ShdError(f"{self._said} holds more than {self._limit_files} files; hand in fewer.")

    def check_names(self, names: list[str]) -> None:
        """Check the names of all entries before the first is written, folders with a slash at their end."""
        for name in names:
            if why := wrong_name(name):
                raise ShdError(f"{self._said}: the entry {_shown(name)} {why}; pack it again without it.")
        _check_unique(self._said, names)

    def step_into(self, names: list[str], keep: str) -> None:
        """Leave out the one folder that wraps all names, where there is one; not one to keep, unless it wraps all."""
        tops = {name.split("/")[0] for name in names}
        inside = [name.removeprefix(f"{keep}/") for name in names]
        whole = any(name.startswith(f"{keep}/") or re.fullmatch(r"[^/]+\.ipynb|team\.toml", name) for name in inside)
        kept = tops == {keep} and not whole
        self._top = int(len(tops) == 1 and all("/" in name for name in names) and not kept)

    def write(self, name: str, chunks: Iterable[bytes]) -> None:
        """Write one file, and stop when the bytes of all are more than they may be."""
        path = self._into.joinpath(*PurePosixPath(name).parts[self._top :])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as file:
                for chunk in chunks:
                    self._room -= len(chunk)
                    if self._room < 0:
                        raise ShdError(
                            f"{self._said}: with the entry {_shown(name)} it holds more than "
                            f"{self._limit_bytes:,} bytes; hand in less."
                        )
                    file.write(chunk)
        except OSError as error:
            raise ShdWorkError(f"{self._said}: the entry {_shown(name)} could not be written: {error}.") from error
        self.files.append(path)


def wrong_name(name: str) -> str | None:
    """Return what is wrong with the name of an entry, or None: names are relative, with ``/`` between their parts."""
    if not name.strip("/") or name.startswith("/") or _DRIVE.match(name):
        return "has no relative path"
    if len(name) > _LONGEST_NAME or len(name.encode("utf-8", "surrogatepass")) > _LONGEST_NAME:
        return f"has a name of more than {_LONGEST_NAME} characters"
    if any(unicodedata.category(letter)[0] == "C" or letter in "\u2028\u2029" for letter in name):
        return "has characters in its name that cannot be seen"
    if "\\" in name or set(name) & set(':*?"<>|'):
        return "has characters in its name that not every system allows"
    parts = name.removesuffix("/").split("/")
    if ".." in parts:
        return "leads out of the folder"
    if any(part in ("", ".") or part != part.rstrip(" .") or _RESERVED.match(part) for part in parts):
        return "has a part in its name that not every system allows"
    return None


def _shown(name: str) -> str:
    """Show a name on one line, without what could move the cursor of who reads it."""
    return ascii(name if len(name) <= _LONGEST_NAME else f"{name[:60]}...")


def _check_unique(said: str, names: list[str]) -> None:
    """Raise where two entries would be one file on some system, or a file is a folder to another entry."""
    kinds: dict[str, tuple[bool, str]] = {}
    for name in names:
        key = unicodedata.normalize("NFC", name.removesuffix("/")).casefold()
        before = kinds.get(key)
        if before and not (before[0] and name.endswith("/") and before[1] == name):
            raise ShdError(f"{said}: the entry {_shown(name)} comes twice, as {_shown(before[1])}; pack it again.")
        kinds[key] = (name.endswith("/"), name)
    spelt: dict[str, str] = {}
    for name in names:
        parts = unicodedata.normalize("NFC", name.removesuffix("/")).split("/")
        for depth in range(1, len(parts) + (1 if name.endswith("/") else 0)):
            folder = "/".join(parts[:depth])
            key = folder.casefold()
            if key in kinds and not kinds[key][0]:
                raise ShdError(f"{said}: the entry {_shown(name)} lies in {_shown(kinds[key][1])}, which is a file.")
            if spelt.setdefault(key, folder) != folder:
                raise ShdError(f"{said}: the folder of {_shown(name)} comes twice, as {_shown(spelt[key])}.")


def _is_noise(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == _NOISE[0] or parts[-1] in _NOISE[1:]


class _Frugal(io.BufferedReader):
    """A file that refuses to read more at once than a list of entries may take: it is read before it is counted."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self.most:
            raise ShdError(f"The list of entries of an archive takes {size:,} bytes; hand in fewer files.")
        return super().read(size)


@contextmanager
def _opened(archive: Path, limit_files: int) -> Iterator[zipfile.ZipFile]:
    try:
        raw = _Frugal(io.FileIO(archive))
    except OSError as error:
        raise ShdError(f"The archive {archive} cannot be read: {error.strerror}.") from None
    raw.most = limit_files * _LONGEST_ENTRY + _CHUNK
    with raw:
        try:
            opened = zipfile.ZipFile(raw)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
            raise ShdError(f"{archive.name} is not a ZIP that can be opened ({error}); pack it again.") from None
        with opened:
            yield opened


def _check_entries(said: str, entries: list[zipfile.ZipInfo]) -> None:
    """Raise for links, devices and secrets, and for methods that unfold without measure."""
    for entry in entries:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR and not entry.is_dir()):
            what = "a link" if kind == stat.S_IFLNK else "no regular file"
            raise ShdError(f"{said}: the entry {_shown(entry.filename)} is {what}; pack the file itself.")
        if entry.flag_bits & _ENCRYPTED:
            raise ShdError(f"{said}: the entry {_shown(entry.filename)} is encrypted; pack without a password.")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ShdError(f"{said}: the entry {_shown(entry.filename)} is packed by a rare method; pack by deflate.")


def _check_overlaps(archive: Path, opened: zipfile.ZipFile) -> None:
    """Raise for entries that share bytes, which is how a small bomb grows (Fifield 2019, *A better zip bomb*)."""
    ends, before = 0, ""
    with archive.open("rb") as raw:
        for entry in sorted(opened.infolist(), key=lambda entry: entry.header_offset):
            if entry.header_offset < ends:
                said = f"the entry {_shown(entry.filename)} overlaps {_shown(before)}"
                raise ShdError(f"{archive.name}: {said}; pack it again with a common program.")
            ends, before = _end_of(raw, archive.name, entry), entry.filename
    if ends > opened.start_dir:
        raise ShdError(f"{archive.name}: the entry {_shown(before)} overlaps the list of entries; pack it again.")


def _end_of(raw: IO[bytes], said: str, entry: zipfile.ZipInfo) -> int:
    """Return where the bytes of an entry end, after the header that stands before them."""
    raw.seek(max(entry.header_offset, 0))
    header = raw.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or header[:4] != _LOCAL_SIGNATURE:
        raise ShdError(f"{said}: the entry {_shown(entry.filename)} is damaged; pack it again.")
    _, name, extra = _LOCAL_HEADER.unpack(header)
    return entry.header_offset + _LOCAL_HEADER.size + name + extra + entry.compress_size


def _content(said: str, opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """Yield the real bytes of an entry, in pieces; what it says of its size is not believed."""
    try:
        with opened.open(entry) as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise ShdError(f"{said}: the entry {_shown(entry.filename)} cannot be read ({error}); pack it again.") from None
