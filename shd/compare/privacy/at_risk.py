"""Who could be recognised? The people of train who stand alone and are come near to: for the steward alone."""

import numpy as np
import pandas as pd

from shd.compare.core.attacks import (
    FEWEST,
    RELEASED,
    budget,
    check_count,
    check_people,
    count_people,
    pick_one_each,
    shares,
    some,
)
from shd.compare.core.chance import generator
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, align
from shd.compare.privacy.identifiability import to_others, weighted
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
AT_RISK = "at risk"


def outliers_at_risk(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    most: int = _LISTED,
    random_state: int = 0,
) -> pd.DataFrame:
    """List records of train that are both isolated and approached. For the data steward only.

    Isolated: no other person of train is near (further away than for 95 % of people). Approached: a
    synthetic record lies at less than a fifth of that distance. Looked at are the 1,500 people with
    the rarest values, and as many at random.

    Parameters
    ----------
    train, synthetic : Dataset or DataFrame
    most : int
        Most records listed, the nearest approached first.
    random_state : int

    Returns
    -------
    DataFrame
        ``row``, its number in train from 0 on; ``isolation``, the percentile of its distance to the
        nearest other person, 0 to 100; ``to other people`` and ``to synthetic``, these distances as
        shares of the largest possible one, 0 to 1; ``why``, a sentence.

    Raises
    ------
    ShdError
        Where a table has fewer than 20 people.

    References
    ----------
    Meeus, Guépin, Creţu, de Montjoye (2023), *Achilles' Heels: Vulnerable Record Identification in
    Synthetic Data Publishing*, arXiv 2306.10308: isolated records are the ones attacks find.
    """
    check_count(most, "most")
    (train, synthetic), _ = align(train, synthetic, names=["train", "synthetic"])
    check_people(train, synthetic, train, AT_RISK)
    rng = generator(random_state, AT_RISK)
    return _list(train, some(synthetic, RELEASED, rng), some(train, RELEASED, rng), _PEOPLE, most, rng)


def measure(sides: Sides) -> Answer:
    """List the people at risk."""
    if min(count_people(sides.train), len(sides.synthetic)) < FEWEST:
        why = f"takes at least {FEWEST} people in train, and {FEWEST} synthetic records"
        return Answer(skipped=[Skipped(f"records {AT_RISK}", why)])
    rng = generator(sides.random_state, AT_RISK)
    most = budget(sides, RELEASED)
    synthetic, real = some(sides.synthetic, most, rng), some(sides.train, most, rng)
    return Answer(tables={AT_RISK: _list(sides.train, synthetic, real, budget(sides, _PEOPLE), _LISTED, rng)})


def _list(
    train: Coded, synthetic: Coded, real: Coded, people: int, most: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the people of train who are isolated and approached; see `outliers_at_risk`."""
    rarity = -np.log(np.column_stack(shares(train)))
    usual = pick_one_each(train, people, rng)
    rows = np.concatenate([usual, np.argsort(-rarity.sum(axis=1), kind="stable")[:people]])
    gower, own = weighted(train), train.take(rows)
    to_person, to_synthetic = to_others(gower, own, real), gower.nearest(own, synthetic)
    place = 100 * np.searchsorted(np.sort(to_person[: len(usual)]), to_person) / len(usual)
    frame = pd.DataFrame(
        {
            "row": rows,
            "isolation": place,
            "to other people": to_person.astype(float) / gower.weights.sum(),
            "to synthetic": to_synthetic.astype(float) / gower.weights.sum(),
            "why": [f"its rarest value is in {train.names[j]}" for j in rarity[rows].argmax(axis=1)],
        }
    ).assign(person=own.subjects, nearness=to_synthetic / np.maximum(to_person, _TINY))
    chosen = frame[(place >= _ISOLATED) & np.isfinite(to_person) & (frame["nearness"] <= _APPROACHED)]
    chosen = chosen.sort_values(["nearness", "isolation"], ascending=[True, False], kind="stable")
    chosen = chosen.drop_duplicates("person").head(most).drop(columns=["person", "nearness"]).reset_index(drop=True)
    chosen["why"] = [
        f"nobody else is nearer than {other:.3f}, further away than for {place:.1f}% of people, but a synthetic record "
        f"is at {near:.3f}; {why}"
        for _, place, other, near, why in chosen.itertuples(index=False)
    ]
    return chosen


QUESTION = Question(
    name="records at risk",
    chapter="privacy",
    measure=measure,
    show="chapters.privacy:at_risk",
    weight=2,
    tables=("at risk",),
    secret=("at risk",),
    words={
        "records at risk": (
            "Records of train that stand far from all other people and have a synthetic record nearby. For the "
            "steward alone."
        ),
    },
)
