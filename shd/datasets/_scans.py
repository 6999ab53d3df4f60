"""The MRI files as Kaggle has them: which file is which image, in either of its two layouts.

One data set, published twice. ``Dataset/Mild_Demented/mild_10.jpg``, at 128 x 128, says its number
(without one it is 1). ``Alzheimer_s Dataset/test/MildDemented/26 (19).jpg``, at 176 x 208, does
not: there the test files of a class come first, in natural order, and then its train files.
"""

import re
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
from PIL import Image

from shd._errors import ShdError, first_line
from shd._progress import notice
from shd.dataset import describe_columns
from shd.datasets._pictures import ZIP_ERRORS, decode

SIDE = 128  # pixels, both ways
_WHOLE = (176, 208)  # width and height of a whole OASIS slice, at 1 mm a pixel
_FOLDERS = {  # of both layouts, without case and underscores
    "nondemented": "non-demented",
    "verymilddemented": "very mild",
    "milddemented": "mild",
    "moderatedemented": "moderate",
}
_NUMBERED = re.compile(r"(?:non|verymild|mild|moderate)(?:_(\d+))?\.jpe?g", re.ASCII | re.IGNORECASE)
_SYSTEM = re.compile(r"\..*|Thumbs\.db|desktop\.ini", re.IGNORECASE)  # what systems leave in folders
_PARTS = ("test", "train")  # in the order in which their files are numbered
_AGAIN = "Get it again: shd data fetch alzheimers"

Key = tuple[str, int]
"""Class and number: what an image is called in the table of people."""


def read_scans(archive: Path, wanted: pd.DataFrame) -> np.ndarray:
    """Read the images of a table of people, uint8 (n, 128, 128): one for each row with its ``class`` and ``number``."""
    keys = list(zip(wanted["class"], wanted["number"], strict=True))
    images = np.empty((len(keys), SIDE, SIDE), dtype=np.uint8)
    coloured = resized = 0
    try:
        with _opened(archive) as (names, read):
            files = _number(archive, names)
            _check_complete(archive, keys, files)
            for row, key in enumerate(keys):
                picture, was_coloured = decode(read(files[key]), f"{archive}, {files[key]}")
                images[row] = _fit(picture, f"{archive}, {files[key]}")
                coloured += was_coloured
                resized += picture.size == _WHOLE
    except ZIP_ERRORS as error:
        reason = first_line(error)
        raise ShdError(f"{archive}: not the MRI archive, or a broken one ({reason}). {_AGAIN}") from None
    if coloured:
        notice(f"{archive.name}: {coloured:,} images were in colour and have been made grey.")
    if resized:
        notice(f"{archive.name}: {resized:,} images of 176 x 208 pixels were brought to {SIDE} x {SIDE}.")
    return images


@contextmanager
def _opened(archive: Path) -> Iterator[tuple[list[str], Callable[[str], bytes]]]:
    """Give the names of the files in a zip or folder, and a function that reads one."""
    if archive.is_dir():
        above = archive.parent  # the folder's own name counts: it may be that of a class
        names = [path.relative_to(above).as_posix() for path in archive.rglob("*") if path.is_file()]
        yield sorted(names), lambda name: (above / name).read_bytes()
    else:
        with zipfile.ZipFile(archive) as content:
            yield [entry.filename for entry in content.infolist() if not entry.is_dir()], content.read


def _number(archive: Path, names: list[str]) -> dict[Key, str]:
    """Return the file of every image, by class and number."""
    found = defaultdict(list)  # by class and part, "" in the layout without parts
    for name in names:
        path = PurePosixPath(name)
        level = _FOLDERS.get(path.parent.name.lower().replace("_", ""))
        if level is not None and not _SYSTEM.fullmatch(path.name) and "__MACOSX" not in path.parts:
            part = path.parent.parent.name.lower()
            found[level, part if part in _PARTS else ""].append(path)
    parts = {part for _, part in found}
    if not found:
        raise ShdError(f"{archive}: holds no folder of a class, such as Mild_Demented or MildDemented. {_AGAIN}")
    if "" in parts and len(parts) > 1:
        raise ShdError(f"{archive}: holds the data twice, with and without the folders train and test; keep one.")
    files = {}
    for level in _FOLDERS.values():
        for number, path in _by_name(found[level, ""]) if "" in parts else _by_order(found, level):
            if (level, number) in files:
                raise ShdError(f"{archive}: {files[level, number]} and {path} are the same image; keep one.")
            files[level, number] = str(path)
    return files


def _by_name(paths: list[PurePosixPath]) -> Iterator[tuple[int, PurePosixPath]]:
    for path in paths:
        match = _NUMBERED.fullmatch(path.name)
        if match is None:
            raise ShdError(f"{path}: not called as an image of this data set, such as mild_10.jpg; take it out.")
        yield int(match[1] or 1), path


def _by_order(found: dict[tuple[str, str], list[PurePosixPath]], level: str) -> Iterator[tuple[int, PurePosixPath]]:
    number, seen = 0, {}
    for part in _PARTS:
        for path in sorted(found[level, part], key=_natural):
            if path.suffix.lower() not in (".jpg", ".jpeg", ".png"):
                raise ShdError(f"{path}: not an image of this data set; take it out.")
            # the same file in two folders would move all that follow: it keeps the number that it has
            number += (part, path.name) not in seen
            yield seen.setdefault((part, path.name), number), path


def _natural(path: PurePosixPath) -> list[str | int]:
    """Return what orders names as people do: 2 before 10. With the suffix, 26.jpg comes after 26 (28).jpg."""
    return [int(piece) if place % 2 else piece for place, piece in enumerate(re.split(r"([0-9]+)", path.name))]


def _check_complete(archive: Path, keys: list[Key], files: dict[Key, str]) -> None:
    for level in dict.fromkeys(level for level, _ in keys):
        needed = {number for of, number in keys if of == level}
        there = {number for of, number in files if of == level}
        if not there:
            raise ShdError(f"{archive}: the class {level!r} is empty or missing. {_AGAIN}")
        missing, unknown = sorted(needed - there), sorted(there - needed)
        if missing or unknown:
            what = (
                f"lacks number {describe_columns(missing, 3)}" if missing else f"has {describe_columns(unknown, 3)} too"
            )
            raise ShdError(
                f"{archive}: the class {level!r} has {len(there):,} images where {len(needed):,} are known, numbered "
                f"from 1; it {what}. {_AGAIN}"
            )


def _fit(picture: Image.Image, where: str) -> Image.Image:
    """Bring a picture to 128 x 128."""
    if picture.size == _WHOLE:
        # squeezed and not cropped, as the owner did: a brain 1.22 times as long as wide is 1.03 there
        return picture.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    if picture.size != (SIDE, SIDE):
        width, height = picture.size
        raise ShdError(f"{where}: {width} x {height} pixels, not {SIDE} x {SIDE} (or 176 x 208). {_AGAIN}")
    return picture
