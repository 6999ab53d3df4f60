"""`compare`: look at both sides, ask every question, collect the answers in a report."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd._progress import progress
from shd.dataset import Dataset

if TYPE_CHECKING:
    from shd.compare.core.question import Answer, Question
    from shd.compare.core.result import Result
    from shd.compare.core.sides import Sides
    from shd.compare.report.report import Report
    from shd.synthesizers import Synthesizer
    from shd.synthesizers.rules import Rule

QUESTIONS = (
    "fidelity.columns",
    "fidelity.pairs",
    "fidelity.c2st",
    "fidelity.propensity",
    "fidelity.neighbourhoods",
    "fidelity.triples",
    "fidelity.missingness",
    "fidelity.broken_rules",
    "fidelity.principal_axes",
    "utility.tstr",
    "utility.prediction",
    "utility.ranking",
    "utility.importance",
    "utility.calibration",
    "utility.regression",
    "utility.augmentation",
    "findings.replication",
    "privacy.copies",
    "privacy.exact_values",
    "privacy.near_copies",
    "privacy.distances",
    "privacy.membership",
    "privacy.model_membership",
    "privacy.attributes",
    "privacy.singling_out",
    "privacy.linkability",
    "privacy.at_risk",
    "privacy.identifiability",
    "privacy.anonymity",
    "privacy.k_map",
    "fairness.groups_of_people",
    "fidelity.trust",
)
"""Every question about tables, a module each, in the order in which they are asked: the last one sums up."""

OF_IMAGES = (
    "images.samples",
    "images.realism",
    "images.means",
    "images.variety",
    "images.detection",
    "images.utility",
    "images.attention",
    "images.privacy",
    "images.membership",
    "images.leakage",
)
"""Every question about pictures."""


def questions(of_images: bool = False) -> "tuple[Question, ...]":
    """Return every question that `compare` asks about tables, or about pictures."""
    modules = OF_IMAGES if of_images else QUESTIONS
    return tuple(import_module(f"shd.compare.{module}").QUESTION for module in modules)


def compare(
    train: Dataset | pd.DataFrame,
    synthetic: Dataset | pd.DataFrame,
    *,
    holdout: Dataset | pd.DataFrame | None = None,
    target: str | None = None,
    level: str = "full",
    synthesizer: "Synthesizer | None" = None,
    rules: "Sequence[Rule | Callable]" = (),
    findings: Sequence = (),
    random_state: int = 0,
) -> "Report":
    """Compare synthetic records with the real ones they were learned from.

    Every number stands between its floor (`Marginals`: each column drawn independently from
    train) and its ceiling (other real records in place of the synthetic ones), with a 95 % bootstrap
    interval, a verdict, and a sentence that says what it means. Datasets with images are compared
    as pictures, by other questions (see `shd.compare.images`), with `SliceGaussian` as the floor.

    Parameters
    ----------
    train : Dataset or DataFrame, n records
        What the synthesizer saw.
    synthetic : Dataset or DataFrame
        What it made, any number of records. Types are aligned to train; columns that cannot be
        compared are left out and listed in ``report.skipped``.
    holdout : Dataset or DataFrame, optional
        Real records that the synthesizer never saw. Without it some numbers have no ceiling, the
        DCR share cannot be judged, and models are tested on a part of train.
    target : str, optional
        Column to predict; by default the target of the Datasets. Without one, utility is judged
        by the relative prediction error alone.
    level : {"full", "quick"}
        ``"quick"`` looks at fewer records and leaves out what takes longest; what it leaves out
        stands in ``report.skipped``. Pictures know one level only.
    synthesizer : Synthesizer, optional
        What made the synthetic records, and is released with them: for the method checks, and for the attack on the
        model itself.
    rules : sequence of Rule
        Rules between columns to judge the records by, beside those that all of train keeps: see `shd.Rule`.
    findings : sequence of Finding
        Known findings to replicate on the synthetic records: see `shd.compare.findings`.
    random_state : int
        The same inputs and seed give the same numbers to the last digit.

    Returns
    -------
    Report

    Raises
    ------
    ShdError
        Where a table is empty or no table at all, no column is shared, or the target is unknown;
        where only some Datasets have images, or sizes or classes differ.

    Examples
    --------
    >>> report = shd.compare(train, synthetic, holdout=holdout)  # doctest: +SKIP
    >>> report.save("report.html")  # doctest: +SKIP
    """
    from shd.compare import checks
    from shd.compare.core.result import Result
    from shd.compare.report.report import Report

    sides = look(train, synthetic, holdout, target, level, synthesizer, rules, findings, random_state)
    found = checks.before(sides)
    result = Result.of(sides, answers(questions(sides.is_of_images), sides))
    return Report(result, checks.sort([*found, *checks.after(sides, result, found)]), len(checks.CHECKS))


def ask(
    name: str,
    train: Dataset | pd.DataFrame,
    synthetic: Dataset | pd.DataFrame,
    *,
    holdout: Dataset | pd.DataFrame | None = None,
    target: str | None = None,
    level: str = "full",
    synthesizer: "Synthesizer | None" = None,
    rules: "Sequence[Rule | Callable]" = (),
    findings: Sequence = (),
    random_state: int = 0,
) -> "Result":
    """Ask one question of a comparison, by its name: the door to every number.

    Parameters
    ----------
    name : str
        For example ``"pairs of columns"`` or ``"membership inference"``; a wrong one is answered with all of them.
    train, synthetic, holdout, target, level, synthesizer, rules, findings, random_state
        See `compare`.

    Returns
    -------
    Result
        With ``.scores``, ``.table(name)``, ``.skipped``; each score is judged as the only one asked.

    Raises
    ------
    ShdError
        Where there is no such question, and as `compare` does.

    Examples
    --------
    >>> found = shd.compare.ask("pairs of columns", train, synthetic, holdout=holdout)  # doctest: +SKIP
    >>> found.score("association error").value, found.table("pairs")  # doctest: +SKIP
    """
    from shd.compare.core.result import Result

    sides = look(train, synthetic, holdout, target, level, synthesizer, rules, findings, random_state)
    known = {question.name: question for question in questions(sides.is_of_images)}
    if name not in known:
        raise ShdError(f"there is no question {name!r}; ask one of: {', '.join(known)}.")
    found = answers(tuple(known[asked] for asked in (*known[name].sums_up, name)), sides)
    return Result.of(sides, {known[name]: found[known[name]]})


def look(
    train: object,
    synthetic: object,
    holdout: object = None,
    target: str | None = None,
    level: str = "full",
    synthesizer: "Synthesizer | None" = None,
    rules: Sequence = (),
    findings: Sequence = (),
    random_state: int = 0,
) -> "Sides":
    """Return the sides of a comparison: tables, or pictures where any Dataset has images."""
    from shd.compare.core import sides as of_tables

    if isinstance(random_state, bool) or not isinstance(random_state, int | np.integer) or random_state < 0:
        raise ShdError(f"random_state={random_state!r} is not a whole number from 0 on, for example 0.")
    if level not in of_tables.LEVELS:
        raise ShdError(f"level={level!r} is not one of {', '.join(of_tables.LEVELS)}.")
    given = {"train": train, "synthetic": synthetic, **({} if holdout is None else {"holdout": holdout})}
    if any(isinstance(data, Dataset) and data.images is not None for data in given.values()):
        from shd.compare.images import sides as of_images

        return of_images.look(given, target, int(random_state), synthesizer)
    if not isinstance(findings, Sequence) or len(findings):
        from shd.compare.findings import check

        check(findings)
    return of_tables.look(given, target, level, int(random_state), synthesizer, rules, findings)


def answers(asked: "tuple[Question, ...]", sides: "Sides") -> "dict[Question, Answer]":
    """Ask some questions, one after the other; what a question has to do without is written here, and only here."""
    from shd.compare.core.question import Answer

    found, done = {}, {}
    jobs = {name: job for question in asked if question.jobs for name, job in question.jobs(sides).items()}
    total = sum(question.weight for question in asked) + sum(job.seconds for job in jobs.values())
    with progress(total, "comparing") as bar:
        if jobs:
            done = _train(jobs, bar)
        for question in asked:
            bar.advance(0, note=question.name)
            began, lacking = time.perf_counter(), question.lacking(sides.lacks)
            if lacking:  # without a reason it is something that nobody expects
                answer = Answer(skipped=[lacking] if lacking.why else [])
            else:
                answer = question.measure(sides, *_beside(question, sides, done, found))
            found[question] = replace(answer, seconds=time.perf_counter() - began)
            bar.advance(question.weight)
    return found


def _beside(question: "Question", sides: "Sides", done: dict, found: "dict[Question, Answer]") -> tuple:
    """Return what a question gets beside the sides: the answers that it sums up, or what networks of pictures gave."""
    return (found,) if question.sums_up else (done,) if sides.is_of_images else ()


def _train(jobs: dict, bar: object) -> dict:
    """Train all networks, as many at a time as there are cores."""
    from shd._parallel import in_parallel

    bar.advance(0, note=f"training {len(jobs)} networks")
    trained = in_parallel(lambda job: job.work(lambda share: bar.advance(share * job.seconds)), jobs.values())
    return dict(zip(jobs, trained, strict=True))
