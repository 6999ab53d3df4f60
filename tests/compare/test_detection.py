import numpy as np
import pytest
from sklearn.metrics import r2_score, roc_auc_score

from shd._errors import ShdError
from shd.compare import c2st
from shd.compare._models import auroc, r2


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
