"""For whom is an effect larger? Odds ratios in subgroups, and whether they differ."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from shd._errors import ShdError
from shd.compare.core.models import effects
from shd.compare.domain._finding import need_list
from shd.compare.domain._times_design import EARLY, as_dataset, members, yes_no
from shd.dataset import Dataset

SUBGROUPS = ("sex", "age band", "race", "main diagnosis")
_CELL, _MOST = 5, 20  # records of each kind that an odds ratio needs; levels of a subgroup
_Z = float(norm.ppf(0.975))


def subgroup_effects(
    data: Dataset | pd.DataFrame,
    treatment: str = "HbA1c measured",
    outcome: str = EARLY,
    subgroups: Sequence[str] = SUBGROUPS,
) -> pd.DataFrame:
    """Return the odds ratio of an outcome, with and without a treatment, in everybody and in each subgroup.

    The odds ratio is not adjusted: who is treated differs, and this is no evidence about treatments. The
    interaction p asks whether the ratio differs between the levels of a variable; it is adjusted for how many
    variables are looked at (Benjamini and Hochberg).

    Parameters
    ----------
    data : Dataset or DataFrame
    treatment, outcome : str
        Variables of two values.
    subgroups : sequence of str
        Variables with few levels.

    Returns
    -------
    pandas.DataFrame
        Columns subgroup, level, n, treated, events, odds ratio, low, high, p, interaction p, adjusted p, why not.

    Raises
    ------
    ShdError
        Where a column is missing, treatment or outcome are not of two values, or a subgroup has over 20 levels.

    References
    ----------
    Benjamini and Hochberg (1995), doi 10.1111/j.2517-6161.1995.tb02031.x. Wang et al. (2007), *Statistics in
    Medicine: Reporting of Subgroup Analyses in Clinical Trials*, doi 10.1056/NEJMsr077003.
    """
    from statsmodels.stats.multitest import multipletests

    need_list(subgroups, "subgroups")
    data = as_dataset(data)
    treated, y = yes_no(data, treatment), yes_no(data, outcome)
    known, subjects = ~np.isnan(treated + y), np.unique(data.subjects, return_inverse=True)[1]
    rows, tests = [_subgroup("everybody", "", known, treated, y, subjects)[0]], {}
    for name in subgroups:
        levels = members(data, name, known)
        if len(levels) > _MOST:
            raise ShdError(f"subgroups: {name!r} has {len(levels)} levels; take a variable of at most {_MOST}.")
        found = [_subgroup(name, level, own, treated, y, subjects) for level, own in levels]
        rows += [row for row, _ in found]
        tests[name] = _differ([moments for _, moments in found if moments is not None])
    frame = pd.DataFrame(rows)
    frame["interaction p"] = frame["subgroup"].map(tests).astype(float)
    p = pd.Series(tests, dtype=float).dropna()
    adjusted = multipletests(p, method="fdr_bh")[1] if len(p) else []
    frame["adjusted p"] = frame["subgroup"].map(dict(zip(p.index, adjusted, strict=True))).astype(float)
    return frame[[*frame.columns.drop("why not"), "why not"]]


def _subgroup(
    name: str, level: str, own: np.ndarray, treated: np.ndarray, y: np.ndarray, subjects: np.ndarray
) -> tuple[dict, tuple[float, np.ndarray] | None]:
    """Return the row of one subgroup, and its log odds ratio with what each subject adds to it, shape (n_subjects,)."""
    t, event = treated[own], y[own]
    row = {"subgroup": name, "level": level, "n": int(own.sum()), "treated": int(t.sum()), "events": int(event.sum())}
    row |= dict.fromkeys(("odds ratio", "low", "high", "p"), np.nan) | {"why not": ""}
    if np.bincount((2 * t + event).astype(int), minlength=4).min() < _CELL:
        return row | {"why not": f"fewer than {_CELL} records with or without treatment and outcome"}, None
    found = effects(np.column_stack([np.ones(len(t)), t]), event, subjects[own], True)
    if found is None:
        return row | {"why not": "the fit has no end"}, None
    (_, estimate), (_, error), moves = found
    row |= {"odds ratio": np.exp(estimate), "low": np.exp(estimate - _Z * error), "high": np.exp(estimate + _Z * error)}
    row["p"] = 2 * norm.sf(abs(estimate / error))
    return row, (estimate, np.bincount(subjects[own], moves[:, 1], minlength=subjects.max() + 1))


def _differ(found: list[tuple[float, np.ndarray]]) -> float:
    """Return p that all log odds ratios are the same (Wald, robust by subject); NaN of fewer than two."""
    if len(found) < 2:
        return np.nan
    estimate, moves = np.array([value for value, _ in found]), np.array([moves for _, moves in found])
    contrast = np.eye(len(estimate))[1:] - np.eye(len(estimate))[0]
    gap = contrast @ estimate
    return float(chi2.sf(gap @ np.linalg.pinv(contrast @ moves @ moves.T @ contrast.T) @ gap, len(gap)))
