"""Fresh samples: three tables of other people from one population, for judging a report on what has no fault.

Ten populations. Some are real tables that come with scikit-learn and statsmodels, some the stand-ins that ship, some
are simulated; each has a trait that makes judges cry wolf: many equal records, coarse columns, several records a
person, skewed numbers, zeros, gaps, rare classes, or no structure at all. Nothing is downloaded.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import statsmodels.datasets
from sklearn.datasets import load_digits

import shd
from shd.dataset import Dataset

HELD = {"as many": 1.0, "a quarter": 0.25}
"""How many people are held out for each one in train."""


@dataclass(frozen=True)
class Population:
    """Where people come from.

    Parameters
    ----------
    name, trait : str
    people : int
        In train; as many stand in for the synthetic records.
    draw : callable
        Takes a generator and a number of people, and returns a Dataset of them, each with all their records.
    held : float
        People held out for each one in train.
    """

    name: str
    trait: str
    people: int
    draw: Callable[[np.random.Generator, int], Dataset]
    held: float = HELD["as many"]

    def triple(self, draw: int, people: int | None = None) -> tuple[Dataset, Dataset, Dataset]:
        """Return train, records of other people in the part of the synthetic ones, and holdout."""
        rng = np.random.default_rng([zlib.crc32(self.name.encode()), draw])
        n = people or self.people
        data = self.draw(rng, 2 * n + round(self.held * n))
        ids, of_record = np.unique(data.subjects, return_inverse=True)
        place = rng.permutation(len(ids))[of_record]
        train, fresh, holdout = (
            data.take((place >= first) & (place < last)) for first, last in ((0, n), (n, 2 * n), (2 * n, len(ids)))
        )
        return train, Dataset(fresh.frame, subjects=fresh.subjects, source="synthetic"), holdout


def _cut(load: Callable[[], Dataset]) -> Callable:
    """Draw people from a table, each at most once."""

    def draw(rng: np.random.Generator, people: int) -> Dataset:
        data = load()
        ids = np.unique(data.subjects)
        return data.take(np.isin(data.subjects, rng.choice(ids, min(people, len(ids)), replace=False)))

    return draw


def _dataset(columns: dict, target: str, *sensitive: str, subjects: np.ndarray | None = None) -> Dataset:
    """Make a Dataset of columns; text becomes categories. Without subjects every record is a person."""
    frame = pd.DataFrame(columns)
    subjects = np.arange(len(frame)) if subjects is None else subjects
    return Dataset.from_frame(frame, target=target, sensitive=sensitive, subjects=subjects)


# --- real tables and stand-ins


@cache
def _marriages() -> Dataset:
    """Fair (1978): 6,366 women; nine coarse columns, every sixth record equals another one."""
    frame = statsmodels.datasets.fair.load_pandas().data
    coarse = {c: frame[c].astype(str) for c in ("religious", "occupation", "occupation_husb")}
    numbers = frame[["rate_marriage", "age", "yrs_married", "children", "educ"]]
    return _dataset({**numbers, **coarse, "affair": np.where(frame["affairs"] > 0, "yes", "no")}, "affair", "religious")


@cache
def _insurance() -> Dataset:
    """RAND Health Insurance Experiment: 20,190 years of about 5,200 people.

    The table names nobody: years that follow each other and share eight facts are taken for one person's.
    """
    frame = statsmodels.datasets.randhie.load_pandas().data
    facts = frame.drop(columns=["mdvis", "lpi"])
    person = (facts != facts.shift()).any(axis=1).cumsum().to_numpy()
    yes = {c: frame[c].map({0: "no", 1: "yes"}) for c in ("idp", "hlthg", "hlthf", "hlthp")}
    visits = {"visited": np.where(frame["mdvis"] > 0, "yes", "no")}
    return _dataset(
        {**frame[["lncoins", "lpi", "fmde", "disea"]], **yes, **visits}, "visited", "hlthp", subjects=person
    )


@cache
def _digits() -> Dataset:
    """Every fifth pixel of 1,797 handwritten digits: ten classes, numbers from 0 to 16, many zeros."""
    pixels, digit = load_digits(return_X_y=True)
    return _dataset({f"p{k}": pixels[:, k] for k in range(2, 62, 5)} | {"digit": digit.astype(str)}, "digit")


_STAYS = [
    *("race", "gender", "age", "time_in_hospital", "num_lab_procedures", "num_procedures", "num_medications"),
    *("number_inpatient", "diag_1", "number_diagnoses", "A1Cresult", "insulin", "diabetesMed", "readmitted"),
]


@cache
def _stays() -> Dataset:
    """Return 14 columns of the stand-in of the diabetes challenge: several stays a patient."""
    data = shd.load("diabetes", source="stand-in")
    roles = {"target": "readmitted", "sensitive": ("race", "gender"), "subjects": data.subjects}
    return Dataset(data.frame[_STAYS], **roles)


@cache
def _cohort() -> Dataset:
    """Return 16 columns of the stand-in of the study cohort: one stay a patient, gaps, 150 diagnoses."""
    data = shd.load("diabetes_cohort", source="stand-in")
    frame = data.frame[[*_STAYS, "admitted_from", "specialty"]]
    frame = frame.assign(readmitted=np.where(frame["readmitted"] == "<30", "early", "no"))
    return Dataset.from_frame(frame, target="readmitted", sensitive=("age", "gender"), subjects=data.subjects)


# --- simulated ones


def _logistic(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(len(x)) < 1 / (1 + np.exp(-x)), "yes", "no")


def clinic(rng: np.random.Generator, people: int) -> Dataset:
    """Ten columns with links of every kind: one record a person."""
    age = np.clip(rng.normal(58, 16, people), 18, 99).round()
    sex = rng.choice(["f", "m"], people)
    weight = (72 + 9 * (sex == "m") + rng.normal(0, 13, people)).round(1)
    sugar = np.exp(4.4 + 0.006 * age + 0.004 * (weight - 72) + rng.normal(0, 0.22, people)).round()
    pressure = (105 + 0.4 * age + rng.normal(0, 14, people)).round()
    kidney = (110 - 0.7 * (age - 30) - 0.05 * (sugar - 100) + rng.normal(0, 14, people)).round(1)
    smoker = np.where(rng.random(people) < 0.35 - 0.003 * (age - 50), "yes", "no")
    ward = np.select([sugar > 140, pressure > 145], ["diabetes", "heart"], rng.choice(["general", "surgery"], people))
    drug = np.where(rng.random(people) < 0.8 * (sugar > 125) + 0.05, "insulin", "none")
    back = _logistic((sugar - 120) / 25 + (pressure - 130) / 20 - (kidney - 85) / 30 - 1.2, rng)
    numbers = {"age": age, "weight": weight, "sugar": sugar, "pressure": pressure, "kidney": kidney}
    return _dataset({**numbers, "sex": sex, "smoker": smoker, "ward": ward, "drug": drug, "back": back}, "back", "sex")


def _survey(rng: np.random.Generator, people: int) -> Dataset:
    """Six coarse columns, half of the records equal to another one."""
    mood = rng.integers(1, 6, people)
    sleep = np.clip(mood + rng.integers(-1, 2, people), 1, 5)
    age = rng.choice(["young", "middle", "old"], people, p=[0.3, 0.5, 0.2])
    sex = rng.choice(["f", "m"], people)
    pain = np.clip(5 - mood + rng.integers(0, 3, people), 1, 5)
    seen = _logistic((pain - 3) * 0.9 + (age == "old"), rng)
    return _dataset({"mood": mood, "sleep": sleep, "pain": pain, "age": age, "sex": sex, "seen": seen}, "seen", "sex")


def _laboratory(rng: np.random.Generator, people: int) -> Dataset:
    """Skewed numbers, a third of some missing, more often in the sick; a number is predicted."""
    severity = rng.gamma(2, 1, people)
    crp = np.exp(severity * 0.8 + rng.normal(0, 0.7, people)).round(1)
    white = (6 + severity + rng.gamma(2, 1, people)).round(2)
    iron = np.exp(3 - 0.2 * severity + rng.normal(0, 0.5, people)).round(1)
    cost = (np.exp(6 + 0.4 * severity + rng.normal(0, 0.8, people))).round()
    for values, share in ((crp, 0.3), (iron, 0.5)):
        values[rng.random(people) < share / (1 + severity)] = np.nan
    sex = rng.choice(["f", "m"], people)
    stay = (1 + rng.poisson(severity * 1.5)).astype(float)
    return _dataset({"crp": crp, "white": white, "iron": iron, "cost": cost, "sex": sex, "stay": stay}, "stay", "sex")


def _visits(rng: np.random.Generator, people: int) -> Dataset:
    """One to eight visits a person: what is the person's stays the same, the rest wanders."""
    person = np.repeat(np.arange(people), rng.integers(1, 9, people))
    sex, born = rng.choice(["f", "m"], people), rng.integers(1930, 2005, people)
    level = rng.normal(0, 1, people)
    here = level[person] + rng.normal(0, 0.6, len(person))
    pressure = (130 + 12 * here).round()
    pills = rng.poisson(np.exp(0.4 * np.clip(here, -2, 2)))
    clinic_name = rng.choice(list("abcdefgh"), people)[person]
    worse = _logistic(1.2 * here - 0.5, rng)
    columns = {"sex": sex[person], "born": born[person], "clinic": clinic_name, "pressure": pressure, "pills": pills}
    return _dataset({**columns, "worse": worse}, "worse", "sex", subjects=person)


def _registry(rng: np.random.Generator, people: int) -> Dataset:
    """Dates, zeros, levels that few people have, a target of one in twenty."""
    day = rng.integers(0, 1500, people)
    stage = rng.choice(["I", "II", "III", "IV"], people, p=[0.4, 0.3, 0.2, 0.1])
    site = np.array([f"C{k}" for k in range(60)])[np.minimum(rng.geometric(0.12, people) - 1, 59)]
    late = (stage == "IV") * 1.5 + (stage == "III") * 0.7
    nodes = rng.poisson(np.exp(late)) * (rng.random(people) < 0.3 + 0.2 * late)
    size = (rng.lognormal(2.5 + 0.3 * late, 0.5, people)).round()
    dead = _logistic(-4 + 1.3 * late + 0.02 * size, rng)
    age = np.clip(rng.normal(64, 12, people), 20, 99).round()
    found = pd.Timestamp("2016-01-01") + pd.to_timedelta(day, unit="D")
    region = rng.choice(["north", "south", "east", "west"], people, p=[0.5, 0.25, 0.2, 0.05])
    columns = {"found": found, "stage": stage, "site": site, "nodes": nodes, "size": size, "age": age, "region": region}
    return _dataset({**columns, "dead": dead}, "dead", "region")


def _nothing(rng: np.random.Generator, people: int) -> Dataset:
    """Columns that have nothing to do with each other: floor and ceiling are alike."""
    numbers = {f"x{k}": rng.normal(0, 1, people).round(2) for k in range(5)}
    levels = {f"c{k}": rng.choice(list("abcd"), people, p=[0.5, 0.3, 0.15, 0.05]) for k in range(4)}
    return _dataset({**numbers, **levels, "y": rng.choice(["no", "yes"], people)}, "y", "c0")


POPULATIONS = (
    Population("marriages", "real; coarse, every sixth record has an equal", 2000, _cut(_marriages)),
    Population("insurance", "real; several years a person, many equal records", 500, _cut(_insurance)),
    Population("digits", "real; ten classes, many zeros", 599, _cut(_digits)),
    Population("stays", "stand-in; several stays a patient", 1500, _cut(_stays), HELD["a quarter"]),
    Population("cohort", "stand-in; gaps, many levels, one in nine early", 4000, _cut(_cohort), HELD["a quarter"]),
    Population("clinic", "simulated; ten linked columns", 1000, clinic),
    Population("survey", "simulated; six coarse columns, half of the records have an equal", 600, _survey),
    Population("laboratory", "simulated; skewed numbers, gaps, a number predicted", 1500, _laboratory),
    Population("visits", "simulated; one to eight visits a person", 400, _visits),
    Population("registry", "simulated; dates, zeros, rare levels, a rare class", 3000, _registry, HELD["a quarter"]),
    Population("nothing", "simulated; columns without links", 1000, _nothing),
)
