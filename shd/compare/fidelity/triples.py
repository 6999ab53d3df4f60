"""Do three columns go together as they do in train? The distance of three-way tables, beyond what pairs show.

For every three columns (of very many a random choice) the total variation between their joint tables: the share of
records that would have to change. Numbers are cut at the fifths of train, missing values are a level, and the rarest
levels share one. McKenna, Miklau, Sheldon (2021), *Winning the NIST Contest*, arXiv 2108.04978: there, synthetic
tables are judged by three-way marginals.
"""

from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from shd._parallel import in_parallel
from shd.compare.core.chance import bootstrap_weights, counts_again, deal, generator, interval, sample_records
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, between
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

_LEVELS, _BINS = 8, 5  # most levels of a column (the rarest share one), and quantile bins of a number
_ROWS, _TRIPLES = 20_000, 5000
_BLOCKS, _REPLICATES = 20, 60
_CHUNK = 250  # triples at a time
_SHOWN = 20
_WHAT = "distance of triples"


def measure(sides: Sides) -> Answer:
    """Compare the joint tables of three columns, of all triples or of many at random."""
    tables = sides.tables()
    rng = generator(sides.random_state, "which triples")
    chosen = _choose(len(sides.train.names), sides.most(_TRIPLES), rng)
    codes, sizes = _coded(sides.train, list(tables.values()), sides.most(_ROWS), sides.random_state)
    distances = _distances(codes, sizes, chosen)
    replicates = _replicates(codes[:2], sizes, chosen, rng)
    names = ["distance", *list(tables)[2:], "of pairs", "by chance"]
    frame = _frame(sides.train.names, chosen, dict(zip(names, distances.T, strict=True)))
    return Answer([_score(sides, frame, replicates)], {"triples": _worst(frame)})


def _score(sides: Sides, frame: pd.DataFrame, replicates: np.ndarray) -> Score:
    value, floor = float(frame["distance"].mean()), float(frame["floor"].mean())
    ceiling = None if sides.holdout is None else float(frame["real reference"].mean())
    chance = float(frame["by chance"].mean())
    other = f"by chance {chance:.1%}" if ceiling is None else f"other {sides.word} records: {ceiling:.1%}"
    worst = _worst(frame).iloc[0]
    ends = interval(value, replicates, 0, 1)
    rule = between(floor, chance if ceiling is None else ceiling, "lower")
    sentence = (
        f"Looking at three columns at a time, about {value:.1%} of the records would have to change for the two "
        f"tables to agree ({other}, independent columns: {floor:.1%}). Beyond what their pairs show, "
        f"{worst['first']}, {worst['second']} and {worst['third']} are furthest off, at {worst['distance']:.1%}."
    )
    return Score.of(_WHAT, value, ends, (floor, ceiling), verdict=rule, sentence=sentence)


def _frame(names: list, chosen: np.ndarray, distances: dict[str, np.ndarray]) -> pd.DataFrame:
    names = pd.Index(names, dtype=object)
    columns = {rank: names[column] for rank, column in zip(("first", "second", "third"), chosen.T, strict=True)}
    return pd.DataFrame({**columns, "distance": np.nan, "floor": np.nan, "real reference": np.nan} | distances)


def _worst(frame: pd.DataFrame) -> pd.DataFrame:
    """Triples that are further off than their pairs, and than other real records make them, the worst first."""
    reference = frame["real reference"].fillna(frame["by chance"])
    beyond = frame["distance"] - np.maximum(frame["of pairs"], reference)
    return frame.loc[beyond.sort_values(ascending=False, kind="stable").index[:_SHOWN]].reset_index(drop=True)


def _choose(n_columns: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return all triples of columns, or as many at random, shape (n_triples, 3)."""
    if comb(n_columns, 3) <= most:
        return np.array(list(combinations(range(n_columns), 3)))
    drawn = np.sort(rng.integers(0, n_columns, (4 * most, 3)), axis=1)
    different = (drawn[:, 0] < drawn[:, 1]) & (drawn[:, 1] < drawn[:, 2])
    drawn, first = np.unique(drawn[different], axis=0, return_index=True)
    return drawn[np.argsort(first)[:most]]  # in the order drawn: the sorted ones all begin with the first column


def _coded(train: Coded, tables: list[Coded], rows: int, random_state: int) -> tuple[list, np.ndarray]:
    """Return codes, shape (n_columns, n), and blocks of equally many records a table, and how many codes there are."""
    rng = generator(random_state, "records of triples")
    rows = min(rows, *map(len, tables))
    edges = [_edges(train.values[:, j]) if column.is_number else None for j, column in enumerate(train.columns)]
    coded = []
    for table in tables:
        table = sample_records(table, rows, rng)
        values = table.pooled(_LEVELS)
        codes = [
            values[:, j]
            if edges[j] is None
            else np.where(np.isnan(values[:, j]), 0, 1 + np.searchsorted(edges[j], values[:, j], side="right"))
            for j in range(values.shape[1])
        ]
        block = deal(table.subjects, min(_BLOCKS, rows), rng)
        coded.append((np.array(codes).astype(int), block))
    sizes = np.array(
        [min(len(c.levels), _LEVELS) if e is None else len(e) + 2 for c, e in zip(train.columns, edges, strict=True)]
    )
    return coded, sizes


def _edges(numbers: np.ndarray) -> np.ndarray:
    known = numbers[~np.isnan(numbers)]
    return np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS)) if len(known) else np.zeros(1)


def _joint(codes: np.ndarray, sizes: np.ndarray, triple: np.ndarray) -> np.ndarray:
    """Return the cell of each record in the joint table of three columns, shape (n,)."""
    a, b, c = triple
    return (codes[a] * sizes[b] + codes[b]) * sizes[c] + codes[c]


def _distances(coded: list, sizes: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return how far each table but the first is from it, shape (n_triples, n_tables + 1).

    Two more columns stand behind: the largest distance of the second table in two of the three columns,
    and the distance that two samples of so many records have by chance.
    """

    def of_one(triple: np.ndarray) -> list[float]:
        shape = tuple(sizes[triple])
        first, *others = (
            np.bincount(_joint(codes, sizes, triple), minlength=np.prod(shape)).reshape(shape) / codes.shape[1]
            for codes, _ in coded
        )
        gaps = [other - first for other in others]
        of_pairs = max(np.abs(gaps[0].sum(axis=axis)).sum() for axis in range(3)) / 2
        share = (first + others[0]) / 2
        by_chance = np.sqrt(share * (1 - share) / np.pi / coded[0][0].shape[1]).sum()
        return [*(np.abs(gap).sum() / 2 for gap in gaps), of_pairs, by_chance]

    found = in_parallel(lambda triples: [of_one(triple) for triple in triples], _chunks(chosen))
    return np.array([row for chunk in found for row in chunk])


def _replicates(coded: list, sizes: np.ndarray, chosen: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the mean distance between two tables with their blocks drawn again, shape (_REPLICATES,)."""
    weights = [bootstrap_weights(int(block.max()) + 1, _REPLICATES, rng) for _, block in coded]

    def of_chunk(triples: np.ndarray) -> np.ndarray:
        total = np.zeros(_REPLICATES)
        for triple in triples:
            n_cells, shares = int(np.prod(sizes[triple])), []
            for (codes, block), weight in zip(coded, weights, strict=True):
                drawn = counts_again(_joint(codes, sizes, triple), n_cells, block, weight)
                shares.append(drawn / drawn.sum(axis=1, keepdims=True))
            total += np.abs(shares[0] - shares[1]).sum(axis=1) / 2
        return total

    return np.sum(in_parallel(of_chunk, _chunks(chosen)), axis=0) / len(chosen)


def _chunks(chosen: np.ndarray) -> list[np.ndarray]:
    return [chosen[start : start + _CHUNK] for start in range(0, len(chosen), _CHUNK)]


QUESTION = Question(
    name="three columns at a time",
    chapter="fidelity",
    measure=measure,
    weight=3,
    needs=("three columns",),
    tables=("triples",),
    readme=("distance of triples",),
)
