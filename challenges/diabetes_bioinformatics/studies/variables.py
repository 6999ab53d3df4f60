"""Clinical variables of the diabetes records, from either table: the one place that says what they are.

A variable is a function of the frame that returns one entry a record: float with NaN for unknown, or a category whose
missing entries are unknown. It carries as `.needs` what it takes. `VARIABLES` gives names to those that regressions,
groups and figures are asked for.

The study cohort holds three-digit ICD-9 codes of the diagnoses, the table of the 2020 challenge their chapters. What
codes tell, chapters may not: the study counts the symptoms 785 to 788 to an organ, in the chapters they are "symptoms
and signs"; and diabetes (250) is a part of "endocrine and metabolic". So that a finding means the same in both tables,
those about the study's groups take codes (`in_group`), those about chapters (`main_in`) find them from codes too.
"""

import re
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pandas as pd

from shd import Dataset, ShdError
from shd.compare.findings import Need, Variable, needs
from shd.dataset import describe_columns, is_numeric
from shd.datasets.diabetes import DIAGNOSES, NOT_MEASURED
from shd.datasets.diabetes_cohort import OTHER
from shd.datasets.icd9 import LEVELS, chapter

from .tables import as_dataset, category, levels_of

TIME, READMITTED = "time_in_hospital", "readmitted"
EARLY = "readmitted within 30 days"
MERGED = "other"  # what a synthesizer calls the levels of few people
DOSES = ("No", "Steady", "Up", "Down")
VISITS = ("number_inpatient", "number_emergency", "number_outpatient")
HBA1C_GROUPS = ("not measured", "high, medication changed", "high, not changed", "not high")
AGE_BANDS = ("<30", "30-60", ">60")
ENDOCRINE = "endocrine and metabolic"  # has the place of diabetes where chapters are all that is known
PRIMARY_GROUPS = (
    "circulatory", "diabetes", "respiratory", "digestive", "injury", "musculoskeletal", "genitourinary", "neoplasms",
    "other",
)  # fmt: skip
_OF_CHAPTER = {"injury and poisoning": "injury"} | {name: name for name in PRIMARY_GROUPS if name in LEVELS}
_SYMPTOMS = {"785": "circulatory", "786": "respiratory", "787": "digestive", "788": "genitourinary"}
_DECADE = re.compile(r"\[(\d+)-(\d+)\)")


# Age, sex, stay --------------------------------------------------------------------------------------


@needs("age")
def age_years(frame: pd.DataFrame) -> np.ndarray:
    """Age, or the middle of its band ``[40-50)``, in years."""
    if is_numeric(frame["age"]):
        return number("age")(frame)
    levels, codes = levels_of(frame["age"])
    found = [_DECADE.fullmatch(level) for level in levels]
    return np.array([*((int(one[1]) + int(one[2])) / 2 if one else np.nan for one in found), np.nan])[codes]


@needs("age")
def age_decades(frame: pd.DataFrame) -> np.ndarray:
    """Age in decades, so that a ratio is one of ten years."""
    return age_years(frame) / 10


@needs("age")
def age_band(frame: pd.DataFrame) -> pd.Series:
    """Return the three bands of the study: <30, 30-60, >60."""
    years = age_years(frame)
    return category(np.where(np.isnan(years), -1, np.digitize(years, (30, 60))), AGE_BANDS, "age")


@cache
def is_level(column: str, *levels: str, against: tuple[str, ...] = ()) -> Variable:
    """Return a variable that is 1 for some levels of a column, and 0 for others (all others by default)."""

    def variable(frame: pd.DataFrame) -> np.ndarray:
        found = _is(frame, column, levels)
        return np.where(found + _is(frame, column, against) > 0, found, np.nan) if against else found

    variable.needs = (Need((column,), levels), *([Need((column,), against)] if against else []))
    return variable


@cache
def is_not(column: str, level: str) -> Variable:
    """Return a variable that is 0 for one level of a column, and 1 for the others."""
    return needs(column, levels=(level,))(lambda frame: 1 - _is(frame, column, (level,)))


@cache
def number(column: str, most: float = np.inf) -> Variable:
    """Return a variable that is a column of numbers, cut off at `most`."""

    @needs(column)
    def variable(frame: pd.DataFrame) -> np.ndarray:
        return pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan).clip(max=most)

    return variable


@cache
def at_least(column: str, count: int, against: int = 0) -> Variable:
    """Return a variable that is 1 from `count` on, 0 for `against`, and unknown between and below."""

    @needs(column)
    def variable(frame: pd.DataFrame) -> np.ndarray:
        values = number(column)(frame)
        return np.where(values >= count, 1.0, np.where(values == against, 0.0, np.nan))

    return variable


early_readmission = is_level(READMITTED, "<30")
any_readmission = is_not(READMITTED, "NO")


# Blood sugar and medicines ---------------------------------------------------------------------------


def _if_measured(column: str, *levels: str) -> Variable:
    """Return a variable that is 1 for some levels of a test, 0 for lower ones, unknown where it was not done."""

    @needs(column, levels=levels)
    def variable(frame: pd.DataFrame) -> np.ndarray:
        return np.where(is_not(column, NOT_MEASURED)(frame) == 1, _is(frame, column, levels), np.nan)

    return variable


measured = is_not("A1Cresult", NOT_MEASURED)
high_hba1c = _if_measured("A1Cresult", ">8")  # above 8 %
high_glucose = _if_measured("max_glu_serum", ">200", ">300")  # above 200 mg/dl
medication_changed = is_level("change", "Ch")


@needs("A1Cresult", "change")
def hba1c_group(frame: pd.DataFrame) -> pd.Series:
    """Return the study's groups: not measured; high (above 8 %), medication changed or not; not high.

    Unknown where HbA1c is missing, or it is high and nobody knows of a change.
    """
    high, changed = high_hba1c(frame), medication_changed(frame)
    codes = np.select([np.isnan(high), high == 0, changed == 1], [0, 3, 1], 2)
    unknown = frame["A1Cresult"].isna().to_numpy() | ((high == 1) & np.isnan(changed))
    return category(np.where(unknown, -1, codes), HBA1C_GROUPS, "HbA1c")


@cache
def drug(*names: str) -> Variable:
    """Return a variable that is 1 where any of some medicines was taken, whatever the dose."""
    return needs(*names)(lambda frame: np.max([is_not(name, "No")(frame) for name in names], axis=0))


insulin = drug("insulin")
metformin = drug("metformin")
sulfonylurea = drug("glimepiride", "glipizide", "glyburide")
glitazone = drug("pioglitazone", "rosiglitazone")


def drug_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns that say how a drug was dosed: levels No, Steady, Up, Down."""
    texts = [c for c in frame.columns if c not in ("change", "diabetesMed") and frame[c].dtype.kind not in "iufbM"]
    return [c for c in texts if frame[c].notna().any() and set(frame[c].dropna().unique()) <= set(DOSES)]


def drugs_taken(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """Return whether each drug is known to be taken, at any dose, bool, shape (n, n_drugs)."""
    return np.array([drug(name)(frame) == 1 for name in names]).reshape(len(names), len(frame)).T


# Diagnoses -------------------------------------------------------------------------------------------


@needs("diag_1")
def primary_group(frame: pd.DataFrame) -> pd.Series:
    """Return the nine groups of the study by main diagnosis; as in the study a missing one is ``other``.

    From chapters "endocrine and metabolic" takes the place of diabetes, and 785-788 stay in ``other``.
    """
    levels, codes = levels_of(frame["diag_1"])
    coded = any(level[-1:].isdigit() for level in levels)
    groups = PRIMARY_GROUPS if coded else tuple(ENDOCRINE if g == "diabetes" else g for g in PRIMARY_GROUPS)
    found = [level if level == ENDOCRINE and not coded else _group(level) for level in levels]
    of_level = np.array([*map(groups.index, found), groups.index("other")])
    return category(of_level[codes], groups, "main diagnosis")


def _group(level: str) -> str:
    if level == "250":
        return "diabetes"
    return _SYMPTOMS.get(level) or _OF_CHAPTER.get(chapter_of(level), "other")


def main_code(*codes: str) -> Variable:
    """Return a variable that is 1 where the main diagnosis has one of some three-digit codes."""
    return _diagnosis(codes, ("diag_1",), str)


def any_code(*codes: str) -> Variable:
    """Return a variable that is 1 where one of some three-digit codes stands in any of the three places."""
    return _diagnosis(codes, DIAGNOSES, str)


def main_in(*chapters: str) -> Variable:
    """Return a variable that is 1 where the main diagnosis is of one of some chapters; from codes or chapters."""
    return _diagnosis(chapters, ("diag_1",), chapter_of)


def any_in(*chapters: str) -> Variable:
    """Return a variable that is 1 where a diagnosis in any place is of one of some chapters."""
    return _diagnosis(chapters, DIAGNOSES, chapter_of)


def further_in(*chapters: str) -> Variable:
    """Return a variable that is 1 where the second or third diagnosis is of one of some chapters."""
    return _diagnosis(chapters, DIAGNOSES[1:], chapter_of)


@cache
def in_group(group: str) -> Variable:
    """Return a variable that is 1 in one of the study's groups of main diagnosis; from chapters some are others."""
    return needs("diag_1", levels=("250",))(lambda frame: (primary_group(frame) == group).to_numpy(dtype=float))


def to_chapter(level: str) -> str:
    """Return the ICD-9 chapter of a level: a code, a pooled or merged level, or a chapter itself."""
    bare = str(level).removeprefix(OTHER)
    return bare if bare in LEVELS or bare == MERGED else chapter(bare)


def chapter_of(level: str) -> str | None:
    """Return the chapter of a level, None for what is none: of another table, or a synthetic one that is no code."""
    try:
        return to_chapter(level)
    except ShdError:
        return None


@cache
def _diagnosis(wanted: tuple[str, ...], places: tuple[str, ...], name: Callable) -> Variable:
    def variable(frame: pd.DataFrame) -> np.ndarray:
        found = np.zeros(len(frame), dtype=bool)
        for place in places:
            levels, codes = levels_of(frame[place])
            # a place without a diagnosis has not the one asked for
            found |= np.array([*(name(level) in wanted for level in levels), False])[codes]
        return found.astype(float)

    by_code = name is not chapter_of
    variable.needs = (Need(places, wanted),) if by_code else tuple(Need((place,)) for place in places)
    return variable


# Variables by name -----------------------------------------------------------------------------------

VARIABLES: dict[str, Variable] = {
    "age (10 years)": age_decades,
    "age band": age_band,
    "sex": needs("gender")(lambda frame: frame["gender"]),
    "main diagnosis": primary_group,
    "HbA1c": hba1c_group,
    "HbA1c measured": measured,
    "insulin": insulin,
    "medication changed": medication_changed,
    "number of diagnoses": number("number_diagnoses"),
    "prior inpatient visits": number("number_inpatient"),
    EARLY: early_readmission,
    "days in hospital": number(TIME),
}
"""Clinical variables that both tables have."""


def column_of(name: str) -> str:
    """Return the column that a variable of `VARIABLES` is made of; any other name is a column itself."""
    return VARIABLES[name].needs[0].columns[0] if name in VARIABLES else name


def variable(data: Dataset | pd.DataFrame, name: str) -> pd.Series:
    """Return a clinical variable of `VARIABLES`, or a column as it is; shape (n,), missing values stay missing."""
    frame, column = as_dataset(data).frame, column_of(name)
    if column not in frame.columns:
        raise ShdError(f"{name!r} needs the column {column!r}; the table has {describe_columns(list(frame.columns))}.")
    if name not in VARIABLES:
        values = frame[column]
        return values.astype(float) if pd.api.types.is_bool_dtype(values) else values
    values = pd.Series(VARIABLES[name](frame)).reset_index(drop=True)
    strange = frame[column][(values.isna() & frame[column].reset_index(drop=True).notna()).to_numpy()]
    if column == "age" and len(strange):
        raise ShdError(f"age has the level {strange.iloc[0]!r}; write ages as numbers, or as bands such as '[70-80)'.")
    return values.set_axis(frame.index)


def yes_no(data: Dataset | pd.DataFrame, name: str) -> np.ndarray:
    """Return a variable of two values as 1 and 0, NaN where missing; ``No`` is 0. Shape (n,)."""
    values = variable(data, name)
    if is_numeric(values) and values.dropna().isin([0, 1]).all():
        return values.to_numpy(float)
    levels = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values.dropna().unique()
    if len(levels) == 2 and "No" in levels:
        return (values != "No").astype(float).where(values.notna()).to_numpy()
    raise ShdError(f"{name!r} must be 0 and 1, or 'No' and one other level; make such a column of it.")


def members(data: Dataset, by: str | pd.Series | None, known: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Return each group that has records, in the order of its levels, and which of the known records it has."""
    if by is None:
        groups = pd.Series("all", index=range(len(data)))
    else:
        groups = variable(data, by) if isinstance(by, str) else pd.Series(by)
    if len(groups) != len(data):
        raise ShdError(f"by has {len(groups)} entries for {len(data)} records; give one a record.")
    groups = groups.reset_index(drop=True)
    is_category = isinstance(groups.dtype, pd.CategoricalDtype)
    levels = groups.cat.categories if is_category else sorted(groups.dropna().unique())
    said = {0.0: "no", 1.0: "yes"} if is_numeric(groups) and set(levels) <= {0, 1} else {}
    found = [(said.get(k, str(k)), known & (groups == k).fillna(False).to_numpy(bool)) for k in levels]
    found = [(level, own) for level, own in found if own.any()]
    if not found:
        raise ShdError("no record has both a group and a value; check the columns for missing values.")
    return found


def _is(frame: pd.DataFrame, column: str, wanted: tuple[str, ...]) -> np.ndarray:
    """Return 1 for some levels, 0 for others, NaN for missing."""
    levels, codes = levels_of(frame[column])
    return np.array([*(float(level in wanted) for level in levels), np.nan])[codes]
