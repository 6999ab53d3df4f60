"""Do synthetic records help where real ones are few? Models of few real records, with and without synthetic ones.

The model is logistic regression (ridge regression for a numeric target). The gain is the AUROC (R2) on real test
records with the added records minus that without them, the mean over the common levels of the target and over several
draws of the few, taken by subject. Liu et al. (2025), *Synthetic Data Generation for Augmenting Small Samples*,
arXiv 2501.18741.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from shd._parallel import in_parallel
from shd.compare.core.chance import (
    bootstrap_weights,
    generator,
    interval,
    mean_known,
    sample_records,
    subsample,
    weights_and_ones,
)
from shd.compare.core.models import LINEAR
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, between
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.core.tasks import Ready, Task

SIZES = (100, 300, 1000, 3000)  # how many real records there are, from few to many
_ADDED, _TESTED = 5000, 8000  # most records added, and tested on
_FEWEST = 5  # records of each level, and of all others, that few real records hold on average
_DRAWS, _QUICK_DRAWS, _REPLICATES = 10, 4, 100
_WHAT = "augmentation"
_REAL, _BOTH, _ALONE = "real", "real + synthetic", "synthetic"
_CEILING, _FLOOR = "real + other real", "real + independent columns"


def measure(sides: Sides) -> Answer:
    """Learn from few real records alone, with synthetic, other real, and independent ones."""
    ready, rng = sides.ready, generator(sides.random_state, "augmentation")
    sizes = _sizes(ready)
    if not sizes:
        why = f"of {SIZES[0]} to {SIZES[-1]:,} real records too few would have a level of the target, or none be left"
        return Answer(skipped=[Skipped(_WHAT, why)])
    test = sample_records(ready.test, sides.most(_TESTED), rng)
    weights = weights_and_ones(test, _REPLICATES, rng)
    added = min(sides.most(_ADDED), len(ready.synthetic), len(ready.floor), len(ready.fit) - sizes[-1])
    draws = _DRAWS if sides.level == "full" else _QUICK_DRAWS
    jobs = [job for _ in range(draws) for job in _jobs(ready, sizes, added, rng)]
    found = _learn(ready.tasks, jobs, test, weights)
    of_draws = np.vstack([np.ones(draws), bootstrap_weights(draws, _REPLICATES, rng)]).T / draws
    curves = {key: (of_draws * values).sum(axis=0) for key, values in found.items()}
    rows = []
    for (records, design), (value, *replicates) in curves.items():
        low, high = interval(value, np.array(replicates), most=1)
        rows.append((records, design, ready.tasks[0].measure, value, float(low), float(high)))
    frame = pd.DataFrame(rows, columns=["records", "design", "measure", "value", "low", "high"])
    if not np.isfinite([scores[0] for scores in curves.values()]).all():
        return Answer(skipped=[Skipped(_WHAT, "what is predicted does not vary among the records that models see")])
    return Answer([_score(sides, sizes[0], added, curves)], {_WHAT: frame})


def _sizes(ready: Ready) -> list[int]:
    """Choose the sizes at which every level can be learned and half of the real records is left over."""
    shares = [task.outcome(ready.fit).mean() for task in ready.tasks if task.is_level]
    rarest = min((min(share, 1 - share) for share in shares), default=1.0)
    return [n for n in SIZES if n * rarest >= _FEWEST and n <= len(ready.fit) // 2]


def _jobs(ready: Ready, sizes: list[int], added: int, rng: np.random.Generator) -> list[tuple[int, str, list]]:
    """Draw records, the real ones subject after subject, and return what to learn from.

    How many real ones are in it, the name of what is beside them, and the parts: tables, and which of their rows.
    """
    ids, of_record = np.unique(ready.fit.subjects, return_inverse=True)
    order = np.argsort(rng.permutation(len(ids))[of_record], kind="stable")
    synthetic, floor = ((table, subsample(len(table), added, rng)) for table in (ready.synthetic, ready.floor))
    few, least = {n: (ready.fit, order[:n]) for n in sizes}, sizes[0]
    return [
        *((n, _REAL, [real]) for n, real in few.items()),
        *((n, _BOTH, [real, synthetic]) for n, real in few.items()),
        (0, _ALONE, [synthetic]),
        (least, _CEILING, [few[least], (ready.fit, order[least : least + added])]),
        (least, _FLOOR, [few[least], floor]),
    ]


def _learn(tasks: Sequence[Task], jobs: list, test: Coded, weights: np.ndarray) -> dict[tuple[int, str], np.ndarray]:
    """Return how good models are by what they learned from, the mean over the tasks, shape (n_draws, n_sets)."""

    def mean_score(records: int, design: str, parts: list) -> np.ndarray:
        # put together only now: all tables at once would fill the memory
        values, subjects = (
            np.concatenate([getattr(table, name)[rows] for table, rows in parts]) for name in ("values", "subjects")
        )
        train = replace(parts[0][0], values=values, subjects=subjects)
        scores = [task.score(test, task.predict(train, [test], LINEAR)[0], weights) for task in tasks]
        return mean_known(np.array(scores))

    found = {}
    for (records, design, _), score in zip(jobs, in_parallel(mean_score, *zip(*jobs, strict=True)), strict=True):
        found.setdefault((records, design), []).append(score)
    return {key: np.array(scores) for key, scores in found.items()}


def _score(sides: Sides, n: int, added: int, curves: dict[tuple[int, str], np.ndarray]) -> Score:
    tasks, alone = sides.ready.tasks, curves[n, _REAL]
    gains = {design: curves[n, design] - alone for design in (_BOTH, _FLOOR, _CEILING)}
    value, floor, ceiling = (float(gain[0]) for gain in gains.values())
    levels = f" (mean of {len(tasks)} levels)" if len(tasks) > 1 else ""
    ends, rule = interval(value, gains[_BOTH][1:]), between(floor, ceiling, "higher")
    sentence = (
        f"Learning from {n:,} {sides.word} records, models of {sides.target} reach an {tasks[0].measure} of "
        f"{alone[0]:.3f}{levels}; {added:,} synthetic records beside them make it {alone[0] + value:.3f}, a "
        f"gain of {value:.3f}. As many other {sides.word} records would gain {ceiling:.3f}, independent columns "
        f"{floor:.3f}."
    )
    return Score.of(
        "augmentation gain", value, ends, (floor, ceiling), verdict=rule, better="higher", sentence=sentence
    )


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
