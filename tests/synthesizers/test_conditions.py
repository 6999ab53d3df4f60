"""What is asked for comes exactly, or is refused: nothing near to it is ever taken."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.synthesizers import TabularCGAN
from shd.synthesizers._conditions import Conditions
from shd.synthesizers.encoding import TableEncoder

N = 300
SMALL = {"steps": 2, "width": 16, "noise": 4, "batch": 32, "pack": 4, "critic_steps": 0, "critic_trees": 0}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    hole = rng.random(N) < 0.2
    day = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(N) % 60 * 2, unit="D")
    return pd.DataFrame(
        {
            "day": day,
            "day with gaps": pd.Series(day).where(~hole),
            "kids": np.arange(N) % 5,
            "kids with gaps": pd.array(np.where(hole, None, np.arange(N) % 5), dtype="Int64"),
            "dose": rng.choice([0.1, 0.25, 1e-300], N),
            "single": rng.choice([0.1, 0.25], N).astype("float32"),
            "smoker": rng.random(N) < 0.5,
            "consent": pd.array(np.where(hole, None, rng.random(N) < 0.5), dtype="boolean"),
            "ward": pd.Categorical(np.where(hole, None, rng.choice(["7", "08", "NA"], N))),
            "stage": pd.Categorical(rng.choice([1, 2, 3], N)),
            "wait": pd.to_timedelta(np.arange(N) % 8 + 1, unit="h"),
            "seen": pd.Series(day + pd.Timedelta("10h")).dt.tz_localize("Europe/Berlin"),
            "month": pd.PeriodIndex(day, freq="M"),
            "until": pd.to_datetime(["9999-12-31", "0001-01-01", "2024-01-01"] * (N // 3)),
        }
    )


@pytest.fixture(scope="module")
def draw(table):
    """A function from a column and what is asked for to what comes."""
    encoder = TableEncoder(whole=tuple(table.columns)).fit(table)
    conditions, _ = Conditions.learn(tuple(table.columns), encoder.transform(table))

    def values(asked, n=20):
        rng = np.random.default_rng(0)
        return encoder.inverse(conditions.draw(n, asked, encoder, rng), rng)

    return values


BERLIN = pd.Timestamp("2024-01-03 10:00", tz="Europe/Berlin")
EXACT = [
    ("day", ["2024-01-03", pd.Timestamp("2024-01-03"), dt.date(2024, 1, 3), np.datetime64("2024-01-03")], "2024-01-03"),
    ("kids", [4, 4.0, "4", "4.0", np.int8(4), np.float32(4), Decimal(4)], 4),
    ("dose", [1e-300, "1e-300"], 1e-300),
    ("single", [0.1, np.float32(0.1)], np.float32(0.1)),
    ("smoker", [True, np.True_, "True"], True),
    ("consent", [False], False),
    ("ward", ["7", 7], "7"),
    ("ward", ["08"], "08"),
    ("ward", ["NA"], "NA"),
    ("stage", [2, 2.0, "2", np.int16(2)], 2),
    ("wait", [pd.Timedelta("2h"), dt.timedelta(hours=2), np.timedelta64(2, "h"), "2 hours", "0 days 02:00:00"], "2h"),
    ("seen", [BERLIN, "2024-01-03 10:00", "2024-01-03 09:00+00:00", BERLIN.tz_convert("UTC")], BERLIN),
    ("month", [pd.Period("2024-02"), "2024-02-01"], pd.Period("2024-02")),
    ("until", ["9999-12-31", dt.date(9999, 12, 31)], "9999-12-31"),
]


@pytest.mark.parametrize(("column", "asked", "value"), EXACT)
def test_what_was_learned_comes_exactly(draw, column, asked, value):
    value = pd.Timedelta(value) if column == "wait" else pd.Timestamp(value) if column in ("day", "until") else value
    for one in asked:
        assert (draw({column: one})[column] == value).all(), repr(one)
        frame = pd.DataFrame({column: pd.Series([one] * 20, dtype=object)})
        assert (draw(frame)[column] == value).all(), repr(one)


STRANGE = [
    ("day", ["2025-06-30", "2024-01-02", "2024-01-03 10:00", "2024", "03/01/2024", 20240103, True, "x", BERLIN]),
    ("kids", ["7", 7, 2.5, "2.5", True, False, "four", " 4", "nan", "inf", -1, 1 + 0j, "1e1"]),
    ("kids with gaps", [9, "9", True]),
    ("dose", [0, 0.2, "0.10000001", 1e-299]),
    ("smoker", [1, 0, 1.0, "true", "yes"]),
    ("consent", [0, "no"]),
    ("ward", ["8", 8, 7.0, "07", "", "nan"]),
    ("stage", [4, "4", True, 1.5]),
    ("wait", [2, "2", pd.Timedelta("2h1s"), pd.Timedelta("9h"), "x"]),
    ("seen", ["2024-01-03", "2024-01-03 10:00+00:00"]),
    ("until", ["9999-12-30", "2262-04-12"]),
]


@pytest.mark.parametrize(("column", "asked"), STRANGE)
def test_what_was_never_learned_is_refused_and_what_is_known_is_told(draw, column, asked):
    for one in asked:
        for condition in ({column: one}, pd.DataFrame({column: pd.Series([one] * 20, dtype=object)})):
            with pytest.raises(ShdError, match=f"column '{column}' has no level .*; it knows ") as caught:
                draw(condition)
            assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_many_known_dates_are_told_in_one_line(draw):
    with pytest.raises(ShdError, match=r"no level '2025-06-30'; it knows 60 dates from 2024-01-01 to 2024-04-28\."):
        draw({"day": "2025-06-30"})


@pytest.mark.parametrize("column", ["day with gaps", "kids with gaps", "consent", "ward"])
def test_missing_comes_where_it_was_learned(draw, column):
    for none in (None, np.nan, pd.NaT, pd.NA):
        assert draw({column: none})[column].isna().all()


@pytest.mark.parametrize("column", ["day", "kids", "smoker", "stage", "wait"])
def test_missing_is_refused_where_it_was_not(draw, column):
    for none in (None, np.nan, pd.NaT, pd.NA):
        with pytest.raises(ShdError, match=f"column '{column}' had no missing values"):
            draw({column: none})


def test_a_frame_of_requests_is_met_row_by_row(draw, table):
    asked = table[["day", "kids with gaps", "ward", "wait", "stage"]].iloc[:50].set_index(np.arange(50)[::-1])
    got = draw(asked, 50)[asked.columns]
    pd.testing.assert_frame_equal(got, asked.reset_index(drop=True))
    mixed = pd.DataFrame({"smoker": pd.Series([True, 1] * 10, dtype=object)})
    with pytest.raises(ShdError, match="no level 1"):
        draw(mixed)


def test_lengths_of_time_can_be_a_condition(table):
    model = TabularCGAN(condition="wait", **SMALL).fit(table[["wait", "kids", "ward"]])
    assert (model.sample(9, condition={"wait": "3 hours"})["wait"] == pd.Timedelta("3h")).all()
    with pytest.raises(ShdError, match="8 lengths of time from 0 days 01:00:00 to 0 days 08:00:00"):
        model.sample(9, condition={"wait": pd.Timedelta("90min")})


def test_without_a_condition_every_column_is_drawn_freely(table, tmp_path):
    from shd.synthesizers import load_synthesizer

    frame = table[["kids", "ward", "stage"]].assign(bmi=np.random.default_rng(0).normal(27, 4, N))
    for data in (frame, Dataset(frame, target="bmi")):
        model = TabularCGAN(**SMALL).fit(data)
        assert model.conditions_.columns == ()
        sample = model.sample(40)
        assert list(sample) == list(frame) and sample["kids"].nunique() > 1
        again = load_synthesizer(model.save(tmp_path / "model.safetensors"))
        pd.testing.assert_frame_equal(again.sample(40), sample)
        pd.testing.assert_frame_equal(model.sample(40, condition={}), sample)
        with pytest.raises(ShdError, match="this model was fitted with no condition"):
            model.sample(5, condition={"kids": 1})
    assert TabularCGAN(**SMALL).fit(Dataset(frame, target="stage")).conditions_.columns == ("stage",)
