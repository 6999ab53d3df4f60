"""What a known finding is: a question, the claim, how it is computed, and what an estimate of it says."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from scipy.stats import norm

from shd._errors import ShdError
from shd.dataset import Dataset

EXPECTED = ("above", "below")
Z = float(norm.ppf(0.975))  # a normal interval of 95 %
SIGNIFICANT = 0.05


class NoEstimateError(ShdError):
    """The records do not allow an estimate: too few, constant, or separated. The message says which."""


@dataclass(frozen=True)
class Estimate:
    """One number with its 95 % interval."""

    value: float  # a ratio, above 0, or a difference
    low: float
    high: float
    p: float  # two-sided, of the null
    null: float  # what no link would give: 1 for a ratio, 0 for a difference
    n: int  # records it was computed from
    scale: str  # "ratio" or "difference"

    @property
    def side(self) -> str:
        """On which side of the null the value lies: above or below; an empty text where it is the null."""
        return "above" if self.value > self.null else "below" if self.value < self.null else ""

    def shows(self, expected: str) -> bool:
        """Whether it is significant, p below 5 %, on the side that was expected."""
        return self.p < SIGNIFICANT and self.side == expected


def normal_estimate(value: float, error: float, n: int, scale: str = "difference") -> Estimate:
    """Return an estimate from a value and its standard error, both logarithms where it is a ratio."""
    if not (math.isfinite(value) and math.isfinite(error)) or error <= 0:
        raise NoEstimateError("the standard error is not a number above 0: the records do not vary enough.")
    p = float(2 * norm.sf(abs(value / error)))
    bounds = (value, value - Z * error, value + Z * error)
    if scale == "difference":
        return Estimate(*map(float, bounds), p, 0.0, n, scale)
    largest = 700.0  # the exponential of more is no number
    return Estimate(*(math.exp(min(max(float(b), -largest), largest)) for b in bounds), p, 1.0, n, scale)


@dataclass(frozen=True)
class Need:
    """Columns that have to be there, and levels at least one of which at least one of them has to know."""

    columns: tuple[str, ...]
    levels: tuple[str, ...] = ()

    def lacks(self, frame: pd.DataFrame) -> str | None:
        """Say what a table lacks, None where it has all."""
        missing = [column for column in self.columns if column not in frame.columns]
        if missing:
            return f"there is no column {missing[0]!r}"
        if self.levels and not any(_knows(frame[column], self.levels) for column in self.columns):
            names = " or ".join(self.levels)
            return f"no level {names} in {', '.join(self.columns)}"
        return None


def _knows(values: pd.Series, levels: tuple[str, ...]) -> bool:
    known = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values.dropna().unique()
    return not set(levels).isdisjoint(known)


Variable = Callable[[pd.DataFrame], Any]
"""What a finding is about: one entry a record, float with NaN for unknown, or a category; see `needs`."""


def needs(*columns: str, levels: tuple[str, ...] = ()) -> Callable[[Variable], Variable]:
    """Mark a variable with the columns and levels that it takes, as its attribute ``needs``."""

    def mark(variable: Variable) -> Variable:
        variable.needs = (Need(columns, levels),)
        return variable

    return mark


class Variables:
    """A table and what was computed from it, so that each variable and each model is computed once.

    Of a DataFrame each record is its own subject.
    """

    def __init__(self, data: Dataset | pd.DataFrame):
        data = data if isinstance(data, Dataset) else Dataset(data)
        self.frame = data.frame
        codes, ids = pd.factorize(data.subjects)
        self.subjects = codes if len(ids) < len(codes) else None  # None where no subject has two records
        self._known: dict[Callable, Any] = {}

    def __call__(self, variable: Variable) -> Any:
        """Return a variable of the table, one entry a record."""
        if variable not in self._known:
            self._known[variable] = variable(self.frame)
        return self._known[variable]

    def model(self, build: "Callable[[Variables], Any]") -> Any:
        """Return what `build` makes of these variables; a `NoEstimateError` is raised again each time."""
        if build not in self._known:
            try:
                self._known[build] = build(self)
            except NoEstimateError as error:
                self._known[build] = error
        if isinstance(self._known[build], NoEstimateError):
            raise self._known[build]
        return self._known[build]


def prepare(data: Dataset | pd.DataFrame | Variables) -> Variables:
    """Return the variables of a table; variables are returned as they are."""
    return data if isinstance(data, Variables) else Variables(data)


@dataclass(frozen=True, eq=False)
class Finding:
    """One claim that an expert would make about the records, declared before anybody looks at them."""

    code: str  # short and stable: "DF01"
    theme: str  # the block it belongs to
    label: str  # a few words for a figure
    question: str  # in the expert's words
    population: str  # whose records are looked at
    estimand: str
    method: str
    expected: str  # "above" or "below": the side of the null that the literature claims
    source: str  # a paper with its year, or a plain word that it is general knowledge
    columns: tuple[Need, ...]
    estimate: Callable[[Dataset | Variables], Estimate]  # raises `NoEstimateError`
    note: str = ""  # what the real table shows, where that is not what is claimed

    def __post_init__(self) -> None:
        if self.expected not in EXPECTED:
            raise ShdError(f"finding {self.code}: expected={self.expected!r} is not one of {', '.join(EXPECTED)}.")

    def applies_to(self, table: Dataset | Variables) -> str | None:
        """Return None where the table has what the finding takes, else what it lacks."""
        reasons = (need.lacks(table.frame) for need in self.columns)
        return next((reason for reason in reasons if reason), None)
