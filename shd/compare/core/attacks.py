"""What all attacks share: people drawn alike from both sides, and what an attacker wins on one side beyond the other.

An attack is tried on people that the synthesizer learned from (members) and on as many that it
never saw (others), one record each. What works on others betrays the population; only the excess
on members betrays them.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from shd.compare.core.chance import bootstrap_weights, deal, interval, sample_records
from shd.compare.core.score import wider
from shd.compare.core.sides import FEWEST_ATTACKED, Sides
from shd.compare.core.tables import Coded

RELEASED = 80_000  # most records of a release (or of train) that are searched
REPLICATES = 200
_WIDE = 50  # columns from which on fewer records are looked at
_BINS = 20  # of a number, where levels are needed
_LEFT = 10  # people on whom an attack is taken to fail at least, where it hardly ever does


@dataclass(frozen=True, eq=False)
class Stage:
    """One setting of an attack: the release, and one record each of people learned from and of as many others."""

    release: Coded
    members: Coded
    others: Coded

    @classmethod
    def of(cls, release: Coded, train: Coded, holdout: Coded, most: int, rng: np.random.Generator) -> "Stage":
        """Draw at most `most` people a side."""
        n = min(most, count_people(train), count_people(holdout))
        return cls(release, one_each(train, n, rng), one_each(holdout, n, rng))


def stages(sides: Sides, people: int, rng: np.random.Generator) -> dict[str, Stage]:
    """Set up one attack on the release, on the floor, and on other real records in their place.

    The same people are attacked through release and floor. For the ceiling half of the holdout is
    the release, and the others come from its other half.
    """
    most = budget(sides, people)
    release = sample_records(sides.synthetic, budget(sides, RELEASED), rng)
    synthetic = Stage.of(release, sides.train, sides.holdout, most, rng)
    half = deal(sides.holdout.subjects, 2, rng) == 0
    ceiling = Stage.of(sides.holdout.take(half), sides.train, sides.holdout.take(~half), most, rng)
    floor = replace(synthetic, release=sample_records(sides.floor, len(release), rng))
    return {"synthetic": synthetic, "floor": floor, "ceiling": ceiling}


def budget(sides: Sides, rows: int) -> int:
    """Return how many records a step may look at: fewer at the quick level, and of very wide tables."""
    return max(int(sides.most(rows) * min(1.0, _WIDE / len(sides.train.names))), FEWEST_ATTACKED)


def count_people(table: Coded) -> int:
    """Return how many subjects a table has."""
    return len(np.unique(table.subjects))


def one_each(table: Coded, most: int, rng: np.random.Generator) -> Coded:
    """Return one random record of each of at most `most` random people, in random order."""
    return table.take(pick_one_each(table, most, rng))


def pick_one_each(table: Coded, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return the positions of what `one_each` returns."""
    shuffled = rng.permutation(len(table))
    _, first = np.unique(table.subjects[shuffled], return_index=True)
    return shuffled[rng.permutation(first)[:most]]


def all_of(table: Coded, people: int, rng: np.random.Generator) -> Coded:
    """Return all records of so many random people."""
    ids = np.unique(table.subjects)
    return table.take(np.isin(table.subjects, rng.permutation(ids)[:people]))


def equal_crowds(one: Coded, other: Coded, rng: np.random.Generator, most: int | None = None) -> tuple[Coded, Coded]:
    """Return all records of equally many random people of two tables, at most so many."""
    people = min(count_people(one), count_people(other))
    people = people if most is None else min(people, most)
    return all_of(one, people, rng), all_of(other, people, rng)


def as_many_people(one: Coded, other: Coded, most: int, rng: np.random.Generator) -> tuple[Coded, Coded]:
    """Return all records of equally many random people of two tables, about `most` records a side at most.

    Equally many records would not do: records of one person are alike, so that the table with more people
    would fill more of the space.
    """
    records_each = max(len(table) / count_people(table) for table in (one, other))
    return equal_crowds(one, other, rng, max(int(most / records_each), 1))


EXCESS = ["train", "holdout", "excess", "low", "high"]
"""Names of the columns of `Excess.row`."""


@dataclass(frozen=True)
class Excess:
    """What an attacker wins on members and on others, 0 to 1, and the difference with its 95 % interval."""

    value: float
    low: float
    high: float
    members: float
    others: float

    @property
    def row(self) -> tuple[float, ...]:
        """The numbers in the order in which tables show them: see `EXCESS`."""
        return self.members, self.others, self.value, self.low, self.high


def excess(
    won: np.ndarray, by_others: np.ndarray, rng: np.random.Generator, looks: int = 1, possible: bool = False
) -> Excess:
    """Compare how often an attack succeeds on members and on others, one entry a person, 0 to 1.

    `looks` is among how many such numbers the largest was picked: the interval is widened for that
    (Bonferroni). With `possible` the excess is a share of what is possible: of those others on whom it fails.
    """
    sides = (np.asarray(won, dtype=float), np.asarray(by_others, dtype=float))
    drawn = [bootstrap_weights(len(side), REPLICATES, rng) @ side / len(side) for side in sides]
    members, others = (float(side.mean()) for side in sides)
    left = max(1 - others, _LEFT / len(sides[1])) if possible else 1.0
    value = (members - others) / left
    low, high = interval(value, (drawn[0] - drawn[1]) / left * wider(looks), -np.inf if possible else -1, 1)
    return Excess(value, float(low), float(high), members, others)


def hits(
    is_member: np.ndarray, score: np.ndarray, weights: np.ndarray | None = None, alarms: float = 0.01
) -> np.ndarray:
    """Return the share of members above all but the highest 1 % of others, under each set of weights.

    Of scores that tie at the border as many count as it takes, so that a score that knows nothing
    reaches 1 %. A set is a row of `weights`, or of `is_member` where the labels change; `alarms` is the share of
    others that are mistaken for members.
    """
    weights = np.ones((1, len(score))) if weights is None else weights
    order = np.argsort(-score, kind="stable")
    last = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))  # where each run of ties ends
    sides = []
    for side in (is_member[..., order], ~is_member[..., order]):
        total = np.cumsum(weights[:, order] * side, axis=1)[:, last]
        sides.append(np.pad(total / np.maximum(total[:, -1:], 1e-12), ((0, 0), (1, 0))))
    # a hair less: at a step of the curve its lower end is what is reached on average
    return np.array([np.interp(alarms - 1e-9, others, members) for members, others in zip(*sides, strict=True)])


def levels_of(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Return the bin of each number, counted from 0, and one more for missing; int64."""
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))


def shares(table: Coded) -> list[np.ndarray]:
    """Return how common the value of each record is, 0 to 1, (n,) a column; numbers in 20 bins of equal width."""
    found = []
    for values, column in zip(table.values.T, table.columns, strict=True):
        if column.is_number:
            known = values[~np.isnan(values)]
            edges = np.linspace(known.min(), known.max(), _BINS + 1)[1:-1] if len(known) else np.empty(0)
            values = levels_of(values, edges)
        codes = values.astype(int)
        found.append(np.bincount(codes)[codes] / len(codes))
    return found


def entropies(table: Coded) -> np.ndarray:
    """Return the entropy of each column, nats, shape (n_columns,); of numbers in 20 bins of equal width."""
    return np.array([-np.log(share).mean() for share in shares(table)]) + 0.0


def quantile_edges(values: np.ndarray, bins: int) -> np.ndarray:
    """Return where bins of equally many known numbers meet, each place once."""
    known = values[~np.isnan(values)]
    return np.unique(np.quantile(known, np.arange(1, bins) / bins)) if len(known) else np.empty(0)


def row_keys(values: np.ndarray) -> np.ndarray:
    """Return one key a record, the same for records that are equal in every column, missing values included."""
    values = np.ascontiguousarray(np.where(np.isnan(values), np.inf, values))
    return pd.util.hash_pandas_object(pd.DataFrame(values), index=False).to_numpy()
