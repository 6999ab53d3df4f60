"""The kinds of rule but for formulas: order, fixed by another, never together, missing when, and one's own."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.synthesizers.rules._parts import Part, and_join, as_numbers, plain, with_levels
from shd.synthesizers.rules._rule import Rule


@dataclass(frozen=True)
class AtMost(Rule):
    """`first` <= `second`, or < where `strict`."""

    first: Hashable
    second: Hashable
    strict: bool = False
    people: int = 0
    kind: ClassVar[str] = "order"

    @property
    def columns(self) -> tuple:
        """Both."""
        return self.first, self.second

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"{self.first} {'<' if self.strict else '<='} {self.second}"

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which records break it."""
        first, second = as_numbers(frame[self.first]), as_numbers(frame[self.second])
        return first >= second if self.strict else first > second

    def repair(self, frame: pd.DataFrame, locked: frozenset = frozenset()) -> pd.DataFrame:
        """Change the two values with each other."""
        rows = self.broken(frame)
        if locked & set(self.columns) or not rows.any() or frame[self.first].dtype != frame[self.second].dtype:
            return frame
        first, second = frame[self.first], frame[self.second]
        frame = frame.copy(deep=False)
        frame[self.first], frame[self.second] = first.where(~rows, second), second.where(~rows, first)
        return frame


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

    @property
    def columns(self) -> tuple:
        """Both."""
        return self.column, self.by

    @property
    def words(self) -> str:
        """The rule in words."""
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

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which records break it."""
        said, wanted = self.wanted(frame)
        values = frame[self.column]
        codes, distinct = pd.factorize(values.astype(object))
        own = np.array([*map(plain, distinct), None], dtype=object)[codes]
        return said & values.notna().to_numpy() & (own != wanted)

    def repair(self, frame: pd.DataFrame, locked: frozenset = frozenset()) -> pd.DataFrame:
        """Look the value up."""
        rows = self.broken(frame)
        if self.column in locked or not rows.any():
            return frame
        frame = frame.copy(deep=False)
        frame[self.column] = with_levels(frame[self.column], rows, self.wanted(frame)[1][rows])
        return frame


@dataclass(frozen=True)
class Never(Rule):
    """No record is in both parts."""

    first: Part
    second: Part
    people: int = 0
    kind: ClassVar[str] = "never together"

    @property
    def columns(self) -> tuple:
        """Both."""
        return self.first.column, self.second.column

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"never both: {self.first.words}, and {self.second.words}"

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which records break it."""
        return self.first.holds(frame) & self.second.holds(frame)


@dataclass(frozen=True)
class MissingWhen(Rule):
    """`column` is missing where `when` holds, and known where `known` holds (None: wherever `when` does not)."""

    column: Hashable
    when: Part
    known: Part | None = None
    people: int = 0
    kind: ClassVar[str] = "missing when"

    @property
    def columns(self) -> tuple:
        """Both."""
        return self.column, self.when.column

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"{self.column} is missing exactly when {self.when.words}"

    def _must(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        missing = self.when.holds(frame)
        if self.known is not None:
            return missing, self.known.holds(frame)
        says = self.when.missing is not None or frame[self.when.column].notna().to_numpy()
        return missing, ~missing & says

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which records break it."""
        missing, known = self._must(frame)
        absent = frame[self.column].isna().to_numpy()
        return (missing & ~absent) | (known & absent)

    def repair(self, frame: pd.DataFrame, locked: frozenset = frozenset()) -> pd.DataFrame:
        """Take the value away where there should be none."""
        rows = self._must(frame)[0] & frame[self.column].notna().to_numpy()
        if self.column in locked or not rows.any():
            return frame
        frame = frame.copy(deep=False)
        frame[self.column] = frame[self.column].mask(rows)
        return frame


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

    @property
    def words(self) -> str:
        """The rule in words."""
        return f"{and_join(map(str, self.together))} are missing together"

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which records break it."""
        missing = frame[list(self.together)].isna().to_numpy()
        return missing.any(axis=1) & ~missing.all(axis=1)


@dataclass(frozen=True)
class Own(Rule):
    """A rule of the user's own."""

    said: str
    holds: Callable[[pd.DataFrame], pd.Series] = field(compare=False)
    kind: ClassVar[str] = "own"

    @property
    def columns(self) -> tuple:
        """Nobody knows: it may read any column."""
        return ()

    @property
    def words(self) -> str:
        """The rule in words."""
        return self.said

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which records break it; `ShdError` where the function does not say so of each record."""
        try:
            holds = pd.Series(np.asarray(self.holds(frame), dtype=object)).fillna(True)
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise ShdError(f"rule {self.said!r}: its function fails on the table ({error}). Mend it.") from None
        if len(holds) != len(frame) or not holds.isin([True, False]).all():
            raise ShdError(f"rule {self.said!r}: its function must return True or False for each record.")
        return ~holds.to_numpy(bool)
