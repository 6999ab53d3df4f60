"""The one schema of every result: a score between its floor and its ceiling, with a verdict."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from shd.compare._coded import Coded
    from shd.compare.images._grid import Grid
    from shd.synthesizers import Synthesizer

QUESTIONS = ("fidelity", "utility", "privacy", "fairness")
"""In the order a reader asks them: is it alike, is it useful, is it safe, is it so for everybody?"""

LEVELS = ("quick", "full")
_QUICK = 8  # times fewer records that the quick level looks at

VERDICTS = ("grey", "green", "amber", "red")
"""In the order in which they count: grey, *cannot tell*, says nothing, and gives way to whatever says something."""

GREEN_FROM, AMBER_FROM = 0.9, 0.6  # share of the way from the floor to the ceiling
_COLUMNS = {
    name: "real reference" if name == "ceiling" else name
    for name in ("question", "metric", "value", "low", "high", "floor", "ceiling", "better", "verdict", "sentence")
}
_MANY = 1.46  # times as wide is an interval that holds for all of a dozen scores at once: z(1 - .05 / 24) / z(.975)
_NEAR = 0.01  # a floor and a ceiling nearer than this leave no way to measure


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
        for `SliceGaussian`; in their utility guessing.
    ceiling : float or None
        The same number with other real records in place of the synthetic ones; None where that
        takes a holdout and there is none.
    verdict : {"grey", "green", "amber", "red"}
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

    def __post_init__(self) -> None:
        """Refuse what is no number: who measures leaves it out, and says why."""
        ends = [end for end in (self.floor, self.ceiling) if end is not None]
        if not all(map(math.isfinite, (self.value, self.low, self.high, *ends))):
            raise ValueError(f"{self.metric}: a score, its interval, floor and ceiling are numbers; skip it instead.")

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


def judge(value: float, low: float, high: float, floor: float, ceiling: float, better: str) -> str:
    """Give the verdict for a number between its floor and its ceiling.

    Green: nine tenths of the way, or so near the ceiling that chance explains the rest. Amber: six
    tenths, or an interval so wide that it reaches from floor to ceiling. A question has about a dozen scores and is
    as good as its worst, so that chance is judged for all of them at once (Bonferroni). Where the floor is as good
    as the ceiling (a table without structure) what counts is how far the number falls short.
    """
    sign = 1 if better == "higher" else -1
    short = sign * (ceiling - value)
    if short <= 0:
        return "green"
    by_chance = value + _MANY * (low - value) <= ceiling <= value + _MANY * (high - value)
    if sign * (ceiling - floor) <= _NEAR:
        return "green" if by_chance else "amber" if short <= 2 * _NEAR else "red"
    share = place(value, floor, ceiling)
    if share >= GREEN_FROM:
        return "green"
    if by_chance:
        return "amber" if low <= floor <= high else "green"
    return "amber" if share >= AMBER_FROM else "red"


def says_nothing(score: Score) -> bool:
    """Whether a score cannot tell good from bad: its interval holds both, independent columns and other real records.

    Scores of privacy and fairness are left: there floor and ceiling may well be alike.
    """
    ends = (score.floor, score.ceiling)
    asked = score.verdict == "amber" and score.question in ("fidelity", "utility") and None not in ends
    return asked and score.low <= min(ends) and max(ends) <= score.high


def worst(verdicts: list[str]) -> str | None:
    """Return the worst of some verdicts, None for none: a question is as good as its worst score."""
    return max(verdicts, key=VERDICTS.index, default=None)
