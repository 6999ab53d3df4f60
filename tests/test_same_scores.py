"""Six comparisons whose every score is known to six digits: a change of the code's shape changes none of them.

    python tests/test_same_scores.py                 # write scores.json again, where scores were meant to change
    python tests/test_same_scores.py quick           # of this case alone

Models are small here as in all tests: what is held is what becomes of their answers.
"""

import json
import math
import runpy
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import shd
from shd.compare.findings import of_dataset
from shd.compare.images import networks

pytestmark = pytest.mark.slow

KNOWN = Path(__file__).with_name("scores.json")
HEADS = runpy.run_path(str(KNOWN.with_name("compare") / "images" / "conftest.py"))["make_heads"]
SMALL_MODELS = runpy.run_path(str(KNOWN.with_name("conftest.py")))["small_models"]
NUMBERS = ("value", "low", "high", "floor", "ceiling")
STAYS = [
    *("race", "gender", "age", "time_in_hospital", "num_lab_procedures", "num_medications", "diag_1"),
    *("A1Cresult", "insulin", "readmitted"),
]


def _parts(data: shd.Dataset, people: int) -> tuple[shd.Dataset, shd.Dataset, shd.Dataset]:
    """Cut three tables of so many other people each from one."""
    ids = np.random.default_rng(0).permutation(np.unique(data.subjects))
    rank = pd.Series(np.arange(len(ids)), index=ids)[data.subjects].to_numpy() // people
    return tuple(data.take(rank == k) for k in range(3))


def _stays() -> tuple[shd.Dataset, shd.Dataset, shd.Dataset]:
    data = shd.load("diabetes", source="stand-in")
    roles = {"target": "readmitted", "sensitive": ("gender",), "subjects": data.subjects, "source": "stand-in"}
    return _parts(shd.Dataset(data.frame[STAYS], **roles), 180)


def with_holdout() -> dict:
    """A table of the stand-in, several stays a person, and what a Bayesian network makes of it."""
    train, _, holdout = _stays()
    made = shd.BayesianNetwork(random_state=0).fit(train)
    return {"train": train, "synthetic": made.sample(200), "holdout": holdout, "synthesizer": made}


def without_holdout() -> dict:
    """The same people, no holdout; a column that has nothing to do with the others any more."""
    train, other, _ = _stays()
    frame = other.frame.assign(insulin=other.frame["insulin"].sample(frac=1, random_state=0).to_numpy())
    return {"train": train, "synthetic": shd.Dataset(frame, source="synthetic")}


def _clinic(people: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    age, sex = rng.normal(58, 16, people).round(), rng.choice(["f", "m"], people)
    weight = (72 + 9 * (sex == "m") + rng.normal(0, 13, people)).round(1)
    sugar = np.exp(4.4 + 0.006 * age + 0.004 * (weight - 72) + rng.normal(0, 0.2, people)).round()
    ill = np.where(rng.random(people) < 1 / (1 + np.exp((130 - sugar) / 12)), "yes", "no")
    return pd.DataFrame({"age": age, "sex": sex, "weight": weight, "sugar": sugar, "ill": ill})


def quick() -> dict:
    """A table of numbers at the quick level; a tenth of the synthetic records are copies."""
    train, made, holdout = (_clinic(500, seed) for seed in range(3))
    made.iloc[:50] = train.iloc[:50].to_numpy()
    train = shd.Dataset.from_frame(train, target="ill", sensitive=["sex"])
    return {"train": train, "synthetic": made, "holdout": holdout, "level": "quick", "random_state": 1}


def _odd(people: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng([7, seed])
    came = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, people), unit="D")
    stay = rng.integers(0, 20, people)
    return pd.DataFrame(
        {
            "came": came,
            "left": came + pd.to_timedelta(stay, unit="D"),
            "stay": stay,
            "code": rng.choice([f"C{k:02d}" for k in range(40)], people, p=np.arange(40, 0, -1) / 820),
            "dose": np.where(rng.random(people) < 0.3, np.nan, rng.lognormal(1, 2, people).round(2)),
            "smoker": pd.array(np.where(rng.random(people) < 0.1, None, rng.random(people) < 0.4), dtype="boolean"),
            "always": "same",
            "zeros": rng.poisson(2, people) * (rng.random(people) < 0.2),
            3: pd.Categorical(rng.choice(["low", "mid", "high"], people), ["low", "mid", "high"], ordered=True),
            "cost": (50 * stay + rng.gamma(2, 100, people)).round(2),
        }
    )


def odd() -> dict:
    """Dates, rules, gaps, many levels, a constant, a name that is a number, a number to predict."""
    train, made, holdout = (_odd(300, seed) for seed in range(3))
    made["left"] = made["left"].sample(frac=1, random_state=0).to_numpy()
    rules = [shd.Rule.own("stay is never negative", lambda frame: frame["stay"] >= 0)]
    return {"train": train, "synthetic": made, "holdout": holdout, "target": "cost", "rules": rules, "random_state": 3}


def cohort() -> dict:
    """The study cohort, whose clinical findings are known."""
    data = shd.load("diabetes_cohort", source="stand-in")
    ids = np.random.default_rng(0).permutation(len(data)) // 250
    train, made, holdout = (data.take(ids == k) for k in range(3))
    synthetic = shd.Dataset(made.frame, source="synthetic")
    return {"train": train, "synthetic": synthetic, "holdout": holdout, "findings": of_dataset("diabetes_cohort")}


def pictures() -> dict:
    """Toy heads, and what `SliceGaussian` makes of them."""
    train, holdout = (HEADS(people, seed, ("none", "much"), 2.4) for people, seed in ((12, 1), (8, 2)))
    made = shd.SliceGaussian(random_state=0).fit(train)
    return {"train": train, "synthetic": made.sample(72), "holdout": holdout, "synthesizer": made}


CASES = {case.__name__: case for case in (with_holdout, without_holdout, quick, odd, cohort, pictures)}


def scores(name: str) -> dict[str, dict]:
    """Return every score of a comparison, its verdict and its numbers, and the codes of what the checks found."""
    with warnings.catch_warnings(), SMALL_MODELS(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore", shd.ShdWarning)
        for steps in ("_STEPS", "_FEWEST_STEPS", "_DETECTOR_STEPS", "_FEWEST_DETECTOR_STEPS"):
            patch.setattr(networks, steps, 10)  # networks are told apart after ten steps as well
        patch.setattr(networks, "BATCH", 16)
        case = CASES[name]()
        report = shd.compare(case.pop("train"), case.pop("synthetic"), **case)
    rows = {
        f"{score.question}: {score.metric}": {
            "verdict": score.verdict,
            **{key: getattr(score, key) for key in NUMBERS},
        }
        for score in report.results
    }
    return {"scores": rows, "findings": [finding.code for finding in report.findings]}


def _same(number: float | None, known: float | None) -> bool:
    """Whether two numbers are alike but for what another processor does.

    Its last digits turn a question of a tree or a step of a network now and then: seen were 3 % and .014.
    """
    if number is None or known is None:
        return number is known
    return math.isclose(number, known, rel_tol=0.03, abs_tol=0.015)


@pytest.mark.parametrize("name", CASES)
def test_every_score_is_what_it_was(name):
    known = json.loads(KNOWN.read_text(encoding="utf-8"))[name]
    now = json.loads(json.dumps(scores(name)))
    assert set(now["scores"]) == set(known["scores"])
    other = {
        metric: (row, known["scores"][metric])
        for metric, row in now["scores"].items()
        if row["verdict"] != known["scores"][metric]["verdict"]
        or not all(_same(row[key], known["scores"][metric][key]) for key in NUMBERS)
    }
    assert not other
    assert now["findings"] == known["findings"]


if __name__ == "__main__":
    chosen = sys.argv[1:] or list(CASES)
    kept = json.loads(KNOWN.read_text(encoding="utf-8")) if KNOWN.is_file() else {}
    made = {name: scores(name) if name in chosen else kept[name] for name in CASES}
    KNOWN.write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
