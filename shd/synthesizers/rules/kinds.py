"""The kinds of rule: order, formula, fixed by another, never together, missing when and together, and one's own."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.synthesizers.rules.rule import Part, Rule, and_join, as_numbers, with_levels, with_numbers
from shd.tables.types import plain

_EXACT = 1e-9  # share of a number that arithmetic may be off by


@dataclass(frozen=True)
class AtMost(Rule):
    """`first` <= `second`, or < where `strict`."""

    first: Hashable
    second: Hashable
    strict: bool = False
    people: int = 0
    kind: ClassVar[str] = "order"
    about: ClassVar = ("first", "second")

    def _words(self) -> str:
        return f"{self.first} {'<' if self.strict else '<='} {self.second}"

    def _broken(self, frame: pd.DataFrame) -> np.ndarray:
        first, second = as_numbers(frame[self.first]), as_numbers(frame[self.second])
        return first >= second if self.strict else first > second

    def _mended(self, frame: pd.DataFrame, rows: np.ndarray, locked: frozenset) -> dict:
        """Change the two values with each other."""
        first, second = frame[self.first], frame[self.second]
        if locked & set(self.columns) or first.dtype != second.dtype:
            return {}
        return {self.first: first.where(~rows, second), self.second: second.where(~rows, first)}


@dataclass(frozen=True)
class Formula(Rule):
    """One number follows from others: a sum of `terms` (column, weight), or, where `product`, of powers.

    The target may be off by half a unit in its last place (`places`: of the target and of each term; None for full
    precision); where `rounded`, by as much more as halves of the last places of the terms make it.
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

    def _words(self) -> str:
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

    def _broken(self, frame: pd.DataFrame) -> np.ndarray:
        return self.off(self.numbers(frame))

    def _mended(self, frame: pd.DataFrame, rows: np.ndarray, locked: frozenset) -> dict:
        """Compute the target again; where it is locked, the first term that is free."""
        numbers = self.numbers(frame)
        at = next((i for i, column in enumerate(self.columns) if column not in locked), None)
        if at is None:
            return {}
        made = self.predict(numbers) if at == 0 else self._solve(numbers, at)
        made = made if self.places[at] is None else np.round(made, self.places[at])
        target = self.columns[at]
        return {target: with_numbers(frame[target], rows & np.isfinite(made), made)}

    def _solve(self, numbers: np.ndarray, at: int) -> np.ndarray:
        weight, rest = self.terms[at - 1][1], numbers.copy()
        rest[:, at] = 1.0 if self.product else 0.0
        with np.errstate(all="ignore"):
            if self.product:
                return np.power(numbers[:, 0] / self.predict(rest), 1 / weight)
            return (numbers[:, 0] - self.predict(rest)) / weight


@dataclass(frozen=True)
class Fixed(Rule):
    """`column` is fixed by another: for each of `keys` one of `values`.

    Where `ranges`, a key is the number from which on (until the next key) the value holds, the first being None for
    no lower end; a value None says nothing. Keys of fewer people than `find_rules` was told are not in it.
    """

    column: Hashable
    by: Hashable
    keys: tuple
    values: tuple
    ranges: bool = False
    both: bool = False
    people: int = 0
    kind: ClassVar[str] = "fixed"
    about: ClassVar = ("column", "by")

    def _words(self) -> str:
        if self.ranges:
            return f"{self.column} is fixed by ranges of {self.by}"
        return f"{self.column} and {self.by} fix each other" if self.both else f"{self.column} is fixed by {self.by}"

    def wanted(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Return where a value is fixed, bool, and which, object; shape (n,) both."""
        table = np.array([*self.values, None], dtype=object)
        if self.ranges:
            numbers = as_numbers(frame[self.by])
            at = np.searchsorted(np.array(self.keys[1:], dtype=float), numbers, side="right")
            at = np.where(np.isnan(numbers), len(self.values), at)
        else:
            codes, distinct = pd.factorize(frame[self.by].astype(object))
            place = {key: i for i, key in enumerate(self.keys)}
            of_distinct = np.array(
                [*(place.get(plain(level), len(self.values)) for level in distinct), len(self.values)]
            )
            at = of_distinct[codes]
        wanted = table[at]
        return pd.notna(wanted), wanted

    def _broken(self, frame: pd.DataFrame) -> np.ndarray:
        said, wanted = self.wanted(frame)
        values = frame[self.column]
        codes, distinct = pd.factorize(values.astype(object))
        own = np.array([*map(plain, distinct), None], dtype=object)[codes]
        return said & values.notna().to_numpy() & (own != wanted)

    def _mended(self, frame: pd.DataFrame, rows: np.ndarray, locked: frozenset) -> dict:
        """Look the value up."""
        if self.column in locked:
            return {}
        return {self.column: with_levels(frame[self.column], rows, self.wanted(frame)[1][rows])}


@dataclass(frozen=True)
class Never(Rule):
    """No record is in both parts."""

    first: Part
    second: Part
    people: int = 0
    kind: ClassVar[str] = "never together"
    about: ClassVar = ("first", "second")

    def _words(self) -> str:
        return f"never both: {self.first.words}, and {self.second.words}"

    def _broken(self, frame: pd.DataFrame) -> np.ndarray:
        return self.first.holds(frame) & self.second.holds(frame)


@dataclass(frozen=True)
class MissingWhen(Rule):
    """`column` is missing where `when` holds, and known where `known` holds (None: wherever `when` does not)."""

    column: Hashable
    when: Part
    known: Part | None = None
    people: int = 0
    kind: ClassVar[str] = "missing when"
    about: ClassVar = ("column", "when")

    def _words(self) -> str:
        return f"{self.column} is missing exactly when {self.when.words}"

    def _must(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        missing = self.when.holds(frame)
        if self.known is not None:
            return missing, self.known.holds(frame)
        says = self.when.missing is not None or frame[self.when.column].notna().to_numpy()
        return missing, ~missing & says

    def _broken(self, frame: pd.DataFrame) -> np.ndarray:
        missing, known = self._must(frame)
        absent = frame[self.column].isna().to_numpy()
        return (missing & ~absent) | (known & absent)

    def _mended(self, frame: pd.DataFrame, rows: np.ndarray, locked: frozenset) -> dict:
        """Take the value away where there should be none."""
        return {} if self.column in locked else {self.column: frame[self.column].mask(rows & self._must(frame)[0])}


@dataclass(frozen=True)
class MissingTogether(Rule):
    """All of some columns are missing, or none."""

    together: tuple
    people: int = 0
    kind: ClassVar[str] = "missing together"

    @property
    def columns(self) -> tuple:
        """All of them."""
        return self.together

    def _words(self) -> str:
        return f"{and_join(map(str, self.together))} are missing together"

    def _broken(self, frame: pd.DataFrame) -> np.ndarray:
        missing = frame[list(self.together)].isna().to_numpy()
        return missing.any(axis=1) & ~missing.all(axis=1)


@dataclass(frozen=True)
class Own(Rule):
    """A rule of the user's own."""

    said: str
    holds: Callable[[pd.DataFrame], pd.Series] = field(compare=False)
    kind: ClassVar[str] = "own"  # it may read any column: nobody knows which it is about

    def _words(self) -> str:
        return self.said

    def _broken(self, frame: pd.DataFrame) -> np.ndarray:
        try:
            holds = pd.Series(np.asarray(self.holds(frame), dtype=object)).fillna(True)
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise ShdError(f"rule {self.said!r}: its function fails on the table ({error}). Mend it.") from None
        if len(holds) != len(frame) or not holds.isin([True, False]).all():
            raise ShdError(f"rule {self.said!r}: its function must return True or False for each record.")
        return ~holds.to_numpy(bool)
