"""Is it useful? Models of the target, trained and tested on real and synthetic records.

TRTR, TSTR, TSTS, TRTS: train on real or synthetic, test on real or synthetic. What counts is TSTR
beside TRTR: how much of what real records teach do synthetic ones teach? TSTS alone misleads:
synthetic records that are too easy to predict score high on themselves. AUROCs are counted from guessing,
0.5: a model that learned nothing reaches 0 % of what others do, not 70.
"""

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd._parallel import in_parallel
from shd.compare.core.chance import (
    deal,
    equally_many,
    generator,
    interval,
    redrawn,
    sample_records,
    subject_weights,
    training_error,
)
from shd.compare.core.models import BOOSTING
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, between
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, align
from shd.compare.core.tasks import GUESSING, Ready, Task, find_tasks, perform, skill_share, with_known_target
from shd.dataset import Dataset, role_of

_DESIGNS = {  # what is learned from, and what is tested on
    "TRTR": ("real", "test"),
    "TSTR": ("synthetic", "test"),
    "TSTS": ("outside", "inside"),
    "TRTS": ("real", "inside"),
    "floor": ("floor", "test"),
}
DESIGNS = tuple(_DESIGNS)
_MOST_ROWS, _MOST_TESTED = 100_000, 40_000
_REPLICATES, _FIFTHS = 200, 5
_SPREAD_TESTED = 4000  # most records to test on, for the error of learning


def tstr(
    synthetic: Dataset | pd.DataFrame,
    holdout: Dataset | pd.DataFrame,
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
    target = target or role_of(synthetic, "target") or role_of(holdout, "target")
    (train, test), _ = align(synthetic, holdout, names=["synthetic", "holdout"])
    if target not in train.names:
        raise ShdError(f"target={target!r} is not a column that both tables have; name one of {train.names[:6]}.")
    train, test = (with_known_target(table, target) for table in (train, test))
    for name, table in (("synthetic", train), ("holdout", test)):
        if not len(table):
            raise ShdError(f"target {target!r}: {name} has no record with it; give records whose target is known.")
    tasks, skipped = find_tasks(test, test, target)
    if not tasks:
        raise ShdError(
            f"target {target!r}: {skipped[0].what} {skipped[0].why}; name another target or give more records."
        )
    train = sample_records(train, _MOST_ROWS, generator(random_state, "tstr"))
    predicted = in_parallel(lambda task: task.predict(train, [test])[0], tasks)
    return {
        task.label if task.is_level else "R2": float(task.score(test, chance)[0])
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
    tables = (ready.fit, ready.synthetic, ready.floor)
    real, synthetic, floor = equally_many(tables, sides.most(_MOST_ROWS), rng)
    fifth = deal(synthetic.subjects, _FIFTHS, rng) == 0
    test = sample_records(ready.test, sides.most(_MOST_TESTED), rng)
    tables = {"real": real, "synthetic": synthetic, "outside": synthetic.take(~fifth), "floor": floor}
    tables |= {"inside": synthetic.take(fifth), "test": test}
    weights = {name: subject_weights(tables[name].subjects, _REPLICATES, rng) for name in ("inside", "test")}

    def score(task: Task, design: str, predicted: np.ndarray) -> tuple[float, np.ndarray]:
        tested = _DESIGNS[design][1]
        value = float(task.score(tables[tested], predicted)[0])
        return value, task.score(tables[tested], predicted, weights[tested])

    found, learning = {}, _learning(task, synthetic, test, sides)
    for design, ((value, replicates),) in perform([task], [BOOSTING], tables, _DESIGNS, score).items():
        if design in ("TRTR", "TSTR"):  # from as many records
            replicates = redrawn(replicates, learning, rng)
        low, high = interval(value, replicates, most=1) if np.isfinite(value) else (np.nan, np.nan)
        found[design] = (value, float(low), float(high), replicates)
    return found


def _learning(task: Task, learned: Coded, test: Coded, sides: Sides) -> float:
    """Return the standard error that comes from the records learned from."""
    test = test.take(slice(0, _SPREAD_TESTED))
    rng = generator(sides.random_state, f"learning {task.label}")
    found = training_error(lambda half: task.score(test, task.predict(half, [test])[0])[0], learned, rng, sides.splits)
    return float(found)


def _score(task: Task, found: dict[str, tuple], word: str) -> tuple[list[Score], list[Skipped]]:
    if not np.isfinite([found[name][0] for name in ("TRTR", "TSTR", "floor")]).all():
        return [], [Skipped(f"target {task.label}", "does not vary among the test records")]
    tell = _skill_score if task.is_level else _r2_score
    return [tell(task, found, word)], []


def _r2_score(task: Task, found: dict[str, tuple], word: str) -> Score:
    trtr, (value, *ends, _), floor = found["TRTR"][0], found["TSTR"], found["floor"][0]
    rule = between(floor, trtr, "higher") if found["TRTR"][1] > 0 else "grey"
    sentence = (
        f"Trained on synthetic records, a model explains {value:.0%} of the variation of {task.label} among "
        f"{word} records; trained on {word} records {trtr:.0%}, on independent columns {floor:.0%}."
    )
    metric = f"TSTR R2: {task.label}"
    return Score.of(metric, value, ends, (floor, trtr), verdict=rule, better="higher", sentence=sentence)


def _skill_score(task: Task, found: dict[str, tuple], word: str) -> Score:
    (trtr, least, _, real), (value, *_, synthetic), floor = found["TRTR"], found["TSTR"], found["floor"][0]
    share = float(skill_share(value, trtr))
    sentence = (
        f"To predict {task.target} = {task.label}, models of synthetic records reach {share:.0%} of what {word} ones "
        f"do beyond guessing (AUROC {value:.3f} against {trtr:.3f}; 0.5 is guessing, independent columns reach "
        f"{floor:.3f})."
    )
    teaches = least > GUESSING
    if not teaches:
        sentence += f" {word.capitalize()} records predict it hardly better than guessing."
    ends = interval(share, skill_share(synthetic, real))
    rule = between(0.0, 1.0, "higher") if teaches else "grey"
    return Score.of(f"TSTR / TRTR: {task.label}", share, ends, (0, 1), verdict=rule, better="higher", sentence=sentence)


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
