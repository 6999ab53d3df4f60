"""The strongest attacker: what attackers guessed of people, and how far that goes beyond chance."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import rankdata

from shd.compare.core.attacks import REPLICATES, hits
from shd.compare.core.chance import interval
from shd.compare.core.models import auroc
from shd.compare.core.score import ALARM, judge_excess

_TINY = 1e-12
_SHUFFLES = 999  # of who was learned from: enough for the rarest alarm that is asked for
_BLIND = 0.10  # an attack whose interval reaches so far beyond chance could not have told much


@dataclass(frozen=True, eq=False)
class Guesses:
    """How sure attackers are that people were learned from, one score a person and attacker."""

    is_member: np.ndarray  # bool, (n_people,)
    fold: np.ndarray  # who was attacked by the same models; scores are ranks among these, 0 to 1
    scores: dict[str, np.ndarray]
    isolation: np.ndarray | None = None  # rank of a person among those of the fold by how far away others are

    def take(self, rows: np.ndarray) -> "Guesses":
        """Return the guesses on some people."""
        isolation = None if self.isolation is None else self.isolation[rows]
        own = {name: score[rows] for name, score in self.scores.items()}
        return Guesses(self.is_member[rows], self.fold[rows], own, isolation)

    def all_together(self) -> "Guesses":
        """Add the mean of all scores as one more attacker."""
        return replace(self, scores={**self.scores, "all together": np.mean(list(self.scores.values()), axis=0)})

    def shuffled(self, times: int, rng: np.random.Generator) -> np.ndarray:
        """Return who could be a member as well: labels dealt anew within each fold, bool, shape (times, n_people)."""
        labels = np.empty((times, len(self.fold)), dtype=bool)
        for k in np.unique(self.fold):
            here = np.flatnonzero(self.fold == k)
            labels[:, here] = rng.permuted(np.tile(self.is_member[here], (times, 1)), axis=1)
        return labels


def ranks(score: np.ndarray, person: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Return the rank of each person among those of the fold by the mean score of their records, 0 to 1, (n_people,).

    `person` says whose each record is, 0 to n_people - 1.
    """
    mean, found = np.bincount(person, score) / np.bincount(person), np.empty(len(fold))
    for k in np.unique(fold):
        here = fold == k
        found[here] = (rankdata(mean[here]) - 0.5) / here.sum()
    return found


@dataclass(frozen=True)
class Strongest:
    """What the strongest attacker reaches: the number, its 95 % interval, and how likely luck gives that."""

    attacker: str
    value: float
    low: float
    high: float
    chance: float

    def verdict(self, nothing: float, green_to: float, amber_to: float) -> str:
        """Judge what was reached beside what guessing reaches."""
        blind, is_sure = max(_BLIND, 2 * amber_to), self.chance <= ALARM
        excess = (self.value - nothing, self.low - nothing, self.high - nothing)
        return judge_excess(*excess, green_to, amber_to, blind=blind, is_sure=is_sure)


def auroc_of(is_member: np.ndarray, score: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the AUROC of people under sets of weights, or of labels (2-dimensional `is_member`); (n_sets,)."""
    if is_member.ndim == 1:
        return auroc(is_member, score, weights)
    members = is_member.sum(axis=1)
    return (is_member @ rankdata(score) / members - (members + 1) / 2) / (len(score) - members)


def hits_at(alarms: float) -> Callable[..., np.ndarray]:
    """Return the measure of hits at so many false alarms, 0 to 1; see `hits`."""
    return lambda is_member, score, weights=None: hits(is_member, score, weights, alarms)


def find_strongest(guesses: Guesses, measure: Callable[..., np.ndarray], rng: np.random.Generator) -> Strongest:
    """Find the strongest attacker by a measure; chance is that of the maximum over all attackers.

    Under chance members and others are alike, so that their labels can be dealt anew: an exact test, however much the
    attackers agree with each other.
    """
    labels = guesses.shuffled(_SHUFFLES, rng)
    reached = {name: float(measure(guesses.is_member, score)[0]) for name, score in guesses.scores.items()}
    by_luck = np.max([measure(labels, score) for score in guesses.scores.values()], axis=0)
    name = max(reached, key=reached.get)
    chance = (1 + int((by_luck >= reached[name] - _TINY).sum())) / (_SHUFFLES + 1)
    return Strongest(name, *interval_of(guesses, measure, name, rng), chance)


def interval_of(
    guesses: Guesses, measure: Callable[..., np.ndarray], attacker: str, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return what one attacker reaches, with its 95 % interval, by person."""
    score, weights = guesses.scores[attacker], draw(guesses.is_member, rng)
    value = float(measure(guesses.is_member, score)[0])
    low, high = interval(value, measure(guesses.is_member, score, weights), 0, 1)
    return value, float(low), float(high)


def draw(is_member: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return bootstrap weights of people, members and others drawn apart, shape (replicates, n_people)."""
    weights = np.empty((REPLICATES, len(is_member)))
    for side in (is_member, ~is_member):
        weights[:, side] = rng.multinomial(side.sum(), np.full(side.sum(), 1 / side.sum()), size=REPLICATES)
    return weights
