"""Do synthetic records help where real ones are few? Models of few real records, with and without synthetic ones."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd._parallel import in_parallel
from shd.compare.core.chance import bootstrap_weights, generator, interval, mean_known, subject_weights, subsample
from shd.compare.core.models import LINEAR
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.core.tasks import Ready, Task, aligned, needed_tasks
from shd.compare.core.verdicts import between
from shd.dataset import Dataset

SIZES = (100, 300, 1000, 3000)
"""How many real records there are, from few to many."""

_ADDED, _TESTED = 5000, 8000  # most records added, and tested on
_FEWEST = 5  # records of each level, and of all others, that few real records hold on average
_DRAWS, _QUICK_DRAWS, _REPLICATES = 10, 4, 100
_WHAT = "augmentation"
_REAL, _BOTH, _ALONE = "real", "real + synthetic", "synthetic"
_CEILING, _FLOOR = "real + other real", "real + independent columns"


def augmentation_gain(
    real: Dataset | pd.DataFrame | Coded,
    added: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded,
    target: str | None = None,
    records: int = 100,
    draws: int = _DRAWS,
    random_state: int = 0,
) -> float:
    """Return what added records gain for a model that else learns from few real records.

    The model is logistic regression (ridge regression for a numeric target). The gain is the AUROC
    (R2) on the holdout with the added records minus that without them, the mean over the common
    levels of the target and over several draws of the few, taken by subject.

    Parameters
    ----------
    real, added, holdout : Dataset or DataFrame
        Where the few records are drawn from, what is added (at most 5,000 records a draw), and
        what models are tested on (at most 8,000).
    target : str, optional
        Column predicted; by default the target of any of the Datasets.
    records : int
        How many real records there are.
    draws : int
        How often they are drawn.
    random_state : int

    Returns
    -------
    float
        Above 0: the added records help; below 0: they harm.

    Raises
    ------
    ShdError
        Where there is no target, none of its levels can be tested, or `records` are more than there are.

    References
    ----------
    Liu et al. (2025), *Synthetic Data Generation for Augmenting Small Samples*, arXiv 2501.18741.
    """
    target, (real, added, test) = aligned(target, real=real, added=added, holdout=holdout)
    if not 1 <= records <= len(real) or draws < 1:
        raise ShdError(
            f"{records} of {len(real)} real records, drawn {draws} times: not possible. Ask for at most as many "
            "records as there are, once or more often."
        )
    tasks = needed_tasks(test, test, target)
    rng = generator(random_state, "augmentation gain")
    test = test.take(subsample(len(test), _TESTED, rng))
    plan = _Plan((records,), min(_ADDED, len(added)), draws)
    jobs = [job for _ in range(draws) for job in _curves(plan, *_draw(plan, real, added, rng))]
    found = _learn(tasks, jobs, test, np.ones((1, len(test))))
    return float((found[records, _BOTH] - found[records, _REAL]).mean())


def measure(sides: Sides) -> Answer:
    """Learn from few real records alone, with synthetic, other real, and independent ones."""
    ready = sides.ready
    rng = generator(sides.random_state, "augmentation")
    plan = _plan(sides, ready)
    if plan is None:
        why = f"of {SIZES[0]} to {SIZES[-1]:,} real records too few would have a level of the target, or none be left"
        return Answer(skipped=[Skipped(_WHAT, why)])
    test = ready.test.take(subsample(len(ready.test), sides.most(_TESTED), rng))
    weights = np.vstack([np.ones(len(test)), subject_weights(test.subjects, _REPLICATES, rng)])
    jobs = []
    for _ in range(plan.draws):
        real, synthetic = _draw(plan, ready.fit, ready.synthetic, rng)
        floor = _Part(ready.floor, subsample(len(ready.floor), plan.added, rng))
        jobs += [*_curves(plan, real, synthetic), *_ends(plan, real, synthetic, floor)]
    found = _learn(ready.tasks, jobs, test, weights)
    of_draws = np.vstack([np.ones(plan.draws), bootstrap_weights(plan.draws, _REPLICATES, rng)]).T / plan.draws
    curves = {key: (of_draws * values).sum(axis=0) for key, values in found.items()}
    rows = []
    for (records, design), (value, *replicates) in curves.items():
        low, high = interval(value, np.array(replicates), most=1)
        rows.append((records, design, ready.tasks[0].measure, value, float(low), float(high)))
    frame = pd.DataFrame(rows, columns=["records", "design", "measure", "value", "low", "high"])
    if not np.isfinite([scores[0] for scores in curves.values()]).all():
        return Answer(skipped=[Skipped(_WHAT, "what is predicted does not vary among the records that models see")])
    return Answer([_score(sides, ready.tasks, plan, curves)], {_WHAT: frame})


@dataclass(frozen=True)
class _Plan:
    """How many real records there are at a time, how many are added to them, and how often both are drawn."""

    sizes: tuple[int, ...]
    added: int
    draws: int


@dataclass(frozen=True, eq=False)
class _Part:
    """Some records of a table, in this order."""

    table: Coded
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class _Job:
    """What to learn from: how many real records are in it, the name of what is beside them, and the parts."""

    records: int
    design: str
    parts: tuple[_Part, ...]

    def table(self) -> Coded:
        """Put the parts together; only while they are learned from, for all tables at once would fill the memory."""
        tables = [part.table.take(part.rows) for part in self.parts]
        values, subjects = (np.concatenate([getattr(t, name) for t in tables]) for name in ("values", "subjects"))
        return replace(tables[0], values=values, subjects=subjects)


def _plan(sides: Sides, ready: Ready) -> _Plan | None:
    """Choose the sizes at which every level can be learned and half of the real records is left over."""
    shares = [task.outcome(ready.fit).mean() for task in ready.tasks if task.is_level]
    rarest = min((min(share, 1 - share) for share in shares), default=1.0)
    sizes = tuple(n for n in SIZES if n * rarest >= _FEWEST and n <= len(ready.fit) // 2)
    if not sizes:
        return None
    added = min(sides.most(_ADDED), len(ready.synthetic), len(ready.floor), len(ready.fit) - sizes[-1])
    return _Plan(sizes, added, _DRAWS if sides.level == "full" else _QUICK_DRAWS)


def _draw(plan: _Plan, real: Coded, synthetic: Coded, rng: np.random.Generator) -> tuple[_Part, _Part]:
    """Return the real records, subject after subject in random order, and the synthetic ones to add."""
    ids, of_record = np.unique(real.subjects, return_inverse=True)
    order = np.argsort(rng.permutation(len(ids))[of_record], kind="stable")
    return _Part(real, order), _Part(synthetic, subsample(len(synthetic), plan.added, rng))


def _curves(plan: _Plan, real: _Part, synthetic: _Part) -> list[_Job]:
    few = [(n, _Part(real.table, real.rows[:n])) for n in plan.sizes]
    return [
        *(_Job(n, _REAL, (part,)) for n, part in few),
        *(_Job(n, _BOTH, (part, synthetic)) for n, part in few),
    ]


def _ends(plan: _Plan, real: _Part, synthetic: _Part, floor: _Part) -> list[_Job]:
    """Synthetic records alone; and at the smallest size what other real and independent ones would add."""
    n = plan.sizes[0]
    few, other = _Part(real.table, real.rows[:n]), _Part(real.table, real.rows[n : n + plan.added])
    return [
        _Job(0, _ALONE, (synthetic,)),
        _Job(n, _CEILING, (few, other)),
        _Job(n, _FLOOR, (few, floor)),
    ]


def _learn(
    tasks: Sequence[Task], jobs: list[_Job], test: Coded, weights: np.ndarray
) -> dict[tuple[int, str], np.ndarray]:
    """Return how good models are by what they learned from, the mean over the tasks, shape (n_draws, n_sets)."""

    def mean_score(job: _Job) -> np.ndarray:
        table = job.table()
        scores = [task.score(test, task.predict(table, [test], LINEAR)[0], weights) for task in tasks]
        return mean_known(np.array(scores))

    found = {}
    for job, score in zip(jobs, in_parallel(mean_score, jobs), strict=True):
        found.setdefault((job.records, job.design), []).append(score)
    return {key: np.array(scores) for key, scores in found.items()}


def _score(sides: Sides, tasks: Sequence[Task], plan: _Plan, curves: dict[tuple[int, str], np.ndarray]) -> Score:
    n = plan.sizes[0]
    alone = curves[n, _REAL]
    gains = {design: curves[n, design] - alone for design in (_BOTH, _FLOOR, _CEILING)}
    value, floor, ceiling = (float(gain[0]) for gain in gains.values())
    low, high = (float(bound) for bound in interval(value, gains[_BOTH][1:]))
    levels = f" (mean of {len(tasks)} levels)" if len(tasks) > 1 else ""
    sentence = (
        f"Learning from {n:,} {sides.word} records, models of {sides.target} reach an {tasks[0].measure} of "
        f"{alone[0]:.3f}{levels}; {plan.added:,} synthetic records beside them make it {alone[0] + value:.3f}, a gain "
        f"of {value:.3f}. As many other {sides.word} records would gain {ceiling:.3f}, independent columns "
        f"{floor:.3f}."
    )
    rule = between(floor, ceiling, "higher")
    return Score("utility", "augmentation gain", value, low, high, floor, ceiling, rule, "higher", sentence)


QUESTION = Question(
    name="few real records and synthetic ones",
    chapter="utility",
    measure=measure,
    show="chapters.utility:augmentation",
    weight=11,
    needs=("target",),
    tables=("augmentation",),
    words={
        "augmentation gain": (
            "What a model that learns from few real records wins by synthetic ones beside them. The ceiling is "
            "what as many other real records would add."
        ),
    },
)
