"""Who is who in a challenge: the people that teams may see, and those that they are asked about.

Hidden people get ids that say nothing: a keyed hash (HMAC-SHA-256) of a secret and their place, which also sets the
order of the rows. Who lacks the secret learns neither whose row it is nor which rows lie beside each other; who has it
makes the same ids again, so that nothing has to be kept.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.datasets.own import SUBJECT, OwnData
from shd.datasets.registry import DATASETS, real_path
from shd.hackathon.challenge import Challenge
from shd.hackathon.formats import write_pngs

ID = "id"
_SIDES = ("train", "holdout")
EVENT = "data/event.json"
"""Says that the folder has the tables of an event, and what they are made of."""


@dataclass(frozen=True, eq=False)
class Asked:
    """People whom teams are asked about, in the order of their ids; `data` is the truth."""

    ids: np.ndarray
    data: Dataset

    def take(self, rows: np.ndarray) -> "Asked":
        """Return some of the rows."""
        return Asked(self.ids[rows], self.data.take(rows))


def keyed(secret: bytes, what: object) -> str:
    """Return what nobody can tell, or foresee, without the secret; 64 hexadecimal digits."""
    return hmac.new(secret, str(what).encode(), hashlib.sha256).hexdigest()


def ask_about(people: Dataset, secret: bytes) -> Asked:
    """Give records new ids, and put them in their order."""
    # a letter in front: a spreadsheet takes 12e4567 for a number
    ids = np.array([f"p{keyed(secret, f'record {place}')[:15]}" for place in range(len(people))])
    order = np.argsort(ids)
    return Asked(ids[order], people.take(order))


def write_asked(asked: Asked, path: Path) -> Path:
    """Write what teams predict from: an id and the features, without target and subject; or pictures."""
    frame = asked.data.frame.drop(columns=asked.data.target)
    if ID in frame:
        raise ShdError(f"column {ID!r} is what the ids of people to predict are called; rename it.")
    frame.insert(0, ID, asked.ids)
    if asked.data.images is not None:
        return write_pngs(path, frame, asked.data.images, [f"{one}.png" for one in asked.ids])
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, compression="zstd", index=False)
    return path


def write_side(data: Dataset, path: Path) -> Path:
    """Write records with their subjects, as `read_file` reads them."""
    frame = data.frame.copy()
    frame.insert(0, SUBJECT, data.subjects)
    if data.images is not None:
        return write_pngs(path, frame, data.images, [f"{place:05d}.png" for place in range(len(data))])
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, compression="zstd", index=False)
    return path


def read_file(challenge: Challenge, path: Path, source: str) -> Dataset:
    """Read records of the data set of a challenge, with its roles, from any place."""
    if not path.is_file():
        raise ShdError(f"{path}: not there. Make the folder anew: shd challenge start {challenge.id}")
    recipe = DATASETS.get(challenge.dataset) or OwnData(challenge.folder)
    return recipe.read(path, source)


def read_source(challenge: Challenge, source: str) -> Dataset:
    """Read the stand-in, the synthetic data or, where it brings some, the real data of a challenge."""
    return read_file(challenge, challenge.path(source.replace("-", "_")), source)


def own_people(challenge: Challenge) -> Dataset:
    """Return the people that travel with a challenge: its stand-in, or the real ones that teams may have."""
    return read_source(challenge, "stand-in" if "stand_in" in challenge.files else "real")


def rehearsal(challenge: Challenge) -> Asked:
    """Return the people whom teams rehearse with: those of the folder that the split of the rules holds out."""
    _, held = split(challenge, own_people(challenge))
    return ask_about(held, hashlib.sha256(f"rehearsal of {challenge.id}".encode()).digest())


def split(challenge: Challenge, people: Dataset) -> tuple[Dataset, Dataset]:
    """Split as the rules say."""
    return people.split(challenge.rules.test_size, challenge.rules.random_state)


def visible(challenge: Challenge) -> tuple[Dataset, Dataset]:
    """Return the people to learn from, and those held out, as far as teams may see them.

    At an event those that the organiser has handed out; else the real data, where they are on this disk, or the
    people that travel with the challenge, split as the rules say.
    """
    event = challenge.folder / EVENT
    if event.is_file():
        said = json.loads(event.read_text(encoding="utf-8"))
        train, holdout = (read_file(challenge, event.with_name(said[side]), said["source"]) for side in _SIDES)
        return train, holdout
    path = real_path(challenge.dataset) if challenge.dataset in DATASETS else None
    people = own_people(challenge) if path is None else DATASETS[challenge.dataset].build(path)
    return split(challenge, people)


def read_ids(path: Path) -> pd.Series:
    """Return the ids that predictions are wanted for."""
    from shd.datasets._pictures import read_pictures

    if not path.is_file():
        raise ShdError(f"{path}: not there. Make the folder anew with shd challenge start, or ask the organiser.")
    frame = read_pictures(path)[0] if path.suffix == ".zip" else pd.read_parquet(path, columns=[ID])
    return frame[ID].astype(str)
