"""Studies by folder: the findings that a challenge brings with it, or anybody's own."""

import hashlib
import importlib.util
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from shd._errors import ShdError
from shd._paths import challenges_dir
from shd.compare.findings.finding import Finding
from shd.compare.findings.replication import check


class Studies(tuple[Finding, ...]):
    """The findings of a folder, and how a card names it: ``diabetes_bioinformatics/studies``."""

    name = ""


def load(folder: str | Path) -> Studies:
    """Import the package in a folder and return its ``FINDINGS``.

    The folder holds ``__init__.py`` with ``FINDINGS``, a sequence of `Finding`; its other modules are imported
    relatively. What comes back is what ``shd.compare(..., findings=...)`` takes.

    Examples
    --------
    >>> studies = load("challenges/diabetes_bioinformatics/studies")  # doctest: +SKIP
    """
    folder = Path(folder).expanduser().resolve()
    found = Studies(check(getattr(_package(folder), "FINDINGS", None) or _none(folder)))
    found.name = _name_of(folder)
    return found


def of_dataset(name: str) -> Studies:
    """Return the findings of the challenge with this data set, none where it brings none."""
    return next((load(folder) for dataset, folder in _named() if dataset == name), Studies())


def of_card(card: dict) -> Studies:
    """Return the findings that the scores of a release were measured with; they are looked for among the challenges.

    A card says no folder that is run unseen: its name has to be one that some challenge.toml names.
    """
    name = (card.get("comparison") or {}).get("findings")
    if name is None:  # of an earlier version
        asked = any(score["metric"] == "replication rate" for score in card["scores"])
        return of_dataset(card["made_from"]["name"]) if asked else Studies()
    for _, folder in _named():
        if _name_of(folder) == name:
            return load(folder)
    raise ShdError(f"the card names the findings {name}, which no challenge has; give their folder: --findings FOLDER.")


def _named() -> Iterator[tuple[str | None, Path]]:
    """Yield the data set and the folder of studies of each challenge whose challenge.toml names one that is there."""
    for file in sorted(challenges_dir().glob("*/challenge.toml")):
        told = tomllib.loads(file.read_text(encoding="utf-8"))
        folder = (file.parent / told.get("files", {}).get("studies", "")).resolve()
        if (folder / "__init__.py").is_file():
            yield told.get("dataset"), folder


def _name_of(folder: Path) -> str:
    return "/".join(folder.parts[-2:])


def _package(folder: Path) -> ModuleType:
    """Import a folder under a name of its own, once: two folders called studies are two packages."""
    name = f"shd_studies_{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(
        name, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if not (folder / "__init__.py").is_file():
        _none(folder)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise ShdError(f"{folder}: cannot be imported ({type(error).__name__}: {error}). Mend it.") from error
    return module


def _none(folder: Path) -> None:
    raise ShdError(f"{folder}: no studies. Give a folder whose __init__.py holds FINDINGS, a list of findings.")
