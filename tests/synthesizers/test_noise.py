from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chisquare

from shd.synthesizers.dp.noise import Budget, Noise, Privacy, Spent


def test_noise_on_counts_is_discrete_laplace():
    for scale in (Fraction(1, 2), Fraction(3, 2), Fraction(10)):
        noise = Noise(1).blur(np.zeros(40_000, dtype=int), scale)
        ends = np.arange(-8, 9)
        q = np.exp(-1 / float(scale))
        share = (1 - q) / (1 + q) * q ** np.abs(ends)
        seen = np.array([(noise == y).sum() for y in ends])
        expected = np.append(share, 1 - share.sum()) * len(noise)
        keep = expected > 5
        seen = np.append(seen, len(noise) - seen.sum())[keep]
        assert chisquare(seen, expected[keep] * seen.sum() / expected[keep].sum()).pvalue > 0.001
        assert noise.dtype == np.int64


def test_wide_noise_has_its_scale():
    noise = Noise(2).blur(np.zeros(40_000, dtype=int), Fraction(10**8))
    assert np.abs(noise).mean() == pytest.approx(1e8, rel=0.03)
    assert abs(np.median(noise)) < 2e6


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 1), (1, 3), (1, 1), (5, 2)])
def test_chances_are_those_of_the_exponential(numerator, denominator):
    noise = Noise(3)
    came_true = np.mean([noise.happens(numerator, denominator) for _ in range(20_000)])
    assert came_true == pytest.approx(np.exp(-numerator / denominator), abs=0.015)


def test_permute_and_flip_by_hand():
    # two candidates, gap 3, sensitivity 1, epsilon 1: the worse one is taken with half of exp(-3 / 2)
    noise = Noise(4)
    taken = np.mean([noise.choose([10, 7], Fraction(1), 1) for _ in range(20_000)])
    assert taken == pytest.approx(np.exp(-1.5) / 2, abs=0.01)


def test_choices_of_neighbours_differ_by_no_more_than_epsilon():
    scores, other = [5, 5, 3, 0], [4, 6, 4, 1]  # each moved by the sensitivity of 1
    noise = Noise(5)
    shares = [
        np.bincount([noise.choose(s, Fraction(1, 2), 1) for _ in range(30_000)], minlength=4) / 30_000
        for s in (scores, other)
    ]
    ratio = np.log(shares[0] / shares[1])
    assert np.abs(ratio).max() < 0.5 + 0.1  # epsilon, and room for chance


def test_without_a_seed_the_noise_never_comes_back():
    zeros = np.zeros(50, dtype=int)
    assert not (Noise().blur(zeros, Fraction(100)) == Noise().blur(zeros, Fraction(100))).all()
    np.random.seed(0)
    one = Noise().blur(zeros, Fraction(100))
    np.random.seed(0)
    assert not (Noise().blur(zeros, Fraction(100)) == one).all()


def test_with_a_seed_it_does():
    zeros = np.zeros(50, dtype=int)
    assert (Noise(7).blur(zeros, Fraction(100)) == Noise(7).blur(zeros, Fraction(100))).all()


def test_the_book_never_overdraws():
    budget = Budget(0.3, 1e-6)
    budget.spend("one", Fraction(1, 10))
    budget.spend("two", budget.left, Fraction(1, 10**6))
    assert budget.left == 0 and sum(entry.epsilon for entry in budget.spent()) == pytest.approx(0.3)
    with pytest.raises(RuntimeError, match="overdrawn"):
        budget.spend("three", Fraction(1, 10**9))


def test_a_promise_is_said_in_one_sentence_and_written_down():
    held = Privacy(1.0, 0.0, "subject", 3, True, "", (Spent("all", 1.0),))
    assert held.sentence.startswith("(1, 0)-differential privacy for a subject with up to 3 records: the model")
    broken = Privacy(1.0, 0.0, "record", 1, False, "the seed is known", ())
    assert broken.sentence == "no guarantee: the seed is known."
    assert Privacy.from_dict(held.to_dict()) == held
