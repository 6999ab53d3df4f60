"""Is it safe? Copies of real records, and synthetic records that lie too near to the ones learned from.

Both are alarms, not guarantees: a table can pass and still betray people.
"""

import numpy as np
import pandas as pd
from scipy.stats import beta

from shd.compare._coded import Coded, align
from shd.compare._gower import Gower
from shd.compare._resample import deal, generator, interval, subject_weights, subsample
from shd.compare._schema import Answer, Inputs, Score, Skipped
from shd.dataset import Dataset

GREEN_BAND, AMBER_BAND = 0.02, 0.05  # how far from 0.5 a DCR share may lie
_REPLICATES = 200
_FEWEST = 20
NO_GUARANTEE = "Passing these tests is no guarantee of privacy."


def verbatim_copies(train: Dataset | pd.DataFrame | Coded, synthetic: Dataset | pd.DataFrame | Coded) -> int:
    """Count the synthetic records that equal a train record in every column, missing values included.

    Returns
    -------
    int
        0 to the number of synthetic records.
    """
    (train, synthetic), _ = align(train, synthetic)
    return int(_is_copy(train, synthetic).sum())


def dcr_share(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded,
    rows: int = 5000,
    random_state: int = 0,
) -> float:
    """Return the share of synthetic records whose closest real record is in train, not in holdout.

    Ties count half. Train and holdout are cut to the same size, so that 0.5 is what a synthesizer
    reaches that has learned the population and no one in it. The distance is Gower's: over all
    columns, 0 or 1 for categories that agree or not, difference by range in train for numbers.

    Parameters
    ----------
    train, synthetic, holdout : Dataset or DataFrame
    rows : int
        Most synthetic records that are looked at.
    random_state : int

    Returns
    -------
    float
        0 to 1; above 0.5: nearer to the records learned from.

    References
    ----------
    Platzer, Reutterer (2021), *Holdout-Based Empirical Assessment of Mixed-Type Synthetic Data*,
    Frontiers in Big Data, doi 10.3389/fdata.2021.679939. Gower (1971), *A General Coefficient of
    Similarity and Some of Its Properties*, Biometrics, doi 10.2307/2528823.
    """
    (train, synthetic, holdout), _ = align(train, synthetic, holdout, names=["train", "synthetic", "holdout"])
    return float(_closer(*_distances(train, synthetic, holdout, rows, random_state)).mean())


def measure(inputs: Inputs) -> Answer:
    """Count copies, and compare distances to train and holdout."""
    answer = _copies(inputs)
    if inputs.holdout is None:
        why = "take a holdout: compare(..., holdout=...)"
        return Answer([answer], skipped=[Skipped("DCR share, and copies beside what chance gives,", why)])
    if min(len(inputs.train), len(inputs.holdout), len(inputs.synthetic)) < _FEWEST:
        return Answer([answer], skipped=[Skipped("DCR share", f"takes at least {_FEWEST} records in every table")])
    score, frame = _closeness(inputs)
    return Answer([answer, score], {"distances": frame})


def _is_copy(train: Coded, other: Coded) -> np.ndarray:
    seen = {row.tobytes() for row in np.ascontiguousarray(train.values)}
    return np.array([row.tobytes() in seen for row in np.ascontiguousarray(other.values)])


def _copies(inputs: Inputs) -> Score:
    n = len(inputs.synthetic)
    value = verbatim_copies(inputs.train, inputs.synthetic)
    floor = verbatim_copies(inputs.train, inputs.floor) * n / len(inputs.floor)
    low, high = (n * bound for bound in binomial_interval(value, n))
    ceiling, ceiling_high, other = None, 0.0, ""
    if inputs.holdout is not None:
        found, size = verbatim_copies(inputs.train, inputs.holdout), len(inputs.holdout)
        ceiling, ceiling_high = n * found / size, n * binomial_interval(found, size)[1]
        other = f" Among as many other {inputs.word} records it is {ceiling:,.0f}, by chance alone."
    verdict = "green" if value <= (ceiling or 0) else "amber" if low <= ceiling_high or ceiling is None else "red"
    sentence = f"{value:,} of {n:,} synthetic records equal a record learned from, in every column.{other}"
    return Score(
        "privacy", "verbatim copies", float(value), low, high, floor, ceiling, verdict, "lower", sentence, digits=0
    )


def binomial_interval(found: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's exact 95 % interval of a share."""
    low = float(beta.ppf(0.025, found, n - found + 1)) if found else 0.0
    high = float(beta.ppf(0.975, found + 1, n - found)) if found < n else 1.0
    return low, high


def _closeness(inputs: Inputs, rows: int = 5000) -> tuple[Score, pd.DataFrame]:
    seed = inputs.random_state
    train, synthetic, holdout = inputs.train, inputs.synthetic, inputs.holdout
    to_train, to_holdout = _distances(train, synthetic, holdout, rows, seed)
    closer = _closer(to_train, to_holdout)
    value = float(closer.mean())
    weights = subject_weights(np.arange(len(closer)), _REPLICATES, generator(seed, "closeness"))
    low, high = interval(value, weights @ closer / len(closer), 0, 1)
    floor = float(_closer(*_distances(train, inputs.floor, holdout, rows, seed)).mean())
    # other real people in place of synthetic ones: half of the holdout, between train and the other half
    half = deal(holdout.subjects, 2, generator(seed, "halves")) == 0
    people = _distances(train, holdout.take(half), holdout.take(~half), rows, seed)
    ceiling = float(_closer(*people).mean())
    verdict = _band(value, float(low))
    sentence = (
        f"{value:.1%} of synthetic records lie nearer to a record learned from than to one held out (ideal: 50%; "
        f"other {inputs.word} records: {ceiling:.1%}). {NO_GUARANTEE}"
    )
    score = Score("privacy", "DCR share", value, float(low), float(high), floor, ceiling, verdict, "at 0.5", sentence)
    n_columns = len(train.names)
    frame = pd.concat(
        pd.DataFrame({"records": name, "to train": a / n_columns, "to holdout": b / n_columns})
        for name, (a, b) in {"synthetic": (to_train, to_holdout), "holdout": people}.items()
    )
    return score, frame.reset_index(drop=True)


def _band(value: float, low: float) -> str:
    """Judge a DCR share. Being nearer to held-out records is odd, and worth a look, but betrays nobody."""
    if value < 0.5 - AMBER_BAND:
        return "amber"
    return "green" if value <= 0.5 + GREEN_BAND or low <= 0.5 else "amber" if value <= 0.5 + AMBER_BAND else "red"


def _closer(to_train: np.ndarray, to_holdout: np.ndarray) -> np.ndarray:
    return np.where(to_train < to_holdout, 1.0, np.where(to_train > to_holdout, 0.0, 0.5))


def _distances(
    train: Coded, records: Coded, holdout: Coded, rows: int, random_state: int
) -> tuple[np.ndarray, np.ndarray]:
    """Distance of each record to its closest in train and in holdout, cut to the same size; float32."""
    rng = generator(random_state, "dcr")
    n = min(len(train), len(holdout))
    gower = Gower.of(train)
    records = records.take(subsample(len(records), rows, rng))
    return tuple(gower.nearest(records, real.take(subsample(len(real), n, rng))) for real in (train, holdout))
