"""How often two things would meet by chance, and how sure it is that they do not: the nulls of `networks`."""

from itertools import combinations

import numpy as np
from scipy.optimize import brentq
from scipy.special import betainc, gammainc, gammaincc


def by_places(codes: np.ndarray, alike: np.ndarray, n_names: int) -> tuple[np.ndarray, np.ndarray]:
    """Return how many records have each pair under the null, and the variance, shape (n_names, n_names) each.

    Records that repeat a diagnosis in different places are no one population: a third place like the first goes with
    what is common there, one like the second with what is common in that. Each kind is quasi-independent by itself.
    """
    expected, variance = np.zeros((2, n_names, n_names))
    kinds, of_record = np.unique(np.column_stack([codes >= 0, alike]), axis=0, return_inverse=True)
    for kind, filled in enumerate(kinds[:, :3]):
        places, rows = np.flatnonzero(filled), of_record.ravel() == kind
        if len(places) < 2:
            continue
        counts = np.array([np.bincount(codes[rows, s], minlength=n_names) for s in places], dtype=float)
        free = 1 - counts / rows.sum()
        weights = _fit_weights(counts)
        for s, t in combinations(range(len(places)), 2):
            pair = np.outer(weights[s], weights[t])
            for u in set(range(len(places))) - {s, t}:  # what the third place may hold beside the two
                pair *= weights[u].sum() - weights[u][:, None] - weights[u][None, :]
            pair = pair.clip(0)
            spread = pair * np.outer(free[s], free[t])
            expected += pair + pair.T
            variance += spread + spread.T
    return expected, variance


def _fit_weights(counts: np.ndarray, most: int = 300) -> np.ndarray:
    """Fit weights of diagnoses in two or three places whose products, no two alike, have the counts as margins.

    Iterative proportional fitting; what the other places can hold beside a diagnosis has a closed form.
    """
    n = counts.sum(axis=1, keepdims=True)
    weights = counts / n * n ** (1 / len(counts))
    for _ in range(most):
        before = weights.copy()
        for s in range(len(counts)):
            others = np.delete(weights, s, axis=0)
            beside = np.prod(others.sum(axis=1, keepdims=True) - others, axis=0)
            if len(others) == 2:
                both = others.prod(axis=0)
                beside = beside - (both.sum() - both)
            # nothing can stand beside: such a diagnosis has no pair
            weights[s] = np.divide(counts[s], beside, out=np.zeros_like(beside), where=beside > 1e-12)
        if np.abs(weights - before).max() <= 1e-9 * weights.max():
            break
    return weights


def at_least_one(counts: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return expected pairs and their variance where things are independent but whoever has none is not seen."""
    if counts.sum() == n:  # nobody has two: independent things that are so rare never meet
        return np.zeros((2, len(counts), len(counts)))

    def unseen(log_population: float) -> float:
        population = np.exp(log_population)
        return population * (1 - np.prod(1 - counts / population)) - n

    most = float(counts.max())
    low = np.log(most)
    population = n if unseen(low) >= 0 else np.exp(brentq(unseen, low, np.log(n) + 20))
    shares = counts / population
    expected = population * np.outer(shares, shares)
    return expected, expected * np.outer(1 - shares, 1 - shares)


def two_sided(count: np.ndarray, mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return p of counts against the binomial of a mean and a variance, Poisson where the two agree; shape (n,)."""
    mean = np.where(mean > 0, mean, 1e-12)
    chance = np.clip(1 - variance / mean, 0, 1 - 1e-9)
    poisson = chance < 1e-6
    trials = np.maximum(mean / np.where(poisson, 1, chance), count + 1e-9)
    k = np.maximum(count, 1)
    upper = np.where(poisson, gammainc(k, mean), betainc(k, trials - k + 1, chance))
    upper = np.where(count > 0, upper, 1.0)
    lower = np.where(poisson, gammaincc(count + 1, mean), betainc(trials - count, count + 1, 1 - chance))
    return np.minimum(1, 2 * np.minimum(upper, lower))
