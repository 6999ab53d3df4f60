"""Data sets by name: `load` reads what is on disk, `fetch` and `add` put the real one there."""

from dataclasses import replace
from pathlib import Path

from shd._errors import ShdError
from shd._paths import challenges_dir
from shd._progress import notice
from shd.dataset import SOURCES, DataCard, Dataset
from shd.datasets._pictures import as_stored, read_pictures, write_pictures
from shd.datasets.archive import add, fetch, list_datasets, verify
from shd.datasets.registry import (
    DATASETS,
    archive_path,
    is_known,
    own_path,
    real_path,
    recipe_of,
    shipped_path,
)

__all__ = [
    "DATASETS",
    "add",
    "archive_path",
    "as_stored",
    "challenges_dir",
    "fetch",
    "list_datasets",
    "load",
    "read_pictures",
    "shipped_path",
    "verify",
    "write_pictures",
]

_CALLED = {"synthetic": "the synthetic data", "stand-in": "the stand-in"}
_NOTES = {
    "synthetic": "Synthetic: every record was drawn from a model of the real table.",
    "stand-in": (
        "Stand-in: a second, independent synthetic cohort in place of the real data. "
        "What is found on it is not a finding about patients."
    ),
}


def load(name: str, source: str | None = None) -> Dataset:
    """Load a data set from disk. Nothing is downloaded.

    Inside the folder of a challenge, the release and the stand-in of its data set are those of this folder.

    Parameters
    ----------
    name : str
        For example ``"diabetes"``; `list_datasets` shows all.
    source : {"real", "synthetic", "stand-in"}, optional
        Without it: the real data if they are on disk, else the stand-in, and a line on standard
        error says which.

    Returns
    -------
    Dataset
        Its `source` says where the rows come from, and so does its card.

    Raises
    ------
    ShdError
        Where the name or source is unknown, the data are not on disk, or the file is broken.
    """
    recipe, was_named = recipe_of(name), source is not None
    source = source or _best_source(name)
    if source not in SOURCES:
        raise ShdError(f"source={source!r} is not one of {', '.join(SOURCES)}.")
    if source == "real":
        path = real_path(name)
        if path is None:
            raise ShdError(_no_real_data(name))
        return recipe.build(path)
    path, is_own = shipped_path(name, source), own_path(name, source) is not None
    if not path.is_file():
        todo = "copy the challenge anew" if is_own else "install shd again, or set SHD_CHALLENGES"
        raise ShdError(f"{name}, {source}: not on disk ({path}); {todo}.")
    if was_named and is_own:
        notice(f"{name}: {_CALLED[source]} of this folder.")
    data = recipe.read(path, source)
    return replace(data, card=replace(data.card, notes=(_NOTES[source], *data.card.notes)))


def _best_source(name: str) -> str:
    """Choose the real data, else the stand-in, else what there is, and say so."""
    if real_path(name) is not None:
        notice(f"{name}: the real data{'' if name in DATASETS else ' of this folder'}.")
        return "real"
    source = "stand-in" if name in DATASETS or own_path(name, "stand-in") else "synthetic"
    which = f"{_CALLED[source]}{' of this folder' if own_path(name, source) else ''}"
    get = f" (shd data fetch {name})" if name in DATASETS else ""
    notice(f"{name}: {which}, as the real data are not on disk{get}.")
    return source


def _no_real_data(name: str) -> str:
    if name in DATASETS:
        return f"{name}, real: not on disk ({archive_path(name)}); run: shd data fetch {name}"
    return f"{name}, real: this challenge has none on disk; take source='stand-in' or 'synthetic'."


def open_data(
    what: str,
    *,
    source: str | None = None,
    target: str | None = None,
    subject: str | None = None,
    sensitive: tuple[str, ...] = (),
    licence: str | None = None,
    citation: str = "",
    reading: dict | None = None,
) -> tuple[Dataset, Path]:
    """Open what a user names on the command line: a data set by name, or a table by its path."""
    if is_known(what):
        if any(value not in (None, 0, ()) for value in (reading or {}).values()):
            raise ShdError(f"{what} is read as it should be; leave out what says how to read a file, such as --skip.")
        return _open_known(
            what, source, target, {"subject": subject, "licence": licence, "sensitive": sensitive or None}
        )
    path = Path(what).expanduser()
    if not path.exists():
        raise ShdError(f"{what}: neither a data set ({', '.join(DATASETS)}) nor a file. Check the name: shd data list")
    card = DataCard(title=path.stem, licence=licence or "unknown", citation=citation)
    roles = {"target": target, "subject": subject, "sensitive": sensitive, "card": card}
    return Dataset.from_csv(path, source=source or "real", **roles, **(reading or {})), path


def _open_known(name: str, source: str | None, target: str | None, known: dict) -> tuple[Dataset, Path]:
    for option, value in known.items():
        if value is not None:
            raise ShdError(f"{name} knows its {option}; leave --{option} out.")
    data = load(name, source)
    if target is not None:
        data = replace(data, target=target)
    return data, real_path(name) if data.source == "real" else shipped_path(name, data.source)
