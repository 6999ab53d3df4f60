"""The book that is kept of what private mechanisms cost, and the promise that follows from it.

Two books. `Budget` adds up epsilon, for mechanisms with discrete Laplace noise. `ConcentratedBudget` adds up rho, for
those with discrete Gaussian noise: zero-concentrated differential privacy (zCDP; Bun, Steinke 2016, *Concentrated
Differential Privacy: Simplifications, Extensions, and Lower Bounds*, TCC, arXiv 1605.02065), which pays for many
counts with far less noise. In both, entries add up whatever was asked in between, and a book never overdraws.
"""

import math
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import cache

import numpy as np

from shd.synthesizers.dp.noise import Noise

_FINE = 2**60  # costs that are no fractions are rounded to so many parts, in favour of people

ASSUMPTIONS = (
    "the subject of every record is named, and rightly; without subjects every record counts as a person",
    "what is declared of columns (levels, ranges, decimals, whether a cell can be empty) was not read off the records",
    "names, number and order of the columns, which of them are pandas categories, which is the target, and all "
    "arguments are known to everybody",
    "nobody is told the true number of records, how long a fit took, or what a table held that could not be fitted",
    "the random numbers of the operating system cannot be guessed",
)
"""What a promise rests on, beside the arithmetic."""


@dataclass(frozen=True)
class Spent:
    """One entry of the book: what was learned, and what it cost."""

    what: str
    epsilon: float = 0.0
    delta: float = 0.0
    rho: float = 0.0


@dataclass(frozen=True)
class Privacy:
    """What a private fit promises, as it stands in the model file and on the card."""

    epsilon: float  # what anybody comes to think is at most exp(epsilon) times as likely with a person as without,
    delta: float  # apart from a chance of delta
    unit: str  # whose presence is hidden: a subject's with all records, or that of one record where none are named
    max_records: int  # of a subject that were learned from at most
    guarantee: bool
    why_not: str  # empty where there is a guarantee
    spent: tuple[Spent, ...]  # adds up to at most epsilon and delta, or rho and delta
    covers: str = (
        "the model and any records drawn from it; not scores, reports, figures or checksums computed from the original "
        "records, and not other fits to the same people: their epsilons add up"
    )
    rho: float | None = None  # of zero-concentrated differential privacy, where the book was kept in it
    composition: str = "epsilons and deltas of the entries add up (sequential composition)"
    assumptions: tuple[str, ...] = ASSUMPTIONS

    @property
    def sentence(self) -> str:
        """The promise, and what it means to an attacker, as a card says it."""
        if not self.guarantee:
            return f"no guarantee: {self.why_not}."
        whose = f"a subject with all records, of which at most {self.max_records} were learned from"
        whose = whose if self.unit == "subject" else "one record"
        few, many = (100 * self.true_alarms(share) for share in (0.01, 0.1))
        return (
            f"({self.epsilon:g}, {self.delta:g})-differential privacy for {whose}: {self.covers}. Whoever wants to "
            f"tell who was learned from, and is wrong about 1 in 100 of all others, is right about at most {few:.3g} "
            f"in 100 of those who were; wrong about 10 in 100, about at most {many:.3g} in 100."
        )

    def true_alarms(self, false_alarms: float) -> float:
        """Return the largest share of the people learned from that any attack recognises, 0 to 1.

        Parameters
        ----------
        false_alarms : float
            Share of all others whom it takes for people learned from, 0 to 1.

        Returns
        -------
        float
            After Kairouz, Oh, Viswanath (2015), *The Composition Theorem for Differential Privacy*, ICML,
            arXiv 1311.0776: both kinds of error of any test are bounded by epsilon and delta.
        """
        power = math.exp(min(self.epsilon, 700.0))
        return min(1.0, power * false_alarms + self.delta, 1 - (1 - self.delta - false_alarms) / power)

    def to_dict(self) -> dict:
        """Return plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: dict) -> "Privacy":
        """Undo `to_dict`."""
        told = {**state, "spent": tuple(Spent(**entry) for entry in state["spent"])}
        return cls(**{key: tuple(value) if key == "assumptions" else value for key, value in told.items()})


class Budget:
    """The book in epsilon: what may be spent, and what was. It never overdraws."""

    needs_delta = False
    rho: float | None = None
    composition = Privacy.composition

    def __init__(self, epsilon: float, delta: float, learns_domain: bool = True):
        # as the number is written, 0.1 and not the binary number beside it
        self.epsilon, self.delta = Fraction(str(float(epsilon))), Fraction(str(float(delta)))
        self.domain_delta = self.delta if learns_domain else Fraction(0)
        self.total = self.epsilon
        self.entries: list[tuple[str, Fraction, Fraction]] = []

    @property
    def left(self) -> Fraction:
        """What of the total has not been spent."""
        return self.total - sum(cost for _, cost, _ in self.entries)

    def spend(self, what: str, cost: Fraction, delta: Fraction = Fraction(0)) -> None:
        """Write down a cost before it is incurred."""
        overdrawn = cost > self.left or delta + sum(entry[2] for entry in self.entries) > self.delta
        if overdrawn or cost < 0:  # a fault of the program, never of the data
            raise RuntimeError(f"{what}: the budget is overdrawn")
        if cost or delta:
            self.entries.append((what, cost, delta))

    def spent(self) -> tuple[Spent, ...]:
        """Return the entries, as they are shown."""
        return tuple(Spent(what, float(cost), float(delta)) for what, cost, delta in self.entries)

    # What a cost buys --------------------------------------------------------------------------

    def pure(self, cost: Fraction) -> Fraction:
        """Return the epsilon of any mechanism without delta that costs so much."""
        return cost

    def deviation(self, cost: Fraction, m: int) -> float:
        """Return the scale of the noise on a histogram that one subject moves by at most m, in records."""
        return float(m / cost)

    def blur(self, noise: Noise, counts: np.ndarray, cost: Fraction, m: int) -> np.ndarray:
        """Return a histogram with noise, int64; one subject, with at most m records, moves it by at most m."""
        return noise.blur(counts, m / cost)


class ConcentratedBudget(Budget):
    """The book in rho: the largest whose zCDP is (epsilon, delta)-differential privacy.

    Where columns are learned that nobody declared, half of delta is for them (a mechanism with a delta of its own is
    zCDP unless that chance comes true: approximate zCDP, Bun & Steinke 2016, section 8), and half for the conversion.
    """

    needs_delta = True
    composition = (
        "rhos of the entries add up (zero-concentrated differential privacy, Bun & Steinke 2016), and become epsilon "
        "and delta by the conversion of Canonne, Kamath & Steinke 2020"
    )

    def __init__(self, epsilon: float, delta: float, learns_domain: bool = True):
        super().__init__(epsilon, delta, learns_domain)
        self.domain_delta /= 2
        converted = self.delta - self.domain_delta
        self.total = Fraction(int(rho_of(float(self.epsilon), float(converted)) * _FINE), _FINE)
        self.rho = float(self.total)
        self.spend("conversion of rho to epsilon and delta", Fraction(0), converted)

    def spent(self) -> tuple[Spent, ...]:
        """Return the entries, as they are shown."""
        return tuple(Spent(what, 0.0, float(delta), float(cost)) for what, cost, delta in self.entries)

    def pure(self, cost: Fraction) -> Fraction:
        """Return the epsilon of any mechanism without delta that costs so much: rho is half of its square."""
        return _root(2 * cost)

    def bounded(self, cost: Fraction) -> Fraction:
        """Return the epsilon of an exponential mechanism that costs so much: rho is an eighth of its square.

        Cesar, Rogers (2021), *Bounding, Concentrating, and Truncating*, ALT, arXiv 2004.07223. Permute-and-flip is not
        bounded in that way.
        """
        return _root(8 * cost)

    def deviation(self, cost: Fraction, m: int) -> float:
        """Return the scale of the noise on a histogram that one subject moves by at most m, in records."""
        return float(m / self.pure(cost))

    def blur(self, noise: Noise, counts: np.ndarray, cost: Fraction, m: int) -> np.ndarray:
        """Return a histogram with noise, int64.

        One subject, with at most m records, moves it by at most m in the Euclidean norm: all of them in one cell are
        the worst. With a variance of m**2 / (2 rho) that costs rho (Canonne, Kamath, Steinke 2020).
        """
        return noise.gauss(counts, m * m / (2 * cost))


@cache
def rho_of(epsilon: float, delta: float) -> float:
    """Return the largest rho whose zCDP is (epsilon, delta)-differential privacy, by halving."""
    low, high = 0.0, epsilon + 1.0  # with rho above epsilon, delta is not small
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if delta_of(middle, epsilon) <= delta else (low, middle)
    return low * (1 - 1e-9)  # whatever rounding did


def delta_of(rho: float, epsilon: float) -> float:
    """Return the smallest delta known for rho-zCDP at an epsilon.

    The least of ``exp((a - 1) (a rho - epsilon)) (1 - 1/a)**a / (a - 1)`` over all orders a above 1 (Canonne, Kamath,
    Steinke 2020, *The Discrete Gaussian for Differential Privacy*, NeurIPS, arXiv 2004.00010). Each a gives a true
    bound, and the logarithm has one dip, which is found by halving where its slope changes sign.
    """
    if not rho:
        return 0.0
    low, high = 1.0 + 1e-9, (epsilon + 1) / (2 * rho) + 2
    for _ in range(200):
        a = (low + high) / 2
        slope = (2 * a - 1) * rho - epsilon + math.log1p(-1 / a)
        low, high = (a, high) if slope < 0 else (low, a)
    exponent = (a - 1) * (a * rho - epsilon) + a * math.log1p(-1 / a) - math.log(a - 1)
    return math.exp(min(0.0, exponent))


def _root(square: Fraction) -> Fraction:
    """Return the root, rounded down."""
    return Fraction(math.isqrt(square.numerator * _FINE**2 // square.denominator), _FINE)
