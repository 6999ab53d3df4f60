"""The worst group of many: the gap of each, its limits, and intervals that allow for the search."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from shd.compare.core.chance import interval
from shd.compare.core.score import Rule, Score, Skipped, wider, within

SERIOUS = ("green", "grey", "amber", "red")
"""Verdicts on groups, the worst last."""

_MEASURES = 7  # that every group is judged by: chance is allowed for over all of them


@dataclass(frozen=True)
class Measure:
    """One way in which groups can differ, and the limits of its gap."""

    metric: str
    green_to: float
    amber_to: float
    better: str = "lower"
    zero: float = 0.0  # the number of a group without a gap

    def rule(self, floor: float | None) -> Rule:
        """Return the rule for a gap: grey where it may be red as far as its interval tells."""
        return within(self.zero, self.green_to, self.amber_to, "lower", floor)


@dataclass(frozen=True)
class Gap:
    """The gap of one group (or of one whole column) by one measure."""

    measure: Measure
    at: int  # position of the group among all that were looked at
    column: object
    group: str
    value: float
    low: float
    high: float
    floor: float | None
    ceiling: float | None
    verdict: str

    @property
    def name(self) -> tuple:
        """Column and group."""
        return self.column, self.group

    def __str__(self) -> str:
        return f"{self.column} = {self.group}"

    def score(self, sentence: str) -> Score:
        """Return it as the score of its measure."""
        is_right = self.floor is not None and self.measure.rule(None).short(self.floor) <= 0  # so that it is no floor
        return Score.of(
            self.measure.metric,
            self.value,
            (self.low, self.high),
            (None if is_right else self.floor, self.ceiling),
            verdict=self.verdict,
            better=self.measure.better,
            sentence=sentence,
        )


def find_gaps(
    measure: Measure,
    names: Sequence[tuple],
    value: np.ndarray,
    replicates: np.ndarray,
    floor: np.ndarray,
    ceiling: np.ndarray | None,
    least: float = -np.inf,
    most: float = np.inf,
) -> list[Gap]:
    """Judge each group, with intervals that hold for all of them together.

    Bonferroni: with k groups every interval is as wide as it takes to miss its own number in 5 / k %
    of cases, so that in 95 % of cases none of them misses, the worst one neither.
    NaN in `value` leaves a group out; replicates (n_replicates, n_groups) are those of anything that varies as it does.
    """
    judged = np.flatnonzero(np.isfinite(value))
    _, high = interval(value, replicates)
    spread = (high - value) * wider(max(len(judged), 1))
    gaps = []
    for j in judged:
        low, high_j = (float(np.clip(value[j] + s * spread[j], least, most)) for s in (-1, 1))
        ends = [None if side is None or not np.isfinite(side[j]) else float(side[j]) for side in (floor, ceiling)]
        verdict = measure.rule(ends[0]).verdict(float(value[j]), low, high_j, _MEASURES)
        gaps.append(Gap(measure, int(j), *names[j], float(value[j]), low, high_j, *ends, verdict))
    return gaps


def worst_gap(gaps: Sequence[Gap]) -> Gap:
    """Return the gap with the worst verdict, of these the one that is largest even at the low end of its interval.

    The largest number of all would often be that of the smallest group, by chance alone. A group of which nothing can
    be told is worse than one that is surely green: the whole cannot be.
    """
    return max(gaps, key=lambda gap: (SERIOUS.index(gap.verdict), gap.low, gap.value))


def gap_frame(gaps: Sequence[Gap]) -> pd.DataFrame:
    """Return one row a measure and group."""
    columns = ["measure", "column", "group", "value", "low", "high", "floor", "real reference", "verdict"]
    rows = [(g.measure.metric, g.column, g.group, g.value, g.low, g.high, g.floor, g.ceiling, g.verdict) for g in gaps]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"column": object, "floor": float, "real reference": float})


@dataclass(frozen=True, eq=False)
class Judged:
    """What was found by one measure or more: scores, the gap of every group, facts by group, and further frames."""

    scores: list[Score] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    facts: pd.DataFrame | None = None
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)


def describe_choice(gaps: Sequence[Gap], things: str = "groups") -> str:
    """Say what the worst one was chosen from, a blank before it; nothing where there was no choice."""
    n_bad = sum(gap.verdict in ("amber", "red") for gap in gaps)
    n_unknown = sum(gap.verdict == "grey" for gap in gaps)
    if len(gaps) == 1:
        return ""
    unknown = f", and of {n_unknown} nothing can be told" if n_unknown else ""
    return f" Of {len(gaps)} {things} {n_bad or 'none'} {'is' if n_bad < 2 else 'are'} worse than green{unknown}."


def write_points(share: float | None) -> str:
    """Write a difference of shares in points, an en dash where there is none."""
    return "–" if share is None else f"{share * 100:+.1f}"
