"""Who could be recognised? People to whom some synthetic record is more like than any other real person is.

In what makes people recognisable rare things count more: distances are weighted by the inverse entropy of the columns
(Yoon, Drumright, van der Schaar 2020, *ADS-GAN*, IEEE J-BHI, doi 10.1109/JBHI.2020.2980262). Other people and synthetic
records are equally many, one record a person, so that 0.5 is what records of new people reach. A distance may raise an
alarm; that it does not shows nothing, and is grey (arXiv 2505.01524).
"""

import numpy as np

from shd.compare.core.attacks import RELEASED, REPLICATES, budget, entropies, one_each
from shd.compare.core.chance import bootstrap_weights, generator, interval, sample_records
from shd.compare.core.gower import Gower
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, judge_excess
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

_WHAT = "identifiability"
_PEOPLE = 1500
_LEAST_ENTROPY = 0.1  # nats, so that a level that hardly anybody has does not decide alone
_MEANS = {
    "grey": "people are no easier to recognise than in other people's records",
    "amber": "some people may be recognised",
    "red": "people can be recognised",
}


def measure(sides: Sides) -> Answer:
    """Score the release, the floor, and other real records in its place."""
    rng = generator(sides.random_state, _WHAT)
    most, gower = budget(sides, RELEASED), weighted(sides.train)
    real = one_each(sides.train, most, rng)
    own = real.take(np.arange(min(budget(sides, _PEOPLE), len(real))))
    tables = (sides.synthetic, sides.floor, one_each(sides.holdout, most, rng))
    nearer, at_floor, others = (_is_nearer(gower, own, real, records, rng) for records in tables)
    value, floor, ceiling = (float(side.mean()) for side in (nearer, at_floor, others))
    weights = bootstrap_weights(len(own), REPLICATES, rng) / len(own)
    excess = value - ceiling
    verdict = judge_excess(excess, *interval(excess, weights @ (nearer - others)), passed="grey")
    sentence = (
        f"To {value:.1%} of people learned from some synthetic record lies nearer than any other person's record "
        f"does (with other {sides.word} people's records in place of the synthetic ones: {ceiling:.1%}): "
        f"{_MEANS[verdict]}."
    )
    score = Score.of(
        _WHAT, value, interval(value, weights @ nearer, 0, 1), (floor, ceiling), verdict=verdict, sentence=sentence
    )
    return Answer([score])


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
    to_synthetic = gower.nearest(own, sample_records(synthetic, n, rng))
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
