"""An attempt to prove a promise of differential privacy wrong.

Two tables differ in one person. Fit many models to each. If some event (a level stands in the model; a number is
above a threshold) is much more frequent with the person than without, then epsilon is at least the logarithm of the
ratio, whatever the documentation says. The event is looked for in one half of the fits and counted in the other, so
that chance is not taken for a leak.

An audit can refute a claim and never prove it: a bound of 0 means that these events, in so many fits, showed nothing.
After Jagielski, Ullman, Oprea (2020), *Auditing Differentially Private Machine Learning*, NeurIPS, arXiv 2006.07709,
and Ding et al. (2018), *Detecting Violations of Differential Privacy*, CCS, arXiv 1805.10277; both from memory.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import beta

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.synthesizers._dtypes import is_level, is_time
from shd.synthesizers.bayesian_network import BayesianNetwork

_DRAWN = 40  # records drawn from each model
_THRESHOLDS = 24  # tried for each number that a model shows


@dataclass(frozen=True)
class Bound:
    """What an audit found."""

    lower: float  # epsilon is at least that, up to a chance of 1 - confidence; 0 where nothing was found
    claimed: float
    event: str  # what is more frequent with the one table than with the other
    shares: tuple[float, float]  # how frequent it is with either, in the half that was not searched

    @property
    def refuted(self) -> bool:
        """Whether the claim is wrong."""
        return self.lower > self.claimed


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A table with one subject more than another, and a record of that subject."""

    table: Dataset
    record: pd.DataFrame


def audit(
    make: Callable[[int], BayesianNetwork],
    one: Dataset,
    neighbours: dict[str, Neighbour],
    runs: int = 200,
    confidence: float = 0.95,
) -> dict[str, Bound]:
    """Fit `runs` models to a table and to each of its neighbours, and bound epsilon from below."""
    without = [fit(make(run), one) for run in range(runs)]
    bounds = {}
    for k, (name, other) in enumerate(neighbours.items(), start=1):
        with_ = [fit(make(k * runs + run), other.table) for run in range(runs)]
        seen = [pd.DataFrame([look(*each, other.record) for each in fits]) for fits in (with_, without)]
        bounds[name] = _best(pd.concat(seen, ignore_index=True).fillna(-np.inf), make(0), confidence)
    return bounds


def _best(seen: pd.DataFrame, synthesizer: BayesianNetwork, confidence: float) -> Bound:
    """Find the event that tells the tables apart best in one half of the fits, and count it in the other.

    The first half of the rows of `seen` are the fits with the person.
    """
    first = np.arange(len(seen)) % 2 == 0
    inside = np.arange(len(seen)) < len(seen) // 2
    delta, best = float(synthesizer.delta), (-np.inf, "", ("", 0.0))
    for name, values in seen.items():
        for event, happens in _events(values.to_numpy(float), first):
            lower = _bound(happens[first & inside], happens[first & ~inside], delta, confidence)
            best = max(best, (lower, name, event))
    _, name, (sign, threshold) = best
    if not name:
        return Bound(0.0, float(synthesizer.epsilon), "all fits look the same", (1.0, 1.0))
    happens = _happens(seen[name].to_numpy(float), sign, threshold)
    with_, without = happens[~first & inside], happens[~first & ~inside]
    lower = max(0.0, _bound(with_, without, delta, confidence))
    shares = float(with_.mean()), float(without.mean())
    return Bound(lower, float(synthesizer.epsilon), f"{name} {sign} {threshold:.4g}", shares)


def fit(synthesizer: BayesianNetwork, data: Dataset) -> tuple[BayesianNetwork | None, dict[str, float]]:
    """Fit, and return the synthesizer with all warnings and errors; no synthesizer where it refused."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            synthesizer.fit(data)
        except ShdError as error:
            return None, {f"error {error}": 1.0}
    return synthesizer, {f"warning {warning.message}": 1.0 for warning in said}


def look(model: BayesianNetwork | None, said: dict[str, float], record: pd.DataFrame) -> dict[str, float]:
    """Return all that a fit, its model and a sample from it show, as numbers by name."""
    if model is None:
        return said
    shown = dict(said)
    shown["n_rows"] = float(model.n_rows_)
    for codec in model.encoder_.columns_:
        shown |= {f"{codec.name} knows {level}": 1.0 for level in codec.levels or codec.categories or ()}
        shown |= {f"{codec.name} is {codec.dtype}": 1.0, f"{codec.name} can be missing": float(codec.missing)}
        shown |= {f"{codec.name} has codes": codec.n_codes, f"{codec.name} has pieces": len(codec.code)}
        if codec.levels is None and len(codec.low):
            shown |= {f"{codec.name} from": codec.low.min(), f"{codec.name} to": codec.high.max()}
            shown[f"{codec.name} decimals"] = -1.0 if codec.decimals is None else codec.decimals
    shown |= {f"{child} given {parent}": 1.0 for child, known in model.parents_.items() for parent in known}
    return shown | _probabilities(model, record) | _sample(model, record)


def _probabilities(model: BayesianNetwork, record: pd.DataFrame) -> dict[str, float]:
    """Return how likely the model takes the record to be, and each of its cells."""
    try:
        codes = model.encoder_.transform(record)
    except ShdError:
        return {"record is unknown": 1.0}
    logs, names = {}, model.encoder_.names
    for node in model.nodes_:
        state, _ = node.state(codes)
        cell = float(np.log(node.table[state[0], codes[0, node.column]] + 1e-12))
        codec = model.encoder_.columns_[node.column]
        own = codec.weight[codec.code == codes[0, node.column]].sum() / codec.weight.sum()
        logs |= {f"log p of {names[node.column]}": cell, f"share of {names[node.column]}": float(own)}
    return logs | {"log p of the record": sum(v for k, v in logs.items() if k.startswith("log p"))}


def _sample(model: BayesianNetwork, record: pd.DataFrame) -> dict[str, float]:
    """Return what a sample shows: counts of levels, ends of numbers, and records like the one in question."""
    drawn = model.sample(_DRAWN, random_state=0)
    shown, alike = {}, np.ones(len(drawn), dtype=bool)
    for name, values in drawn.items():
        shown[f"drawn {name} missing"] = float(values.isna().sum())
        if is_level(values):
            shown |= {f"drawn {name} {level}": float(n) for level, n in values.astype(object).value_counts().items()}
            alike &= (values.astype(object) == record[name].astype(object).iloc[0]).to_numpy()
        elif not is_time(values):
            shown |= {f"drawn {name} min": float(values.min()), f"drawn {name} max": float(values.max())}
    return shown | {"drawn alike": float(alike.sum())}


def _events(values: np.ndarray, first: np.ndarray) -> list[tuple[tuple[str, float], np.ndarray]]:
    """Return events for one number: above or not above a threshold that was chosen in the first half."""
    there = np.unique(values[first])
    if len(there) < 2:
        return []
    thresholds = there[:-1][np.unique(np.linspace(0, len(there) - 2, _THRESHOLDS).astype(int))]
    return [((sign, t), _happens(values, sign, t)) for t in thresholds for sign in (">", "<=")]


def _happens(values: np.ndarray, sign: str, threshold: float) -> np.ndarray:
    return values > threshold if sign == ">" else values <= threshold


def _bound(with_: np.ndarray, without: np.ndarray, delta: float, confidence: float) -> float:
    """Return a lower bound of epsilon from how often an event happened, by intervals of Clopper and Pearson.

    The neighbourhood is symmetric, so that either table may be the one where the event is frequent.
    """
    tail = (1 - confidence) / 4  # two intervals, two directions
    ends = []
    for happened in (with_, without):
        k, n = int(happened.sum()), len(happened)
        low = float(beta.ppf(tail, k, n - k + 1)) if k else 0.0
        high = float(beta.ppf(1 - tail, k + 1, n - k)) if k < n else 1.0
        ends.append((low, high))
    (low, high), (other_low, other_high) = ends
    return max(
        math.log(max(low - delta, 1e-12) / other_high),
        math.log(max(other_low - delta, 1e-12) / high),
    )
