"""What every test shares: real data only where a test asks for them, and small things to work on."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from faker import Faker
from sklearn import config_context
from sklearn.ensemble._forest import BaseForest
from sklearn.ensemble._hist_gradient_boosting.gradient_boosting import BaseHistGradientBoosting

from shd import _parallel
from shd.dataset import Dataset
from shd.datasets import diabetes, diabetes_cohort
from shd.datasets.registry import DATASETS

REAL = Path(os.environ["SHD_DATA"]) if os.environ.get("SHD_DATA") else None
"""Where the owners' archives are, read before `_no_real_data` hides them."""


TREES, ROUNDS, BINS = 10, 20, 32
"""How many trees of a forest, rounds of boosting, and values of a number that it tells apart, tests have at most."""


@contextmanager
def small_models() -> Iterator[None]:
    """Let models of many trees, whoever makes them, be small, one after another: what is tested is how they are used.

    Threads would wait for each other here: most of a small model is Python.
    """
    grow, boost = BaseForest.fit, BaseHistGradientBoosting.fit

    def grow_few(model, *given, **options):
        return grow(model.set_params(n_estimators=min(model.n_estimators, TREES)), *given, **options)

    def boost_little(model, x, *given, **options):
        categories = model.categorical_features
        # each level of a category takes a bin
        levels = 0 if isinstance(categories, str) else int(np.nanmax(x[:, categories], initial=0)) + 1
        bins = min(model.max_bins, max(BINS, levels))
        return boost(model.set_params(max_iter=min(model.max_iter, ROUNDS), max_bins=bins), x, *given, **options)

    with pytest.MonkeyPatch.context() as patch, config_context(skip_parameter_validation=True):
        patch.setattr(_parallel, "_WORKERS", 1)
        patch.setattr(BaseForest, "fit", grow_few)
        patch.setattr(BaseHistGradientBoosting, "fit", boost_little)
        yield


@pytest.fixture(scope="session", autouse=True)
def _small_models():
    with small_models():
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs an archive that is not there: ``real_data`` or ``real_data("name", ...)``."""
    for item in items:
        for mark in item.iter_markers("real_data"):
            for name in mark.args or (diabetes.NAME,):
                if REAL is None or not (REAL / DATASETS[name].FILE_NAME).is_file():
                    reason = f"real data of {name} not found: set SHD_DATA to the folder of its archive"
                    item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def _no_real_data(tmp_path_factory):
    """Give every test an empty data folder, so that results do not depend on the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SHD_DATA", str(tmp_path_factory.mktemp("shd_data")))
        patch.delenv("SHD_CHALLENGES", raising=False)
        patch.setenv("SHD_PROGRESS", "0")
        yield


@pytest.fixture(autouse=True)
def _real_data_where_asked(request, monkeypatch):
    """Show the archives to tests marked ``real_data``."""
    if request.node.get_closest_marker("real_data"):
        monkeypatch.setenv("SHD_DATA", str(REAL))


@pytest.fixture(scope="session")
def real_diabetes() -> Dataset:
    """The real table, built once; for tests marked ``real_data``."""
    return diabetes.build(REAL / diabetes.FILE_NAME)


@pytest.fixture(scope="session")
def real_cohort() -> Dataset:
    """The real study cohort, built once; for tests marked ``real_data("diabetes_cohort")``."""
    return diabetes_cohort.build(REAL / diabetes_cohort.FILE_NAME)


@pytest.fixture
def table() -> pd.DataFrame:
    """Sixty stays of twenty patients, every kind of column, two classes."""
    rng = np.random.default_rng(0)
    n = 60
    return pd.DataFrame(
        {
            "patient": np.repeat(np.arange(100, 120), 3),
            "sex": rng.choice(["f", "m"], n),
            "age": pd.Categorical(rng.choice(["young", "old"], n), categories=["young", "old"], ordered=True),
            "stays": rng.integers(0, 9, n),
            "weight": rng.normal(70, 10, n),
            "smoker": rng.random(n) < 0.3,
            "admitted": pd.Timestamp("2020-11-14") + pd.to_timedelta(rng.integers(0, 90, n), unit="D"),
            "sick": rng.choice(["no", "yes"], n, p=[0.7, 0.3]),
        }
    )


def _hospital(n_people: int = 600, n_visits: int = 900, seed: int = 0) -> pd.DataFrame:
    """Visits as a hospital has them, one row each: who, what, and five things that are one person's alone."""
    rng, faker = np.random.default_rng(seed), Faker(["de_DE", "en_GB"])
    faker.seed_instance(seed)
    names = [faker.name() for _ in range(n_people)]
    people = pd.DataFrame(
        {
            "patient_no": [f"P{100_000 + number}" for number in rng.permutation(7 * n_people)[:n_people]],
            "name": names,
            "email": [f"{name.split()[-1].lower()}.{k}@example.org" for k, name in enumerate(names)],
            "insurance": [f"{letter}{number:09d}" for letter, number in zip(rng.choice(list("ABCDE"), n_people),
                          rng.integers(0, 10**9, n_people), strict=True)],
            "born": pd.Timestamp("1930-01-01") + pd.to_timedelta(rng.integers(0, 28_000, n_people), unit="D"),
            "town": rng.choice(["Berlin", "Hamburg", "Bremen", "Kiel", "Jena"], n_people),
            "income": np.round(rng.lognormal(10.3, 0.5, n_people), 2),
            "doctor": rng.choice(["Dr. Adler", "Dr. Busch", "Dr. Conrad", "Dr. Dorn"], n_people),
        }
    )  # fmt: skip
    people.loc[17, "town"], people.loc[23, "income"] = "Hintertupfingen", 1_234_567.89
    visits = people.iloc[np.sort(np.r_[np.arange(n_people), rng.integers(0, n_people, n_visits - n_people)])]
    visits = visits.reset_index(drop=True)
    n, ill = len(visits), rng.choice(["I10", "E11", "J45", "F32"], len(visits))
    visits["age"] = (pd.Timestamp("2024-01-01") - visits["born"]).dt.days // 365
    visits["diagnosis"] = np.where(visits["patient_no"] == people["patient_no"][31], "E84 Mukoviszidose", ill)
    visits["weight"] = np.round(rng.normal(75, 14, n) + 8 * (visits["diagnosis"] == "E11"), 1)
    words = (
        "stable cough fever pain tired better worse tablet twice daily left right knee heart asks again walks".split()
    )
    visits["note"] = [" ".join(rng.choice(words, rng.integers(6, 14))) for _ in range(n)]
    visits.loc[40, "note"] = "patient is HIV-positive, asks that nobody is told"
    chance = 1 / (1 + np.exp(1 - 0.06 * (visits["age"] - 55) - 1.2 * (visits["diagnosis"] == "E11")))
    return visits.assign(readmitted=np.where(rng.random(n) < chance, "yes", "no"))


@pytest.fixture(scope="session")
def hospital():
    """The maker of a planted table: `_hospital`."""
    return _hospital


@pytest.fixture(scope="session")
def browser():
    """An installed Chromium; tests that take it are skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api")
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium is installed")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class StubReport:
    """What a release needs of a `shd.compare.Report`."""

    def __init__(self, privacy="green", fairness=None, trust=(), findings=None, compared=30):
        self.verdicts = {"fidelity": "green", "utility": "amber", "privacy": privacy, "fairness": fairness}
        self.more = {"trust": list(trust), "findings": findings}
        self.compared = compared

    def without_persons(self):
        return self

    def to_dict(self):
        score = {"question": "fidelity", "metric": "C2ST", "value": 0.6, "low": 0.5, "high": 0.7}
        score |= {"floor": 0.9, "ceiling": None, "verdict": "green", "better": "at 0.5", "sentence": "Fine."}
        copies = {
            **score,
            "question": "privacy",
            "metric": "copies",
            "verdict": "red",
            "sentence": "1 of 30.",
            "digits": 0,
        }
        return {
            "about": {
                "tables": [{"role": "synthetic", "records": self.compared}],
                "target": "sick",
                "random_state": 0,
            },
            "verdicts": self.verdicts,
            "scores": [score, copies],
            "columns": [{"column": "sex", "verdict": "red"}],
            "skipped": [{"what": "x", "why": "y"}],
            **self.more,
        }

    def summary(self):
        return "\n".join(f"line {i}" for i in range(5))

    def save(self, path):
        path.write_text("<p>report</p>", encoding="utf-8")


@pytest.fixture(scope="session")
def stub_report() -> type[StubReport]:
    """The class `StubReport`: test files cannot import from here."""
    return StubReport


@pytest.fixture(scope="session")
def planted():
    """Give a maker of a table of stays with rules of every kind planted in it."""
    return _planted


@pytest.fixture(scope="session")
def independent():
    """Give a maker of a table without any rule."""
    return _independent


def _planted(n=900, seed=0):
    """Return stays: an order of dates, sums, ratios, codes of chapters, deaths, pregnancies; independent otherwise."""
    rng = np.random.default_rng(seed)
    admission = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, n), unit="D")
    discharge = admission + pd.to_timedelta(rng.poisson(5, n), unit="D")
    height, weight = rng.normal(1.7, 0.1, n).round(2), rng.normal(75, 14, n).round(1)
    drugs, tests = rng.poisson(3, n), rng.poisson(4, n)
    code = rng.choice([f"{chapter}{k}" for chapter in "ABCDE" for k in range(6)], n)
    sex, age = rng.choice(["female", "male"], n), rng.integers(18, 95, n)
    died = rng.random(n) < 0.2
    return pd.DataFrame(
        {
            "admission": admission,
            "discharge": discharge,
            "height": height,
            "weight": weight,
            "bmi": (weight / height**2).round(1),
            "drugs": drugs,
            "tests": tests,
            "total": drugs + tests,
            "code": pd.Categorical(code),
            "chapter": pd.Categorical([one[0] for one in code]),
            "age": age,
            "group": pd.cut(age, [0, 40, 65, 120], labels=["young", "middle", "old"]),
            "sex": pd.Categorical(sex),
            "pregnant": pd.Categorical(np.where((sex == "female") & (rng.random(n) < 0.25), "yes", "no")),
            "died": pd.Categorical(np.where(died, "yes", "no")),
            "death": pd.Series(discharge).where(died),
            "cause": pd.Categorical(np.where(died, rng.choice(["heart", "other"], n), None)),
            "noise": rng.normal(size=n),
        }
    )


def _independent(n, seed, people=None):
    """Return columns of every kind that have nothing to do with each other; several records a person where asked."""
    rng = np.random.default_rng(seed)
    m = people or n
    columns = {}
    for j in range(3):
        k = int(rng.integers(2, 9))
        levels = [f"level {i}" for i in range(k)]
        columns[f"category {j}"] = pd.Categorical.from_codes(rng.choice(k, m, p=rng.dirichlet(np.ones(k) / 2)), levels)
        columns[f"count {j}"] = rng.poisson([0.1, 1, 5][j], m)
    columns["dose"] = np.where(rng.random(m) < 0.8, 0, rng.exponential(10, m).round(1))
    columns["missing"] = np.where(rng.random(m) < 0.1, np.nan, rng.normal(size=m).round(1))
    columns["first day"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 300, m), unit="D")
    columns["second day"] = pd.Timestamp("2020-10-01") + pd.to_timedelta(rng.integers(0, 300, m), unit="D")
    columns["low"] = pd.Categorical(rng.choice(4, m, p=[0.5, 0.3, 0.15, 0.05]), range(4), ordered=True)
    columns["high"] = pd.Categorical(rng.choice(4, m, p=[0.05, 0.15, 0.3, 0.5]), range(4), ordered=True)
    frame = pd.DataFrame(columns)
    whose = np.arange(n) if people is None else np.sort(rng.integers(0, m, n))
    return frame.iloc[whose].reset_index(drop=True), whose
