"""Variables of the diagnoses, from codes or from chapters.

The study cohort (`shd.datasets.diabetes_cohort`) holds three-digit ICD-9 codes of the diagnoses, the
table of the 2020 challenge (`shd.datasets.diabetes`) their chapters. What codes tell, chapters may not:

* the study counts the symptoms 785, 786, 787 and 788 to circulatory, respiratory, digestive and
  genitourinary; in the chapters they are "symptoms and signs", and stay there;
* diabetes (250) is a part of the chapter "endocrine and metabolic", whose other parts (fluid disorders,
  obesity) cannot be split off.

So that a finding means the same in both tables, those about the study's groups take codes (`in_group`),
and those about chapters (`main_in`, `any_in`) find them from codes too.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.compare.domain._finding import Need
from shd.compare.domain._variables import Variable, category, levels_of, needs
from shd.datasets.diabetes import DIAGNOSES
from shd.datasets.diabetes_cohort import OTHER
from shd.datasets.icd9 import LEVELS, chapter

PRIMARY_GROUPS = (
    "circulatory", "diabetes", "respiratory", "digestive", "injury", "musculoskeletal", "genitourinary", "neoplasms",
    "other",
)  # fmt: skip
_CHAPTER_GROUPS = {name: name for name in ("circulatory", "respiratory", "digestive", "genitourinary", "neoplasms")}
_CHAPTER_GROUPS |= {"musculoskeletal": "musculoskeletal", "injury and poisoning": "injury"}
_SYMPTOMS = {"785": "circulatory", "786": "respiratory", "787": "digestive", "788": "genitourinary"}


@needs("diag_1")
def primary_group(frame: pd.DataFrame) -> pd.Series:
    """Return the nine groups of the study by main diagnosis; a missing one is ``other``.

    From chapters "endocrine and metabolic" takes the place of diabetes, and 785-788 stay in ``other``.
    """
    name = "endocrine and metabolic"
    coded = has_codes(frame)
    groups = PRIMARY_GROUPS if coded else tuple(name if g == "diabetes" else g for g in PRIMARY_GROUPS)
    levels, codes = levels_of(frame["diag_1"])
    group = [_group(level) for level in levels]
    if not coded:
        group = [name if level == name else found for level, found in zip(levels, group, strict=True)]
    of_level = np.array([*(groups.index(found) for found in group), groups.index("other")])
    return category(of_level[codes], groups, "main diagnosis")


def has_codes(frame: pd.DataFrame) -> bool:
    """Whether the diagnoses are codes, rather than chapters."""
    return "diag_1" in frame and any(str(level)[-1].isdigit() for level in levels_of(frame["diag_1"])[0])


@cache
def main_code(*codes: str) -> Variable:
    """Return a variable that is 1 where the main diagnosis has one of some three-digit codes."""
    return _diagnosis(codes, ("diag_1",), lambda level: level)


@cache
def any_code(*codes: str) -> Variable:
    """Return a variable that is 1 where one of some three-digit codes stands in any of the three places."""
    return _diagnosis(codes, DIAGNOSES, lambda level: level)


@cache
def main_in(*chapters: str) -> Variable:
    """Return a variable that is 1 where the main diagnosis is of one of some chapters; from codes or chapters."""
    return _diagnosis(chapters, ("diag_1",), chapter_of)


@cache
def any_in(*chapters: str) -> Variable:
    """Return a variable that is 1 where a diagnosis in any place is of one of some chapters."""
    return _diagnosis(chapters, DIAGNOSES, chapter_of)


@cache
def further_in(*chapters: str) -> Variable:
    """Return a variable that is 1 where the second or third diagnosis is of one of some chapters."""
    return _diagnosis(chapters, DIAGNOSES[1:], chapter_of)


@cache
def in_group(group: str, against: str = "") -> Variable:
    """Return a variable that is 1 in one of the study's groups of main diagnosis, 0 in another (or all others)."""

    def variable(frame: pd.DataFrame) -> np.ndarray:
        groups = primary_group(frame)
        own = (groups == group).to_numpy(dtype=float)
        return own if not against else np.where(own + (groups == against).to_numpy() > 0, own, np.nan)

    # the study's groups take codes: from chapters some are others
    variable.needs = (Need(("diag_1",), ("250",)),)
    return variable


def chapter_of(level: str) -> str | None:
    """Return the chapter of a level: a code, a pooled level or a chapter; None for what is none of them."""
    level = str(level).removeprefix(OTHER)
    if level in LEVELS:
        return level
    try:
        return chapter(level)
    except ShdError:  # a level of a table that is not this one, or a synthetic one that is no code
        return None


def _diagnosis(wanted: tuple[str, ...], places: tuple[str, ...], name: Callable) -> Variable:
    by_code = name is not chapter_of

    def variable(frame: pd.DataFrame) -> np.ndarray:
        found = np.zeros(len(frame), dtype=bool)
        for place in places:
            levels, codes = levels_of(frame[place])
            # a place without a diagnosis has not the one asked for
            found |= np.array([*(name(level) in wanted for level in levels), False])[codes]
        return found.astype(float)

    variable.needs = (Need(places, wanted),) if by_code else tuple(Need((place,)) for place in places)
    return variable


def _group(level: str) -> str:
    if level == "250":
        return "diabetes"
    return _SYMPTOMS.get(level) or _CHAPTER_GROUPS.get(chapter_of(level), "other")
