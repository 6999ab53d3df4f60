"""Both arms of a comparison as regressions have them, and three ways to say what the treated would have had."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import expit
from scipy.stats import norm

from shd._parallel import one_thread
from shd.compare.core.models import effects
from shd.compare.domain._finding import need_list
from shd.compare.domain._times_design import VARIABLES, Design, as_dataset, make_design, variable, yes_no
from shd.dataset import Dataset, is_numeric

METHODS = ("raw", "weighting", "g-computation")
_FEWEST = 10  # records of an arm, or of a level in an arm
_Z = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Contrast:
    """How much more often, or how much longer, in the treated than in controls.

    Parameters
    ----------
    value, low, high : float
        Difference of shares (-1 to 1) or of means, with its 95 % interval; NaN where it cannot be estimated.
    n_treated, n_control : int
        Records in either arm.
    worth : float
        As how many controls the weighted ones count (Kish); `n_control` where nothing is weighted.
    method : str
        One of `METHODS`.
    why_not : str
        Why it cannot be estimated; empty where it can.
    """

    value: float
    low: float
    high: float
    n_treated: int
    n_control: int
    worth: float
    method: str
    why_not: str = ""


@dataclass(frozen=True, eq=False)
class Arms:
    """Both arms as one regression has them: the outcome `design.y` is being treated; `y` is what is compared."""

    design: Design
    y: np.ndarray
    is_level: bool
    subjects: np.ndarray
    why_not: str

    @property
    def x(self) -> np.ndarray:
        """The terms, standardised, with a constant; shape (n, 1 + n_terms)."""
        x = self.design.x
        return np.column_stack([np.ones(len(x)), (x - x.mean(axis=0)) / x.std(axis=0)])


def lay_out(
    treated: Dataset | pd.DataFrame, control: Dataset | pd.DataFrame, outcome: str | None, adjust: Sequence[str]
) -> Arms:
    """Put two arms into one table and lay out the terms; those that an arm does not have are left out."""
    need_list(adjust, "adjust")
    pooled = _pool(treated, control, [*adjust, *([] if outcome is None else [outcome])])
    a = (np.arange(len(pooled)) < len(treated)).astype(float)
    y, is_level = _outcome(pooled, outcome) if outcome is not None else (a, True)
    design = make_design(pooled, adjust, np.where(np.isnan(y), np.nan, a), least=1)
    is_treated = design.y == 1
    arms = [design.x[is_treated], design.x[~is_treated]]
    if min(map(len, arms)) < _FEWEST:
        return Arms(design, y[design.rows], is_level, pooled.subjects[design.rows], "an arm has fewer than 10 records")
    sound = np.all([(arm.std(axis=0) > 0) & (_rarer(arm) >= _FEWEST) for arm in arms], axis=0)
    design.labels, design.x = [k for k, fine in zip(design.labels, sound, strict=True) if fine], design.x[:, sound]
    y = y[design.rows]
    flat = any(np.ptp(y[own]) == 0 for own in (is_treated, ~is_treated)) and outcome is not None
    why_not = "the outcome does not vary in one of the arms" if flat else ""
    return Arms(design, y, is_level, pooled.subjects[design.rows], why_not)


def _rarer(x: np.ndarray) -> np.ndarray:
    """Return how many records have the rarer value of each column of 0 and 1; of other columns how many there are."""
    of_two = np.isin(x, (0, 1)).all(axis=0)
    return np.where(of_two, np.minimum(x.sum(axis=0), len(x) - x.sum(axis=0)), len(x))


def _pool(treated: Dataset | pd.DataFrame, control: Dataset | pd.DataFrame, names: Sequence[str]) -> Dataset:
    """Put two tables below each other. They share subjects where both are Datasets of one source."""
    share = isinstance(treated, Dataset) and isinstance(control, Dataset) and treated.source == control.source
    tables = [as_dataset(treated), as_dataset(control)]
    columns = {}
    for name in names:
        variable(tables[0], name), variable(tables[1], name)  # says so where one lacks the column
        column = VARIABLES.get(name, (name,))[0]
        both = [table.frame[column] for table in tables]
        if not all(map(is_numeric, both)):
            levels = [getattr(values.dtype, "categories", values.dropna().unique()) for values in both]
            dtype = pd.CategoricalDtype(list(dict.fromkeys([*levels[0], *levels[1]])))
            both = [values.astype(dtype) for values in both]
        columns[column] = pd.concat(both, ignore_index=True)
    subjects = [table.subjects for table in tables]
    if not share:
        subjects = [np.unique(ids, return_inverse=True)[1] for ids in subjects]
        subjects[1] = subjects[1] + subjects[0].max() + 1
    return Dataset(pd.DataFrame(columns), subjects=np.concatenate(subjects))


def _outcome(data: Dataset, name: str) -> tuple[np.ndarray, bool]:
    values = variable(data, name)
    if is_numeric(values) and not values.dropna().isin([0, 1]).all():
        return values.to_numpy(float), False
    return yes_no(data, name), True


def propensity(arms: Arms) -> tuple[np.ndarray, np.ndarray] | None:
    """Return weights of controls, with mean 1, and each record's move of the coefficients; None without an end."""
    x, a = arms.x, arms.design.y
    found = effects(x, a, _codes(arms.subjects), True)
    if found is None:
        return None
    odds = np.exp(x[a == 0] @ found[0])
    return odds / odds.mean(), found[2]


def estimate(arms: Arms, method: str) -> tuple[Contrast, pd.Series | None]:
    """Return a contrast, and what each subject adds to it (the sum is 0); None where it cannot be estimated."""
    a, y = arms.design.y == 1, arms.y
    counts = (int(a.sum()), int((~a).sum()))
    if arms.why_not:
        return no_contrast(method, *counts, arms.why_not), None
    found = _CONTROLS[method](arms)
    if found is None:
        return no_contrast(method, *counts, "the regression has no end: terms tell the arms or the outcome apart"), None
    mean, moves, worth = found
    moves = np.where(a, (y - y[a].mean()) / a.sum(), 0.0) - moves
    by_subject = pd.Series(moves).groupby(arms.subjects).sum()
    value, error = float(y[a].mean() - mean), _Z * float(np.sqrt((by_subject**2).sum()))
    return Contrast(value, value - error, value + error, *counts, worth, method), by_subject


def _raw(arms: Arms) -> tuple[float, np.ndarray, float]:
    """Return the mean of controls, what each record adds to it, and as how many controls they count."""
    control, y = arms.design.y == 0, arms.y
    mean, n = y[control].mean(), int(control.sum())
    return mean, np.where(control, (y - mean) / n, 0.0), float(n)


def _weighting(arms: Arms) -> tuple[float, np.ndarray, float] | None:
    """Do the same with controls that are weighted to look like the treated."""
    fitted = propensity(arms)
    if fitted is None:
        return None
    (weights, coefficients), control, y = fitted, arms.design.y == 0, arms.y
    mean, total = np.average(y[control], weights=weights), weights.sum()
    own = np.zeros(len(y))
    own[control] = weights * (y[control] - mean) / total
    with one_thread():
        slope = own[control] @ arms.x[control]  # how the mean changes with the coefficients
        return mean, own + coefficients @ slope, float(total**2 / (weights**2).sum())


def _g_computation(arms: Arms) -> tuple[float, np.ndarray, float] | None:
    """Do the same with what a regression, learned from controls, says of the treated."""
    x, y, a = arms.x, arms.y, arms.design.y == 1
    if arms.is_level:  # a level whose controls all have one outcome would have no end: it is not adjusted for
        x = x[:, _ends(x[~a], y[~a])]
    found = effects(x[~a], y[~a], _codes(arms.subjects[~a]), arms.is_level)
    if found is None:
        return None
    coefficients, _, moves = found
    said = x[a] @ coefficients
    slope = np.ones(len(said))
    if arms.is_level:
        said = expit(said)
        slope = said * (1 - said)
    own = np.zeros(len(y))
    own[a] = (said - said.mean()) / len(said)
    with one_thread():
        own[~a] = moves @ (slope @ x[a] / len(said))
    return float(said.mean()), own, float((~a).sum())


def _ends(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return which columns can have an end: numbers, and levels with and without which both outcomes occur."""
    first = x == x[0]
    of_two = np.array([len(np.unique(column)) == 2 for column in x.T])
    cells = [[(own & there[:, None]).sum(axis=0) for own in (first, ~first)] for there in (y == 0, y == 1)]
    return ~of_two | (np.min(cells, axis=(0, 1)) > 0)


_CONTROLS = {"raw": _raw, "weighting": _weighting, "g-computation": _g_computation}


def no_contrast(method: str, n_treated: int, n_control: int, why_not: str) -> Contrast:
    return Contrast(np.nan, np.nan, np.nan, n_treated, n_control, np.nan, method, why_not)


def _codes(subjects: np.ndarray) -> np.ndarray:
    return np.unique(subjects, return_inverse=True)[1]
