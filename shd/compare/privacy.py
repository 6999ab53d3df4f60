"""Is it safe? Copies of real records, and synthetic records that lie too near to the ones learned from.

All are alarms, not guarantees: a table can pass and still betray people.
"""

import numpy as np
import pandas as pd
from scipy.stats import beta

from shd._errors import ShdError
from shd.compare._attacks import (
    RELEASED,
    REPLICATES,
    budget,
    check_count,
    count_people,
    hits,
    judge_excess,
    one_each,
    some,
)
from shd.compare._coded import Coded, align
from shd.compare._gower import Gower
from shd.compare._resample import bootstrap_weights, deal, generator, interval, subject_weights, subsample
from shd.compare._schema import Answer, Inputs, Score, Skipped
from shd.dataset import Dataset

GREEN_BAND, AMBER_BAND = 0.02, 0.05  # how far from 0.5 a DCR share may lie
NEAR_GREEN, NEAR_AMBER = 0.01, 0.03  # how far above 1 % the share of near copies may lie
RATIO_GREEN, RATIO_AMBER = 0.1, 0.2  # by what share a ratio of distances may be smaller against train
NEAR, LOWEST = 0.01, 5  # the nearest share of held-out records, and the percentile of ratios that counts
_REPLICATES = 200
_FEWEST, _FEWEST_NEAR = 20, 100
_ROWS, _NEAR_ROWS = 5000, 2000
_CELLS = 0.25  # standard error of a DCR share from who the real people are, times the root of their number
_MOST_REAL = 50_000
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


def near_copies(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded,
    rows: int = 2000,
    random_state: int = 0,
) -> float:
    """Return the share of synthetic records nearer to train than the nearest 1 % of held-out people.

    Gower's distance to the closest train record; one record a held-out person. 0.01 is what new
    people reach by construction (of records that tie at the border, as many count as that takes).

    Parameters
    ----------
    train, synthetic, holdout : Dataset or DataFrame
    rows : int
        Most synthetic records, and held-out people, that are looked at.
    random_state : int

    Returns
    -------
    float
        0 to 1; above 0.01: some synthetic records are nearly those of people learned from.

    Raises
    ------
    ShdError
        Where the holdout has fewer than 100 people.

    References
    ----------
    Platzer, Reutterer (2021), doi 10.3389/fdata.2021.679939: the holdout shows what is to be expected.
    """
    check_count(rows, "rows")
    (train, synthetic, holdout), _ = align(train, synthetic, holdout, names=["train", "synthetic", "holdout"])
    if count_people(holdout) < _FEWEST_NEAR:
        raise ShdError(
            f"near copies: holdout has {count_people(holdout)} people; give at least {_FEWEST_NEAR}, of whom the "
            "nearest 1 % is then one or more."
        )
    rng = generator(random_state, "near copies")
    gower, train = Gower.of(train), some(train, RELEASED, rng)
    people = gower.nearest(one_each(holdout, rows, rng), train)
    return float(_nearer(gower.nearest(some(synthetic, rows, rng), train), people)[0])


def nndr(
    synthetic: Dataset | pd.DataFrame | Coded,
    real: Dataset | pd.DataFrame | Coded,
    rows: int = 5000,
    random_state: int = 0,
) -> np.ndarray:
    """Return the nearest-neighbour distance ratio of synthetic records against real ones.

    The distance to the closest real record, over that to the closest one of another person. Low:
    the synthetic record lies at one person, and at nobody else. Compare the 5th percentile against
    train with that against as many records of the holdout.

    Parameters
    ----------
    synthetic, real : Dataset or DataFrame
    rows : int
        Most synthetic records that are looked at.
    random_state : int

    Returns
    -------
    ndarray of float, shape (n,)
        0 to 1; 1 where two people lie equally near.

    Raises
    ------
    ShdError
        Where `rows` is no number of records.

    References
    ----------
    Zhao, Kunar, Birke, Chen (2021), *CTAB-GAN: Effective Table Data Synthesizing*, ACML, arXiv 2102.08369.
    """
    check_count(rows, "rows")
    (real, synthetic), _ = align(real, synthetic, names=["real", "synthetic"])
    records = some(synthetic, rows, generator(random_state, "nndr"))
    return _ratio(Gower.of(real).nearest_two_people(records, real))


def measure(inputs: Inputs) -> Answer:
    """Count copies, and compare distances to train and holdout."""
    copies = _copies(inputs)
    if inputs.holdout is None:
        why = "take a holdout: compare(..., holdout=...)"
        what = "DCR share, near copies, NNDR, and copies beside what chance gives,"
        return Answer([copies], skipped=[Skipped(what, why)])
    if min(count_people(inputs.train), count_people(inputs.holdout), len(inputs.synthetic)) < _FEWEST:
        why = f"take at least {_FEWEST} people, and synthetic records, in every table"
        return Answer([copies], skipped=[Skipped("DCR share, near copies, NNDR", why)])
    closeness, frame = _closeness(inputs)
    if count_people(inputs.holdout) < 2 * _FEWEST_NEAR:
        why = f"take {2 * _FEWEST_NEAR} people in the holdout"
        return Answer([copies, *closeness], {"distances": frame}, [Skipped("near copies", why)])
    return Answer([copies, _near(inputs), *closeness], {"distances": frame})


def _is_copy(train: Coded, other: Coded) -> np.ndarray:
    seen = {row.tobytes() for row in np.ascontiguousarray(train.values)}
    return np.array([row.tobytes() in seen for row in np.ascontiguousarray(other.values)])


def _is_twice(table: Coded) -> np.ndarray:
    """Whether each record comes up more than once: what records equal by chance, among people learned from."""
    _, which, count = np.unique(table.values, axis=0, return_inverse=True, return_counts=True, equal_nan=True)
    return count[which.ravel()] > 1


def _copies(inputs: Inputs) -> Score:
    n = len(inputs.synthetic)
    value = verbatim_copies(inputs.train, inputs.synthetic)
    floor = verbatim_copies(inputs.train, inputs.floor) * n / len(inputs.floor)
    low, high = (n * bound for bound in binomial_interval(value, n))
    twice = _is_twice(inputs.train)
    ceiling, chance, other = None, n * binomial_interval(int(twice.sum()), len(twice))[1], ""
    if inputs.holdout is not None:
        found, size = verbatim_copies(inputs.train, inputs.holdout), len(inputs.holdout)
        ceiling = n * found / size
        chance = min(chance, n * binomial_interval(found, size)[1])  # a holdout may hold records of train
        other = f" Among as many other {inputs.word} records it is {ceiling:,.0f}, by chance alone."
    verdict = "red" if low > chance else "green" if value <= (ceiling or 0) else "amber"
    sentence = f"{value:,} of {n:,} synthetic records equal a record learned from, in every column.{other}"
    return Score(
        "privacy", "verbatim copies", float(value), low, high, floor, ceiling, verdict, "lower", sentence, digits=0
    )


def binomial_interval(found: int, n: int) -> tuple[float, float]:
    """Clopper and Pearson's exact 95 % interval of a share."""
    low = float(beta.ppf(0.025, found, n - found + 1)) if found else 0.0
    high = float(beta.ppf(0.975, found + 1, n - found)) if found < n else 1.0
    return low, high


def _near(inputs: Inputs) -> Score:
    """Judge by one half of the holdout what is near; the other half shows what new people reach."""
    rng = generator(inputs.random_state, "near copies")
    half = deal(inputs.holdout.subjects, 2, rng) == 0
    rows = budget(inputs, _NEAR_ROWS)
    gower, train = Gower.of(inputs.train), some(inputs.train, budget(inputs, RELEASED), rng)
    tables = (some(inputs.synthetic, rows, rng), some(inputs.floor, rows, rng))
    people = (one_each(inputs.holdout.take(side), rows, rng) for side in (half, ~half))
    synthetic, floor, held, others = (gower.nearest(records, train) for records in (*tables, *people))
    drawn = [bootstrap_weights(len(side), REPLICATES, rng) for side in (synthetic, held)]
    value, low, high = _with_interval(_nearer(synthetic, held, np.hstack(drawn)), float(_nearer(synthetic, held)[0]))
    floor, ceiling = (float(_nearer(side, held)[0]) for side in (floor, others))
    verdict = judge_excess(value - NEAR, low - NEAR, NEAR_GREEN, NEAR_AMBER)
    means = {
        "green": "hardly more than chance gives",
        "amber": "some are nearly records of people learned from",
        "red": "many are nearly records of people learned from",
    }
    sentence = (
        f"{value:.1%} of synthetic records lie as near to a record learned from as the nearest 1% of people held out "
        f"(other {inputs.word} people: {ceiling:.1%}): {means[verdict]}."
    )
    return Score("privacy", "near copies", value, low, high, floor, ceiling, verdict, "lower", sentence)


def _nearer(records: np.ndarray, held: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the share of records at smaller distances than the smallest 1 % of those of held-out people."""
    return hits(np.repeat([True, False], [len(records), len(held)]), -np.concatenate([records, held]), weights, NEAR)


def _with_interval(replicates: np.ndarray, value: float, least: float = 0, most: float = 1) -> tuple:
    return value, *(float(bound) for bound in interval(value, replicates, least, most))


def _closeness(inputs: Inputs) -> tuple[list[Score], pd.DataFrame]:
    """Compare the distances to the nearest and next nearest people of train and holdout."""
    seed, rows, most = inputs.random_state, budget(inputs, _ROWS), budget(inputs, _MOST_REAL)
    train, synthetic, holdout = inputs.train, inputs.synthetic, inputs.holdout
    # other real people in place of synthetic ones: half of the holdout, between train and the other half
    half = deal(holdout.subjects, 2, generator(seed, "halves")) == 0
    records = holdout.take(half)
    found = {
        "synthetic": _distances(train, synthetic, holdout, rows, seed, most),
        "floor": _distances(train, inputs.floor, holdout, rows, seed, most),
        "holdout": _distances(train, records, holdout.take(~half), rows, seed, most),
    }
    weights = subject_weights(np.arange(len(found["synthetic"][0])), _REPLICATES, generator(seed, "closeness"))
    frame = pd.concat(
        pd.DataFrame({"records": name, "to train": a[:, 0], "to holdout": b[:, 0]})
        for name, (a, b) in found.items()
        if name != "floor"
    ).reset_index(drop=True)
    frame[["to train", "to holdout"]] /= len(train.names)
    return [_dcr(inputs, found, weights), _ratios(inputs, found, weights)], frame


def _dcr(inputs: Inputs, found: dict, weights: np.ndarray) -> Score:
    closer = _closer(*found["synthetic"])
    value, low, high = _with_interval(weights @ closer / len(closer), float(closer.mean()))
    # other people of train and holdout would divide the space in another way: each has a cell of another size
    people = min(len(inputs.train), len(inputs.holdout), budget(inputs, _MOST_REAL))
    value, low, high = _widened(value, low, high, _CELLS / np.sqrt(people))
    floor, ceiling = (float(_closer(*found[name]).mean()) for name in ("floor", "holdout"))
    sentence = (
        f"{value:.1%} of synthetic records lie nearer to a record learned from than to one held out (ideal: 50%; "
        f"other {inputs.word} records: {ceiling:.1%}). {NO_GUARANTEE}"
    )
    verdict = _band(value, low, ceiling)
    return Score("privacy", "DCR share", value, low, high, floor, ceiling, verdict, "at 0.5", sentence)


def _widened(value: float, low: float, high: float, error: float) -> tuple[float, float, float]:
    """Return an interval that holds a further, independent standard error."""
    return (
        value,
        max(0.0, value - np.hypot(value - low, 1.96 * error)),
        min(1.0, value + np.hypot(high - value, 1.96 * error)),
    )


def _ratios(inputs: Inputs, found: dict, weights: np.ndarray) -> Score:
    """Compare the low end of the ratios of distances, d1 / d2, against train and against the holdout."""
    ratios = {name: [_ratio(distances) for distances in pair] for name, pair in found.items()}
    floor, ceiling = (
        _smaller(*(np.percentile(side, LOWEST) for side in ratios[name])) for name in ("floor", "holdout")
    )
    to_train, to_holdout = (np.percentile(side, LOWEST) for side in ratios["synthetic"])
    drawn = [_smaller(*(_low_end(side, often) for side in ratios["synthetic"])) for often in weights]
    value, low, high = _with_interval(np.array(drawn), _smaller(to_train, to_holdout), -1)
    verdict = judge_excess(value, low, RATIO_GREEN, RATIO_AMBER)
    means = {
        "green": "they do not point at single people learned from",
        "amber": "some may point at single people learned from",
        "red": "some point at single people learned from",
    }
    sentence = (
        f"For the lowest 5% of synthetic records the distance to the nearest person over that to the next one is at "
        f"most {to_train:.3f} among people learned from and {to_holdout:.3f} among as many held out, {_much(value)} "
        f"(other {inputs.word} records: {_much(ceiling)}): {means[verdict]}."
    )
    return Score("privacy", "NNDR gap", value, low, high, floor, ceiling, verdict, "lower", sentence)


def _smaller(to_train: float, to_holdout: float) -> float:
    """Return by what share a ratio is smaller against train than against the holdout, -1 to 1."""
    return float((to_holdout - to_train) / max(to_holdout, to_train, 1e-12))


def _much(smaller: float) -> str:
    return f"{abs(smaller):.0%} {'smaller' if smaller > 0 else 'larger'}" if round(smaller, 2) else "the same"


def _ratio(distances: np.ndarray) -> np.ndarray:
    """Distance to the nearest over that to the next person; 1 where both are 0, or there is no other."""
    first, second = distances.astype(float).T
    known = (second > 0) & np.isfinite(second)
    return np.divide(first, second, out=np.ones(len(first)), where=known)


def _low_end(ratios: np.ndarray, weights: np.ndarray) -> float:
    return float(np.percentile(np.repeat(ratios, weights.astype(int)), LOWEST))


def _band(value: float, low: float, ceiling: float) -> str:
    """Judge a DCR share. Being nearer to held-out records is odd, and worth a look, but betrays nobody."""
    if value < 0.5 - AMBER_BAND:
        return "amber"
    if value <= 0.5 + GREEN_BAND or low <= 0.5:
        return "green"
    # red takes more than chance explains, and more than other real records reach
    return "red" if value > 0.5 + AMBER_BAND and low > max(0.5 + GREEN_BAND, ceiling) else "amber"


def _closer(to_train: np.ndarray, to_holdout: np.ndarray) -> np.ndarray:
    to_train, to_holdout = to_train[:, 0], to_holdout[:, 0]
    return np.where(to_train < to_holdout, 1.0, np.where(to_train > to_holdout, 0.0, 0.5))


def _distances(
    train: Coded, records: Coded, holdout: Coded, rows: int, random_state: int, most: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Distances of each record to the two nearest people of train and holdout, cut to the same size; shape (n, 2)."""
    rng = generator(random_state, "dcr")
    n = min(len(train), len(holdout), most or len(train))
    gower = Gower.of(train)
    records = records.take(subsample(len(records), rows, rng))
    return tuple(
        gower.nearest_two_people(records, real.take(subsample(len(real), n, rng))) for real in (train, holdout)
    )
