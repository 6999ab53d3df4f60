"""`compare`: align the tables or pictures, ask every question, collect the answers in a report."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from shd._errors import ShdError, ShdWarning
from shd._progress import progress
from shd.compare import (
    agreement,
    anonymity,
    attributes,
    augmentation,
    checks,
    columns,
    detection,
    fairness,
    identifiability,
    linkability,
    membership,
    missingness,
    neighbourhoods,
    pairs,
    prediction,
    privacy,
    propensity,
    ranking,
    regression,
    singling_out,
    triples,
    trust,
    utility,
    weights,
)
from shd.compare import findings as known_findings
from shd.compare import map as pca_map
from shd.compare import rules as between_columns
from shd.compare._coded import Coded, align, why_not_compared
from shd.compare._resample import deal, generator
from shd.compare._schema import LEVELS, Answer, Inputs, Skipped, settle
from shd.compare.checks import Evidence, has_subjects
from shd.compare.images import _compare as _images
from shd.compare.images._inputs import check, prepare
from shd.compare.report import About, Report, Table
from shd.dataset import Dataset, role_of
from shd.synthesizers import Marginals, Synthesizer
from shd.synthesizers._protect import Done, Protection
from shd.synthesizers.rules import Rule, as_rules


@dataclass(frozen=True)
class Step:
    """One question: its name in the progress bar, who answers it, its share of the time."""

    label: str
    measure: Callable[[Inputs], Answer]
    weight: float
    quick: bool = True  # whether the quick level asks it, too


STEPS = (
    Step("columns", columns.measure, 2),
    Step("pairs of columns", pairs.measure, 5),
    Step("C2ST: telling real from synthetic", detection.measure, 13),
    Step("propensity score", propensity.measure, 1),
    Step("precision, recall, density, coverage", neighbourhoods.measure, 5),
    Step("three columns at a time", triples.measure, 3),
    Step("what is missing together", missingness.measure, 1),
    Step("rules between columns", between_columns.measure, 2),
    Step("map of all columns", pca_map.measure, 1),
    Step("utility: TRTR, TSTR, TSTS, TRTS", utility.measure, 30),
    Step("predicting each column from the others", prediction.measure, 5),
    Step("ranking of models", ranking.measure, 20),
    Step("importance and calibration", agreement.measure, 20),
    Step("regression", regression.measure, 1),
    Step("few real records and synthetic ones", augmentation.measure, 11),
    Step("known findings", known_findings.measure, 5, quick=False),
    Step("privacy: copies, near copies, distances", privacy.measure, 9),
    Step("membership inference", membership.measure, 4),
    Step("membership inference from the model", weights.measure, 4),
    Step("attribute inference", attributes.measure, 5),
    Step("singling out", singling_out.measure, 6),
    Step("linkability", linkability.measure, 3),
    Step("identifiability", identifiability.measure, 4),
    Step("k-anonymity", anonymity.measure, 1),
    Step("fairness: group by group", fairness.measure, 14),
)
"""Every question of the report, in order. A new metric is one module and one line here."""

_NO_TARGET = "no target was named"
_NO_HOLDOUT = "ceilings are missing, and models are tested on a part of train that the synthesizer has learned from"
_FIFTH = "a fifth of the people of train takes its part, but the synthesizer has learned from them"


def compare(
    train: Dataset | pd.DataFrame,
    synthetic: Dataset | pd.DataFrame,
    *,
    holdout: Dataset | pd.DataFrame | None = None,
    target: str | None = None,
    level: str = "full",
    synthesizer: Synthesizer | None = None,
    rules: Sequence[Rule | Callable] = (),
    findings: Sequence[known_findings.Finding] = (),
    random_state: int = 0,
) -> Report:
    """Compare synthetic records with the real ones they were learned from.

    Every number stands between its floor (`Marginals`: each column drawn independently from
    train) and its ceiling (the holdout in place of the synthetic records), with a 95 % bootstrap
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
        What experts know of such tables, to be found in the synthetic one again: see `shd.compare.findings.load`.
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
    if isinstance(random_state, bool) or not isinstance(random_state, int | np.integer) or random_state < 0:
        raise ShdError(f"random_state={random_state!r} is not a whole number from 0 on, for example 0.")
    if level not in LEVELS:
        raise ShdError(f"level={level!r} is not one of {', '.join(LEVELS)}.")
    given = {"train": train, "synthetic": synthetic, **({} if holdout is None else {"holdout": holdout})}
    if any(isinstance(data, Dataset) and data.images is not None for data in given.values()):
        return _compare_images(given, target, synthesizer, int(random_state))
    inputs, skipped = prepare_tables(given, target, level, int(random_state))
    known = known_findings.check(findings)
    inputs = replace(inputs, synthesizer=synthesizer, rules=tuple(as_rules(rules, ())), findings=known)
    skipped += _notes(train, holdout)
    about = _about(given, inputs.target, inputs.word, len(inputs.train.names), inputs.random_state, level)
    about = replace(about, findings=getattr(findings, "name", ""))
    evidence = Evidence(given, inputs, synthesizer, inputs.random_state)
    return _checked(evidence, lambda: _report(_with_trust(_ask(inputs), skipped, about.word), skipped, about))


def prepare_tables(
    given: dict[str, Dataset | pd.DataFrame], target: str | None = None, level: str = "full", random_state: int = 0
) -> tuple[Inputs, list[Skipped]]:
    """Return what every question gets to see, and the columns that had to be left out.

    `given` holds train, synthetic and, perhaps, holdout under these names.
    """
    coded, skipped = align(*given.values(), names=list(given))
    target, lost = _target(target, given, coded[0], skipped)
    declared = role_of(given["train"], "sensitive", ())
    sensitive = tuple(column for column in declared if column in coded[0].names)
    skipped += lost
    skipped += [
        Skipped(f"fairness by {column}", f"it is declared sensitive, but was not compared: {why}")
        for column in declared
        if (why := why_not_compared(column, skipped)) is not None
    ]
    inputs = _inputs(coded, target, _word(given["train"]), random_state)
    return replace(inputs, sensitive=sensitive, level=level, given=given), skipped


def _checked(evidence: Evidence, ask: Callable[[], Report]) -> Report:
    """Ask the method checks, then the questions, then the checks that are about the answers."""
    found = checks.before(evidence)
    report = ask()
    found = sorted((*found, *checks.after(evidence, replace(report, findings=found))), key=lambda one: one.code)
    return replace(report, findings=tuple(found))


def _compare_images(
    given: dict[str, Dataset], target: str | None, synthesizer: Synthesizer | None, random_state: int
) -> Report:
    target = check(given, target)
    inputs, skipped = prepare(given, target, random_state)
    skipped = _notes(given["train"], given.get("holdout"), _FIFTH) + skipped
    skipped.append(Skipped("fairness", "is judged for tables, by the groups of people that they declare"))
    about = _about(given, target, inputs.word, given["train"].frame.shape[1], random_state)
    inputs = replace(inputs, synthesizer=synthesizer)
    given = {role: replace(data, target=target) for role, data in given.items()}
    return _checked(
        Evidence(given, None, synthesizer, random_state), lambda: _report(_images.ask(inputs), skipped, about)
    )


def _report(answers: list[Answer], skipped: list[Skipped], about: About) -> Report:
    scores = settle([score for answer in answers for score in answer.scores])
    frames = {name: frame for answer in answers for name, frame in answer.frames.items()}
    pictures = {name: grid for answer in answers for name, grid in answer.pictures.items()}
    skipped = [*skipped, *(note for answer in answers for note in answer.skipped)]
    return Report(scores, frames, tuple(skipped), about, pictures)


def _ask(inputs: Inputs) -> list[Answer]:
    """Ask every question."""
    answers, steps = [], [step for step in STEPS if step.quick or inputs.level == "full"]
    with progress(sum(step.weight for step in steps), "comparing") as bar:
        for step in steps:
            bar.advance(0, note=step.label)
            answers.append(ask_step(step, inputs))
            bar.advance(step.weight)
    return [*answers, Answer(skipped=_left_out(inputs, steps))]


def _left_out(inputs: Inputs, steps: list[Step]) -> list[Skipped]:
    """List what the quick level leaves out of what would have been asked."""
    left_out = [step for step in STEPS if step not in steps]
    if not inputs.findings:
        left_out = [step for step in left_out if step.measure is not known_findings.measure]
    return [Skipped(step.label, 'the quick level leaves it out; take level="full"') for step in left_out]


def _with_trust(answers: list[Answer], skipped: list[Skipped], word: str) -> list[Answer]:
    """Return all answers, and what they say about each variable."""
    frames = {name: frame for answer in answers for name, frame in answer.frames.items()}
    behind = [frames.get(name, pd.DataFrame()) for name in ("columns", "pairs", "prediction", "giveaways")]
    table = trust.trust_table(*behind, word=word, skipped=skipped)
    return [Answer(trust.measure(table, behind[0]), {"trust": table}), *answers]


def ask_step(step: Step, inputs: Inputs) -> Answer:
    """Ask one question."""
    answer, declared = step.measure(inputs), _declared_target(inputs.given)
    if inputs.target is not None or declared is None:
        return answer
    # a question sees no target, and does not know that one was declared
    why = f"the target {declared} was not compared"
    return replace(answer, skipped=[replace(n, why=why) if n.why.startswith(_NO_TARGET) else n for n in answer.skipped])


def _target(target: str | None, given: dict, coded: Coded, skipped: list[Skipped]) -> tuple[str | None, list[Skipped]]:
    """Return the target, and, where one is declared that was not compared, why there is none."""
    named = target is not None
    target = target if named else _declared_target(given)
    if target is None or target in coded.names:
        return target, []
    why = why_not_compared(target, skipped)
    if named:
        but = "is not a column that all tables share" if why is None else f"was not compared: {why}"
        raise ShdError(f"target={target!r} {but}; name one of {coded.names[:6]}.")
    return None, [Skipped(f"target {target}", f"it is declared, but was not compared: {why}")]


def _declared_target(given: dict) -> str | None:
    declared = (role_of(given.get(role), "target") for role in ("train", "synthetic"))
    return next((target for target in declared if target is not None), None)


def _word(train: object) -> str:
    """Return what records of train are called: stand-in records must never pass for real ones."""
    return train.source if isinstance(train, Dataset) else "real"


def _inputs(coded: list[Coded], target: str | None, word: str, random_state: int) -> Inputs:
    train, synthetic = coded[:2]
    holdout = coded[2] if len(coded) > 2 else None
    fit, test = train, holdout
    if holdout is None:
        fifth = deal(train.subjects, 5, generator(random_state, "test part of train")) == 0
        fit, test = (train.take(~fifth), train.take(fifth)) if not fifth.all() else (train, train)
    floor = _floor(train, len(synthetic), random_state)
    return Inputs(train, synthetic, floor, holdout, fit, test, target, word, random_state)


class _Floor(Marginals, abstract=True):
    def _protect(self, data: pd.DataFrame) -> pd.DataFrame:
        self.protection_ = Protection(Done(min_people=1))  # it is never handed on, and stands for all columns
        return data

    def _learn_rules(self, frame: pd.DataFrame, people: np.ndarray) -> tuple[Rule, ...]:
        return ()  # it keeps none, and looking for them takes time


def _floor(train: Coded, n: int, random_state: int) -> Coded:
    """Draw n records from `Marginals` of train, then move its numbers to where nobody's are: a floor remembers no one.

    Where most values are those of a single record, a number goes to anywhere between its neighbours in train, as fine
    as train writes them; elsewhere (ages, counts) it is shared by many.
    """
    frame = pd.DataFrame(
        {
            str(j): train.values[:, j] if column.is_number else pd.Categorical(train.values[:, j].astype(int))
            for j, column in enumerate(train.columns)
        }
    )
    with warnings.catch_warnings():  # constant columns are no news here
        warnings.simplefilter("ignore", ShdWarning)
        drawn = _Floor(random_state=random_state).fit(frame).sample(n).astype(float).to_numpy(copy=True)
    rng = generator(random_state, "floor")
    for j, column in enumerate(train.columns):
        if column.is_number:
            drawn[:, j] = _moved(drawn[:, j], train.values[:, j], rng)
    return Coded(drawn, train.columns, np.arange(n))


def _moved(drawn: np.ndarray, real: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Move each number that one record of train has to anywhere between the values beside it."""
    known, count = np.unique(real[~np.isnan(real)], return_counts=True)
    if len(known) < 3:
        return drawn
    single = np.append(count == 1, False)
    at = np.clip(np.searchsorted(known, drawn), 0, len(known))
    at[np.isnan(drawn)] = len(known)
    low, high = (np.append(known, np.nan)[np.clip(at + step, 0, len(known) - 1)] for step in (-1, 1))
    between = low + rng.random(len(drawn)) * (high - low)
    decimals = next((d for d in range(7) if np.allclose(np.round(known, d), known, rtol=1e-9, atol=0)), None)
    between = between if decimals is None else np.round(between, decimals)
    return np.where(single[at] & ~np.isnan(drawn), between, drawn)


def _notes(train: object, holdout: object, why: str = _NO_HOLDOUT) -> list[Skipped]:
    """List what weakens the comparison as a whole."""
    notes = []
    if holdout is None:
        what = "records" if why == _NO_HOLDOUT else "people"
        notes.append(Skipped(f"comparison with {what} never seen", f"no holdout was given: {why}"))
    if isinstance(train, Dataset) and isinstance(holdout, Dataset) and train.source != holdout.source:
        why = f"train is {train.source}, holdout is {holdout.source}: ceilings mix the two"
        notes.append(Skipped("one reference", why))
    named = [has_subjects(side) for side in (train, holdout)]
    if holdout is not None and named[0] != named[1]:
        why = f"{'holdout' if named[0] else 'train'} names no subjects"
        notes.append(Skipped("people on both sides of the split", why))
    return notes


def _about(given: dict, target: str | None, word: str, n_columns: int, random_state: int, level: str = "full") -> About:
    tables = []
    for role, table in given.items():
        is_dataset = isinstance(table, Dataset)
        source = table.source if is_dataset else "synthetic" if role == "synthetic" else "real"
        subjects = len(np.unique(table.subjects)) if is_dataset else len(table)
        tables.append(Table(role, table.name if is_dataset else "table", source, len(table), subjects))
    train = given["train"]
    card = train.card if isinstance(train, Dataset) else None
    return About(
        tables=tuple(tables),
        n_columns=n_columns,
        target=target,
        word=word,
        random_state=random_state,
        level=level,
        title=card.title if card else "",
        licence=card.licence if card else "unknown",
        licence_url=card.licence_url if card else "",
        citation=card.citation if card else "",
    )
