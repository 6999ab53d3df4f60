"""The people attacked: members and others, all their records, and who guesses about whom by which reference."""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from shd.compare.core.attacks import count_people
from shd.compare.core.chance import sample_records
from shd.compare.core.gower import Gower
from shd.compare.core.tables import Coded
from shd.compare.privacy.attackers import ATTACKERS, Knowledge, attack
from shd.compare.privacy.strongest_attacker import Guesses, ranks

_FOLDS, _ENOUGH = 4, 2000  # with more people held out two folds do
_RECORDS = 5  # most records of a person
_REFERENCE = 20_000  # most records of the reference


@dataclass(frozen=True, eq=False)
class Attacked:
    """Members and others, dealt into folds.

    Those of one fold are attacked by models that know the people held out of the other folds, so that nobody is
    in the reference of their own attacker, and members and others differ in nothing but having been learned from.
    """

    table: Coded  # records, those of members first
    of_member: np.ndarray  # bool, (n_records,)
    person: np.ndarray  # whose each record is, 0 to n_people - 1
    is_member: np.ndarray  # bool, (n_people,)
    fold: np.ndarray  # (n_people,)
    rows: tuple[np.ndarray, np.ndarray]  # where the records stand in train, and in the holdout
    holdout: Coded
    gower: Gower  # distances by the ranges of train

    @classmethod
    def of(cls, train: Coded, holdout: Coded, most: int, rng: np.random.Generator) -> "Attacked":
        """Draw at most `most` people of each side, with a few records each."""
        folds = _FOLDS if count_people(holdout) < _ENOUGH else 2
        rows = tuple(_records(side, most, rng) for side in (train, holdout))
        sides = [side.take(own) for side, own in zip((train, holdout), rows, strict=True)]
        whose = [np.unique(side.subjects, return_inverse=True)[1] for side in sides]
        sizes = [int(own.max()) + 1 for own in whose]
        values = np.vstack([side.values for side in sides])
        return cls(
            Coded(values, train.columns, np.concatenate([side.subjects for side in sides])),
            np.repeat([True, False], [len(side) for side in sides]),
            np.concatenate([whose[0], whose[1] + sizes[0]]),
            np.repeat([True, False], sizes),
            np.concatenate([rng.permutation(size) % folds for size in sizes]),
            rows,
            holdout,
            Gower.of(train),
        )

    def reference(self, k: int) -> Coded:
        """Return the records of people held out who are not among the others of a fold."""
        own = self.table.subjects[~self.of_member & (self.fold[self.person] == k)]
        return self.holdout.take(~np.isin(self.holdout.subjects, own))


def guess(
    people: Attacked,
    release: Coded,
    winners: Collection[str] | None = None,
    share: float = 1.0,
    seed: int = 0,
    attackers: dict[str, Callable[[Knowledge], np.ndarray]] | None = None,
    half: bool = False,
) -> Guesses:
    """Let attackers guess who is a member.

    Only the `winners` guess, where they are named ("all together" takes all); models learn from a `share` of their
    records; with `half` the people of half of the folds are enough.
    """
    attackers = ATTACKERS if attackers is None else attackers
    everybody = winners is None or "all together" in winners
    # in the order of the attackers, not of a set: of two who reach as much the first is named
    chosen = {name: attacker for name, attacker in attackers.items() if everybody or name in winners}
    scores = {name: np.zeros(len(people.table)) for name in chosen}
    isolation, folds = np.zeros(len(people.table)), np.unique(people.fold)
    folds = folds[: len(folds) // 2] if half else folds
    for k in folds:
        here = people.fold[people.person] == k
        reference = sample_records(people.reference(k), _REFERENCE, np.random.default_rng(seed))
        known = Knowledge(release, reference, people.table.take(here), people.gower, share, seed + int(k))
        for name, score in attack(known, chosen).items():
            scores[name][here] = score
        isolation[here] = known.nearest[1].mean(axis=1)
    *own, isolation = (ranks(score, people.person, people.fold) for score in (*scores.values(), isolation))
    found = Guesses(people.is_member, people.fold, dict(zip(scores, own, strict=True)), isolation)
    found = found.take(np.isin(people.fold, folds))
    return found.all_together() if winners is not None and "all together" in winners else found


def _records(table: Coded, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return where a few records of at most so many random people stand."""
    ids = np.unique(table.subjects)
    chosen = np.flatnonzero(np.isin(table.subjects, rng.permutation(ids)[:most]))
    shuffled = rng.permutation(chosen)
    order = shuffled[np.argsort(table.subjects[shuffled], kind="stable")]
    _, first, count = np.unique(table.subjects[order], return_index=True, return_counts=True)
    return np.sort(order[np.arange(len(order)) - np.repeat(first, count) < _RECORDS])
