"""Who stands alone and is come near to? The people of train whom attacks find first: for the data steward alone.

Isolated: further from other people than 95 % of people are. Approached: a synthetic record lies at less than a fifth of
that distance. Looked at are the people with the rarest values, and as many at random (Meeus, Guépin, Creţu, de
Montjoye 2023, *Achilles' Heels: Vulnerable Record Identification in Synthetic Data Publishing*, arXiv 2306.10308).
"""

import numpy as np
import pandas as pd

from shd.compare.core.attacks import RELEASED, budget, count_people, pick_one_each, shares
from shd.compare.core.chance import generator, sample_records
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Skipped
from shd.compare.core.sides import FEWEST_ATTACKED, Sides
from shd.compare.core.tables import Coded
from shd.compare.privacy.identifiability import to_others, weighted

_PEOPLE = 1500  # at random, and as many of the rarest
_ISOLATED, _APPROACHED = 95, 1 / 5  # percentile, and how near in terms of the nearest other real record
_LISTED = 20
_TINY = 1e-6
_AT_RISK = "at risk"


def measure(sides: Sides) -> Answer:
    """List the people at risk."""
    few = FEWEST_ATTACKED
    if min(count_people(sides.train), len(sides.synthetic)) < few:
        why = f"takes at least {few} people in train, and {few} synthetic records"
        return Answer(skipped=[Skipped(f"records {_AT_RISK}", why)])
    rng = generator(sides.random_state, _AT_RISK)
    most = budget(sides, RELEASED)
    synthetic, real = sample_records(sides.synthetic, most, rng), sample_records(sides.train, most, rng)
    frame = _distances(sides.train, synthetic, real, budget(sides, _PEOPLE), rng)
    chosen = frame[
        (frame["isolation"] >= _ISOLATED) & np.isfinite(frame["to other people"]) & (frame["nearness"] <= _APPROACHED)
    ].sort_values(["nearness", "isolation"], ascending=[True, False], kind="stable")
    chosen = chosen.drop_duplicates("person").head(_LISTED).drop(columns=["person", "nearness"])
    return Answer(tables={_AT_RISK: _with_reasons(chosen.reset_index(drop=True))})


def _distances(train: Coded, synthetic: Coded, real: Coded, people: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return how far each person looked at is from other people and from synthetic records, 0 to 1."""
    rarity = -np.log(np.column_stack(shares(train)))
    usual = pick_one_each(train, people, rng)
    rows = np.concatenate([usual, np.argsort(-rarity.sum(axis=1), kind="stable")[:people]])
    gower, own = weighted(train), train.take(rows)
    to_person, to_synthetic = to_others(gower, own, real), gower.nearest(own, synthetic)
    return pd.DataFrame(
        {
            "row": rows,
            "isolation": 100 * np.searchsorted(np.sort(to_person[: len(usual)]), to_person) / len(usual),
            "to other people": to_person.astype(float) / gower.weights.sum(),
            "to synthetic": to_synthetic.astype(float) / gower.weights.sum(),
            "why": [f"its rarest value is in {train.names[j]}" for j in rarity[rows].argmax(axis=1)],
            "person": own.subjects,
            "nearness": to_synthetic / np.maximum(to_person, _TINY),
        }
    )


def _with_reasons(frame: pd.DataFrame) -> pd.DataFrame:
    why = [
        f"nobody else is nearer than {other:.3f}, further away than for {percent:.1f}% of people, but a synthetic "
        f"record is at {near:.3f}; {rarest}"
        for _, percent, other, near, rarest in frame.itertuples(index=False)
    ]
    return frame.assign(why=why)


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
