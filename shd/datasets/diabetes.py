"""Diabetes 130-US hospitals: from the owner's archive to a `Dataset`.

Source: Clore, Cios, DeShazo, Strack (2014), *Diabetes 130-US Hospitals for Years 1999-2008*, UCI
Machine Learning Repository, doi 10.24432/C5230J. Study: Strack et al. (2014), *Impact of HbA1c
Measurement on Hospital Readmission Rates*, BioMed Research International, doi 10.1155/2014/781670.
"""

import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from shd._errors import ShdError, first_line
from shd.dataset import DataCard, Dataset, describe_columns
from shd.datasets.icd9 import LEVELS, chapters
from shd.domain import Domain, Levels, Numbers
from shd.tables.reading import read_table

NAME = "diabetes"
URL = "https://archive.ics.uci.edu/static/public/296/diabetes+130-us+hospitals+for+years+1999-2008.zip"
SHA256 = "f82ac129da2ddd2299391ff6fbae3a6a58b3edcf59ac9d7bd480c00fe453112a"
FILE_NAME = "diabetes+130-us+hospitals+for+years+1999-2008.zip"
SIZE = 3_170_254  # bytes
SHIPPED = {
    "synthetic": "diabetes_ml/data/release/synthetic.parquet",
    "stand-in": "diabetes_ml/data/stand-in.parquet",
}

TARGET = "readmitted"
SENSITIVE = ("race", "gender", "age")
COUNTS = (
    "time_in_hospital",
    "num_lab_procedures",
    "num_procedures",
    "num_medications",
    "number_outpatient",
    "number_emergency",
    "number_inpatient",
    "number_diagnoses",
)
DIAGNOSES = ("diag_1", "diag_2", "diag_3")
NOT_MEASURED = "not measured"
"""What the file writes as ``None`` in A1Cresult and max_glu_serum; it is not a missing value."""

AGAIN = "Get it again: shd data fetch diabetes"
MEMBER = "diabetic_data.csv"
SUBJECT = "patient_nbr"  # in the owner's file; the column is called "subject" in what ships
_MEASURED = ("max_glu_serum", "A1Cresult")
_DROPPED = (
    "encounter_id",
    "weight",
    "admission_type_id",
    "discharge_disposition_id",
    "admission_source_id",
    "payer_code",
    "medical_specialty",
)
_LEVELS = {  # levels in the order people read them; columns not named here keep sorted levels
    "max_glu_serum": [NOT_MEASURED, "Norm", ">200", ">300"],
    "A1Cresult": [NOT_MEASURED, "Norm", ">7", ">8"],
    "readmitted": ["NO", ">30", "<30"],
}

_DOSES = Levels(["Down", "No", "Steady", "Up"])
# fmt: off
_DRUGS = (
    "metformin", "repaglinide", "nateglinide", "chlorpropamide", "glimepiride", "acetohexamide", "glipizide",
    "glyburide", "tolbutamide", "pioglitazone", "rosiglitazone", "acarbose", "miglitol", "troglitazone",
    "tolazamide", "examide", "citoglipton", "insulin", "glyburide-metformin", "glipizide-metformin",
    "glimepiride-pioglitazone", "metformin-rosiglitazone", "metformin-pioglitazone",
)
# fmt: on
DOMAIN = Domain(
    {
        "race": Levels(["AfricanAmerican", "Asian", "Caucasian", "Hispanic", "Other"], other="Other"),
        "gender": Levels(["Female", "Male"]),
        "age": Levels([f"[{start}-{start + 10})" for start in range(0, 100, 10)], ordered=True),
        "time_in_hospital": Numbers(1, 14),
        "num_lab_procedures": Numbers(0, 150),
        "num_procedures": Numbers(0, 10),
        "num_medications": Numbers(0, 100),
        **dict.fromkeys(["number_outpatient", "number_emergency", "number_inpatient"], Numbers(0, 100)),
        "number_diagnoses": Numbers(1, 16),
        **{column: Levels(LEVELS) for column in DIAGNOSES},
        **{column: Levels(_LEVELS[column]) for column in (*_MEASURED, TARGET)},
        **dict.fromkeys(_DRUGS, _DOSES),
        "change": Levels(["Ch", "No"]),
        "diabetesMed": Levels(["No", "Yes"]),
    }
)
"""Levels after the owner's list of variables; ranges by common sense, days and diagnoses after that list, too."""

CARD = DataCard(
    title="Diabetes 130-US hospitals, 1999-2008",
    description=(
        "One row a hospital stay of a patient with diabetes: who, why, how long, which tests and "
        "medicines, and whether the patient came back within 30 days, later, or not at all."
    ),
    licence="CC BY 4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    citation=(
        "Clore, Cios, DeShazo, Strack (2014). Diabetes 130-US Hospitals for Years 1999-2008. "
        "UCI Machine Learning Repository, doi 10.24432/C5230J."
    ),
    url="https://archive.ics.uci.edu/dataset/296/diabetes+130-us+hospitals+for+years+1999-2008",
    notes=(
        "Nearly one patient in four has several stays: split by patient, or scores are inflated.",
        "'not measured' in A1Cresult and max_glu_serum means that no test was made; it is not a missing value.",
        "Race comes in five coarse groups; stays without it were dropped, so nothing is known about them.",
        "Stays that ended in death count as not readmitted; the column that tells them apart was dropped in 2020.",
    ),
)


def build(archive: Path) -> Dataset:
    """Make the 2020 challenge table from the owner's archive.

    98,052 records of 68,629 subjects, 42 columns: without race, diag_1, diag_2 or diag_3, or with the gender
    ``Unknown/Invalid``, a row is dropped, and the three diagnoses become ICD-9 chapters.
    """
    raw = read_raw(archive)
    keep = raw[["race", *DIAGNOSES]].notna().all(axis=1) & (raw["gender"] != "Unknown/Invalid")
    return dataset(*typed_frame(archive, raw[keep].drop(columns=list(_DROPPED)), typed), "real")


def read(path: Path, source: str) -> Dataset:
    """Read a table that ships, with the dtypes that `build` gives; without a column ``subject`` each row is its own."""
    frame = read_table(path)
    subjects = frame.pop("subject").to_numpy() if "subject" in frame else None
    return dataset(frame, subjects, source)


def dataset(frame: pd.DataFrame, subjects: np.ndarray | None, source: str) -> Dataset:
    """Return a table of stays with the roles of its columns."""
    roles = {"target": TARGET, "sensitive": SENSITIVE, "counts": COUNTS, "domain": DOMAIN}
    roles["declared"] = tuple(frame.columns[frame.dtypes == "category"])  # the owner's list of levels is public
    return Dataset(frame, subjects=subjects, source=source, name=NAME, card=CARD, **roles)


def read_raw(archive: Path) -> pd.DataFrame:
    """Return the owner's table as text, shape (101766, 50); `ShdError` where the archive is not that one."""
    try:
        with zipfile.ZipFile(archive) as content, content.open(MEMBER) as stream:
            # only "?" is missing: pandas would otherwise read the level "None" as missing too
            raw = pd.read_csv(stream, dtype="str", na_values=["?"], keep_default_na=False)
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, OSError, ValueError, RuntimeError) as error:
        reason = first_line(error)
        raise ShdError(f"{archive}: not the diabetes archive, or a broken one ({reason}). {AGAIN}") from None
    missing = {SUBJECT, TARGET, *SENSITIVE, *DIAGNOSES, *COUNTS, *_MEASURED, *_DROPPED} - set(raw.columns)
    if missing:
        raise ShdError(f"{archive}: {MEMBER} lacks the columns {describe_columns(sorted(missing))}. {AGAIN}")
    return raw


def typed_frame(
    archive: Path, raw: pd.DataFrame, typed: Callable[[pd.Series], pd.Series]
) -> tuple[pd.DataFrame, np.ndarray]:
    """Give every column of the owner's file its dtype, and return the patient of each row apart."""
    raw = raw.reset_index(drop=True)
    frame = raw.drop(columns=SUBJECT)
    try:
        subjects = raw[SUBJECT].astype("int64").to_numpy()
        return frame.assign(**{column: typed(frame[column]) for column in frame.columns}), subjects
    except (ShdError, ValueError) as error:
        raise ShdError(f"{archive}: {MEMBER} holds an unknown value ({error}). {AGAIN}") from None


def typed(values: pd.Series) -> pd.Series:
    """Give one column of the owner's file its dtype: int64, or category with levels in reading order.

    `ShdError` where it holds a level that is not in the owner's file.
    """
    if values.name in COUNTS:
        return values.astype("int64")
    if values.name in DIAGNOSES:
        return chapters(values)
    if values.name in _MEASURED:
        values = values.replace("None", NOT_MEASURED)
    levels = _LEVELS.get(values.name, sorted(values.dropna().unique()))
    strange = sorted(set(values.dropna()) - set(levels))
    if strange:
        raise ShdError(f"column {values.name!r} has {describe_columns(strange)}")
    return pd.Series(pd.Categorical(values, categories=levels, ordered=values.name == "age"), name=values.name)
