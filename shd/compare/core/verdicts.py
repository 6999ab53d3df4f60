"""Where green, amber and red end: from floor to ceiling, or by limits of its own, and beyond chance over all scores."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist

VERDICTS = ("grey", "green", "amber", "red")
"""In the order in which they count: grey, *cannot tell*, says nothing, and gives way to whatever says something."""

GREEN_FROM, AMBER_FROM = 0.9, 0.6  # share of the way from the floor to the ceiling
_NEAR = 0.01  # a floor and a ceiling nearer than this leave no way to measure
_ALONE = 0.05  # how often chance may raise an alarm in a question, over all its scores
_Z = NormalDist().inv_cdf
_SIGNS = {"higher": 1, "lower": -1}


def wider(looks: int) -> float:
    """Return how many times as wide an interval of 95 % is that holds for all of so many numbers (Bonferroni)."""
    return _Z(_ALONE / 2 / looks) / _Z(_ALONE / 2)


@dataclass(frozen=True)
class Rule:
    """Where green and amber end for one number: how far it may fall short, in its own unit.

    Parameters
    ----------
    ideal : float
        What the number is held against: that of other real records, or what is right.
    green_to, amber_to : float
        How far short of the ideal is still green, and still amber.
    nothing : float
        How far short a table falls that knows nothing: the floor. Infinite where there is no such table.
    blind : float
        How far short the interval may reach, from which on the number cannot tell good from bad.
    sign : {1, -1, 0}
        1 where less than the ideal is short of it, -1 where more is, 0 where both are.
    error : float
        Half of the 95 % interval of the ideal itself, where that was measured on few records, too.
    """

    ideal: float
    green_to: float
    amber_to: float
    nothing: float = math.inf
    blind: float = math.inf
    sign: int = -1
    error: float = 0.0

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
        if least > 0 and short > self.green_to:
            return "red" if short > self.amber_to and least > self.green_to else "amber"
        if least > self.nothing > 0:
            return "amber"
        return "grey" if short >= self.nothing or (least <= 0 and most >= self.blind) else "green"

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

    Parameters
    ----------
    floor, ideal : float
    better : {"higher", "lower"}
    error : float
        See `Rule`.
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

    What may be red as far as its interval tells is not green.

    Parameters
    ----------
    ideal, green_to, amber_to, error : float
        See `Rule`.
    better : {"higher", "lower", "at 1"}
    floor : float, optional
        Worse than this is never green.
    """
    rule = Rule(ideal, green_to, amber_to, blind=amber_to, sign=_SIGNS.get(better, 0), error=error)
    short = 0.0 if floor is None else rule.short(floor)
    return replace(rule, nothing=short) if short > 0 else rule


def judge(value: float, low: float, high: float, floor: float, ceiling: float, better: str, scores: int = 1) -> str:
    """Return the verdict for a number between its floor and its ceiling, one of so many; see `Rule`."""
    return between(floor, ceiling, better).verdict(value, low, high, scores)


def worst(verdicts: Sequence[str]) -> str | None:
    """Return the worst of some verdicts, None for none.

    A question is as good as its worst score that says something: grey only where all are.
    """
    return max(verdicts, key=VERDICTS.index, default=None)
