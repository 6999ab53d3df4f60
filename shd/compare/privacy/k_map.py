"""Is a combination of values that one synthetic record alone has also that of one person learned from? k-map.

That is a disclosure as far as it happens more often than for one person held out (El Emam, Dankar 2008, *Protecting
Privacy Using k-Anonymity*, doi 10.1197/jamia.M2716).
"""

import numpy as np
import pandas as pd

from shd.compare.core.attacks import REPLICATES, equal_crowds
from shd.compare.core.chance import bootstrap_weights, deal, generator, interval
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, judge_excess
from shd.compare.core.sides import FEWEST_ATTACKED, Sides
from shd.compare.core.tables import Coded
from shd.compare.privacy.anonymity import NO_COLUMN, groups_of, listing, quasi_identifiers

_HELD_BY = (("nobody", 0, 0), ("1", 1, 1), ("2 to 4", 2, 4), ("5 or more", 5, np.inf))
_MEANS = {
    "grey": "so few cannot show more",
    "green": "hardly more than luck, so single people cannot be searched for this way",
    "amber": "a little more than luck, so some people may be found",
    "red": "more than luck, so people can be found",
}


def measure(sides: Sides) -> Answer:
    """Compare how often unique combinations are those of one person, learned from and held out."""
    columns = quasi_identifiers(sides)
    if not columns:
        return Answer(skipped=[Skipped("k-map", NO_COLUMN)])
    rng = generator(sides.random_state, "k-map")
    half = deal(sides.holdout.subjects, 2, rng) == 0
    held_by, *beside = (
        _held_by(release, sides.train, others, columns, rng)
        for release, others in (
            (sides.synthetic, sides.holdout),
            (sides.floor, sides.holdout),
            (sides.holdout.take(half), sides.holdout.take(~half)),
        )
    )
    if len(held_by) < FEWEST_ATTACKED:
        why = f"only {len(held_by)} combinations of {listing(columns)} occur in one synthetic record alone"
        return Answer(skipped=[Skipped("k-map", why)])
    frame = pd.DataFrame(
        [(label, *((held_by >= low) & (held_by <= high)).sum(axis=0)) for label, low, high in _HELD_BY],
        columns=["people", "in train", "in holdout"],
    )
    return Answer([_score(sides, columns, held_by == 1, beside, rng)], {"k-map": frame})


def _held_by(release: Coded, train: Coded, holdout: Coded, columns: list, rng: np.random.Generator) -> np.ndarray:
    """Return by how many of equally many people of both sides each unique combination is shared, (n, 2)."""
    crowds = equal_crowds(train, holdout, rng)
    own, *others = groups_of(columns, release, *crowds)
    once = np.flatnonzero(np.bincount(own) == 1)
    found = []
    for group, crowd in zip(others, crowds, strict=True):
        pairs = np.unique(np.column_stack([group, crowd.subjects]), axis=0)
        found.append(np.bincount(pairs[:, 0], minlength=own.max() + 1)[once])
    return np.column_stack(found)


def _score(sides: Sides, columns: list, is_one: np.ndarray, beside: list, rng: np.random.Generator) -> Score:
    """Judge how much more often a unique combination is that of one person of train than of the holdout."""
    in_train, in_holdout = is_one.mean(axis=0)
    value = float(in_train - in_holdout)
    drawn = bootstrap_weights(len(is_one), REPLICATES, rng) @ (is_one[:, 0] * 1.0 - is_one[:, 1]) / len(is_one)
    ends = interval(value, drawn, -1, 1)
    floor, ceiling = (np.subtract(*(other == 1).mean(axis=0)) if len(other) else None for other in beside)
    verdict = judge_excess(value, *ends)
    other = "" if ceiling is None else f"; with other {sides.word} records as the release {100 * ceiling:+.1f}"
    sentence = (
        f"Of {len(is_one):,} combinations of {listing(columns)} that one synthetic record alone has, "
        f"{in_train:.1%} are those of exactly one person learned from, and {in_holdout:.1%} of exactly "
        f"one of as many held out, {100 * value:+.1f} points{other}: {_MEANS[verdict]}."
    )
    return Score.of("k-map: one person", value, ends, (floor, ceiling), verdict=verdict, sentence=sentence)


QUESTION = Question(
    name="k-map",
    chapter="privacy",
    measure=measure,
    needs=("holdout", "people"),
    tables=("k-map",),
)
