import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.sides import look
from shd.compare.utility import augmentation
from shd.dataset import Dataset


def weak_causes(n: int, seed: int) -> pd.DataFrame:
    """Twenty numbers that each matter a little: a hundred records do not teach them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 20))
    sick = x.sum(axis=1) + 3 * rng.normal(size=n) > 0
    return pd.DataFrame(x, columns=[f"x{j}" for j in range(20)]).assign(sick=np.where(sick, "yes", "no"))


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    return weak_causes(1500, 1), weak_causes(1500, 2), weak_causes(1000, 3)


def _measure(train, synthetic, holdout, level="full", target="sick"):
    return ask("few real records and synthetic ones", train, synthetic, holdout=holdout, target=target, level=level)


@pytest.fixture(scope="module")
def answer(tables):
    return _measure(*tables)


def test_a_swapped_label_harms(tables):
    real, other, holdout = tables
    swapped = other.assign(sick=other["sick"].map({"yes": "no", "no": "yes"}))
    (score,) = _measure(real, swapped, holdout, level="quick").scores
    assert score.value < -0.2 and score.ceiling > 0.03


def test_a_number_gains_r2(tables):
    number = [table.drop(columns="sick").assign(total=lambda f: f.sum(axis=1)) for table in tables]
    assert 0 < _measure(*number, level="quick", target="total").scores[0].value < 1


def test_curves(answer):
    curves = answer.table("augmentation")
    assert list(curves) == ["records", "design", "measure", "value", "low", "high"]
    assert curves.groupby("design")["records"].agg(list).to_dict() == {
        "real": [100, 300],  # half of the 1,500 real records is left for the ceiling
        "real + independent columns": [100],
        "real + other real": [100],
        "real + synthetic": [100, 300],
        "synthetic": [0],
    }
    value = curves.set_index(["design", "records"])["value"]
    assert value["real", 100] < value["real", 300] < value["real + synthetic", 300]


def test_the_gain_stands_between_floor_and_ceiling(answer):
    (score,) = answer.scores
    curves = answer.table("augmentation").set_index(["design", "records"])["value"]
    assert score.value == pytest.approx(curves["real + synthetic", 100] - curves["real", 100])
    assert score.ceiling == pytest.approx(curves["real + other real", 100] - curves["real", 100])
    assert score.floor < 0 < score.low < score.value < score.high
    assert score.verdict == "green" and "Learning from 100 real records" in score.sentence


def test_independent_columns_get_the_worst_verdict(tables):
    real, synthetic, holdout = tables
    rng = np.random.default_rng(0)
    loose = synthetic.apply(lambda column: column.to_numpy()[rng.permutation(len(column))])
    (score,) = _measure(real, loose, holdout, "quick").scores
    assert score.verdict == "red" and score.value == pytest.approx(score.floor, abs=0.1)


def test_a_rare_level_starts_at_more_records(tables):
    """Five records of it are expected from 300 on, not in 100."""
    real, synthetic, holdout = (
        table.assign(sick=np.where(table["x0"] > table["x0"].quantile(0.97), "yes", "no")) for table in tables
    )
    curves = _measure(real, synthetic, holdout, "quick").table("augmentation")
    assert curves.loc[curves["design"] == "real", "records"].tolist() == [300]


def test_too_few_records_are_skipped(people):
    answer = _measure(people(150, 1), people(150, 2), people(150, 3))
    assert not answer.scores and answer.skipped[-1].what == "augmentation"


def test_the_few_are_drawn_by_subject(tables):
    real = Dataset(tables[0], target="sick", subjects=np.arange(1500) // 3)
    sides = look({"train": real, "synthetic": tables[1]}, level="quick")
    few, both, *_ = augmentation._jobs(sides.ready, [100], 200, np.random.default_rng(0))
    ((table, rows), (_, added)) = both[2]
    assert few == (100, "real", [(table, rows)]) and len(added) == 200
    assert len(np.unique(table.subjects[rows[:99]])) == 33  # three records each


def test_the_same_seed_gives_the_same_curves(tables):
    first, again = (_measure(*tables, level="quick") for _ in range(2))
    pd.testing.assert_frame_equal(first.tables["augmentation"], again.tables["augmentation"], check_exact=True)
    assert first.scores == again.scores


def test_a_number_that_does_not_vary_in_the_holdout_is_skipped(people):
    holdout = people(300, 3).assign(blood=1.5)
    answer = _measure(people(600, 1), people(300, 2), holdout, "quick", "blood")
    assert not answer.scores and "does not vary" in answer.skipped[-1].why
