"""How many people share a place among numbers or levels, and what becomes of places that few share."""

from collections.abc import Callable

import numpy as np
import pandas as pd


def distinct_people(at: np.ndarray, people: np.ndarray, n: int) -> np.ndarray:
    """Return how many people are at each of the places 0..n-1, int64, shape (n,); both are one a record."""
    at = np.asarray(at, dtype=np.int64)
    pairs = pd.unique(at * (int(people.max(initial=0)) + 1) + people)
    return np.bincount(pairs // (int(people.max(initial=0)) + 1), minlength=n)


def round_to(numbers: np.ndarray, step: np.ndarray | float, how: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Round to multiples of a power of ten, without the dust of binary fractions."""
    if np.ndim(step) == 0 and step < np.finfo(float).tiny:  # none, or one that a float cannot hold exactly
        return numbers
    exponent = np.round(np.log10(step))
    with np.errstate(all="ignore"):  # numbers at the ends of what a float holds stay as they are
        # 0.3 / 0.1 is 2.9999999999999996, and single precision is coarser still
        scaled = numbers / 10.0**exponent
        near = np.round(scaled)
        whole = np.where(np.isclose(scaled, near, rtol=2e-7, atol=1e-9), near, how(scaled))
        rounded = np.where(exponent < 0, whole / 10.0**-exponent, whole * 10.0**exponent)
    return np.where(np.isfinite(rounded), rounded, numbers)


def decimals_of(numbers: np.ndarray, looked_at: int) -> int | None:
    """Return the fewest decimals, up to 6, that write most of some numbers exactly; None where more are needed."""
    some = numbers[:: max(1, len(numbers) // looked_at)]
    return next((d for d in range(7) if np.isclose(np.round(some, d), some, rtol=1e-7, atol=0).mean() > 0.99), None)


def grid_of(numbers: np.ndarray) -> float:
    """Return the power of ten, 1 at most, that most of the numbers are multiples of; 0 where they are too fine."""
    decimals = decimals_of(numbers, 2000)
    return 0.0 if decimals is None else 10.0**-decimals


def merge_neighbours(at: np.ndarray, people: np.ndarray, place: np.ndarray, least: int) -> np.ndarray:
    """Return which place each place becomes, so that everyone shares theirs with `least` people."""
    n = len(place)
    stays = distinct_people(at, people, n) >= least
    goes = np.arange(n)
    if stays.all():
        return goes
    of_place = pd.Series(people).groupby(at).agg(set).to_dict()
    count = np.bincount(at, minlength=n)
    groups: list[list[int]] = []
    left: list[int] = []
    run: list[int] = []
    start = 0
    for i in range(n + 1):
        if i < n and not stays[i]:
            run.append(i)
            if len(set().union(*(of_place.get(j, set()) for j in run))) >= least:
                groups.append(run)
                run = []
            continue
        if run and len(groups) > start:  # too few at the end of a run join the group before
            groups[-1] += run
        else:
            left += run
        run, start = [], len(groups)
    if not groups and not stays.any():
        groups, left = [list(range(n))], []
    for group in groups:
        weight = np.cumsum(count[group])
        middle = group[int(np.searchsorted(weight, weight[-1] / 2))]
        goes[group] = middle
        stays[middle] = True
    if left:
        staying = np.flatnonzero(stays)
        goes[left] = staying[nearest(place[staying], place[left])]
    return goes


def nearest(rising: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the position of the nearest of `rising` for each number."""
    after = np.clip(np.searchsorted(rising, numbers), 1, max(1, len(rising) - 1))
    if len(rising) == 1:
        return np.zeros(len(numbers), dtype=int)
    return np.where(numbers - rising[after - 1] <= rising[after] - numbers, after - 1, after)
