"""Do synthetic records show what experts know? Known findings, estimated on two tables and laid side by side."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral

import numpy as np
import pandas as pd
from scipy.stats import norm

from shd._errors import ShdError, ShdWarning
from shd.compare.core.chance import generator
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, between
from shd.compare.core.sides import Sides
from shd.compare.findings.finding import SIGNIFICANT, Finding, NoEstimateError, Variables, Z, prepare
from shd.dataset import Dataset

_WHAT = "replication rate"
_ABOUT = ("code", "theme", "label", "question", "expected", "null", "scale")
_NUMBERS = ("value", "low", "high", "p")
_NAMED = 3  # findings that the sentence names
CUTS = 5  # how often a larger table is cut to the size of the smallest: one cut is a matter of luck


@dataclass(frozen=True)
class ReplicationRate:
    """How many of the findings that train shows another table shows too, and Wilson's interval (1927) of the share.

    It takes findings for independent, which those of one table are not quite: read it as a rough guide.
    """

    replicated: int
    counted: int
    value: float  # 0 to 1
    low: float
    high: float


def estimates(data: Dataset | pd.DataFrame | Variables, findings: Sequence[Finding]) -> pd.DataFrame:
    """Estimate every finding on one table; variables keep what was computed for a next call.

    One row a finding: code, theme, label, question, expected, null, scale, value, low, high (95 %), p, n, as expected
    (significant at 5 %, on the side expected) and why not: the reason where it does not apply or cannot be estimated;
    numbers are NaN there.
    """
    v = prepare(data)
    rows = [_row(finding, v) for finding in check(findings)]
    return pd.DataFrame(rows, columns=[*_ABOUT, *_NUMBERS, "n", "as expected", "why not"])


def check(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Refuse what is no sequence of findings: a module of studies, or one finding."""
    if not isinstance(findings, Sequence) or not all(isinstance(finding, Finding) for finding in findings):
        raise ShdError("findings: give a list of findings, for example studies.FINDINGS.")
    return tuple(findings)


def replicate(
    train: Dataset | pd.DataFrame,
    other: Dataset | pd.DataFrame,
    findings: Sequence[Finding],
    records: int | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """Estimate every finding on two tables and say which ones the other shows too.

    A finding is replicated where the other table's estimate lies on the side of train's, is significant
    at 5 %, and the two 95 % intervals overlap. Only what train itself shows, on the side expected, counts.

    Parameters
    ----------
    train, other : Dataset or DataFrame
        Real records, and others: synthetic ones, or held out.
    findings : sequence of Finding
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
        Where `findings` are none, or `records` is no whole number from 1 on.
    """
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
    """Return the share of the findings that count which are replicated, from the frame of `replicate`."""
    from statsmodels.stats.proportion import proportion_confint

    if not {"counted", "replicated"} <= set(frame):
        raise ShdError("the frame has no columns counted and replicated; give what replicate() returns.")
    counted, replicated = int(frame["counted"].sum()), int(frame["replicated"].sum())
    if not counted:
        raise ShdError("train shows none of the findings; give more records, or findings that it shows.")
    low, high = proportion_confint(replicated, counted, method="wilson")
    return ReplicationRate(replicated, counted, replicated / counted, float(low), float(high))


def mean_rate(frames: Sequence[pd.DataFrame]) -> ReplicationRate:
    """Return the mean of the rates, and of the ends of their intervals, over several cuts of one table."""
    rates = [replication_rate(frame) for frame in frames]
    value, low, high = (float(np.mean([getattr(rate, at) for rate in rates])) for at in ("value", "low", "high"))
    return ReplicationRate(round(value * rates[0].counted), rates[0].counted, value, low, high)


def cut(data: Dataset | pd.DataFrame, records: int | None, random_state: int = 0) -> Dataset:
    """Return at most so many records, whole subjects at random; all of them for None."""
    data = data if isinstance(data, Dataset) else Dataset(data)
    if records is not None and (not isinstance(records, Integral) or records < 1):
        raise ShdError(f"records={records!r} is no whole number from 1 on; leave it out to take all.")
    if records is None or records >= len(data):
        return data
    codes, ids = pd.factorize(data.subjects)
    order = generator(random_state, "records of findings").permutation(len(ids))
    there = np.cumsum(np.bincount(codes)[order]) <= records
    return data.take(np.flatnonzero(np.isin(codes, order[there])))


def measure(sides: Sides) -> Answer:
    """Say how many known findings synthetic records replicate, beside other real records and independent columns.

    All tables but train are cut to the size of the smallest. The score is the mean over five cuts, the frame
    ``findings`` shows the first of them. Without a holdout the score is judged by the rate that so many records of
    train's population would reach.
    """
    train, seed = Variables(sides.given["train"]), sides.random_state
    skipped, findings = _applicable(sides.findings, train)
    if not findings:
        return Answer(skipped=skipped)
    real = estimates(train, findings)
    if not real["as expected"].any():
        return Answer(skipped=[*skipped, Skipped(_WHAT, f"{sides.word} records show none of the findings: too few")])
    tables = {name: cut(data, None) for name, data in sides.given.items() if name != "train"}
    tables["floor"] = _floor(train.frame, len(tables["synthetic"]), seed)
    records = min(map(len, tables.values()))

    def beside_real(name: str, seed: int) -> pd.DataFrame:
        return lay_side_by_side(real, estimates(cut(tables[name], records, seed), findings))

    beside = {name: beside_real(name, seed) for name in tables}
    frame = beside["synthetic"].rename(columns=lambda column: column.replace("other", "synthetic"))
    for name in [name for name in ("holdout", "floor") if name in beside]:
        frame[f"replicated by {name}"] = beside[name]["replicated"]
    rates = {name: replication_rate(side) for name, side in beside.items()}
    seeds = range(seed + 1, seed + CUTS) if len(tables["synthetic"]) > records else ()
    more = [beside_real("synthetic", another) for another in seeds]
    rates["synthetic"] = mean_rate([beside["synthetic"], *more])
    likely = expected_rate(real, records / len(train.frame))
    return Answer([_score(frame, rates, likely, records, 1 + len(more), sides.word)], {"findings": frame}, skipped)


def _floor(train: pd.DataFrame, records: int, random_state: int) -> Dataset:
    from shd.synthesizers import Marginals

    with warnings.catch_warnings():  # constant columns are no news here
        warnings.simplefilter("ignore", ShdWarning)
        return Dataset(Marginals(random_state=random_state).fit(train).sample(records))


def expected_rate(real: pd.DataFrame, share: float) -> float:
    """Return the replication rate to expect of `share` times as many records of the same population as train has.

    The mean chance of the findings that train shows; NaN where there are none. An error shrinks with the root of the
    number of records.
    """
    z = norm.isf(real.loc[real["as expected"].astype(bool), "p"] / 2) * np.sqrt(share)
    error = 1 + 1 / np.sqrt(share)  # of both intervals, in errors of train
    overlap = 2 * norm.cdf(Z * error / np.sqrt(1 + 1 / share)) - 1
    return float(np.mean(norm.cdf(z - Z) * overlap)) if len(z) else np.nan


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
    rule = between(floor.value, likely if ceiling is None else ceiling, "higher")
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


QUESTION = Question(
    name="known findings",
    chapter="utility",
    measure=measure,
    show="chapters.utility:known_findings",
    weight=5,
    needs=("findings", "full level"),
    tables=("findings",),
    readme=("replication rate",),
    words={
        "replication rate": (
            "Of the known clinical findings that the real records show, the share that the synthetic ones show too: "
            "the same direction, not by chance, intervals that overlap. All tables are cut to as many records."
        ),
    },
)
