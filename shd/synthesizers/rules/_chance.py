"""How likely independent columns would keep a rule: natural logarithms of probabilities, given the margins."""

import numpy as np
from scipy.special import gammaln, xlogy


def log_order(first: np.ndarray, second: np.ndarray) -> float:
    """Return log P(first <= second for all n people) where `second` is dealt to people at random.

    With `first` from the largest down and c_i people whose `second` is no less than the i-th of them, exactly
    the product of (c_i - i) / (n - i), i = 0 .. n - 1: the i-th may take any of these that are not taken.
    """
    n = len(first)
    if n == 0:
        return 0.0
    at_least = n - np.searchsorted(np.sort(second), np.sort(first)[::-1], side="left") - np.arange(n)
    return float(np.sum(np.log(np.maximum(at_least, 1e-9)) - np.log(np.arange(n, 0, -1))))


def log_fixed(by: np.ndarray, column: np.ndarray) -> float:
    """Return log P(all people with the same code of `by` have the same code of `column`).

    With shares p_v of the codes of `column` and n_l people at each code of `by`, the product over l of the sum over
    v of p_v ** n_l.
    """
    _, of_by = np.unique(by, return_counts=True)
    share = np.unique(column, return_counts=True)[1] / len(column)
    sizes, times = np.unique(of_by[of_by > 1], return_counts=True)
    if not len(sizes):
        return 0.0
    powers = sizes[:, None] * np.log(share)[None, :]
    top = powers.max(axis=1)
    return float(np.sum(times * (top + np.log(np.exp(powers - top[:, None]).sum(axis=1)))))


def log_ranges(column: np.ndarray) -> float:
    """Return log P(each code of `column` is one unbroken range of a number that is independent of it).

    Of n! / prod(n_v!) ways to lay n_v people of each of m codes in a row, m! are unbroken.
    """
    counts = np.unique(column, return_counts=True)[1]
    return float(gammaln(len(counts) + 1) + gammaln(counts + 1).sum() - gammaln(counts.sum() + 1))


def log_never(first: np.ndarray, second: np.ndarray, n: int) -> np.ndarray:
    """Return log P(nobody of n people is among `first` and among `second`), both dealt at random: hypergeometric."""
    rest = n - first - second
    chance = gammaln(n - first + 1) + gammaln(n - second + 1) - gammaln(np.maximum(rest, 0) + 1) - gammaln(n + 1)
    return np.where(rest < 0, -np.inf, chance)


def log_formula(hits: int, tried: int, people: int, free: int) -> float:
    """Return log P(a formula with `free` fitted numbers holds for all people).

    `hits` of `tried` records keep it once the target is dealt to them at random; the fit may have made it hold for
    `free` people whatever they are.
    """
    return float(xlogy(max(people - free, 0), max(hits, 1) / tried))
