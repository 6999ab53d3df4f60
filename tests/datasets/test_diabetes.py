import zipfile

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.datasets import diabetes


def test_the_tiny_archive_worked_by_hand(make_zip):
    data = diabetes.build(make_zip())
    frame = data.frame
    assert data.subjects.tolist() == [10, 16, 10]
    assert frame.shape == (3, 42)
    assert frame["diag_1"].tolist() == ["endocrine and metabolic", "endocrine and metabolic", "external causes"]
    assert frame["diag_2"].tolist() == ["circulatory"] * 3
    assert frame["diag_3"].tolist() == ["factors influencing health"] * 3
    assert frame["A1Cresult"].tolist() == ["not measured", ">8", "not measured"]
    assert frame["max_glu_serum"].tolist() == ["not measured", "Norm", "not measured"]
    assert frame["readmitted"].tolist() == ["NO", "<30", ">30"]
    assert frame["time_in_hospital"].tolist() == [3, 3, 14]
    assert frame["insulin"].tolist() == ["No", "No", "Up"]
    assert not frame.isna().to_numpy().any()


def test_dtypes_levels_and_roles(make_zip):
    data = diabetes.build(make_zip())
    frame = data.frame
    assert all(frame[column].dtype == "int64" for column in diabetes.COUNTS)
    assert all(isinstance(frame[c].dtype, pd.CategoricalDtype) for c in frame if c not in diabetes.COUNTS)
    assert [c for c in frame if isinstance(frame[c].dtype, pd.CategoricalDtype) and frame[c].cat.ordered] == ["age"]
    assert frame["A1Cresult"].cat.categories.tolist() == ["not measured", "Norm", ">7", ">8"]
    assert frame["readmitted"].cat.categories.tolist() == ["NO", ">30", "<30"]
    assert (data.target, data.source, data.name) == ("readmitted", "real", "diabetes")
    assert data.sensitive == ("race", "gender", "age")
    dropped = {"encounter_id", "patient_nbr", "weight", "payer_code", "medical_specialty", "admission_type_id"}
    assert not dropped & set(frame)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"readmitted": "maybe"}, "column 'readmitted' has 'maybe'"),
        ({"A1Cresult": "?!"}, "column 'A1Cresult' has '\\?!'"),
        ({"diag_1": "0"}, "'0' is not an ICD-9-CM code"),
        ({"time_in_hospital": "long"}, "'long'"),
        ({"patient_nbr": "?"}, "unknown value"),
    ],
)
def test_unknown_values_are_refused(make_zip, row, says):
    with pytest.raises(ShdError, match=says) as caught:
        diabetes.build(make_zip([{}, row]))
    assert "shd data fetch diabetes" in str(caught.value)


def test_missing_columns_are_named(make_zip):
    columns = [column for column in diabetes._DROPPED if column != "weight"] + ["race", "readmitted", "patient_nbr"]
    with pytest.raises(ShdError, match="lacks the columns 'A1Cresult', 'age'"):
        diabetes.build(make_zip(columns=columns))


@pytest.mark.parametrize("damage", ["truncated", "garbage", "other zip", "flipped bytes", "empty"])
def test_broken_archives_are_refused(make_zip, damage):
    path = make_zip()
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(content[:-200])
    elif damage == "garbage":
        path.write_bytes(b"<html>not found</html>")
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "flipped bytes":
        content[60:160] = bytes(100)
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as other:
            other.writestr("readme.txt", "x")
    with pytest.raises(ShdError, match="not the diabetes archive") as caught:
        diabetes.build(path)
    assert "\n" not in str(caught.value)


def test_a_missing_archive_is_refused(tmp_path):
    with pytest.raises(ShdError, match="No such file"):
        diabetes.build(tmp_path / "nope.zip")


def test_parquet_gives_back_the_same_table(make_zip, tmp_path):
    data = diabetes.build(make_zip())
    path = tmp_path / "stand-in.parquet"
    data.frame.assign(subject=data.subjects).to_parquet(path, index=False)
    again = diabetes.read(path, "stand-in")
    pd.testing.assert_frame_equal(again.frame, data.frame)
    assert (again.frame.dtypes == data.frame.dtypes).all()
    assert again.frame["age"].cat.ordered
    assert again.subjects.tolist() == [10, 16, 10]
    assert again.source == "stand-in"


def test_a_parquet_of_something_else_is_refused(tmp_path):
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "x.parquet")
    with pytest.raises(ShdError, match="there is no column 'readmitted'"):
        diabetes.read(tmp_path / "x.parquet", "synthetic")


@pytest.mark.real_data
def test_the_real_table(real_diabetes):
    assert real_diabetes.frame.shape == (98_052, 42)
    assert len(np.unique(real_diabetes.subjects)) == 68_629
    assert real_diabetes.frame["readmitted"].value_counts().to_dict() == {"NO": 52_337, ">30": 34_649, "<30": 11_066}
    assert not real_diabetes.frame.isna().to_numpy().any()
    assert len(real_diabetes.counts) == 8


@pytest.mark.real_data
def test_the_real_split_is_by_patient(real_diabetes):
    train, holdout = real_diabetes.split(test_size=0.2, random_state=0)
    assert not set(train.subjects) & set(holdout.subjects)
    assert len(train) + len(holdout) == 98_052
    assert len(np.unique(holdout.subjects)) == 13_726  # a fifth of the patients, rounded up
    shares = [part.frame["readmitted"].value_counts(normalize=True) for part in (train, holdout)]
    assert abs(shares[0] - shares[1]).max() < 0.01


@pytest.mark.real_data
def test_real_dtypes_survive_parquet(real_diabetes, tmp_path):
    real_diabetes.frame.to_parquet(tmp_path / "x.parquet", index=False)
    again = diabetes.read(tmp_path / "x.parquet", "synthetic").frame
    assert again.equals(real_diabetes.frame)
    assert (again.dtypes == real_diabetes.frame.dtypes).all()
