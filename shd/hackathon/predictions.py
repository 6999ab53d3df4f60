"""How good predictions are: the metrics of a challenge, with intervals from drawing people again."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd.compare.core.chance import generator, interval, mean_known, weights_and_ones
from shd.compare.core.models import auroc, r2
from shd.dataset import Dataset
from shd.hackathon.challenge import Challenge, Metric, Predict

_REPLICATES = 200


@dataclass(frozen=True)
class Part:
    """One part of a score: a number with its 95 % interval, and what it says. None where it could not be measured."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    sentence: str

    def to_dict(self) -> dict:
        """Return it as JSON knows it."""
        return {**vars(self), **{name: rounded(getattr(self, name)) for name in ("value", "low", "high")}}


def rounded(number: float | None) -> float | None:
    """Return a number as it is written down: what is beyond the sixth decimal is the machine's."""
    return None if number is None else round(float(number), 6)


@dataclass(frozen=True, eq=False)
class _Cases:
    """The truth and the chances of each case: a record, or the mean over the pictures of a person."""

    truth: pd.Series
    chances: pd.DataFrame
    weights: np.ndarray  # how often each case is drawn; the first set are the cases as they are


def judge_predictions(
    challenge: Challenge, chances: pd.DataFrame, truth: Dataset, random_state: int = 0
) -> tuple[Part, tuple[Part, ...]]:
    """Return the mean of the metrics, and each of them; `chances` are in the order of the records of `truth`."""
    cases = _cases(challenge, chances.reset_index(drop=True), truth, random_state)
    asked = challenge.tracks["predict"]
    metrics = [metric for metric in challenge.metrics if metric.measure in _MEASURES]
    found = [_MEASURES[metric.measure](metric, asked, cases) for metric in metrics]
    least = -np.inf if any(metric.measure == "R2" for metric in metrics) else 0.0
    named = zip(metrics, found, strict=True)
    parts = tuple(_part(metric.name, metric.meaning, drawn, least) for metric, drawn in named)
    together = np.mean(found, axis=0)  # the same people are drawn for all
    return _part("mean", f"mean of {', '.join(metric.name for metric in metrics)}", together, least), parts


def _part(name: str, meaning: str, drawn: np.ndarray, least: float) -> Part:
    """Return a number from itself, first, and what it is with people drawn again."""
    if not np.isfinite(drawn[0]):
        return Part(name, None, None, None, f"{meaning}: the people are all of one class, so that it cannot be told")
    low, high = interval(drawn[0], drawn[1:], least, 1.0)
    sentence = f"{meaning}: {drawn[0]:.3f} ({low:.3f} to {high:.3f})"
    return Part(name, float(drawn[0]), float(low), float(high), sentence)


def _cases(challenge: Challenge, chances: pd.DataFrame, truth: Dataset, random_state: int) -> _Cases:
    target, subjects = truth.frame[truth.target].reset_index(drop=True), truth.subjects
    rng = generator(random_state, "predictions")
    if challenge.is_of_images:  # a person is one case: the chances of a person's pictures are averaged first
        by_person = chances.groupby(subjects).mean()
        target = target.groupby(subjects).first()
        chances, subjects = by_person.reset_index(drop=True), by_person.index.to_numpy()
        target = target.reset_index(drop=True)
    return _Cases(target, chances, weights_and_ones(_Whose(subjects), _REPLICATES, rng))


@dataclass(frozen=True, eq=False)
class _Whose:
    """As much of a table as drawing people again takes."""

    subjects: np.ndarray

    def __len__(self) -> int:
        return len(self.subjects)


def _auroc(metric: Metric, asked: Predict, cases: _Cases) -> np.ndarray:
    positive = set(metric.positive)
    column = next((name for name, levels in asked.columns.items() if set(levels) == positive), None)
    if column is not None:
        chance = cases.chances[column]
    else:  # of all classes, those that count as positive together
        chance = cases.chances[[name for name, levels in asked.columns.items() if set(levels) <= positive]].sum(axis=1)
    is_positive = cases.truth.astype(str).isin({str(level) for level in positive}).to_numpy()
    return auroc(is_positive, chance.to_numpy(float), cases.weights)


def _balanced_accuracy(metric: Metric, asked: Predict, cases: _Cases) -> np.ndarray:
    """Mean over the classes that count of the share of their cases that are answered right."""
    level_of = {name: str(levels[0]) for name, levels in asked.columns.items()}
    answer, truth = cases.chances[list(level_of)].idxmax(axis=1).map(level_of), cases.truth.astype(str)
    right, recalls = (answer == truth).to_numpy(float), []
    for level in metric.counted:
        of_class = (truth == str(level)).to_numpy()
        people = cases.weights[:, of_class].sum(axis=1)
        hits = cases.weights[:, of_class] @ right[of_class]
        recalls.append(np.divide(hits, people, out=np.full(len(people), np.nan), where=people > 0))
    return mean_known(np.array(recalls))


def _r2(metric: Metric, asked: Predict, cases: _Cases) -> np.ndarray:
    return r2(cases.truth.to_numpy(float), cases.chances.iloc[:, 0].to_numpy(float), cases.weights)


_MEASURES: dict[str, Callable] = {"AUROC": _auroc, "balanced accuracy": _balanced_accuracy, "R2": _r2}
