"""The one schema of every result: a score between its floor and its ceiling, with a verdict."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import NormalDist
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from shd.compare._coded import Coded
    from shd.compare.images._grid import Grid
    from shd.synthesizers import Synthesizer
    from shd.synthesizers.rules import Rule as RuleOfColumns

QUESTIONS = ("fidelity", "utility", "privacy", "fairness")
"""In the order a reader asks them: is it alike, is it useful, is it safe, is it so for everybody?"""

LEVELS = ("quick", "full")
_SPLITS = 3
_QUICK = 8  # times fewer records that the quick level looks at

VERDICTS = ("grey", "green", "amber", "red")
"""In the order in which they count: grey, *cannot tell*, says nothing, and gives way to whatever says something."""

GREEN_FROM, AMBER_FROM = 0.9, 0.6  # share of the way from the floor to the ceiling
_COLUMNS = {
    name: "real reference" if name == "ceiling" else name
    for name in ("question", "metric", "value", "low", "high", "floor", "ceiling", "better", "verdict", "sentence")
}
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

    @property
    def frame(self) -> pd.DataFrame:
        """The score as a table of one row, with the columns of `Report.scores`."""
        return score_frame([self])

    def plot(self) -> "Figure":
        """Draw the number with its interval, between its floor and its ceiling."""
        from shd.compare._ranges import draw_scores

        return draw_scores([self])


def score_frame(scores: Sequence[Score]) -> pd.DataFrame:
    """Return one row a score; see `Report.scores`."""
    frame = pd.DataFrame([asdict(score) for score in scores], columns=list(_COLUMNS)).rename(columns=_COLUMNS)
    return frame.astype({"floor": float, "real reference": float})


@dataclass(frozen=True)
class Skipped:
    """Something that could not be judged, and why."""

    what: str
    why: str


@dataclass(frozen=True, eq=False)
class Inputs:
    """What every question gets to see, coded together.

    Parameters
    ----------
    train, synthetic, floor : Coded
        The real records learned from, the synthetic ones, and `Marginals` of train.
    holdout : Coded or None
        Real records that the synthesizer never saw.
    fit, test : Coded
        Real records that models are trained and tested on: train and holdout, or without a
        holdout two parts of train that share no subject.
    target : str or None
        The column predicted.
    word : str
        What the reference is: "real" or "stand-in".
    random_state : int
    sensitive : tuple
        Columns that describe groups to be treated alike, of those that all tables share.
    level : {"quick", "full"}
    given : dict
        The tables as they came, by role: for questions that ask for columns by name.
    synthesizer : Synthesizer, optional
        What made the synthetic records, and is released with them: for attacks on the model itself.
    rules : tuple of Rule
        Rules between columns that the user adds to those found.
    findings : tuple of Finding
        What experts know of such tables.
    """

    train: "Coded"
    synthetic: "Coded"
    floor: "Coded"
    holdout: "Coded | None"
    fit: "Coded"
    test: "Coded"
    target: str | None
    word: str
    random_state: int
    sensitive: tuple = ()
    level: str = "full"
    given: dict = field(default_factory=dict)
    synthesizer: "Synthesizer | None" = None
    rules: "tuple[RuleOfColumns, ...]" = ()
    findings: tuple = ()

    @property
    def splits(self) -> int:
        """How often tables are cut in halves, to see how much it matters which records are learned from."""
        return _SPLITS if self.level == "full" else _SPLITS - 1

    def most(self, rows: int, least: int = 500) -> int:
        """Return how many records a step may look at: `rows`, or an eighth of them at the quick level."""
        return rows if self.level == "full" else max(rows // _QUICK, min(least, rows))


@dataclass(frozen=True, eq=False)
class Answer:
    """What one question found: scores, tidy frames behind them, what it had to skip, and pictures to show."""

    scores: list[Score] = field(default_factory=list)
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    pictures: "dict[str, Grid]" = field(default_factory=dict)


def place(value: float, floor: float, ceiling: float) -> float:
    """Return how far a number has come from the floor (0) to the ceiling (1); NaN where they meet."""
    way = ceiling - floor
    return (value - floor) / way if abs(way) > 1e-12 else math.nan


def settle(scores: Sequence[Score]) -> tuple[Score, ...]:
    """Judge all scores of a comparison, each as one of all that its question asked."""
    asked = Counter(score.question for score in scores)
    return tuple(score.among(asked[score.question]) for score in scores)
