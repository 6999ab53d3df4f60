"""A tiny archive in the owner's form."""

import csv
import hashlib
import io
import zipfile

import pytest

from shd.datasets import diabetes

# the owner's 50 columns, in the owner's order
COLUMNS = (
    "encounter_id patient_nbr race gender age weight admission_type_id discharge_disposition_id admission_source_id "
    "time_in_hospital payer_code medical_specialty num_lab_procedures num_procedures num_medications "
    "number_outpatient number_emergency number_inpatient diag_1 diag_2 diag_3 number_diagnoses max_glu_serum "
    "A1Cresult metformin repaglinide nateglinide chlorpropamide glimepiride acetohexamide glipizide glyburide "
    "tolbutamide pioglitazone rosiglitazone acarbose miglitol troglitazone tolazamide examide citoglipton insulin "
    "glyburide-metformin glipizide-metformin glimepiride-pioglitazone metformin-rosiglitazone "
    "metformin-pioglitazone change diabetesMed readmitted"
).split()
PLAIN = dict.fromkeys(COLUMNS, "No") | {
    "encounter_id": "1",
    "patient_nbr": "10",
    "race": "Caucasian",
    "gender": "Female",
    "age": "[50-60)",
    "weight": "?",
    "payer_code": "?",
    "medical_specialty": "?",
    "diag_1": "250.83",
    "diag_2": "428",
    "diag_3": "V57",
    "max_glu_serum": "None",
    "A1Cresult": "None",
    "readmitted": "NO",
}
PLAIN |= dict.fromkeys((*diabetes.COUNTS, "admission_type_id", "discharge_disposition_id"), "3")
ROWS = [
    {},
    {"patient_nbr": "11", "race": "?"},  # dropped
    {"patient_nbr": "12", "diag_1": "?"},  # dropped
    {"patient_nbr": "13", "diag_2": "?"},  # dropped
    {"patient_nbr": "14", "diag_3": "?"},  # dropped
    {"patient_nbr": "15", "gender": "Unknown/Invalid"},  # dropped
    {"patient_nbr": "16", "age": "[60-70)", "A1Cresult": ">8", "max_glu_serum": "Norm", "readmitted": "<30"},
    {"diag_1": "E909", "time_in_hospital": "14", "insulin": "Up", "readmitted": ">30"},  # patient 10 again
]


def zipped(rows, columns=COLUMNS) -> bytes:
    """Return a zip as the owner publishes it, with `rows` as changes to a plain row."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows({**PLAIN, **row} for row in rows)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("diabetic_data.csv", text.getvalue())
        archive.writestr("IDS_mapping.csv", "admission_type_id,description\n")
    return content.getvalue()


@pytest.fixture
def make_zip(tmp_path):
    """A function that writes such a zip and returns its path."""

    def make(rows=ROWS, columns=COLUMNS):
        path = tmp_path / "download.zip"
        path.write_bytes(zipped(rows, columns))
        return path

    return make


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """An empty data folder and an empty challenges folder, in use."""
    data, challenges = tmp_path / "data", tmp_path / "challenges"
    monkeypatch.setenv("SHD_DATA", str(data))
    monkeypatch.setenv("SHD_CHALLENGES", str(challenges))
    return data, challenges


@pytest.fixture
def archive(make_zip, monkeypatch):
    """A downloaded tiny archive whose checksum is the expected one."""
    path = make_zip()
    content = path.read_bytes()
    monkeypatch.setattr(diabetes, "SHA256", hashlib.sha256(content).hexdigest())
    monkeypatch.setattr(diabetes, "SIZE", len(content))
    return path
