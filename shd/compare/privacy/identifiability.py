"""Who could be recognised? Identifiability, and the people of train who stand alone and are come near to.

A person is identifiable when some synthetic record is more like them than any other real person is.
In what makes people recognisable rare things count more: distances are weighted by the inverse
entropy of the columns. A distance may raise an alarm; that it does not shows nothing, and is grey (arXiv 2505.01524).
"""

import numpy as np
import pandas as pd

from shd.compare.core.attacks import (
    RELEASED,
    REPLICATES,
    budget,
    check_count,
    check_people,
    entropies,
    judge_excess,
    one_each,
    some,
)
from shd.compare.core.chance import bootstrap_weights, generator, interval
from shd.compare.core.gower import Gower
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, align
from shd.dataset import Dataset

_WHAT = "identifiability"
_PEOPLE = 1500  # at random, and as many of the rarest
_LEAST_ENTROPY = 0.1  # nats, so that a level that hardly anybody has does not decide alone
_ISOLATED, _APPROACHED = 95, 1 / 5  # percentile, and how near in terms of the nearest other real record
_LISTED = 20
_TINY = 1e-6
_MEANS = {
    "grey": "people are no easier to recognise than in other people's records",
    "amber": "some people may be recognised",
    "red": "people can be recognised",
}


def identifiability_score(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    people: int = _PEOPLE,
    random_state: int = 0,
) -> float:
    """Return the share of people of train to whom a synthetic record lies nearer than any other person of train.

    Gower's distance, each column weighted by its inverse entropy in train. Other people and
    synthetic records are cut to the same number, one record a person, so that 0.5 is what records of
    new people reach. Ties count half.

    Parameters
    ----------
    train, synthetic : Dataset or DataFrame
    people : int
        Most people that are looked at.
    random_state : int

    Returns
    -------
    float
        0 to 1; above 0.5: the synthetic records are about the people learned from.

    Raises
    ------
    ShdError
        Where a table has fewer than 20 people.

    References
    ----------
    Yoon, Drumright, van der Schaar (2020), *Anonymization Through Data Synthesis Using Generative
    Adversarial Networks (ADS-GAN)*, IEEE J-BHI, doi 10.1109/JBHI.2020.2980262.
    """
    check_count(people, "people")
    (train, synthetic), _ = align(train, synthetic, names=["train", "synthetic"])
    check_people(train, synthetic, train, _WHAT)
    rng = generator(random_state, _WHAT)
    real = one_each(train, RELEASED, rng)
    own = real.take(np.arange(min(people, len(real))))
    return float(_is_nearer(weighted(train), own, real, synthetic, rng).mean())


def measure(sides: Sides) -> Answer:
    """Score the release, the floor, and other real records in its place."""
    rng = generator(sides.random_state, _WHAT)
    most, gower = budget(sides, RELEASED), weighted(sides.train)
    real = one_each(sides.train, most, rng)
    own = real.take(np.arange(min(budget(sides, _PEOPLE), len(real))))
    places = (sides.synthetic, sides.floor, one_each(sides.holdout, most, rng))
    nearer, at_floor, others = (_is_nearer(gower, own, real, records, rng) for records in places)
    value, floor, ceiling = (float(side.mean()) for side in (nearer, at_floor, others))
    weights = bootstrap_weights(len(own), REPLICATES, rng) / len(own)
    low, high = interval(value, weights @ nearer, 0, 1)
    beyond = value - ceiling
    verdict = judge_excess(beyond, *map(float, interval(beyond, weights @ (nearer - others))), passed="grey")
    sentence = (
        f"To {value:.1%} of people learned from some synthetic record lies nearer than any other person's record does "
        f"(with other {sides.word} people's records in place of the synthetic ones: {ceiling:.1%}): {_MEANS[verdict]}."
    )
    return Answer([Score("privacy", _WHAT, value, float(low), float(high), floor, ceiling, verdict, "lower", sentence)])


def weighted(train: Coded) -> Gower:
    """Return distances in which rare things count more: by the inverse entropy of each column."""
    return Gower.of(train, 1 / np.maximum(entropies(train), _LEAST_ENTROPY))


def to_others(gower: Gower, own: Coded, real: Coded, most: int | None = None) -> np.ndarray:
    """Return the distance of each record to the nearest real one of another person, among the first `most`; (n,)."""

    def closest(distance: np.ndarray, start: int) -> np.ndarray:
        mine = own.subjects[start : start + len(distance), None] == real.subjects
        distance[mine] = np.inf  # nobody is another person to themselves
        if most is None or most >= len(real):
            return distance.min(axis=1)
        # who is among the first ones is left out of them, and the next one comes in
        distance[~mine[:, :most].any(axis=1), most] = np.inf
        return distance[:, : most + 1].min(axis=1)

    return np.concatenate(gower.map_blocks(own, real, closest))


def _is_nearer(gower: Gower, own: Coded, real: Coded, synthetic: Coded, rng: np.random.Generator) -> np.ndarray:
    """Return to whom a synthetic record lies nearer than another person, of equally many; 0, 1, or 0.5 for a tie."""
    n = min(len(real) - 1, len(synthetic))
    to_person = to_others(gower, own, real, n)
    to_synthetic = gower.nearest(own, some(synthetic, n, rng))
    return (1 + np.sign(to_person - to_synthetic).astype(float)) / 2


QUESTION = Question(
    name="identifiability",
    chapter="privacy",
    measure=measure,
    weight=2,
    needs=("holdout", "people"),
    words={
        "identifiability": (
            "The share of people to whom some synthetic record lies nearer than any other person's record does; "
            "rare values count more. Other real people reach about 0.5."
        ),
    },
)
