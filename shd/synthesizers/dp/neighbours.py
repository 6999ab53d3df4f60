"""Pairs of tables that differ in all records of one person, made so that this person shows as much as can be."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd.dataset import Dataset
from shd.domain import Domain, Levels, Numbers

DOMAIN = Domain(
    {
        "ward": Levels(["north", "south", "island"]),
        "sick": Levels([False, True]),
        "age": Numbers(0, 110),
        "income": Numbers(0, 100_000, missing=True),
    }
)
"""What the columns can hold, written down before anybody looked."""

_PEOPLE, _MANY = 60, 200
_USUAL = {"ward": "north", "sick": True, "age": 50, "income": 30_000.0}
_TWO = ("ward", "sick")


@dataclass(frozen=True, eq=False)
class Pair:
    """Two tables, the one with a subject more than the other."""

    name: str  # what the subject is like
    without: Dataset
    with_: Dataset
    record: pd.DataFrame  # one of that subject
    domain: Domain


def pairs() -> tuple[Pair, ...]:
    """Return the pairs, each for another way in which a promise breaks.

    * In a cell of one's own: one person or two, two columns, and a level that the other has not. Every count moves by
      all that one person can move it, and whoever learns from shares of people sees them turn round: the worst case for
      the size of the noise.
    * Beyond the domain: a level, a number and a gap that nobody else has and nobody declared.
    * With many records: 200 of one subject, where one is promised to count.
    """
    rng = np.random.default_rng(0)
    ward = rng.choice(["north", "south"], _PEOPLE)
    base = pd.DataFrame(
        {
            "ward": ward,
            "sick": (ward == "north") & (rng.random(_PEOPLE) < 0.6),
            "age": rng.integers(20, 80, _PEOPLE),
            "income": rng.integers(10, 50, _PEOPLE) * 1000.0,
        }
    )
    return (
        _pair("in a cell of one's own", base.loc[:0, [*_TWO]], {**_USUAL, "ward": "island"}),
        _pair("beyond the domain", base, {**_USUAL, "ward": "the moon", "age": 140, "income": np.nan}),
        _pair("with many records", base, {**_USUAL, "ward": "island", "age": 105}, _MANY),
    )


def _pair(name: str, base: pd.DataFrame, record: dict, times: int = 1) -> Pair:
    extra = pd.DataFrame([record] * times)[list(base.columns)]
    people = np.arange(len(base))
    more = Dataset(pd.concat([base, extra], ignore_index=True), subjects=np.append(people, [len(base)] * times))
    domain = Domain({column: DOMAIN.columns[column] for column in base.columns})
    return Pair(name, Dataset(base, subjects=people), more, extra.iloc[:1], domain)
