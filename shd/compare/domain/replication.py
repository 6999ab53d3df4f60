"""Do synthetic records show what clinicians know? Known findings, estimated on both tables and laid side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd
from scipy.stats import norm

from shd._errors import ShdError
from shd.compare.core.chance import generator
from shd.compare.core.question import Answer, Skipped
from shd.compare.core.score import Score
from shd.compare.core.verdicts import between
from shd.compare.domain import diabetology, strack
from shd.compare.domain._finding import SIGNIFICANT, Finding, NoEstimateError, Z, need_dataset
from shd.compare.domain._variables import Variables, prepare
from shd.dataset import Dataset

_LIBRARY = strack.FINDINGS + diabetology.FINDINGS
FINDINGS: dict[str, tuple[Finding, ...]] = {"diabetes": _LIBRARY, "diabetes_cohort": _LIBRARY}
"""The library of each data set, by its name; findings that a table has no columns for do not apply to it."""

_WHAT = "replication rate"
_ABOUT = ("code", "theme", "label", "question", "expected", "null", "scale")
_NUMBERS = ("value", "low", "high", "p")
_NAMED = 3  # findings that the sentence names
CUTS = 5  # how often a larger table is cut to the size of the smallest: one cut is a matter of luck


@dataclass(frozen=True)
class ReplicationRate:
    """How many of the findings that train shows another table shows too.

    Parameters
    ----------
    replicated, counted : int
    value, low, high : float
        The share, 0 to 1, and its 95 % interval after Wilson (1927). It takes findings for independent,
        which those of one table are not quite: read it as a rough guide.
    """

    replicated: int
    counted: int
    value: float
    low: float
    high: float


def findings_for(name: str) -> tuple[Finding, ...]:
    """Return the findings declared for a data set; none for a name that has no library."""
    return FINDINGS.get(name, ())


def estimates(dataset: Dataset | Variables, findings: Sequence[Finding] | None = None) -> pd.DataFrame:
    """Estimate every finding on one table.

    Parameters
    ----------
    dataset : Dataset or Variables
        Variables, so that what was computed stays for a next call, take `findings` beside them.
    findings : sequence of Finding, optional
        By default those declared for the name of the data set.

    Returns
    -------
    pandas.DataFrame
        One row a finding: code, theme, label, question, expected, null, scale, value, low, high (95 %), p, n,
        as expected (significant at 5 %, on the side expected) and why not: the reason where it does not
        apply or cannot be estimated; numbers are NaN there.

    Raises
    ------
    ShdError
        Where no findings are given, and none are declared for the data set.
    """
    findings = _declared(dataset) if findings is None else findings
    v = prepare(dataset)
    rows = [_row(finding, v) for finding in findings]
    return pd.DataFrame(rows, columns=[*_ABOUT, *_NUMBERS, "n", "as expected", "why not"])


def replicate(
    train: Dataset,
    other: Dataset,
    findings: Sequence[Finding] | None = None,
    records: int | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """Estimate every finding on two tables and say which ones the other shows too.

    A finding is replicated where the other table's estimate lies on the side of train's, is significant
    at 5 %, and the two 95 % intervals overlap. Only what train itself shows, on the side expected, counts.

    Parameters
    ----------
    train, other : Dataset
        Real records, and others: synthetic ones, or held out.
    findings : sequence of Finding, optional
        By default those declared for the name of train.
    records : int, optional
        Cut the other table to so many records, by subject: what is significant depends on their number,
        so that tables can be compared at one size only. By default all.
    random_state : int

    Returns
    -------
    pandas.DataFrame
        One row a finding: code, theme, label, question, expected, null, scale; real, real low, real high,
        real p, real n; other, other low, other high, other p, other n; same sign, same significance,
        intervals overlap, counted, replicated, why not.

    Raises
    ------
    ShdError
        As `estimates`; or `records` is no whole number from 1 on.
    """
    findings = _declared(train) if findings is None else findings
    return lay_side_by_side(estimates(train, findings), estimates(cut(other, records, random_state), findings))


def lay_side_by_side(real: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Return the frame of `replicate` from the `estimates` of two tables, of the same findings in the same order."""
    frame = real[list(_ABOUT)].copy()
    for name, side in (("real", real), ("other", other)):
        for column in (*_NUMBERS, "n"):
            frame[name if column == "value" else f"{name} {column}"] = side[column]
    above = [side["value"] - side["null"] for side in (real, other)]
    significant = [side["p"] < SIGNIFICANT for side in (real, other)]
    known = real["p"].notna() & other["p"].notna()
    frame["same sign"] = known & (np.sign(above[0]) == np.sign(above[1]))
    frame["same significance"] = known & (significant[0] == significant[1])
    frame["intervals overlap"] = (real["low"] <= other["high"]) & (other["low"] <= real["high"])
    frame["counted"] = real["as expected"].astype(bool)
    frame["replicated"] = frame["counted"] & frame["same sign"] & significant[1] & frame["intervals overlap"]
    frame["why not"] = [_why(*rows) for rows in zip(_rows(frame), _rows(real), _rows(other), strict=True)]
    return frame


def replication_rate(frame: pd.DataFrame) -> ReplicationRate:
    """Return the share of the findings that count which are replicated, with Wilson's interval.

    Parameters
    ----------
    frame : DataFrame
        As `replicate` gives it.

    Raises
    ------
    ShdError
        Where no finding counts, or the frame is another one.
    """
    from statsmodels.stats.proportion import proportion_confint

    if not {"counted", "replicated"} <= set(frame):
        raise ShdError("the frame has no columns counted and replicated; give what replicate() returns.")
    counted, replicated = int(frame["counted"].sum()), int(frame["replicated"].sum())
    if not counted:
        raise ShdError("train shows none of the findings; give more records, or findings that it shows.")
    low, high = proportion_confint(replicated, counted, method="wilson")
    return ReplicationRate(replicated, counted, replicated / counted, float(low), float(high))


def cut(dataset: Dataset, records: int | None, random_state: int = 0) -> Dataset:
    """Return at most so many records, whole subjects at random; all of them for None.

    Raises
    ------
    ShdError
        Where `records` is no whole number from 1 on, or the table is no Dataset.
    """
    need_dataset(dataset)
    if records is not None and (not isinstance(records, Integral) or records < 1):
        raise ShdError(f"records={records!r} is no whole number from 1 on; leave it out to take all.")
    if records is None or records >= len(dataset):
        return dataset
    codes, ids = pd.factorize(dataset.subjects)
    order = generator(random_state, "records of findings").permutation(len(ids))
    there = np.cumsum(np.bincount(codes)[order]) <= records
    return dataset.take(np.flatnonzero(np.isin(codes, order[there])))


def measure(given: dict[str, Dataset], floor: Dataset, word: str, random_state: int = 0) -> Answer:
    """Say how many known findings synthetic records replicate, beside other real records and independent columns.

    Parameters
    ----------
    given : dict
        Datasets by role: train, synthetic and, perhaps, holdout. The library is that of train's name.
    floor : Dataset
        `Marginals` of train.
    word : {"real", "stand-in"}
        What train is.
    random_state : int

    Returns
    -------
    Answer
        One score, ``replication rate``, the frame ``findings`` (see `replicate`; the other table's columns are
        called synthetic), and what does not apply. All tables but train are cut to the size of the smallest.
        The score is the mean over five cuts, the frame shows the first of them.
        Without a holdout the score is judged by the rate that so many records of train's population would reach.
        Empty where no library belongs to the data set.
    """
    findings = findings_for(given["train"].name)
    train = Variables(given["train"])
    skipped, findings = _applicable(findings, train)
    if not findings:
        return Answer(skipped=skipped)
    real = estimates(train, findings)
    if not real["as expected"].any():
        return Answer(skipped=[*skipped, Skipped(_WHAT, f"{word} records show none of the findings: too few")])
    tables = {name: data for name, data in (*given.items(), ("floor", floor)) if name != "train"}
    records = min(map(len, tables.values()))
    sides = {
        name: lay_side_by_side(real, estimates(cut(data, records, random_state), findings))
        for name, data in tables.items()
    }
    frame = sides["synthetic"].rename(columns=lambda column: column.replace("other", "synthetic"))
    for name in [name for name in ("holdout", "floor") if name in sides]:
        frame[f"replicated by {name}"] = sides[name]["replicated"]
    rates = {name: replication_rate(side) for name, side in sides.items()}
    seeds = range(random_state + 1, random_state + CUTS) if len(given["synthetic"]) > records else ()
    more = [lay_side_by_side(real, estimates(cut(given["synthetic"], records, s), findings)) for s in seeds]
    rates["synthetic"] = mean_rate([sides["synthetic"], *more])
    likely = expected_rate(real, records / len(given["train"]))
    return Answer([_score(frame, rates, likely, records, 1 + len(more), word)], {"findings": frame}, skipped)


def mean_rate(frames: Sequence[pd.DataFrame]) -> ReplicationRate:
    """Return the mean of the rates, and of the ends of their intervals, over several cuts of one table.

    Parameters
    ----------
    frames : sequence of DataFrame
        As `replicate` gives them, with one seed each.

    Returns
    -------
    ReplicationRate
        `replicated` is the mean number, rounded.
    """
    rates = [replication_rate(frame) for frame in frames]
    value, low, high = (float(np.mean([getattr(rate, at) for rate in rates])) for at in ("value", "low", "high"))
    return ReplicationRate(round(value * rates[0].counted), rates[0].counted, value, low, high)


def expected_rate(real: pd.DataFrame, share: float) -> float:
    """Return the replication rate to expect of other records of the same population.

    Parameters
    ----------
    real : DataFrame
        `estimates` of train.
    share : float
        Records of the other table over records of train, above 0. An error shrinks with the root of their number.

    Returns
    -------
    float
        0 to 1, the mean chance of the findings that train shows; NaN where there are none.
    """
    z = norm.isf(real.loc[real["as expected"].astype(bool), "p"] / 2) * np.sqrt(share)
    error = 1 + 1 / np.sqrt(share)  # of both intervals, in errors of train
    overlap = 2 * norm.cdf(Z * error / np.sqrt(1 + 1 / share)) - 1
    return float(np.mean(norm.cdf(z - Z) * overlap)) if len(z) else np.nan


def _declared(dataset: Dataset) -> tuple[Finding, ...]:
    need_dataset(dataset)
    found = findings_for(dataset.name)
    if not found:
        known = ", ".join(FINDINGS)
        raise ShdError(f"no findings are declared for {dataset.name!r} (only for {known}); give findings=.")
    return found


def _score(frame: pd.DataFrame, rates: dict, likely: float, records: int, n_cuts: int, word: str) -> Score:
    own, floor = rates["synthetic"], rates["floor"]
    ceiling = rates["holdout"].value if "holdout" in rates else None
    lost = frame[frame["counted"] & ~frame["replicated"]]
    if "replicated by holdout" in frame:  # what other real records show and these do not says most
        lost = lost.sort_values("replicated by holdout", ascending=False, kind="stable")
    named = "; ".join(f"{row['label']} ({row['theme']})" for row in _rows(lost.head(_NAMED)))
    drawn = f", on average over {n_cuts} cuts" if n_cuts > 1 else ""
    about = f"about {likely:.0%} is to be expected of so many" if ceiling is None else f"{ceiling:.0%}"
    sentence = (
        f"Of {own.counted} known clinical findings that {word} records show, {records:,} synthetic ones replicate "
        f"{own.value:.0%}{drawn} (other {word} records: {about}, independent columns: {floor.value:.0%})."
        + (f" Lost, among others: {named}." if named else "")
    )
    yardstick = likely if ceiling is None else ceiling
    rule = between(floor.value, yardstick, "higher")
    bounds = (own.value, own.low, own.high)
    return Score("utility", _WHAT, *bounds, floor.value, ceiling, rule, "higher", sentence, digits=2)


def _applicable(findings: Sequence[Finding], train: Variables) -> tuple[list[Skipped], list[Finding]]:
    """Return a note about the findings that do not apply, and those that do."""
    reasons = {finding.code: finding.applies_to(train) for finding in findings}
    lost = [code for code, reason in reasons.items() if reason]
    kept = [finding for finding in findings if finding.code not in lost]
    if not lost:
        return [], kept
    some = list(dict.fromkeys(reason for reason in reasons.values() if reason))
    why = f"the table does not hold what they take: {'; '.join(some[:_NAMED])}{' ...' if len(some) > _NAMED else ''}"
    return [Skipped(f"{len(lost)} of {len(findings)} known findings ({', '.join(lost)})", why)], kept


def _row(finding: Finding, v: Variables) -> tuple:
    about = (finding.code, finding.theme, finding.label, finding.question, finding.expected)
    why = finding.applies_to(v)
    if why is None:
        try:
            e = finding.estimate(v)
            return (*about, e.null, e.scale, e.value, e.low, e.high, e.p, e.n, e.shows(finding.expected), "")
        except NoEstimateError as error:
            why = str(error)
    return (*about, np.nan, "", *[np.nan] * len(_NUMBERS), 0, False, why)


def _rows(frame: pd.DataFrame) -> list[dict]:
    return frame.to_dict("records")


def _why(both: dict, real: dict, other: dict) -> str:
    """Return why a finding is not replicated; an empty text where it is."""
    if both["replicated"]:
        return ""
    if not both["counted"]:
        shown = (
            "train shows the opposite" if real["p"] < SIGNIFICANT else f"train does not show it (p = {real['p']:.2g})"
        )
        return f"train: {real['why not']}" if real["why not"] else shown
    if other["why not"]:
        return other["why not"]
    if not both["same sign"]:
        return "points the other way"
    if not other["p"] < SIGNIFICANT:
        return f"not significant (p = {other['p']:.2g})"
    return "the intervals do not overlap"
