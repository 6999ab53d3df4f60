"""Grey pictures in files: one from its bytes, and a whole data set of them in one zip."""

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from shd._errors import ShdError, first_line
from shd._parallel import in_parallel
from shd._progress import progress
from shd.dataset import Dataset, describe_columns

ZIP_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError, RuntimeError)
"""What a broken, locked or foreign zip raises while it is read."""

_QUALITY = 90  # of the JPEG files, 1 to 95: that of the real scans, so that files do not tell them apart
_ROUNDS = 30  # of writing and reading, after which a picture is left as it is; scans take about six
_AT_ONCE = 200
_INDEX = "index.csv"
_COLOUR = {"RGB", "RGBA", "LA", "P", "CMYK", "YCbCr"}  # Pillow's names of what can be made grey
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the time of every file in a zip: the same input gives the same bytes
_AGAIN = "Write or download it again."


def decode(content: bytes, where: str) -> tuple[Image.Image, bool]:
    """Read one JPEG or PNG file: the picture, grey with 8 bits a pixel, and whether it was in colour."""
    try:
        picture = Image.open(io.BytesIO(content), formats=("JPEG", "PNG"))
        picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        # Pillow's word for a file that it does not know names an object, which says nothing to people
        reason = "unknown format" if isinstance(error, Image.UnidentifiedImageError) else str(error)
        raise ShdError(f"{where}: not an image, or a truncated one ({reason}). Get this file again.") from None
    if picture.mode == "L":
        return picture, False
    if picture.mode in _COLOUR:
        return picture.convert("L"), True
    raise ShdError(f"{where}: an image of kind {picture.mode}; save it as grey with 8 bits a pixel.")


def as_stored(images: np.ndarray) -> np.ndarray:
    """Return what is left of images after they were written and read: JPEG loses a little, and then nothing more."""
    stored = np.empty_like(images)
    with progress(len(images), "pictures as they are stored") as bar:
        for first in range(0, len(images), _AT_ONCE):
            rows = slice(first, first + _AT_ONCE)
            stored[rows] = [image for _, image in in_parallel(_settled, images[rows])]
            bar.advance(len(stored[rows]))
    return stored


def write_pictures(path: str | Path, data: Dataset) -> Path:
    """Write images with their table into one zip; the same dataset gives the same bytes.

    The zip holds grey JPEG files in a folder for each class, as ``very-mild/0001.jpg``, and
    ``index.csv``: one row an image, in the order of the dataset, with its file, the columns of
    the frame, and the subject where several images share one.
    """
    if data.images is None or data.target is None:
        raise ShdError(f"{data.name}: pictures need a dataset with images and a target; this one lacks them.")
    path = Path(path)
    folders = data.frame[data.target].astype(str).map(_folder)
    numbers = folders.groupby(folders).cumcount() + 1
    files = [f"{folder}/{number:04d}.jpg" for folder, number in zip(folders, numbers, strict=True)]
    index = data.frame.copy()
    index.insert(0, "file", files)
    if len(pd.unique(data.subjects)) < len(data):
        index["subject"] = data.subjects

    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        _add(archive, _INDEX, index.to_csv(index=False, lineterminator="\n").encode(), zipfile.ZIP_DEFLATED)
        for file, image in zip(files, data.images, strict=True):
            _add(archive, file, _settled(image)[0], zipfile.ZIP_STORED)  # JPEG does not get smaller
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.getvalue())
    return path


def read_pictures(path: str | Path) -> tuple[pd.DataFrame, np.ndarray]:
    """Read a zip that `write_pictures` made: its index without ``file``, and the images, uint8 (n, height, width)."""
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
    except ZIP_ERRORS as error:
        reason = first_line(error)
        raise ShdError(f"{path}: not a zip of pictures, or a broken one ({reason}). {_AGAIN}") from None
    index = _read_index(path, contents)
    missing = [file for file in index["file"] if file not in contents]
    if missing:
        raise ShdError(f"{path}: lacks the images {describe_columns(missing)} that its index names. {_AGAIN}")
    pictures = [decode(contents[file], f"{path}, {file}")[0] for file in index["file"]]
    sizes = {picture.size for picture in pictures}
    if len(sizes) > 1:
        shown = " and ".join(f"{width} x {height}" for width, height in sorted(sizes)[:2])
        raise ShdError(f"{path}: the images differ in size ({shown}); make them all the same.")
    return index.drop(columns="file"), np.stack([np.asarray(picture) for picture in pictures])


def _read_index(path: Path, contents: Mapping[str, bytes]) -> pd.DataFrame:
    if _INDEX not in contents:
        raise ShdError(f"{path}: lacks {_INDEX}, so it is not a zip of pictures. {_AGAIN}")
    try:
        index = pd.read_csv(io.BytesIO(contents[_INDEX]), keep_default_na=False)
    except ValueError as error:  # not text, or not a table
        reason = first_line(error)
        raise ShdError(f"{path}: {_INDEX} cannot be read as a table ({reason}). {_AGAIN}") from None
    if "file" not in index or len(index) == 0:
        raise ShdError(f"{path}: {_INDEX} names no files. {_AGAIN}")
    return index


def _folder(level: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", level.lower()).strip("-") or "other"


def _settled(image: np.ndarray) -> tuple[bytes, np.ndarray]:
    """Return the file of an image, and what it holds: written and read until nothing changes.

    Who reads a release and writes it again gets the same files, and measures what was measured.
    """
    for _ in range(_ROUNDS):
        content, before = _encode(image), image
        image = np.asarray(decode(content, "an image just written")[0])
        if np.array_equal(image, before):
            break
    return content, image


def _encode(image: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    return content.getvalue()


def _add(archive: zipfile.ZipFile, name: str, content: bytes, compression: int) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system = 3  # as on Linux, wherever it is written
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content, compression)
