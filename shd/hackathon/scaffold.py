"""A new challenge around one's own records: a folder with all that a challenge needs, which can be used at once."""

import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

import pandas as pd

from shd._errors import ShdError, ShdWarning
from shd._paths import CHALLENGE, challenges_dir
from shd.compare.ask import ask
from shd.dataset import DataCard, Dataset, is_numeric
from shd.datasets._pictures import write_pictures
from shd.datasets.own import SUBJECT
from shd.datasets.registry import DATASETS
from shd.hackathon.baseline import predictions
from shd.hackathon.challenge import Challenge, read_challenge
from shd.hackathon.own_data import read_own
from shd.hackathon.people import ID, rehearsal, write_asked, write_side
from shd.hackathon.start import SUBMISSIONS, TEAM, requirements
from shd.hackathon.starter import starter
from shd.releases.generate import Steps, generate, make_synthesizer, sample_apart
from shd.releases.release import all_or_nothing, make_release, save_text

if TYPE_CHECKING:
    from shd.synthesizers import Synthesizer

_HELD_BACK, _SEED = 0.2, 0
_FEWEST_PEOPLE = 40
_COMPONENTS = (60, 20, 8, 3, 1)  # of pictures, the most that do not tell of people
_ATTACKS = ("copies and distances", "membership inference")
_LICENCE = "for this challenge only"
_IGNORED = "organiser/\n.venv/\n__pycache__/\n.ipynb_checkpoints/\n"


@dataclass(frozen=True)
class Made:
    """A challenge that was made, and how many people teams may see of it."""

    folder: Path
    challenge: str
    people: int
    held_back: int

    def to_dict(self) -> dict:
        """Return it as JSON knows it."""
        return {**vars(self), "folder": str(self.folder)}


def new(
    folder: str | Path,
    data: str | Path,
    target: str | None = None,
    subject: str | None = None,
    *,
    title: str | None = None,
    licence: str = _LICENCE,
    citation: str = "",
    force_red: bool = False,
) -> Made:
    """Make a challenge around a table, or a folder of pictures.

    A fifth of the people is held back in ``organiser/``. The others are for teams, and a quick synthesizer learns from
    the train side of them. What identifies people, or few of them have, is taken out before.

    Parameters
    ----------
    folder : str or pathlib.Path
        The folder to make; its name is that of the challenge and of its data set.
    data : str or pathlib.Path
        A CSV or Parquet file; or a folder of PNG or JPEG files, one folder a class, or with a ``labels.csv``.
    target, subject : str, optional
        Column to predict (of pictures by default ``class``), and column with the person's id.
    title, licence, citation : str, optional
        What the challenge is called; terms of use; whom to thank.
    force_red : bool, default False
        Write the synthetic copy though its privacy is red, marked as such: where the records are no secret.

    Raises
    ------
    ShdError
        Where the folder holds something, the data cannot be read, there are too few people, or the privacy of the
        synthetic copy is red.

    Examples
    --------
    >>> new("my-challenge", "my.csv", target="sick", subject="patient")  # doctest: +SKIP
    """
    folder = Path(folder)
    name = re.sub(r"[^\w.-]+", "-", folder.resolve().name)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ShdError(f"{folder}: not empty. Name a folder that is not there yet.")
    if name in DATASETS:
        raise ShdError(f"{name}: a data set of shd is called so; name the folder of your challenge otherwise.")
    title = title or name.replace("-", " ").replace("_", " ").capitalize()
    steps = Steps(6)
    steps("load", str(data))
    whole = read_own(Path(data), target, subject, DataCard(title=title, licence=licence, citation=citation), name)
    steps.loaded(whole)
    _check(whole)
    people, held_back = whole.split(_HELD_BACK, _SEED)
    with all_or_nothing(folder, "the challenge") as part:
        _fill(part, name, people, held_back, steps, force_red)
    counted = (len(set(side.subjects)) for side in (people, held_back))
    return Made(folder, name, *counted)


def _check(data: Dataset) -> None:
    people = len(set(data.subjects))
    if people < _FEWEST_PEOPLE:
        raise ShdError(f"{people} people are too few for a challenge; {_FEWEST_PEOPLE} at least.")
    taken = {ID, SUBJECT} & set(data.frame.columns)
    if taken:
        raise ShdError(f"column {sorted(taken)[0]!r} has a name that challenges use for people; rename it.")


def _fill(folder: Path, name: str, people: Dataset, held_back: Dataset, steps: Steps, force_red: bool) -> None:
    ending = "parquet" if people.images is None else "zip"
    write_side(people, folder / "data" / f"people.{ending}")
    write_side(held_back, folder / "organiser" / f"held-back.{ending}")
    save_text(folder / CHALLENGE, challenge_toml(name, people, ending))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShdWarning)  # the report of the release says the same
        # a model of few pictures knows whom it has learned from, and is not handed on
        how = {"random_state": _SEED, "steps": steps, "with_model": people.images is None}
        made = generate(people, _synthesizer(people), **how)
        make_release(folder / "data" / "release", **vars(made), force_red=force_red)
    steps("write", "page, starter and baseline")
    save_text(folder / "README.md", "")
    save_text(folder / "starter.ipynb", "")
    (folder / "example").mkdir()
    challenge = read_challenge(folder)
    save_text(folder / "README.md", _page(challenge, people))
    save_text(folder / "starter.ipynb", starter(challenge, people))
    page = challenges_dir() / SUBMISSIONS
    if page.is_file():
        save_text(folder / SUBMISSIONS, page.read_text(encoding="utf-8"))
    save_text(folder / "requirements.txt", requirements(challenge))
    save_text(folder / ".gitignore", _IGNORED)
    save_text(folder / TEAM, f'team = "baseline"\nchallenge = {_quoted(name)}\nmembers = []\n')
    _baseline(challenge, made.synthetic)


def _synthesizer(people: Dataset) -> "Synthesizer":
    """Return a quick synthesizer; of pictures the one with most components that does not know people by heart."""
    if people.images is None:
        return make_synthesizer("BayesianNetwork", random_state=_SEED)
    train, holdout = people.split(_HELD_BACK, _SEED)
    for components in _COMPONENTS:
        model = make_synthesizer("SliceGaussian", random_state=_SEED, components=components)
        made, _ = sample_apart(model.fit(train), train, len(train))
        found = [ask(name, train, made, holdout=holdout) for name in _ATTACKS]
        if not any(score.verdict == "red" for result in found for score in result.scores):
            break
    return make_synthesizer("SliceGaussian", random_state=_SEED, components=components)


def _baseline(challenge: Challenge, synthetic: Dataset) -> None:
    """Hand in a baseline: it is the example of the challenge, too."""
    asked = rehearsal(challenge)
    write_asked(asked, challenge.folder / challenge.tracks["predict"].ids)
    for place in ("example", "submission"):
        folder = challenge.folder / place
        folder.mkdir(exist_ok=True)
        predictions(challenge, synthetic, asked).to_csv(folder / "predictions.csv", index=False, lineterminator="\n")
        if synthetic.images is None:
            synthetic.frame.to_parquet(folder / "synthetic.parquet", compression="zstd", index=False)
        else:
            write_pictures(folder / "synthetic.zip", replace(synthetic, subjects=None))


# What the challenge says of itself ------------------------------------------------------------------------


def challenge_toml(name: str, people: Dataset, ending: str) -> str:
    """Return the challenge.toml of a new challenge."""
    columns, metrics = _asked(people)
    card, many = people.card, 200_000 if people.images is None else 20_000
    fewest = min(1000, int(len(people) * (1 - _HELD_BACK) / 2))
    formats = '["csv", "parquet"]' if people.images is None else '["zip", "npz", "safetensors"]'
    said = [
        "# What programs need to know about this challenge. README.md says the same to people.",
        *(f"{key} = {_quoted(value)}" for key, value in _about(name, people).items()),
        '\n[rules]\ntrain_on = "train side of the split, or the release"\ntest_on = "hidden people"',
        f"test_size = {_HELD_BACK}\nrandom_state = {_SEED}",
        *(_table("[metrics]", metric) for metric in metrics),
        _table("files", _files(ending)),
        f'\n[tracks.predict]\nfile = "submission/predictions"\nformats = ["csv", "parquet", "json"]\n'
        f'ids = "data/predict.{ending}"\nmegabytes = 20',
        _table("tracks.predict.columns", columns),
        f'\n[tracks.synthesize]\nfile = "submission/synthetic"\nformats = {formats}\nlike = "real"\n'
        f"fewest = {fewest}\nmost = {many}\nmegabytes = 200",
        '\n[tracks.notebook]\nfile = "starter"\nformats = ["ipynb"]\nmegabytes = 20',
        '\n[[paths]]\ntime = "15 minutes"\ngoal = "Run the starter from top to bottom and read it."',
        '\n[[paths]]\ntime = "2 hours"\ngoal = "Beat the baseline."',
        _table("licence", {"name": card.licence, "url": card.licence_url, "citation": card.citation}),
        _table("data", _roles(people)),
    ]
    return "\n".join(said) + "\n"


def _about(name: str, people: Dataset) -> dict[str, str]:
    what = "records" if people.images is None else "pictures"
    return {
        "id": name,
        "title": people.card.title,
        "question": f"What can a model that has only seen synthetic {what} tell about real people?",
        "dataset": name,
        "target": people.target,
        "subject": "person: splits never cut through one",
    }


def _files(ending: str) -> dict[str, str]:
    return {
        "readme": "README.md",
        "starter": "starter.ipynb",
        "example": "example",
        "real": f"data/people.{ending}",
        "held_back": f"organiser/held-back.{ending}",
        "release": "data/release",
        "synthetic": f"data/release/synthetic.{ending}",
    }


def _roles(people: Dataset) -> dict[str, list]:
    levels = [] if people.images is None else list(map(str, people.frame[people.target].cat.categories))
    return {"sensitive": list(people.sensitive), "counts": list(people.counts), "levels": levels}


def _asked(people: Dataset) -> tuple[dict[str, list[str]], list[dict]]:
    """Return what predictions hold, and by which metrics they are scored."""
    values = people.frame[people.target]
    if is_numeric(values):
        metric = {"name": "r2", "measure": "R2", "meaning": f"share of the variation of {people.target} explained"}
        return {"predicted": []}, [metric]
    counts = values.value_counts()
    levels = [str(level) for level in values.cat.categories if counts[level]]
    commonest = str(counts.index[0])
    positive = [level for level in levels if level != commonest]
    told = {"name": "auroc", "measure": "AUROC", "positive": positive}
    if len(levels) == 2:
        return {"chance": positive}, [{**told, "meaning": f"{people.target} is {positive[0]}"}]
    accuracy = {"name": "balanced_accuracy", "measure": "balanced accuracy", "counted": levels,
                "meaning": "mean share of people found right in each class"}  # fmt: skip
    return {level: [level] for level in levels}, [{**told, "meaning": f"any other than {commonest}"}, accuracy]


def _table(name: str, said: dict) -> str:
    return "\n".join([f"\n[{name}]", *(f"{_key(key)} = {_quoted(value)}" for key, value in said.items())])


def _key(name: str) -> str:
    """Return a key of TOML: bare where it can be, as people write it."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _quoted(name)


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)  # texts, and lists of them, are the same in TOML


def _page(challenge: Challenge, people: Dataset) -> str:
    template = Template((files("shd.hackathon") / "templates" / "README.md").read_text(encoding="utf-8"))
    what = "records" if people.images is None else "pictures of {} x {} pixels".format(*people.images.shape[1:])
    size = f"{len(people):,} {what} of {len(set(people.subjects)):,} people, {people.frame.shape[1]} columns"
    said = {
        **_about(challenge.id, people),
        "size": size,
        "licence": challenge.licence.name,
        "real": challenge.files["real"],
        "ids": challenge.tracks["predict"].ids,
        "metrics": "\n".join(f"* `{one.name}`: {one.measure}, {one.meaning}" for one in challenge.metrics),
        "card": f"{size}. {challenge.licence.citation}".strip(),
        "columns": "\n".join(_rows(people.roles)),
    }
    return template.substitute(said)


def _rows(roles: pd.DataFrame) -> Iterator[str]:
    for one in roles.itertuples():
        target = " **the target**" if one.role == "target" else ""
        yield f"| `{one.column}`{target} | {one.kind} | {one.levels:,} | {one.missing:.1%} |"
