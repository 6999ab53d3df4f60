"""Do synthetic records give the effects that a clinical paper would report? Odds ratios and their intervals.

The same regression, fitted on synthetic and on equally many real records: who reads its table, would they conclude the
same? Its terms are those of the columns that are most associated with the outcome among real records: a number by its
standard deviation, a category by its common levels against the commonest one, the others together. Missing numbers
count as the mean. Each term takes ten records of either outcome and ten subjects: Peduzzi et al. (1996), doi
10.1016/S0895-4356(96)00236-3. Intervals are cluster-robust by subject: Liang and Zeger (1986), doi
10.1093/biomet/73.1.13. How far two intervals overlap: Karr et al. (2006), doi 10.1198/000313006X124640.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import norm

from shd._parallel import one_thread
from shd.compare.core.chance import equally_many, generator, interval, subject_weights
from shd.compare.core.models import effects, explained
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, between
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.core.tasks import Task

_MOST_TERMS = 12
_ROWS = 20_000  # most records to fit
_COMMON, _MOST_LEVELS = 0.02, 6  # share of records from which on a level is common, and most levels with a term
_EVENTS = 10  # records with and without the outcome, and subjects, that each term takes
_CELL = 10  # real records with and without a level, with and without the outcome; elsewhere one, so that a fit ends
_OWN = 0.02  # share of a term's variation that the other terms must leave unexplained
_FRESH = 0.71  # expected overlap of two samples of one population: 1 - (2 / sqrt(pi)) / (2 * 1.96)
_REPLICATES = 100
_LARGEST = 1e30  # the square of a number has to fit
_Z = float(norm.ppf(0.975))
_WHAT = "confidence interval overlap"


def interval_overlap(low: np.ndarray, high: np.ndarray, other_low: np.ndarray, other_high: np.ndarray) -> np.ndarray:
    """Return the common part of pairs of intervals as a share of each, the mean of both; 0 where they lie apart."""
    common = np.minimum(high, other_high) - np.maximum(low, other_low)
    shares = [
        # a point that lies in the other interval is wholly in it
        np.divide(common, width, out=np.ones(common.shape), where=width > 0)
        for width in (high - low, other_high - other_low)
    ]
    return np.where(common >= 0, (shares[0] + shares[1]) / 2, 0.0)


def measure(sides: Sides) -> Answer:
    """Fit the same regressions on real, synthetic, independent and other real records."""
    ready = sides.ready
    rng = generator(sides.random_state, "regression")
    tables = {"real": ready.fit, "synthetic": ready.synthetic, "floor": ready.floor, "other real": ready.test}
    tables = dict(zip(tables, equally_many(list(tables.values()), sides.most(_ROWS, 2000), rng), strict=True))
    weights = {name: subject_weights(table.subjects, _REPLICATES, rng) for name, table in tables.items()}
    frames, overlaps, skipped = [], {name: [] for name in ("synthetic", "floor", "other real")}, []
    for task in ready.tasks:
        terms = _choose(tables["real"], task)
        real = _fit(tables["real"], task, terms, _CELL)
        if real is None:
            skipped.append(Skipped(f"{_WHAT}: {task.label}", "no term can be estimated from as few records"))
            continue
        fits = {name: _fit(tables[name], task, real.terms) for name in overlaps}
        skipped += _notes(task, terms, real, fits["synthetic"], sides.word)
        frames.append(_frame(task, real, fits["synthetic"]))
        own = _bounds(real, real.terms, weights["real"])[1:]
        for name, fit in fits.items():
            overlaps[name].append(interval_overlap(*own, *_bounds(fit, real.terms, weights[name])[1:]))
    if not frames:
        return Answer(skipped=skipped)
    found = {name: np.concatenate(per_task, axis=1).mean(axis=1) for name, per_task in overlaps.items()}
    frame = pd.concat(frames, ignore_index=True)
    name = "odds ratios" if ready.tasks[0].is_level else "coefficients"
    return Answer([_score(sides, frame, found, len(tables["real"]))], {name: frame}, skipped)


@dataclass(frozen=True)
class _Term:
    """A number by its standard deviation, or levels against the commonest one, where `codes` are theirs."""

    label: str
    column: int
    codes: tuple[float, ...] | None = None
    centre: float = 0.0
    spread: float = 1.0

    def values(self, table: Coded) -> np.ndarray:
        own = table.values[:, self.column]
        if self.codes is not None:
            return np.isin(own, self.codes).astype(float)
        return np.nan_to_num((own.clip(-_LARGEST, _LARGEST) - self.centre) / self.spread)


@dataclass(frozen=True, eq=False)
class _Fit:
    """Terms that could be estimated, their log odds ratios or coefficients, and records' moves; see `effects`."""

    terms: tuple[_Term, ...]
    estimate: np.ndarray
    error: np.ndarray
    moves: np.ndarray


def _choose(table: Coded, task: Task) -> list[_Term]:
    """Choose the terms of the columns most associated with the outcome, as many as the records allow."""
    y = task.outcome(table).astype(float)
    rarer = min(y.sum(), len(y) - y.sum()) if task.is_level else len(y)
    most = int(min(_MOST_TERMS, rarer // _EVENTS, len(np.unique(table.subjects)) // _EVENTS))
    blocks = []
    for j, name in enumerate(table.names):
        block = _terms(table, j) if name != task.target else []
        if block:
            blocks.append((-round(explained(_design(table, block), y), 9), j, block))
    chosen = []
    for *_, block in sorted(blocks, key=lambda entry: entry[:2]):
        if len(chosen) + len(block) <= most:
            chosen += block
    return chosen


def _terms(table: Coded, j: int) -> list[_Term]:
    """Return the terms of one column; none where it is constant, or more than half of its numbers are missing."""
    column, values = table.columns[j], table.values[:, j]
    if column.is_number:
        there = values[~np.isnan(values)].clip(-_LARGEST, _LARGEST)
        if len(there) < len(values) / 2 or np.ptp(there) == 0:
            return []
        return [_Term(f"{column.name} (by {there.std():.3g})", j, None, float(there.mean()), float(there.std()))]
    code, count = np.unique(values, return_counts=True)
    order = np.argsort(-count, kind="stable")
    common = [k for k in order if count[k] >= _COMMON * len(values)][:_MOST_LEVELS]
    if len(common) < 2:
        return []
    level = [column.levels[int(code[k])] for k in order]
    terms = [_Term(f"{column.name}: {column.levels[int(code[k])]} vs {level[0]}", j, (code[k],)) for k in common[1:]]
    others = [k for k in order if k not in common]
    if count[others].sum() >= _COMMON * len(values):
        terms.append(_Term(f"{column.name}: others vs {level[0]}", j, tuple(code[others])))
    return terms


def _design(table: Coded, terms: Sequence[_Term]) -> np.ndarray:
    return np.column_stack([np.ones(len(table)), *(term.values(table) for term in terms)])


def _fit(table: Coded, task: Task, terms: Sequence[_Term], least: int = 1) -> _Fit | None:
    """Fit what can be estimated, without terms that others explain; None where nothing can.

    A level with too few records of either outcome goes with its records, which would else join the reference; a
    column goes where the rest has too few, and the first one whose absence mends it where the fit has no end.
    """
    y, kept = task.outcome(table).astype(float), []
    for term in terms:
        own = term.values(table)
        if explained(_design(table, kept), own) > 1 - _OWN:
            continue
        if task.is_level and term.codes is not None:
            cells = np.bincount((2 * own + y).astype(int), minlength=4)
            if cells[:2].min() < least:
                return _fit(table, task, _without(terms, term.column), least)
            if cells[2:].min() < least:
                rest = own == 0
                fit = _fit(table.take(rest), task, [other for other in terms if other != term], least)
                at = np.cumsum(rest) - 1  # the records that went move nothing
                return fit and replace(fit, moves=np.where(rest[:, None], fit.moves[at], 0.0))
        kept.append(term)
    for absent in (None, *dict.fromkeys(term.column for term in kept)):
        tried = _without(kept, absent)
        found = effects(_design(table, tried), y, table.subjects, task.is_level) if tried else None
        if found is not None:
            estimate, error, moves = found
            return _Fit(tuple(tried), estimate[1:], error[1:], moves[:, 1:])
    return _fit(table, task, _without(kept, kept[-1].column), least) if kept else None


def _without(terms: Sequence[_Term], column: int | None) -> list[_Term]:
    return [term for term in terms if term.column != column]


def _bounds(fit: _Fit | None, terms: Sequence[_Term], weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return estimate, low and high of some terms under each set of record weights, shape (1 + n_sets, n_terms).

    The first set is that of the records as they are. NaN for a term that could not be estimated.
    """
    estimate, error = np.full((1 + len(weights), len(terms)), np.nan), np.full(len(terms), np.nan)
    if fit is not None:
        at = [terms.index(term) for term in fit.terms]
        estimate[:, at], error[at] = fit.estimate, fit.error
        with one_thread():
            estimate[1:, at] += (weights - 1) @ fit.moves
    return estimate, estimate - _Z * error, estimate + _Z * error


def _frame(task: Task, real: _Fit, synthetic: _Fit | None) -> pd.DataFrame:
    """Lay the effects of a real and a synthetic table side by side, one row a term."""
    as_they_are = np.empty((0, len(real.moves)))
    tables = [[bound[0] for bound in _bounds(fit, real.terms, as_they_are)] for fit in (real, synthetic)]
    (effect, low, high), (other, other_low, other_high) = tables
    written = np.exp if task.is_level else np.asarray
    frame = pd.DataFrame({"target": task.label, "term": [term.label for term in real.terms]})
    for name, bounds in zip(("real", "synthetic"), tables, strict=True):
        for suffix, bound in zip(("", " low", " high"), bounds, strict=True):
            frame[name + suffix] = written(bound)
    frame["overlap"] = interval_overlap(low, high, other_low, other_high)
    frame["same sign"] = np.sign(effect) == np.sign(other)
    # above 0, below it, or neither; NaN is like nothing
    frame["same significance"] = np.sign(low) + np.sign(high) == np.sign(other_low) + np.sign(other_high)
    return frame


def _notes(task: Task, terms: list[_Term], real: _Fit, synthetic: _Fit | None, word: str) -> list[Skipped]:
    """Say which terms could not be estimated."""
    there = synthetic.terms if synthetic is not None else ()
    rare = f"cannot be estimated from {word} records (rare, separating, or told by other terms)"
    left_out = (terms, real.terms, rare), (real.terms, there, "cannot be estimated from synthetic records: no overlap")
    return [
        Skipped(f"odds ratios of {task.label}: {'; '.join(lost)}", why)
        for wanted, found, why in left_out
        if (lost := [term.label for term in wanted if term not in found])
    ]


def _score(sides: Sides, frame: pd.DataFrame, found: dict[str, np.ndarray], n: int) -> Score:
    value, floor, ceiling = (float(found[name][0]) for name in ("synthetic", "floor", "other real"))
    ends = interval(value, found["synthetic"][1:], 0, 1)
    rule = between(floor, min(ceiling, _FRESH), "higher")
    sentence = (
        f"A regression of {sides.target} on {n:,} synthetic and on {n:,} {sides.word} records: the 95% intervals "
        f"of {len(frame)} effects overlap by {value:.0%} on average (other {sides.word} records: {ceiling:.0%}, "
        f"independent columns: {floor:.0%}); {frame['same sign'].sum()} have the same sign, and of "
        f"{frame['same significance'].sum()} one would conclude the same."
    )
    return Score.of(_WHAT, value, ends, (floor, ceiling), verdict=rule, better="higher", sentence=sentence, digits=2)


QUESTION = Question(
    name="regression",
    chapter="utility",
    measure=measure,
    show="chapters.utility:odds_ratios",
    needs=("target",),
    tables=("odds ratios", "coefficients"),
    readme=("confidence interval overlap",),
    words={
        "confidence interval overlap": (
            "The same regression on both tables. The common part of an effect's two intervals, as a share of "
            "each, averaged: 1 the same interval, 0 or less apart. Two fresh real samples reach about 0.71."
        ),
    },
)
