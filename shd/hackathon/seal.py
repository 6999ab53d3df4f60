"""Hidden people: drawn with a secret from those whom the shipped release did not learn from, and kept by the organiser.

Of these a half stays with the teams, to score themselves. The other half is hidden, in a public and a private part that
share nobody. Who is who is told by keyed hashes of the secret (see `shd.hackathon.people`): the same secret gives the
same files, and nothing that teams get tells more than that their people are not the hidden ones.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import Dataset, is_numeric
from shd.datasets.registry import DATASETS, real_path
from shd.hackathon.bench import EVENT_FOLDER, HALVES, HIDDEN, LABELS, OURS, SEAL, SECRET, ending_of
from shd.hackathon.challenge import Challenge, find_challenge
from shd.hackathon.people import (
    EVENT,
    ID,
    Asked,
    ask_about,
    keyed,
    read_file,
    read_source,
    split,
    write_asked,
    write_side,
)
from shd.hackathon.start import fill
from shd.releases.card import sha256
from shd.releases.release import all_or_nothing, save_text

_SHORTEST = 16  # bytes of a secret
_FEWEST = 2  # people who are hidden, or stay with the teams: a rehearsal may be small
_BINS = 5  # of a numeric target, so that every part has high and low ones
_PAGE = """\
# For the teams

Copy the files of `data/` into `data/` of each team's folder. `shd challenge score .` then scores on them.

* `{train}`: the people to learn from. Models and synthesizers see nobody else.
* `{holdout}`: other people, whom nobody should learn from, to score yourself.
* `{predict}`: hidden people, without the target. Give one row for each `id`; SUBMISSIONS.md says how.
* `event.json`: says to the programs that these files are there.

In Python, in the folder of a team:

```python
from shd.hackathon.challenge import read_challenge
from shd.hackathon.people import visible

train, holdout = visible(read_challenge("."))
```
"""


@dataclass(frozen=True)
class Sealed:
    """What was sealed: where, and how many people and records each part has."""

    folder: Path
    challenge: str
    source: str
    people: dict[str, int]
    records: dict[str, int]

    def to_dict(self) -> dict:
        """Return it as JSON knows it."""
        return {**vars(self), "folder": str(self.folder)}


def seal(challenge: str | Path, seed_file: str | Path, organiser: str | Path, source: str | None = None) -> Sealed:
    """Split the people of a challenge into what teams may have, and what only the organiser keeps.

    Parameters
    ----------
    challenge : str or pathlib.Path
        A challenge that ships, by name, or the folder of one.
    seed_file : str or pathlib.Path
        A file with the secret: 16 random bytes or more. The same secret gives the same files.
    organiser : str or pathlib.Path
        The folder to write. Its ``for-teams`` may be handed out, its ``secret`` never.
    source : {"real", "stand-in"}, optional
        Whose people; the stand-in is for a rehearsal.

    Raises
    ------
    ShdError
        Where the secret is too short, the real data are not on disk, there are too few people, or the folder holds
        something.

    Examples
    --------
    >>> seal("diabetes_ml", "secret.bin", "organiser")  # doctest: +SKIP
    """
    found, folder = find_challenge(challenge), Path(organiser)
    secret = _secret(Path(seed_file))
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ShdError(f"{folder}: not empty. Name a folder that is not there yet.")
    train, teams, hidden, halves = _dealt(found, secret, source or "real")
    asked = ask_about(hidden, hashlib.sha256(secret + b"ids").digest())
    half_of = dict(zip(hidden.subjects, halves, strict=True))
    halves = np.array([half_of[subject] for subject in asked.data.subjects])
    parts = {"train": train, "holdout": teams, **{half: asked.data.take(halves == half) for half in HALVES}}
    people = {name: len(np.unique(part.subjects)) for name, part in parts.items()}
    few = [name for name, count in people.items() if count < _FEWEST]
    if few:
        raise ShdError(f"{found.id}: {people[few[0]]} people would be {few[0]}; {_FEWEST} at least. Take more people.")
    with all_or_nothing(folder, "what the organiser keeps") as part:
        fill(part / OURS, found, "organiser")
        _write_teams(part / EVENT_FOLDER, found, train, teams, asked)
        _write_secret(part / SECRET, asked, halves)
        sealed = Sealed(folder, found.id, train.source, people, {name: len(one) for name, one in parts.items()})
        _write_seal(part, sealed, secret)
    return sealed


def _secret(file: Path) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ShdError(f"{file}: cannot be read ({error.strerror}). Give a file with a secret.") from None
    if len(content) < _SHORTEST:
        raise ShdError(
            f"{file}: {len(content)} bytes are no secret; {_SHORTEST} random ones at least, for example: "
            'python -c "import secrets; print(secrets.token_hex(32))" > FILE'
        )
    return hashlib.sha256(content).digest()


def _dealt(challenge: Challenge, secret: bytes, source: str) -> tuple[Dataset, Dataset, Dataset, np.ndarray]:
    """Return who is learned from, who stays with the teams, who is hidden, and in which half."""
    if source not in ("real", "stand-in"):
        raise ShdError(f"source={source!r} is not one of real, stand-in.")
    if "held_back" in challenge.files and source == "real":
        train, teams = split(challenge, read_source(challenge, "real"))
        hidden = read_file(challenge, challenge.path("held_back"), "real")
        return train, teams, hidden, _deal(hidden, secret, HALVES)
    train, held = split(challenge, _people(challenge, source))
    hands = _deal(held, secret, ("teams", HALVES[0], "teams", HALVES[1]))
    hidden = hands != "teams"
    return train, held.take(~hidden), held.take(hidden), hands[hidden]


def _people(challenge: Challenge, source: str) -> Dataset:
    if source == "stand-in" or challenge.dataset not in DATASETS:
        return read_source(challenge, source)
    path = real_path(challenge.dataset)
    if path is None:
        raise ShdError(
            f"{challenge.dataset}: the real data are not on disk; run: shd data fetch {challenge.dataset}, or rehearse "
            "with the stand-in: --source stand-in"
        )
    return DATASETS[challenge.dataset].build(path)


def _deal(data: Dataset, secret: bytes, hands: tuple[str, ...]) -> np.ndarray:
    """Deal people into hands, in an order that only the secret tells, class by class; one hand a record."""
    people = pd.DataFrame({"subject": data.subjects, "class": _classes(data)}).groupby("subject")["class"].min()
    hashed = [keyed(secret, f"person {subject}") for subject in people.index]
    order = np.lexsort([hashed, people.to_numpy()])
    dealt = np.empty(len(people), dtype=object)
    dealt[order] = np.resize(np.array(hands, dtype=object), len(people))
    return dealt[people.index.get_indexer(data.subjects)]


def _classes(data: Dataset) -> np.ndarray:
    """Return the class of each record, the rarest first; of a number, where it lies among the others."""
    target = data.frame[data.target]
    if is_numeric(target) and target.nunique() > 2 * _BINS:
        return pd.qcut(target.rank(method="first"), _BINS, labels=False).to_numpy()
    counts = target.value_counts()
    rarity = {level: place for place, level in enumerate(sorted(counts.index, key=lambda one: (counts[one], str(one))))}
    return target.astype(object).map(rarity).fillna(len(rarity)).to_numpy(int)


def _write_teams(folder: Path, challenge: Challenge, train: Dataset, holdout: Dataset, asked: Asked) -> None:
    ending = ending_of(train)
    names = {"train": f"train{ending}", "holdout": f"holdout{ending}", "predict": f"predict{ending}"}
    write_side(train, folder / "data" / names["train"])
    write_side(holdout, folder / "data" / names["holdout"])
    write_asked(asked, folder / "data" / names["predict"])
    said = {"challenge": challenge.id, "source": train.source, **names}
    save_text(folder / EVENT, _json(said))
    save_text(folder / "README.md", _PAGE.format(**names))


def _write_secret(folder: Path, asked: Asked, halves: np.ndarray) -> None:
    hidden = write_side(asked.data, folder / f"{HIDDEN}{ending_of(asked.data)}")
    labels = pd.DataFrame(
        {ID: asked.ids, "half": halves, "subject": asked.data.subjects, "target": asked.data.frame[asked.data.target]}
    )
    labels.to_parquet(folder / LABELS, compression="zstd", index=False)
    for file in (hidden, folder / LABELS):
        file.chmod(0o600)
    folder.chmod(0o700)


def _write_seal(folder: Path, sealed: Sealed, secret: bytes) -> None:
    """Write what binds the parts together; of the secret only the hash of its hash, to show later that it was this."""
    files = {path.relative_to(folder).as_posix(): sha256(path) for path in sorted(folder.rglob("*")) if path.is_file()}
    said = {
        "challenge": sealed.challenge,
        "source": sealed.source,
        "people": sealed.people,
        "records": sealed.records,
        "sha256 of the hash of the secret": hashlib.sha256(secret).hexdigest(),
        "files": files,
    }
    save_text(folder / SEAL, _json(said))


def _json(said: dict) -> str:
    return json.dumps(said, indent=2, ensure_ascii=False) + "\n"
