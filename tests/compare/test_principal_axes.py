import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.report import figures
from shd.plot import to_svg


def _drawn(frame, word) -> str:
    return to_svg(figures.principal_axes(frame, word))


def mapped(train, synthetic, holdout=None):
    return ask("map of all columns", train, synthetic, holdout=holdout).table("map")


def test_shares_of_variance_by_hand():
    # three standardised columns, of which two are one: variances 2 and 1 of 3
    rng = np.random.default_rng(0)
    x, z = rng.normal(size=(2, 4000))
    frame = mapped(pd.DataFrame({"x": x, "y": 2 * x, "z": z}), pd.DataFrame({"x": x, "y": x, "z": z}))
    assert frame["x share"].unique() == pytest.approx(2 / 3, abs=0.01)
    assert frame["y share"].unique() == pytest.approx(1 / 3, abs=0.01)
    assert frame.groupby("source").size().to_dict() == {"real": 1500, "synthetic": 1500}


def test_the_axes_are_those_of_train(people):
    train = people(500, 1)
    plain = mapped(train, people(500, 2))
    shifted = people(500, 2).assign(age=lambda f: f["age"] + 40)
    moved = mapped(train, shifted)
    real = plain["source"] == "real"
    pd.testing.assert_frame_equal(plain[real], moved[real])
    assert abs((moved.loc[~real, "x"] - plain.loc[~real, "x"]).mean()) > 0.5


def test_points_are_capped_and_marked(cohort):
    frame = mapped(*cohort)
    assert list(frame) == ["x", "y", "source", "x share", "y share"]
    assert frame.groupby("source").size().to_dict() == {"real": 800, "synthetic": 700}
    assert 0.3 < frame["x share"].iloc[0] + frame["y share"].iloc[0] <= 1


def test_the_drawing_is_small_and_shows_no_single_record(people):
    frame = mapped(people(2000, 1), people(2000, 2))
    svg = _drawn(frame, "real")
    assert svg.startswith("<svg") and len(svg) < 150_000
    assert "first axis:" in svg and "synthetic:" in svg and "of the variance" in svg
    assert svg == _drawn(frame, "real")
    assert svg.count("<path") < 80
    assert "stand-in:" in _drawn(frame.replace({"source": {"real": "stand-in"}}), "stand-in")


@pytest.mark.parametrize(
    "other",
    [
        {"age": 60.0, "blood": 30.0, "pills": "some", "sick": "yes", "sex": "f"},
        {"age": 1e9, "blood": -1e200, "pills": "x", "sick": "x", "sex": "x"},
        {"age": np.nan, "blood": np.nan, "pills": None, "sick": None, "sex": None},
    ],
)
@pytest.mark.parametrize("n", [1, 300])
def test_one_place_and_far_away_can_be_drawn(people, other, n):
    frame = mapped(people(300, 1), pd.DataFrame([other] * n))
    assert np.isfinite(frame[["x", "y"]]).all().all()
    assert _drawn(frame, "real").startswith("<svg")


def test_few_different_records_can_be_drawn():
    table = pd.DataFrame({"g": ["a", "b"] * 30, "h": ["x", "x", "y"] * 20})
    assert _drawn(mapped(table, table), "real").startswith("<svg")


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"x": [1.0] * 9, "g": ["a"] * 9}),
        pd.DataFrame({"x": [np.nan] * 9}),
        pd.DataFrame({"x": [1.0, 2.0]}),
        pd.DataFrame({"x": range(9)}),
        pd.DataFrame({"x": range(9), "y": range(0, 27, 3)}),
    ],
)
def test_one_direction_makes_no_map(table):
    found = ask("map of all columns", table, table)
    assert not found.tables and found.skipped[-1].what == "map"
