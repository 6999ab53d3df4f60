from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import chisquare, norm

from shd.synthesizers.dp.book import Budget, ConcentratedBudget, Privacy, Spent, delta_of, rho_of
from shd.synthesizers.dp.noise import Noise


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
    whose = "a subject with all records, of which at most 3 were learned from"
    assert held.sentence.startswith(f"(1, 0)-differential privacy for {whose}: the model")
    broken = Privacy(1.0, 0.0, "record", 1, False, "the seed is known", ())
    assert broken.sentence == "no guarantee: the seed is known."
    assert Privacy.from_dict(held.to_dict()) == held


def test_what_epsilon_means_for_an_attacker_by_hand():
    held = Privacy(np.log(2), 0.01, "record", 1, True, "", ())
    assert held.true_alarms(0.01) == pytest.approx(2 * 0.01 + 0.01)
    assert held.true_alarms(0.6) == pytest.approx(1 - (1 - 0.01 - 0.6) / 2)  # the other bound is the lower one here
    assert "wrong about 1 in 100 of all others, is right about at most 3 in 100" in held.sentence
    assert "wrong about 10 in 100, about at most 21 in 100" in held.sentence
    assert Privacy(1e6, 0.0, "record", 1, True, "", ()).true_alarms(0.1) == 1  # nothing is promised


def test_noise_on_counts_is_discrete_gaussian():
    for variance in (Fraction(1, 3), Fraction(9, 2), Fraction(100)):
        noise = Noise(1).gauss(np.zeros((100, 200), dtype=int), variance).ravel()
        ends = np.arange(-40, 41)
        share = np.exp(-(ends**2) / (2 * float(variance)))
        expected = share / share.sum() * noise.size
        keep = expected > 5
        seen = np.array([(noise == y).sum() for y in ends])[keep]
        assert seen.sum() > 0.995 * noise.size
        assert chisquare(seen, expected[keep] * seen.sum() / expected[keep].sum()).pvalue > 0.001
    wide = Noise(2).gauss(np.full(4000, 7), Fraction(10) ** 22)
    assert wide.std() == pytest.approx(1e11, rel=0.05) and wide.dtype == np.int64


def test_the_exponential_mechanism_by_hand():
    noise, chances = Noise(6), np.exp(np.array([0, -3, -1]) / 2 / 2)  # epsilon 1, sensitivity 2
    seen = np.bincount([noise.pick([10, 7, 9], Fraction(1), 2) for _ in range(20_000)], minlength=3) / 20_000
    assert seen == pytest.approx(chances / chances.sum(), abs=0.012)


def test_rho_is_converted_as_tightly_as_published():
    # cdp2adp.py of Canonne, Kamath, Steinke: the least over a grid, and better than Bun & Steinke 2016
    for epsilon, delta in ((1.0, 1e-5), (0.1, 1e-6), (10.0, 1e-9)):
        rho = rho_of(epsilon, delta)
        assert delta_of(rho, epsilon) <= delta < delta_of(rho * 1.001, epsilon)
        assert rho + 2 * (rho * np.log(1 / delta)) ** 0.5 > epsilon  # worse than that formula it never is
        grid = 1 + np.geomspace(1e-3, 1e6, 200_000)
        bound = (grid - 1) * (grid * rho - epsilon) + grid * np.log1p(-1 / grid) - np.log(grid - 1)
        assert np.exp(bound.min()) == pytest.approx(delta_of(rho, epsilon), rel=1e-3)


def gaussian_delta(sigma, epsilon):
    """Delta of one Gaussian with sensitivity 1: Balle & Wang 2018, arXiv 1805.06530, theorem 8."""
    one, other = 1 / (2 * sigma) - epsilon * sigma, -1 / (2 * sigma) - epsilon * sigma
    return norm.cdf(one) - np.exp(epsilon) * norm.cdf(other)


def test_rho_promises_no_more_than_the_noise_keeps():
    for epsilon, delta in ((1.0, 1e-5), (0.3, 1e-6), (5.0, 1e-5)):
        sigma = (1 / (2 * rho_of(epsilon, delta))) ** 0.5
        assert delta / 6 < gaussian_delta(sigma, epsilon) <= delta


def test_the_book_in_rho_adds_up_and_never_overdraws():
    book = ConcentratedBudget(1.0, 1e-5, learns_domain=True)
    assert book.rho == pytest.approx(rho_of(1.0, 5e-6)) and book.domain_delta == Fraction(5, 10**6)
    assert ConcentratedBudget(1.0, 1e-5, learns_domain=False).rho == pytest.approx(rho_of(1.0, 1e-5))
    book.spend("a column", book.left / 2, book.domain_delta)
    assert float(book.pure(Fraction(1, 50))) == pytest.approx(0.2)  # rho = epsilon**2 / 2
    assert float(book.bounded(Fraction(1, 50))) == pytest.approx(0.4)  # rho = epsilon**2 / 8
    assert book.deviation(Fraction(1, 50), 3) == pytest.approx(3 / 0.2)
    noisy = book.blur(Noise(0), np.zeros(4000, dtype=int), Fraction(1, 50), 3)
    assert noisy.std() == pytest.approx(15, rel=0.05)  # variance m**2 / (2 rho)
    with pytest.raises(RuntimeError, match="overdrawn"):
        book.spend("too much", book.left * 2)
    with pytest.raises(RuntimeError, match="overdrawn"):
        book.spend("too much of delta", Fraction(0), Fraction(1, 10**9))
    assert sum(entry.delta for entry in book.spent()) == pytest.approx(1e-5)
