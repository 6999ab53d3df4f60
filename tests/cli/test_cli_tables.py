"""Tables of other people on the command line: how they are read, and in whose words it speaks."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import shd
from shd import cli
from shd.dataset import Dataset
from shd.releases.release import open_release
from shd.tables.reading import read_table

N = 120


@pytest.fixture
def call(capsys, tmp_path, monkeypatch):
    """A function that runs a command line and returns exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)

    def run(*line: str) -> tuple[int, str, str]:
        capsys.readouterr()
        return cli.main(list(line)), *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def report():
    frame = pd.DataFrame({"sex": ["f", "m"] * 60, "sick": ["no", "yes", "yes"] * 40})
    train, holdout = Dataset.from_frame(frame, target="sick").split(0.2, 0)
    return shd.compare(train, train.frame, holdout=holdout, level="quick")


@pytest.fixture
def quick(monkeypatch, report):
    """Let `generate` take that report for its own."""
    monkeypatch.setattr(sys.modules["shd.compare"], "compare", lambda *tables, **options: report)


@pytest.fixture
def visits(tmp_path) -> pd.DataFrame:
    """A table as it comes: a title, codes, dates of two kinds and at the ends of the calendar, commas."""
    rng = np.random.default_rng(0)
    day = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 200, N), unit="D")
    frame = pd.DataFrame(
        {
            "zip": rng.choice(["00501", "10115"], N),
            "until": np.where(rng.random(N) < 0.3, "9999-12-31", day.strftime("%Y-%m-%d")),
            "seen": [f"{d:%Y-%m-%dT10:00:00}{'+02:00' if d.month > 3 else '+01:00'}" for d in day],
            "bmi": [f"{number:.4f}".replace(".", ",") for number in rng.normal(27, 4, N)],
            "country": rng.choice(["NA", "DE"], N),
            "sick": rng.choice(["no", "yes"], N),
        }
    )
    (tmp_path / "visits.csv").write_text(f"Visits of 2020\n{frame.to_csv(index=False)}")
    return frame


def test_a_release_reads_back_as_the_same_records(call, visits, quick):
    line = ("generate", "visits.csv", "-o", "out", "--family", "marginals", "--target", "sick", "--licence", "x")
    code, _, err = call(*line)
    assert code == 2 and "line 1 has 1 field and line 2 has 6" in err and "--skip 1" in err
    code, _, err = call(*line, "--skip", "1", "--text", "country")
    assert code == 0, err
    for said in ("leading zeros or a leading +: 'zip' (120)", "in UTC", "a decimal comma: 'bmi' (120"):
        assert said in err
    csv, parquet = (Dataset.from_csv(Path("out", name)).frame for name in ("synthetic.csv.gz", "synthetic.parquet"))
    pd.testing.assert_frame_equal(csv, parquet)
    assert set(csv["zip"]) == {"00501", "10115"} and set(csv["country"]) == {"NA", "DE"}
    assert csv["until"].dt.year.max() == 9999
    code, out, _ = call("verify", "out")
    assert code == 0, out
    assert "synthetic.schema.json" in Path("out/SHA256SUMS").read_text()


def test_the_model_stays_where_it_was_made(call, visits, quick):
    line = (
        "generate",
        "visits.csv",
        "-o",
        "out",
        "--family",
        "marginals",
        "--licence",
        "x",
        "--skip",
        "1",
        "--no-model",
    )
    assert call(*line)[0] == 0
    assert not Path("out/model.safetensors").exists() and "not handed on" in Path("out/README.md").read_text()
    code, out, _ = call("verify", "out")
    assert code == 0, out


def test_a_release_of_an_earlier_version_has_no_schema(call, visits, quick):
    line = ("generate", "visits.csv", "-o", "out", "--family", "marginals", "--licence", "x", "--skip", "1")
    assert call(*line)[0] == 0
    sums = Path("out/SHA256SUMS")
    frame = read_table("out/synthetic.parquet")
    Path("out/synthetic.schema.json").unlink()
    sums.write_text("".join(row for row in sums.read_text().splitlines(True) if "schema" not in row))
    assert open_release("out").card["data"]["records"] == len(frame)


def test_a_measurement_as_target_is_learned_without_a_condition(call, visits, quick):
    line = ("generate", "visits.csv", "-o", "out", "--licence", "x", "--skip", "1", "--target", "bmi", "--steps", "2")
    rng = np.random.default_rng(0)
    more = pd.DataFrame({"bmi": rng.normal(27, 4, 300), "sick": rng.choice(["no", "yes"], 300)})
    Path("visits.csv").write_text(f"A title\n{more.to_csv(index=False)}")
    code, _, err = call(*line)
    assert code == 0, err
    assert "condition" not in err
    assert len(read_table("out/synthetic.csv.gz")) == 240


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--target", "nope"), "--target: there is no column 'nope'"),
        (("--condition", "bmi"), "condition 'bmi' has more than 200 levels"),
        (("--target", "sick", "--test-size", "2"), "--test-size 2.0 is not between 0 and 1"),
        (("--target", "sick", "--minutes", "0"), "--minutes 0.0 must be more than 0"),
        (("--text", "nope"), "--text: there is no column 'nope'"),
        (("--decimal", "x"), "--decimal 'x' must be"),
    ],
)
def test_errors_speak_of_options(call, more, says):
    frame = pd.DataFrame({"bmi": np.random.default_rng(0).normal(27, 4, 300), "sick": ["no", "yes"] * 150})
    frame.to_csv("visits.csv", index=False)
    code, _, err = call("generate", "visits.csv", "-o", "out", "--licence", "x", *more)
    assert code == 2
    assert says in err and "Dataset" not in err


def test_a_data_set_by_name_takes_no_options_of_reading(call):
    code, _, err = call("generate", "diabetes", "-o", "out", "--source", "stand-in", "--skip", "1")
    assert code == 2 and "diabetes is read as it should be" in err
