"""A challenge: what its challenge.toml says, checked. Every program reads a challenge through here."""

from dataclasses import MISSING, dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from shd._errors import ShdError
from shd._paths import CHALLENGE, challenges_dir, is_challenge, told

TRACKS = ("predict", "synthesize", "notebook")
MEASURES = ("AUROC", "balanced accuracy", "R2", "share of known findings")
FORMATS = {
    "predict": ("csv", "parquet", "json"),
    "synthesize": ("csv", "parquet", "zip", "npz", "safetensors"),
    "notebook": ("ipynb",),
}
"""What can be handed in for a track; a challenge names those of them that it takes."""
_KINDS = {"str": str, "float": (int, float), "int": int, "bool": bool, "tuple": list, "dict": dict}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What teams may learn from, and what they are tested on: the split that everybody can make again."""

    train_on: str
    test_on: str
    test_size: float
    random_state: int


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One number of the track *predict*, or how many known findings a table replicates."""

    name: str
    measure: str
    meaning: str
    positive: tuple = ()  # levels of the target that an AUROC tells from the others
    counted: tuple = ()  # classes that a balanced accuracy is the mean of


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Predictions for given ids."""

    file: str  # without the ending, which is that of the format
    formats: tuple
    ids: str  # the records to predict: an id and the features
    columns: dict  # each column, and the levels of the target whose chance it holds; none for a number
    megabytes: float

    @property
    def is_number(self) -> bool:
        """Whether a number is predicted, and not chances."""
        return not any(self.columns.values())

    @property
    def is_whole(self) -> bool:
        """Whether the columns hold the chances of all classes, of which there is one."""
        levels = [level for named in self.columns.values() for level in named]
        return len(self.columns) > 2 and len(levels) == len(set(levels)) == len(self.columns)


@dataclass(frozen=True, kw_only=True)
class Synthesize:
    """A table, or pictures."""

    file: str
    formats: tuple
    like: str  # of `files`: the columns, dtypes and levels are those of this one
    fewest: int  # records
    most: int
    megabytes: float
    fails_at: str = "amber"  # verdict on the attacks of membership from which on it is not ranked


@dataclass(frozen=True, kw_only=True)
class Notebook:
    """The notebook, solved."""

    file: str
    formats: tuple
    megabytes: float


@dataclass(frozen=True, kw_only=True)
class Way:
    """How to spend so much time."""

    time: str
    goal: str


@dataclass(frozen=True, kw_only=True)
class Licence:
    """Under what terms the data may be used, and whom to thank."""

    name: str
    url: str = ""
    citation: str = ""


@dataclass(frozen=True, kw_only=True)
class Roles:
    """The roles of the columns of a data set that shd does not know; see `shd.Dataset`."""

    sensitive: tuple = ()
    counts: tuple = ()
    levels: tuple = ()  # of the classes of pictures, in order
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Challenge:
    """A challenge, as its challenge.toml describes it.

    `files` names what belongs to it, by what it is for: ``starter``, ``stand_in``, ``synthetic``. `tracks` holds
    `Predict`, `Synthesize` and `Notebook` by name, those that the challenge has.
    """

    folder: Path
    id: str
    title: str
    question: str
    dataset: str
    target: str
    subject: str
    rules: Rules
    metrics: tuple[Metric, ...]
    files: dict
    tracks: dict
    paths: tuple[Way, ...]
    licence: Licence
    data: Roles | None = None

    def path(self, name: str) -> Path | None:
        """Return where one of its `files` lies, or would lie; None where the challenge names none."""
        return self.folder / self.files[name] if name in self.files else None

    @property
    def is_of_images(self) -> bool:
        """Whether its data are pictures."""
        return Path(self.files.get("synthetic", "")).suffix == ".zip"

    @property
    def replicates(self) -> bool:
        """Whether known findings are a part of the score of synthetic records."""
        return any(metric.measure == "share of known findings" for metric in self.metrics)


_PARTS = {"rules": Rules, "licence": Licence, "data": Roles}
_LISTS = {"metrics": Metric, "paths": Way}
_OF_TRACKS = {"predict": Predict, "synthesize": Synthesize, "notebook": Notebook}
_FREE = ("files", "tracks", "folder")  # checked by hand


def read_challenge(folder: str | Path) -> Challenge:
    """Read the challenge.toml of a folder.

    Raises
    ------
    ShdError
        Where there is none, or what it says is not what a challenge has to say: one line names every key that is
        missing, unknown or of another kind.

    Examples
    --------
    >>> read_challenge("challenges/diabetes_ml").dataset  # doctest: +SKIP
    'diabetes'
    """
    folder = Path(folder)
    if not is_challenge(folder):
        raise ShdError(f"{folder}: no {CHALLENGE} in it. Give the folder of a challenge; see: shd challenge list")
    said, wrong = told(folder), []
    parts: dict[str, Any] = {name: _made(cls, said.get(name, {}), name, wrong) for name, cls in _PARTS.items()}
    parts["data"] = parts["data"] if "data" in said else None
    for name, cls in _LISTS.items():
        entries = said.get(name, [])
        rows = entries if isinstance(entries, list) else [entries]
        parts[name] = tuple(_made(cls, row, f"{name}, number {i}", wrong) for i, row in enumerate(rows, 1))
    parts["tracks"] = _tracks(said.get("tracks", {}), wrong)
    parts["files"] = said.get("files", {})
    _check_files(parts["files"], wrong)
    challenge = _made(Challenge, {**said, **parts, "folder": folder}, "", wrong, said)
    if not wrong:
        _check_sense(challenge, wrong)
    if wrong:
        raise ShdError(f"{folder / CHALLENGE}: {'; '.join(wrong)}. Mend the file.")
    return challenge


def all_challenges() -> list[Challenge]:
    """Return the challenges that ship, or those in ``$SHD_CHALLENGES``, by name."""
    return [read_challenge(file.parent) for file in sorted(challenges_dir().glob(f"*/{CHALLENGE}"))]


def find_challenge(name: str | Path) -> Challenge:
    """Return a challenge that ships, by name, or the one in a folder."""
    shipped = challenges_dir() / name
    if is_challenge(shipped):
        return read_challenge(shipped)
    if is_challenge(Path(name)):
        return read_challenge(name)
    known = sorted(file.parent.name for file in challenges_dir().glob(f"*/{CHALLENGE}"))
    raise ShdError(
        f"{name}: no challenge of that name, nor a folder with a {CHALLENGE}; known are {', '.join(known) or 'none'}."
    )


def _made(cls: type, said: object, where: str, wrong: list[str], given: dict | None = None) -> Any:
    """Make a data class of what the file says in one place; add to `wrong` what is missing, unknown or of no use."""
    at = f" in [{where}]" if where else ""
    if not isinstance(said, dict):
        wrong.append(f"{where!r} is no table of keys")
        return None
    known = {one.name: one for one in fields(cls)}
    asked = given if given is not None else said
    missing = [n for n, f in known.items() if f.default is MISSING and n not in (*asked, "folder")]
    unknown = [name for name in asked if name not in known or name == "folder"]
    if missing:
        wrong.append(f"lacks {', '.join(map(repr, missing))}{at}")
    for name in unknown:
        near = get_close_matches(name, known, 1)
        wrong.append(f"{name!r}{at} is unknown{f' (did you mean {near[0]!r}?)' if near else ''}")
    kept = {}
    for name in [name for name in known if name in said]:
        kind = _KINDS.get(str(getattr(known[name].type, "__name__", known[name].type)).partition("[")[0])
        value = said[name]
        if kind and name not in (*_LISTS, *_PARTS, *_FREE) and not _is_a(value, kind):
            wrong.append(f"{name!r}{at} is {value!r}, where {_called(kind)} belongs")
        kept[name] = tuple(value) if isinstance(value, list) else value
    return None if missing else cls(**kept)


def _is_a(value: object, kind: type | tuple) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _called(kind: type | tuple) -> str:
    names = {str: "text", int: "a whole number", bool: "true or false", list: "a list", dict: "a table of keys"}
    return names.get(kind, "a number")


def _tracks(said: object, wrong: list[str]) -> dict:
    if not isinstance(said, dict) or not said:
        wrong.append("'tracks' must hold one of " + ", ".join(f"[tracks.{name}]" for name in TRACKS))
        return {}
    wrong += [f"track {name!r} is unknown; known are {', '.join(TRACKS)}" for name in said if name not in TRACKS]
    made = {name: _made(_OF_TRACKS[name], said[name], f"tracks.{name}", wrong) for name in TRACKS if name in said}
    for name, track in made.items():
        for one in track.formats if track else ():
            if one not in FORMATS[name]:
                wrong.append(f"format {one!r} in [tracks.{name}] is not one of {', '.join(FORMATS[name])}")
    return made


def _check_files(files: object, wrong: list[str]) -> None:
    if not isinstance(files, dict):
        wrong.append("'files' is no table of keys")
        return
    wrong += [f"{name!r} in [files] is {path!r}, where text belongs" for name, path in files.items()
              if not isinstance(path, str)]  # fmt: skip
    wrong += [f"lacks {name!r} in [files]" for name in ("readme", "starter", "synthetic") if name not in files]


def _check_sense(challenge: Challenge, wrong: list[str]) -> None:
    """Say what cannot be right, though every key is there."""
    if not 0 < challenge.rules.test_size < 1:
        wrong.append(f"'test_size' in [rules] is {challenge.rules.test_size}, not between 0 and 1")
    for metric in challenge.metrics:
        if metric.measure not in MEASURES:
            wrong.append(f"measure {metric.measure!r} of {metric.name!r} is not one of {', '.join(MEASURES)}")
    synthesize = challenge.tracks.get("synthesize")
    if synthesize and synthesize.like not in challenge.files:
        wrong.append(f"'like' in [tracks.synthesize] names {synthesize.like!r}, which is not in [files]")
    if synthesize and synthesize.fails_at not in ("amber", "red"):
        wrong.append(f"'fails_at' in [tracks.synthesize] is {synthesize.fails_at!r}, not amber or red")
