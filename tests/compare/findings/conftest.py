"""A made-up trial, and what is known of it: links that are there because they were put there."""

import numpy as np
import pandas as pd
import pytest

from shd.compare import findings
from shd.dataset import Dataset


def column(name: str):
    """A variable that is a column of numbers."""
    if name not in _COLUMNS:
        _COLUMNS[name] = findings.needs(name)(lambda frame: frame[name].to_numpy(float))
    return _COLUMNS[name]


_COLUMNS: dict = {}


def known(code: str, expected: str, recipe, theme: str = "links"):
    return findings.declare(code, f"label {code}", expected, recipe, "Is it so?", "a ratio", theme=theme, source="me")


FINDINGS = (
    known("T1", "above", findings.odds(column("ill"), column("smokes"), (column("age"),))),
    known("T2", "above", findings.rates(column("visits"), column("smokes"))),
    known("T3", "above", findings.ranks(column("age"), column("drugs")), "age"),
    known("T4", "above", findings.together(column("ill"), column("tired"))),
    known("T5", "below", findings.share(column("ill"))),
    known("T6", "above", findings.odds(column("ill"), column("left_handed"))),  # of which nothing is true
    known("T7", "above", findings.odds(column("ill"), column("nobody has it"))),
)


def trial(n: int, seed: int, linked: bool = True, people: int | None = None) -> Dataset:
    rng = np.random.default_rng(seed)
    smokes, age = rng.random(n) < 0.4, rng.normal(50, 10, n)
    ill = rng.random(n) < 1 / (1 + np.exp(1.5 - 1.2 * smokes * linked))
    columns = {
        "smokes": smokes,
        "age": age,
        "ill": ill,
        "tired": rng.random(n) < 0.2 + 0.3 * ill * linked,
        "visits": rng.poisson(1 + smokes * linked),
        "drugs": rng.poisson(np.exp(age / 50)) if linked else rng.poisson(2, n),
        "left_handed": rng.random(n) < 0.1,
    }
    frame = pd.DataFrame({name: values.astype(float) for name, values in columns.items()})
    subjects = None if people is None else np.arange(n) % people
    return Dataset(frame, subjects=subjects, source="real", name="trial")


@pytest.fixture
def known_findings():
    return FINDINGS


@pytest.fixture
def made():
    """The maker of a trial: ``made(n, seed, linked=True, people=None)``."""
    return trial
