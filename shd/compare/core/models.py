"""The models that judge: several families, what each of them reads, and how well they order or predict records."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, clone
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.naive_bayes import BernoulliNB
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from shd._parallel import one_thread

_TREES = 100  # of gradient boosting; a forest has half as many
_WIDTH, _LEVELS = 600, 20  # most columns of a one-hot table, and most levels of a column in it
_LARGEST = 1e30  # trees read numbers as float32, and the square of a number has to fit, too
_STEPS, _CLOSE, _FLAT = 30, 1e-8, 1e-9  # of a calibration line: steps at most, its last one, a slope that is none
_SURE = 1e-6  # how near a chance may come to 0 and 1
_NO_END = 15.0  # a log odds ratio that no data of people have
_FAR = 5.0  # standard deviations beyond which a number counts as so far


@dataclass(frozen=True)
class Family:
    """One kind of model, for levels and for numbers: `make` it, and `read` features as it reads them."""

    name: str
    make: Callable[[bool, np.ndarray], BaseEstimator]  # given whether it is of a level, and which are categories
    read: Callable[[np.ndarray, np.ndarray], Callable[[np.ndarray], np.ndarray]]  # learned from train alone
    of_numbers: str | None = None  # as it is called there; empty where it cannot predict numbers

    def called(self, is_level: bool) -> str:
        """Return the name of the model that predicts a level, or a number; empty where there is none."""
        return self.name if is_level or self.of_numbers is None else self.of_numbers


def fit(family: Family, train: np.ndarray, y: np.ndarray, categories: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Train one model and return what predicts, from features to chances (y is bool) or numbers, shape (m,).

    Where train holds one class only, or nothing is known, it predicts the mean of y for every record.
    """
    is_level, read = y.dtype == bool, reader(family, train, categories)
    if read is None or (is_level and (y.all() or not y.any())):
        return lambda table: np.full(len(table), y.mean())
    x = read(train)
    if (x == x[0]).all():  # nothing varies: a line through it does not converge
        return lambda table: np.full(len(table), y.mean())
    model = family.make(is_level, categories[~np.isnan(train).all(axis=0)]).fit(x, y)
    if is_level:
        return lambda table: model.predict_proba(read(table))[:, 1]
    return lambda table: model.predict(read(table))


def reader(family: Family, train: np.ndarray, categories: np.ndarray) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return what turns features into what a family reads; None where train knows no value at all."""
    known = ~np.isnan(train).all(axis=0)  # scikit-learn cannot bin a column without a single value
    if not known.any():
        return None
    read = family.read(train[:, known], categories[known])
    return lambda table: read(table[:, known])


def _as_it_is(train: np.ndarray, categories: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda table: table


def _filled(train: np.ndarray, categories: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Put a value below all others in the place of missing numbers: a tree can split it off."""
    below = np.nanmin(train.clip(-_LARGEST, _LARGEST), axis=0) - 1
    return lambda table: np.where(np.isnan(table), below, table.clip(-_LARGEST, _LARGEST))


def one_hot(train: np.ndarray, categories: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """Standardise numbers, mark the missing ones, and give each common level a column of 0 and 1."""
    most = int(np.clip(_WIDTH // len(categories), 2, _LEVELS))
    levels = {j: _common(train[:, j], most) for j in np.flatnonzero(categories)}
    numbers = train[:, ~categories].clip(-_LARGEST, _LARGEST)
    centre, spread = np.nanmean(numbers, axis=0), np.nanstd(numbers, axis=0)
    spread[spread == 0] = 1.0
    gaps = np.isnan(numbers).any(axis=0)

    def read(table: np.ndarray) -> np.ndarray:
        numbers = table[:, ~categories]
        standard = np.nan_to_num((numbers.clip(-_LARGEST, _LARGEST) - centre) / spread).clip(-_FAR, _FAR)
        own = [table[:, [j]] == common for j, common in levels.items()]
        return np.hstack([standard, np.isnan(numbers[:, gaps]), *own], dtype=float)

    return read


def _common(codes: np.ndarray, most: int) -> np.ndarray:
    """Return the codes that get a column: the commonest, or all but the commonest where none is too rare."""
    code, count = np.unique(codes, return_counts=True)
    code = code[np.argsort(-count, kind="stable")]
    return code[1:] if 1 < len(code) <= most else code[:most]


def _boosting(leaves: int) -> Callable[[bool, np.ndarray], BaseEstimator]:
    # early stopping would hold out records at random and change what is compared
    settings = {"max_leaf_nodes": leaves, "early_stopping": False, "random_state": 0}
    return lambda is_level, categories: (HistGradientBoostingClassifier if is_level else HistGradientBoostingRegressor)(
        max_iter=_TREES, categorical_features=categories, **settings
    )


def _trees(classifier: type, regressor: type, **settings: object) -> Callable[[bool, np.ndarray], BaseEstimator]:
    return lambda is_level, _: (classifier if is_level else regressor)(random_state=0, **settings)


def _forest(classifier: type, regressor: type) -> Callable[[bool, np.ndarray], BaseEstimator]:
    settings = {"min_samples_leaf": 5, "max_features": "sqrt"}
    return lambda *given: _trees(classifier, regressor, n_estimators=_TREES // 2, **settings)(*given)


def _linear(looseness: float) -> Callable[[bool, np.ndarray], BaseEstimator]:
    # Newton's steps reach the optimum of a penalised fit in a few rounds, however the features hang together
    classifier, regressor = LogisticRegression(C=looseness, solver="newton-cholesky"), Ridge(1 / looseness)
    return lambda is_level, _: clone(classifier if is_level else regressor)


BOOSTING = Family("gradient boosting", _boosting(31), _as_it_is)
LINEAR = Family("logistic regression", _linear(0.03), one_hot, of_numbers="ridge regression")
LOOSE = Family("logistic regression", _linear(1.0), one_hot, of_numbers="ridge regression")
"""Little penalty: a strong one helps to order records, and makes their chances too timid."""

FAMILIES = (
    BOOSTING,
    Family("boosted stumps", _boosting(2), _as_it_is),
    LINEAR,
    Family("random forest", _forest(RandomForestClassifier, RandomForestRegressor), _filled),
    Family("extra trees", _forest(ExtraTreesClassifier, ExtraTreesRegressor), _filled),
    Family("small tree", _trees(DecisionTreeClassifier, DecisionTreeRegressor, max_depth=4), _filled),
    Family("large tree", _trees(DecisionTreeClassifier, DecisionTreeRegressor, min_samples_leaf=5), _filled),
    Family("naive Bayes", lambda *_: BernoulliNB(), one_hot, of_numbers=""),
)
"""Every family that the grid of models trains, in the order of its tables."""


def effects(
    x: np.ndarray, y: np.ndarray, subjects: np.ndarray, is_level: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Fit a logistic or linear regression without a penalty; return the estimates, their errors, and records' moves.

    Errors are robust to several records of a subject. By how much each record moves the estimates, shape (n, n_terms),
    is what a bootstrap without refitting adds up. None where the fit has no end: terms that explain each other, or an
    outcome that they separate.
    """
    # imported here: it takes a second, and only regressions need it
    from statsmodels.discrete.discrete_model import Logit
    from statsmodels.regression.linear_model import OLS
    from statsmodels.tools.sm_exceptions import HessianInversionWarning, ModelWarning, PerfectSeparationError

    if len(np.unique(subjects)) < 2:
        return None
    robust = {"cov_type": "cluster", "cov_kwds": {"groups": subjects}}
    with one_thread(), warnings.catch_warnings():
        for category in (ModelWarning, HessianInversionWarning, RuntimeWarning):  # each of them: no end
            warnings.simplefilter("error", category)
        try:
            if is_level:
                model = Logit(y, x)
                model.raise_on_perfect_prediction = True
                found = model.fit(disp=0, maxiter=_STEPS, warn_convergence=False, **robust)
            else:
                found = OLS(y, x).fit(**robust)
            estimate, error, chance = found.params, found.bse, found.predict(x)
            curve = x.T @ (x * (chance * (1 - chance))[:, None]) if is_level else x.T @ x
            moves = np.linalg.solve(curve, (x * (y - chance)[:, None]).T).T
        except (PerfectSeparationError, np.linalg.LinAlgError, ModelWarning, HessianInversionWarning, RuntimeWarning):
            return None
    ended = not is_level or (found.mle_retvals["converged"] and max(np.abs(estimate).max(), error.max()) < _NO_END)
    return (estimate, error, moves) if ended and np.isfinite([estimate, error]).all() else None


def explained(x: np.ndarray, y: np.ndarray) -> float:
    """Return the share of the variation of y that a linear regression on x explains; 1 where y does not vary."""
    with one_thread():
        left = y - x @ np.linalg.lstsq(x, y)[0]
    spread = len(y) * y.var()
    return float(1 - left @ left / spread) if spread > 0 else 1.0


def auroc(is_positive: np.ndarray, score: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the area under the ROC curve, ties counted half, under each set of record weights, shape (n_sets, n).

    Without weights all count 1, as one set. NaN where one class has no weight.
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
    return 1 - np.divide(wrong, spread, out=np.full(len(weights), np.nan), where=spread > 1e-12 * (weights @ y**2))


def bands(chance: np.ndarray, most: int) -> np.ndarray:
    """Put records into at most `most` bands of about equally many by their chance, lowest first; int, shape (n,)."""
    edges = np.unique(np.quantile(chance, np.arange(1, most) / most))
    return np.unique(np.searchsorted(edges, chance, side="right"), return_inverse=True)[1]


def calibration_gap(
    band: np.ndarray, chance: np.ndarray, outcome: np.ndarray, weights: np.ndarray | None = None
) -> np.ndarray:
    """Return the mean gap between chance and frequency over bands, under each set of record weights; see `auroc`."""
    weights = np.ones((1, len(chance))) if weights is None else weights
    surplus = np.zeros((len(weights), band.max() + 1))
    for k in range(band.max() + 1):
        surplus[:, k] = weights[:, band == k] @ (chance - outcome)[band == k]
    return np.abs(surplus).sum(axis=1) / weights.sum(axis=1)


def calibration_lines(chance: np.ndarray, outcome: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return intercept and slope of the outcome's logistic regression on the log odds of chances, shape (n_sets, 2).

    By Newton's steps. NaN where the fit has no end: chances or outcomes that do not vary, or separate completely.
    """
    of_all = _line_from(np.zeros((1, 2)), chance, outcome, np.ones((1, len(chance))))
    return of_all if weights is None else _line_from(of_all, chance, outcome, weights)


def _line_from(start: np.ndarray, chance: np.ndarray, outcome: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Take Newton's steps from a first guess: the line of all records is near that of any bootstrap sample."""
    x = logit(chance.clip(_SURE, 1 - _SURE))
    line = start.repeat(len(weights), axis=0)
    for _ in range(_STEPS):
        p = expit(line[:, :1] + line[:, 1:] * x)
        slack, curve = weights * (outcome - p), weights * p * (1 - p)
        gradient = np.stack([slack.sum(axis=1), slack @ x])
        a, b, c = curve.sum(axis=1), curve @ x, curve @ x**2
        determinant = a * c - b**2
        solved = np.stack([c * gradient[0] - b * gradient[1], a * gradient[1] - b * gradient[0]])
        fits = determinant > _FLAT * a * c
        step = np.divide(solved, determinant, out=np.full(solved.shape, np.nan), where=fits).T
        line = line + step
        if not (np.abs(step) > _CLOSE).any():  # none is left, or all are lost
            break
    return np.where((np.abs(step) <= _CLOSE).all(axis=1, keepdims=True), line, np.nan)
