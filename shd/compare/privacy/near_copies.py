"""Records that are nearly those of people: as near to train as only the nearest 1 % of people held out are.

Near by the weight of record linkage: how surprising it is that two strangers agree so well. One in a hundred is what
new people reach by construction; of records that tie at the border, as many count as that takes (Platzer, Reutterer
2021, doi 10.3389/fdata.2021.679939: the holdout shows what is to be expected). They may raise an alarm; that they do
not shows nothing (Yao et al. 2025, arXiv 2505.01524), so that they are grey then.
"""

import numpy as np

from shd.compare.core.attacks import REPLICATES, budget, count_people, hits, one_each
from shd.compare.core.chance import binomial_interval, bootstrap_weights, chance_of, generator, interval, sample_records
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import ALARM, Score, Skipped, beyond_chance
from shd.compare.core.sides import Sides
from shd.compare.privacy.record_linkage import Linkage

_NEAR = 0.01  # the nearest share of held-out records
_RED_FROM, _AMBER_TO = 0.01, 0.03  # how far above that the share surely lies, and lies, to be red
_FEWEST, _ROWS, _REAL = 100, 2000, 20_000
_LOOKS = (10, 20, 50, 100, 200)  # how many of the nearest, synthetic or not, are looked at
_WHAT = "near copies"
_MEANS = {
    "grey": "not more than chance may give, which shows little",
    "amber": "some are nearly records of people learned from",
    "red": "many are nearly records of people learned from",
}


def measure(sides: Sides) -> Answer:
    """Compare how near the nearest synthetic records, and the nearest people held out, come to people learned from."""
    if count_people(sides.holdout) < _FEWEST:
        return Answer(skipped=[Skipped(_WHAT, f"take {_FEWEST} people in the holdout")])
    rng = generator(sides.random_state, _WHAT)
    rows = budget(sides, _ROWS)
    linkage, train = Linkage.of(sides.train), sample_records(sides.train, budget(sides, _REAL), rng)
    tables = [one_each(table, rows, rng) for table in (sides.synthetic, sides.floor, sides.holdout)]
    synthetic, floor, others = (linkage.closest(records, train) for records in tables)
    drawn = [bootstrap_weights(len(side), REPLICATES, rng) for side in (synthetic, others)]
    value = float(_nearer(synthetic, others)[0])
    drawn_again = interval(value, _nearer(synthetic, others, np.hstack(drawn)), 0, 1)
    exact = binomial_interval(round(value * len(synthetic)), len(synthetic))  # none, drawn again, is none each time
    low, high = min(drawn_again[0], exact[0]), max(drawn_again[1], exact[1])
    is_sure = _chance_of_nearest(synthetic, others) < ALARM
    verdict = beyond_chance(
        value - _NEAR, low - _NEAR, -np.inf, _AMBER_TO, is_sure=is_sure, red_from=_RED_FROM, passed="grey"
    )
    sentence = (
        f"{value:.1%} of synthetic records are as much like a record learned from as the nearest 1% of people "
        f"held out: {_MEANS[verdict]}."
    )
    beside = tuple(_nearer(side, others)[0] for side in (floor, others))
    return Answer([Score.of(_WHAT, value, (low, high), beside, verdict=verdict, sentence=sentence)])


def _chance_of_nearest(records: np.ndarray, others: np.ndarray) -> float:
    """Return the chance that as many of the nearest are synthetic records, looked at several times (Bonferroni)."""
    pooled = np.sort(np.concatenate([records, others]))[::-1]
    edges = [pooled[few - 1] for few in _LOOKS if few <= len(pooled)]
    chances = [chance_of((records >= edge).sum(), len(records), (others >= edge).sum(), len(others)) for edge in edges]
    return min(1.0, len(edges) * min(chances))


def _nearer(records: np.ndarray, others: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the share of records that are nearer than all but the nearest 1 % of people held out."""
    return hits(
        np.repeat([True, False], [len(records), len(others)]), np.concatenate([records, others]), weights, _NEAR
    )


QUESTION = Question(
    name="near copies",
    chapter="privacy",
    measure=measure,
    weight=3,
    needs=("holdout",),
    words={
        "near copies": (
            "Synthetic records that are as much like somebody learned from as only the nearest 1 % of people held "
            "out are, by how surprising it is that strangers agree so well. Judged by the very nearest, beyond "
            "chance."
        ),
    },
)
