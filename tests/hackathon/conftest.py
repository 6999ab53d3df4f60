"""A challenge of its own folder, small enough for every test."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

CHALLENGES = Path(__file__).resolve().parents[2] / "challenges"


@pytest.fixture
def copied(tmp_path):
    """A function that copies a challenge that ships; its release cut to so many rows where asked."""

    def copy(name: str = "diabetes_ml", rows: int | None = None) -> Path:
        folder = tmp_path / "elsewhere" / name
        shutil.copytree(CHALLENGES / name, folder, ignore=shutil.ignore_patterns("*.ipynb", "_source", "report.html"))
        if rows is not None:
            table = folder / "data" / "release" / "synthetic.parquet"
            pd.read_parquet(table).head(rows).to_parquet(table, index=False)
        return folder

    return copy


@pytest.fixture
def people() -> pd.DataFrame:
    """Four hundred visits of two hundred patients who are sick the more often the older they are."""
    rng = np.random.default_rng(0)
    n = 400
    age = rng.integers(20, 90, n)
    return pd.DataFrame(
        {
            "patient": np.repeat(np.arange(n // 2), 2),
            "sex": rng.choice(["f", "m"], n),
            "age": age,
            "weight": rng.normal(70, 10, n).round(1),
            "sick": np.where(rng.random(n) < (age - 10) / 90, "yes", "no"),
        }
    )
