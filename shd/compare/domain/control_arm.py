"""Can synthetic patients stand in for the comparison group of a study? An exercise in bias.

A trial treated some patients and could afford few controls. Others might take their place: synthetic ones, real ones
of another hospital. Here the answer can be checked, for the table holds real controls as well.

This is an exercise in bias, and no evidence about treatments. The tables are observational: physicians measured HbA1c,
changed medicines or gave insulin where they saw a reason to, and the reason has to do with the outcome as well
(confounding by indication). Adjusting takes care of what the table holds, and of nothing else. What is learned is
whether one and the same analysis says the same with other controls, not whether what it says is true.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm

from shd._errors import ShdError
from shd.compare.core.chance import generator
from shd.compare.domain._control_arms import METHODS, Contrast, estimate, lay_out, no_contrast, propensity
from shd.compare.domain._finding import need_list
from shd.compare.domain._times_design import EARLY, VARIABLES, as_dataset, yes_no
from shd.dataset import Dataset

__all__ = ["ADJUST", "METHODS", "Contrast", "balance", "contrast", "control_arm_experiment"]

ADJUST = (
    "age (10 years)",
    "sex",
    "race",
    "main diagnosis",
    "days in hospital",
    "number of diagnoses",
    "prior inpatient visits",
    "number_emergency",
    "num_medications",
    "insulin",
)
"""What both tables have. Length of stay and medicines are known at discharge only: they may follow treatment."""

REAL, FEW, HELD_OUT, SYNTHETIC, FLOOR = (
    "own controls",
    "few own controls",
    "held-out controls",
    "synthetic controls",
    "controls of independent columns",
)
_Z = float(norm.ppf(0.975))


def contrast(
    treated: Dataset | pd.DataFrame,
    control: Dataset | pd.DataFrame,
    outcome: str = EARLY,
    adjust: Sequence[str] = ADJUST,
    method: str = "weighting",
) -> Contrast:
    """Compare an outcome of treated patients with that of controls, who may come from elsewhere.

    The question is what the treated would have had without treatment (the effect in the treated), so that other
    controls change the answer's second half only. All three answer it:

    * ``raw``: the difference as it is;
    * ``weighting``: controls are weighted by the odds of being among the treated, from a logistic regression, to
      look like the treated. Weights are divided by their mean, so that no scale is left in them;
    * ``g-computation``: a regression learned from controls says what each of the treated would have had.

    Intervals are normal, from what each record adds to the estimate, the regression's own part included, summed by
    subject: the infinitesimal jackknife, what a bootstrap by subject comes to with many records. They hold the
    chance in the records, not that in the training of a generator.

    Parameters
    ----------
    treated, control : Dataset or DataFrame
        The two arms; those of one source share subjects, by their ids. Records without the outcome or a number to
        adjust for are left out. A level that fewer than ten records of either arm have is not adjusted for; nor, in
        g-computation, one whose controls all had one outcome.
    outcome : str
        A variable: 0 and 1, ``No`` and another level, or numbers.
    adjust : sequence of str
        Variables that were known before treatment.
    method : str
        One of `METHODS`.

    Returns
    -------
    Contrast

    Raises
    ------
    ShdError
        Where a column is missing or of another kind, or there is no such method.

    Notes
    -----
    An exercise in bias, and no evidence about treatments: see the head of this module.

    References
    ----------
    Rosenbaum and Rubin (1983), doi 10.1093/biomet/70.1.41. Robins (1986) on g-computation, doi
    10.1016/0270-0255(86)90088-6. Stefanski and Boos (2002), *The Calculus of M-Estimation*, doi
    10.1198/000313002753631330.
    """
    if method not in METHODS:
        raise ShdError(f"method={method!r} is not one of {', '.join(METHODS)}.")
    return estimate(lay_out(treated, control, outcome, adjust), method)[0]


def balance(
    treated: Dataset | pd.DataFrame, control: Dataset | pd.DataFrame, adjust: Sequence[str] = ADJUST
) -> pd.DataFrame:
    """Return how far treated and controls are apart in each term, before and after weighting.

    Parameters and errors as for `contrast`.

    Returns
    -------
    pandas.DataFrame
        Columns term, before, after: standardised mean differences (treated minus control, by the root of the
        mean variance of the two arms before weighting). Within 0.1 counts as balanced. ``after`` is NaN where the
        propensity cannot be estimated.

    References
    ----------
    Austin (2009), *Balance diagnostics for comparing the distribution of baseline covariates*, doi 10.1002/sim.3697.
    """
    arms = lay_out(treated, control, None, adjust)
    x, a = arms.design.x, arms.design.y == 1
    spread = np.sqrt((x[a].var(axis=0) + x[~a].var(axis=0)) / 2)
    fitted = propensity(arms) if not arms.why_not else None
    before, after = (x[a].mean(axis=0) - x[~a].mean(axis=0)) / spread, np.full(x.shape[1], np.nan)
    if fitted is not None:
        after = (x[a].mean(axis=0) - np.average(x[~a], axis=0, weights=fitted[0])) / spread
    return pd.DataFrame({"term": arms.design.labels, "before": before, "after": after})


def control_arm_experiment(
    train: Dataset | pd.DataFrame,
    synthetic: Dataset | pd.DataFrame,
    holdout: Dataset | pd.DataFrame | None = None,
    floor: Dataset | pd.DataFrame | None = None,
    treatment: str = "HbA1c measured",
    outcome: str = EARLY,
    adjust: Sequence[str] = ADJUST,
    few: int = 500,
    random_state: int = 0,
) -> pd.DataFrame:
    """Keep the treated of train, and replace its controls: few of its own, held-out, synthetic, independent columns.

    Parameters
    ----------
    train, synthetic : Dataset or DataFrame
    holdout, floor : Dataset or DataFrame, optional
        Real records that the synthesizer never saw; a table of independent columns (`shd.Marginals`).
    treatment, outcome : str
        A variable of two values; one of two values or numbers.
    adjust : sequence of str
        See `contrast`. A variable made of the column of the treatment or the outcome is left out.
    few : int
        How many real controls the study could have afforded: the choice that synthetic ones compete with.
    random_state : int
        Which ones.

    Returns
    -------
    pandas.DataFrame
        One row a control group and method: controls (own: those of train), method, value, low, high, n treated,
        n control, worth (so many unweighted controls would say as much), bias, bias low, bias high, why not. The
        bias is the difference from the contrast with all own controls, by the same method; its interval knows that
        both share their treated patients, and is NaN there.

    Raises
    ------
    ShdError
        Where a column is missing or of another kind, or train has nobody in one of the arms.

    Notes
    -----
    An exercise in bias, and no evidence about treatments: see the head of this module.
    """
    need_list(adjust, "adjust")
    adjust = [name for name in adjust if not _same_column(name, (treatment, outcome))]
    treated, real = _split(train, treatment, 0)
    if treated is None or real is None:
        raise ShdError(f"treatment {treatment!r}: train has nobody {'with' if treated is None else 'without'} it.")
    some = np.sort(generator(random_state, "few controls").permutation(len(real))[: max(int(few), 1)])
    groups = {REAL: real, FEW: real.take(some)}
    for k, (name, table) in enumerate(((HELD_OUT, holdout), (SYNTHETIC, synthetic), (FLOOR, floor)), 1):
        if table is not None:
            groups[name] = _split(table, treatment, k)[1]
    rows, of_real = [], {}
    for name, control in groups.items():
        arms = None if control is None else lay_out(treated, control, outcome, adjust)
        for method in METHODS:
            none = no_contrast(method, len(treated), 0, "the table has no controls")
            found, moves = estimate(arms, method) if arms else (none, None)
            if name == REAL:
                of_real[method] = (found, moves)
            bias = _bias(found, moves, *of_real[method])
            bias = (bias[0], np.nan, np.nan) if name == REAL else bias
            rows.append([name, method, found.value, found.low, found.high, found.n_treated, found.n_control])
            rows[-1] += [found.worth, *bias, found.why_not]
    names = "controls,method,value,low,high,n treated,n control,worth,bias,bias low,bias high,why not"
    return pd.DataFrame(rows, columns=names.split(","))


def _split(data: Dataset | pd.DataFrame, treatment: str, number: int) -> tuple[Dataset | None, Dataset | None]:
    """Return the treated and the controls of one table; None of an arm without records.

    The subjects of each table get numbers of their own, so that what they add to two contrasts can be subtracted.
    """
    data = as_dataset(data)
    subjects = np.unique(data.subjects, return_inverse=True)[1] + number * 10**9
    data = Dataset(data.frame, subjects=subjects)
    a = yes_no(data, treatment)
    return tuple(data.take(a == arm) if (a == arm).any() else None for arm in (1, 0))


def _same_column(name: str, others: Sequence[str]) -> bool:
    return VARIABLES.get(name, (name,))[0] in [VARIABLES.get(other, (other,))[0] for other in others]


def _bias(
    found: Contrast, moves: pd.Series | None, real: Contrast, of_real: pd.Series | None
) -> tuple[float, float, float]:
    """Return the difference of two contrasts that share subjects, with its 95 % interval."""
    if moves is None or of_real is None:
        return np.nan, np.nan, np.nan
    bias = found.value - real.value
    error = _Z * float(np.sqrt((moves.sub(of_real, fill_value=0) ** 2).sum()))
    return bias, bias - error, bias + error
