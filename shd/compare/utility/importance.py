"""Do models of synthetic records rely on the same columns as models of real ones? Permutation importance.

How much worse gradient boosting, trained on synthetic or on equally many real records, predicts the target of real test
records when one column is shuffled (Breiman 2001, doi 10.1023/A:1010933404324); what two models agree about is the
rank correlation of Spearman (1904, doi 10.2307/1412159).
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from shd._parallel import in_parallel
from shd.compare.core.chance import (
    deal,
    equally_many,
    generator,
    interval,
    mean_known,
    sample_records,
    weights_and_ones,
)
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, between
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.core.tasks import Task

_ROWS, _SHUFFLED, _LEVELS = 10_000, 4000, 3  # most records to train on and to shuffle, most levels of the target
_TOP, _FEWEST_FEATURES, _MOST_FEATURES = 10, 3, 150  # shuffling more columns one by one takes too long
_REPLICATES, _FEWEST = 60, 20  # and fewest records to train on
_AGREED = 0.3  # of two models of real records, below which nothing can be asked of others
_IMPORTANCE, _SHARED = "importance agreement", "important columns shared"
_TABLES = ("real", "synthetic", "floor", "other real")


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
    if min(map(len, tables)) < _FEWEST:
        return Answer(skipped=[Skipped(_IMPORTANCE, f"takes {_FEWEST} records in each half of the real ones")])
    tables, test = equally_many(tables, _ROWS, rng), sample_records(ready.test, _SHUFFLED, rng)
    order = rng.permutation(len(test))
    weights = weights_and_ones(test, _REPLICATES, rng)
    tasks = ready.tasks[:_LEVELS]
    jobs = [(task, table) for table in tables for task in tasks]
    found = in_parallel(lambda task, table: _falls(task, table, test, order, weights), *zip(*jobs, strict=True))
    by_table = np.array(found).reshape(len(tables), len(tasks), len(features), -1)
    falls = dict(zip(_TABLES, mean_known(by_table, axis=1), strict=True))
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
        name: np.hstack([drawn[:, :1], drawn[:, 1:] + spread * rng.standard_normal(drawn[:, 1:].shape)])
        for name, drawn in falls.items()
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
        error = float(interval(ceiling, found["other real"][1:])[1]) - ceiling
        ends = interval(value, found["synthetic"][1:], least, 1)
        rule = between(floor, ceiling, "higher", error)
        ends, said = interval(value, found["synthetic"][1:], least, 1), sentence(value, ceiling, floor)
        score = Score.of(metric, value, ends, (floor, ceiling), verdict=rule, better="higher", sentence=said, digits=2)
        scores.append(score)
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
