"""A score: one number between floor and ceiling, its sentence, its verdict; and where green, amber and red end."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import NormalDist

import pandas as pd

CHAPTERS = ("fidelity", "utility", "privacy", "fairness")
"""In the order a reader asks: is it alike, is it useful, is it safe, is it so for everybody?"""

NO_GUARANTEE = "Passing these tests is no guarantee of privacy."

_COLUMNS = {
    name: "real reference" if name == "ceiling" else name
    for name in ("question", "metric", "value", "low", "high", "floor", "ceiling", "better", "verdict", "sentence")
}


VERDICTS = ("grey", "green", "amber", "red")
"""In the order in which they count: grey, *cannot tell*, says nothing, and gives way to whatever says something."""

GREEN_FROM, AMBER_FROM = 0.9, 0.6  # share of the way from the floor to the ceiling
NEGLIGIBLE, ALARMING = 0.03, 0.06
"""Excess of a success rate of attackers that is negligible, and beyond which it is an alarm."""
SCORES = 20
"""Most scores on privacy that one comparison asks."""
ALARM = 0.04 / SCORES
"""How often chance may raise an alarm in one of them, so that one comparison in twenty raises any (Bonferroni).

The fifth part of the twentieth is left to `verbatim copies`, the plainest of all signs.
"""
_NEAR = 0.01  # a floor and a ceiling nearer than this leave no way to measure
_ALONE = 0.05  # how often chance may raise an alarm in a question, over all its scores
_Z = NormalDist().inv_cdf
_SIGNS = {"higher": 1, "lower": -1}


def wider(looks: int) -> float:
    """Return how many times as wide an interval of 95 % is that holds for all of so many numbers (Bonferroni)."""
    return _Z(_ALONE / 2 / looks) / _Z(_ALONE / 2)


def surely(value: float, low: float) -> float:
    """Return the lower end of an interval that holds for all scores on privacy at once, from that of 95 %."""
    return value + _Z(ALARM) / _Z(_ALONE / 2) * (low - value)


def beyond_chance(
    excess: float,
    least: float,
    green_to: float,
    amber_to: float,
    *,
    is_sure: bool | None = None,
    red_from: float | None = None,
    passed: str = "green",
) -> str:
    """Judge by how much a number is worse than chance explains, and by how much it is so at `least`.

    An alarm takes more than is negligible, and a `least` above 0 (or an exact test: `is_sure`); red is surely more
    than `red_from`, by default than is negligible. Without an alarm the verdict is what a pass is worth.
    """
    is_sure = least > 0 if is_sure is None else is_sure
    if not is_sure or excess <= green_to:
        return passed
    return "red" if excess > amber_to and least > (green_to if red_from is None else red_from) else "amber"


def judge_excess(
    value: float,
    low: float,
    high: float,
    green_to: float = NEGLIGIBLE,
    amber_to: float = ALARMING,
    passed: str = "green",
    blind: float | None = None,
    **settings: object,
) -> str:
    """Judge what an attack wins beyond chance, with its 95 % interval, as one of all scores on privacy.

    Without an alarm an attack that was tried and failed is green, unless its interval reaches so far (`blind`) that
    it could not have found much; a distance has `passed="grey"`, for it shows nothing by that.
    """
    passed = passed if high <= (amber_to if blind is None else blind) else "grey"
    return beyond_chance(value, surely(value, low), green_to, amber_to, passed=passed, **settings)


@dataclass(frozen=True)
class Rule:
    """Where green and amber end for one number: how far it may fall short of the ideal, in its own unit."""

    ideal: float
    green_to: float
    amber_to: float
    nothing: float = math.inf  # how far short a table falls that knows nothing: the floor
    blind: float = math.inf  # how far short the interval may reach, beyond which it cannot tell good from bad
    sign: int = -1  # 1 where less than the ideal is short of it, -1 where more is, 0 where both are
    error: float = 0.0  # half of the 95 % interval of the ideal itself, where that was measured on few records, too

    def short(self, value: float) -> float:
        """Return how far a number falls short of the ideal; below 0 where it is better."""
        return abs(value - self.ideal) if self.sign == 0 else self.sign * (self.ideal - value)

    def verdict(self, value: float, low: float, high: float, scores: int = 1) -> str:
        """Judge a number with its 95 % interval, one of so many of a question.

        A fault must be one beyond chance: so sure that of all scores of a question together one in
        twenty comparisons of fresh real records shows a fault (Bonferroni). Then the distance decides;
        red, moreover, is surely not green. Where chance explains it, or a fault is small, the number is green,
        but for two cases that are grey: the interval reaches so far that the number cannot tell, or the number itself
        is worse than that of a table that knows nothing.
        """
        short, least = self.short(value), self._least(value, low, high, scores)
        most = max(self.short(low), self.short(high))
        passed = "grey" if short >= self.nothing or (least <= 0 and most >= self.blind) else "green"
        passed = "amber" if least > self.nothing > 0 else passed
        return beyond_chance(short, least, self.green_to, self.amber_to, passed=passed)

    def _least(self, value: float, low: float, high: float, scores: int) -> float:
        """Return how far short the number surely is, over all scores of a question; 0 or less: perhaps not at all."""
        below, above = (wider(scores) * math.hypot(end - value, self.error) for end in (low, high))
        if self.sign == 0:
            return max(value - below - self.ideal, self.ideal - value - above)
        return self.short(value + above if self.sign > 0 else value - below)


def between(floor: float, ideal: float, better: str, error: float = 0.0) -> Rule:
    """Return the rule for a number between its floor and its ceiling: green nine tenths of the way, amber six.

    Where the floor is as good as the ceiling (a table without structure) there is no way to measure: what surely
    falls short by .01 is amber, by .02 red, and what does not cannot be told.
    """
    sign = _SIGNS[better]
    way = sign * (ideal - floor)
    if way <= _NEAR:
        return Rule(ideal, _NEAR, 2 * _NEAR, way, way, sign, error)
    return Rule(ideal, (1 - GREEN_FROM) * way, (1 - AMBER_FROM) * way, way, way, sign, error)


def within(
    ideal: float, green_to: float, amber_to: float, better: str, floor: float | None = None, error: float = 0.0
) -> Rule:
    """Return the rule for a number with limits of its own, of which the floor is no end: it may be right by itself.

    What may be red as far as its interval tells is not green; nor is what is worse than the floor.
    """
    rule = Rule(ideal, green_to, amber_to, blind=amber_to, sign=_SIGNS.get(better, 0), error=error)
    short = 0.0 if floor is None else rule.short(floor)
    return replace(rule, nothing=short) if short > 0 else rule


def worst(verdicts: Sequence[str]) -> str | None:
    """Return the worst of some verdicts, None for none.

    A question is as good as its worst score that says something: grey only where all are.
    """
    return max(verdicts, key=VERDICTS.index, default=None)


@dataclass(frozen=True)
class Score:
    """One number, and all that is needed to read it.

    Parameters
    ----------
    question : {"fidelity", "utility", "privacy", "fairness"}
    metric : str
        Name of the number.
    value, low, high : float
        The number for the synthetic table, and its 95 % interval.
    floor : float or None
        The same number for `Marginals`: columns drawn independently from train. For pictures that
        for `SliceGaussian`; in their utility guessing. None where a rule has limits of its own and that number is as
        good as the ideal: what is right by itself is no floor.
    ceiling : float or None
        The same number with other real records in place of the synthetic ones; None where that
        takes a holdout and there is none.
    verdict : {"grey", "green", "amber", "red"} or Rule
        A rule judges the number at once, as if it were alone, and once more among all of its question: see `settle`.
    better : {"higher", "lower", "at 0.5", "at 1", "at the ceiling"}
    sentence : str
        What the number says, in plain words.
    digits : int
        Decimals that are worth showing.
    """

    question: str
    metric: str
    value: float
    low: float
    high: float
    floor: float | None
    ceiling: float | None
    verdict: str
    better: str
    sentence: str
    digits: int = 3
    rule: Rule | None = None

    def __post_init__(self) -> None:
        """Refuse what is no number: who measures leaves it out, and says why. Judge, where there is a rule."""
        ends = [end for end in (self.floor, self.ceiling) if end is not None]
        if not all(map(math.isfinite, (self.value, self.low, self.high, *ends))):
            raise ValueError(f"{self.metric}: a score, its interval, floor and ceiling are numbers; skip it instead.")
        if isinstance(self.verdict, Rule):
            object.__setattr__(self, "rule", self.verdict)
            object.__setattr__(self, "verdict", self.rule.verdict(self.value, self.low, self.high))
            if self.floor is not None and math.isinf(self.rule.nothing):
                object.__setattr__(self, "floor", None)

    @classmethod
    def of(
        cls,
        metric: str,
        value: float,
        ends: tuple[float, float],
        beside: tuple[float | None, float | None],
        *,
        verdict: "str | Rule",
        sentence: str,
        better: str = "lower",
        digits: int = 3,
    ) -> "Score":
        """Return a score with the `ends` of its interval, and floor and ceiling `beside` it: numbers of any kind.

        Of which chapter it is, its question says later.
        """
        numbers = [None if number is None else float(number) for number in (value, *ends, *beside)]
        return cls("", metric, *numbers, verdict, better, sentence, digits)

    def among(self, scores: int) -> "Score":
        """Return the same score, judged as one of so many."""
        return (
            self
            if self.rule is None
            else replace(self, verdict=self.rule.verdict(self.value, self.low, self.high, scores))
        )

    def write(self, number: float | None) -> str:
        """Return a number as it is shown, an en dash where there is none."""
        return "–" if number is None or not math.isfinite(number) else f"{number:,.{self.digits}f}"


def score_frame(scores: Sequence[Score]) -> pd.DataFrame:
    """Return one row a score; see `Report.scores`."""
    frame = pd.DataFrame([asdict(score) for score in scores], columns=list(_COLUMNS)).rename(columns=_COLUMNS)
    return frame.astype({"floor": float, "real reference": float})


def place(value: float, floor: float, ceiling: float) -> float:
    """Return how far a number has come from the floor (0) to the ceiling (1); NaN where they meet."""
    way = ceiling - floor
    return (value - floor) / way if abs(way) > 1e-12 else math.nan


def settle(scores: Sequence[Score]) -> tuple[Score, ...]:
    """Judge all scores of a comparison, each as one of all that its question asked."""
    asked = Counter(score.question for score in scores)
    return tuple(score.among(asked[score.question]) for score in scores)


@dataclass(frozen=True)
class Skipped:
    """Something that could not be judged, and why.

    `kind` is for programs: a need of `NEEDS`, ``column`` (left out), ``repaired`` (a column, too, but compared),
    or ``measure`` for what turned out while measuring.
    """

    what: str
    why: str
    kind: str = "measure"
    column: object = None
