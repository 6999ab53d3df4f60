"""Anybody's own records as a challenge takes them: a table from a file, or pictures from a folder."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd._progress import notice
from shd.dataset import DataCard, Dataset, describe_columns, is_numeric
from shd.datasets._pictures import decode
from shd.releases.generate import with_subjects_found
from shd.synthesizers._protect import MIN_PEOPLE, Protection
from shd.tables.types import text_of

LABELS = "labels.csv"
_PICTURES = (".png", ".jpg", ".jpeg")
_MOST_LEVELS = 10  # of a target that is predicted level by level
_SMALLEST = 16  # pixels a side


def read_own(path: Path, target: str | None, subject: str | None, card: DataCard, name: str) -> Dataset:
    """Read somebody's own data, as they may be handed out: without what identifies people, or what few of them have.

    People get new numbers, in no order.
    """
    if path.is_dir():
        data = _read_pictures(path, target or "class", subject, card, name)
    elif target is None:
        raise ShdError(f"{path}: what is to be predicted? Name the column: --target COLUMN")
    else:
        data = Dataset.from_csv(path, target=target, subject=subject, card=card, name=name)
    known = data.frame[data.target].notna().to_numpy()
    if not known.all():
        notice(f"{int((~known).sum()):,} records without {data.target!r} were left out.")
        data = data.take(known)
    data = with_subjects_found(_with_levels(data))
    protection = Protection.fit(data, MIN_PEOPLE)
    if protection.done.sentence:
        notice(protection.done.sentence.partition(". To have them")[0] + ".")
    data = protection.apply(data)
    codes, ids = pd.factorize(data.subjects)
    return replace(data, subjects=np.random.default_rng(0).permutation(len(ids))[codes], levels_read=())


def _with_levels(data: Dataset) -> Dataset:
    """Make a target of few numbers, or of yes and no, one of levels; refuse one of too many."""
    values = data.frame[data.target]
    levels = values.nunique()
    if is_numeric(values) and levels > _MOST_LEVELS:
        return data
    if not 2 <= levels <= _MOST_LEVELS:
        raise ShdError(
            f"target {data.target!r} has {levels} levels; 2 to {_MOST_LEVELS} can be predicted. Group them, or take "
            "another column."
        )
    if not isinstance(values.dtype, pd.CategoricalDtype) or not all(isinstance(c, str) for c in values.cat.categories):
        order = list(dict.fromkeys(text_of(level) for level in sorted(values.unique())))
        values = values.astype(object).map(text_of).astype(pd.CategoricalDtype(order))
    counts = tuple(column for column in data.counts if column != data.target)
    return replace(data, frame=data.frame.assign(**{data.target: values}), counts=counts)


def _read_pictures(folder: Path, target: str, subject: str | None, card: DataCard, name: str) -> Dataset:
    """Read a folder of pictures: one folder a class, or with a table ``labels.csv`` that names file and class."""
    labels = folder / LABELS
    table = _labelled(labels, target, subject) if labels.is_file() else _in_folders(folder, target)
    pictures = [_picture(folder / file, file) for file in table.pop("file")]
    sizes = sorted({picture.shape for picture in pictures})
    if len(sizes) > 1:
        shown = " and ".join(f"{height} x {width}" for height, width in sizes[:2])
        raise ShdError(f"{folder}: the pictures differ in size ({shown} pixels); make them all the same.")
    if min(sizes[0]) < _SMALLEST:
        raise ShdError(
            f"{folder}: pictures of {sizes[0][0]} x {sizes[0][1]} pixels; {_SMALLEST} x {_SMALLEST} at least."
        )
    subjects = table.pop(subject).to_numpy() if subject else None
    if subjects is None:
        notice(f"Every picture counts as a person. Where people have several: {LABELS}, and --subject COLUMN.")
    frame = table.astype({target: "category"})
    return Dataset(frame, target=target, subjects=subjects, images=np.stack(pictures), card=card, name=name)


def _labelled(file: Path, target: str, subject: str | None) -> pd.DataFrame:
    table = pd.read_csv(file)
    wanted = ["file", target, *([subject] if subject else [])]
    lacking = [column for column in wanted if column not in table]
    if lacking:
        raise ShdError(f"{file}: lacks the column {lacking[0]!r}; it has {describe_columns(list(table.columns))}.")
    if table[wanted].isna().any(axis=None):
        raise ShdError(f"{file}: has empty cells in {describe_columns(wanted)}; fill them, or take those rows out.")
    kept = [*wanted, *(["slice"] if "slice" in table and "slice" not in wanted else [])]
    return table[kept].astype({target: str})


def _in_folders(folder: Path, target: str) -> pd.DataFrame:
    files = sorted(path for path in folder.glob("*/*") if path.suffix.lower() in _PICTURES)
    if not files:
        raise ShdError(f"{folder}: holds no pictures. Put PNG or JPEG files into one folder a class, or add {LABELS}.")
    names = [path.relative_to(folder).as_posix() for path in files]
    return pd.DataFrame({"file": names, target: [path.parent.name for path in files]})


def _picture(path: Path, name: str) -> np.ndarray:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ShdError(f"{path}: cannot be read ({error.strerror}), though {LABELS} names it.") from None
    return np.asarray(decode(content, name)[0])
