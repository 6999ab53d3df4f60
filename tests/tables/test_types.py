"""Odd types of other people's tables are made what they are."""

import datetime as dt
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from shd._errors import ShdError, ShdWarning
from shd.dataset import Dataset
from shd.synthesizers import Marginals, load_synthesizer

N = 120


def arrow(values, kind):
    return pd.Series(pd.arrays.ArrowExtensionArray(pa.chunked_array([pa.array(values, type=kind)])))


DAYS = [dt.date(2020, 1, 1) + dt.timedelta(days=i % 40) for i in range(N)]
CASES = {
    "text": (arrow(["a", "b", None] * 40, pa.string()), "category"),
    "large text": (arrow(["a", "b", None] * 40, pa.large_string()), "category"),
    "date32": (arrow([None, *DAYS[1:]], pa.date32()), "date"),
    "date64": (arrow(DAYS, pa.date64()), "date"),
    "decimal": (arrow([Decimal(i) / 4 for i in range(N)], pa.decimal128(10, 2)), "number"),
    "time32": (arrow([dt.time(i % 24) for i in range(N)], pa.time32("s")), "timedelta64[us]"),
    "time64": (arrow([dt.time(i % 24, 1, 2, 3) for i in range(N)], pa.time64("us")), "timedelta64[us]"),
    "duration": (arrow([dt.timedelta(i % 9) for i in range(N)], pa.duration("s")), "timedelta64[s]"),
    "time zone": (arrow([pd.Timestamp(d) for d in DAYS], pa.timestamp("us", "Europe/Berlin")), "date"),
    "nanoseconds": (arrow([pd.Timestamp(d) for d in DAYS], pa.timestamp("ns")), "date"),
    "yes/no with gaps": (arrow([True, False, None] * 40, pa.bool_()), "yes/no"),
    "long codes": (pd.Series([123456789012345678, 223456789012345678, 3] * 40), "category"),
    "long codes with gaps": (pd.Series(pd.array([2**60, None, 3] * 40, dtype="Int64")), "category"),
    "dates": (pd.Series([None, *DAYS[1:]], dtype=object), "date"),
    "decimals": (pd.Series([Decimal("1.5"), Decimal(2), None] * 40, dtype=object), "number"),
    "times": (pd.Series([dt.time(10, 30), dt.time(0), None] * 40, dtype=object), "timedelta64[us]"),
    "periods": (pd.Series(pd.PeriodIndex(DAYS, freq="M")), "date"),
    "bytes": (pd.Series([b"a", b"b", None] * 40, dtype=object), "category"),
    "ids": (pd.Series([uuid.UUID(int=1), uuid.UUID(int=2)] * 60, dtype=object), "category"),
    "ranges": (pd.Series(pd.cut(np.arange(N), 4)), "ordered category"),
    "mixed": (pd.Series([1, "a", 2.0, None] * 30, dtype=object), "category"),
    "yes/no and None": (pd.Series([True, False, None] * 40, dtype=object), "yes/no"),
    "sparse": (pd.Series(pd.arrays.SparseArray([0, 1, 0] * 40)), "count"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_column_is_what_its_values_are(name):
    values, kind = CASES[name]
    data = Dataset.from_frame(pd.DataFrame({"x": values}))
    found = data.roles["kind"][0]
    assert found == ("number" if name == "sparse" else kind)  # two numbers are no count
    assert data.frame["x"].isna().sum() == values.isna().sum()


@pytest.mark.parametrize("name", CASES)
def test_every_type_is_learned_sampled_and_saved(name, tmp_path):
    values, _ = CASES[name]
    frame = pd.DataFrame({"x": values, "y": np.tile(["u", "v"], N // 2)})
    model = Marginals().fit(frame)
    sample = model.sample(30)
    again = load_synthesizer(model.save(tmp_path / "model.safetensors"))
    pd.testing.assert_frame_equal(again.sample(30), sample)
    came_back = {"text", "large text", "date32", "date64", "duration", "time zone", "nanoseconds", "periods", "sparse"}
    assert (sample["x"].dtype == frame["x"].dtype) or name not in came_back | {"long codes", "long codes with gaps"}


@pytest.mark.parametrize(
    ("values", "kind", "there"),
    [
        ([dt.date(2020, 1, 1), None, dt.date(9999, 12, 31)], pa.date32(), [pd.Timestamp("2020-01-01"), pd.NaT]),
        ([Decimal("1.5"), None], pa.decimal128(10, 2), [1.5, np.nan]),
        ([dt.time(10, 30), None], pa.time32("s"), [pd.Timedelta("10:30:00"), pd.NaT]),
        ([2**60 + 1, None, 3], pa.int64(), ["1152921504606846977", np.nan, "3"]),
        ([True, None, False], pa.bool_(), [True, pd.NA, False]),
        (["a", None], pa.large_string(), ["a", np.nan]),
        ([1, None, 3], pa.int16(), [1.0, np.nan, 3.0]),
    ],
)
def test_parquet_of_others(tmp_path, values, kind, there):
    parquet.write_table(pa.table({"x": pa.array(values, type=kind)}), tmp_path / "t.parquet")
    read = Dataset.from_csv(tmp_path / "t.parquet").frame["x"].tolist()
    assert pd.Series(read[: len(there)], dtype=object).equals(pd.Series(there, dtype=object))


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([b"\xff", b"a"], "bytes that are no text"),
        ([(1, 2), (3, 4)], "holds tuple values"),
        ([{1}, {2}], "holds lists or other nested values"),
        ([1j, 2], "complex numbers"),
        ([dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 1, tzinfo=dt.UTC)], "with and without a time zone"),
    ],
)
def test_what_is_none_of_these_is_refused_in_one_line(values, says):
    frame = pd.DataFrame({"x": pd.Series(values, dtype=object)})
    with pytest.raises(ShdError, match=f"column 'x'.*{says}"):
        Dataset.from_frame(frame)


@pytest.mark.parametrize("name", [pd.Timestamp("2020-01-01"), ("a", "b"), dt.date(2020, 1, 1), b"x"])
def test_names_that_are_no_text_are_refused_at_once(name):
    frame = pd.DataFrame({"a": ["x", "y"] * 60, "b": range(N)})
    frame.columns = pd.Index(["a", name], dtype=object, tupleize_cols=False)
    for use in (Dataset.from_frame, Marginals().fit):
        with pytest.raises(ShdError, match="whose name is no text"):
            use(frame)
    with pytest.raises(ShdError, match="several rows of column names"):
        Marginals().fit(frame.set_axis(pd.MultiIndex.from_tuples([("a", 1), ("b", 2)]), axis=1))


def test_names_that_are_whole_numbers_work(tmp_path):
    model = Marginals().fit(pd.DataFrame({0: ["x", "y"] * 60, 1: np.arange(N) % 7}))
    again = load_synthesizer(model.save(tmp_path / "model.safetensors"))
    pd.testing.assert_frame_equal(again.sample(9), model.sample(9))


def test_whole_numbers_that_look_like_dates_are_told():
    days = pd.date_range("2020-01-01", periods=N).strftime("%Y%m%d").astype(int)
    with pytest.warns(ShdWarning, match="column 'day' holds whole numbers that look like dates"):
        Dataset.from_frame(pd.DataFrame({"day": days}))


@pytest.mark.parametrize("scale", [1e-300, 1e-310, 5e-324, 1e306])
def test_very_small_and_very_large_numbers_leak_no_warning(scale):
    values = np.random.default_rng(0).normal(size=1500) * scale
    sample = Marginals().fit(pd.DataFrame({"x": values, "y": np.arange(1500) % 3})).sample(100)["x"]
    assert values.min() <= sample.min() and sample.max() <= values.max()
