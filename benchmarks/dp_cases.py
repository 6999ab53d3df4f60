"""What the audit of differential privacy is tried on: a table and its neighbours, and planted faults to be caught."""

import numpy as np
import pandas as pd

from shd import BayesianNetwork, Dataset, Dates, Domain, Levels, Numbers
from shd.synthesizers.dp.audit import Neighbour

DOMAIN = Domain(
    {
        "ward": Levels(["north", "south", "island"]),
        "sick": Levels([False, True]),
        "age": Numbers(0, 110),
        "income": Numbers(0, 100_000, missing=True),
    }
)
"""What the columns of the tables below can hold."""

_PEOPLE, _MANY = 60, 200


def tables() -> tuple[Dataset, dict[str, Neighbour]]:
    """Return a table and its neighbours, by what one person more brings about.

    60 subjects with one record each: the smaller the table, the more one person shows.
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
    usual = {"ward": "north", "sick": True, "age": 50, "income": 30_000.0}
    brought = {
        "one more record": usual,
        "a rare level": usual | {"ward": "island"},
        "an undeclared level": usual | {"ward": "the moon"},
        "an extreme number": usual | {"income": 99_999.0},
        "a missing value": usual | {"income": np.nan},
        "a new combination": usual | {"ward": "south"},
        f"a subject with {_MANY} records": usual | {"ward": "island", "age": 105},
    }
    people = np.arange(_PEOPLE)
    neighbours = {}
    for name, record in brought.items():
        extra = pd.DataFrame([record] * (_MANY if str(_MANY) in name else 1))
        frame = pd.concat([base, extra], ignore_index=True)
        subjects = np.append(people, [_PEOPLE] * len(extra))
        neighbours[name] = Neighbour(Dataset(frame, subjects=subjects), extra.iloc[:1])
    return Dataset(base, subjects=people), neighbours


# Planted faults: what an audit has to catch ------------------------------------------------------


class DomainReadOff(BayesianNetwork, abstract=True):
    """A planted fault: levels, ranges and whether anything is missing are read off the records, for nothing."""

    def _domain(self, data: Dataset | pd.DataFrame, frame: pd.DataFrame) -> Domain:
        declared = {}
        for name, values in frame.items():
            missing, known = bool(values.isna().any()), values.dropna()
            if pd.api.types.is_datetime64_any_dtype(values):
                declared[name] = Dates(str(known.min()), str(known.max()), missing=missing)
            elif pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
                declared[name] = Numbers(known.min(), known.max(), missing=missing)
            else:
                declared[name] = Levels(sorted(known.unique()), missing=missing)
        return Domain(declared)


class RecordsNotBounded(BayesianNetwork, abstract=True):
    """A planted fault: every record counts as a person of its own, and the promise is for subjects all the same."""

    def fit(self, data: Dataset | pd.DataFrame) -> "RecordsNotBounded":
        """Learn from all records."""
        return super().fit(data.frame)


class NoiseKnown(BayesianNetwork, abstract=True):
    """A planted fault: the noise is the same in every fit, as with a seed that stands in the file."""

    def fit(self, data: Dataset | pd.DataFrame) -> "NoiseKnown":
        """Learn with noise of seed 0."""
        self.noise_seed = 0
        return super().fit(data)


class NoiseTooSmall(BayesianNetwork, abstract=True):
    """A planted fault: a hundredth of the noise that the claim needs."""

    def fit(self, data: Dataset | pd.DataFrame) -> "NoiseTooSmall":
        """Learn with too little noise."""
        claimed, self.epsilon = self.epsilon, 100 * self.epsilon
        try:
            return super().fit(data)
        finally:
            self.epsilon = claimed


PLANTED = (DomainReadOff, RecordsNotBounded, NoiseKnown, NoiseTooSmall)
"""Faults that an audit has to catch, each in at least one pair of tables."""
