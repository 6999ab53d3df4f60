"""Chance, kept in one place: seeded subsamples, and bootstrap intervals that respect subjects."""

import zlib

import numpy as np

_Z = 1.96  # a normal interval of 95 %


def generator(random_state: int, purpose: str) -> np.random.Generator:
    """Return a generator of its own for each purpose, so that no step depends on the one before."""
    return np.random.default_rng([random_state, zlib.crc32(purpose.encode())])


def subsample(n: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return at most `most` of n positions, in order, without repeats."""
    return np.arange(n) if n <= most else np.sort(rng.choice(n, most, replace=False))


def deal(subjects: np.ndarray, hands: int, rng: np.random.Generator) -> np.ndarray:
    """Deal records into equal hands at random, all records of a subject into the same one.

    Returns
    -------
    ndarray of int, shape (n,)
        Hand of each record, 0 to hands - 1.
    """
    ids, of_record = np.unique(subjects, return_inverse=True)
    return (rng.permutation(len(ids)) % hands)[of_record]


def bootstrap_weights(n: int, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Return how often each of n blocks is drawn in each replicate, float64, shape (replicates, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=replicates).astype(float)


def subject_weights(subjects: np.ndarray, replicates: int, rng: np.random.Generator) -> np.ndarray:
    """Return bootstrap weights of records, drawn by subject, shape (replicates, n)."""
    ids, of_record = np.unique(subjects, return_inverse=True)
    return bootstrap_weights(len(ids), replicates, rng)[:, of_record]


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
