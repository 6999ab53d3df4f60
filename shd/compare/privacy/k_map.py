"""Is a combination of values that one synthetic record alone has also that of one person learned from? k-map."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from shd.compare.core.attacks import FEWEST, REPLICATES, all_of, count_people, judge_excess
from shd.compare.core.chance import bootstrap_weights, deal, generator, interval
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, align
from shd.compare.privacy.anonymity import NO_COLUMN, check_columns, groups_of, listing, quasi_identifiers
from shd.dataset import Dataset

_Z = 1.96
_SMALL = 5  # records, below which a group is a small one
_FEW_VALUES, _MOST_COLUMNS = 20, 4  # of quasi-identifiers, where no column is sensitive
_HELD = (("nobody", 0, 0), ("1", 1, 1), ("2 to 4", 2, 4), ("5 or more", 5, np.inf))
_MEANS = {
    "grey": "so few cannot show more",
    "green": "hardly more than luck, so single people cannot be searched for this way",
    "amber": "a little more than luck, so some people may be found",
    "red": "more than luck, so people can be found",
}


def k_map(
    synthetic: Dataset | pd.DataFrame | Coded, real: Dataset | pd.DataFrame | Coded, columns: Sequence
) -> np.ndarray:
    """Return how many real people share each combination of values that one synthetic record alone has.

    Parameters
    ----------
    synthetic, real : Dataset or DataFrame
    columns : sequence
        The quasi-identifiers; see `k_anonymity`.

    Returns
    -------
    ndarray of int, shape (n_combinations,)
        0: nobody; 1: the synthetic record is like one person only.

    Raises
    ------
    ShdError
        Where no column is named, or one is not there.

    References
    ----------
    El Emam, Dankar (2008), *Protecting Privacy Using k-Anonymity*, doi 10.1197/jamia.M2716.
    """
    (real, synthetic), _ = align(real, synthetic, names=["real", "synthetic"])
    return _shared_by(synthetic, [real], check_columns(columns, real))[0]


def measure(sides: Sides) -> Answer:
    """Compare how often unique combinations are those of one person, learned from and held out."""
    columns = quasi_identifiers(sides)
    if not columns:
        return Answer(skipped=[Skipped("k-map", NO_COLUMN)])
    rng = generator(sides.random_state, "k-map")
    half = deal(sides.holdout.subjects, 2, rng) == 0
    settings = {
        "synthetic": (sides.synthetic, sides.holdout),
        "floor": (sides.floor, sides.holdout),
        "ceiling": (sides.holdout.take(half), sides.holdout.take(~half)),
    }
    found = {}
    for name, (release, others) in settings.items():
        people = min(count_people(sides.train), count_people(others))
        found[name] = _shared_by(release, [all_of(table, people, rng) for table in (sides.train, others)], columns)
    tried = len(found["synthetic"][0])
    if tried < FEWEST:
        why = f"only {tried} combinations of {listing(columns)} occur in one synthetic record alone"
        return Answer(skipped=[Skipped("k-map", why)])
    frame = pd.DataFrame(
        [(label, *(int(((k >= low) & (k <= high)).sum()) for k in found["synthetic"])) for label, low, high in _HELD],
        columns=["people", "in train", "in holdout"],
    )
    return Answer([_map(sides, columns, found, rng)], {"k-map": frame})


def _map(sides: Sides, columns: list, found: dict, rng: np.random.Generator) -> Score:
    """Compare how often a unique synthetic combination is that of one person of train, and of the holdout."""
    in_train, in_holdout = (side == 1 for side in found["synthetic"])
    value = float(in_train.mean() - in_holdout.mean())
    gap = bootstrap_weights(len(in_train), REPLICATES, rng) @ (in_train * 1.0 - in_holdout) / len(in_train)
    low, high = (float(bound) for bound in interval(value, gap, -1, 1))
    floor, ceiling = (
        float((a == 1).mean() - (b == 1).mean()) if len(a) else None for a, b in (found["floor"], found["ceiling"])
    )
    verdict = judge_excess(value, low, high)
    other = "" if ceiling is None else f"; with other {sides.word} records as the release {100 * ceiling:+.1f}"
    sentence = (
        f"Of {len(in_train):,} combinations of {listing(columns)} that one synthetic record alone has, "
        f"{in_train.mean():.1%} are those of exactly one person learned from, and {in_holdout.mean():.1%} of exactly "
        f"one of as many held out, {100 * value:+.1f} points{other}: {_MEANS[verdict]}."
    )
    return Score("privacy", "k-map: one person", value, low, high, floor, ceiling, verdict, "lower", sentence)


def _shared_by(synthetic: Coded, crowds: list[Coded], columns: list) -> list[np.ndarray]:
    """Return by how many people of each crowd the unique combinations are shared, shape (n_combinations,)."""
    own, *others = groups_of(columns, synthetic, *crowds)
    once = np.flatnonzero(np.bincount(own) == 1)
    found = []
    for group, crowd in zip(others, crowds, strict=True):
        pairs = np.unique(np.column_stack([group, crowd.subjects]), axis=0)
        found.append(np.bincount(pairs[:, 0], minlength=own.max() + 1)[once])
    return found


QUESTION = Question(
    name="k-map",
    chapter="privacy",
    measure=measure,
    weight=1,
    needs=("holdout", "people"),
    tables=("k-map",),
)
