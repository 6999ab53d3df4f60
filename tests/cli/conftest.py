"""A small table on disk, the command line as a function, and a report that is made once."""

import sys

import numpy as np
import pandas as pd
import pytest

import shd
from shd import cli


@pytest.fixture
def stays(tmp_path, monkeypatch) -> str:
    """A small table of forty patients on disk, in the folder that is current."""
    rng = np.random.default_rng(0)
    n = 120
    columns = {"patient": np.repeat(np.arange(40), 3), "sex": rng.choice(["f", "m"], n), "stays": rng.integers(0, 9, n)}
    pd.DataFrame({**columns, "sick": rng.choice(["no", "yes"], n)}).to_csv(tmp_path / "stays.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return "stays.csv"


@pytest.fixture
def call(capsys):
    """A function that runs a command line and returns exit code, standard output and standard error."""

    def run(line: str, *more: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main([*line.split(), *more])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="session")
def report():
    """One small report, made once: comparing takes seconds."""
    frame = pd.DataFrame({"sex": ["f", "m"] * 60, "sick": ["no", "yes", "yes"] * 40})
    train, holdout = shd.Dataset.from_frame(frame, target="sick").split(0.2, 0)
    return shd.compare(train, train.frame, holdout=holdout)


@pytest.fixture
def quick(monkeypatch, report):
    """Let `generate` take that report for its own."""
    monkeypatch.setattr(sys.modules["shd.compare"], "compare", lambda *tables, **options: report)


@pytest.fixture
def own() -> tuple[str, ...]:
    """What has to be said of a table of one's own."""
    return "--subject", "patient", "--licence", "CC0 1.0"


@pytest.fixture
def generate(own):
    """A function that gives the words of a command for a release of that table."""
    return lambda *more: [
        "generate",
        "stays.csv",
        "-o",
        "out",
        "--family",
        "marginals",
        "--target",
        "sick",
        *own,
        *more,
    ]
