import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.tables import align
from shd.compare.utility import prediction


def predicted(train, synthetic, holdout) -> pd.DataFrame:
    found = ask("predicting each column from the others", train, synthetic, holdout=holdout)
    return found.table("prediction").set_index("column")


def relative_error(train, synthetic, holdout) -> pd.Series:
    return predicted(train, synthetic, holdout)["relative error"]


def of_people(people, n=600, **synthetic) -> pd.DataFrame:
    return predicted(people(n, 1), people(n, 2).assign(**synthetic), people(n, 3))


def test_every_column_has_its_interval_floor_and_reference(people):
    frame = of_people(people)
    assert list(frame) == ["relative error", "low", "high", "floor", "real reference", "lost"]
    assert (frame["low"] <= frame["relative error"]).all() and (frame["relative error"] <= frame["high"]).all()
    assert frame["real reference"].isna().all()  # train has no other people


def test_with_people_to_spare_other_real_records_are_the_reference(people):
    frame = predicted(people(1500, 1), people(500, 2), people(500, 3))
    assert frame["real reference"].between(0.8, 1.25).all()
    assert frame.loc["blood", "floor"] > 2


def test_the_column_that_was_scrambled_is_found(people):
    loose = np.random.default_rng(0).permutation(people(600, 2)["blood"])
    frame = of_people(people, blood=loose)
    assert frame["relative error"].idxmax() == "blood" and frame.loc["blood", "low"] > 1.5
    assert frame.loc["sex", "low"] < 1.1
    assert frame.loc["blood", "lost"] == pytest.approx(1, abs=0.1)


def test_what_three_columns_make_together_is_seen():
    def parity(seed: int, keep: bool = True) -> pd.DataFrame:
        a, b, c = np.random.default_rng(seed).integers(0, 2, (3, 800))
        return pd.DataFrame({"a": a, "b": b, "c": a ^ b if keep else c}).astype(str)

    lost = relative_error(parity(1), parity(2, keep=False), parity(3))
    assert (lost == 10).all()
    assert (relative_error(parity(1), parity(2), parity(3)) == 1).all()


def test_in_wide_tables_the_closest_columns_predict(monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 30))
    wide = pd.DataFrame(x).add_prefix("c").assign(copy=x[:, 7])
    monkeypatch.setattr(prediction, "_CELLS", 0)
    (real,), _ = align(wide)
    others = prediction._others(real)
    assert {len(chosen) for chosen in others} == {10}
    assert 7 in others[30] and 30 in others[7] and all(j not in chosen for j, chosen in enumerate(others))
    loose = wide.assign(copy=rng.permutation(wide["copy"]))
    assert relative_error(wide, loose, wide)["copy"] > 5


@pytest.mark.parametrize("level", ["quick", "full"])
def test_the_level_says_how_many_records_are_looked_at(people, level, monkeypatch):
    seen = []
    draw = prediction._draw
    monkeypatch.setattr(prediction, "_draw", lambda *a: seen.append(a[2]) or draw(*a))
    ask(prediction.QUESTION.name, people(60, 1), people(60, 2), holdout=people(60, 3), level=level)
    assert seen == [8000 if level == "full" else 1000]


def test_the_same_records_make_the_same_error(people):
    train, holdout = people(600, 1), people(600, 2)
    assert np.allclose(relative_error(train, train, holdout), 1)
    rng = np.random.default_rng(0)
    loose = train.assign(blood=rng.permutation(train["blood"]))
    assert relative_error(train, loose, holdout)["blood"] > 2


def test_a_level_that_comes_up_once_does_not_decide_a_column(people):
    """Real records never err about it, and synthetic ones by next to nothing: that is no tenfold error."""
    train = people(400, 1).assign(rare="no")
    once = people(400, 3).assign(rare=["yes", *["no"] * 399])
    assert relative_error(train, once, train)["rare"] == pytest.approx(1, abs=0.3)
    often = people(400, 3).assign(rare=["yes", "no"] * 200)
    assert relative_error(train, often, train)["rare"] == 10


def test_relative_prediction_error_of_a_constant_column_is_one(people):
    train = people(100, 1).assign(k=1)
    assert relative_error(train, train, train)["k"] == 1


def test_prediction_scores(fresh, scrambled):
    assert fresh.score("relative prediction error").verdict == "green"
    assert scrambled.score("relative prediction error").verdict == "red"
