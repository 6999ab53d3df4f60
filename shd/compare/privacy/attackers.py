"""Attackers who guess whose records were learned from: each gives one score a record, higher for surer.

An attacker holds the release and a reference: real records of people who are none of those attacked. What the release
says of a record beyond what the reference says of it comes from having learned from that person; dense regions and
common records are in both.

Hilprecht, Härterich, Bernau (2019), *Monte Carlo and Reconstruction Membership Inference Attacks against Generative
Models*, PoPETs, doi 10.2478/popets-2019-0067: distances. Van Breugel, Sun, Qian, van der Schaar (2023), *Membership
Inference Attacks against Synthetic Data through Overfitting Detection*, AISTATS, arXiv 2302.12580: density ratios.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomTreesEmbedding,
)

from shd._parallel import in_parallel, one_thread
from shd.compare.core.attacks import entropies, levels_of, quantile_edges
from shd.compare.core.chance import sample_records
from shd.compare.core.gower import Gower
from shd.compare.core.models import one_hot
from shd.compare.core.tables import Coded

_NEIGHBOURS, _MORE_NEIGHBOURS = 3, 10  # whose distance stands for the density around a record
_TINY = 1e-6  # keeps the ratio of two distances finite
_ROUNDS, _LEAVES, _LEAST = 100, 15, 10  # of boosting
_TREES, _SMALLEST_LEAF, _DEPTH = 80, 2, 6  # of a forest
_BOOSTED, _GROWN, _PROFILED = 10_000, 2000, 1500  # most records a side that each model learns from
_TARGETS, _BANDS, _UNSURE = 4, 5, 0.05  # columns predicted, bands of a number, and the chance that is spread evenly


@dataclass(frozen=True, eq=False)
class Knowledge:
    """What one attacker holds: the release, a reference, and records of people whose part is to be guessed."""

    release: Coded
    reference: Coded
    people: Coded
    gower: Gower
    share: float = 1.0  # of the records that models may learn from, how many they look at
    seed: int = 0

    @cached_property
    def nearest(self) -> tuple[np.ndarray, np.ndarray]:
        """Distances to the ten nearest records of the release, and of the reference; each of shape (n, 10)."""
        sides = (self.release, self.reference)
        few = min(_MORE_NEIGHBOURS, *map(len, sides))
        return tuple(self.gower.nearest_few(self.people, side, few)[0] for side in sides)

    def sides(self, most: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return features of release and reference in one table, who is of the release, those of people, categories."""
        rng, most = np.random.default_rng(self.seed), max(int(most * self.share), 500)
        release, reference = sample_records(self.release, most, rng), sample_records(self.reference, most, rng)
        own, categories = self.people.features()
        table = np.vstack([release.features()[0], reference.features()[0]])
        there = ~np.isnan(table).all(axis=0)
        made = np.repeat([True, False], [len(release), len(reference)])
        return table[:, there], made, own[:, there], categories[there]


def distance(known: Knowledge) -> np.ndarray:
    """Return minus the distance to the closest record of the release, shape (n,)."""
    return -known.nearest[0][:, 0].astype(float)


def density_ratio(known: Knowledge) -> np.ndarray:
    """Return how much nearer the three nearest records of the release lie than those of the reference."""
    return _ratio(*(side[:, :_NEIGHBOURS] for side in known.nearest))


def neighbourhood(known: Knowledge) -> np.ndarray:
    """Return the same for the ten nearest."""
    return _ratio(*known.nearest)


def boosted_trees(known: Knowledge) -> np.ndarray:
    """Return what boosted trees say that learned to tell the release from the reference."""
    table, made, own, categories = known.sides(_BOOSTED)
    model = HistGradientBoostingClassifier(
        max_iter=_ROUNDS,
        max_leaf_nodes=_LEAVES,
        min_samples_leaf=_LEAST,
        categorical_features=categories,
        early_stopping=False,
        class_weight="balanced",
        random_state=known.seed,
    )
    with one_thread():
        return model.fit(table, made).decision_function(own)


def forest(known: Knowledge) -> np.ndarray:
    """Return what a forest of fine trees says that learned the same: it remembers small regions."""
    table, made, own, categories = known.sides(_GROWN)
    read = one_hot(table, categories)
    model = RandomForestClassifier(
        _TREES, min_samples_leaf=_SMALLEST_LEAF, class_weight="balanced", random_state=known.seed
    )
    return model.fit(read(table), made).predict_proba(read(own))[:, 1]


def learned_space(known: Knowledge) -> np.ndarray:
    """Return a ratio of densities in a space learned from the reference alone: the leaves of random trees."""
    table, made, own, categories = known.sides(_GROWN)
    read = one_hot(table[~made], categories)
    space = RandomTreesEmbedding(_TREES, max_depth=_DEPTH, random_state=known.seed).fit(read(table[~made]))
    release, reference, people = (space.apply(read(part)) for part in (table[made], table[~made], own))
    total, most = np.zeros(len(own)), int(max(side.max() for side in (release, reference, people))) + 1
    for leaf, other, at in zip(release.T, reference.T, people.T, strict=True):
        count = [np.bincount(side, minlength=most) for side in (leaf, other)]
        share = [(c[at] + 1) / (c.sum() + 1) for c in count]
        total += np.log(share[0] / share[1])
    return total


def error_profile(known: Knowledge) -> np.ndarray:
    """Return how much better models of the release predict a record's columns, one by one, than models of others do."""
    table, made, own, categories = known.sides(_PROFILED)
    if table.shape[1] < 2:  # nothing else to predict the only column by
        return np.zeros(len(own))
    told = np.argsort(-entropies(known.reference), kind="stable")[:_TARGETS]
    kept = np.flatnonzero(~np.isnan(np.vstack([s.values for s in (known.release, known.reference)])).all(axis=0))
    filled, asked = (np.nan_to_num(part, nan=-1.0) for part in (table, own))
    total = np.zeros(len(own))
    for j in np.flatnonzero(np.isin(kept, told)):
        edges = np.empty(0) if categories[j] else quantile_edges(table[~made, j], _BANDS)
        others = np.arange(table.shape[1]) != j
        coded, true = ((c.astype(int) if categories[j] else levels_of(c, edges)) for c in (table[:, j], own[:, j]))
        losses = []
        for side in (made, ~made):
            model = ExtraTreesClassifier(30, min_samples_leaf=3, max_features=0.3, random_state=known.seed)
            losses.append(_loss(model.fit(filled[side][:, others], coded[side]), asked[:, others], true))
        total += losses[1] - losses[0]
    return total


ATTACKERS: dict[str, Callable[[Knowledge], np.ndarray]] = {
    "distance": distance,
    "density ratio": density_ratio,
    "neighbourhood": neighbourhood,
    "boosted trees": boosted_trees,
    "forest": forest,
    "learned space": learned_space,
    "error profile": error_profile,
}
"""Who attacks, by name: a new attacker is one function and one line here."""

GUESSED_BY = {
    "distance": "how near the closest synthetic record lies",
    "density ratio": "how much nearer the 3 nearest synthetic records lie than the 3 nearest of other people",
    "neighbourhood": "how much nearer the 10 nearest synthetic records lie than the 10 nearest of other people",
    "boosted trees": "boosted trees that learned to tell synthetic records from those of other people",
    "forest": "a forest that learned to tell synthetic records from those of other people",
    "learned space": "how dense synthetic records are in the regions into which trees divide other people",
    "error profile": "how well models of the synthetic records predict a person's columns",
    "all together": "all attacks together",
    "the model itself": "what the model says of a record",
    "the model, corrected": "what the model says of a record, beyond what records like it are given",
    "many records": "boosted trees that learned from many more records of the model",
}


def attack(known: Knowledge, attackers: dict[str, Callable[[Knowledge], np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the score of each attacker for each record, float, shape (n,)."""
    known.nearest  # noqa: B018 - made once, by all cores, before they part
    return dict(zip(attackers, in_parallel(lambda guess: guess(known), attackers.values()), strict=True))


def _ratio(to_release: np.ndarray, to_reference: np.ndarray) -> np.ndarray:
    # the geometric mean: one record at no distance must show among several
    to_release, to_reference = (np.log(d + _TINY).mean(axis=1) for d in (to_release, to_reference))
    return (to_reference - to_release).astype(float)


def _loss(model: ClassifierMixin, table: np.ndarray, true: np.ndarray) -> np.ndarray:
    chance = model.predict_proba(table)
    at = np.minimum(np.searchsorted(model.classes_, true), len(model.classes_) - 1)
    given = np.where(model.classes_[at] == true, chance[np.arange(len(true)), at], 0)
    return -np.log((1 - _UNSURE) * given + _UNSURE / max(len(model.classes_), 2))
