"""A score: one number between its floor and its ceiling, with a verdict and a sentence."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import pandas as pd

from shd.compare.core.verdicts import Rule

CHAPTERS = ("fidelity", "utility", "privacy", "fairness")
"""In the order a reader asks: is it alike, is it useful, is it safe, is it so for everybody?"""

_COLUMNS = {
    name: "real reference" if name == "ceiling" else name
    for name in ("question", "metric", "value", "low", "high", "floor", "ceiling", "better", "verdict", "sentence")
}


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
        *,
        floor: float | None,
        ceiling: float | None,
        verdict: "str | Rule",
        better: str,
        sentence: str,
        digits: int = 3,
    ) -> "Score":
        """Return a score of a question, which says later what chapter it is of; numbers of any kind become floats."""
        numbers = [None if number is None else float(number) for number in (value, *ends, floor, ceiling)]
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

    @property
    def frame(self) -> pd.DataFrame:
        """The score as a table of one row, with the columns of `Report.scores`."""
        return score_frame([self])


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
