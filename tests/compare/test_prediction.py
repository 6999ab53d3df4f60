import numpy as np
import pandas as pd
import pytest

from shd.compare import relative_prediction_error
from shd.compare.core.sides import look
from shd.compare.utility import prediction


def tables(people, n=600, **synthetic):
    given = {"train": people(n, 1), "synthetic": people(n, 2).assign(**synthetic), "holdout": people(n, 3)}
    return look(given)


def test_every_column_has_its_interval_floor_and_reference(people):
    frame = prediction.measure(tables(people)).tables["prediction"]
    assert list(frame) == ["column", "relative error", "low", "high", "floor", "real reference", "lost"]
    assert (frame["low"] <= frame["relative error"]).all() and (frame["relative error"] <= frame["high"]).all()
    assert frame["real reference"].isna().all()  # train has no other people


def test_with_people_to_spare_other_real_records_are_the_reference(people):
    given = {"train": people(1500, 1), "synthetic": people(500, 2), "holdout": people(500, 3)}
    frame = prediction.measure(look(given)).tables["prediction"].set_index("column")
    assert frame["real reference"].between(0.8, 1.25).all()
    assert frame.loc["blood", "floor"] > 2


def test_the_column_that_was_scrambled_is_found(people):
    loose = np.random.default_rng(0).permutation(people(600, 2)["blood"])
    frame = prediction.measure(tables(people, blood=loose)).tables["prediction"].set_index("column")
    assert frame["relative error"].idxmax() == "blood" and frame.loc["blood", "low"] > 1.5
    assert frame.loc["sex", "low"] < 1.1
    assert frame.loc["blood", "lost"] == pytest.approx(1, abs=0.1)


def test_what_three_columns_make_together_is_seen():
    def parity(seed: int, keep: bool = True) -> pd.DataFrame:
        a, b, c = np.random.default_rng(seed).integers(0, 2, (3, 800))
        return pd.DataFrame({"a": a, "b": b, "c": a ^ b if keep else c}).astype(str)

    lost = relative_prediction_error(parity(1), parity(2, keep=False), parity(3))
    assert (lost == 10).all()
    assert (relative_prediction_error(parity(1), parity(2), parity(3)) == 1).all()


def test_in_wide_tables_the_closest_columns_predict(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 30))
    wide = pd.DataFrame(x).add_prefix("c").assign(copy=x[:, 7])
    monkeypatch.setattr(prediction, "_CELLS", 0)
    (real,), _ = prediction.align(wide)
    others = prediction._others(real)
    assert {len(chosen) for chosen in others} == {10}
    assert 7 in others[30] and 30 in others[7] and all(j not in chosen for j, chosen in enumerate(others))
    loose = wide.assign(copy=rng.permutation(wide["copy"]))
    assert relative_prediction_error(wide, loose, wide)["copy"] > 5


@pytest.mark.parametrize("level", ["quick", "full"])
def test_the_level_says_how_many_records_are_looked_at(people, level, monkeypatch):
    seen = []
    draw = prediction._draw
    monkeypatch.setattr(prediction, "_draw", lambda *a: seen.append(a[2]) or draw(*a))
    given = {"train": people(60, 1), "synthetic": people(60, 2), "holdout": people(60, 3)}
    prediction.measure(look(given, level=level))
    assert seen == [8000 if level == "full" else 1000]
