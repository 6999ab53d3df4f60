"""Models behind the findings: a logistic regression with named terms, and what every fit has in common."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from shd._parallel import one_thread
from shd.compare.domain._finding import Estimate, NoEstimateError, normal_estimate

CELL = 5  # records with and without an outcome that an estimate takes
_ITERATIONS = 40
_LARGEST = 15.0  # a log odds ratio of a standard deviation beyond this is a fit that has no end


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model: its terms by name, their estimates, and how these vary together.

    Parameters
    ----------
    names : tuple of str
        Terms, the intercept first.
    estimate : ndarray, shape (n_terms,)
        Log odds ratios, log rate ratios or differences.
    covariance : ndarray, shape (n_terms, n_terms)
    n : int
        Records.
    scale : {"ratio", "difference"}
        What a contrast of the terms is.
    """

    names: tuple[str, ...]
    estimate: np.ndarray
    covariance: np.ndarray
    n: int
    scale: str

    def contrast(self, *terms: str, less: tuple[str, ...] = ()) -> Estimate:
        """Return the sum of some terms, less the sum of others.

        Raises
        ------
        NoEstimateError
            Where a term had to be left out of the model.
        """
        lost = [term for term in (*terms, *less) if term not in self.names]
        if lost:
            raise NoEstimateError(f"{lost[0]}: too few records with and without the outcome.")
        weight = np.array([float((name in terms) - (name in less)) for name in self.names])
        variance = weight @ self.covariance @ weight
        return normal_estimate(weight @ self.estimate, np.sqrt(max(variance, 0.0)), self.n, self.scale)


def logit(outcome: np.ndarray, design: pd.DataFrame, subjects: np.ndarray | None = None) -> Fit:
    """Fit a logistic regression; nothing may be NaN.

    Parameters
    ----------
    outcome : ndarray of 0 and 1, shape (n,)
    design : DataFrame of float, shape (n, k)
        Terms by name; an intercept is put before them. Products of terms are interactions.
    subjects : ndarray, shape (n,), optional

    Returns
    -------
    Fit
        Constant terms are left out. So is a term of 0 and 1 of whose records fewer than five have the
        outcome, or have it not, together with these records: its odds ratio may have no end, and where the
        term stays away they would count as the reference.

    Raises
    ------
    NoEstimateError
        Where fewer than five records have the outcome, or have it not, or the fit has no end.
    """
    from statsmodels.discrete.discrete_model import Logit

    outcome = np.asarray(outcome, dtype=float)
    keep, terms = np.ones(len(outcome), dtype=bool), design.to_numpy(dtype=float)
    while True:
        there, y = terms[keep], outcome[keep]
        # the last ones first: interactions stand behind what they are made of
        sparse = next((j for j in reversed(range(there.shape[1])) if _is_sparse(there[:, j], y)), None)
        if sparse is None:
            break
        keep &= terms[:, sparse] == 0
    if min(y.sum(), len(y) - y.sum()) < CELL:
        raise NoEstimateError(f"fewer than {CELL} records have the outcome, or have it not.")
    people = None if subjects is None else np.asarray(subjects)[keep]

    def fit(y: np.ndarray, X: np.ndarray, **errors: Any) -> Any:
        return Logit(y, X).fit(disp=0, maxiter=_ITERATIONS, **errors)

    return fit_robustly(fit, y, design.loc[keep], people, "ratio")


def dummies(values: pd.Series, reference: str | None = None, least: int = 20) -> pd.DataFrame:
    """Return a term of 0 and 1 for each level of a category but one.

    Parameters
    ----------
    values : category Series, shape (n,)
        Missing is a level of its own, ``unknown``.
    reference : str, optional
        The level without a term; by default the commonest.
    least : int
        Levels with fewer records join the reference.

    Returns
    -------
    DataFrame of float, shape (n, n_levels - 1)
        Columns are named ``column: level``.
    """
    values = values.astype("category")
    codes = values.cat.codes.to_numpy()
    count = np.bincount(codes + 1, minlength=len(values.cat.categories) + 1)
    levels = ["unknown", *map(str, values.cat.categories)]
    left_out = levels.index(reference) if reference in levels else int(count.argmax())
    kept = [j for j in [*range(1, len(levels)), 0] if count[j] >= least and j != left_out]
    return pd.DataFrame({f"{values.name}: {levels[j]}": (codes + 1 == j).astype(float) for j in kept})


def _is_sparse(term: np.ndarray, outcome: np.ndarray) -> bool:
    """Whether a term is 0 or 1 and fewer than `CELL` of its records have the outcome, or have it not."""
    ones = term == 1
    if not ones.any() or ones.all() or (term[~ones] != 0).any():
        return False
    events = outcome[ones].sum()
    return bool(min(events, ones.sum() - events) < CELL)


def fit_robustly(
    fit: Callable[..., Any], outcome: np.ndarray, design: pd.DataFrame, subjects: np.ndarray | None, scale: str
) -> Fit:
    """Fit a model of statsmodels without its warnings: what cannot be fitted is said in words.

    Parameters
    ----------
    fit : callable
        Takes outcome, design and, by name, how errors are computed; returns the results of statsmodels.
    outcome : ndarray, shape (n,)
    design : DataFrame of float, shape (n, k)
        Constant terms are left out, and an intercept is put in.
    subjects : ndarray, shape (n,), or None
        Where ids repeat errors are cluster-robust, else robust (HC1).
    scale : {"ratio", "difference"}

    Raises
    ------
    NoEstimateError
        Where the fit has no end, or terms explain each other.
    """
    from statsmodels.tools.sm_exceptions import ModelWarning, PerfectSeparationError

    spread = design.std(ddof=0)
    spread = spread[spread > 0]
    # by their spread, so that days and shares weigh alike while fitting
    scaled = design[list(spread.index)].to_numpy(dtype=float) / spread.to_numpy()
    X = np.column_stack([np.ones(len(outcome)), scaled])
    why = "the model cannot be fitted: terms explain each other, or the outcome wholly."
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("error", ModelWarning)
        warnings.simplefilter("error", RuntimeWarning)
        try:
            found = fit(outcome, X, **_errors(subjects))
            estimate, covariance = np.asarray(found.params), np.asarray(found.cov_params())
        except (ModelWarning, RuntimeWarning, PerfectSeparationError, np.linalg.LinAlgError):
            raise NoEstimateError(why) from None
    if not np.isfinite(estimate).all() or (scale == "ratio" and np.abs(estimate[1:]).max(initial=0) > _LARGEST):
        raise NoEstimateError("the model cannot be fitted: a ratio has no end.")
    back = 1 / np.append(1.0, spread.to_numpy())
    names = ("intercept", *spread.index)
    return Fit(names, estimate * back, covariance * np.outer(back, back), len(outcome), scale)


def _errors(subjects: np.ndarray | None) -> dict:
    """Say how statsmodels is to compute errors."""
    if subjects is not None:
        codes, ids = pd.factorize(subjects)
        if len(ids) < len(codes):
            return {"cov_type": "cluster", "cov_kwds": {"groups": codes}}
    return {"cov_type": "HC1"}
