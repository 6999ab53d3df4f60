"""Are the same values missing together? The distance between the patterns of missing values."""

import numpy as np
import pandas as pd

from shd.compare.core.chance import bootstrap_weights, deal, generator, interval
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import MISSING, Coded, align
from shd.compare.core.verdicts import between, within
from shd.compare.fidelity.columns import AMBER_TO, GREEN_TO
from shd.dataset import Dataset

_BLOCKS, _REPLICATES = 50, 200
_MOST = 500  # patterns told apart
_SHOWN, _NAMED = 20, 4  # patterns in the frame, and columns of a pattern that are named
_WHAT = "missingness distance"
_RARER = "(rarer sets of columns)"


def missingness_distance(train: Dataset | pd.DataFrame | Coded, synthetic: Dataset | pd.DataFrame | Coded) -> float:
    """Return the total variation between the patterns of missing values.

    A pattern is the set of columns in which a record has no value. The distance is the share of
    records whose pattern would have to change for the two tables to agree. What is written as a
    level, such as "not measured", is not missing.

    Parameters
    ----------
    train, synthetic : Dataset or DataFrame

    Returns
    -------
    float
        0 (the same, also where nothing is missing) to 1 (no pattern in common).

    References
    ----------
    Rubin (1976), *Inference and Missing Data*, Biometrika, doi 10.1093/biomet/63.3.581: on why it
    matters which values are missing.
    """
    (train, synthetic), _ = align(train, synthetic)
    codes, patterns = _patterns([train, synthetic])
    return float(_distance(*(np.bincount(code, minlength=len(patterns)) for code in codes)))


def measure(sides: Sides) -> Answer:
    """Compare which columns are missing together."""
    tables = {"train": sides.train, "synthetic": sides.synthetic, "floor": sides.floor}
    if sides.holdout is not None:
        tables["real reference"] = sides.holdout
    codes, patterns = _patterns(list(tables.values()))
    counts = {n: np.bincount(code, minlength=len(patterns)) for n, code in zip(tables, codes, strict=True)}
    if not patterns[counts["train"] + counts["synthetic"] > 0].any():
        return Answer(skipped=[Skipped(_WHAT, f"no value is missing, in {sides.word} or synthetic records")])
    frame = _frame(sides, patterns, counts)
    replicates = _replicates(sides, codes[:2], len(patterns))
    return Answer([_score(sides, frame, counts, replicates)], {"missing together": frame})


def _score(sides: Sides, frame: pd.DataFrame, counts: dict[str, np.ndarray], replicates: np.ndarray) -> Score:
    value, floor = (float(_distance(counts["train"], counts[name])) for name in ("synthetic", "floor"))
    low, high = (float(bound) for bound in interval(value, replicates, 0, 1))
    if "real reference" in counts:
        ceiling = nearest = float(_distance(counts["train"], counts["real reference"]))
        other = f"other {sides.word} records: {ceiling:.1%}"
    else:
        ceiling, nearest = None, _by_chance(counts["train"], counts["synthetic"])
        other = f"by chance {nearest:.1%}"
    worst = frame.loc[(frame["synthetic"] - frame["train"]).abs().idxmax()]
    sentence = (
        f"Which values are missing together would have to change in {value:.1%} of the records for the two tables to "
        f"agree ({other}, independent columns: {floor:.1%}). Furthest off is how often {worst['missing']} "
        f"is missing: in {worst['synthetic']:.1%} of synthetic records, {worst['train']:.1%} of {sides.word} ones."
    )
    if floor - nearest > GREEN_TO:
        rule = between(floor, nearest, "lower")
    else:  # values are missing independently: by the limits of one column
        rule = within(nearest, GREEN_TO, AMBER_TO, "lower", floor)
    return Score("fidelity", _WHAT, value, low, high, floor, ceiling, rule, "lower", sentence)


def _by_chance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the distance that two samples of so many records have on average."""
    share = (first + second) / (first.sum() + second.sum())
    return float(np.sqrt(share * (1 - share) / 2 / np.pi * (1 / first.sum() + 1 / second.sum())).sum())


def is_missing(table: Coded) -> np.ndarray:
    """Return which values are missing, bool, shape (n, n_columns)."""
    missing = np.isnan(table.values)
    for j, column in enumerate(table.columns):
        if not column.is_number and MISSING in column.levels:
            missing[:, j] = table.values[:, j] == column.levels.index(MISSING)
    return missing


def _patterns(tables: list[Coded]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the pattern of each record as a number, a table each, and what it means, shape (n_patterns, n_columns).

    The commonest in the first table come first. Of very many the rarest share the last number.
    """
    missing = np.concatenate([is_missing(table) for table in tables])
    packed = np.packbits(missing, axis=1)
    key = np.ascontiguousarray(packed).view(f"V{packed.shape[1]}").ravel()
    _, first, code = np.unique(key, return_index=True, return_inverse=True)
    count = np.bincount(code[: len(tables[0])], minlength=len(first))
    order = np.argsort(-count, kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    code = np.minimum(rank[code], _MOST - 1)
    return np.split(code, np.cumsum([len(table) for table in tables])[:-1]), missing[first[order[:_MOST]]]


def _distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Total variation between counts, over the last axis."""
    first, second = (count / count.sum(axis=-1, keepdims=True) for count in (first, second))
    return np.abs(first - second).sum(axis=-1) / 2


def _replicates(sides: Sides, codes: list[np.ndarray], n_patterns: int) -> np.ndarray:
    """Distances with blocks of subjects drawn again, shape (_REPLICATES,)."""
    rng = generator(sides.random_state, "missingness")
    drawn = []
    for table, code in zip((sides.train, sides.synthetic), codes, strict=True):
        block = deal(table.subjects, min(_BLOCKS, len(table)), rng)
        n_blocks = int(block.max()) + 1
        counts = np.bincount(block * n_patterns + code, minlength=n_blocks * n_patterns)
        drawn.append(bootstrap_weights(n_blocks, _REPLICATES, rng) @ counts.reshape(n_blocks, n_patterns))
    return _distance(*drawn)


def _frame(sides: Sides, patterns: np.ndarray, counts: dict[str, np.ndarray]) -> pd.DataFrame:
    """Shares of the commonest patterns, the commonest first."""
    shares = pd.DataFrame({name: count / count.sum() for name, count in counts.items()})
    commonest = shares[["train", "synthetic"]].max(axis=1).sort_values(ascending=False, kind="stable").index[:_SHOWN]
    written = [_RARER if i == _MOST - 1 else _written(sides.train.names, patterns[i]) for i in commonest]
    frame = pd.DataFrame({"missing": pd.Series(written, dtype=object), "columns": patterns[commonest].sum(axis=1)})
    for name in ("train", "synthetic", "floor", "real reference"):
        frame[name] = shares.loc[commonest, name].to_numpy() if name in shares else np.nan
    return frame


def _written(names: list, pattern: np.ndarray) -> str:
    own = [str(name) for name, is_missing in zip(names, pattern, strict=True) if is_missing]
    shown = ", ".join(own[:_NAMED])
    return f"{shown} and {len(own) - _NAMED} more" if len(own) > _NAMED else shown or "nothing"


QUESTION = Question(
    name="what is missing together",
    chapter="fidelity",
    measure=measure,
    weight=1,
    tables=("missing together",),
)
