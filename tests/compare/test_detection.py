import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from shd._errors import ShdError
from shd.compare import c2st
from shd.compare.core.models import auroc, r2
from shd.compare.core.sides import look
from shd.compare.fidelity.c2st import giveaways, measure


def test_weighted_auroc_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    y, score, weights = rng.random(200) < 0.3, rng.integers(0, 20, 200).astype(float), rng.integers(0, 4, (3, 200))
    expected = [roc_auc_score(y, score, sample_weight=w) for w in weights]
    assert np.allclose(auroc(y, score, weights.astype(float)), expected)
    assert auroc(y, score)[0] == pytest.approx(roc_auc_score(y, score))


def test_auroc_of_one_class_is_unknown():
    assert np.isnan(auroc(np.array([True, True]), np.array([0.1, 0.2]))[0])


def test_weighted_r2_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    y, predicted, weights = rng.random(50), rng.random(50), rng.integers(0, 4, (2, 50)).astype(float)
    assert np.allclose(r2(y, predicted, weights), [r2_score(y, predicted, sample_weight=w) for w in weights])


def test_r2_does_not_depend_on_units():
    rng = np.random.default_rng(0)
    y, predicted = rng.random(50), rng.random(50)
    assert r2(y * 1e-9, predicted * 1e-9) == pytest.approx(r2(y, predicted))
    assert np.isnan(r2(np.full(50, 1e-9), predicted)[0]) and np.isnan(r2(np.zeros(50), predicted)[0])


def test_the_same_population_cannot_be_told_apart(people):
    assert c2st(people(500, 1), people(500, 2)) == pytest.approx(0.5, abs=0.07)


def test_another_population_can(people):
    other = people(500, 2)
    other["blood"] += 30
    assert c2st(people(500, 1), other) > 0.95


def test_the_same_seed_gives_the_same_number(people):
    first, second = people(300, 1), people(400, 2)
    assert c2st(first, second, rows=200, random_state=4) == c2st(first, second, rows=200, random_state=4)
    assert c2st(first, second, rows=200, random_state=4) != c2st(first, second, rows=200, random_state=5)


def test_too_few_records_are_not_judged(people):
    assert np.isnan(c2st(people(19, 1), people(400, 2)))


def test_what_is_no_table_is_refused(people):
    with pytest.raises(ShdError, match="real must be"):
        c2st("real.csv", people(30, 1))


def test_scores(fresh, scrambled):
    assert fresh.score("C2ST").verdict == "green"
    bad = scrambled.score("C2ST")
    assert bad.verdict == "red" and bad.value == pytest.approx(bad.floor, abs=0.05)
    assert bad.ceiling == pytest.approx(0.5, abs=0.06)


def test_what_gave_them_away_is_named(people):
    real, other = people(500, 1), people(500, 2)
    other["sex"] = "f"
    found = giveaways(real, other)
    assert found["column"].iloc[0] == "sex" and found["importance"].iloc[0] > 0.15
    assert found["importance"].iloc[1:].abs().max() < 0.03
    share = (real["sex"] == "f").mean()
    assert found["tell"].iloc[0] in (
        f"too many f (100.0%, should be {share:.1%})",
        f"too few m (0.0%, should be {1 - share:.1%})",
    )
    assert (found["low"] <= found["importance"]).all() and (found["importance"] <= found["high"]).all()


def test_a_lost_link_is_told_by_both_of_its_columns(people):
    other = people(800, 2)
    other["blood"] = np.random.default_rng(0).permutation(other["blood"])
    found = giveaways(people(800, 1), other).set_index("column")
    assert set(found.index[:2]) == {"age", "blood"}
    assert found.loc["sex", "importance"] < 0.02


@pytest.mark.parametrize(
    ("real", "synthetic", "tell"),
    [
        (["a"] * 50 + ["b"] * 50, ["a"] * 80 + ["b"] * 20, "too many a (80.0%, should be 50.0%)"),
        (["a"] * 50 + [None] * 50, ["a"] * 80 + [None] * 20, "too many a (80.0%, should be 50.0%)"),
        ([1.0] * 50 + [2.0] * 50, [1.0] * 100, "too many from 1 to below 2 (100.0%, should be 50.0%)"),
        ([1.0] * 50 + [np.nan] * 50, [1.0] * 100, "too many from 1 on (100.0%, should be 50.0%)"),
        (
            pd.to_datetime(["2020-01-01", "2021-01-01"] * 50),
            pd.to_datetime(["2020-01-01"] * 100),
            "too many from 2020-01-01 to below 2021-01-01 (100.0%, should be 50.0%)",
        ),
        (
            ["a"] * 50 + ["b"] * 50,
            ["b", "a"] * 50,
            "alone it looks right; what tells is how it goes with other columns",
        ),
    ],
)
def test_a_tell_by_hand(real, synthetic, tell):
    assert giveaways(pd.DataFrame({"x": real}), pd.DataFrame({"x": synthetic}))["tell"].tolist() == [tell]


def test_of_wide_tables_the_most_telling_columns_are_shuffled():
    rng = np.random.default_rng(0)
    real, other = (pd.DataFrame(rng.normal(size=(150, 70))).add_prefix("c") for _ in range(2))
    other["c50"] += 3
    found = giveaways(real, other)
    assert len(found) == 60 and found["column"].iloc[0] == "c50"


def test_too_few_records_give_nothing_away(people):
    assert giveaways(people(19, 1), people(400, 2)).empty


def test_giveaways_are_in_the_report_and_in_the_sentence(fresh, scrambled):
    for report in (fresh, scrambled):
        frame = report.result.tables["giveaways"]
        assert list(frame) == ["column", "importance", "low", "high", "real reference", "tell"]
        assert frame["importance"].is_monotonic_decreasing and frame["real reference"].notna().all()
    assert "gives synthetic records away most is" in scrambled.score("C2ST").sentence
    assert "gives" not in fresh.score("C2ST").sentence


def test_without_a_holdout_giveaways_have_no_reference(people):
    answer = measure(look({"train": people(100, 1), "synthetic": people(100, 2)}))
    assert answer.tables["giveaways"]["real reference"].isna().all()
