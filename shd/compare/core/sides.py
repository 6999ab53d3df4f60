"""The sides of a comparison: tables coded together, the floor, and what is lacking to ask a question."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.compare.core.chance import deal, generator
from shd.compare.core.score import Skipped
from shd.compare.core.tables import Coded, align, why_not_compared
from shd.compare.core.tasks import Ready, prepare
from shd.dataset import Dataset, describe_columns, role_of
from shd.synthesizers.encoding import TableEncoder
from shd.synthesizers.rules import Rule, as_rules

if TYPE_CHECKING:
    from shd.synthesizers import Synthesizer

LEVELS = ("quick", "full")
FEWEST_ATTACKED = 20
"""People on each side, and records of the release, below which no attack is tried."""
_SPLITS = 3
_QUICK = 8  # times fewer records that the quick level looks at
_DECLARE = 'no sensitive column is declared: Dataset(..., sensitive=("sex",)) names those that describe groups'


@dataclass(frozen=True, eq=False)
class Sides:
    """What every question gets to see."""

    train: Coded  # real records, learned from
    synthetic: Coded
    floor: Coded  # `Marginals` of train
    holdout: Coded | None  # real records that the synthesizer never saw
    fit: Coded  # real records that models are trained on: train, or without a holdout a part of it
    test: Coded  # and tested on: holdout, or the other part, which shares no subject
    target: str | None
    word: str  # what the reference is: "real" or "stand-in"
    random_state: int
    sensitive: tuple = ()  # columns that describe groups to be treated alike, of those that all tables share
    level: str = "full"  # or "quick"
    given: dict = field(default_factory=dict)  # the tables as they came, by role
    synthesizer: "Synthesizer | None" = None  # where it is released, too: for attacks on the model itself
    rules: tuple[Rule, ...] = ()  # of the user, beside those that are found
    findings: tuple = ()  # known findings to replicate
    studies: str = ""  # where they come from
    ready: Ready | None = None  # records and tasks for models of the target
    lacks: dict[str, str] = field(default_factory=dict)  # which of NEEDS, and why; no word on what nobody expects
    skipped: tuple[Skipped, ...] = ()  # what could not be compared at all

    is_of_images = False

    @property
    def n_columns(self) -> int:
        """How many columns are compared."""
        return len(self.train.names)

    def tables(self) -> dict[str, Coded]:
        """Return train, synthetic, floor and, where there is a holdout, the real reference, by the names of frames."""
        tables = {"train": self.train, "synthetic": self.synthetic, "floor": self.floor}
        return tables if self.holdout is None else tables | {"real reference": self.holdout}

    @property
    def splits(self) -> int:
        """How often tables are cut in halves, to see how much it matters which records are learned from."""
        return _SPLITS if self.level == "full" else _SPLITS - 1

    def most(self, rows: int, least: int = 500) -> int:
        """Return how many records a step may look at: `rows`, or an eighth of them at the quick level."""
        return rows if self.level == "full" else max(rows // _QUICK, min(least, rows))


def look(
    given: dict[str, Dataset | pd.DataFrame],
    target: str | None = None,
    level: str = "full",
    random_state: int = 0,
    synthesizer: "Synthesizer | None" = None,
    rules: Sequence = (),
    findings: Sequence = (),
) -> Sides:
    """Code tables together, draw the floor, and find out what is lacking; `given` holds them by role, train first."""
    coded, skipped = align(*given.values(), names=list(given))
    train, synthetic, holdout = [*coded, None][:3]
    target, why_no_target = _target(target, given, train, skipped)
    declared = role_of(given["train"], "sensitive", ())
    sensitive = tuple(column for column in declared if column in train.names)
    fit, test = train, holdout
    if holdout is None:
        fifth = deal(train.subjects, 5, generator(random_state, "test part of train")) == 0
        fit, test = (train.take(~fifth), train.take(fifth)) if not fifth.all() else (train, train)
    floor = draw_floor(train, len(synthetic), random_state)
    ready = why_no_target if target is None else prepare(target, fit=fit, test=test, synthetic=synthetic, floor=floor)
    lacks = {
        "holdout": "takes a holdout: compare(..., holdout=...)" if holdout is None else None,
        "people": _too_few_people(train, synthetic, holdout),
        "target": ready if isinstance(ready, str) else None,
        "model": None if hasattr(synthesizer, "n_rows_") else _MODEL,
        "two columns": None if len(train.names) > 1 else "takes at least 2 columns",
        "three columns": None if len(train.names) > 2 else "takes at least 3 columns",
        "groups": None if sensitive else _no_groups(declared),
        "findings": None if len(findings) else "",
        "full level": None if level == "full" else 'the quick level leaves it out; take level="full"',
    }
    return Sides(
        train, synthetic, floor, holdout, fit, test, target,
        word_of(given["train"]), random_state, sensitive, level, given, synthesizer,
        tuple(as_rules(rules, ())), tuple(findings), getattr(findings, "name", ""),
        None if isinstance(ready, str) else ready,
        {need: why for need, why in lacks.items() if why is not None},
        (*skipped, *_declared_in_vain(given, target, declared, skipped), *weaknesses(given)),
    )  # fmt: skip


_MODEL = "takes the fitted model that is released: compare(..., synthesizer=...)"


def word_of(train: object) -> str:
    """Return what records of train are called: stand-in records must never pass for real ones."""
    return train.source if isinstance(train, Dataset) else "real"


def _target(target: str | None, given: dict, train: Coded, skipped: list[Skipped]) -> tuple[str | None, str]:
    """Return the column to predict, or None and why there is none."""
    named = target is not None
    declared = (role_of(given.get(role), "target") for role in ("train", "synthetic"))
    target = target if named else next((column for column in declared if column is not None), None)
    if target is None:
        return None, "no target was named: compare(..., target=...)"
    if target in train.names:
        return target, ""
    why = why_not_compared(target, skipped)
    if named:
        but = "is not a column that all tables share" if why is None else f"was not compared: {why}"
        raise ShdError(f"target={target!r} {but}; name one of {train.names[:6]}.")
    return None, f"the target {target} was not compared: {why}"


def _declared_in_vain(given: dict, target: str | None, sensitive: Sequence, skipped: list[Skipped]) -> list[Skipped]:
    """List the roles whose columns were not compared."""
    why = {note.column: note.why for note in skipped if note.kind == "column"}
    lost = [
        Skipped(f"fairness by {column}", f"it is declared sensitive, but was not compared: {why[column]}")
        for column in sensitive
        if column in why
    ]
    declared = next((t for role in ("train", "synthetic") if (t := role_of(given.get(role), "target"))), None)
    if target is None and declared is not None:
        lost.append(Skipped(f"target {declared}", f"it is declared, but was not compared: {why.get(declared)}"))
    return lost


def _no_groups(declared: Sequence) -> str:
    return f"none of the sensitive columns was compared: {describe_columns(declared)}" if declared else _DECLARE


def _too_few_people(train: Coded, synthetic: Coded, holdout: Coded | None) -> str | None:
    people = [len(np.unique(table.subjects)) for table in (train, holdout) if table is not None]
    few = FEWEST_ATTACKED
    enough = min(*people, len(synthetic)) >= few
    return None if enough else f"takes at least {few} people in train and holdout, and {few} synthetic records"


def has_subjects(data: object) -> bool:
    """Whether it is a Dataset that says who its people are: record numbers are no ids."""
    return isinstance(data, Dataset) and not np.array_equal(data.subjects, np.arange(len(data)))


def real_people(given: dict) -> list[Dataset]:
    """Return train and holdout where both are Datasets with subjects of their own, else nothing."""
    sides = [given.get(role) for role in ("train", "holdout")]
    return sides if all(has_subjects(side) for side in sides) else []


def weaknesses(given: dict) -> list[Skipped]:
    """List what weakens the comparison as a whole."""
    notes, (train, holdout) = [], (given["train"], given.get("holdout"))
    if holdout is None:
        why = "ceilings are missing, and models are tested on a part of train that the synthesizer has learned from"
        notes.append(Skipped("comparison with people never seen", f"no holdout was given: {why}", kind="holdout"))
    elif isinstance(train, Dataset) and isinstance(holdout, Dataset) and train.source != holdout.source:
        why = f"train is {word_of(train)}, holdout is {word_of(holdout)}: ceilings mix the two"
        notes.append(Skipped("one reference", why))
    if holdout is not None and has_subjects(train) != has_subjects(holdout):
        why = f"{'holdout' if has_subjects(train) else 'train'} names no subjects"
        notes.append(Skipped("people on both sides of the split", why))
    return notes


def draw_floor(train: Coded, n: int, random_state: int) -> Coded:
    """Draw n records as `Marginals` of train does, then move numbers to where nobody's are: a floor remembers no one.

    Where most values are those of a single record, a number goes to anywhere between its neighbours in train, as fine
    as train writes them; elsewhere (ages, counts) it is shared by many.
    """
    frame = pd.DataFrame(
        {
            str(j): train.values[:, j] if column.is_number else pd.Categorical(train.values[:, j].astype(int))
            for j, column in enumerate(train.columns)
        }
    )
    encoder = TableEncoder().fit(frame)
    rng, codes = np.random.default_rng(random_state), encoder.transform(frame)
    counts = [np.bincount(own, minlength=size) for own, size in zip(codes.T, encoder.sizes, strict=True)]
    codes = [np.searchsorted(np.cumsum(own), rng.integers(own.sum(), size=n), side="right") for own in counts]
    drawn = encoder.inverse(np.column_stack(codes), rng).astype(float).to_numpy(copy=True)
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
