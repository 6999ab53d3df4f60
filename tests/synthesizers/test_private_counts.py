"""How far one subject moves what a private `BayesianNetwork` counts, scores and names."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from shd.synthesizers.dp.columns import to_total
from shd.synthesizers.dp.domain import learn_declared, levels_threshold
from shd.synthesizers.dp.network import _WHOLE, PrivateFit
from shd.synthesizers.dp.noise import Noise
from shd.synthesizers.dp.private import keep_records


def test_records_of_a_subject_are_kept_by_chance_and_at_most_m():
    people = np.array([5, 5, 5, 9, 5, 7, 7, 9])
    seen = set()
    for seed in range(60):
        kept = keep_records(people, 2, Noise(seed))
        assert (np.unique(people[kept], return_counts=True)[1] <= 2).all()
        assert {3, 5, 6, 7} <= set(kept.tolist()) and len(kept) == 6
        seen.add(tuple(kept))
    assert len(seen) == 6  # each two of the four records of subject 5
    # what is kept of others is the same whether or not one more subject is there
    assert (keep_records(people, 2, Noise(1)) == keep_records(np.append(people, 11), 2, Noise(1))[:-1]).all()


def test_one_subject_moves_every_count_and_score_by_no_more_than_the_account_says():
    """The sensitivities of the docstring, tried on neighbouring tables at random."""
    rng = np.random.default_rng(0)
    sizes = [2, 3, 5]
    for _ in range(150):
        m = int(rng.integers(1, 4))
        n = int(rng.integers(5, 40))
        codes = np.column_stack([rng.integers(0, size, n + m) for size in sizes])
        if rng.random() < 0.5:
            codes[n:] = codes[n]  # all of a subject's records alike: the worst for one cell
        shares = [rng.multinomial(_WHOLE, rng.dirichlet(np.ones(size))) for size in sizes]
        found = []
        for rows in (n, n + m):
            learner = PrivateFit.__new__(PrivateFit)
            learner.parts, learner.table_noise, learner.m = shares, 3.0, m
            state = codes[:rows, 0] * 3 + codes[:rows, 1]
            joint = np.bincount(state * 5 + codes[:rows, 2], minlength=30).reshape(6, 5)
            found.append((joint, learner._score(joint, 2)))
        assert np.abs(found[0][0] - found[1][0]).sum() == m
        assert abs(found[0][1] - found[1][1]) <= 2 * _WHOLE * m


def test_a_level_of_one_subject_is_named_with_a_chance_of_delta_only():
    # delta = 0.2 so that it can be counted; 3 levels a subject brings, each named with a chance below 0.2 / 3
    values = pd.Series(["a", "b", "c"], dtype="category")
    people, epsilon, delta = np.zeros(3, dtype=np.int64), Fraction(1), Fraction(1, 5)
    named = [
        len(learn_declared(values, people, 3, epsilon, delta, Noise(seed)).levels) > 1 for seed in range(1500)
    ]  # "other" is always there
    assert np.mean(named) < 0.2
    assert levels_threshold(1, Fraction(1, 10), Fraction(1, 10**6)) > 10 * np.log(1e6)


def test_levels_are_counted_by_people_and_come_sorted():
    values = pd.Series(["z"] * 500 + ["b"] * 300 + ["a"] * 300).astype("category")
    one_person = np.append(np.zeros(500, dtype=np.int64), np.arange(1, 601))
    learned = learn_declared(values, one_person, 1, Fraction(1), Fraction(1, 10**6), Noise(0))
    assert learned.levels == ("a", "b", "other")  # z: 500 records, one person
    ordered = pd.Series(pd.Categorical(values, ["z", "b", "a"], ordered=True))
    again = learn_declared(ordered, np.arange(1100), 1, Fraction(1), Fraction(1, 10**6), Noise(0))
    assert again.levels == ("a", "b", "z", "other") and not again.ordered


def test_noisy_counts_are_brought_to_their_total():
    noisy = np.array([[5, -3, 2], [0, 8, -1]])
    table = to_total(noisy, 10)
    assert table.sum() == pytest.approx(10) and (table >= 0).all()
    assert to_total(np.array([-5, -5]), 4).tolist() == [2, 2]
