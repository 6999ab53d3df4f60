"""Clinical variables of the diabetes records, from either table; those of diagnoses are in `_diagnoses`.

A variable is a function of the frame that returns one entry a record: float with NaN for unknown, or a
category. It carries as `.needs` what it takes. `Variables` computes each once a table.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from shd.compare.domain._finding import Need, NoEstimateError, need_dataset
from shd.dataset import Dataset
from shd.datasets.diabetes import NOT_MEASURED

DRUGS = (
    "metformin", "repaglinide", "nateglinide", "chlorpropamide", "glimepiride", "acetohexamide", "glipizide",
    "glyburide", "tolbutamide", "pioglitazone", "rosiglitazone", "acarbose", "miglitol", "troglitazone", "tolazamide",
    "insulin", "glyburide-metformin", "glipizide-metformin", "glimepiride-pioglitazone", "metformin-rosiglitazone",
    "metformin-pioglitazone",
)  # fmt: skip
HBA1C_GROUPS = ("not measured", "high, medication changed", "high, not changed", "not high")
AGE_BANDS = ("<30", "30-60", ">60")
_SULFONYLUREAS = ("glimepiride", "glipizide", "glyburide")
_GLITAZONES = ("pioglitazone", "rosiglitazone")
_DECADE = re.compile(r"\[(\d+)-\d+\)")
_MOST_VISITS = 5  # more visits a year count as so many: few patients have more, and one has 42

Variable = Callable[[pd.DataFrame], Any]


class Variables:
    """A table and what was computed from it, so that each variable and each model is computed once.

    Parameters
    ----------
    dataset : Dataset

    Attributes
    ----------
    frame : pandas.DataFrame
    subjects : ndarray or None
        None where no subject has two records.
    """

    def __init__(self, dataset: Dataset):
        self.frame = dataset.frame
        codes, ids = pd.factorize(dataset.subjects)
        self.subjects = codes if len(ids) < len(codes) else None
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


def prepare(data: Dataset | Variables) -> Variables:
    """Return the variables of a Dataset; variables are returned as they are."""
    if isinstance(data, Variables):
        return data
    need_dataset(data)
    return Variables(data)


def needs(*columns: str, levels: tuple[str, ...] = ()) -> Callable[[Variable], Variable]:
    """Mark a variable with the columns and levels that it takes."""

    def mark(variable: Variable) -> Variable:
        variable.needs = (Need(columns, levels),)
        return variable

    return mark


@needs("readmitted", levels=("<30",))
def early_readmission(frame: pd.DataFrame) -> np.ndarray:
    """1 where the patient came back within 30 days."""
    return _is(frame, "readmitted", ("<30",))


@needs("readmitted", levels=("NO",))
def any_readmission(frame: pd.DataFrame) -> np.ndarray:
    """1 where the patient came back at all."""
    return 1 - _is(frame, "readmitted", ("NO",))


@needs("age")
def age_years(frame: pd.DataFrame) -> np.ndarray:
    """Middle of the decade in years, 5 to 95."""
    return _starts(frame["age"]) + 5


@needs("age")
def age_decades(frame: pd.DataFrame) -> np.ndarray:
    """Age in decades, 0.5 to 9.5, so that a ratio is one of ten years."""
    return age_years(frame) / 10


@needs("age")
def age_band(frame: pd.DataFrame) -> pd.Series:
    """Return the three bands of the study: <30, 30-60, >60."""
    start = _starts(frame["age"])
    codes = np.where(np.isnan(start), -1, np.digitize(start, (30, 60)))
    return category(codes, AGE_BANDS, "age")


@needs("A1Cresult", levels=(NOT_MEASURED,))
def measured(frame: pd.DataFrame) -> np.ndarray:
    """1 where HbA1c was measured."""
    return 1 - _is(frame, "A1Cresult", (NOT_MEASURED,))


@needs("A1Cresult", levels=(">8",))
def high_hba1c(frame: pd.DataFrame) -> np.ndarray:
    """1 where HbA1c is above 8 %, 0 where it is lower, unknown where it was not measured."""
    return np.where(measured(frame) == 1, _is(frame, "A1Cresult", (">8",)), np.nan)


@needs("max_glu_serum", levels=(">200", ">300"))
def high_glucose(frame: pd.DataFrame) -> np.ndarray:
    """1 where serum glucose is above 200 mg/dl, 0 where it is lower, unknown where it was not measured."""
    known = 1 - _is(frame, "max_glu_serum", (NOT_MEASURED,))
    return np.where(known == 1, _is(frame, "max_glu_serum", (">200", ">300")), np.nan)


@needs("A1Cresult", "change")
def hba1c_group(frame: pd.DataFrame) -> pd.Series:
    """Return the study's groups: not measured; high (above 8 %), medication changed or not; not high."""
    high, changed = high_hba1c(frame), medication_changed(frame)
    codes = np.select([np.isnan(high), high == 0, changed == 1], [0, 3, 1], 2)
    unknown = frame["A1Cresult"].isna().to_numpy() | ((high == 1) & np.isnan(changed))
    return category(np.where(unknown, -1, codes), HBA1C_GROUPS, "HbA1c")


@needs("change", levels=("Ch",))
def medication_changed(frame: pd.DataFrame) -> np.ndarray:
    """1 where any diabetes medicine was changed."""
    return _is(frame, "change", ("Ch",))


@cache
def is_level(column: str, *levels: str, against: tuple[str, ...] = ()) -> Variable:
    """Return a variable that is 1 for some levels of a column, and 0 for others (all others by default)."""

    def variable(frame: pd.DataFrame) -> np.ndarray:
        found = _is(frame, column, levels)
        if not against:
            return found
        return np.where(found + _is(frame, column, against) > 0, found, np.nan)

    variable.needs = (Need((column,), levels), *([Need((column,), against)] if against else []))
    return variable


@cache
def number(column: str, most: float = np.inf) -> Variable:
    """Return a variable that is a column of numbers, cut off at `most`."""

    def variable(frame: pd.DataFrame) -> np.ndarray:
        return pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan).clip(max=most)

    variable.needs = (Need((column,)),)
    return variable


@cache
def at_least(column: str, count: int, against: int = 0) -> Variable:
    """Return a variable that is 1 from `count` on, 0 for `against`, and unknown between and below."""

    def variable(frame: pd.DataFrame) -> np.ndarray:
        values = number(column)(frame)
        return np.where(values >= count, 1.0, np.where(values == against, 0.0, np.nan))

    variable.needs = (Need((column,)),)
    return variable


@cache
def visits(column: str) -> Variable:
    """Return the number of visits in the year before, 0 to 5 and more."""
    return number(column, _MOST_VISITS)


@cache
def drug(*names: str) -> Variable:
    """Return a variable that is 1 where any of some medicines was taken, whatever the dose."""

    def variable(frame: pd.DataFrame) -> np.ndarray:
        return np.max([_taken(frame, name) for name in names], axis=0)

    variable.needs = (Need(names),)
    return variable


insulin = drug("insulin")
metformin = drug("metformin")
sulfonylurea = drug(*_SULFONYLUREAS)
glitazone = drug(*_GLITAZONES)


def number_of_drugs(frame: pd.DataFrame) -> np.ndarray:
    """How many diabetes medicines were taken, of those the table knows."""
    return np.nansum([_taken(frame, name) for name in DRUGS if name in frame], axis=0).astype(float)


number_of_drugs.needs = (Need(("insulin", "metformin")),)


def levels_of(values: pd.Series) -> tuple[list[str], np.ndarray]:
    """Return the levels of a column as text, and the code of each record: -1 for a missing one."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype("category")
    return [str(level) for level in values.cat.categories], values.cat.codes.to_numpy()


def _is(frame: pd.DataFrame, column: str, wanted: tuple[str, ...]) -> np.ndarray:
    """Return 1 for some levels, 0 for others, NaN for missing."""
    levels, codes = levels_of(frame[column])
    return np.array([*(float(level in wanted) for level in levels), np.nan])[codes]


def _taken(frame: pd.DataFrame, name: str) -> np.ndarray:
    return 1 - _is(frame, name, ("No",))


def _starts(age: pd.Series) -> np.ndarray:
    """Return the first year of each decade such as ``[40-50)``."""
    levels, codes = levels_of(age)
    found = [_DECADE.match(level) for level in levels]
    return np.array([*(float(parts[1]) if parts else np.nan for parts in found), np.nan])[codes]


def category(codes: np.ndarray, levels: tuple[str, ...], name: str) -> pd.Series:
    """Return a category from the code of each record; -1 is missing."""
    return pd.Series(pd.Categorical.from_codes(codes, list(levels)), name=name)
