"""Noise that nobody can take away.

All draws are made with whole numbers, from the entropy of the operating system. So no bits of a float tell what a
count was before the noise (Mironov 2012, *On Significance of the Least Significant Bits for Differential Privacy*,
CCS, doi 10.1145/2382196.2382264), and no seed brings the noise back.
"""

import math
import random
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

_PARTS = 2**20  # variances are rounded up to so many parts


class Noise:
    """Random draws for private mechanisms, exact to the last bit."""

    def __init__(self, seed: int | None = None):
        self._random = random.SystemRandom() if seed is None else random.Random(seed)

    def below(self, n: int) -> int:
        """Return a whole number from 0 to ``n - 1``, each as likely."""
        return self._random.randrange(n)

    def some(self, items: np.ndarray, k: int) -> list:
        """Return `k` of the items, without putting back."""
        return self._random.sample(items.tolist(), k)

    def happens(self, numerator: int, denominator: int) -> bool:
        """Return True with probability exp(-numerator / denominator), exactly.

        After Canonne, Kamath, Steinke (2020), *The Discrete Gaussian for Differential Privacy*, NeurIPS,
        arXiv 2004.00010, algorithm 1: how often Bernoulli(x / 1), Bernoulli(x / 2), ... come true in a row is odd or
        even with just the right odds.
        """
        while numerator > denominator:
            if not self.happens(1, 1):
                return False
            numerator -= denominator
        k = 1
        while self._random.randrange(denominator * k) < numerator:
            k += 1
        return k % 2 == 1

    def blur(self, counts: np.ndarray, scale: Fraction) -> np.ndarray:
        """Return counts with independent discrete Laplace noise: int64, same shape.

        The noise is y with probability proportional to exp(-abs(y) / scale); algorithm 2 there, for many at once.
        Where one subject moves the counts by at most m in all (the sum of what they move by), this is
        (m / scale)-differentially private (Ghosh, Roughgarden, Sundararajan 2009, arXiv 0811.2841).
        """
        s = 2 ** max(0, min(10, 50 - int(scale).bit_length()))
        t = -(-scale.numerator * s // scale.denominator)  # t / s is the scale, rounded up: never less noise
        noise, open_ = np.zeros(counts.size, dtype=np.int64), np.arange(counts.size)
        while len(open_):
            rest = self._below(t, len(open_))
            taken = self._happen(rest, t)
            size = (rest + t * self._runs(len(open_))) // s
            negative = self._below(2, len(open_)) == 1
            taken &= ~(negative & (size == 0))  # 0 has one sign only
            noise[open_[taken]] = np.where(negative, -size, size)[taken]
            open_ = open_[~taken]
        return counts.astype(np.int64) + noise.reshape(counts.shape)

    def gauss(self, counts: np.ndarray, variance: Fraction) -> np.ndarray:
        """Return counts with independent discrete Gaussian noise: int64, same shape.

        The noise is y with probability proportional to exp(-y**2 / (2 variance)): drawn from discrete Laplace, and kept
        with the chance that makes up for the difference (algorithm 3 of Canonne, Kamath, Steinke 2020, there).
        """
        variance = Fraction(math.ceil(variance * _PARTS), _PARTS)  # never less noise, and no endless fractions
        a, b = variance.numerator, variance.denominator
        t = math.isqrt(a // b) + 1
        noise, open_ = np.zeros(counts.size, dtype=np.int64), np.arange(counts.size)
        while len(open_):
            drawn = self.blur(np.zeros(len(open_)), Fraction(t))
            off = [(abs(y) * t * b - a) ** 2 for y in drawn.tolist()]
            taken = np.array([self.happens(square, 2 * a * b * t * t) for square in off])
            noise[open_[taken]] = drawn[taken]
            open_ = open_[~taken]
        return counts.astype(np.int64) + noise.reshape(counts.shape)

    def pick(self, scores: Sequence[int], epsilon: Fraction, sensitivity: int) -> int:
        """Return the position of a high score, by the exponential mechanism (McSherry, Talwar 2007, FOCS).

        Take any, keep it with probability exp(-epsilon (best - score) / (2 sensitivity)), else take again. It costs
        `epsilon` as `choose` does, and is worse; but in zCDP it costs an eighth of the square, and `choose` does not.
        """
        best, rate = max(scores), epsilon / (2 * sensitivity)
        while True:
            i = self.below(len(scores))
            if self.happens(rate.numerator * (best - scores[i]), rate.denominator):
                return i

    def choose(self, scores: Sequence[int], epsilon: Fraction, sensitivity: int) -> int:
        """Return the position of a high score, by permute-and-flip.

        Go through the candidates in random order and take one with probability
        exp(-epsilon (best - score) / (2 sensitivity)). Where one subject moves every score by at most `sensitivity`,
        this is `epsilon`-differentially private, and never worse than the exponential mechanism (McKenna, Sheldon
        2020, *Permute-and-Flip*, NeurIPS, arXiv 2010.12603).
        """
        best = max(scores)
        order = list(range(len(scores)))
        self._random.shuffle(order)
        rate = epsilon / (2 * sensitivity)
        return next(i for i in order if self.happens(rate.numerator * (best - scores[i]), rate.denominator))

    def _below(self, n: int, size: int) -> np.ndarray:
        """Return whole numbers from 0 to ``n - 1``, each as likely: int64, shape (size,); `n` below 2**62."""
        fair = 2**64 // n * n  # words from here on would favour small numbers: they are drawn again
        words = np.frombuffer(self._random.randbytes(8 * size), dtype="<u8")
        while fair < 2**64 and (words >= fair).any():
            again = np.frombuffer(self._random.randbytes(8 * size), dtype="<u8")
            words = np.where(words >= fair, again, words)
        return (words % np.uint64(n)).astype(np.int64)

    def _happen(self, numerator: np.ndarray, denominator: int) -> np.ndarray:
        """`happens` for many at once; no numerator above the denominator."""
        odd, open_, k = np.zeros(len(numerator), dtype=bool), np.arange(len(numerator)), 1
        while len(open_):
            open_ = open_[self._below(denominator * k, len(open_)) < numerator[open_]]
            odd[open_] = ~odd[open_]
            k += 1
        return ~odd

    def _runs(self, size: int) -> np.ndarray:
        """Return how often a chance of exp(-1) comes true in a row, int64, shape (size,)."""
        runs, open_ = np.zeros(size, dtype=np.int64), np.arange(size)
        while len(open_):
            open_ = open_[self._happen(np.ones(len(open_), dtype=np.int64), 1)]
            runs[open_] += 1
        return runs
