"""An attempt to prove a promise of differential privacy wrong.

Two tables differ in one person. Fit many models to each, and let an attacker tell them apart who reads all that noise
was put on, the model file, and records drawn from it: the promise covers all of these. Whatever the attacker does, a
promise says how often he must be wrong: how many models without the person he takes for one with (false alarms), and
how many with the person he does not recognise (misses). Fewer errors than that prove the promise wrong.

The attacker learns in half of the fits: which numbers to look at, how to weigh them (a linear discriminant, which is
the best there is for Gaussian noise), and where to draw the line. His errors are counted in the other half, so that
chance is not taken for a leak. Two bounds follow from upper limits of both errors (Clopper, Pearson 1934):

* of epsilon, which assumes nothing: ``log((1 - misses - delta) / false alarms)``, and the same the other way round;
* of mu, in units of Gaussian differential privacy (Dong, Roth, Su 2022, arXiv 1905.02383): the distance of two normal
  distributions of variance 1 that are as easy to tell apart, ``Q(1 - false alarms) - Q(misses)`` for the quantile
  function Q. One cut of the curve then stands for the whole, so that few fits say much. That assumes that errors trade
  off as for Gaussian noise: true where all noise is Gaussian, and nearly so for many small choices. A book in rho
  promises mu = sqrt(2 rho); a choice by the exponential mechanism may lie up to a quarter of its own part above that.

An audit can refute a promise and never prove it: a bound of 0 means that this attacker, in so many fits, saw nothing.
After Jagielski, Ullman, Oprea (2020), *Auditing Differentially Private Machine Learning*, NeurIPS, arXiv 2006.07709,
Ding et al. (2018), *Detecting Violations of Differential Privacy*, CCS, arXiv 1805.10277, and Nasr et al. (2023),
*Tight Auditing of Differentially Private Machine Learning*, USENIX Security, arXiv 2302.07956; all from memory.
"""

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.optimize import brentq
from scipy.special import betaincinv, log_ndtr, ndtr, ndtri

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.synthesizers._dtypes import is_level, is_time
from shd.synthesizers.base import Synthesizer
from shd.synthesizers.dp.noise import Noise

_ANSWERS = ("blur", "gauss", "choose", "pick")  # of `Noise`, that a fit makes all else from
_DRAWN = 40  # records drawn from each model
_MOST = 256  # numbers of one array that are looked at: of a large network's weights, none
_SINGLE, _TOGETHER = 8, (2, 3, 4, 6, 8, 12, 16, 32)  # numbers looked at alone, and weighed together
_LINES = 60  # places where the line can be drawn
_RIDGE = 0.02


# What an attacker sees ---------------------------------------------------------------------------


def look(synthesizer: Synthesizer, data: Dataset, record: pd.DataFrame) -> dict[str, float]:
    """Fit, and return all that the fit, the model and a sample from it show, as numbers by name.

    Parameters
    ----------
    synthesizer : Synthesizer
        Private; it is fitted here.
    data : Dataset
    record : pandas.DataFrame, shape (1, n_columns)
        Of the subject in question: the model is asked about it.
    """
    with warnings.catch_warnings(record=True) as said, _heard() as shown:
        warnings.simplefilter("always")
        try:
            synthesizer.fit(data)
        except ShdError as error:
            return {f"error {error}": 1.0}
    shown |= {f"warning {warning.message}": 1.0 for warning in said} | {"n_rows": float(synthesizer.n_rows_)}
    tensors, extra = synthesizer._get_state()
    for column in synthesizer.encoder_.to_dict()["columns"]:
        shown |= _numbers(column["name"], column)
    known = {key: array for key, array in tensors.items() if "." not in key}  # of a network, what it says: no weights
    shown |= _numbers("", {**known, **{key: value for key, value in extra.items() if key != "privacy"}})
    score = synthesizer.log_score(record)
    shown |= {} if score is None else {"log p of the record": float(np.maximum(score[0], -1e3))}
    return shown | _sample(synthesizer, record)


@contextmanager
def _heard() -> Iterator[dict[str, float]]:
    """Note every answer that noise was put on, by its number in the fit: all else is made from these."""
    heard: dict[str, float] = {}
    asked: list[str] = []

    def listening(name: str, answer: Callable) -> Callable:
        def listened(*given: object) -> object:
            asked.append(name)
            found = answer(*given)
            if len(asked) == 1:  # what one draw needs from another is told to nobody
                told = f"{name} {len(heard)}"
                heard.update({f"{told} sum": float(np.sum(found))} | _numbers(told, np.ravel(found)))
            asked.pop()
            return found

        return listened

    kept = {name: getattr(Noise, name) for name in _ANSWERS}
    try:
        for name, answer in kept.items():
            setattr(Noise, name, listening(name, answer))
        yield heard
    finally:
        for name, answer in kept.items():
            setattr(Noise, name, answer)


def _numbers(name: str, value: object) -> dict[str, float]:
    """Take nested values apart into numbers by name; what is no number is 1 where it is there."""
    if isinstance(value, dict):
        return {k: v for key, own in value.items() for k, v in _numbers(f"{name} {key}".strip(), own).items()}
    if isinstance(value, np.ndarray) and value.size > _MOST:
        return {f"{name} size": float(value.size)}
    if isinstance(value, list | tuple | np.ndarray):
        found = {f"{name} size": float(np.size(value) if isinstance(value, np.ndarray) else len(value))}
        for i, own in enumerate(np.ravel(value).tolist() if isinstance(value, np.ndarray) else value):
            found |= _numbers(name if isinstance(own, str) else f"{name} {i}", own)
        return found
    if isinstance(value, bool | int | float | np.number):
        return {name: float(value)}
    return {f"{name} {value}".strip(): 1.0}


def _sample(model: Synthesizer, record: pd.DataFrame) -> dict[str, float]:
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


# What is promised, and what was found ------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """What is promised."""

    epsilon: float
    delta: float
    rho: float | None = None  # of zero-concentrated differential privacy, where the book was kept in it

    @cached_property
    def mu(self) -> float:
        """The same in Gaussian units; without a book in rho, of a curve that meets that of epsilon in its middle."""
        if self.rho is not None:
            return math.sqrt(2 * self.rho)
        return float(-2 * ndtri((1 - self.delta) / (1 + math.exp(self.epsilon))))

    def least_misses(self, false_alarms: np.ndarray) -> np.ndarray:
        """Return the least share of misses that is allowed at shares of false alarms, same shape."""
        power = math.exp(min(self.epsilon, 700.0))
        least = np.maximum(1 - self.delta - power * false_alarms, (1 - self.delta - false_alarms) / power)
        if self.rho is not None:
            least = np.maximum(least, ndtr(ndtri(1 - false_alarms) - self.mu))
        return np.maximum(0.0, least)


@dataclass(frozen=True)
class Errors:
    """How often an attacker who draws a line was wrong; limits hold together with the confidence asked for."""

    event: str
    false_alarms: tuple[float, float, float]  # lower limit, share, upper limit
    misses: tuple[float, float, float]

    def epsilon(self, delta: float) -> tuple[float, float, float]:
        """Return the lower limit of epsilon, what the shares say, and the upper limit for this attacker."""
        return tuple(max(0.0, _epsilon(*ends, delta)) for ends in self._ends)

    @property
    def mu(self) -> tuple[float, float, float]:
        """The same in Gaussian units."""
        return tuple(max(0.0, _mu(*ends)) for ends in self._ends)

    @property
    def _ends(self) -> list[tuple[float, float]]:
        return [(self.false_alarms[at], self.misses[at]) for at in (2, 1, 0)]


@dataclass(frozen=True, eq=False)
class Bound:
    """What an audit found for one pair of tables."""

    claim: Claim
    pair: str
    for_epsilon: Errors  # of the line that says most about epsilon
    for_mu: Errors  # of the line that says most about mu
    scores: tuple[np.ndarray, np.ndarray]  # the attacker's, of the fits that count: with the person, without

    @property
    def epsilon(self) -> tuple[float, float, float]:
        """Lower limit, estimate and upper limit of epsilon for this attacker."""
        return self.for_epsilon.epsilon(self.claim.delta)

    @property
    def mu(self) -> tuple[float, float, float]:
        """The same of mu."""
        return self.for_mu.mu

    @property
    def share(self) -> float:
        """Lower limit over claim: of mu where the book is in rho, else of epsilon."""
        low, claimed = (self.epsilon[0], self.claim.epsilon) if self.claim.rho is None else (self.mu[0], self.claim.mu)
        return max(0.0, low) / claimed

    @property
    def refuted(self) -> bool:
        """Whether the promise is wrong."""
        return self.epsilon[0] > self.claim.epsilon or (self.claim.rho is not None and self.mu[0] > self.claim.mu)

    @property
    def curve(self) -> tuple[np.ndarray, np.ndarray]:
        """Shares of false alarms and of misses, as the line moves from the lowest score to the highest."""
        lines = np.append(-np.inf, np.unique(np.concatenate(self.scores)))
        with_, without = (np.sort(own) for own in self.scores)
        alarms = 1 - np.searchsorted(without, lines, side="right") / len(without)
        return alarms, np.searchsorted(with_, lines, side="right") / len(with_)

    def to_dict(self) -> dict:
        """Return plain values, for JSON."""
        names = "low", "estimate", "high"
        return {
            "pair": self.pair,
            "epsilon": {"claimed": self.claim.epsilon, **dict(zip(names, self.epsilon, strict=True))},
            "mu": {"claimed": self.claim.mu, **dict(zip(names, self.mu, strict=True))},
            "epsilon of mu": epsilon_of(self.mu[0], self.claim.delta),
            "share": self.share,
            "refuted": self.refuted,
            "attacker": {"epsilon": asdict(self.for_epsilon), "mu": asdict(self.for_mu)},
        }


# How it is found ---------------------------------------------------------------------------------


def judge(
    pair: str, seen: tuple[pd.DataFrame, pd.DataFrame], claim: Claim, confidence: float = 0.95, bounds: int = 2
) -> Bound:
    """Bound what a promise is really worth from what fits to both tables showed.

    Parameters
    ----------
    pair : str
        Name of the pair of tables.
    seen : tuple of pandas.DataFrame
        What fits with the person and without showed, a row each (see `look`); NaN where nothing was shown.
    claim : Claim
    confidence : float
        With which all bounds hold together, 0 to 1.
    bounds : int
        How many are taken in all; two a pair.
    """
    shown = _table(pd.concat(seen, ignore_index=True))
    inside = np.arange(len(shown)) < len(seen[0])
    turn = np.concatenate([np.arange(len(one)) for one in seen]) % 6
    learn, last = turn < 3, turn > 2  # in thirds of the one half an attacker is made and tried, the other half counts
    tail = (1 - confidence) / bounds / 2
    best: dict[str, tuple] = {}
    for said, tried, score in _attackers(shown, inside, turn):
        for line in np.unique(np.quantile(tried[learn], np.linspace(0, 1, _LINES), method="lower")):
            alarms, missed = (limits[2] for limits in _errors(tried > line, inside, learn, tail))
            for what, low in (("epsilon", _epsilon(alarms, missed, claim.delta)), ("mu", _mu(alarms, missed))):
                if what not in best or low > best[what][0]:
                    best[what] = low, said, line, score
    found = {
        what: Errors(said, *_errors(score > line, inside, last, tail)) for what, (_, said, line, score) in best.items()
    }
    score = best["mu"][-1]
    return Bound(claim, pair, found["epsilon"], found["mu"], (score[inside & last], score[~inside & last]))


def _table(seen: pd.DataFrame) -> pd.DataFrame:
    """Return what was shown without gaps; that there is one is a number of its own."""
    gaps = seen.isna()
    there = (~gaps.loc[:, gaps.any()]).add_prefix("there: ").astype(float)
    shown = pd.concat([seen.fillna(seen.min()), there], axis=1).replace([np.inf, -np.inf], [1e12, -1e12])
    return shown.loc[:, shown.max() > shown.min()]


def _attackers(
    shown: pd.DataFrame, inside: np.ndarray, turn: np.ndarray
) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Give names, scores to try, and scores to count, higher with the person; nothing is learned from turns above 2.

    Numbers that differ most, each alone; then more and more of them, weighed by a linear discriminant. To be tried, a
    fit is scored by weights from the other two thirds; to be counted, by the mean of all three weights.
    """
    yield "all fits look the same", np.zeros(len(shown)), np.zeros(len(shown))
    values = shown.to_numpy(float)
    order, gap, _ = _apart(values, inside, turn < 3)
    for j in order[:_SINGLE]:
        yield shown.columns[j], np.sign(gap[j]) * values[:, j], np.sign(gap[j]) * values[:, j]
    for k in (k for k in _TOGETHER if k <= len(order)):
        by = np.column_stack([_weighed(values, inside, (turn < 3) & (turn != third), k) for third in range(3)])
        tried = by[np.arange(len(by)), np.minimum(turn, 2)]
        yield f"{k} numbers together, among them {shown.columns[order[0]]}", tried, by.mean(axis=1)


def _apart(values: np.ndarray, inside: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return columns in order of how far the rows with the person and without are apart, all gaps, and all spreads."""
    with_, without = values[rows & inside], values[rows & ~inside]
    gap = with_.mean(axis=0) - without.mean(axis=0)
    spread = np.sqrt((with_.var(axis=0) + without.var(axis=0)) / 2) + 1e-3 * np.ptp(values, axis=0) + 1e-12
    return np.argsort(-np.abs(gap / spread), kind="stable"), gap, spread


def _weighed(values: np.ndarray, inside: np.ndarray, rows: np.ndarray, k: int) -> np.ndarray:
    """Return the linear discriminant of the k columns that are furthest apart, learned from the rows; for all."""
    order, gap, spread = _apart(values, inside, rows)
    own = order[:k]
    scaled = values[:, own] / spread[own]
    within = (np.cov(scaled[rows & inside].T) + np.cov(scaled[rows & ~inside].T)) / 2 + _RIDGE * np.eye(k)
    weights = np.linalg.solve(within, gap[own] / spread[own])
    score = scaled @ weights / np.sqrt(weights @ within @ weights)
    return score - (score[rows & inside].mean() + score[rows & ~inside].mean()) / 2


def _errors(alarm: np.ndarray, inside: np.ndarray, rows: np.ndarray, tail: float) -> tuple[tuple, tuple]:
    """Return shares of false alarms and of misses among the rows, each with limits (Clopper, Pearson)."""
    return _limits(alarm[rows & ~inside], tail), _limits(~alarm[rows & inside], tail)


def _limits(happened: np.ndarray, tail: float) -> tuple[float, float, float]:
    k, n = int(happened.sum()), len(happened)
    low = float(betaincinv(k, n - k + 1, tail)) if k else 0.0
    return low, k / n, float(betaincinv(k + 1, n - k, 1 - tail)) if k < n else 1.0


def _epsilon(false_alarms: float, misses: float, delta: float) -> float:
    """Return the least epsilon that allows as few errors; below 0 where any does."""
    gains = ((1 - misses - delta, false_alarms), (1 - false_alarms - delta, misses))
    return max(math.log(max(right, 1e-12) / wrong) if wrong else math.inf for right, wrong in gains)


def _mu(false_alarms: float, misses: float) -> float:
    """Return the least mu that allows as few errors; below 0 where any does."""
    apart = float(ndtri(1 - false_alarms)) - float(ndtri(misses))
    return -math.inf if math.isnan(apart) else apart


def epsilon_of(mu: float, delta: float) -> float | None:
    """Return the least epsilon of mu-Gaussian differential privacy at a delta; None at 0, where there is none.

    After Balle, Wang (2018), *Improving the Gaussian Mechanism*, ICML, arXiv 1805.06530, theorem 8.
    """
    if not delta:
        return None

    def over(epsilon: float) -> float:
        far = math.exp(epsilon + log_ndtr(-epsilon / mu - mu / 2))
        return float(ndtr(-epsilon / mu + mu / 2)) - far - delta

    return float(brentq(over, 0.0, mu * (mu + 40))) if mu and over(0.0) > 0 else 0.0
