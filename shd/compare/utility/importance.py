"""Do models learn the same from synthetic as from real records? Which columns matter, and whether chances are right.

Permutation importance (of gradient boosting) and calibration (of logistic regression) are both
measured on real test records, of models trained on synthetic and on equally many real ones.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from shd._errors import ShdError
from shd._parallel import in_parallel
from shd.compare.core.chance import (
    deal,
    generator,
    interval,
    mean_known,
    redrawn,
    subject_weights,
    subsample,
    training_error,
)
from shd.compare.core.models import LOOSE, bands, calibration_gap, calibration_lines
from shd.compare.core.score import Answer, Inputs, Score, Skipped, between, within
from shd.compare.core.tables import Coded
from shd.compare.utility.tstr import Ready, Task, aligned, needed_tasks, with_target
from shd.dataset import Dataset

GREEN_ERROR, AMBER_ERROR, GREEN_SLOPE, AMBER_SLOPE = 0.02, 0.05, 0.1, 0.3  # further off than with real records
_ROWS, _SHUFFLED, _LEVELS = 10_000, 4000, 3  # of importance: most records to train on and to shuffle, most levels
_LINEAR_ROWS, _TESTED = 20_000, 20_000  # of calibration: most records to train on, and to test on
_TOP, _FEWEST_FEATURES, _MOST_FEATURES = 10, 3, 150  # shuffling more columns one by one takes too long
_BANDS, _REPLICATES, _FEWEST = 10, 60, 20  # and fewest records to train on
_AGREED = 0.3  # of two models of real records, below which nothing can be asked of others
_CURVE = ["target", "design", "chance band", "predicted", "observed", "records"]
_IMPORTANCE, _SHARED = "importance agreement", "important columns shared"
_TABLES = ("real", "synthetic", "floor", "other real")


def permutation_importance(
    train: Dataset | pd.DataFrame | Coded,
    test: Dataset | pd.DataFrame | Coded,
    target: str | None = None,
    random_state: int = 0,
) -> pd.Series:
    """Return how much worse gradient boosting predicts the target when one column is shuffled.

    Parameters
    ----------
    train, test : Dataset or DataFrame
        To train on (at most 10,000 records), and to shuffle and test on (at most 4,000).
    target : str, optional
        Column predicted; by default the target of either Dataset.
    random_state : int

    Returns
    -------
    pandas.Series of float, indexed by column
        Fall of the AUROC (mean over at most three common levels) or of R2; about 0 for a column that does not matter.

    Raises
    ------
    ShdError
        Where there is no target, or none of its levels can be tested.

    References
    ----------
    Breiman (2001), *Random Forests*, Machine Learning, doi 10.1023/A:1010933404324.
    """
    target, (train, test) = aligned(target, train=train, test=test)
    tasks = needed_tasks(test, test, target)
    rng = generator(random_state, "importance")
    train = train.take(subsample(len(train), _ROWS, rng))
    test = test.take(subsample(len(test), _SHUFFLED, rng))
    order, ones = rng.permutation(len(test)), np.ones((1, len(test)))
    falls = in_parallel(lambda task: _falls(task, train, test, order, ones), tasks[:_LEVELS])
    return pd.Series(mean_known(np.array(falls))[:, 0], index=pd.Index(_features(test, target), dtype=object))


def importance_agreement(importance: pd.Series, other: pd.Series) -> float:
    """Return Spearman's rank correlation of two importances, as `permutation_importance` returns them.

    Parameters
    ----------
    importance, other : pandas.Series of float, indexed by column
        Compared by the columns that both have.

    Returns
    -------
    float
        -1 to 1; 1 where both put the columns in the same order; NaN where either does not vary.

    Raises
    ------
    ShdError
        Where they share fewer than three columns.

    References
    ----------
    Spearman (1904), *The Proof and Measurement of Association between Two Things*, doi 10.2307/1412159.
    """
    both = importance.index.intersection(other.index)
    if len(both) < _FEWEST_FEATURES:
        raise ShdError(
            f"the importances share {len(both)} columns; compare those of the same {_FEWEST_FEATURES} or more."
        )
    return float(_spearman(importance[both].to_numpy(float)[:, None], other[both].to_numpy(float)[:, None])[0])


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


def measure(inputs: Inputs) -> Answer:
    """Compare what matters to models trained on synthetic and on real records, and how right their chances are."""
    ready, skipped = with_target(inputs, f"{_IMPORTANCE} and calibration")
    if ready is None:
        return Answer(skipped=skipped)
    one, other = _importance(inputs, ready), _calibration(inputs, ready)
    return Answer(one.scores + other.scores, one.frames | other.frames, one.skipped + other.skipped)


def _features(table: Coded, target: object) -> list:
    return [name for name in table.names if name != target]


def _falls(task: Task, train: Coded, test: Coded, order: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return by how much shuffling each column makes a model worse, shape (n_features, n_sets)."""
    predict = task.learn(train)
    whole = task.score(test, predict(test), weights)
    falls = np.zeros((len(test.names) - 1, len(weights)))
    for fall, name in zip(falls, _features(test, task.target), strict=True):
        values, j = test.values.copy(), test.names.index(name)
        values[:, j] = values[order, j]
        if not np.array_equal(values[:, j], test.values[:, j], equal_nan=True):
            fall += whole - task.score(test, predict(replace(test, values=values)), weights)
    return falls


def _importance(inputs: Inputs, ready: Ready) -> Answer:
    """Shuffle the same test records for models of four tables; the real ones are halves that share no subject."""
    if inputs.level != "full":
        return Answer(skipped=[Skipped(_IMPORTANCE, 'the quick level leaves it out; take level="full"')])
    features = _features(ready.test, inputs.target)
    if not _FEWEST_FEATURES <= len(features) <= _MOST_FEATURES:
        why = f"takes {_FEWEST_FEATURES} to {_MOST_FEATURES} columns beside the target, and there are {len(features)}"
        return Answer(skipped=[Skipped(_IMPORTANCE, why)])
    rng = generator(inputs.random_state, "importance")
    half = deal(ready.fit.subjects, 2, rng) == 0
    tables = (ready.fit.take(half), ready.synthetic, ready.floor, ready.fit.take(~half))
    n = min(_ROWS, *map(len, tables))
    if n < _FEWEST:
        return Answer(skipped=[Skipped(_IMPORTANCE, f"takes {_FEWEST} records in each half of the real ones")])
    tables = [table.take(subsample(len(table), n, rng)) for table in tables]
    test = ready.test.take(subsample(len(ready.test), _SHUFFLED, rng))
    order = rng.permutation(len(test))
    weights = np.vstack([np.ones(len(test)), subject_weights(test.subjects, _REPLICATES, rng)])
    tasks = ready.tasks[:_LEVELS]
    jobs = [(task, table) for table in tables for task in tasks]
    found = in_parallel(lambda task, table: _falls(task, table, test, order, weights), *zip(*jobs, strict=True))
    of_tables = np.array(found).reshape(len(tables), len(tasks), len(features), -1)
    falls = dict(zip(_TABLES, mean_known(of_tables, axis=1), strict=True))
    frame = pd.DataFrame({"column": features, "real": falls["real"][:, 0], "synthetic": falls["synthetic"][:, 0]})
    if frame[["real", "synthetic"]].isna().any(axis=None):
        why = "what is predicted does not vary among the test records"
        return Answer(skipped=[Skipped(metric, why) for metric in (_IMPORTANCE, _SHARED)])
    top = min(_TOP, len(features) // 2, int((frame["real"] > 0).sum()))
    whole = falls["real"].sum(axis=0)
    if not top or interval(whole[0], whole[1:])[0] <= 0:
        why = f"no column matters to a model trained on {inputs.word} records"
        return Answer([], {"importance": frame}, [Skipped(metric, why) for metric in (_IMPORTANCE, _SHARED)])
    scores, skipped = _agreement(inputs, _learned_again(falls, rng), top)
    return Answer(scores, {"importance": frame}, skipped)


def _learned_again(falls: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Let replicates vary by the records learned from, too, as two models of real records do: half pooled, for two."""
    own = (falls["real"][:, 0] - falls["other real"][:, 0]) ** 2 / 2
    spread = np.sqrt((own + own.mean()) / 2)[:, None]
    return {
        name: np.hstack([of[:, :1], of[:, 1:] + spread * rng.standard_normal(of[:, 1:].shape)])
        for name, of in falls.items()
    }


def _agreement(inputs: Inputs, falls: dict[str, np.ndarray], top: int) -> tuple[list[Score], list[Skipped]]:
    word, n_features = inputs.word, len(falls["real"])

    def in_order(value: float, ceiling: float, floor: float) -> str:
        return (
            f"How much each of {n_features} columns matters for {inputs.target} to models trained on synthetic and on "
            f"{word} records: a rank correlation of {value:.2f} (1: the same order); between two models trained on "
            f"{word} records {ceiling:.2f}, with independent columns {floor:.2f}."
        )

    def on_top(value: float, ceiling: float, floor: float) -> str:
        return (
            f"Of the {top} columns that matter most for {inputs.target} to a model trained on {word} records, one "
            f"trained on synthetic records shares {value:.0%}, one trained on other {word} records {ceiling:.0%}, on "
            f"independent columns {floor:.0%}."
        )

    scores, skipped = [], []
    for metric, agree, least, sentence in (
        (_IMPORTANCE, _spearman, -1, in_order),
        (_SHARED, partial(_shared, top=top), 0, on_top),
    ):
        # where no column matters to the other model, nothing agrees
        found = {name: np.nan_to_num(agree(falls["real"], others)) for name, others in falls.items()}
        value, ceiling, floor = (float(found[name][0]) for name in ("synthetic", "other real", "floor"))
        if ceiling < _AGREED:
            why = f"two models of {word} records agree by no more than {ceiling:.2f} themselves"
            skipped.append(Skipped(metric, why))
            continue
        low, high = (float(bound) for bound in interval(value, found["synthetic"][1:], least, 1))
        error = float(interval(ceiling, found["other real"][1:])[1]) - ceiling
        rule, sentence = between(floor, ceiling, "higher", error), sentence(value, ceiling, floor)
        scores.append(Score("utility", metric, value, low, high, floor, ceiling, rule, "higher", sentence, digits=2))
    return scores, skipped


def _spearman(falls: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return the rank correlation over features, shape (n_sets,); NaN where nothing varies."""
    ranks = [rankdata(values, axis=0) - (len(values) + 1) / 2 for values in (falls, others)]
    together, own, other = ((a * b).sum(axis=0) for a, b in (ranks, ranks[:1] * 2, ranks[1:] * 2))
    size = np.sqrt(own * other)
    return np.divide(together, size, out=np.full(size.shape, np.nan), where=size > 0)


def _shared(falls: np.ndarray, others: np.ndarray, top: int) -> np.ndarray:
    """Return the share of the `top` features that are above 0 and on top in two importances, shape (n_sets,)."""
    rank = [np.argsort(np.argsort(-values, axis=0, kind="stable"), axis=0) for values in (falls, others)]
    return ((np.maximum(*rank) < top) & (np.minimum(falls, others) > 0)).sum(axis=0) / top


def _calibration(inputs: Inputs, ready: Ready) -> Answer:
    """Draw a line and ten bands of chances for each level; the scores are means over the levels."""
    if not ready.tasks[0].is_level:
        return Answer(skipped=[Skipped("calibration", "takes a target of levels; this one is a number")])
    rng = generator(inputs.random_state, "calibration")
    tables = dict(zip(_TABLES, (ready.fit, ready.synthetic, ready.floor), strict=False))
    n = min(inputs.most(_LINEAR_ROWS), *map(len, tables.values()))
    tables = {name: table.take(subsample(len(table), n, rng)) for name, table in tables.items()}
    test = ready.test.take(subsample(len(ready.test), inputs.most(_TESTED), rng))
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
        errors = training_error(lambda half: _calibrated(ready.tasks, half, few), tables[name], rng, inputs.splits)
        for part, error in zip((gaps, slopes), errors, strict=True):
            part[name] = np.append(part[name][0], redrawn(part[name][1:], error, rng))
    slope, skipped = _slope_score(inputs, slopes)
    return Answer([_error_score(inputs, gaps), *slope], frames, skipped)


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


def _error_score(inputs: Inputs, errors: dict[str, np.ndarray]) -> Score:
    """Judge by the excess over real records, not by the floor: one chance for everybody is right on average."""
    value, floor, ceiling = (float(errors[name][0]) for name in ("synthetic", "floor", "real"))
    low, high = (float(bound) for bound in interval(value, errors["synthetic"][1:], 0, 1))
    error = float(interval(ceiling, errors["real"][1:])[1]) - ceiling
    rule = within(ceiling, GREEN_ERROR, AMBER_ERROR, "lower", floor, error)
    sentence = (
        f"A model trained on synthetic records gives {inputs.word} ones chances for {inputs.target} that are off by "
        f"{100 * value:.1f} points of 100 on average; trained on {inputs.word} records it is off by "
        f"{100 * ceiling:.1f}, on independent columns by {100 * floor:.1f} (the same chance for all is seldom far off)."
    )
    return Score("utility", "calibration error", value, low, high, floor, ceiling, rule, "lower", sentence)


def _slope_score(inputs: Inputs, slopes: dict[str, np.ndarray]) -> tuple[list[Score], list[Skipped]]:
    value, floor, ceiling = (float(slopes[name][0]) for name in ("synthetic", "floor", "real"))
    if not np.isfinite([value, ceiling]).all():
        return [], [Skipped("calibration slope", "chances or outcomes do not vary enough to draw a line")]
    if interval(ceiling, slopes["real"][1:])[0] <= 0:
        why = f"chances that {inputs.word} records teach do not go with what came true"
        return [], [Skipped("calibration slope", why)]
    floor = floor if np.isfinite(floor) else 0.0  # the same chance for everybody
    low, high = (float(bound) for bound in interval(value, slopes["synthetic"][1:]))
    # nearer to 1 than real records come is no fault, and as far as they are is none either
    ideal = sorted((1.0, ceiling, value))[1]
    error = float(interval(ceiling, slopes["real"][1:])[1]) - ceiling
    rule = within(ideal, GREEN_SLOPE, AMBER_SLOPE, "at 1", floor, error)
    sentence = (
        f"Chances for {inputs.target} by a model trained on synthetic records have a slope of {value:.2f} against what "
        f"came true among {inputs.word} ones (1 is right, below 1 they are too extreme); trained on {inputs.word} "
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
