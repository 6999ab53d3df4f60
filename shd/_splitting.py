"""Which records are held out: whole subjects, every class of the target on both sides."""

from itertools import pairwise

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.tables.frames import is_numeric

_STRATA = 5  # quantile groups that stand in for classes where the target is numeric


def held_out(subjects: np.ndarray, target: pd.Series | None, test_size: float, random_state: int) -> np.ndarray:
    """Choose the subjects held out, stratified by target (see `shd.dataset.Dataset.split`)."""
    from sklearn.model_selection import train_test_split  # takes a second, and loading does without

    if not 0 < test_size < 1:
        raise ShdError(f"test_size={test_size} is not between 0 and 1, for example 0.2.")
    subject_of_record, ids = pd.factorize(subjects, sort=True)  # sorted: the order of rows does not matter
    if len(ids) < 2:
        raise ShdError("split needs at least 2 subjects; this dataset has one.")
    n_held = int(np.clip(np.ceil(test_size * len(ids)), 1, len(ids) - 1))
    strata = _subject_strata(target, subject_of_record, len(ids))
    try:
        _, held = train_test_split(np.arange(len(ids)), test_size=n_held, random_state=random_state, stratify=strata)
    except ValueError:  # fewer subjects on one side than there are classes
        raise ShdError(
            f"split: {n_held} held out of {len(ids)} subjects leaves a side with fewer subjects than "
            f"{target.name!r} has classes; move test_size towards 0.5 or merge rare classes."
        ) from None
    held = _on_both_sides(np.isin(np.arange(len(ids)), held), strata, random_state)
    return held[subject_of_record]


def _subject_strata(target: pd.Series | None, subject_of_record: np.ndarray, n_subjects: int) -> np.ndarray | None:
    if target is None:
        return None
    if is_numeric(target) and target.nunique() > 2 * _STRATA:
        target = pd.qcut(target.rank(method="first"), _STRATA, labels=False)
    codes, _ = pd.factorize(target)
    # rank classes from rare to common, then keep the smallest rank each subject ever has
    rarity = pd.Series(codes).map(pd.Series(codes).value_counts().rank(method="first")).to_numpy()
    strata = np.full(n_subjects, np.inf)
    np.minimum.at(strata, subject_of_record, rarity)
    return _pool_singles(strata)


def _pool_singles(strata: np.ndarray) -> np.ndarray:
    """Put every stratum of one subject together with the next one, as stratifying needs two."""
    pooled = strata.copy()
    ranks = np.unique(strata)
    for rank, following in pairwise(ranks):
        if (pooled == rank).sum() == 1:
            pooled[pooled == rank] = following
    if (pooled == ranks[-1]).sum() == 1 and len(ranks) > 1:  # the last has none that follows
        pooled[pooled == ranks[-1]] = pooled[pooled < ranks[-1]].max()
    return pooled


def _on_both_sides(held: np.ndarray, strata: np.ndarray | None, random_state: int) -> np.ndarray:
    """Mend what rounding did: a small class may be on one side only. One subject changes places for it.

    `held` says of every subject whether it is held out. Where nothing is amiss, nothing changes.
    """
    if strata is None:
        return held
    rng = np.random.default_rng(random_state)
    for rank in np.unique(strata):
        members = np.flatnonzero(strata == rank)
        if len(members) > 1 and held[members].all() == held[members].any():
            lacking = not held[members[0]]
            there = np.flatnonzero(held == lacking)
            commonest = pd.Series(strata[there]).value_counts().idxmax()  # it has two there at least
            comes, goes = rng.choice(members), rng.choice(there[strata[there] == commonest])
            held[[comes, goes]] = lacking, not lacking
    return held
