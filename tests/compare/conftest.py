"""One small table with structure: age drives sick, sick drives pills, blood is linked to age."""

import numpy as np
import pandas as pd
import pytest

from shd.compare import compare
from shd.dataset import DataCard, Dataset


def make_table(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 12, n).round()
    sick = rng.random(n) < 1 / (1 + np.exp(-(age - 60) / 6))
    pills = np.where(sick, rng.choice(["many", "some"], n), rng.choice(["some", "none"], n))
    return pd.DataFrame(
        {
            "age": age,
            "blood": age * 0.5 + rng.normal(0, 3, n),
            "pills": pd.Categorical(pills, categories=["none", "some", "many"]),
            "sick": pd.Categorical(np.where(sick, "yes", "no")),
            "sex": pd.Categorical(rng.choice(["f", "m"], n)),
        }
    )


@pytest.fixture(scope="session")
def people():
    return make_table


@pytest.fixture(scope="session")
def cohort() -> tuple[Dataset, Dataset, Dataset]:
    """Train, a fresh sample in the part of the synthetic table, and holdout."""
    card = DataCard(title="Toy cohort", licence="CC0 1.0", citation="Nobody (2020). Toys.")
    train, holdout = (
        Dataset(
            make_table(800, seed),
            target="sick",
            subjects=np.arange(800) // 2 + 1000 * seed,
            sensitive=("sex",),
            card=card,
        )
        for seed in (1, 2)
    )
    synthetic = Dataset(make_table(700, 3), target="sick", source="synthetic")
    return train, synthetic, holdout


@pytest.fixture(scope="session")
def fresh(cohort):
    """Report on a synthetic table that is as good as it gets: other records of the same population."""
    train, synthetic, holdout = cohort
    return compare(train, synthetic, holdout=holdout)


@pytest.fixture(scope="session")
def scrambled(cohort):
    """Report on a table whose columns have nothing to do with each other."""
    train, synthetic, holdout = cohort
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({c: synthetic.frame[c].iloc[rng.permutation(700)].to_numpy() for c in synthetic.frame})
    return compare(train, frame, holdout=holdout)
