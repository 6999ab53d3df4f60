"""Open what a user names on the command line: a data set by name, or a table by its path."""

from dataclasses import replace
from pathlib import Path

from shd._errors import ShdError
from shd.dataset import DataCard, Dataset
from shd.datasets.registry import DATASETS, real_path, shipped_path


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
    """Open a data set by name, or a table by its path."""
    if what in DATASETS:
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
    from shd.datasets import load

    for option, value in known.items():
        if value is not None:
            raise ShdError(f"{name} knows its {option}; leave --{option} out.")
    data = load(name, source)
    if target is not None:
        data = replace(data, target=target)
    return data, real_path(name) if data.source == "real" else shipped_path(name, data.source)
