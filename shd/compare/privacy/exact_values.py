"""Synthetic numbers that are exact real ones: what one person's record says to the last digit, handed on."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from shd.compare.core.attacks import ALARM
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, align
from shd.compare.privacy.copies import beyond
from shd.dataset import Dataset

_FEW = 5  # people: a value that fewer have is theirs
_ALARM = 0.05  # excess of such values, beyond which it is an alarm
_METRIC = "exact values"


def exact_values(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded | None = None,
) -> pd.DataFrame:
    """Count for each column of numbers (and dates) the synthetic values that are exact real ones.

    Parameters
    ----------
    train, synthetic : Dataset or DataFrame
    holdout : Dataset or DataFrame, optional
        Shows how many values agree by chance: all of them where numbers are whole and small.

    Returns
    -------
    DataFrame
        One row a column: ``column``; the share of known values, 0 to 1, that equal some value of train, ``synthetic``
        and ``held out`` (NaN without a holdout); the share that equal a value of fewer than five records of train,
        ``of few, synthetic`` and ``of few, held out``.
    """
    tables = [table for table in (train, synthetic, holdout) if table is not None]
    coded, _ = align(*tables, names=["train", "synthetic", "holdout"])
    names = ["column", "synthetic", "held out", "of few, synthetic", "of few, held out"]
    return pd.DataFrame(list(_rows(*coded)), columns=names)


def _rows(train: Coded, synthetic: Coded, holdout: Coded | None = None) -> Iterator[tuple]:
    for j, column in enumerate(train.columns):
        if not column.is_number:
            continue
        values, count = np.unique(train.values[:, j], return_counts=True)
        sides = [_known(table, j) for table in (synthetic, holdout) if table is not None]
        shares = [
            [float(np.isin(side, some).mean()) if len(side) else np.nan for side in sides]
            for some in (values, values[count < _FEW])
        ]
        shares = [[*own, np.nan][:2] for own in shares]
        yield (column.name, *shares[0], *shares[1])


def _known(table: Coded, j: int) -> np.ndarray:
    values = table.values[:, j]
    return values[~np.isnan(values)]


def measure(sides: Sides) -> Answer:
    """Count exact real values; with a holdout, judge the column that hands on most.

    As many people are looked for as are held out, so that both shares are of the same kind. Only values of few people
    count: those that are common are shared by chance.
    """
    frame = exact_values(sides.train, sides.synthetic, sides.holdout)
    if frame.empty:
        return Answer()
    tables, frame = {_METRIC: frame}, frame.dropna()
    if sides.holdout is None or frame.empty:
        return Answer(tables=tables)
    others = exact_values(sides.train, sides.floor)
    excess = frame["of few, synthetic"] - frame["of few, held out"]
    worst = frame.loc[excess.idxmax()]
    j, value = sides.train.names.index(worst["column"]), float(excess.max())
    sizes = [len(_known(table, j)) for table in (sides.synthetic, sides.holdout)]
    shares = worst["of few, synthetic"], worst["of few, held out"]
    error = float(np.sqrt(sum(share * (1 - share) / n for share, n in zip(shares, sizes, strict=True))))
    counts = [round(share * n) for share, n in zip(shares, sizes, strict=True)]
    is_alarm = value > _ALARM and beyond(counts[0], sizes[0], counts[1], sizes[1]) < ALARM / len(frame)
    floor = float(others.set_index("column").loc[worst["column"], "of few, synthetic"] - shares[1])
    means = "numbers of single people are handed on" if is_alarm else "no more than chance may give"
    sentence = (
        f"Of the synthetic values of {worst['column']} {worst['synthetic']:.1%} are exact values of train, "
        f"{shares[0]:.1%} such that fewer than {_FEW} records have; among people held out "
        f"{worst['held out']:.1%} and {shares[1]:.1%} (the most of {len(frame)} columns): {means}."
    )
    low, high = max(value - 1.96 * error, -1.0), min(value + 1.96 * error, 1.0)
    verdict = "amber" if is_alarm else "grey"
    return Answer([Score("privacy", _METRIC, value, low, high, floor, 0.0, verdict, "lower", sentence)], tables)


QUESTION = Question(
    name="exact values",
    chapter="privacy",
    measure=measure,
    show="chapters.privacy:exact_values",
    weight=1,
    tables=("exact values",),
    words={
        "exact values": (
            "Synthetic numbers that equal one of train to the last digit, where fewer than five records have it, "
            "beside the same share among people held out."
        ),
    },
)
