"""Is it useful? Models of the target, trained and tested on real and synthetic records.

TRTR, TSTR, TSTS, TRTS: train on real or synthetic, test on real or synthetic. What counts is TSTR
beside TRTR: how much of what real records teach do synthetic ones teach? TSTS alone misleads:
synthetic records that are too easy to predict score high on themselves. AUROCs are counted from guessing,
0.5: a model that learned nothing reaches 0 % of what others do, not 70.
"""

from typing import TypeVar

import numpy as np
import pandas as pd

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
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.core.tasks import Ready, Task, aligned, needed_tasks
from shd.compare.core.verdicts import between
from shd.dataset import Dataset

DESIGNS = ("TRTR", "TSTR", "TSTS", "TRTS", "floor")
_MOST_ROWS, _MOST_TESTED = 100_000, 40_000
_REPLICATES, _FIFTHS = 200, 5
_SPREAD_TESTED = 4000  # most records to test on, for the error of learning
GUESSING, _LEAST_SKILL = 0.5, 0.01  # AUROC of who knows nothing; what real records teach at least, to divide by it
Value = TypeVar("Value", float, np.ndarray)


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


def measure(sides: Sides) -> Answer:
    """Train and test on real and synthetic records, for every common level of the target."""
    ready, scores, rows = sides.ready, [], []
    skipped = list(ready.left_out)
    for task in ready.tasks:
        found = _designs(task, ready, sides)
        score, note = _score(task, found, sides.word)
        scores += score
        skipped += note
        rows += [(task.label, task.measure, name, *figures[:3]) for name, figures in found.items()]
    frame = pd.DataFrame(rows, columns=["target", "measure", "design", "value", "low", "high"])
    return Answer(scores, {"utility": frame}, skipped)


def _designs(task: Task, ready: Ready, sides: Sides) -> dict[str, tuple]:
    """Value, low, high and replicates of each design; the same test records are drawn for all."""
    rng = generator(sides.random_state, "utility")
    n = min(len(ready.fit), len(ready.synthetic), len(ready.floor), sides.most(_MOST_ROWS))
    real, synthetic, floor = (
        table.take(subsample(len(table), n, rng)) for table in (ready.fit, ready.synthetic, ready.floor)
    )
    fifth = deal(synthetic.subjects, _FIFTHS, rng) == 0
    inside = synthetic.take(fifth)
    test = ready.test.take(subsample(len(ready.test), sides.most(_MOST_TESTED), rng))
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
    found, learning = {}, _learning(task, synthetic, test, sides)
    for name in DESIGNS:
        table, predicted = runs[name]
        value = float(task.score(table, predicted)[0])
        replicates = task.score(table, predicted, weights[id(table)])
        if name in ("TRTR", "TSTR"):  # from as many records
            replicates = redrawn(replicates, learning, rng)
        low, high = interval(value, replicates, most=1) if np.isfinite(value) else (np.nan, np.nan)
        found[name] = (value, float(low), float(high), replicates)
    return found


def _learning(task: Task, learned: Coded, test: Coded, sides: Sides) -> float:
    """Return the standard error that comes from the records learned from."""
    test = test.take(slice(0, _SPREAD_TESTED))
    rng = generator(sides.random_state, f"learning {task.label}")
    found = training_error(lambda half: task.score(test, task.predict(half, [test])[0])[0], learned, rng, sides.splits)
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


QUESTION = Question(
    name="TRTR, TSTR, TSTS, TRTS",
    chapter="utility",
    measure=measure,
    show="chapters.utility:tstr",
    weight=30,
    needs=("target",),
    tables=("utility",),
    readme=("TSTR / TRTR", "TSTR R2"),
    words={
        "TSTR / TRTR": (
            "How much of what real records teach synthetic ones teach: the AUROC of models trained on synthetic "
            "records less 0.5, divided by that of models trained on real ones less 0.5. 1 is as much, 0 is "
            "guessing."
        ),
        "TRTR, TSTR, TSTS, TRTS": (
            "Train on real or synthetic records, test on real or synthetic ones. TSTR is what counts: trained on "
            "synthetic, tested on real. TSTS alone misleads."
        ),
        "R2": (
            "The share of the variation of a number that a model explains: 1 is all of it, 0 no better than the mean."
        ),
    },
)
