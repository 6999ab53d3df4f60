"""Do synthetic records put models in the same order as real ones? A grid of models, and their ranking agreement (SRA).

Who only has synthetic records chooses a model by what it scores on them. That choice is right where models that are
better on real records are also better on synthetic ones. Synthetic ranking agreement (SRA): the share of pairs of
models that both put in the same order. Jordon, Yoon, van der Schaar (2018), *Measuring the Quality of Synthetic Data
for Use in Competitions*, arXiv 1806.11345.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from shd.compare.core.chance import deal, equally_many, generator, interval, redrawn, training_error, weights_and_ones
from shd.compare.core.models import FAMILIES, Family
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, between
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.core.tasks import Ready, Task, perform
from shd.compare.utility.tstr import DESIGNS

_ROWS, _TESTED = 10_000, 15_000  # most records to train on and to test on
_FEWEST = 20  # records in each part of a table
_AGAIN_TESTED = 3000
_REPLICATES, _LEVELS = 100, 3  # and most levels of the target
_Z = 1.96
_WHAT = "SRA and the grid of models"
_FLOOR, _OTHER = "floor inside", "other real records"  # trained and tested inside Marginals, or other real records
_ENDS = (_FLOOR, _OTHER)
_TESTS = ("test", "inside", "inside floor", "inside other")
_DESIGNS = {  # what is learned from, and what is tested on
    "TRTR": ("real", "test"),
    "TRTS": ("real", "inside"),
    "TSTR": ("synthetic", "test"),
    "TSTS": ("synthetic", "inside"),
    "floor": ("floor", "test"),
    _FLOOR: ("floor", "inside floor"),
    _OTHER: ("other", "inside other"),
}
_AGAIN = "TSTS, learned again"  # from halves, to see how much that matters


def measure(sides: Sides) -> Answer:
    """Train every family on real and synthetic records, and compare how they rank."""
    ready = sides.ready
    rng = generator(sides.random_state, "ranking")
    tables = _draw(ready, sides, rng)
    if min(len(table) for table in tables.values()) < _FEWEST:
        return Answer(skipped=[Skipped(_WHAT, f"takes {_FEWEST} records in each third of the real ones")])
    weights = {name: weights_and_ones(tables[name], _REPLICATES, rng) for name in _TESTS}
    tasks = ready.tasks[: _LEVELS if sides.level == "full" else 1]
    found = _perform(tasks, tables, weights)
    found[_AGAIN] = _learned_again(tasks, tables, found["TSTS"], sides.splits - 1, rng)
    scores, notes = _score(sides, tasks, found, len(tables["real"]))
    return Answer(scores, {"models": _grid(tasks, found)}, notes)


def _parts(table: Coded, hands: int, rng: np.random.Generator) -> list[Coded]:
    """Cut a table into equal parts that share no subject."""
    hand = deal(table.subjects, hands, rng)
    return [table.take(hand == k) for k in range(hands)]


def _draw(ready: Ready, sides: Sides, rng: np.random.Generator) -> dict[str, Coded]:
    """Draw what is learned from and what is tested on, each equally many records for all tables.

    The other real records, which give the ceiling, are two further thirds of those that models may
    learn from: no subject is in two of the three.
    """
    real, other, inside_other = _parts(ready.fit, 3, rng)
    synthetic, inside = _parts(ready.synthetic, 2, rng)
    floor, inside_floor = _parts(ready.floor, 2, rng)
    learned = {"real": real, "synthetic": synthetic, "floor": floor, "other": other}
    tested = dict(zip(_TESTS, (ready.test, inside, inside_floor, inside_other), strict=True))
    drawn = {}
    for tables, most in ((learned, _ROWS), (tested, _TESTED)):
        drawn |= zip(tables, equally_many(list(tables.values()), sides.most(most), rng), strict=True)
    return drawn


def _families(task: Task) -> list[Family]:
    return [family for family in FAMILIES if family.called(task.is_level)]


def _perform(tasks: Sequence[Task], tables: dict[str, Coded], weights: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return how good each model is in each design, under each set of weights of the records tested on.

    Shape (n_tasks, n_families, n_sets). Where a table lacks a level nothing can be told apart, and
    every model counts as guessing.
    """

    def score(task: Task, design: str, predicted: np.ndarray) -> np.ndarray:
        tested = _DESIGNS[design][1]
        return np.nan_to_num(task.score(tables[tested], predicted, weights[tested]), nan=0.5 if task.is_level else 0.0)

    families = _families(tasks[0])
    found = perform(tasks, families, tables, _DESIGNS, score)
    return {design: np.reshape(scores, (len(tasks), len(families), -1)) for design, scores in found.items()}


def _learned_again(
    tasks: Sequence[Task], tables: dict[str, Coded], performance: np.ndarray, splits: int, rng: np.random.Generator
) -> np.ndarray:
    """Return performances inside the synthetic table that vary by the records learned from, too; see `_perform`."""
    inside, families = tables["inside"].take(slice(0, _AGAIN_TESTED)), _families(tasks[0])

    def of_half(half: Coded) -> np.ndarray:
        found = [[task.score(inside, task.predict(half, [inside], f)[0])[0] for f in families] for task in tasks]
        return np.nan_to_num(np.array(found), nan=0.5 if tasks[0].is_level else 0.0)

    error = training_error(of_half, tables["synthetic"], rng, splits)
    return np.moveaxis(redrawn(np.moveaxis(performance, -1, 0), error, rng), 0, -1)


def _grid(tasks: Sequence[Task], found: dict[str, np.ndarray]) -> pd.DataFrame:
    rows = []
    for i, task in enumerate(tasks):
        for j, family in enumerate(_families(task)):
            for design in DESIGNS:
                value, *replicates = found[design][i, j]
                low, high = interval(value, np.array(replicates), most=1)
                name = family.called(task.is_level)
                rows.append((task.label, name, design, task.measure, value, float(low), float(high)))
    return pd.DataFrame(rows, columns=["target", "model", "design", "measure", "value", "low", "high"])


def _score(
    sides: Sides, tasks: Sequence[Task], found: dict[str, np.ndarray], n: int
) -> tuple[list[Score], list[Skipped]]:
    gaps = {name: np.concatenate([_gaps(of_task) for of_task in found[name]]) for name in ("TRTR", "TSTS", *_ENDS)}
    real = gaps["TRTR"]
    counted = np.abs(real[:, 0]) > _Z * real[:, 1:].std(axis=1)
    if not counted.any():
        return [], [Skipped("SRA", f"no two models differ beyond chance on {sides.word} records")]
    # the interval holds chance in the records learned from and tested on, and in which kinds of model there are
    # the mean over redraws: a gap near 0 counts about half, whichever sign it happens to have
    agreement = {name: _alike(real[counted, :1], gaps[name][counted, 1:]).mean(axis=0) for name in ("TSTS", *_ENDS)}
    value, floor, ceiling = (float(agreement[name].mean()) for name in ("TSTS", _FLOOR, _OTHER))
    by_pair = _alike(real[counted, :1], gaps["TSTS"][counted, 1:]).mean(axis=1)
    again = np.concatenate([_gaps(of_task) for of_task in found[_AGAIN]])[counted, 1:]
    error = np.hypot(
        _alike(real[counted, :1], again).mean(axis=0).std(),
        _error_of_models(by_pair, counted, len(_families(tasks[0]))),
    )
    levels = f"{len(tasks)} levels of {sides.target}" if len(tasks) > 1 else f"{sides.target}"
    ends = np.clip([value - _Z * error, value + _Z * error], 0, 1)
    rule = between(floor, ceiling, "higher")
    sentence = (
        f"Who chooses among {len(_families(tasks[0]))} kinds of model by what they score on synthetic records (to "
        f"predict {levels}, from {n:,} records) orders {value:.0%} of {counted.sum()} pairs as {sides.word} "
        f"records do; by other {sides.word} records it would be {ceiling:.0%}, by independent columns {floor:.0%}. "
        f"{(~counted).sum()} more pairs differ on {sides.word} records by no more than chance and are not counted."
    )
    score = Score.of("SRA", value, ends, (floor, ceiling), verdict=rule, better="higher", sentence=sentence)
    return [score], []


def _error_of_models(by_pair: np.ndarray, counted: np.ndarray, n_models: int) -> float:
    """Return the standard error that comes from the choice of models: the jackknife, one kind left out each time.

    `by_pair` holds the agreement of each pair that counts, `counted` which ones do, task after task.
    """
    first, second = np.triu_indices(n_models, 1)
    n_tasks = len(counted) // len(first)
    pairs = np.stack([np.tile(first, n_tasks), np.tile(second, n_tasks)])[:, counted]
    rest = [by_pair[(pairs != model).all(axis=0)] for model in range(n_models)]
    without = np.array([kept.mean() for kept in rest if len(kept)])
    k = len(without)
    return float(np.sqrt((k - 1) / k * ((without - without.mean()) ** 2).sum())) if k > 1 else 0.0


def _gaps(performance: np.ndarray) -> np.ndarray:
    """Return the difference of each pair of models, shape (n_pairs, n_sets)."""
    first, second = np.triu_indices(len(performance), 1)
    return performance[first] - performance[second]


def _alike(gaps: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return 1 where two differences have the same sign, 0 where opposite ones, 0.5 where either is no difference."""
    return (1 + np.sign(gaps) * np.sign(others)) / 2


QUESTION = Question(
    name="ranking of models",
    chapter="utility",
    measure=measure,
    show="chapters.utility:models",
    weight=20,
    needs=("target",),
    tables=("models",),
    readme=("SRA",),
    words={
        "SRA": (
            "Synthetic ranking agreement: how often two models come in the same order when chosen by synthetic "
            "records alone as when chosen by real ones."
        ),
    },
)
