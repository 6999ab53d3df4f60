"""The one kind of model that judges: gradient boosting, and how well it orders or predicts records."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

_TREES = 100


def boosted_chance(
    train: np.ndarray, is_positive: np.ndarray, test: list[np.ndarray], categories: np.ndarray
) -> list[np.ndarray]:
    """Train a classifier and return the chance it gives to records of other tables.

    Parameters
    ----------
    train : ndarray, shape (n, n_features)
    is_positive : ndarray of bool, shape (n,)
    test : list of ndarray, shape (m, n_features)
    categories : ndarray of bool, shape (n_features,)
        Which features are codes of levels.

    Returns
    -------
    list of ndarray, shape (m,)
        Chances, 0 to 1; 0.5 for every record where train holds one class only.
    """
    known = ~np.isnan(train).all(axis=0)  # scikit-learn cannot bin a column without a single value
    if is_positive.all() or not is_positive.any() or not known.any():
        return [np.full(len(table), 0.5) for table in test]
    # early stopping would hold out records at random and change what is compared
    model = HistGradientBoostingClassifier(
        max_iter=_TREES, categorical_features=categories[known], early_stopping=False, random_state=0
    )
    model.fit(train[:, known], is_positive)
    return [model.predict_proba(table[:, known])[:, 1] for table in test]


def boosted_number(train: np.ndarray, y: np.ndarray, test: list[np.ndarray], categories: np.ndarray) -> list:
    """Train a regressor and return its predictions, the mean where no feature is known; see `boosted_chance`."""
    known = ~np.isnan(train).all(axis=0)
    if not known.any():
        return [np.full(len(table), y.mean()) for table in test]
    model = HistGradientBoostingRegressor(
        max_iter=_TREES, categorical_features=categories[known], early_stopping=False, random_state=0
    )
    model.fit(train[:, known], y)
    return [model.predict(table[:, known]) for table in test]


def auroc(is_positive: np.ndarray, score: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the area under the ROC curve, ties counted half, under each set of record weights.

    Parameters
    ----------
    is_positive : ndarray of bool, shape (n,)
    score : ndarray of float, shape (n,)
    weights : ndarray of float, shape (n_sets, n), optional
        Bootstrap weights; one set of ones without.

    Returns
    -------
    ndarray of float, shape (n_sets,)
        0 to 1; NaN where one class has no weight.
    """
    weights = np.ones((1, len(score))) if weights is None else weights
    order = np.argsort(score, kind="stable")
    first = np.flatnonzero(np.diff(score[order], prepend=-np.inf) != 0)  # where each run of ties begins
    positive = np.add.reduceat(weights[:, order] * is_positive[order], first, axis=1)
    negative = np.add.reduceat(weights[:, order] * ~is_positive[order], first, axis=1)
    below = np.cumsum(negative, axis=1) - negative / 2
    pairs = positive.sum(axis=1) * negative.sum(axis=1)
    return np.divide((positive * below).sum(axis=1), pairs, out=np.full(len(weights), np.nan), where=pairs > 0)


def r2(y: np.ndarray, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the share of variance explained under each set of record weights; see `auroc`."""
    weights = np.ones((1, len(y))) if weights is None else weights
    total = weights.sum(axis=1)
    mean = weights @ y / total
    spread = weights @ y**2 - total * mean**2
    wrong = weights @ (y - predicted) ** 2
    return 1 - np.divide(wrong, spread, out=np.full(len(weights), np.nan), where=spread > 1e-12)
