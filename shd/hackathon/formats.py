"""Files as they are handed in: tables and stacks of pictures, read with limits, and nothing in them is ever run.

A pickle runs what its author likes while it is read, and so does an array of objects: both are refused, by name and by
what the file holds. Everything else is measured before it is unpacked, for a small file can hold a large lie.
"""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from shd._errors import ShdError, first_line
from shd.datasets._pictures import ZIP_ERRORS, decode

PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".ckpt", ".npy", ".dill", ".sav")
"""Endings of what may run code when it is opened."""
INDEX = "index.csv"
_BROKEN = (
    ValueError, OSError, KeyError, TypeError, OverflowError, NotImplementedError, MemoryError, RecursionError, csv.Error
)  # fmt: skip
"""What readers raise on files that are not what they say; Arrow's errors are kinds of these."""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same pictures give the same bytes
_DIGITS = 19  # of a whole number that fits into 64 bits, less one
_COLUMNS = 2000  # of a table
_ROOM = 400  # bytes that the cells of a record may take, pictures apart
_TINY = 65_536  # bytes that a small picture may take beyond its pixels


@dataclass(frozen=True)
class Limits:
    """How large what is handed in may be: records, and for pictures their height and width."""

    records: int
    size: tuple[int, int] = (0, 0)

    @property
    def unpacked(self) -> int:
        """Bytes that a stack of pictures, with its table, may take in memory."""
        return self.records * (self.size[0] * self.size[1] + _ROOM)


def is_pickle(path: Path) -> bool:
    """Whether a file is, or holds, a pickle, by its name or by its content."""
    if path.suffix.lower() in PICKLES:
        return True
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as stream:
        start = stream.read(4)
    if start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05" and start[1:2]:  # PROTO, and its number
        return True
    if start != b"PK\x03\x04":
        return False
    try:
        with zipfile.ZipFile(path) as archive:  # torch keeps its pickle in a zip
            endings = {Path(name).suffix.lower() for name in archive.namelist()}
            return bool(endings & (set(PICKLES) - {".npy"}))  # NPZ holds these, which are read without pickles
    except ZIP_ERRORS:
        return False


def read_table(path: Path, limits: Limits) -> pd.DataFrame:
    """Read a table as it was written: text of a CSV stays text, whatever it looks like."""
    readers = {".csv": _csv, ".parquet": _parquet, ".json": _json}
    try:
        return readers[path.suffix](path, limits)
    except _BROKEN as error:
        raise ShdError(
            f"{path.name}: cannot be read as {path.suffix[1:].upper()} ({first_line(error)}). Write it again."
        ) from None


def read_stack(path: Path, limits: Limits, levels: list[str], target: str) -> tuple[pd.DataFrame, np.ndarray]:
    """Read pictures and their table: a ZIP of PNG files, or arrays by name; `levels` are what codes of classes mean."""
    readers: dict[str, Callable] = {".zip": _zip, ".npz": _npz, ".safetensors": _safetensors}
    try:
        frame, images = readers[path.suffix](path, limits)
    except (*ZIP_ERRORS, ValueError, MemoryError, Image.DecompressionBombError) as error:
        raise ShdError(f"{path.name}: cannot be read ({first_line(error)}). Write it again.") from None
    if target in frame and pd.api.types.is_integer_dtype(frame[target]):
        codes = frame[target].to_numpy()
        if len(codes) and not (codes.min() >= 0 and codes.max() < len(levels)):
            raise ShdError(f"{path.name}: {target!r} holds codes beyond 0 to {len(levels) - 1} ({', '.join(levels)}).")
        frame[target] = np.array(levels, dtype=object)[codes]
    return frame, images


def write_pngs(path: Path, index: pd.DataFrame, images: np.ndarray, names: list[str]) -> Path:
    """Write grey pictures as PNG files into one ZIP, with their table; the same pictures give the same bytes."""
    index = index.copy()
    index.insert(0, "file", names)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        _add(archive, INDEX, index.to_csv(index=False, lineterminator="\n").encode())
        for name, image in zip(names, images, strict=True):
            content = io.BytesIO()
            Image.fromarray(image).save(content, "PNG")
            _add(archive, name, content.getvalue())
    return path


def _add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system, entry.external_attr = 3, 0o644 << 16  # as on Linux, wherever it is written
    archive.writestr(entry, content, zipfile.ZIP_DEFLATED if name == INDEX else zipfile.ZIP_STORED)


def _csv(path: Path, limits: Limits) -> pd.DataFrame:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header = next(csv.reader(stream), [])
    _no_twice(header)
    plain = {"dtype": str, "keep_default_na": False, "na_values": [""], "encoding": "utf-8-sig", "index_col": False}
    frame = pd.read_csv(path, nrows=limits.records + 1, **plain)
    if len(frame) > limits.records:
        raise ValueError(f"more than {limits.records:,} records")
    return _few_enough(frame, limits)


def _parquet(path: Path, limits: Limits) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    _no_twice(file.schema_arrow.names)
    if file.metadata.num_rows > limits.records:
        raise ValueError(f"{file.metadata.num_rows:,} records, {limits.records:,} at most")
    is_text = (pa.types.is_string, pa.types.is_large_string)
    texts = [one.name for one in file.schema_arrow if any(fits(one.type) for fits in is_text)]
    table = pq.read_table(path, read_dictionary=texts)  # a long text that is repeated stays one text
    frame = table.to_pandas(ignore_metadata=True)  # a named index is a column like any other
    return _few_enough(frame.drop(columns=[name for name in frame if name.startswith("__index_level_")]), limits)


def _json(path: Path, limits: Limits) -> pd.DataFrame:
    said = json.loads(path.read_text(encoding="utf-8"), parse_int=_whole)
    rows = isinstance(said, list) and all(isinstance(row, dict) for row in said)
    columns = isinstance(said, dict) and all(isinstance(column, list) for column in said.values())
    if not rows and not columns:
        raise ValueError("neither a list of records nor a list for each column")
    return _few_enough(pd.DataFrame(said), limits)


def _whole(digits: str) -> int | float:
    """Read a whole number, as a float where no column could hold it."""
    return int(digits) if len(digits) < _DIGITS else float(digits)


def _few_enough(frame: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    if len(frame) > limits.records:
        raise ValueError(f"{len(frame):,} records, {limits.records:,} at most")
    if frame.shape[1] > _COLUMNS:
        raise ValueError(f"{frame.shape[1]:,} columns, {_COLUMNS:,} at most")
    for name, values in frame.items():
        if values.dtype == object and not values.map(pd.api.types.is_scalar).all():
            raise ValueError(f"column {name!r} holds lists or other nested values")
    return frame


def _no_twice(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"column {twice[0]!r} is there twice")


def _zip(path: Path, limits: Limits) -> tuple[pd.DataFrame, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        if INDEX not in sizes:
            raise ValueError(f"lacks {INDEX}")
        _check_sizes(sizes, limits)
        index = pd.read_csv(io.BytesIO(archive.read(INDEX)), dtype=str, keep_default_na=False, na_values=[""])
        if "file" not in index:
            raise ValueError(f"{INDEX} has no column 'file'")
        _few_enough(index, limits)
        lacking = [name for name in index["file"] if name not in sizes]
        if lacking:
            raise ValueError(f"lacks {lacking[0]!r}, which {INDEX} names")
        images = [_picture(archive.read(name), name, limits.size) for name in index["file"]]
    return index.drop(columns="file"), np.stack(images) if images else np.empty((0, *limits.size), np.uint8)


def _check_sizes(sizes: dict[str, int], limits: Limits) -> None:
    """Refuse what unpacks to more than pictures need: Python reads no more of a file than its entry says."""
    if len(sizes) > limits.records + 1:
        raise ValueError(f"{len(sizes):,} files, {limits.records + 1:,} at most")
    most = 4 * limits.size[0] * limits.size[1] + _TINY
    large = [name for name, size in sizes.items() if size > (limits.records * _ROOM if name == INDEX else most)]
    if large:
        raise ValueError(f"{large[0]!r} unpacks to {sizes[large[0]]:,} bytes")


def _picture(content: bytes, name: str, size: tuple[int, int]) -> np.ndarray:
    with Image.open(io.BytesIO(content), formats=("JPEG", "PNG")) as picture:  # looks at the header alone
        if picture.size != size[::-1]:
            raise ValueError(f"{name!r} is {picture.height} x {picture.width} pixels, not {size[0]} x {size[1]}")
    return np.asarray(decode(content, name)[0])


def _npz(path: Path, limits: Limits) -> tuple[pd.DataFrame, np.ndarray]:
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > limits.unpacked:
            raise ValueError(f"unpacks to more than {limits.unpacked:,} bytes")
    with np.load(path, allow_pickle=False) as file:
        return _stack({name: file[name] for name in file.files}, limits)


def _safetensors(path: Path, limits: Limits) -> tuple[pd.DataFrame, np.ndarray]:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        arrays = load_file(path)
    except SafetensorError as error:
        raise ValueError(first_line(error)) from None
    return _stack(arrays, limits)


def _stack(arrays: dict[str, np.ndarray], limits: Limits) -> tuple[pd.DataFrame, np.ndarray]:
    images = arrays.pop("images", None)
    if images is None:
        raise ValueError("has no array 'images'")
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != limits.size:
        wanted = f"uint8, n x {limits.size[0]} x {limits.size[1]}"
        raise ValueError(f"'images' is {images.dtype}, {' x '.join(map(str, images.shape))}, not {wanted}")
    odd = [name for name, values in arrays.items() if values.shape != images.shape[:1]]
    if odd:
        raise ValueError(f"{odd[0]!r} has not one value a picture")
    return _few_enough(pd.DataFrame(arrays), limits), images
