"""Small tables with the columns of the study cohort, with links that are known because they were put there."""

import numpy as np
import pandas as pd
import pytest

from shd.dataset import Dataset
from shd.datasets.icd9 import chapter

DRUGS = (
    "metformin", "repaglinide", "nateglinide", "chlorpropamide", "glimepiride", "acetohexamide", "glipizide",
    "glyburide", "tolbutamide", "pioglitazone", "rosiglitazone", "acarbose", "miglitol", "troglitazone", "tolazamide",
    "insulin", "glyburide-metformin", "glipizide-metformin", "glimepiride-pioglitazone", "metformin-rosiglitazone",
    "metformin-pioglitazone",
)  # fmt: skip
AGES = [f"[{start}-{start + 10})" for start in range(0, 100, 10)]
CODES = ["250", "428", "427", "486", "496", "584", "585", "403", "401", "272", "414", "599", "682", "707", "730", "715"]
CODES += ["038", "276", "278", "244", "786", "648", "285", "296", "other injury and poisoning", "other circulatory"]


def category(values, levels, ordered=False):
    return pd.Categorical(values, categories=list(levels), ordered=ordered)


def study_frame(n: int, seed: int, linked: bool = True) -> pd.DataFrame:
    """Records like those of the cohort; where `linked`, with earlier stays, HbA1c, insulin and age at work."""
    rng = np.random.default_rng(seed)
    strength = float(linked)
    decade = rng.choice(10, n, p=[0.01, 0.02, 0.03, 0.05, 0.1, 0.18, 0.22, 0.25, 0.12, 0.02])
    inpatient = rng.poisson(0.3, n)
    measured = rng.random(n) < 0.2
    high = measured & (rng.random(n) < 0.5)
    insulin = rng.random(n) < 0.4 + 0.3 * strength * high
    changed = rng.random(n) < 0.4 + 0.3 * strength * high
    early = rng.random(n) < 1 / (1 + np.exp(2.3 - strength * 0.6 * inpatient))
    diagnoses = np.clip(rng.poisson(4 + 0.5 * strength * decade), 1, 16)
    pick = [rng.choice(CODES, n) for _ in range(3)]
    pick[0] = np.where(rng.random(n) < strength * (0.5 - 0.04 * decade), "250", pick[0])
    columns = {
        "race": category(rng.choice(["AfricanAmerican", "Caucasian", "Hispanic"], n, p=[0.2, 0.7, 0.1]),
                         ["AfricanAmerican", "Asian", "Caucasian", "Hispanic", "Other"]),
        "gender": category(rng.choice(["Female", "Male"], n), ["Female", "Male"]),
        "age": category(np.array(AGES)[decade], AGES, ordered=True),
        "discharged": category(rng.choice(["home", "elsewhere"], n, p=[0.65, 0.35]), ["home", "elsewhere"]),
        "admitted_from": category(rng.choice(["emergency room", "referral", "elsewhere"], n),
                                  ["emergency room", "referral", "elsewhere"]),
        "time_in_hospital": rng.integers(1, 15, n),
        "specialty": category(rng.choice(["internal medicine", "cardiology", "another"], n),
                              ["internal medicine", "cardiology", "family practice", "surgery", "another"]),
        "num_lab_procedures": rng.poisson(40, n),
        "num_procedures": rng.integers(0, 7, n),
        "num_medications": rng.poisson(15, n),
        "number_outpatient": rng.poisson(0.3, n),
        "number_emergency": rng.poisson(0.1, n),
        "number_inpatient": inpatient,
        **{f"diag_{i + 1}": category(pick[i], CODES) for i in range(3)},
        "number_diagnoses": diagnoses,
        "max_glu_serum": category(rng.choice(["not measured", "Norm", ">200", ">300"], n, p=[0.7, 0.1, 0.1, 0.1]),
                                  ["not measured", "Norm", ">200", ">300"]),
        "A1Cresult": category(np.where(high, ">8", np.where(measured, "Norm", "not measured")),
                              ["not measured", "Norm", ">7", ">8"]),
        **{name: category(rng.choice(["No", "Steady"], n, p=[0.8, 0.2]), ["No", "Steady", "Up", "Down"])
           for name in DRUGS},
        "insulin": category(np.where(insulin, rng.choice(["Steady", "Up"], n), "No"), ["No", "Steady", "Up", "Down"]),
        "change": category(np.where(changed, "Ch", "No"), ["Ch", "No"]),
        "readmitted": category(np.where(early, "<30", rng.choice(["NO", ">30"], n)), ["NO", ">30", "<30"]),
    }  # fmt: skip
    return pd.DataFrame(columns)


def with_chapters(frame: pd.DataFrame) -> pd.DataFrame:
    """The same records as the table of 2020 holds them: chapters for codes, and without the study's own columns."""
    frame = frame.drop(columns=["discharged", "admitted_from", "specialty"])
    for place in ("diag_1", "diag_2", "diag_3"):
        named = frame[place].astype("str").map(lambda c: c.removeprefix("other ") if "other" in c else chapter(c))
        frame[place] = named.astype("category")
    return frame


@pytest.fixture(scope="session")
def drug_names() -> tuple[str, ...]:
    """The medicines of the table."""
    return DRUGS


@pytest.fixture(scope="session")
def study():
    """Make a Dataset named like the cohort: ``study(n, seed, linked=True)``."""

    def make(n: int = 4000, seed: int = 0, linked: bool = True) -> Dataset:
        return Dataset(study_frame(n, seed, linked), target="readmitted", name="diabetes_cohort")

    return make


@pytest.fixture(scope="session")
def challenge():
    """Make a Dataset named like the table of 2020, two stays a patient: ``challenge(n, seed)``."""

    def make(n: int = 4000, seed: int = 0) -> Dataset:
        frame = with_chapters(study_frame(n, seed))
        return Dataset(frame, target="readmitted", subjects=np.arange(n) // 2, name="diabetes")

    return make
