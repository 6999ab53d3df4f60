import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shd._errors import ShdError
from shd.synthesizers.encoding import ColumnCodec, TableEncoder


def rng(seed=0):
    return np.random.default_rng(seed)


def round_trip(values, max_bins=40, max_levels=200):
    frame = pd.DataFrame({"x": values})
    encoder = TableEncoder(max_bins, max_levels).fit(frame)
    codes = encoder.transform(frame)
    return encoder["x"], codes[:, 0], encoder.inverse(codes, rng())["x"]


def same(back, values):
    pd.testing.assert_series_equal(back, pd.Series(values, name="x").reset_index(drop=True))


def test_levels_become_codes_in_sorted_order_and_missing_comes_last():
    codec, codes, back = round_trip(pd.Series(["b", None, "a", "b"], dtype="str"))
    assert codes.tolist() == [1, 2, 0, 1]
    assert codec.n_codes == 3 and codec.missing
    same(back, pd.Series(["b", None, "a", "b"], dtype="str"))


def test_categories_keep_their_order_and_the_unused_ones():
    values = pd.Series(pd.Categorical(["high", "low"], categories=["low", "middle", "high"], ordered=True))
    codec, codes, back = round_trip(values)
    assert codes.tolist() == [1, 0]
    assert codec.levels == ["low", "high"]
    same(back, values)


def test_few_numbers_are_codes_of_their_own_and_come_back_exactly():
    values = pd.Series([0.1, 0.3, 0.1, np.nan])
    codec, codes, back = round_trip(values)
    assert codes.tolist() == [0, 1, 0, 2]
    assert codec.weight.tolist() == [2, 1]
    same(back, values)


def test_many_numbers_share_bins_of_about_equal_weight():
    codec, codes, _ = round_trip(pd.Series(np.arange(100)), max_bins=4)
    assert np.bincount(codes).tolist() == [25, 25, 25, 25]
    assert codec.low[codec.code == 1].tolist() == list(range(25, 50))


def test_a_common_number_among_continuous_ones_has_its_own_code():
    values = pd.Series(np.r_[np.zeros(500), rng().uniform(1, 2, 2000)])
    codec, codes, back = round_trip(values, max_bins=10)
    assert (codes[:500] == 0).all() and (codes[500:] > 0).all()
    assert (back[:500] == 0).all() and back[500:].between(1, 2).all()
    assert codec.n_codes <= 11


@pytest.mark.parametrize("decimals", [0, 1, 3])
def test_numbers_come_back_with_the_decimals_they_had(decimals):
    values = pd.Series(np.round(rng().normal(0, 10_000, 20_000), decimals))
    _, _, back = round_trip(values)
    assert np.allclose(back, np.round(back, decimals), rtol=0, atol=1e-8)


def test_tiny_and_huge_scales_keep_their_shape():
    for scale in (1e-12, 1.0, 1e12):
        values = pd.Series(rng().normal(size=5000) * scale)
        _, _, back = round_trip(values)
        assert back.std() == pytest.approx(values.std(), rel=0.05)


def test_rare_levels_share_codes_and_the_shares_survive():
    levels = np.repeat([f"c{k:04d}" for k in range(5000)], 2)
    values = pd.Series(np.r_[levels, ["common"] * 3000])
    codec, codes, back = round_trip(values, max_levels=100)
    assert codec.n_codes <= 100
    assert (back[-3000:] == "common").all()
    assert back.nunique() > 3000
    assert (codec.transform(back) == codes).all()


def test_whole_columns_never_share_codes():
    frame = pd.DataFrame({"x": [f"c{k}" for k in range(50)]})
    assert TableEncoder(max_levels=10, whole=("x",)).fit(frame).sizes == [50]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/London", "UTC"])
def test_dates_come_back_whole_days_stay_whole_days(unit, zone):
    days = pd.Series(pd.date_range("2001-01-01", periods=3000, freq="D").as_unit(unit))
    values = days if zone is None else days.dt.tz_localize("UTC").dt.tz_convert(zone)
    values = pd.concat([values, pd.Series([pd.NaT], dtype=values.dtype)], ignore_index=True)
    codec, codes, back = round_trip(values)
    assert codec.unit == "D"
    assert back.dtype == values.dtype
    assert back.isna().tolist() == values.isna().tolist()
    assert (codec.transform(back) == codes).all()


def test_lengths_of_time_come_back():
    values = pd.Series(pd.to_timedelta([1, 2, 2, None], unit="h"))
    _, _, back = round_trip(values)
    same(back, values)


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([None, None], dtype="float64"),
        pd.Series([None, None], dtype="str"),
        pd.Series([None, None], dtype="Int64"),
        pd.Series([pd.NaT, pd.NaT]),
        pd.Series(pd.Categorical([None, None], categories=["a"])),
        pd.Series([3, 3]),
        pd.Series([True, False]),
        pd.Series([1, 2], dtype="int8"),
        pd.Series([1.5, 2], dtype="float32"),
        pd.Series(pd.Categorical([1, 3, 1], categories=[3, 2, 1])),
        pd.Series(pd.Categorical([True, False])),
        pd.Series(pd.Categorical([0.5, None])),
        pd.Series(["a", 1, None], dtype=object),
    ],
    ids=lambda values: f"{values.dtype}",
)
def test_every_dtype_comes_back_as_it_was(values):
    _, _, back = round_trip(values)
    same(back, values)


NUMBERS = st.integers(-1000, 1000)
COLUMNS = {
    "int64": NUMBERS,
    "uint8": st.integers(0, 255),
    "float64": st.none() | st.floats(-1e9, 1e9) | st.sampled_from([0.0, 1.0, 2.5]),
    "float32": st.none() | st.floats(-1e6, 1e6, width=32),
    "Int64": st.none() | NUMBERS,
    "Float64": st.none() | st.floats(-100, 100),
    "bool": st.booleans(),
    "boolean": st.none() | st.booleans(),
    "str": st.none() | st.sampled_from(["", "a", "b", "None", "nan", "é"]),
    "string": st.none() | st.text(max_size=2),
    "datetime64[us]": st.none() | st.datetimes(pd.Timestamp("1900-01-01"), pd.Timestamp("2100-01-01")),
    "datetime64[us, America/New_York]": st.none()
    | st.datetimes(pd.Timestamp("1970-01-01"), pd.Timestamp("2037-01-01")),
}


@st.composite
def columns(draw):
    n = draw(st.integers(1, 30))
    kind = draw(st.sampled_from([*COLUMNS, "category"]))
    if kind == "category":
        levels = draw(st.sampled_from([["a", "b", "c"], [3, 1, 2], [0.5, 1.5], [True, False]]))
        values = draw(st.lists(st.none() | st.sampled_from(levels), min_size=n, max_size=n))
        return pd.Series(pd.Categorical(values, categories=levels, ordered=draw(st.booleans())), name="x")
    values = pd.Series(draw(st.lists(COLUMNS[kind], min_size=n, max_size=n)), dtype=object)
    if kind.startswith("datetime64[us, "):
        return pd.Series(pd.to_datetime(values).dt.tz_localize("UTC"), name="x").astype(kind)
    return values.astype(kind).rename("x")


@settings(max_examples=300, deadline=None)
@given(columns(), st.integers(1, 50), st.integers(1, 10), st.integers(0, 2**32))
def test_any_column_comes_back_in_the_codes_it_had(values, max_bins, max_levels, seed):
    codec = ColumnCodec.fit(values, max_bins, max_levels)
    codec = ColumnCodec.from_dict(json.loads(json.dumps(codec.to_dict())))
    codes = codec.transform(values)
    back = codec.inverse(codes, rng(seed))
    assert back.dtype == values.dtype
    assert back.isna().tolist() == values.isna().tolist()
    assert codec.transform(back).tolist() == codes.tolist()
    assert codes.min() >= 0 and codes.max() < codec.n_codes
    assert set(back.dropna()) <= set(values.dropna())  # few distinct values: nothing new is made up


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["float64", "float32", "int64", "Float64"]),
    st.sampled_from([1e-6, 0.01, 1, 1e5]),
    st.integers(0, 7),
    st.integers(2, 60),
    st.integers(0, 99),
)
def test_continuous_numbers_stay_in_their_bins(dtype, scale, decimals, max_bins, seed):
    numbers = np.round(rng(seed).standard_t(2, 3000) * scale, decimals)
    numbers[:: seed + 2] = numbers[0]  # a spike inside the range
    if dtype == "int64":
        numbers = np.round(numbers * 1e4)
    values = pd.Series(numbers, name="x").astype(dtype)
    codec = ColumnCodec.fit(values, max_bins, 200)
    codes = codec.transform(values)
    back = codec.inverse(codes, rng(seed))
    assert back.dtype == values.dtype
    assert codec.transform(back).tolist() == codes.tolist()
    assert back.min() >= values.min() and back.max() <= values.max()


def test_an_encoder_survives_json():
    frame = pd.DataFrame({"a": [1.5, None, 2.5], "b": pd.Categorical(["x", "y", None]), 3: [True, False, True]})
    encoder = TableEncoder().fit(frame)
    again = TableEncoder.from_dict(json.loads(json.dumps(encoder.to_dict())))
    codes = encoder.transform(frame)
    assert (again.transform(frame) == codes).all()
    pd.testing.assert_frame_equal(again.inverse(codes, rng()), frame)


def test_a_wide_table_of_many_levels_is_encoded():
    frame = pd.DataFrame({f"c{k}": rng(k).integers(0, 5000, 3000).astype(str) for k in range(200)})
    encoder = TableEncoder().fit(frame)
    assert max(encoder.sizes) <= 200
    assert encoder.inverse(encoder.transform(frame), rng()).shape == frame.shape


@pytest.mark.parametrize(
    ("learned", "given_", "message"),
    [
        (["a", "b"], ["c"], "'x' has no level 'c'; it knows 'a', 'b'"),
        (["a", "b"], ["a", None], "'x' has missing values"),
        ([1.0, 2.0], ["many"], "'x' wants numbers"),
        ([None, None], ["a"], "'x' had only missing values"),
    ],
)
def test_what_was_never_learned_is_named(learned, given_, message):
    codec = ColumnCodec.fit(pd.Series(learned, name="x"), 40, 200)
    with pytest.raises(ShdError, match=message):
        codec.transform(pd.Series(given_, name="x", dtype=object))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1.0, np.inf], "'x' has infinite values; make them missing"),
        ([2**60, 1], "'x' has whole numbers beyond"),
        ([1 + 2j], "'x' is of type complex128"),
        (pd.cut(pd.Series([1, 2]), 2), "'x' holds Interval values .* turn it into text"),
        (pd.Series(pd.period_range("2020", periods=2, freq="D")), "'x' holds Period values"),
        (pd.Series([b"a"], dtype=object), "'x' holds bytes values"),
    ],
)
def test_what_cannot_be_encoded_is_refused_with_a_remedy(values, message):
    with pytest.raises(ShdError, match=message):
        ColumnCodec.fit(pd.Series(values, name="x"), 40, 200)


def test_a_table_without_a_learned_column_is_refused():
    encoder = TableEncoder().fit(pd.DataFrame({"a": [1], "b": [2]}))
    with pytest.raises(ShdError, match="lacks the column 'b'"):
        encoder.transform(pd.DataFrame({"a": [1]}))
