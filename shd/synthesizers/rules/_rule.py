"""`Rule`: what holds between the columns of every record. One class a kind."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.synthesizers.rules._parts import Part, plain

KINDS: dict[str, type["Rule"]] = {}
"""Every kind, by name."""


@dataclass(frozen=True)
class Rule:
    """What holds between the columns of every record.

    Make one with `at_most`, `total`, `fixed`, `never`, `missing_when` or `own`. A rule says nothing of a record in
    which a value that it needs is missing.

    Examples
    --------
    >>> mine = [
    ...     shd.Rule.at_most("admission", "discharge"),
    ...     shd.Rule.never({"sex": "male", "pregnant": "yes"}),
    ...     shd.Rule.own("no child drives", lambda frame: (frame.age >= 18) | (frame.drives == "no")),
    ... ]  # doctest: +SKIP
    >>> gan.sample(1000, keep_rules=mine)  # doctest: +SKIP
    >>> shd.compare(train, synthetic, rules=mine)  # doctest: +SKIP
    """

    kind: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if cls.kind:
            KINDS[cls.kind] = cls

    @property
    def columns(self) -> tuple:
        """The columns that it is about."""
        raise NotImplementedError

    @property
    def words(self) -> str:
        """The rule in words."""
        raise NotImplementedError

    def broken(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which records break it, bool, shape (n,)."""
        raise NotImplementedError

    def repair(self, frame: pd.DataFrame, locked: frozenset = frozenset()) -> pd.DataFrame:
        """Return the records mended as far as one column of them can mend them; `locked` columns stay."""
        return frame

    def to_dict(self) -> dict:
        """Return it as plain values, for JSON."""
        return {"kind": self.kind, **asdict(self)}

    @staticmethod
    def at_most(first: Hashable, second: Hashable, strict: bool = False) -> "Rule":
        """`first` is never more than `second` (`strict`: always less): numbers, dates, ordered categories."""
        return KINDS["order"](first, second, strict)

    @staticmethod
    def total(column: Hashable, parts: Sequence[Hashable], decimals: int = 6) -> "Rule":
        """`column` is the sum of `parts`, to so many decimals."""
        terms = tuple((part, 1.0) for part in parts)
        return KINDS["formula"](column, terms, places=(decimals,) * (len(parts) + 1))

    @staticmethod
    def fixed(column: Hashable, by: Hashable, table: Mapping) -> "Rule":
        """`column` is what `table` says for the level of `by`; it says nothing of levels not in the table."""
        return KINDS["fixed"](column, by, tuple(map(plain, table)), tuple(map(plain, table.values())))

    @staticmethod
    def never(together: Mapping) -> "Rule":
        """No record has both: ``{"sex": "male", "pregnant": ["yes", "unsure"]}``; None stands for missing."""
        if len(together) != 2:
            raise ShdError(f"Rule.never takes two columns, not {len(together)}: {{'sex': 'male', 'pregnant': 'yes'}}.")
        return KINDS["never together"](*(Part.of(column, what) for column, what in together.items()))

    @staticmethod
    def missing_when(column: Hashable, when: Mapping) -> "Rule":
        """`column` is missing in records with ``{"died": "no"}``, and in no others."""
        if len(when) != 1:
            raise ShdError(f"Rule.missing_when takes one other column, not {len(when)}: {{'died': 'no'}}.")
        return KINDS["missing when"](column, *(Part.of(other, what) for other, what in when.items()))

    @staticmethod
    def own(words: str, holds: Callable[[pd.DataFrame], pd.Series]) -> "Rule":
        """Any function of the frame that says of each record whether the rule holds. It cannot be saved."""
        return KINDS["own"](words, holds)


def rule_from_dict(state: Mapping) -> Rule:
    """Undo `Rule.to_dict`."""
    state = dict(state)
    kind = KINDS[state.pop("kind")]
    for name, value in state.items():
        if isinstance(value, dict):
            state[name] = Part(**{k: tuple(v) if isinstance(v, list) else v for k, v in value.items()})
        elif isinstance(value, list):
            state[name] = tuple(tuple(v) if isinstance(v, list) else v for v in value)
    return kind(**state)
