"""What is predicted: the levels of the target that have enough records, and the records that have one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from shd._parallel import in_parallel
from shd.compare.core.models import BOOSTING, Family, auroc, fit, r2
from shd.compare.core.score import Skipped
from shd.compare.core.tables import Coded, Column

_MOST_LEVELS = 5  # levels of the target that get a model of their own
_FEWEST = 10  # records of a level, and of the rest, to test on
_FEW_NUMBERS = 10  # a target of at most so many whole numbers is a set of levels
GUESSING, _LEAST_SKILL = 0.5, 0.01  # AUROC of who knows nothing; what real records teach at least, to divide by it


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


def perform(
    tasks: Sequence[Task],
    families: Sequence[Family],
    tables: dict[str, Coded],
    designs: dict[str, tuple[str, str]],
    score: Callable[[Task, str, np.ndarray], object],
) -> dict[str, list]:
    """Train every model, and return what `score` makes of its predictions in each design, task after task.

    A design is what is learned from and what is tested on, as `tables` call them; a model learns once for all.
    """

    def run(learned: str, task: Task, family: Family) -> dict[str, object]:
        predict = task.learn(tables[learned], family)
        own = {design: tested for design, (by, tested) in designs.items() if by == learned}
        return {design: score(task, design, predict(tables[tested])) for design, tested in own.items()}

    jobs = product(dict.fromkeys(learned for learned, _ in designs.values()), tasks, families)
    found = in_parallel(run, *zip(*jobs, strict=True))
    return {design: [scored[design] for scored in found if design in scored] for design in designs}


@dataclass(frozen=True, eq=False)
class Ready:
    """Records whose target is known, to train and test on, the tasks that they can judge, and what is left out."""

    fit: Coded
    test: Coded
    synthetic: Coded
    floor: Coded
    tasks: tuple[Task, ...]
    left_out: tuple[Skipped, ...] = ()


def prepare(target: str, **tables: Coded) -> Ready | str:
    """Return what models of the target are trained and tested on; a sentence where there is too little."""
    if len(tables["fit"].names) < 2:
        return "the table has no column beside the target"
    tables = {name: with_known_target(table, target) for name, table in tables.items()}
    if min(len(table) for table in tables.values()) < 2 * _FEWEST:
        return f"fewer than {2 * _FEWEST} records with a target"
    tasks, left_out = find_tasks(tables["fit"], tables["test"], target)
    if not tasks:
        return "; ".join(f"{note.what}: {note.why}" for note in left_out)
    return Ready(**tables, tasks=tuple(tasks), left_out=tuple(left_out))


def _label(column: Column, code: float) -> str:
    return f"{code:g}" if column.is_number else column.levels[int(code)]


def with_known_target(table: Coded, target: str) -> Coded:
    """Keep the records whose target is not missing."""
    missing = table.is_missing()[:, table.names.index(target)]
    return table.take(~missing) if missing.any() else table


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


def skill_share(tstr: float | np.ndarray, trtr: float | np.ndarray) -> float | np.ndarray:
    """Return the share of what real records teach that synthetic ones teach: AUROCs counted from guessing, 0.5."""
    return (tstr - GUESSING) / np.maximum(trtr - GUESSING, _LEAST_SKILL)
