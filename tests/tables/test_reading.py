import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.tables.reading import read_table


def written(folder, text, name="t.csv", encoding="utf-8"):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_csv_becomes_a_dataset_with_its_name(tmp_path, table):
    path = tmp_path / "stays.csv"
    table.to_csv(path, index=False)
    data = Dataset.from_csv(path, target="sick", subject="patient")
    assert data.name == "stays"
    assert len(np.unique(data.subjects)) == 20
    assert data.roles.set_index("column")["kind"]["admitted"] == "date"


@pytest.mark.parametrize("name", ["t.csv.gz", "t.zip", "t.csv.xz"])
def test_compressed_csv(tmp_path, name):
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    frame.to_csv(tmp_path / name, index=False)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), frame)


def test_parquet_keeps_dtypes_whatever_its_name(tmp_path, table):
    table.to_parquet(tmp_path / "t.parquet")
    table.to_parquet(tmp_path / "t.data")
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.parquet"), table)
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.data"), table)


def test_none_is_a_level_and_gaps_are_missing(tmp_path):
    frame = read_table(written(tmp_path, "alcohol,smoker\nNone,yes\nsome,NA\n,no\n"))
    assert frame["alcohol"].tolist()[:2] == ["None", "some"]
    assert frame.isna().to_numpy().tolist() == [[False, False], [False, True], [True, False]]


def test_none_in_a_column_of_numbers_is_missing(tmp_path):
    frame = read_table(written(tmp_path, "weight,code\n70.5,1\nNone,2\n60,3\n"))
    assert frame["weight"].dtype == "float64"
    assert frame["weight"].isna().tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("cells", "is_date"),
    [
        (["2020-11-14", "", "2020-11-16"], True),
        (["2020-11-14 10:30", "2020-11-15 09:00"], True),
        (["2020-11-14", "later"], False),
        (["2020-13-14", "2020-11-14"], False),
        (["2020", "2021"], False),
    ],
)
def test_iso_dates_become_dates(tmp_path, cells, is_date):
    frame = read_table(written(tmp_path, "day,n\n" + "".join(f"{cell},1\n" for cell in cells)))
    assert pd.api.types.is_datetime64_any_dtype(frame["day"]) == is_date


def test_byte_order_mark_is_not_part_of_a_name(tmp_path):
    assert list(read_table(written(tmp_path, "a,b\n1,2\n", encoding="utf-8-sig"))) == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "name", "encoding", "says"),
    [
        ("", "t.csv", "utf-8", "empty, without even a row of names"),
        ("a,b\n1,é\n", "t.csv", "latin-1", "not text in UTF-8"),
        ("a;b\n1;2;3\n4\n", "t.csv", "utf-8", "another separator"),
        ("a,b\n1,2\n1,2,3\n", "t.csv", "utf-8", "line 3 has 3 fields and line 1, the row of names, has 2"),
        ("a,b\n1,2\n", "t.parquet", "utf-8", "the content does not"),
        ("PAR1 and nothing more", "t.parquet", "utf-8", "cannot be read as a table"),
        ("not a gzip file", "t.csv.gz", "utf-8", "cannot be read as a table"),
        ("a,b\n", "t.xlsx", "utf-8", "a spreadsheet"),
    ],
)
def test_broken_files_are_refused_in_one_line(tmp_path, text, name, encoding, says):
    with pytest.raises(ShdError, match=says) as caught:
        read_table(written(tmp_path, text, name, encoding))
    assert "\n" not in str(caught.value)


def test_a_table_without_records_is_refused(tmp_path):
    with pytest.raises(ShdError, match="empty: 0 rows"):
        Dataset.from_csv(written(tmp_path, "a,b\n"))


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(ShdError, match="no such file"):
        read_table(tmp_path / "nope.csv")
    with pytest.raises(ShdError, match="a folder"):
        read_table(tmp_path)
