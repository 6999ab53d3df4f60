import csv
from importlib.resources import files

import pandas as pd
import pytest

from shd._errors import ShdError
from shd.datasets import diabetes_cohort
from shd.datasets.diabetes_cohort import three_digits, title, titles
from shd.datasets.icd9 import LEVELS, chapter

ROWS = [
    {
        "diag_1": "250.83",
        "admission_source_id": "7",
        "discharge_disposition_id": "1",
        "medical_specialty": "Cardiology",
    },
    {"patient_nbr": "11", "discharge_disposition_id": "11"},  # died: left out
    {"patient_nbr": "12", "discharge_disposition_id": "13"},  # hospice: left out
    {"patient_nbr": "13", "race": "?", "gender": "Unknown/Invalid", "diag_1": "?", "diag_2": "8", "diag_3": "799.1"},
    {"patient_nbr": "10", "diag_1": "410"},  # a second stay: left out
    {"patient_nbr": "14", "diag_1": "E888", "diag_2": "V58", "diag_3": "394", "medical_specialty": "Surgery-Neuro"},
    {"patient_nbr": "15", "medical_specialty": "Psychiatry", "admission_source_id": "2", "readmitted": "<30"},
]


def test_the_tiny_archive_worked_by_hand(make_zip):
    data = diabetes_cohort.build(make_zip(ROWS))
    frame = data.frame
    assert data.subjects.tolist() == [10, 13, 14, 15]
    assert frame.shape == (4, 43)
    assert frame["diag_1"].tolist()[0::2] == ["250", "other external causes"] and pd.isna(frame["diag_1"][1])
    assert frame["diag_2"].tolist() == ["428", "008", "V58", "428"]
    assert frame["diag_3"].tolist() == ["V57", "799", "other circulatory", "V57"]
    assert frame["discharged"].tolist() == ["home", "elsewhere", "elsewhere", "elsewhere"]
    assert frame["admitted_from"].tolist() == ["emergency room", "elsewhere", "elsewhere", "referral"]
    assert frame["specialty"].astype(object).where(frame["specialty"].notna(), None).tolist() == [
        "cardiology", None, "surgery", "another",
    ]  # fmt: skip
    assert frame[["race", "gender"]].isna().sum(axis=1).tolist() == [0, 2, 0, 0]


def test_roles_and_dtypes(make_zip):
    data = diabetes_cohort.build(make_zip(ROWS))
    assert (data.target, data.source, data.name) == ("readmitted", "real", "diabetes_cohort")
    assert data.sensitive == ("race", "gender", "age")
    assert all(data.frame[column].dtype == "int64" for column in data.counts)
    assert all(isinstance(data.frame[c].dtype, pd.CategoricalDtype) for c in data.frame if c not in data.counts)
    assert data.frame["age"].cat.ordered
    dropped = {"encounter_id", "patient_nbr", "weight", "payer_code", "admission_type_id", "examide", "citoglipton"}
    assert not dropped & set(data.frame)


def test_parquet_gives_back_the_same_table(make_zip, tmp_path):
    data = diabetes_cohort.build(make_zip(ROWS))
    data.frame.to_parquet(tmp_path / "x.parquet", index=False)
    again = diabetes_cohort.read(tmp_path / "x.parquet", "synthetic")
    pd.testing.assert_frame_equal(again.frame, data.frame)
    assert again.subjects.tolist() == [0, 1, 2, 3]


def test_unknown_values_are_refused(make_zip):
    with pytest.raises(ShdError, match="'0' is not an ICD-9-CM code.*shd data fetch diabetes"):
        diabetes_cohort.build(make_zip([{"diag_1": "0"}]))
    with pytest.raises(ShdError, match="column 'readmitted' has 'maybe'"):
        diabetes_cohort.build(make_zip([{"readmitted": "maybe"}]))


@pytest.mark.parametrize(
    ("code", "level"),
    [
        ("250.83", "250"),
        ("8", "008"),
        ("038", "038"),
        ("v57.1", "V57"),
        ("E849", "E849"),
        ("394.9", "other circulatory"),
    ],
)
def test_three_digits(code, level):
    assert three_digits(code) == level


def test_every_title_is_of_a_code_in_a_chapter_and_stands_once():
    with (files("shd.datasets") / "icd9_titles.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    codes = [row["code"] for row in rows]
    assert codes == sorted(codes) and len(set(codes)) == len(codes) == len(titles())
    assert all(chapter(code) in LEVELS and len(code) in (3, 4) for code in codes)
    assert all(row["title"] and row["title"] == row["title"].strip() for row in rows)
    assert len(set(titles().values())) == len(codes)


def test_a_level_in_words():
    assert title("428") == "heart failure"
    assert title("other circulatory") == "other circulatory"


@pytest.mark.real_data("diabetes_cohort")
def test_the_real_cohort(real_cohort):
    frame = real_cohort.frame
    assert frame.shape == (69_973, 43)  # the study says 69,984
    assert len(set(real_cohort.subjects)) == 69_973
    assert (frame["A1Cresult"] != "not measured").mean() == pytest.approx(0.184, abs=0.0005)  # the study's abstract
    assert frame["diag_1"].isna().sum() == 10
    named = pd.concat([frame[column] for column in ("diag_1", "diag_2", "diag_3")]).value_counts()
    assert min(named[code] for code in titles()) >= 200  # no code of few people has a level of its own
