"""What the text of a column means, and what is told about it."""

import numpy as np
import pandas as pd
import pytest

from shd.tables.reading import Reading, read_noted

DAYS = pd.date_range("2020-01-01", periods=200)


def column(folder, cells, beside=None, **options):
    """Read one column; return it and the notes."""
    frame = pd.DataFrame({"x": pd.Series(cells, dtype=object), "row": range(len(cells)), **(beside or {})})
    frame.to_csv(folder / "t.csv", index=False)
    read, notes = read_noted(folder / "t.csv", Reading(**options))
    return read["x"], notes


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (["00501", "12345", "99999"], "leading zeros"),
        (["008", "250.01", "401"], "leading zeros"),
        (["+491701234567", "+491701234568"], "leading +"),
        (["123456789012345678", "123456789012345679"], "lose digits"),
        (["1E5", "3E10"], "powers of ten"),
    ],
)
def test_codes_stay_text_and_a_note_says_so(tmp_path, cells, why):
    values, (note,) = column(tmp_path, cells)
    assert values.tolist() == cells
    assert why in note and f"'x' ({len(cells)})" in note


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["66,3", "70", "-0,5"], [66.3, 70, -0.5]),
        (["1.234,5", "66,25"], [1234.5, 66.25]),
        (["93,508", "1,234,567", "12"], [93508, 1234567, 12]),
        (["93,508", "12,400"], [93508, 12400]),
        (["93,508", "12400"], [93.508, 12400]),
        (["0,508", "0,400"], [0.508, 0.4]),
        (["1,234.5", "12"], [1234.5, 12]),
        (["71%", "3.5 %"], [71, 3.5]),
        (["70 kg", "71.5kg"], [70, 71.5]),
        (["$1,200", "$30"], [1200, 30]),
        (["(30)", "12"], [-30, 12]),
        (["30-", "12"], [-30, 12]),
        (["−5", "3"], [-5, 3]),
        (["1 234", "12 345", "999"], [1234, 12345, 999]),
        (["1'234.5", "999"], [1234.5, 999]),
    ],
)
def test_dressed_numbers_are_numbers_and_a_note_says_so(tmp_path, cells, numbers):
    values, (note,) = column(tmp_path, cells)
    np.testing.assert_allclose(values.to_numpy(float), numbers)
    assert note.startswith("read as numbers") and f"'x' ({len(cells)}: {cells[0]!r}" in note


def test_what_may_be_a_decimal_comma_follows_the_file_and_what_is_said(tmp_path):
    cells = ["93,508", "12,400"]
    assert column(tmp_path, cells, {"bmi": ["66,3", "70,1"]})[0].tolist() == [93.508, 12.4]
    assert column(tmp_path, cells, {"bmi": ["66.3", "70.1"]})[0].tolist() == [93508, 12400]
    assert column(tmp_path, cells, decimal=",")[0].tolist() == [93.508, 12.4]
    assert column(tmp_path, ["93.508", "12.400"], {"bmi": ["66,3", "70,1"]})[0].tolist() == [93508, 12400]


@pytest.mark.parametrize(
    "cells", [["1,2", "1,2,3", "2"], ["120/80", "130/85"], ["10.0.0.1", "10.0.0.2"], ["3 mg", "3"]]
)
def test_what_is_no_number_stays_text(tmp_path, cells):
    assert column(tmp_path, cells)[0].tolist() == cells


def test_numbers_are_the_very_ones_that_were_written(tmp_path):
    numbers = np.random.default_rng(0).normal(size=500) * 10.0 ** np.arange(-250, 250)
    assert (column(tmp_path, [repr(float(number)) for number in numbers])[0].to_numpy() == numbers).all()


@pytest.mark.parametrize(
    ("rest", "said"), [(["<0.5", ">100"], "2: '<0.5', '>100'"), (["V57", "E849"], "2: 'V57', 'E849'")]
)
def test_what_is_nearly_all_numbers_is_asked_about(tmp_path, rest, said):
    values, (note,) = column(tmp_path, [*(f"{i}" for i in range(100)), *rest])
    assert values.tolist()[-2:] == rest
    assert "most cells are numbers" in note and said in note


def test_words_for_no_value_are_missing_among_numbers_and_levels_elsewhere(tmp_path):
    values, (note,) = column(tmp_path, ["1.5", "?", "unknown", "2"])
    assert values.isna().tolist() == [False, True, True, False]
    assert note == "words read as missing: 'x' (2: '?', 'unknown')"
    assert column(tmp_path, ["yes", "unknown", "?"])[0].tolist() == ["yes", "unknown", "?"]


def test_the_word_na_is_told_and_can_be_kept(tmp_path):
    cells = ["NA", "DE", "NA", "FR"]
    values, (note,) = column(tmp_path, cells)
    assert values.isna().tolist() == [True, False, True, False]
    assert "'x' (2: 'NA')" in note and "--text" in note
    assert column(tmp_path, cells, text=["x"])[0].tolist() == cells
    assert column(tmp_path, cells, missing=["-9"])[0].tolist() == cells
    assert column(tmp_path, ["-9", "3"], missing="-9")[0].isna().tolist() == [True, False]
    assert column(tmp_path, ["007", "2020-01-01", "66,3"], text="x")[1] == []


FORMATS = {
    "%Y-%m-%d": None,
    "%Y/%m/%d": None,
    "%d.%m.%Y": "day.month.year",
    "%d/%m/%Y": "day/month/year",
    "%m/%d/%Y": "month/day/year",
    "%d-%m-%Y": "day-month-year",
    "%d-%b-%Y": "day-month-year",
    "%d%b%Y": "daymonthyear",
    "%B %d, %Y": "month day year",
    "%d.%m.%y": "day.month.year with years from",
    "%Y%m%d": "yearmonthday",
    "%m/%d/%Y %I:%M %p": "month/day/year",
    "%Y-%m-%dT%H:%M:%S": None,
}


@pytest.mark.parametrize("pattern", FORMATS)
def test_dates_are_dates(tmp_path, pattern):
    values, notes = column(tmp_path, DAYS.strftime(pattern))
    assert (values == DAYS).all()
    assert [FORMATS[pattern] in note for note in notes] == ([] if FORMATS[pattern] is None else [True])


@pytest.mark.parametrize("pattern", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y"])
@pytest.mark.parametrize("strange", ["31/02/2020", "2020-02-30", "31.02.2020", "99.99.9999", "ongoing"])
def test_what_is_no_date_among_many_is_missing_and_named(tmp_path, pattern, strange):
    values, notes = column(tmp_path, [*DAYS.strftime(pattern), strange])
    assert (values[:-1] == DAYS).all() and pd.isna(values.iloc[-1])
    assert f"no dates, so read as missing: 'x' (1: {strange!r})" in notes


def test_day_and_month_that_may_be_exchanged_are_asked_for(tmp_path):
    cells = [f"{i % 12 + 1:02}/{i * 7 % 12 + 1:02}/2020" for i in range(60)]
    values, (note,) = column(tmp_path, cells)
    assert values.tolist() == cells
    assert "--day-first" in note and "'x' (60" in note
    for day_first, format_ in ((True, "%d/%m/%Y"), (False, "%m/%d/%Y")):
        assert (column(tmp_path, cells, day_first=day_first)[0] == pd.to_datetime(cells, format=format_)).all()
        beside = {"other": DAYS[:60].strftime(format_)}  # another column tells
        assert (column(tmp_path, cells, beside)[0] == pd.to_datetime(cells, format=format_)).all()
    assert column(tmp_path, DAYS.strftime("%y-%m-%d"))[0].tolist() == DAYS.strftime("%y-%m-%d").tolist()


def test_two_offsets_become_utc_and_other_columns_are_fine(tmp_path):
    values, (note,) = column(tmp_path, ["2020-01-01T10:00:00+01:00", "2020-07-01 10:00+0200", None])
    assert values[:2].tolist() == [
        pd.Timestamp("2020-01-01 09:00", tz="UTC"),
        pd.Timestamp("2020-07-01 08:00", tz="UTC"),
    ]
    assert note == "dates read in UTC, as their offsets differ: 'x' (2)"
    assert column(tmp_path, ["2020-01-01 10:00Z", "2020-07-01 10:00Z"])[0].dtype == "datetime64[us, UTC]"
    mixed = ["2020-01-01 10:00+01:00", "2020-07-01 10:00"]
    values, (note,) = column(tmp_path, mixed)
    assert values.tolist() == mixed and "with and without a time zone" in note


def test_whole_numbers_that_are_no_dates_stay_numbers(tmp_path):
    assert column(tmp_path, [20201301 + i for i in range(50)])[0].dtype == "int64"
    assert column(tmp_path, [20200101, 20200201] * 20)[0].dtype == "int64"  # two of them may be anything
    values, notes = column(tmp_path, [*DAYS.strftime("%Y%m%d"), "99999999", None])
    assert (values[:200] == DAYS).all() and values[200:].isna().all()
    assert "no dates, so read as missing: 'x' (1: '99999999')" in notes


def test_the_ends_of_the_calendar(tmp_path):
    values, _ = column(tmp_path, ["9999-12-31", "0001-01-01", "2300-05-05", "1500-01-01"])
    assert values.dt.year.tolist() == [9999, 1, 2300, 1500]


def test_yes_and_no_with_gaps_and_times_of_day(tmp_path):
    assert column(tmp_path, ["True", None, "false"])[0].dtype == "boolean"
    values, (note,) = column(tmp_path, ["10:30", "23:59:30"])
    assert values.tolist() == [pd.Timedelta("10:30:00"), pd.Timedelta("23:59:30")]
    assert "time since midnight" in note
    halves = column(tmp_path, ["10:30 PM", "12:05 am", "1:00 p.m."])[0].tolist()
    assert halves == [pd.Timedelta(time) for time in ("22:30:00", "00:05:00", "13:00:00")]
    assert column(tmp_path, ["13:30 PM", "12:05 AM"])[0].dtype == "str"  # no such time
    assert column(tmp_path, ["1 days", "2 days 10:00:00"])[0].tolist() == [pd.Timedelta("1D"), pd.Timedelta("2D10h")]
