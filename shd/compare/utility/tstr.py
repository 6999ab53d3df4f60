"""Is it useful? Models of the target, trained and tested on real and synthetic records.

TRTR, TSTR, TSTS, TRTS: train on real or synthetic, test on real or synthetic. What counts is TSTR
beside TRTR: how much of what real records teach do synthetic ones teach? TSTS alone misleads:
synthetic records that are too easy to predict score high on themselves. AUROCs are counted from guessing,
0.5: a model that learned nothing reaches 0 % of what others do, not 70.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd._parallel import in_parallel
from shd.compare.core.chance import (
    deal,
    generator,
    interval,
    redrawn,
    subject_weights,
    subsample,
    training_error,
)
from shd.compare.core.models import BOOSTING, Family, auroc, fit, r2
from shd.compare.core.score import Answer, Inputs, Score, Skipped, between
from shd.compare.core.tables import MISSING, Coded, Column, align
from shd.dataset import Dataset, role_of

DESIGNS = ("TRTR", "TSTR", "TSTS", "TRTS", "floor")
_MOST_LEVELS = 5  # levels of the target that get a model of their own
_MOST_ROWS, _MOST_TESTED = 100_000, 40_000
_FEWEST = 10  # records of a level, and of the rest, to test on
_FEW_NUMBERS = 10  # a target of at most so many whole numbers is a set of levels
_REPLICATES, _FIFTHS = 200, 5
_SPREAD_TESTED = 4000  # most records to test on, for the error of learning
GUESSING, _LEAST_SKILL = 0.5, 0.01  # AUROC of who knows nothing; what real records teach at least, to divide by it
Value = TypeVar("Value", float, np.ndarray)


@dataclass(frozen=True)
class Task:
    """One model to train: a level against the rest, or the number itself where `level` is None."""

    target: str
    level: float | None
    label: str

    @property
    def measure(self) -> str:
        """Name of the number that says how good a prediction is."""
        return "R2" if self.level is None else "AUROC"

    @property
    def is_level(self) -> bool:
        """Whether a level is predicted, not a number."""
        return self.level is not None

    def outcome(self, table: Coded) -> np.ndarray:
        """Return what is predicted: bool for a level, float for a number; shape (n,)."""
        values = table.values[:, table.names.index(self.target)]
        return values == self.level if self.is_level else values

    def learn(self, train: Coded, family: Family = BOOSTING) -> Callable[[Coded], np.ndarray]:
        """Train a model and return what gives a chance or number to each record of another table; see `fit`."""
        x, categories = train.features(self.target)
        predict = fit(family, x, self.outcome(train), categories)
        return lambda table: predict(table.features(self.target)[0])

    def predict(self, train: Coded, tests: list[Coded], family: Family = BOOSTING) -> list[np.ndarray]:
        """Train a model and return its chances or numbers for the records of other tables."""
        return list(map(self.learn(train, family), tests))

    def score(self, test: Coded, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Return the AUROC or R2 under each set of record weights; see `auroc`."""
        return (auroc if self.is_level else r2)(self.outcome(test), predicted, weights)


def tstr(
    synthetic: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded,
    target: str | None = None,
    random_state: int = 0,
) -> dict[str, float]:
    """Train gradient boosting on synthetic records and test it on real ones.

    A category is predicted level by level against the rest (at most the five commonest levels; of
    two levels only the rarer one, for the other is its mirror image); numbers as they are.

    Parameters
    ----------
    synthetic, holdout : Dataset or DataFrame
        To train on, and to test on. Give real records first for TRTR.
    target : str, optional
        Column predicted; by default the target of either Dataset.
    random_state : int

    Returns
    -------
    dict of str to float
        AUROC (0 to 1, 0.5 is guessing) of each level, or ``{"R2": ...}`` for a numeric target.

    Raises
    ------
    ShdError
        Where there is no target, or none of its levels can be tested.

    References
    ----------
    Esteban, Hyland, Rätsch (2017), *Real-valued (Medical) Time Series Generation with Recurrent
    Conditional GANs*, arXiv 1706.02633.
    """
    target, (train, test) = aligned(target, synthetic=synthetic, holdout=holdout)
    tasks = needed_tasks(test, test, target)
    train = train.take(subsample(len(train), _MOST_ROWS, generator(random_state, "tstr")))
    predicted = in_parallel(lambda task: task.predict(train, [test])[0], tasks)
    return {
        "R2" if task.level is None else task.label: float(task.score(test, chance)[0])
        for task, chance in zip(tasks, predicted, strict=True)
    }


def measure(inputs: Inputs) -> Answer:
    """Train and test on real and synthetic records, for every common level of the target."""
    ready, skipped = with_target(inputs, "TSTR, TRTR, TSTS, TRTS")
    if ready is None:
        return Answer(skipped=skipped)
    scores, rows = [], []
    for task in ready.tasks:
        found = _designs(task, ready, inputs)
        score, note = _score(task, found, inputs.word)
        scores += score
        skipped += note
        rows += [(task.label, task.measure, name, *figures[:3]) for name, figures in found.items()]
    frame = pd.DataFrame(rows, columns=["target", "measure", "design", "value", "low", "high"])
    return Answer(scores, {"utility": frame}, skipped)


@dataclass(frozen=True, eq=False)
class Ready:
    """Records whose target is known, to train and to test on, and the tasks that they can judge (one or more)."""

    fit: Coded
    test: Coded
    synthetic: Coded
    floor: Coded
    tasks: tuple[Task, ...]


def with_target(inputs: Inputs, what: str) -> tuple[Ready | None, list[Skipped]]:
    """Return what models of the target are trained and tested on, and the levels that had to be left out.

    None where there is nothing to predict or too little to predict it with: then `what` is skipped.
    """
    target = inputs.target
    if target is None:
        return None, [Skipped(what, "no target was named: compare(..., target=...)")]
    if len(inputs.train.names) < 2:
        return None, [Skipped(what, "the table has no column beside the target")]
    tables = {name: known(getattr(inputs, name), target) for name in ("fit", "test", "synthetic", "floor")}
    if min(len(table) for table in tables.values()) < 2 * _FEWEST:
        return None, [Skipped(what, f"fewer than {2 * _FEWEST} records with a target")]
    tasks, skipped = find_tasks(tables["fit"], tables["test"], target)
    if not tasks:
        return None, [Skipped(what, f"{note.what}: {note.why}") for note in skipped]
    return Ready(**tables, tasks=tuple(tasks)), skipped


def _label(column: Column, code: float) -> str:
    return f"{code:g}" if column.is_number else column.levels[int(code)]


def known(table: Coded, target: str) -> Coded:
    """Keep the records whose target is not missing."""
    column, values = table.columns[table.names.index(target)], table.values[:, table.names.index(target)]
    missing = np.isnan(values) if column.is_number else values == _code(column.levels, MISSING)
    return table if not missing.any() else table.take(~missing)


def _code(levels: tuple[str, ...], level: str) -> int:
    return levels.index(level) if level in levels else -1


def aligned(target: str | None, **tables: Dataset | pd.DataFrame | Coded) -> tuple[str, list[Coded]]:
    """Code tables together, by their names, and keep the records whose target is known.

    Without a target that of the first Dataset that has one is meant.

    Raises
    ------
    ShdError
        Where there is no such column, or a table has no record with it.
    """
    target = target or next((t for t in (role_of(table, "target") for table in tables.values()) if t), None)
    coded, _ = align(*tables.values(), names=list(tables))
    if target not in coded[0].names:
        both = "both tables have" if len(tables) == 2 else "all tables have"
        raise ShdError(f"target={target!r} is not a column that {both}; name one of {coded[0].names[:6]}.")
    coded = [known(table, target) for table in coded]
    for name, table in zip(tables, coded, strict=True):
        if not len(table):
            raise ShdError(f"target {target!r}: {name} has no record with it; give records whose target is known.")
    return target, coded


def needed_tasks(train: Coded, test: Coded, target: str) -> list[Task]:
    """Return the tasks of `find_tasks`, or raise the reason why there is none."""
    tasks, skipped = find_tasks(train, test, target)
    if not tasks:
        raise ShdError(
            f"target {target!r}: {skipped[0].what} {skipped[0].why}; name another target or give more records."
        )
    return tasks


def find_task(table: Coded, target: str, level: str | None) -> Task:
    """Return the task that predicts one level, by default the rarer of two or the commonest, or a number."""
    if level is None:
        return needed_tasks(table, table, target)[0]
    column = table.columns[table.names.index(target)]
    codes = np.unique(table.values[:, table.names.index(target)])
    labels = {_label(column, code): code for code in codes}
    if str(level) not in labels:
        raise ShdError(f"level={level!r} does not occur in {target!r}; name one of {list(labels)[:6]}.")
    return Task(target, labels[str(level)], str(level))


def find_tasks(train: Coded, test: Coded, target: str) -> tuple[list[Task], list[Skipped]]:
    """One task a level that has enough records to be tested, the commonest first."""
    column = train.columns[train.names.index(target)]
    level, count = np.unique(train.values[:, train.names.index(target)], return_counts=True)
    if column.is_number and (len(level) > _FEW_NUMBERS or (level % 1 != 0).any()):
        return [Task(target, None, str(target))], []
    if len(level) < 2:
        return [], [Skipped(f"target {target}", "has a single level, so there is nothing to predict")]
    order = np.argsort(-count, kind="stable")
    order = order[1:] if len(order) == 2 else order[:_MOST_LEVELS]
    tasks, skipped = [], []
    for code, n_known in zip(level[order], count[order], strict=True):
        task = Task(target, code, _label(column, code))
        n_positive = int(task.outcome(test).sum())
        if min(n_positive, len(test) - n_positive) < _FEWEST:
            # what hardly anybody has is not named: these words are handed on with a release
            what = f"target level {task.label}" if n_known >= _FEWEST else "a rare level of the target"
            skipped.append(Skipped(what, f"fewer than {_FEWEST} test records have it, or have another"))
        else:
            tasks.append(task)
    return tasks, skipped


def _designs(task: Task, ready: Ready, inputs: Inputs) -> dict[str, tuple]:
    """Value, low, high and replicates of each design; the same test records are drawn for all."""
    rng = generator(inputs.random_state, "utility")
    n = min(len(ready.fit), len(ready.synthetic), len(ready.floor), inputs.most(_MOST_ROWS))
    real, synthetic, floor = (
        table.take(subsample(len(table), n, rng)) for table in (ready.fit, ready.synthetic, ready.floor)
    )
    fifth = deal(synthetic.subjects, _FIFTHS, rng) == 0
    inside = synthetic.take(fifth)
    test = ready.test.take(subsample(len(ready.test), inputs.most(_MOST_TESTED), rng))
    weights = {id(table): subject_weights(table.subjects, _REPLICATES, rng) for table in (inside, test)}

    # what to train on, and under which names the predictions on which tables are known
    models = (
        (real, {"TRTR": test, "TRTS": inside}),
        (synthetic, {"TSTR": test}),
        (synthetic.take(~fifth), {"TSTS": inside}),
        (floor, {"floor": test}),
    )
    predictions = in_parallel(lambda model: task.predict(model[0], list(model[1].values())), models)
    runs = {
        name: (table, predicted)
        for (_, tests), predictions_of in zip(models, predictions, strict=True)
        for (name, table), predicted in zip(tests.items(), predictions_of, strict=True)
    }
    found, learning = {}, _learning(task, synthetic, test, inputs)
    for name in DESIGNS:
        table, predicted = runs[name]
        value = float(task.score(table, predicted)[0])
        replicates = task.score(table, predicted, weights[id(table)])
        if name in ("TRTR", "TSTR"):  # from as many records
            replicates = redrawn(replicates, learning, rng)
        low, high = interval(value, replicates, most=1) if np.isfinite(value) else (np.nan, np.nan)
        found[name] = (value, float(low), float(high), replicates)
    return found


def _learning(task: Task, learned: Coded, test: Coded, inputs: Inputs) -> float:
    """Return the standard error that comes from the records learned from."""
    test = test.take(slice(0, _SPREAD_TESTED))
    rng = generator(inputs.random_state, f"learning {task.label}")
    found = training_error(lambda half: task.score(test, task.predict(half, [test])[0])[0], learned, rng, inputs.splits)
    return float(found)


def skill_share(tstr: Value, trtr: Value) -> Value:
    """Return how much of what real records teach synthetic ones teach: AUROCs counted from guessing, 0.5.

    Parameters
    ----------
    tstr, trtr : float or ndarray
        AUROC of models trained on synthetic and on real records; the second is taken to be .51 at least.

    Returns
    -------
    float or ndarray
        1 is as much, 0 nothing.
    """
    return (tstr - GUESSING) / np.maximum(trtr - GUESSING, _LEAST_SKILL)


def _score(task: Task, found: dict[str, tuple], word: str) -> tuple[list[Score], list[Skipped]]:
    trtr, value, floor = found["TRTR"][0], found["TSTR"][0], found["floor"][0]
    if not np.isfinite([trtr, value, floor]).all():
        return [], [Skipped(f"target {task.label}", "does not vary among the test records")]
    if task.level is None:
        _, low, high, _ = found["TSTR"]
        sentence = (
            f"Trained on synthetic records, a model explains {value:.0%} of the variation of {task.label} among "
            f"{word} records; trained on {word} records {trtr:.0%}, on independent columns {floor:.0%}."
        )
        rule = between(floor, trtr, "higher") if found["TRTR"][1] > 0 else "grey"
        return [Score("utility", f"TSTR R2: {task.label}", value, low, high, floor, trtr, rule, "higher", sentence)], []
    ratio = float(skill_share(value, trtr))
    low, high = (float(end) for end in interval(ratio, skill_share(found["TSTR"][3], found["TRTR"][3])))
    sentence = (
        f"To predict {task.target} = {task.label}, models of synthetic records reach {ratio:.0%} of what {word} ones "
        f"do beyond guessing (AUROC {value:.3f} against {trtr:.3f}; 0.5 is guessing, independent columns reach "
        f"{floor:.3f})."
    )
    rule = between(0.0, 1.0, "higher")
    if found["TRTR"][1] <= GUESSING:  # a share of nothing
        rule, sentence = "grey", f"{sentence} {word.capitalize()} records predict it hardly better than guessing."
    return [Score("utility", f"TSTR / TRTR: {task.label}", ratio, low, high, 0.0, 1.0, rule, "higher", sentence)], []
