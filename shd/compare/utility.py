"""Is it useful? Models of the target, trained and tested on real and synthetic records.

TRTR, TSTR, TSTS, TRTS: train on real or synthetic, test on real or synthetic. What counts is TSTR
beside TRTR: how much of what real records teach do synthetic ones teach? TSTS alone misleads:
synthetic records that are too easy to predict score high on themselves.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd._parallel import in_parallel
from shd.compare._coded import MISSING, Coded, align
from shd.compare._models import auroc, boosted_chance, boosted_number, r2
from shd.compare._resample import deal, generator, interval, subject_weights, subsample
from shd.compare._schema import Answer, Inputs, Score, Skipped, judge
from shd.dataset import Dataset

DESIGNS = ("TRTR", "TSTR", "TSTS", "TRTS", "floor")
_MOST_LEVELS = 5  # levels of the target that get a model of their own
_MOST_ROWS = 100_000  # to train on
_FEWEST = 10  # records of a level, and of the rest, to test on
_FEW_NUMBERS = 10  # a target of at most so many whole numbers is a set of levels
_REPLICATES, _FIFTHS = 200, 5


@dataclass(frozen=True)
class _Task:
    """One model to train: a level against the rest, or the number itself where `level` is None."""

    target: str
    level: float | None
    label: str

    @property
    def measure(self) -> str:
        return "R2" if self.level is None else "AUROC"

    def outcome(self, table: Coded) -> np.ndarray:
        """Return what is predicted: bool for a level, float for a number; shape (n,)."""
        values = table.values[:, table.names.index(self.target)]
        return values if self.level is None else values == self.level

    def predict(self, train: Coded, tests: list[Coded]) -> list[np.ndarray]:
        x, categories = train.features(self.target)
        fit = boosted_number if self.level is None else boosted_chance
        return fit(x, self.outcome(train), [test.features(self.target)[0] for test in tests], categories)

    def score(self, test: Coded, predicted: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        return (r2 if self.level is None else auroc)(self.outcome(test), predicted, weights)


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
    target = target or getattr(synthetic, "target", None) or getattr(holdout, "target", None)
    (train, test), _ = align(synthetic, holdout, names=["synthetic", "holdout"])
    if target not in train.names:
        raise ShdError(f"target={target!r} is not a column that both tables have; name one of {train.names[:6]}.")
    train, test = _known(train, target), _known(test, target)
    tasks, skipped = _tasks(test, test, target)
    if not tasks or not len(train):
        raise ShdError(f"target {target!r}: {skipped[0].why if skipped else 'synthetic has no record with it'}.")
    train = train.take(subsample(len(train), _MOST_ROWS, generator(random_state, "tstr")))
    predicted = in_parallel(lambda task: task.predict(train, [test])[0], tasks)
    return {
        "R2" if task.level is None else task.label: float(task.score(test, chance)[0])
        for task, chance in zip(tasks, predicted, strict=True)
    }


def measure(inputs: Inputs) -> Answer:
    """Train and test on real and synthetic records, for every common level of the target."""
    target = inputs.target
    if target is None:
        return Answer(skipped=[Skipped("TSTR, TRTR, TSTS, TRTS", "no target was named: compare(..., target=...)")])
    if len(inputs.train.names) < 2:
        return Answer(skipped=[Skipped("TSTR, TRTR, TSTS, TRTS", "the table has no column beside the target")])
    tables = {name: _known(getattr(inputs, name), target) for name in ("fit", "test", "synthetic", "floor")}
    if min(len(table) for table in tables.values()) < 2 * _FEWEST:
        return Answer(skipped=[Skipped("TSTR, TRTR, TSTS, TRTS", f"fewer than {2 * _FEWEST} records with a target")])
    tasks, skipped = _tasks(tables["fit"], tables["test"], target)
    scores, rows = [], []
    for task in tasks:
        found = _designs(task, tables, inputs.random_state)
        score, note = _score(task, found, inputs.word)
        scores += score
        skipped += note
        rows += [(task.label, task.measure, name, *figures[:3]) for name, figures in found.items()]
    frame = pd.DataFrame(rows, columns=["target", "measure", "design", "value", "low", "high"])
    return Answer(scores, {"utility": frame} if rows else {}, skipped)


def _known(table: Coded, target: str) -> Coded:
    """Keep the records whose target is not missing."""
    column, values = table.columns[table.names.index(target)], table.values[:, table.names.index(target)]
    missing = np.isnan(values) if column.is_number else values == _code(column.levels, MISSING)
    return table if not missing.any() else table.take(~missing)


def _code(levels: tuple[str, ...], level: str) -> int:
    return levels.index(level) if level in levels else -1


def _tasks(train: Coded, test: Coded, target: str) -> tuple[list[_Task], list[Skipped]]:
    """One task a level that has enough records to be tested, the commonest first."""
    column = train.columns[train.names.index(target)]
    level, count = np.unique(train.values[:, train.names.index(target)], return_counts=True)
    if column.is_number and (len(level) > _FEW_NUMBERS or (level % 1 != 0).any()):
        return [_Task(target, None, str(target))], []
    if len(level) < 2:
        return [], [Skipped(f"target {target}", "has a single level, so there is nothing to predict")]
    common = level[np.argsort(-count, kind="stable")]
    common = common[1:] if len(common) == 2 else common[:_MOST_LEVELS]
    tasks, skipped = [], []
    for code in common:
        task = _Task(target, code, f"{code:g}" if column.is_number else column.levels[int(code)])
        n_positive = int(task.outcome(test).sum())
        if min(n_positive, len(test) - n_positive) < _FEWEST:
            skipped.append(Skipped(f"target level {task.label}", f"{n_positive} of {len(test)} test records have it"))
        else:
            tasks.append(task)
    return tasks, skipped


def _designs(task: _Task, tables: dict[str, Coded], random_state: int) -> dict[str, tuple]:
    """Value, low, high and replicates of each design; the same test records are drawn for all."""
    rng = generator(random_state, "utility")
    n = min(len(tables["fit"]), len(tables["synthetic"]), len(tables["floor"]), _MOST_ROWS)
    real, synthetic, floor = (
        tables[name].take(subsample(len(tables[name]), n, rng)) for name in ("fit", "synthetic", "floor")
    )
    fifth = deal(synthetic.subjects, _FIFTHS, rng) == 0
    inside, test = synthetic.take(fifth), tables["test"]
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
    found = {}
    for name in DESIGNS:
        table, predicted = runs[name]
        value = float(task.score(table, predicted)[0])
        replicates = task.score(table, predicted, weights[id(table)])
        low, high = interval(value, replicates, most=1) if np.isfinite(value) else (np.nan, np.nan)
        found[name] = (value, float(low), float(high), replicates)
    return found


def _score(task: _Task, found: dict[str, tuple], word: str) -> tuple[list[Score], list[Skipped]]:
    trtr, value, floor = found["TRTR"][0], found["TSTR"][0], found["floor"][0]
    if not np.isfinite([trtr, value, floor]).all():
        return [], [Skipped(f"target {task.label}", "does not vary among the test records")]
    if task.level is None:
        _, low, high, _ = found["TSTR"]
        sentence = (
            f"Trained on synthetic records, a model explains {value:.0%} of the variation of {task.label} among "
            f"{word} records; trained on {word} records {trtr:.0%}, on independent columns {floor:.0%}."
        )
        verdict = judge(value, low, high, floor, trtr, "higher")
        return [
            Score("utility", f"TSTR R2: {task.label}", value, low, high, floor, trtr, verdict, "higher", sentence)
        ], _unlearnable(task, found, 0.0, word)
    trtr = max(trtr, 0.01)  # worse than guessing by far, and never divided by 0
    ratio, floor_ratio = value / trtr, floor / trtr
    low, high = interval(ratio, found["TSTR"][3] / np.maximum(found["TRTR"][3], 0.01), 0)
    sentence = (
        f"To predict {task.target} = {task.label}, synthetic records teach {ratio:.0%} of what {word} ones do "
        f"(AUROC {value:.3f} against {trtr:.3f}; 0.5 is guessing, independent columns reach {floor:.3f})."
    )
    verdict = judge(ratio, float(low), float(high), floor_ratio, 1.0, "higher")
    score = Score(
        "utility", f"TSTR / TRTR: {task.label}", ratio, float(low), float(high), floor_ratio, 1.0, verdict,
        "higher", sentence,
    )  # fmt: skip
    return [score], _unlearnable(task, found, 0.5, word)


def _unlearnable(task: _Task, found: dict[str, tuple], guess: float, word: str) -> list[Skipped]:
    if found["TRTR"][1] > guess:
        return []
    why = f"{word} records do not predict it better than guessing, so that TSTR says little"
    return [Skipped(f"target {task.label}", why)]
