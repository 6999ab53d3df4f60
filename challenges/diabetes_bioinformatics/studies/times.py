"""How long do patients stay, and who leaves sooner? Curves and Cox models of both tables.

Every function takes a Dataset (or a DataFrame, each record its own subject) and returns a small table, so that the
same analysis on real and on synthetic records can be laid side by side. A variable is a clinical one of `VARIABLES`
or any column. What cannot be estimated is NaN, and the column ``why not`` says why.

Time is the length of stay, in days. The event is discharge alive: in the cohort nobody died or went to a hospice.
Nothing is censored, but the table holds stays of 1 to 14 days only. Time is therefore truncated on the right: everybody
has left by day 14 because longer stays are not in the table, and the curves speak of stays of two weeks at most.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from shd import Dataset, ShdError
from shd.compare.findings import one_thread
from shd.dataset import is_numeric

from .designs import make_design
from .tables import as_dataset, need_list
from .variables import TIME, column_of, members, variable

HAZARD_TERMS = (
    "age (10 years)", "sex", "HbA1c measured", "insulin", "number of diagnoses", "prior inpatient visits",
    "main diagnosis",
)  # fmt: skip
_LOST = (np.linalg.LinAlgError, ValueError, Warning)  # what a fit without an end raises under `_strict`


def discharge_curves(data: Dataset | pd.DataFrame, by: str | pd.Series | None = None) -> pd.DataFrame:
    """Return the share of patients still in hospital after each day (Kaplan and Meier 1958), overall or by group.

    `by` is a variable, or one group a record; records without a group are left out.

    With nothing censored the curve is a share, so its interval is Wilson's, pointwise, with as many patients as
    the stays are worth where subjects have several. It does not shrink to nothing where everybody has left.

    Columns group, day (0 and every length of stay that occurs), still in hospital, low, high (0 to 1), n.
    """
    from statsmodels.duration.survfunc import SurvfuncRight

    data, days = as_dataset(data), _days(data)
    grid, rows = np.union1d([0], days[~np.isnan(days)]), []
    for group, own in members(data, by, ~np.isnan(days)):
        found = SurvfuncRight(days[own], np.ones(own.sum()))
        at = np.searchsorted(found.surv_times, grid, side="right")
        still = np.append(1.0, found.surv_prob)[at].clip(0, 1)
        _, subjects = np.unique(data.subjects[own], return_inverse=True)
        for day, share in zip(grid, still, strict=True):
            low, high = _wilson(share, (days[own] > day).astype(float), subjects)
            rows.append((group, day, share, low, high, int(own.sum())))
    return pd.DataFrame(rows, columns=["group", "day", "still in hospital", "low", "high", "n"])


@dataclass(frozen=True)
class LogRank:
    """Whether groups leave at the same pace: the statistic, its degrees of freedom, p, and why it is NaN if it is."""

    statistic: float
    degrees: int
    p: float
    n: int
    why_not: str = ""


def logrank(data: Dataset | pd.DataFrame, by: str | pd.Series) -> LogRank:
    """Test whether the discharge curves of groups are the same (log-rank), with the first stay of each subject.

    Mantel (1966), *Evaluation of survival data and two new rank order statistics arising in its consideration*.
    """
    from statsmodels.duration.survfunc import survdiff

    data, days = as_dataset(data), _days(data)
    first = ~pd.Series(data.subjects).duplicated().to_numpy()
    group, used = np.full(len(days), -1), 0
    for used, (_, own) in enumerate(members(data, by, first & ~np.isnan(days)), 1):
        group[own] = used
    kept = group > 0
    if used < 2:
        return LogRank(np.nan, 0, np.nan, int(kept.sum()), "there is one group only")
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            statistic, p = survdiff(days[kept], np.ones(kept.sum()), group[kept])
        except (np.linalg.LinAlgError, RuntimeWarning):
            return LogRank(np.nan, used - 1, np.nan, int(kept.sum()), "stays do not vary, or groups are too small")
    return LogRank(float(statistic), used - 1, float(p), int(kept.sum()))


def discharge_hazards(data: Dataset | pd.DataFrame, terms: Sequence[str] = HAZARD_TERMS) -> pd.DataFrame:
    """Fit a Cox model of the length of stay: who leaves sooner? Ties after Efron; robust where subjects repeat.

    A hazard ratio above 1 means discharge sooner; numbers count by unit, levels against `REFERENCES`. It is taken to be
    the same on every day; ``time correlation`` says whether it is: the correlation of scaled Schoenfeld residuals with
    the day. Above 0 the ratio rises with time. With many records a small one is significant: read its size.

    Columns term, hazard ratio, low, high (95 %), p, time correlation (-1 to 1), time p, why not.

    Cox (1972), *Regression Models and Life-Tables*; Efron (1977), doi 10.1080/01621459.1977.10480613; Lin and Wei
    (1989) on robust errors; Grambsch and Therneau (1994), doi 10.1093/biomet/81.3.515, on the check.
    """
    from statsmodels.duration.hazard_regression import PHReg

    data = as_dataset(data)
    _not_itself(terms, TIME)
    design = make_design(data, terms, _days(data))
    frame = design.frame("hazard ratio", "time correlation", "time p")
    if not design.labels:
        return frame
    subjects = np.unique(data.subjects[design.rows], return_inverse=True)[1]
    with one_thread(), warnings.catch_warnings():
        _strict()
        try:
            model = PHReg(design.y, design.x, ties="efron")
            found = model.fit(groups=subjects if subjects.max() + 1 < len(subjects) else None)
            correlation, p = _proportional(model, found.params, -np.linalg.inv(model.hessian(found.params)))
        except _LOST:
            return frame.assign(**{"why not": frame["why not"].where(frame["why not"] != "", "the fit has no end")})
    at = design.fill(frame, found.params, found.bse)
    frame.loc[at, "time correlation"], frame.loc[at, "time p"] = correlation, p
    return frame


def _days(data: Dataset | pd.DataFrame) -> np.ndarray:
    """Return the length of each stay in days, NaN where it is missing; shape (n,)."""
    days = variable(data, TIME)
    if not is_numeric(days) or (days < 0).any() or np.isinf(days).any():
        raise ShdError(f"{TIME!r} must hold days, numbers from 0 on; mend the column.")
    return days.to_numpy(float)


def _not_itself(terms: Sequence[str], outcome: str) -> None:
    need_list(terms, "terms")
    for term in terms:
        if outcome in (term, column_of(term)):
            raise ShdError(f"terms: {term!r} is the outcome itself; leave it out.")


def _wilson(share: float, there: np.ndarray, subjects: np.ndarray) -> tuple[float, float]:
    """Return Wilson's interval of a share, with as many records as those of repeating subjects are worth."""
    from statsmodels.stats.proportion import proportion_confint

    worth = float(len(there))
    by_subject = np.bincount(subjects, there - there.mean())
    if len(by_subject) < len(there):
        variance = (by_subject**2).sum() / len(there) ** 2
        worth = min(worth, share * (1 - share) / variance) if variance > 0 else float(len(by_subject))
    low, high = proportion_confint(share * worth, worth, method="wilson")
    return max(float(low), 0.0), min(float(high), 1.0)


def _proportional(model: object, params: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlate scaled Schoenfeld residuals with time; return correlation and p of each term, shape (n_terms,)."""
    days, x = model.endog, model.exog
    order = np.argsort(-days, kind="stable")
    weight = np.exp(x @ params - (x @ params).max())[order]
    last = np.searchsorted(-days[order], -days, side="right") - 1  # the risk set of a day: all that stay as long
    at_risk = np.cumsum(weight[:, None] * x[order], axis=0)[last] / np.cumsum(weight)[last][:, None]
    residuals = len(days) * (x - at_risk) @ covariance
    time = days - days.mean()
    moved = time @ residuals
    spread = np.sqrt((time**2).sum() * ((residuals - residuals.mean(axis=0)) ** 2).sum(axis=0))
    chance = np.sqrt(len(days) * np.diag(covariance) * (time**2).sum())
    if not time.any():
        return np.full(len(params), np.nan), np.full(len(params), np.nan)
    return moved / spread, 2 * norm.sf(np.abs(moved / chance))


def _strict() -> None:
    """Turn what statsmodels warns of into errors: each of them means that a fit has no end."""
    from statsmodels.tools.sm_exceptions import HessianInversionWarning, ModelWarning

    for category in (ModelWarning, HessianInversionWarning, RuntimeWarning):
        warnings.simplefilter("error", category)
