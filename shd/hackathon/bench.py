"""What teams are scored on: people that they may see, or the hidden ones that an organiser keeps."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from shd._errors import ShdError, ShdWorkError
from shd.dataset import Dataset
from shd.hackathon.challenge import Challenge, read_challenge
from shd.hackathon.people import EVENT, ID, Asked, read_file, rehearsal, visible
from shd.releases.card import sha256

VISIBLE, HALVES = "visible", ("public", "private")
"""What the people are called that teams may see, and the halves of the hidden ones."""
SEAL, OURS, EVENT_FOLDER, SECRET = "seal.json", "challenge", "for-teams", "secret"
"""What lies in the folder of an organiser."""
LABELS, HIDDEN = "labels.parquet", "hidden"


@dataclass(frozen=True, eq=False)
class Bench:
    """What teams are scored on: people to learn from, others held out by name, and those that were asked about."""

    challenge: Challenge
    train: Dataset
    held: dict[str, Dataset]
    asked: dict[str, Asked]
    ids: np.ndarray | None = None  # that predictions are wanted for; None for those of the folder
    level: str = "full"  # of the comparison; see `shd.compare`


def visible_bench(challenge: Challenge, level: str = "full") -> Bench:
    """Return what teams may see, and the people whom they rehearse with."""
    train, holdout = visible(challenge)
    asked = {VISIBLE: rehearsal(challenge)} if "predict" in challenge.tracks else {}
    ids = asked[VISIBLE].ids if asked else None
    return Bench(challenge, train, {VISIBLE: holdout}, asked, ids, level)


def ending_of(data: Dataset) -> str:
    """Return the ending of a file that holds such data."""
    return ".parquet" if data.images is None else ".zip"


def open_seal(organiser: str | Path) -> dict:
    """Return what the seal says, once every file is, by its checksum, the one that was sealed."""
    folder = Path(organiser)
    try:
        said = json.loads((folder / SEAL).read_text(encoding="utf-8"))
        files = dict(said["files"])
    except FileNotFoundError:
        raise ShdError(f"{folder}: no {SEAL} in it. Give what shd challenge seal wrote.") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise ShdWorkError(f"{folder / SEAL}: broken. Seal again with the same secret.") from None
    for name, checksum in files.items():
        path = folder / name
        if not path.is_file() or path.is_symlink() or sha256(path) != checksum:
            raise ShdWorkError(f"{path}: changed since it was sealed, or lost. Seal again with the same secret.")
    return said


def hidden_bench(organiser: str | Path, level: str = "full", people: str | None = None) -> Bench:
    """Return the hidden people of an organiser, by half or one half of them, and the challenge sealed with them."""
    if people not in (None, *HALVES):
        raise ShdError(f"hidden people have a {' and a '.join(HALVES)} half; {people!r} is none of them.")
    folder, said = Path(organiser), open_seal(organiser)
    challenge, source = read_challenge(folder / OURS), said["source"]
    event = json.loads((folder / EVENT_FOLDER / EVENT).read_text(encoding="utf-8"))
    train = read_file(challenge, folder / EVENT_FOLDER / "data" / event["train"], source)
    labels = pd.read_parquet(folder / SECRET / LABELS)
    asked = Asked(labels[ID].to_numpy(), read_file(challenge, folder / SECRET / f"{HIDDEN}{ending_of(train)}", source))
    halves = {half: asked.take(np.flatnonzero(labels["half"] == half)) for half in ([people] if people else HALVES)}
    held = {half: part.data for half, part in halves.items()}
    return Bench(challenge, train, held, halves if "predict" in challenge.tracks else {}, asked.ids, level)
