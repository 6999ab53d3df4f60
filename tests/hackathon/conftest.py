"""A challenge of its own folder, small enough for every test."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shd.hackathon.start import start

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


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    """A team's folder of diabetes_ml with some 1,500 people, made once; no test changes it."""
    place = tmp_path_factory.mktemp("challenges")
    folder = place / "diabetes_ml"
    shutil.copytree(CHALLENGES / "diabetes_ml", folder, ignore=shutil.ignore_patterns("_source", "report.html"))
    text = (folder / "challenge.toml").read_text(encoding="utf-8")
    text = text.replace('studies = "../diabetes_bioinformatics/studies"\n', "").replace(
        "fewest = 10_000", "fewest = 1000"
    )
    (folder / "challenge.toml").write_text(text, encoding="utf-8")
    table = pd.read_parquet(folder / "data" / "stand-in.parquet")
    few = np.sort(np.random.default_rng(0).choice(table["subject"].unique(), 1500, replace=False))
    table[table["subject"].isin(few)].to_parquet(folder / "data" / "stand-in.parquet", index=False)
    release = folder / "data" / "release" / "synthetic.parquet"
    pd.read_parquet(release).head(3000).to_parquet(release, index=False)
    return start(folder, place / "team", "team").folder


@pytest.fixture
def team(template, tmp_path) -> Path:
    """A team's folder that a test may change."""
    return Path(shutil.copytree(template, tmp_path / "team", ignore=shutil.ignore_patterns(".git")))
