"""Synthetic numbers that are exact real ones: what one person's record says to the last digit, handed on.

Only values of few people count: those that are common are shared by chance. People held out show how many agree so.
"""

import numpy as np
import pandas as pd

from shd.compare.core.chance import chance_of
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import ALARM, Score, beyond_chance
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

_FEW = 5  # people: a value that fewer have is theirs
_NEGLIGIBLE = 0.05  # excess of such values, beyond which it is an alarm
_WHAT = "exact values"


def measure(sides: Sides) -> Answer:
    """Count exact real values; with a holdout, judge the column of numbers (or dates) that hands on most."""
    frame = _table(sides)
    if frame.empty:
        return Answer()
    judged = frame.dropna()
    scores = [] if sides.holdout is None or judged.empty else [_score(sides, judged)]
    return Answer(scores, {_WHAT: frame})


def _table(sides: Sides) -> pd.DataFrame:
    """Return one row a column: the share of known values that are values of train, and those of few of its records."""
    numbers = [j for j, column in enumerate(sides.train.columns) if column.is_number]
    rows = [
        [sides.train.names[j], *(share for few in (False, True) for share in _shares(sides, j, few))] for j in numbers
    ]
    return pd.DataFrame(rows, columns=["column", "synthetic", "held out", "of few, synthetic", "of few, held out"])


def _shares(sides: Sides, j: int, few: bool) -> list[float]:
    return [_share(sides.train, table, j, few) for table in (sides.synthetic, sides.holdout)]


def _share(train: Coded, table: Coded | None, j: int, few: bool) -> float:
    """Return the share of known values that equal one of train, one of few of its records; NaN where there is none."""
    values, count = np.unique(train.values[:, j], return_counts=True)
    known = np.empty(0) if table is None else _known(table, j)
    return float(np.isin(known, values[count < _FEW] if few else values).mean()) if len(known) else np.nan


def _known(table: Coded, j: int) -> np.ndarray:
    values = table.values[:, j]
    return values[~np.isnan(values)]


def _score(sides: Sides, frame: pd.DataFrame) -> Score:
    excess = frame["of few, synthetic"] - frame["of few, held out"]
    worst, value = frame.loc[excess.idxmax()], excess.max()
    j = sides.train.names.index(worst["column"])
    sizes = np.array([len(_known(table, j)) for table in (sides.synthetic, sides.holdout)])
    shares = worst[["of few, synthetic", "of few, held out"]].to_numpy(float)
    reach = 1.96 * np.sqrt((shares * (1 - shares) / sizes).sum())
    counts = shares * sizes
    is_sure = chance_of(counts[0], sizes[0], counts[1], sizes[1]) < ALARM / len(frame)
    verdict = beyond_chance(value, value, _NEGLIGIBLE, np.inf, is_sure=is_sure, passed="grey")
    means = "no more than chance may give" if verdict == "grey" else "numbers of single people are handed on"
    sentence = (
        f"Of the synthetic values of {worst['column']} {worst['synthetic']:.1%} are exact values of train, "
        f"{shares[0]:.1%} such that fewer than {_FEW} records have; among people held out "
        f"{worst['held out']:.1%} and {shares[1]:.1%} (the most of {len(frame)} columns): {means}."
    )
    ends = np.clip([value - reach, value + reach], -1, 1)
    floor = _share(sides.train, sides.floor, j, few=True) - shares[1]
    return Score.of(_WHAT, value, ends, (floor, 0), verdict=verdict, sentence=sentence)


QUESTION = Question(
    name="exact values",
    chapter="privacy",
    measure=measure,
    show="chapters.privacy:exact_values",
    tables=("exact values",),
    words={
        "exact values": (
            "Synthetic numbers that equal one of train to the last digit, where fewer than five records have it, "
            "beside the same share among people held out."
        ),
    },
)
