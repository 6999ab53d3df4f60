"""The same records come back from the CSV of a release as from its Parquet."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.tables.reading import read_table
from shd.tables.schema import same_records, write_csv

COLUMNS = {
    "codes": pd.Categorical(["007", "501", None, "7"] * 2),
    "dates as text": pd.Categorical(["2020-01-01", "2020-02-02", "x", None] * 2),
    "all dates as text": pd.Series(["2020-01-01", "2020-02-02"] * 4, dtype="str"),
    "NA": pd.Categorical(["NA", "DE", None, ""] * 2),
    "empty": pd.Series(["", None, "a", "NA"] * 2, dtype="str"),
    "only empty": pd.Series([""] * 8, dtype="str"),
    "lines": pd.Series(["a\rb", "\r", "\n", "c\r\nd"] * 2, dtype="str"),
    "quotes": pd.Series(['he "x"', "a,b", " pad ", "\t"] * 2, dtype="str"),
    "words": pd.Categorical(["None", "nan", "NULL", None] * 2),
    "like numbers": pd.Categorical(["1e5", "1E5", "inf", "-0"] * 2),
    "like yes/no": pd.Series(["True", "False"] * 4, dtype="str"),
    "letters": pd.Series(["é", "日本", "🙂", "\u00a0"] * 2, dtype="str"),
    "yes/no": [True, False] * 4,
    "yes/no with gaps": pd.array([True, None] * 4, dtype="boolean"),
    "yes/no levels": pd.Categorical([True, False, None, True] * 2),
    "numbers in order": pd.Categorical([1, 10, 2, None] * 2, categories=[10, 2, 1, 99], ordered=True),
    "text in order": pd.Categorical(["1", "10", "2", "1"] * 2, categories=["10", "2", "1", "unused"], ordered=True),
    "levels .5": pd.Categorical([0.1, 1.0, None, 2.5] * 2),
    "dates": pd.to_datetime(["2020-01-01", "9999-12-31", None, "0001-01-01"] * 2),
    "times": pd.to_datetime(["2020-01-01 10:00:00.123456", "2020-01-01"] * 4, format="ISO8601"),
    "nanoseconds": pd.to_datetime(["2020-01-01 10:00:00.123456789", None] * 4, format="ISO8601").as_unit("ns"),
    "Berlin": pd.to_datetime(["2020-01-01", "2020-07-01"] * 4).tz_localize("Europe/Berlin"),
    "offset": pd.to_datetime(["2020-01-01 10:00:00+01:00"] * 8),
    "lengths": pd.to_timedelta([1, 2, None, -3] * 2, unit="h"),
    "whole": np.arange(8),
    "whole with gaps": pd.array([2**60 + 1, None] * 4, dtype="Int64"),
    "numbers": [0.1, np.nan, 1e300, 5e-324] * 2,
    "single": np.array([0.1] * 8, dtype="float32"),
    "nothing": [np.nan] * 8,
}


def written(folder, frame):
    """Write a table as a release does."""
    frame.to_parquet(folder / "synthetic.parquet", index=False)
    text, schema = write_csv(frame)
    (folder / "synthetic.csv.gz").write_bytes(gzip.compress(text))
    (folder / "synthetic.schema.json").write_text(json.dumps(schema.to_dict()), encoding="utf-8")
    return folder / "synthetic.csv.gz", folder / "synthetic.parquet"


@pytest.mark.parametrize("name", COLUMNS)
def test_csv_and_parquet_give_the_same_records(tmp_path, name):
    frame = pd.DataFrame({name: COLUMNS[name]})
    csv, parquet = written(tmp_path, frame)
    assert same_records(read_table(csv), frame)
    assert same_records(read_table(parquet), frame)
    assert same_records(Dataset.from_csv(csv).frame, Dataset.from_csv(parquet).frame)


def test_a_whole_table_with_odd_names(tmp_path):
    frame = pd.DataFrame({**COLUMNS, " pad": 1, 'q"': "x", "1": 2.5, "a,b": "y"})
    csv, parquet = written(tmp_path, frame)
    assert same_records(read_table(csv), frame)
    assert same_records(read_table(parquet), frame)


def test_a_difference_is_seen():
    frame = pd.DataFrame({"x": pd.Categorical(["007", "7"]), "n": [1.0, 2.0]})
    assert same_records(frame, frame.copy())
    assert not same_records(frame, frame.assign(x=pd.Categorical(["7", "7"], categories=["007", "7"])))
    assert not same_records(frame, frame.assign(n=[1.0, 2.5]))
    assert not same_records(frame, frame[["n", "x"]])
    assert not same_records(frame, frame.iloc[:1])


def test_a_schema_that_does_not_fit_is_named(tmp_path):
    csv, _ = written(tmp_path, pd.DataFrame({"x": pd.Categorical(["a", "b"]), "n": [1, 2]}))
    csv.write_bytes(gzip.compress(b"x,n\na,1\nc,2\n"))
    with pytest.raises(ShdError, match="column 'x' is not as the schema beside it says .it has no level 'c'"):
        read_table(csv)
    csv.write_bytes(gzip.compress(b"x,m\na,1\nb,2\n"))
    with pytest.raises(ShdError, match="names other columns"):
        read_table(csv)
    schema = tmp_path / "synthetic.schema.json"
    schema.write_text('{"shd": 1}')
    with pytest.raises(ShdError, match=r"synthetic\.schema\.json beside it is no schema of shd"):
        read_table(csv)
    schema.write_text('{"fields": [{"name": "x"}]}')  # somebody's own
    assert list(read_table(csv)) == ["x", "m"]


def test_the_comparison_of_both_files_is_the_same(tmp_path):
    from shd.compare.core.tables import align

    frame = pd.DataFrame({name: values for name, values in COLUMNS.items() if name not in ("nothing",)})
    csv, parquet = written(tmp_path, pd.concat([frame] * 10, ignore_index=True))
    train = Dataset.from_csv(parquet)
    for_csv, _ = align(train, Dataset.from_csv(csv))
    for_parquet, _ = align(train, Dataset.from_csv(parquet))
    np.testing.assert_array_equal(for_csv[1].values, for_parquet[1].values)
    assert for_csv[1].names == for_parquet[1].names
