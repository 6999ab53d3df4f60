"""Are chances right? Calibration of logistic regressions trained on synthetic and on real records, tested on real ones.

The expected calibration error is the mean gap between chance and frequency over ten bands of equally many records:
Naeini, Cooper, Hauskrecht (2015), *Obtaining Well Calibrated Probabilities Using Bayesian Binning*, with bands of
equal size as in Nixon et al. (2019), arXiv 1904.01685. The slope is that of the logistic regression of what came true
on the log odds of the chances (Cox 1958, doi 10.1093/biomet/45.3-4.562; Van Calster et al. 2019, doi
10.1186/s12916-019-1466-7): 1 is ideal; below it chances are too extreme, above it too timid.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from shd._parallel import in_parallel
from shd.compare.core.chance import (
    equally_many,
    generator,
    interval,
    redrawn,
    sample_records,
    training_error,
    weights_and_ones,
)
from shd.compare.core.models import LOOSE, bands, calibration_gap, calibration_lines
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, within
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.core.tasks import Task

GREEN_ERROR, AMBER_ERROR, GREEN_SLOPE, AMBER_SLOPE = 0.02, 0.05, 0.1, 0.3  # further off than with real records
_LINEAR_ROWS, _TESTED, _AGAIN_TESTED = 20_000, 20_000, 4000  # most records to train on, to test on, and again
_BANDS, _REPLICATES = 10, 60
_SLOPE = "calibration slope"
_CURVE = ["target", "design", "chance band", "predicted", "observed", "records"]
_TABLES = ("real", "synthetic", "floor")
_VALUE_AND_ENDS = ("synthetic", "floor", "real")


def measure(sides: Sides) -> Answer:
    """Draw a line and ten bands of chances for each level; the scores are means over the levels."""
    ready = sides.ready
    if not ready.tasks[0].is_level:
        return Answer(skipped=[Skipped("calibration", "takes a target of levels; this one is a number")])
    rng = generator(sides.random_state, "calibration")
    tables = equally_many((ready.fit, ready.synthetic, ready.floor), sides.most(_LINEAR_ROWS), rng)
    tables = dict(zip(_TABLES, tables, strict=True))
    test = sample_records(ready.test, sides.most(_TESTED), rng)
    weights = weights_and_ones(test, _REPLICATES, rng)

    def examine(task: Task, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        chance, outcome = task.predict(tables[name], [test], LOOSE)[0], task.outcome(test)
        gap = calibration_gap(bands(chance, _BANDS), chance, outcome, weights)
        return chance, gap, calibration_lines(chance, outcome, weights)

    jobs = [(task, name) for task in ready.tasks for name in tables]
    found = list(zip(jobs, in_parallel(examine, *zip(*jobs, strict=True)), strict=True))
    curves = [_curve(task, name, chance, task.outcome(test)) for (task, name), (chance, *_) in found]
    lines = [(task.label, name, *line[0], gap[0]) for (task, name), (_, gap, line) in found]
    frames = {
        "calibration": pd.concat(curves, ignore_index=True),
        "calibration lines": pd.DataFrame(lines, columns=["target", "design", "intercept", "slope", "error"]),
    }
    numbers = np.array([(gap, line[:, 1]) for _, (_, gap, line) in found])
    by_table = numbers.reshape(len(ready.tasks), len(tables), 2, -1).mean(axis=0)
    gaps, slopes = (dict(zip(tables, by_table[:, k], strict=True)) for k in range(2))
    few = test.take(slice(0, _AGAIN_TESTED))
    for name in ("real", "synthetic"):  # each by its own halves: what nothing can be learned from is erratic
        errors = training_error(lambda half: _calibrated(ready.tasks, half, few), tables[name], rng, sides.splits)
        for part, error in zip((gaps, slopes), errors, strict=True):
            part[name] = np.append(part[name][0], redrawn(part[name][1:], error, rng))
    slope, skipped = _slope_score(sides, slopes)
    return Answer([_error_score(sides, gaps), *slope], frames, skipped)


def _calibrated(tasks: Sequence[Task], train: Coded, test: Coded) -> np.ndarray:
    """Return error and slope of chances, means over the tasks."""
    found = []
    for task in tasks:
        chance, outcome = task.predict(train, [test], LOOSE)[0], task.outcome(test)
        gap = calibration_gap(bands(chance, _BANDS), chance, outcome)[0]
        found.append((gap, calibration_lines(chance, outcome)[0, 1]))
    return np.mean(found, axis=0)


def _curve(task: Task, design: str, chance: np.ndarray, outcome: np.ndarray) -> pd.DataFrame:
    """Return one row a band of chances, lowest first: what was predicted, and how often it came true."""
    records = pd.DataFrame({"chance band": bands(chance, _BANDS) + 1, "predicted": chance, "observed": outcome})
    groups = records.groupby("chance band")
    curve = groups.mean().assign(records=groups.size(), target=task.label, design=design)
    return curve.reset_index()[_CURVE]


def _error_score(sides: Sides, errors: dict[str, np.ndarray]) -> Score:
    """Judge by the excess over real records, not by the floor: one chance for everybody is right on average."""
    value, floor, ceiling = (float(errors[name][0]) for name in _VALUE_AND_ENDS)
    error = float(interval(ceiling, errors["real"][1:])[1]) - ceiling
    ends = interval(value, errors["synthetic"][1:], 0, 1)
    rule = within(ceiling, GREEN_ERROR, AMBER_ERROR, "lower", floor, error)
    sentence = (
        f"A model trained on synthetic records gives {sides.word} ones chances for {sides.target} that are off by "
        f"{100 * value:.1f} points of 100 on average; trained on {sides.word} records it is off by "
        f"{100 * ceiling:.1f}, on independent columns by {100 * floor:.1f} (the same chance for all is seldom far "
        "off)."
    )
    return Score.of("calibration error", value, ends, (floor, ceiling), verdict=rule, sentence=sentence)


def _slope_score(sides: Sides, slopes: dict[str, np.ndarray]) -> tuple[list[Score], list[Skipped]]:
    value, floor, ceiling = (float(slopes[name][0]) for name in _VALUE_AND_ENDS)
    if not np.isfinite([value, ceiling]).all():
        return [], [Skipped(_SLOPE, "chances or outcomes do not vary enough to draw a line")]
    if interval(ceiling, slopes["real"][1:])[0] <= 0:
        why = f"chances that {sides.word} records teach do not go with what came true"
        return [], [Skipped(_SLOPE, why)]
    floor = floor if np.isfinite(floor) else 0.0  # the same chance for everybody
    # nearer to 1 than real records come is no fault, and as far as they are is none either
    ideal = sorted((1.0, ceiling, value))[1]
    error = float(interval(ceiling, slopes["real"][1:])[1]) - ceiling
    ends = interval(value, slopes["synthetic"][1:])
    rule = within(ideal, GREEN_SLOPE, AMBER_SLOPE, "at 1", floor, error)
    sentence = (
        f"Chances for {sides.target} by a model trained on synthetic records have a slope of {value:.2f} against "
        f"what came true among {sides.word} ones (1 is right, below 1 they are too extreme); trained on "
        f"{sides.word} records it is {ceiling:.2f}, on independent columns {floor:.2f}."
    )
    score = Score.of(_SLOPE, value, ends, (floor, ceiling), verdict=rule, better="at 1", sentence=sentence, digits=2)
    return [score], []


QUESTION = Question(
    name="calibration",
    chapter="utility",
    measure=measure,
    show="chapters.utility:calibration",
    weight=8,
    needs=("target",),
    tables=("calibration", "calibration lines"),
    words={
        "calibration": (
            "Whether chances come true: of those given a chance of 20 %, 20 % should have it. The error is how "
            "far chances are off on average."
        ),
        "calibration slope": "1 is right; below 1 chances are too extreme, above 1 too timid.",
    },
)
