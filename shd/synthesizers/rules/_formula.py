"""`Formula`: a number that follows from others."""

from collections.abc import Hashable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from shd.synthesizers.rules._parts import as_numbers, with_numbers
from shd.synthesizers.rules._rule import Rule

_EXACT = 1e-9  # share of a number that arithmetic may be off by


@dataclass(frozen=True)
class Formula(Rule):
    """One number follows from others.

    Parameters
    ----------
    target : hashable
    terms : tuple of (column, weight)
        Weight of each in the sum; or its power, where `product`.
    constant : float
        What is added, or what multiplies.
    product : bool
    places : tuple of int or None
        Decimals of the target and of each term; None for full precision. The target may be off by half a unit in its
        last place; where `rounded`, by as much more as halves of the last places of the terms make it.
    """

    target: Hashable
    terms: tuple
    constant: float = 0.0
    product: bool = False
    places: tuple = ()
    rounded: bool = False
    people: int = 0
    kind: ClassVar[str] = "formula"

    @property
    def columns(self) -> tuple:
        """The target, and all terms."""
        return self.target, *(column for column, _ in self.terms)

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"{self.target} = {self._product_words() if self.product else self._sum_words()}"

    def _sum_words(self) -> str:
        parts = [(w, str(column) if abs(w) == 1 else f"{abs(w):.6g} * {column}") for column, w in self.terms]
        parts += [(self.constant, f"{abs(self.constant):.6g}")] if self.constant else []
        parts.sort(key=lambda part: part[0] < 0)  # what is added comes first
        said = "".join(f" {'-' if number < 0 else '+'} {text}" for number, text in parts)
        return said.removeprefix(" + ").strip()

    def _product_words(self) -> str:
        def powers(sign: int) -> list[str]:
            own = [(column, abs(power)) for column, power in self.terms if power * sign > 0]
            return [str(column) if power == 1 else f"{column}^{power:g}" for column, power in own]

        above, below = powers(1), powers(-1)
        if self.constant != 1 or not above:
            above.insert(0, f"{self.constant:.6g}")
        return " / ".join([" * ".join(above), *below])

    def numbers(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the target and all terms, float64, shape (n, 1 + n_terms)."""
        return np.column_stack([as_numbers(frame[column]) for column in self.columns])

    def predict(self, numbers: np.ndarray) -> np.ndarray:
        """Return what the target should be, shape (n,)."""
        weights = np.array([weight for _, weight in self.terms])
        if not self.product:
            return numbers[:, 1:] @ weights + self.constant
        with np.errstate(all="ignore"):
            made = self.constant * np.prod(np.power(numbers[:, 1:], weights), axis=1)
        return np.where(np.isfinite(made), made, np.nan)

    def slack(self, numbers: np.ndarray, rounded: bool) -> np.ndarray:
        """Return how far off rounding may make the target, shape (n,); `rounded`: that of the terms, too."""
        made = self.predict(numbers)
        half = np.array([0.0 if place is None else 0.5 * 10.0**-place for place in self.places])
        weights = np.array([abs(weight) for _, weight in self.terms])
        with np.errstate(all="ignore"):
            size = np.abs(made) if self.product else np.abs(numbers[:, 1:]) @ weights + abs(self.constant)
            slack = half[0] + _EXACT * size + 1e-12
            if rounded:
                slope = np.abs(made[:, None] / numbers[:, 1:]) if self.product else np.ones_like(numbers[:, 1:])
                slack = slack + (slope * weights * half[1:]).sum(axis=1)
        return slack

    def off(self, numbers: np.ndarray) -> np.ndarray:
        """Return which records are further off than rounding explains."""
        with np.errstate(invalid="ignore"):
            return np.abs(numbers[:, 0] - self.predict(numbers)) > self.slack(numbers, self.rounded)

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which records break it."""
        return self.off(self.numbers(frame))

    def repair(self, frame: pd.DataFrame, locked: frozenset = frozenset()) -> pd.DataFrame:
        """Compute the target again; where it is locked, the first term that is free."""
        numbers = self.numbers(frame)
        rows = self.off(numbers)
        at = next((i for i, column in enumerate(self.columns) if column not in locked), None)
        if at is None or not rows.any():
            return frame
        made = self.predict(numbers) if at == 0 else self._solve(numbers, at)
        place = self.places[at]
        made = made if place is None else np.round(made, place)
        frame = frame.copy(deep=False)
        frame[self.columns[at]] = with_numbers(frame[self.columns[at]], rows & np.isfinite(made), made)
        return frame

    def _solve(self, numbers: np.ndarray, at: int) -> np.ndarray:
        weight, rest = self.terms[at - 1][1], numbers.copy()
        rest[:, at] = 1.0 if self.product else 0.0
        with np.errstate(all="ignore"):
            if self.product:
                return np.power(numbers[:, 0] / self.predict(rest), 1 / weight)
            return (numbers[:, 0] - self.predict(rest)) / weight
