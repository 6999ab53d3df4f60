"""Estimators behind findings: formulas of statsmodels, errors robust by subject, and why where there is no estimate.

Arguments are arrays of one entry a record. Where a value is NaN (unknown) the record is left out.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from shd._parallel import one_thread
from shd.compare.findings.finding import Estimate, NoEstimateError, normal_estimate

CELL = 5  # records with and without an outcome that an estimate takes
_LEAST = 30  # records that any estimate takes
_ITERATIONS = 40
_LARGEST = 15.0  # a log ratio of a standard deviation beyond this is a fit that has no end


@dataclass(frozen=True, eq=False)
class Fit:
    """Results of statsmodels, its terms by name, and what a contrast of them is: a ratio or a difference."""

    found: Any
    names: tuple[str, ...]
    scale: str

    def contrast(self, *terms: str, less: tuple[str, ...] = ()) -> Estimate:
        """Return the sum of some terms, less the sum of others."""
        lost = [term for term in (*terms, *less) if term not in self.names]
        if lost:
            raise NoEstimateError(f"{lost[0]}: too few records with and without the outcome.")
        test = self.found.t_test([0.0, *(float((name in terms) - (name in less)) for name in self.names)])
        return normal_estimate(test.effect.item(), test.sd.item(), int(self.found.nobs), self.scale)


def logit(outcome: np.ndarray, design: pd.DataFrame, subjects: np.ndarray | None = None) -> Fit:
    """Fit a logistic regression without terms of 0 and 1 of whose records fewer than five have the outcome, or not.

    These records leave with their term: its odds ratio may have no end, and where the term alone stayed away they
    would count as the reference. Nothing may be NaN.
    """
    import statsmodels.formula.api as smf

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
    return fit(smf.logit, y, design.loc[keep], people, "ratio", disp=0, maxiter=_ITERATIONS)


def _is_sparse(term: np.ndarray, outcome: np.ndarray) -> bool:
    """Whether a term is 0 or 1 and fewer than `CELL` of its records have the outcome, or have it not."""
    ones = term == 1
    if not ones.any() or ones.all() or (term[~ones] != 0).any():
        return False
    events = outcome[ones].sum()
    return bool(min(events, ones.sum() - events) < CELL)


def fit(
    model: Callable, outcome: np.ndarray, design: pd.DataFrame, subjects: np.ndarray | None, scale: str, **how: Any
) -> Fit:
    """Fit a model of ``statsmodels.formula.api`` on the terms that vary; what cannot be fitted is said in words.

    Errors are cluster-robust where subjects repeat (Liang and Zeger 1986, doi 10.1093/biomet/73.1.13), else robust
    (HC1). A ``family`` goes to the model, whatever else is given to its fit.
    """
    from statsmodels.tools.sm_exceptions import ModelWarning, PerfectSeparationError

    spread = design.std(ddof=0)
    names = tuple(spread.index[spread > 0])
    formula = " + ".join(["outcome_ ~ 1", *(f"Q({name!r})" for name in names)])
    options = {"family": how.pop("family")} if "family" in how else {}
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("error", ModelWarning)
        warnings.simplefilter("error", RuntimeWarning)
        try:
            made = model(formula, design.assign(outcome_=outcome), **options)
            found = made.fit(**(_errors(subjects) | how))
            sound = np.isfinite(found.params).all() and np.isfinite(found.cov_params()).all(axis=None)
        except (ModelWarning, RuntimeWarning, PerfectSeparationError, np.linalg.LinAlgError):
            why = "the model cannot be fitted: terms explain each other, or the outcome wholly."
            raise NoEstimateError(why) from None
    far = np.abs(found.params.to_numpy()[1:] * spread[list(names)]).max() if names else 0.0
    if not sound or (scale == "ratio" and far > _LARGEST):
        raise NoEstimateError("the model cannot be fitted: a ratio has no end.")
    return Fit(found, names, scale)


def _errors(subjects: np.ndarray | None) -> dict:
    """Say how statsmodels is to compute errors."""
    if subjects is not None:
        codes, ids = pd.factorize(subjects)
        if len(ids) < len(codes):
            return {"cov_type": "cluster", "cov_kwds": {"groups": codes}}
    return {"cov_type": "HC1"}


def dummies(values: pd.Series, reference: str | None = None, least: int = 20) -> pd.DataFrame:
    """Return a term of 0 and 1, ``column: level``, for each level of a category but the reference, the commonest one.

    Missing is a level of its own, ``unknown``; levels with fewer than `least` records join the reference.
    """
    values = values.astype("category")
    codes = values.cat.codes.to_numpy()
    count = np.bincount(codes + 1, minlength=len(values.cat.categories) + 1)
    levels = ["unknown", *map(str, values.cat.categories)]
    left_out = levels.index(reference) if reference in levels else int(count.argmax())
    kept = [j for j in [*range(1, len(levels)), 0] if count[j] >= least and j != left_out]
    return pd.DataFrame({f"{values.name}: {levels[j]}": (codes + 1 == j).astype(float) for j in kept})


def odds_ratio(
    outcome: np.ndarray,
    exposure: np.ndarray,
    adjust: pd.DataFrame | None = None,
    subjects: np.ndarray | None = None,
) -> Estimate:
    """Return the odds ratio of an outcome of 0 and 1 by an exposure, or one unit more of it: logistic regression."""
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

    They make the interval right where counts vary more, or less, than Poisson's (Zou 2004, doi 10.1093/aje/kwh090).
    """
    import statsmodels.formula.api as smf
    from statsmodels.genmod.families import Poisson

    outcome, exposure, adjust, subjects = _known(outcome, exposure, adjust, subjects)
    _check_varies(exposure, "exposure")
    _check_varies(outcome, "outcome")
    design = _design(exposure, adjust)
    return fit(smf.glm, outcome, design, subjects, "ratio", family=Poisson()).contrast("exposure")


def share_beyond(outcome: np.ndarray, reference: float = 0.5, subjects: np.ndarray | None = None) -> Estimate:
    """Return by how much the share that has an outcome lies above a reference; between -1 and 1."""
    outcome, _, _, subjects = _known(outcome, None, None, subjects)
    if min(outcome.sum(), len(outcome) - outcome.sum()) < CELL:
        raise NoEstimateError(f"fewer than {CELL} records have the outcome, or have it not.")
    move = outcome - outcome.mean()
    return normal_estimate(outcome.mean() - reference, _error(move, subjects), len(outcome))


def rank_correlation(first: np.ndarray, second: np.ndarray, subjects: np.ndarray | None = None) -> Estimate:
    """Return Spearman's correlation of two numbers, -1 to 1, with an interval after Fisher.

    The error on Fisher's scale is sqrt((1 + r^2 / 2) / (n - 3)) (Bonett and Wright 2000, doi
    10.1007/BF02294183). Where subjects repeat, n is how many there are: each counts once at least.
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

    The error of its logarithm is by the delta method from what each record, or subject, moves. Half a record is added
    where none has both, so that "never together" is a small ratio.
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
