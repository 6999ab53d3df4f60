"""Do models learn the same from synthetic as from real records? Which columns matter, and whether chances are right.

Permutation importance (of gradient boosting) and calibration (of logistic regression) are both
measured on real test records, of models trained on synthetic and on equally many real ones.
"""

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
    subject_weights,
    subsample,
)
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.core.tasks import Task, aligned, needed_tasks
from shd.compare.core.verdicts import between
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


def measure(sides: Sides) -> Answer:
    """Shuffle the same test records for models of four tables; the real ones are halves that share no subject."""
    ready = sides.ready
    features = _features(ready.test, sides.target)
    if not _FEWEST_FEATURES <= len(features) <= _MOST_FEATURES:
        why = f"takes {_FEWEST_FEATURES} to {_MOST_FEATURES} columns beside the target, and there are {len(features)}"
        return Answer(skipped=[Skipped(_IMPORTANCE, why)])
    rng = generator(sides.random_state, "importance")
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
        why = f"no column matters to a model trained on {sides.word} records"
        return Answer([], {"importance": frame}, [Skipped(metric, why) for metric in (_IMPORTANCE, _SHARED)])
    scores, skipped = _agreement(sides, _learned_again(falls, rng), top)
    return Answer(scores, {"importance": frame}, skipped)


def _learned_again(falls: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Let replicates vary by the records learned from, too, as two models of real records do: half pooled, for two."""
    own = (falls["real"][:, 0] - falls["other real"][:, 0]) ** 2 / 2
    spread = np.sqrt((own + own.mean()) / 2)[:, None]
    return {
        name: np.hstack([of[:, :1], of[:, 1:] + spread * rng.standard_normal(of[:, 1:].shape)])
        for name, of in falls.items()
    }


def _agreement(sides: Sides, falls: dict[str, np.ndarray], top: int) -> tuple[list[Score], list[Skipped]]:
    word, n_features = sides.word, len(falls["real"])

    def in_order(value: float, ceiling: float, floor: float) -> str:
        return (
            f"How much each of {n_features} columns matters for {sides.target} to models trained on synthetic and on "
            f"{word} records: a rank correlation of {value:.2f} (1: the same order); between two models trained on "
            f"{word} records {ceiling:.2f}, with independent columns {floor:.2f}."
        )

    def on_top(value: float, ceiling: float, floor: float) -> str:
        return (
            f"Of the {top} columns that matter most for {sides.target} to a model trained on {word} records, one "
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


QUESTION = Question(
    name="importance",
    chapter="utility",
    measure=measure,
    show="chapters.utility:importance",
    weight=12,
    needs=("target", "full level"),
    tables=("importance",),
    words={
        "importance agreement": (
            "Whether models of both tables rely on the same columns: the rank correlation of what each loses when "
            "a column is shuffled."
        ),
    },
)
