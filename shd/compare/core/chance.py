"""Chance, kept in one place: seeded subsamples, and bootstrap intervals that respect subjects."""

import zlib
from collections.abc import Callable, Sequence

import numpy as np
from scipy.stats import beta, hypergeom

from shd._parallel import in_parallel
from shd.compare.core.tables import Coded

_Z = 1.96  # a normal interval of 95 %
_HALF = 1000  # most records of a half that models learn from only to see how much that matters


def generator(random_state: int, purpose: str) -> np.random.Generator:
    """Return a generator of its own for each purpose, so that no step depends on the one before."""
    return np.random.default_rng([random_state, zlib.crc32(purpose.encode())])


def subsample(n: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return at most `most` of n positions, in order, without repeats."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def sample_records(table: Coded, most: int, rng: np.random.Generator) -> Coded:
    """Return at most `most` records of a table, at random."""
    return table.take(subsample(len(table), most, rng))


def equally_many(tables: Sequence[Coded], most: int, rng: np.random.Generator) -> list[Coded]:
    """Draw at most `most` records of each table, of all as many: few records differ by chance alone."""
    n = min(most, *map(len, tables))
    return [sample_records(table, n, rng) for table in tables]


def deal(subjects: np.ndarray, hands: int, rng: np.random.Generator) -> np.ndarray:
    """Deal records into equal hands, 0 to hands - 1, at random; all records of a subject into the same one."""
    ids, of_record = np.unique(subjects, return_inverse=True)
    return (rng.permutation(len(ids)) % hands)[of_record]


def bootstrap_weights(n: int, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each of n blocks is drawn in each replicate, float64, shape (replicates, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=replicates).astype(float)


def subject_weights(subjects: np.ndarray, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Return bootstrap weights of records, drawn by subject, shape (replicates, n)."""
    ids, of_record = np.unique(subjects, return_inverse=True)
    return bootstrap_weights(len(ids), replicates, rng)[:, of_record]


def weights_and_ones(table: Coded, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Return bootstrap weights as `subject_weights` does, below a first row of ones: the records as they are."""
    return np.vstack([np.ones(len(table)), subject_weights(table.subjects, replicates, rng)])


def counts_again(codes: np.ndarray, n_codes: int, blocks: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return how often each code occurs with blocks of records drawn again, shape (n_replicates, n_codes)."""
    n_blocks = weights.shape[1]
    return weights @ np.bincount(blocks * n_codes + codes, minlength=n_blocks * n_codes).reshape(n_blocks, n_codes)


def training_error(
    score: Callable[[Coded], np.ndarray | float], table: Coded, rng: np.random.Generator, splits: int
) -> np.ndarray:
    """Return the standard error of what models score that comes from the records they happened to learn from.

    Models learn from halves of the table that share no subject: what two of them score differs by twice the
    variance that learning from a half has, and that of the whole is as many times smaller as it is larger.
    Where nothing could be scored (NaN) it is 0.
    """
    halves, size = [], 0
    for _ in range(splits):
        hand = deal(table.subjects, 2, rng)
        for k in range(2):
            half = np.flatnonzero(hand == k)
            halves.append(table.take(half[subsample(len(half), _HALF, rng)]))
            size += min(len(half), _HALF) / (2 * splits)
    if min(map(len, halves)) < 2:
        return np.zeros(np.shape(score(table)))
    found = np.array(in_parallel(score, halves), dtype=float)
    variance = mean_known((found[::2] - found[1::2]) ** 2) / 2 * size / len(table)
    return np.sqrt(np.nan_to_num(variance))


def redrawn(replicates: np.ndarray, error: np.ndarray | float, rng: np.random.Generator) -> np.ndarray:
    """Return replicates (first axis) that vary by what was learned from, too: `error` is that standard error."""
    noise = rng.standard_normal(np.shape(replicates))
    return replicates + (noise - noise.mean(axis=0)) / noise.std(axis=0) * error


def mean_known(values: np.ndarray, axis: int = 0) -> np.ndarray:
    """Return the mean along an axis without NaN; NaN where nothing is known."""
    known = ~np.isnan(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0).sum(axis=axis)
    return np.divide(total, count, out=np.full(np.shape(count), np.nan), where=count > 0)


def interval(value: float | np.ndarray, replicates: np.ndarray, least: float = -np.inf, most: float = np.inf) -> tuple:
    """Return the 95 % interval around a value from the spread of its replicates (first axis).

    A normal interval with the bootstrap's standard error, not its percentiles: resampling adds
    noise to a distance, so that replicates of a distance near 0 all lie above the value itself.
    """
    variance = mean_known((replicates - mean_known(replicates)) ** 2)
    spread = _Z * np.sqrt(np.nan_to_num(variance))
    return np.clip(value - spread, least, most), np.clip(value + spread, least, most)


def chance_of(found: float, n: float, others: float, of: float) -> float:
    """Return the chance of so many among n or more, if they come up as often as among the others (Fisher's test)."""
    found, n, others, of = (round(float(count)) for count in (found, n, others, of))
    return float(hypergeom.sf(found - 1, n + of, found + others, n))


def binomial_interval(found: int, n: int, alpha: float = 0.025) -> tuple[float, float]:
    """Return Clopper and Pearson's exact interval of a share (1934), which misses `alpha` at each end."""
    low = float(beta.ppf(alpha, found, n - found + 1)) if found else 0.0
    high = float(beta.ppf(1 - alpha, found + 1, n - found)) if found < n else 1.0
    return low, high
