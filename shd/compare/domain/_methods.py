"""The estimators behind the findings: thin wrappers of statsmodels and scipy, robust by subject.

Arguments are arrays of one entry a record. Where a value is NaN (unknown) the record is left out.
Every function returns an `Estimate` or raises `NoEstimateError` with the reason.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from shd.compare.domain._finding import Estimate, NoEstimateError, normal_estimate
from shd.compare.domain._fits import CELL, fit_robustly, logit

_LEAST = 30  # records that any estimate takes


def odds_ratio(
    outcome: np.ndarray,
    exposure: np.ndarray,
    adjust: pd.DataFrame | None = None,
    subjects: np.ndarray | None = None,
) -> Estimate:
    """Return the odds ratio of an outcome by an exposure, from a logistic regression.

    Parameters
    ----------
    outcome : array-like of 0 and 1, shape (n,)
    exposure : array-like of float, shape (n,)
        0 and 1, or a number: then the ratio is that of one unit more.
    adjust : DataFrame of float, shape (n, k), optional
        Terms that stand beside the exposure; see `_fits.dummies`.
    subjects : array-like, shape (n,), optional
        Ids; where they repeat, the interval is cluster-robust (Liang and Zeger 1986, doi
        10.1093/biomet/73.1.13), else robust (HC1).

    Raises
    ------
    NoEstimateError
        Where a cell of the two by two table has fewer than five records, or the fit has no end.
    """
    outcome, exposure, adjust, subjects = _known(outcome, exposure, adjust, subjects)
    _check_cells(outcome, exposure)
    return logit(outcome, _design(exposure, adjust), subjects).contrast("exposure")


def rate_ratio(
    outcome: np.ndarray,
    exposure: np.ndarray,
    adjust: pd.DataFrame | None = None,
    subjects: np.ndarray | None = None,
) -> Estimate:
    """Return the ratio of the means of a count by an exposure: Poisson regression with robust errors.

    Robust errors make the interval right where counts vary more, or less, than Poisson's (Zou 2004,
    doi 10.1093/aje/kwh090). Arguments as for `odds_ratio`, but the outcome is a count from 0.

    Raises
    ------
    NoEstimateError
        Where the exposure or the count is (nearly) constant, or the fit has no end.
    """
    from statsmodels.genmod.families import Poisson
    from statsmodels.genmod.generalized_linear_model import GLM

    outcome, exposure, adjust, subjects = _known(outcome, exposure, adjust, subjects)
    _check_varies(exposure, "exposure")
    _check_varies(outcome, "outcome")

    def fit(y: np.ndarray, X: np.ndarray, **errors: Any) -> Any:
        return GLM(y, X, family=Poisson()).fit(**errors)

    return fit_robustly(fit, outcome, _design(exposure, adjust), subjects, "ratio").contrast("exposure")


def mean_difference(
    outcome: np.ndarray,
    exposure: np.ndarray,
    adjust: pd.DataFrame | None = None,
    subjects: np.ndarray | None = None,
    standardised: bool = True,
) -> Estimate:
    """Return the difference of the means of a number by an exposure: least squares with robust errors.

    Arguments as for `odds_ratio`, but the outcome is any number.

    Parameters
    ----------
    standardised : bool
        Whether in standard deviations of the outcome, so that differences of all kinds share an axis.

    Raises
    ------
    NoEstimateError
        Where the exposure or the outcome is (nearly) constant.
    """
    from statsmodels.regression.linear_model import OLS

    outcome, exposure, adjust, subjects = _known(outcome, exposure, adjust, subjects)
    _check_varies(exposure, "exposure")
    _check_varies(outcome, "outcome")
    if standardised:
        outcome = outcome / outcome.std()

    def fit(y: np.ndarray, X: np.ndarray, **errors: Any) -> Any:
        return OLS(y, X).fit(**errors)

    return fit_robustly(fit, outcome, _design(exposure, adjust), subjects, "difference").contrast("exposure")


def share_difference(outcome: np.ndarray, exposure: np.ndarray, subjects: np.ndarray | None = None) -> Estimate:
    """Return the difference of the shares that have an outcome, with and without an exposure.

    Arguments as for `odds_ratio`; both are 0 and 1. Value between -1 and 1.

    Raises
    ------
    NoEstimateError
        Where a cell of the two by two table has fewer than five records.
    """
    outcome, exposure, _, subjects = _known(outcome, exposure, None, subjects)
    _check_cells(outcome, exposure)
    return mean_difference(outcome, exposure, None, subjects, standardised=False)


def share_beyond(outcome: np.ndarray, reference: float = 0.5, subjects: np.ndarray | None = None) -> Estimate:
    """Return by how much the share that has an outcome lies above a reference; between -1 and 1.

    Raises
    ------
    NoEstimateError
        Where fewer than five records have the outcome, or have it not.
    """
    outcome, _, _, subjects = _known(outcome, None, None, subjects)
    if min(outcome.sum(), len(outcome) - outcome.sum()) < CELL:
        raise NoEstimateError(f"fewer than {CELL} records have the outcome, or have it not.")
    move = outcome - outcome.mean()
    return normal_estimate(outcome.mean() - reference, _error(move, subjects), len(outcome))


def rank_correlation(first: np.ndarray, second: np.ndarray, subjects: np.ndarray | None = None) -> Estimate:
    """Return Spearman's correlation of two numbers, -1 to 1, with an interval after Fisher.

    The error on Fisher's scale is sqrt((1 + r^2 / 2) / (n - 3)) (Bonett and Wright 2000, doi
    10.1007/BF02294183). Where subjects repeat, n is how many there are: each counts once at least.

    Raises
    ------
    NoEstimateError
        Where a number is (nearly) constant.
    """
    first, second, _, subjects = _known(first, second, None, subjects)
    _check_varies(first, "first number")
    _check_varies(second, "second number")
    r = float(np.clip(spearmanr(first, second).statistic, -1 + 1e-9, 1 - 1e-9))
    people = len(first) if subjects is None else len(np.unique(subjects))
    on_fisher = normal_estimate(np.arctanh(r), np.sqrt((1 + r**2 / 2) / (people - 3)), len(first))
    low, high = np.tanh(on_fisher.low), np.tanh(on_fisher.high)
    return Estimate(r, float(low), float(high), on_fisher.p, 0.0, len(first), "difference")


def lift(first: np.ndarray, second: np.ndarray, subjects: np.ndarray | None = None) -> Estimate:
    """Return how many times more often two things stand together than if they were independent.

    The observed share of records with both over the product of the single shares; a ratio with 1 for
    independence. The error of its logarithm is by the delta method from what each record, or subject,
    moves. Half a record is added where none has both, so that "never together" is a small ratio.

    Parameters
    ----------
    first, second : array-like of 0 and 1, shape (n,)
    subjects : array-like, shape (n,), optional

    Raises
    ------
    NoEstimateError
        Where one of the two is in fewer than ten records, or fewer than five together are expected and none is there.
    """
    first, second, _, subjects = _known(first, second, None, subjects)
    n, one, two, both = len(first), first.sum(), second.sum(), (first * second).sum()
    if min(one, two) < 2 * CELL:
        raise NoEstimateError(f"one of the two is in fewer than {2 * CELL} records.")
    if one * two / n < CELL and both < CELL:
        raise NoEstimateError(f"fewer than {CELL} records with both are there, and are expected.")
    observed = both if both else 0.5
    value = np.log(observed * n / (one * two))
    if not both:
        return normal_estimate(value, np.sqrt(1 / observed), n, "ratio")
    move = first * second * n / both - first * n / one - second * n / two + 1
    return normal_estimate(value, _error(move, subjects), n, "ratio")


def _known(first, second, adjust, subjects) -> tuple:
    """Return arrays of the records where everything is known."""
    arrays = [None if a is None else np.asarray(a, dtype=float) for a in (first, second)]
    known = np.logical_and.reduce([~np.isnan(a) for a in arrays if a is not None])
    if adjust is not None:
        known &= adjust.notna().all(axis=1).to_numpy()
    if known.sum() < _LEAST:
        raise NoEstimateError(f"{known.sum()} records have all that it takes; {_LEAST} are needed.")
    arrays = [None if a is None else a[known] for a in arrays]
    adjust = None if adjust is None else adjust.loc[known].reset_index(drop=True)
    subjects = None if subjects is None else np.asarray(subjects)[known]
    return *arrays, adjust, subjects


def _check_cells(outcome: np.ndarray, exposure: np.ndarray) -> None:
    _check_varies(exposure, "exposure")
    cells = [min(outcome.sum(), len(outcome) - outcome.sum())]
    if np.isin(exposure, (0, 1)).all():
        cells = np.bincount((2 * exposure + outcome).astype(int), minlength=4)
    if min(cells) < CELL:
        raise NoEstimateError(f"fewer than {CELL} records in a cell of exposure by outcome.")


def _check_varies(values: np.ndarray, what: str) -> None:
    if len(values) - np.unique(values, return_counts=True)[1].max() < CELL:
        raise NoEstimateError(f"the {what} is the same in all records but {CELL - 1} at most.")


def _design(exposure: np.ndarray, adjust: pd.DataFrame | None) -> pd.DataFrame:
    own = pd.DataFrame({"exposure": exposure})
    return own if adjust is None else pd.concat([own, adjust], axis=1)


def _error(moves: np.ndarray, subjects: np.ndarray | None) -> float:
    """Return the standard error of a mean of moves that are 0 on average; those of a subject go together."""
    n = len(moves)
    if subjects is not None:
        moves = np.bincount(np.unique(subjects, return_inverse=True)[1], weights=moves)
    return float(np.sqrt((moves**2).sum())) / n
