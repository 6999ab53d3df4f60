"""Are chances right? Calibration of models trained on synthetic and on real records, tested on real ones."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd._parallel import in_parallel
from shd.compare.core.chance import (
    generator,
    interval,
    redrawn,
    subject_weights,
    subsample,
    training_error,
)
from shd.compare.core.models import LOOSE, bands, calibration_gap, calibration_lines
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.core.tasks import Task
from shd.compare.core.verdicts import within

GREEN_ERROR, AMBER_ERROR, GREEN_SLOPE, AMBER_SLOPE = 0.02, 0.05, 0.1, 0.3  # further off than with real records
_ROWS, _SHUFFLED, _LEVELS = 10_000, 4000, 3  # of importance: most records to train on and to shuffle, most levels
_LINEAR_ROWS, _TESTED = 20_000, 20_000  # of calibration: most records to train on, and to test on
_TOP, _FEWEST_FEATURES, _MOST_FEATURES = 10, 3, 150  # shuffling more columns one by one takes too long
_BANDS, _REPLICATES, _FEWEST = 10, 60, 20  # and fewest records to train on
_AGREED = 0.3  # of two models of real records, below which nothing can be asked of others
_CURVE = ["target", "design", "chance band", "predicted", "observed", "records"]
_IMPORTANCE, _SHARED = "importance agreement", "important columns shared"
_TABLES = ("real", "synthetic", "floor", "other real")


def calibration_error(chance: np.ndarray, outcome: np.ndarray, n_bands: int = _BANDS) -> float:
    """Return the expected calibration error: how far chances are from how often things come true.

    Records are put into bands of equally many, from the lowest chance to the highest; the error is
    the mean gap between chance and frequency, over the records.

    Parameters
    ----------
    chance : array-like of float, shape (n,)
        0 to 1.
    outcome : array-like of bool, shape (n,)
        Whether it came true.
    n_bands : int

    Returns
    -------
    float
        0 (exact) to 1.

    Raises
    ------
    ShdError
        Where lengths differ, there is no record, or something is no chance.

    References
    ----------
    Naeini, Cooper, Hauskrecht (2015), *Obtaining Well Calibrated Probabilities Using Bayesian
    Binning*, AAAI; with bands of equal size as in Nixon et al. (2019), arXiv 1904.01685.
    """
    chance, outcome = _as_chances(chance, outcome)
    return float(calibration_gap(bands(chance, n_bands), chance, outcome)[0])


def calibration_line(chance: np.ndarray, outcome: np.ndarray) -> tuple[float, float]:
    """Return intercept and slope of the logistic regression of what came true on the log odds of the chances.

    Parameters
    ----------
    chance, outcome : array-like, shape (n,)
        See `calibration_error`.

    Returns
    -------
    intercept : float
        0 is ideal; above it the chances are too low.
    slope : float
        1 is ideal; below it the chances are too extreme, above it too timid. Both NaN where chances
        or outcomes do not vary, or separate completely.

    Raises
    ------
    ShdError
        See `calibration_error`.

    References
    ----------
    Cox (1958), *Two Further Applications of a Model for Binary Regression*, doi 10.1093/biomet/45.3-4.562.
    Van Calster et al. (2019), *Calibration: the Achilles heel of predictive analytics*, doi 10.1186/s12916-019-1466-7.
    """
    chance, outcome = _as_chances(chance, outcome)
    intercept, slope = calibration_lines(chance, outcome)[0]
    return float(intercept), float(slope)


def measure(sides: Sides) -> Answer:
    """Draw a line and ten bands of chances for each level; the scores are means over the levels."""
    ready = sides.ready
    if not ready.tasks[0].is_level:
        return Answer(skipped=[Skipped("calibration", "takes a target of levels; this one is a number")])
    rng = generator(sides.random_state, "calibration")
    tables = dict(zip(_TABLES, (ready.fit, ready.synthetic, ready.floor), strict=False))
    n = min(sides.most(_LINEAR_ROWS), *map(len, tables.values()))
    tables = {name: table.take(subsample(len(table), n, rng)) for name, table in tables.items()}
    test = ready.test.take(subsample(len(ready.test), sides.most(_TESTED), rng))
    weights = np.vstack([np.ones(len(test)), subject_weights(test.subjects, _REPLICATES, rng)])

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
    of_tables = numbers.reshape(len(ready.tasks), len(tables), 2, -1).mean(axis=0)
    gaps, slopes = (dict(zip(tables, of_tables[:, k], strict=True)) for k in range(2))
    few = test.take(slice(0, _SHUFFLED))
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
    value, floor, ceiling = (float(errors[name][0]) for name in ("synthetic", "floor", "real"))
    low, high = (float(bound) for bound in interval(value, errors["synthetic"][1:], 0, 1))
    error = float(interval(ceiling, errors["real"][1:])[1]) - ceiling
    rule = within(ceiling, GREEN_ERROR, AMBER_ERROR, "lower", floor, error)
    sentence = (
        f"A model trained on synthetic records gives {sides.word} ones chances for {sides.target} that are off by "
        f"{100 * value:.1f} points of 100 on average; trained on {sides.word} records it is off by "
        f"{100 * ceiling:.1f}, on independent columns by {100 * floor:.1f} (the same chance for all is seldom far off)."
    )
    return Score("utility", "calibration error", value, low, high, floor, ceiling, rule, "lower", sentence)


def _slope_score(sides: Sides, slopes: dict[str, np.ndarray]) -> tuple[list[Score], list[Skipped]]:
    value, floor, ceiling = (float(slopes[name][0]) for name in ("synthetic", "floor", "real"))
    if not np.isfinite([value, ceiling]).all():
        return [], [Skipped("calibration slope", "chances or outcomes do not vary enough to draw a line")]
    if interval(ceiling, slopes["real"][1:])[0] <= 0:
        why = f"chances that {sides.word} records teach do not go with what came true"
        return [], [Skipped("calibration slope", why)]
    floor = floor if np.isfinite(floor) else 0.0  # the same chance for everybody
    low, high = (float(bound) for bound in interval(value, slopes["synthetic"][1:]))
    # nearer to 1 than real records come is no fault, and as far as they are is none either
    ideal = sorted((1.0, ceiling, value))[1]
    error = float(interval(ceiling, slopes["real"][1:])[1]) - ceiling
    rule = within(ideal, GREEN_SLOPE, AMBER_SLOPE, "at 1", floor, error)
    sentence = (
        f"Chances for {sides.target} by a model trained on synthetic records have a slope of {value:.2f} against what "
        f"came true among {sides.word} ones (1 is right, below 1 they are too extreme); trained on {sides.word} "
        f"records it is {ceiling:.2f}, on independent columns {floor:.2f}."
    )
    score = Score("utility", "calibration slope", value, low, high, floor, ceiling, rule, "at 1", sentence, digits=2)
    return [score], []


def _as_chances(chance: np.ndarray, outcome: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    try:
        chance, outcome = np.asarray(chance, dtype=float), np.asarray(outcome).astype(float)
    except (TypeError, ValueError):
        chance, outcome = np.array([np.nan]), np.array([0.0])
    fits = chance.ndim == 1 and chance.shape == outcome.shape and len(chance)
    if not fits or not ((chance >= 0) & (chance <= 1)).all() or not np.isin(outcome, [0, 1]).all():
        raise ShdError("chance and outcome are not equally many chances (0 to 1) and outcomes (0 or 1); give both.")
    return chance, outcome == 1


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
