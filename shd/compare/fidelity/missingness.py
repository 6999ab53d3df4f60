"""Are the same values missing together? The distance between the patterns of missing values.

A pattern is the set of columns in which a record has no value; the distance is the total variation: the share of
records whose pattern would have to change for two tables to agree. What is written as a level, such as "not
measured", is not missing. Why it matters which values are missing: Rubin (1976), *Inference and Missing Data*,
doi 10.1093/biomet/63.3.581.
"""

import numpy as np
import pandas as pd

from shd.compare.core.chance import bootstrap_weights, counts_again, deal, generator, interval
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, between, within
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.fidelity.columns import AMBER_TO, GREEN_TO

_BLOCKS, _REPLICATES = 50, 200
_MOST = 500  # patterns told apart
_SHOWN, _NAMED = 20, 4  # patterns in the frame, and columns of a pattern that are named
_WHAT = "missingness distance"
_RARER = "(rarer sets of columns)"


def measure(sides: Sides) -> Answer:
    """Compare which columns are missing together."""
    tables = sides.tables()
    codes, patterns = _patterns(list(tables.values()))
    counts = {n: np.bincount(code, minlength=len(patterns)) for n, code in zip(tables, codes, strict=True)}
    if not patterns[counts["train"] + counts["synthetic"] > 0].any():
        return Answer(skipped=[Skipped(_WHAT, f"no value is missing, in {sides.word} or synthetic records")])
    frame = _frame(sides, patterns, counts)
    replicates = _replicates(sides, codes[:2], len(patterns))
    return Answer([_score(sides, frame, counts, replicates)], {"missing together": frame})


def _score(sides: Sides, frame: pd.DataFrame, counts: dict[str, np.ndarray], replicates: np.ndarray) -> Score:
    distance = {name: float(_distance(counts["train"], count)) for name, count in counts.items()}
    value, floor, ceiling = distance["synthetic"], distance["floor"], distance.get("real reference")
    nearest = _by_chance(counts["train"], counts["synthetic"]) if ceiling is None else ceiling
    other = f"by chance {nearest:.1%}" if ceiling is None else f"other {sides.word} records: {nearest:.1%}"
    worst = frame.loc[(frame["synthetic"] - frame["train"]).abs().idxmax()]
    if floor - nearest > GREEN_TO:
        verdict = between(floor, nearest, "lower")
    else:  # values are missing independently: by the limits of one column
        verdict = within(nearest, GREEN_TO, AMBER_TO, "lower", floor)
    ends = interval(value, replicates, 0, 1)
    sentence = (
        f"Which values are missing together would have to change in {value:.1%} of the records for the two tables "
        f"to agree ({other}, independent columns: {floor:.1%}). Furthest off is how often {worst['missing']} "
        f"is missing: in {worst['synthetic']:.1%} of synthetic records, {worst['train']:.1%} of {sides.word} ones."
    )
    return Score.of(_WHAT, value, ends, (floor, ceiling), verdict=verdict, sentence=sentence)


def _by_chance(first: np.ndarray, second: np.ndarray) -> float:
    """Return the distance that two samples of so many records have on average."""
    share = (first + second) / (first.sum() + second.sum())
    return float(np.sqrt(share * (1 - share) / 2 / np.pi * (1 / first.sum() + 1 / second.sum())).sum())


def _patterns(tables: list[Coded]) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the pattern of each record as a number, a table each, and what it means, shape (n_patterns, n_columns).

    The commonest in the first table come first. Of very many the rarest share the last number.
    """
    missing = np.concatenate([table.is_missing() for table in tables])
    packed = np.packbits(missing, axis=1)
    key = np.ascontiguousarray(packed).view(f"V{packed.shape[1]}").ravel()
    _, first, code = np.unique(key, return_index=True, return_inverse=True)
    count = np.bincount(code[: len(tables[0])], minlength=len(first))
    order = np.argsort(-count, kind="stable")
    code = np.minimum(np.argsort(order)[code], _MOST - 1)
    return np.split(code, np.cumsum([len(table) for table in tables])[:-1]), missing[first[order[:_MOST]]]


def _distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Total variation between counts, over the last axis."""
    first, second = (count / count.sum(axis=-1, keepdims=True) for count in (first, second))
    return np.abs(first - second).sum(axis=-1) / 2


def _replicates(sides: Sides, codes: list[np.ndarray], n_patterns: int) -> np.ndarray:
    """Distances with blocks of subjects drawn again, shape (_REPLICATES,)."""
    rng, drawn = generator(sides.random_state, "missingness"), []
    for table, code in zip((sides.train, sides.synthetic), codes, strict=True):
        blocks = deal(table.subjects, min(_BLOCKS, len(table)), rng)
        weights = bootstrap_weights(int(blocks.max()) + 1, _REPLICATES, rng)
        drawn.append(counts_again(code, n_patterns, blocks, weights))
    return _distance(*drawn)


def _frame(sides: Sides, patterns: np.ndarray, counts: dict[str, np.ndarray]) -> pd.DataFrame:
    """Shares of the commonest patterns, the commonest first."""
    shares = pd.DataFrame({name: count / count.sum() for name, count in counts.items()})
    commonest = shares[["train", "synthetic"]].max(axis=1).sort_values(ascending=False, kind="stable").index[:_SHOWN]
    written = [_RARER if i == _MOST - 1 else _written(sides.train.names, patterns[i]) for i in commonest]
    frame = pd.DataFrame({"missing": pd.Series(written, dtype=object), "columns": patterns[commonest].sum(axis=1)})
    shares = shares.loc[commonest].reindex(columns=["train", "synthetic", "floor", "real reference"])
    return pd.concat([frame, shares.reset_index(drop=True)], axis=1)


def _written(names: list, pattern: np.ndarray) -> str:
    own = [str(name) for name, is_missing in zip(names, pattern, strict=True) if is_missing]
    shown = ", ".join(own[:_NAMED])
    return f"{shown} and {len(own) - _NAMED} more" if len(own) > _NAMED else shown or "nothing"


QUESTION = Question(
    name="what is missing together",
    chapter="fidelity",
    measure=measure,
    tables=("missing together",),
)
