"""The study cohort of the diabetes table: the first stay of each patient, with the codes of its diagnoses.

Study: Strack, DeShazo, Gennings, Olmo, Ventura, Cios, Clore (2014), *Impact of HbA1c Measurement on
Hospital Readmission Rates: Analysis of 70,000 Clinical Database Patient Records*, BioMed Research
International, doi 10.1155/2014/781670. The archive is that of `shd.datasets.diabetes`.
"""

from dataclasses import replace
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from shd.dataset import Dataset
from shd.datasets import diabetes
from shd.datasets.diabetes import DIAGNOSES, SUBJECT
from shd.datasets.icd9 import LEVELS, chapter
from shd.tables.reading import read_table

NAME = "diabetes_cohort"
URL, SHA256, FILE_NAME, SIZE = diabetes.URL, diabetes.SHA256, diabetes.FILE_NAME, diabetes.SIZE
SHIPPED = {
    "synthetic": "diabetes_bioinformatics/data/release/synthetic.parquet",
    "stand-in": "diabetes_bioinformatics/data/stand-in.parquet",
}
OTHER = "other "
"""How a level begins that pools the rare codes of a chapter: ``other circulatory``."""

_DIED_OR_HOSPICE = ("11", "13", "14", "19", "20", "21")  # discharged: expired, or hospice, at home or elsewhere
_DROPPED = ("encounter_id", "weight", "admission_type_id", "payer_code", "examide", "citoglipton")
_RENAMED = {
    "discharge_disposition_id": "discharged",
    "admission_source_id": "admitted_from",
    "medical_specialty": "specialty",
}
_ADMITTED_FROM = {"7": "emergency room", "1": "referral", "2": "referral", "3": "referral"}  # else: elsewhere
_SPECIALTIES = {
    "InternalMedicine": "internal medicine",
    "Cardiology": "cardiology",
    "Family/GeneralPractice": "family practice",
}

CARD = replace(
    diabetes.CARD,
    title="Diabetes 130-US hospitals: the study cohort",
    description=(
        "One row a patient with diabetes: the first hospital stay in the table, unless it ended in death or hospice; "
        "who, from where, why (ICD-9 codes of three digits), which tests and medicines, and whether the patient came "
        "back within 30 days, later, or not at all."
    ),
    notes=(
        "First stays only: patients who come often are no more frequent here than others.",
        "Codes that fewer than 200 patients have in any of the three places are pooled by chapter.",
        "'not measured' in A1Cresult and max_glu_serum means that no test was made; it is not a missing value.",
        "Race comes in five coarse groups and is missing for 3 in 100 patients.",
    ),
)


def build(archive: Path) -> Dataset:
    """Make the study cohort from the owner's archive: 69,973 records of as many subjects, 43 columns."""
    # the first row of a patient has the lowest encounter_id of theirs
    raw = diabetes.read_raw(archive).drop_duplicates(SUBJECT)
    raw = raw[~raw["discharge_disposition_id"].isin(_DIED_OR_HOSPICE)].drop(columns=list(_DROPPED))
    raw["gender"] = raw["gender"].replace("Unknown/Invalid", None)
    frame, subjects = diabetes.typed_frame(archive, raw, _typed)
    return _dataset(frame.rename(columns=_RENAMED), subjects, "real")


def read(path: Path, source: str) -> Dataset:
    """Read a table that ships, with the same columns and dtypes as `build` gives; every record is a subject."""
    return _dataset(read_table(path), None, source)


@cache
def titles() -> dict[str, str]:
    """Return a short title of every three-digit code that is not pooled, after ICD-9-CM."""
    table = pd.read_csv(str(files("shd.datasets") / "icd9_titles.csv"), dtype="str")
    return dict(zip(table["code"], table["title"], strict=True))


def title(level: str) -> str:
    """Return a level of a diagnosis column in words: ``428`` is heart failure; pooled levels are words already."""
    return titles().get(level, level)


def three_digits(code: str) -> str:
    """Return the level of a full ICD-9-CM code: its first three digits, or its chapter where it is rare."""
    found = chapter(code)
    level = code.split(".")[0].upper()
    level = level.zfill(3) if level.isdigit() else level
    return level if level in titles() else OTHER + found


def _dataset(frame: pd.DataFrame, subjects: np.ndarray | None, source: str) -> Dataset:
    return replace(diabetes.dataset(frame, subjects, source), name=NAME, card=CARD, domain=None)


def _typed(values: pd.Series) -> pd.Series:
    if values.name in DIAGNOSES:
        levels = [*titles(), *(OTHER + name for name in LEVELS)]
        known = {code: three_digits(code) for code in values.dropna().unique()}
        present = [level for level in levels if level in set(known.values())]
        return pd.Series(pd.Categorical(values.map(known), categories=present), name=values.name)
    if values.name == "discharge_disposition_id":
        return _grouped(values, {"1": "home"}, "elsewhere")
    if values.name == "admission_source_id":
        return _grouped(values, _ADMITTED_FROM, "elsewhere")
    if values.name == "medical_specialty":
        surgery = {level: "surgery" for level in values.dropna().unique() if level.startswith("Surg")}
        return _grouped(values, _SPECIALTIES | surgery, "another")
    return diabetes.typed(values)


def _grouped(values: pd.Series, groups: dict[str, str], rest: str) -> pd.Series:
    """Return levels by name, `rest` for all others; missing stays missing."""
    named = values.map(groups).where(values.isin(list(groups)) | values.isna(), rest)
    return pd.Series(pd.Categorical(named, categories=[*dict.fromkeys(groups.values()), rest]), name=values.name)
