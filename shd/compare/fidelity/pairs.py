"""Do columns hang together as they do in train? The association of every pair, mixed types.

Two numbers: Pearson's correlation of their values, over records that have both. A number and a category: the
correlation ratio eta (the root of the share of variance that lies between levels). Two categories: Cramér's V with
Bergsma's bias correction (2013, doi 10.1016/j.jkss.2012.10.002); missing is a level, and the rarest levels share one.
A constant column is associated with nothing. Whether a value is missing (in 2 to 98 % of train) is a column of its own
here: what it hangs together with can be lost like any link.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from shd._parallel import one_thread
from shd.compare.core.chance import bootstrap_weights, deal, generator, interval
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, between
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, Column

_REPLICATES, _BLOCKS = 100, 50
_WIDE, _REPLICATES_IF_WIDE = 1000, 40  # width of the cross-product matrix from which on they cost too much
_MOST_LEVELS = (50, 25, 12, 6)  # levels a column, fewer the wider the table
_WIDEST = 2000  # columns of the cross-product matrix, which takes the square of that
_LARGEST = 1e100  # the square of a number has to be one, too
_MISSING, _FEWEST_MISSING = " (missing)", 0.02  # share of train in which a value is missing, or is there
_MOST_MISSING = 60  # columns that say whether another one is missing
_BLOCK_BYTES = 400e6  # memory that the blocks' matrices may take together


def association_matrix(table: Coded) -> pd.DataFrame:
    """Return the association of every pair of columns, shape (n_columns, n_columns)."""
    layout = _Layout.of(table)
    return pd.DataFrame(_associations(layout.products(table), layout), index=table.names, columns=table.names)


def measure(sides: Sides) -> Answer:
    """Compare the association of every pair."""
    given = sides.tables()
    given = dict(zip(given, _with_missing(*given.values()), strict=True))
    layout, upper = _Layout.of(given["train"]), _pairs(given["train"])
    rng = generator(sides.random_state, "pairs")
    with one_thread():
        train, synthetic = (_blocked(given[name], layout, rng) for name in ("train", "synthetic"))
        times = _REPLICATES if layout.starts[-1] < _WIDE else _REPLICATES_IF_WIDE
        replicates = np.array([_draw(train, layout, rng) - _draw(synthetic, layout, rng) for _ in range(times)])
        times_as_few = len(sides.train) / len(sides.synthetic)
        chance = _by_chance(train, layout, times_as_few, rng) if sides.holdout is None else 0.0
    values = {"train": train.sum(axis=0), "synthetic": synthetic.sum(axis=0)}
    values |= {name: layout.products(table) for name, table in given.items() if name not in values}
    values = {name: _associations(products, layout)[upper] for name, products in values.items()}
    frame = _frame(given["train"], upper, values)
    low, high = interval(frame["difference"].to_numpy(), replicates[:, *upper], -2, 2)
    frame = frame.assign(low=low, high=high)  # of the difference
    gap = frame["difference"].abs().mean()
    ends = interval(gap, np.abs(replicates[:, *upper]).mean(axis=1), 0)
    return Answer([_score(sides, values, chance, ends)], {"pairs": frame})


def _score(sides: Sides, values: dict[str, np.ndarray], chance: float, ends: tuple) -> Score:
    error = {name: float(np.abs(v - values["train"]).mean()) for name, v in values.items()}
    value, floor, ceiling = error["synthetic"], error["floor"], error.get("real reference")
    nearest = chance if ceiling is None else ceiling
    told = f"other {sides.word} records" if ceiling is not None else "as many records of the same population"
    rule = between(floor, nearest, "lower")
    sentence = (
        f"How strongly two columns hang together (0 not at all, 1 completely) is off by {value:.3f} on average"
        f"; {told} miss it by {nearest:.3f}, and independent columns by {floor:.3f}."
    )
    return Score.of("association error", value, ends, (floor, ceiling), verdict=rule, sentence=sentence)


def _with_missing(train: Coded, *others: Coded) -> list[Coded]:
    """Return tables with one more column for each set of columns that are missing together in train: whether they are.

    It stands behind the others, named after the first column of the set, as a category of two levels.
    """
    tables = (train, *others)
    gaps = [table.is_missing() for table in tables]
    share = gaps[0].mean(axis=0)
    often = np.flatnonzero((share >= _FEWEST_MISSING) & (share <= 1 - _FEWEST_MISSING))
    _, first = np.unique(gaps[0][:, often], axis=1, return_index=True) if len(often) else (None, np.zeros(0, int))
    chosen = often[np.sort(first)][:_MOST_MISSING]
    columns = train.columns + tuple(
        Column(f"{train.names[j]}{_MISSING}", ("known", "missing"), np.array([0, 1])) for j in chosen
    )
    return [
        replace(table, values=np.hstack([table.values, gap[:, chosen]]), columns=columns)
        for table, gap in zip(tables, gaps, strict=True)
    ]


def missing_of(names: Sequence) -> dict[str, object]:
    """Return which column the name of a column that `_with_missing` adds belongs to."""
    return {f"{name}{_MISSING}": name for name in names}


def _pairs(train: Coded) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of all pairs of columns, without a column and whether it is missing."""
    first, second = np.triu_indices(len(train.names), 1)
    itself = np.array([f"{train.names[i]}{_MISSING}" == train.names[j] for i, j in zip(first, second, strict=True)])
    return first[~itself], second[~itself]


def _frame(train: Coded, upper: tuple[np.ndarray, np.ndarray], values: dict[str, np.ndarray]) -> pd.DataFrame:
    kind = np.array(["number" if c.is_number else "category" for c in train.columns], dtype=object)
    names = pd.Index(train.names, dtype=object)
    frame = pd.DataFrame(
        {
            "first": names[upper[0]],
            "second": names[upper[1]],
            "kinds": kind[upper[0]] + " - " + kind[upper[1]],
            "train": values["train"],
            "synthetic": values["synthetic"],
            "difference": values["synthetic"] - values["train"],
            "floor": values["floor"],
            "real reference": values.get("real reference", np.nan),
        }
    )
    frame["lost"] = (frame["train"].abs() - frame["synthetic"].abs()).clip(lower=0)
    frame["invented"] = (frame["synthetic"].abs() - frame["train"].abs()).clip(lower=0)
    return frame


@dataclass(frozen=True)
class _Layout:
    """Where each column stands in the matrix of cross products.

    The matrix has, in this order: every number (standardised by train, 0 where missing), its
    square, whether it is there; then one column a level of each category.
    """

    numbers: np.ndarray
    categories: np.ndarray
    starts: np.ndarray
    sizes: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    most: int

    @classmethod
    def of(cls, train: Coded) -> "_Layout":
        is_number = np.array([c.is_number for c in train.columns])
        levels = np.array([len(c.levels or ()) for c in train.columns])[~is_number]
        most = next((m for m in _MOST_LEVELS if np.minimum(levels, m).sum() <= _WIDEST), _MOST_LEVELS[-1])
        sizes = np.minimum(levels, most)
        numbers = np.flatnonzero(is_number)
        known = [column[~np.isnan(column)].clip(-_LARGEST, _LARGEST) for column in train.values[:, numbers].T]
        centre = np.array([k.mean() if len(k) else 0.0 for k in known])
        scale = np.array([(k.std() or 1.0) if len(k) else 1.0 for k in known])
        starts = 3 * len(numbers) + np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        return cls(numbers, np.flatnonzero(~is_number), starts, sizes, centre, scale, most)

    def products(self, table: Coded, rows: np.ndarray | slice = slice(None), values: np.ndarray | None = None):
        """Return the cross products of all columns, float64, shape (width, width), a slice at a time."""
        values = table.pooled(self.most) if values is None else values
        values = values[rows]
        total = np.zeros((self.starts[-1], self.starts[-1]))
        for start in range(0, len(values), 20_000):  # the wide matrix is never held whole
            wide = self._wide(values[start : start + 20_000])
            total += wide.T @ wide
        return total

    def _wide(self, values: np.ndarray) -> np.ndarray:
        wide = np.zeros((len(values), self.starts[-1]))
        p = len(self.numbers)
        number = (values[:, self.numbers].clip(-_LARGEST, _LARGEST) - self.centre) / self.scale
        there = ~np.isnan(number)
        number[~there] = 0
        wide[:, :p], wide[:, p : 2 * p], wide[:, 2 * p : 3 * p] = number, number**2, there
        for start, j in zip(self.starts[:-1], self.categories, strict=True):
            wide[np.arange(len(values)), start + values[:, j].astype(int)] = 1
        return wide


def _blocked(table: Coded, layout: _Layout, rng: np.random.Generator) -> np.ndarray:
    """Cross products of each block of subjects, shape (n_blocks, width, width)."""
    width = int(layout.starts[-1])
    n_blocks = int(np.clip(_BLOCK_BYTES / (8 * width**2), 8, _BLOCKS))
    block = deal(table.subjects, min(n_blocks, len(table)), rng)
    values = table.pooled(layout.most)
    return np.stack([layout.products(table, block == b, values) for b in range(int(block.max()) + 1)])


def _draw(blocks: np.ndarray, layout: _Layout, rng: np.random.Generator) -> np.ndarray:
    """Associations of one bootstrap sample of blocks."""
    weights = bootstrap_weights(len(blocks), 1, rng)[0]
    return _associations(np.tensordot(weights, blocks, axes=1), layout)


def _by_chance(blocks: np.ndarray, layout: _Layout, ratio: float, rng: np.random.Generator) -> float:
    """Return by how much other records of train's population would miss its associations, `ratio` times as few."""
    draws = np.array([_draw(blocks, layout, rng) for _ in range(_REPLICATES_IF_WIDE)])
    error = draws.std(axis=0, ddof=1)[np.triu_indices(draws.shape[1], 1)] * np.sqrt(1 + ratio)
    return float(np.nanmean(error) * np.sqrt(2 / np.pi))  # the mean distance of a normal error from 0


def _associations(products: np.ndarray, layout: _Layout) -> np.ndarray:
    """Associations of all pairs from their cross products, shape (n_columns, n_columns), 1 on the diagonal."""
    p = len(layout.numbers)
    n_columns = p + len(layout.categories)
    matrix = np.zeros((n_columns, n_columns))
    with np.errstate(divide="ignore", invalid="ignore"):
        numbers, categories = np.ix_(layout.numbers, layout.numbers), np.ix_(layout.categories, layout.categories)
        matrix[numbers] = _pearson(products, p)
        if len(layout.categories):
            matrix[categories] = _cramer(products, layout)
        if p and len(layout.categories):
            eta = _correlation_ratio(products, layout)
            matrix[np.ix_(layout.numbers, layout.categories)] = eta
            matrix[np.ix_(layout.categories, layout.numbers)] = eta.T
    matrix = np.nan_to_num(matrix, nan=0.0, posinf=0.0, neginf=0.0)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _pearson(products: np.ndarray, p: int) -> np.ndarray:
    z, z2, there = slice(0, p), slice(p, 2 * p), slice(2 * p, 3 * p)
    n = products[there, there]
    mean = products[z, there] / n  # mean of row's number, where column's number is there too
    variance = products[z2, there] / n - mean**2
    covariance = products[z, z] / n - mean * mean.T
    variance[variance < 1e-12] = np.nan
    return np.clip(covariance / np.sqrt(variance * variance.T), -1, 1)


def _correlation_ratio(products: np.ndarray, layout: _Layout) -> np.ndarray:
    p, levels, first = len(layout.numbers), layout.starts[0], layout.starts[:-1] - layout.starts[0]
    total, count = products[:p, levels:], products[2 * p : 3 * p, levels:]
    square = products[p : 2 * p, levels:]
    between = np.add.reduceat(np.where(count > 0, total**2 / np.where(count > 0, count, 1), 0), first, axis=1)
    total, count, square = (np.add.reduceat(a, first, axis=1) for a in (total, count, square))
    centre = total**2 / count
    spread = square - centre
    spread[spread < 1e-9 * count] = np.nan
    return np.sqrt(np.clip((between - centre) / spread, 0, 1))


def _cramer(products: np.ndarray, layout: _Layout) -> np.ndarray:
    levels, first = layout.starts[0], layout.starts[:-1] - layout.starts[0]
    together = products[levels:, levels:]
    count = np.diag(together)
    n = count[: layout.sizes[0]].sum()
    expected = np.outer(count, count)
    share = np.where(expected > 0, together**2 / np.where(expected > 0, expected, 1), 0)
    phi2 = np.add.reduceat(np.add.reduceat(share, first, axis=0), first, axis=1) - 1
    k = np.add.reduceat((count > 0).astype(float), first)
    phi2 = np.maximum(0, phi2 - np.outer(k - 1, k - 1) / (n - 1))
    corrected = k - (k - 1) ** 2 / (n - 1)
    smaller = np.minimum.outer(corrected, corrected) - 1
    # with one record, or one level, nothing can go together
    return np.clip(np.sqrt(np.where(smaller > 1e-12, phi2 / np.where(smaller > 1e-12, smaller, 1), 0)), 0, 1)


QUESTION = Question(
    name="pairs of columns",
    chapter="fidelity",
    measure=measure,
    show="chapters.fidelity:pairs",
    weight=5,
    needs=("two columns",),
    tables=("pairs",),
    readme=("association error",),
    words={
        "association": (
            "How strongly two columns hang together, 0 not at all and 1 completely. Two numbers: Pearson's "
            "correlation (which can be negative). A number and a category: the correlation ratio. Two categories: "
            "Cramér's V with Bergsma's bias correction."
        ),
    },
)
