"""Records that are nearly those of people: as near to train as only the nearest of people held out are.

They may raise an alarm; that they do not shows nothing (Yao et al. 2025, arXiv 2505.01524), so that they are grey then.
"""

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.compare.core.attacks import (
    ALARM,
    RELEASED,
    REPLICATES,
    budget,
    check_count,
    count_people,
    hits,
    one_each,
    some,
)
from shd.compare.core.chance import bootstrap_weights, generator, interval
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, align
from shd.compare.privacy.copies import beyond, binomial_interval
from shd.compare.privacy.record_linkage import Linkage
from shd.dataset import Dataset

NEAR_GREEN, NEAR_AMBER = 0.01, 0.03  # how far above 1 % the share of near copies may lie
NEAR = 0.01  # the nearest share of held-out records
FEWEST_NEAR, _NEAR_ROWS, _NEAR_REAL = 100, 2000, 20_000
_LOOKS = (10, 20, 50, 100, 200)  # how many of the nearest, synthetic or not, are looked at
_ALARM = 0.01  # how often chance may raise an alarm for copies
_CONTAMINATED = 0.001  # a holdout that equals train so much more often than strangers do is no measure
_WHAT = "near copies"


def near_copies(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded,
    rows: int = 2000,
    random_state: int = 0,
) -> float:
    """Return the share of synthetic records nearer to train than the nearest 1 % of held-out people.

    Near by the weight of record linkage: how surprising it is that two strangers agree so well, by how rare a level
    is, and how few others lie as near as a number; one record a held-out person. 0.01 is what new people reach by
    construction (of records that tie at the border, as many count as that takes). Fewer show nothing: distances may
    raise an alarm, and never give the all-clear.

    Parameters
    ----------
    train, synthetic, holdout : Dataset or DataFrame
    rows : int
        Most synthetic records, and held-out people, that are looked at.
    random_state : int

    Returns
    -------
    float
        0 to 1; above 0.01: some synthetic records are nearly those of people learned from.

    Raises
    ------
    ShdError
        Where the holdout has fewer than 100 people.

    References
    ----------
    Platzer, Reutterer (2021), doi 10.3389/fdata.2021.679939: the holdout shows what is to be expected. Fellegi, Sunter
    (1969), *A Theory for Record Linkage*, doi 10.1080/01621459.1969.10501049 (quoted from memory): the weights. Yao et
    al. (2025), *The DCR Delusion*, arXiv 2505.01524: why distances to the closest record are no evidence of privacy.
    """
    check_count(rows, "rows")
    (train, synthetic, holdout), _ = align(train, synthetic, holdout, names=["train", "synthetic", "holdout"])
    if count_people(holdout) < FEWEST_NEAR:
        raise ShdError(
            f"near copies: holdout has {count_people(holdout)} people; give at least {FEWEST_NEAR}, of whom the "
            "nearest 1 % is then one or more."
        )
    rng = generator(random_state, "near copies")
    linkage, train = Linkage.of(train), some(train, RELEASED, rng)
    people = linkage.closest(one_each(holdout, rows, rng), train)
    return float(_nearer(linkage.closest(some(synthetic, rows, rng), train), people)[0])


def measure(sides: Sides) -> Answer:
    """Compare how near the nearest synthetic records, and the nearest people held out, come to people learned from."""
    if count_people(sides.holdout) < FEWEST_NEAR:
        return Answer(skipped=[Skipped(_WHAT, f"take {FEWEST_NEAR} people in the holdout")])
    rng = generator(sides.random_state, "near copies")
    rows = budget(sides, _NEAR_ROWS)
    linkage, train = Linkage.of(sides.train), some(sides.train, budget(sides, _NEAR_REAL), rng)
    tables = [one_each(table, rows, rng) for table in (sides.synthetic, sides.floor, sides.holdout)]
    synthetic, floor, others = (linkage.closest(records, train) for records in tables)
    drawn = [bootstrap_weights(len(side), REPLICATES, rng) for side in (synthetic, others)]
    value = float(_nearer(synthetic, others)[0])
    drawn_again = interval(value, _nearer(synthetic, others, np.hstack(drawn)), 0, 1)
    exact = binomial_interval(round(value * len(synthetic)), len(synthetic))  # none, drawn again, is none each time
    low, high = float(min(drawn_again[0], exact[0])), float(max(drawn_again[1], exact[1]))
    floor, ceiling = (float(_nearer(side, others)[0]) for side in (floor, others))
    is_alarm, excess = _chance_of_nearest(synthetic, others) < ALARM, value - NEAR
    verdict = "grey" if not is_alarm else "red" if excess > NEAR_AMBER and low - NEAR > NEAR_GREEN else "amber"
    means = {
        "grey": "not more than chance may give, which shows little",
        "amber": "some are nearly records of people learned from",
        "red": "many are nearly records of people learned from",
    }
    sentence = (
        f"{value:.1%} of synthetic records are as much like a record learned from as the nearest 1% of people held "
        f"out: {means[verdict]}."
    )
    return Answer([Score("privacy", _WHAT, value, low, high, floor, ceiling, verdict, "lower", sentence)])


def _chance_of_nearest(records: np.ndarray, others: np.ndarray) -> float:
    """Return the chance that as many of the nearest are synthetic records, looked at several times (Bonferroni)."""
    pooled = np.sort(np.concatenate([records, others]))[::-1]
    edges = [pooled[few - 1] for few in _LOOKS if few <= len(pooled)]
    chances = [beyond((records >= edge).sum(), len(records), (others >= edge).sum(), len(others)) for edge in edges]
    return min(1.0, len(edges) * min(chances))


def _nearer(records: np.ndarray, others: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the share of records that are nearer than all but the nearest 1 % of people held out."""
    return hits(np.repeat([True, False], [len(records), len(others)]), np.concatenate([records, others]), weights, NEAR)


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
