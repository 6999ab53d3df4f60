"""The models that judge: how well they order and predict, whatever the numbers, and what they read."""

import numpy as np
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from shd.compare.core.models import FAMILIES, _filled, auroc, fit, one_hot, r2


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


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("outcome", ["level", "number"])
def test_no_family_minds_odd_numbers(family, outcome):
    """Missing and huge numbers, a constant, a column that is missing throughout, and levels never seen."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5))
    x[::3, 0], x[0, 1], x[:, 2], x[:, 3] = np.nan, 1e300, 7.0, np.nan
    x[:, 4] = rng.integers(0, 3, 60)
    categories = np.array([False, False, False, False, True])
    y = x[:, 4] > 0 if outcome == "level" else x[:, 4]
    if not family.called(outcome == "level"):
        return
    table = x.copy()
    table[:5, 1], table[:5, 4], table[5:9, 0] = np.nan, 9.0, -1e300
    predicted = fit(family, x, y, categories)(table)
    assert predicted.shape == (60,) and np.isfinite(predicted).all()


def test_trees_read_gaps_as_a_value_below_all_others():
    train = np.array([[1.0, 0], [np.nan, 2], [5.0, 1]])
    read = _filled(train, np.array([False, True]))
    assert np.array_equal(read(np.array([[np.nan, 1], [1e300, 2]])), [[0, 1], [1e30, 2]])


def test_linear_models_read_levels_and_gaps():
    train = np.array([[1.0, 0], [3.0, 1], [np.nan, 2], [np.nan, 0]])
    read = one_hot(train, np.array([False, True]))
    # standardised, missing, and the two levels beside the commonest one; 9 is far out, level 7 unknown
    assert np.array_equal(
        read(np.array([[1.0, 0], [np.nan, 1], [9e9, 7]])), [[-1, 0, 0, 0], [0, 1, 1, 0], [5, 0, 0, 0]]
    )
