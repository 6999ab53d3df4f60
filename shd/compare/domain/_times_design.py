"""Clinical variables that both tables of the diabetes study have, and the columns that a regression makes of them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from shd._errors import ShdError
from shd.compare.domain._finding import need_list
from shd.dataset import Dataset, describe_columns, is_numeric
from shd.datasets.icd9 import LEVELS, chapter
from shd.synthesizers._protect import OTHER as MERGED

TIME, READMITTED = "time_in_hospital", "readmitted"
EARLY = "readmitted within 30 days"
REFERENCES = {"sex": "Female", "gender": "Female", "race": "Caucasian", "age band": "over 60"} | {
    "main diagnosis": "circulatory"
}
"""The level that others are compared with; of a variable that is not named here, its first level."""

UNKNOWN = "unknown"
_NOT_MEASURED = "not measured"
_LEAST = 20  # records that a level needs to have a term
_OWN = 1e-6  # share of a term's variation that the other terms must leave unexplained
_NO_END = 15.0  # a log ratio, or its error, that no data of people have
_Z = float(norm.ppf(0.975))
_GROUPS = {  # the nine groups of Strack et al. 2014, table 2; the rest is "other"
    "circulatory": "circulatory",
    "respiratory": "respiratory",
    "digestive": "digestive",
    "diabetes": "diabetes",
    "injury and poisoning": "injury",
    "musculoskeletal": "musculoskeletal",
    "genitourinary": "genitourinary",
    "neoplasms": "neoplasms",
}
_CHAPTERS = _GROUPS | {"endocrine and metabolic": "endocrine and metabolic"}
_CODES = {"250": "diabetes", "785": "circulatory", "786": "respiratory", "787": "digestive", "788": "genitourinary"}


def as_dataset(data: Dataset | pd.DataFrame) -> Dataset:
    """Return a Dataset; of a DataFrame each record is its own subject."""
    return data if isinstance(data, Dataset) else Dataset(data)


def _decades(ages: pd.Series) -> pd.Series:
    """Return ages in tens of years: the middle of ``[70-80)`` is 7.5."""
    if is_numeric(ages):
        return ages / 10
    bounds = {level: re.fullmatch(r"\[(\d+)-(\d+)\)", str(level)) for level in ages.dropna().unique()}
    for level, found in bounds.items():
        if found is None:
            raise ShdError(f"age has the level {level!r}; write ages as numbers, or as bands such as '[70-80)'.")
    return ages.map({k: (int(found[1]) + int(found[2])) / 20 for k, found in bounds.items()}).astype(float)


def _age_band(ages: pd.Series) -> pd.Series:
    bands = ["under 30", "30 to 60", "over 60"]
    return pd.cut(_decades(ages), [-np.inf, 3, 6, np.inf], right=False, labels=bands)


def _main_diagnosis(codes: pd.Series) -> pd.Series:
    """Return the group of each main diagnosis, of a three-digit code or of a chapter.

    Chapters cannot tell diabetes from other endocrine disease, nor symptoms of one organ from those of another:
    ``endocrine and metabolic`` is a group of its own there, and all symptoms are ``other``.
    """

    def group(level: str) -> str:
        if level in LEVELS or level == MERGED:
            return _CHAPTERS.get(level, "other")
        found = level.removeprefix("other ")
        return _CODES.get(level) or _GROUPS.get(found if found in LEVELS else chapter(level), "other")

    named = {level: group(str(level)) for level in codes.dropna().unique()}
    levels = [*_CHAPTERS.values(), "other"]
    return pd.Series(pd.Categorical(codes.map(named), [k for k in levels if k in named.values()]), codes.index)


def _flag(test: Callable[[pd.Series], pd.Series]) -> Callable[[pd.Series], pd.Series]:
    """Return 1 where the test holds, 0 where not, NaN where the value is missing."""
    return lambda values: test(values).astype(float).where(values.notna())


VARIABLES: dict[str, tuple[str, Callable[[pd.Series], pd.Series]]] = {
    "age (10 years)": ("age", _decades),
    "age band": ("age", _age_band),
    "sex": ("gender", lambda values: values),
    "main diagnosis": ("diag_1", _main_diagnosis),
    "HbA1c measured": ("A1Cresult", _flag(lambda values: values != _NOT_MEASURED)),
    "insulin": ("insulin", _flag(lambda values: values != "No")),
    "medication changed": ("change", _flag(lambda values: values == "Ch")),
    "number of diagnoses": ("number_diagnoses", lambda values: values),
    "prior inpatient visits": ("number_inpatient", lambda values: values),
    EARLY: (READMITTED, _flag(lambda values: values == "<30")),
    "days in hospital": (TIME, lambda values: values),
}
"""Clinical variables that both tables have: the column each is made of, and how."""


def variable(data: Dataset | pd.DataFrame, name: str) -> pd.Series:
    """Return a clinical variable of `VARIABLES`, or a column as it is; shape (n,), missing values stay missing.

    Raises
    ------
    ShdError
        Where the table has no such column, or a value is not what the variable takes.
    """
    frame = as_dataset(data).frame
    column, make = VARIABLES.get(name, (name, lambda values: values))
    if column not in frame.columns:
        raise ShdError(f"{name!r} needs the column {column!r}; the table has {describe_columns(list(frame.columns))}.")
    values = make(frame[column])
    return values.astype(float) if pd.api.types.is_bool_dtype(values) else values


def yes_no(data: Dataset | pd.DataFrame, name: str) -> np.ndarray:
    """Return a variable of two values as 1 and 0, NaN where missing; ``No`` is 0. Shape (n,).

    Raises
    ------
    ShdError
        Where there is no such column, or its values are neither 0 and 1 nor ``No`` and one other.
    """
    values = variable(data, name)
    if is_numeric(values) and values.dropna().isin([0, 1]).all():
        return values.to_numpy(float)
    levels = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values.dropna().unique()
    if len(levels) == 2 and "No" in levels:
        return (values != "No").astype(float).where(values.notna()).to_numpy()
    raise ShdError(f"{name!r} must be 0 and 1, or 'No' and one other level; make such a column of it.")


@dataclass(eq=False)
class Design:
    """The columns of a regression without its constant, the outcome, the records used, and what was left out.

    Shapes: `x` (n_used, n_labels), `y` (n_used,), `rows` bool (n,). `absent` holds a reason for each label left out;
    `every` all labels in order.
    """

    labels: list[str]
    x: np.ndarray
    y: np.ndarray
    rows: np.ndarray
    every: list[str]
    absent: dict[str, str]

    def frame(self, name: str) -> pd.DataFrame:
        """Return an empty table of effects, one row a term, with reasons for those left out."""
        empty = dict.fromkeys((name, "low", "high", "p"), np.nan)
        return pd.DataFrame({"term": self.every, **empty, "why not": [self.absent.get(k, "") for k in self.every]})

    def failed(self, frame: pd.DataFrame, why: str = "") -> pd.DataFrame:
        """Say of every other term why the model gave nothing."""
        frame["why not"] = frame["why not"].where(frame["why not"] != "", why or "the fit has no end")
        return frame

    def fill(self, frame: pd.DataFrame, estimate: np.ndarray, error: np.ndarray) -> np.ndarray:
        """Write ratios with 95 % intervals into the table and return the rows of the model's terms."""
        at = frame.index[frame["term"].isin(self.labels)].to_numpy()
        sound = np.isfinite(estimate + error) & (np.abs(estimate) < _NO_END) & (error < _NO_END) & (error > 0)
        estimate = np.where(sound, estimate, np.nan)
        for column, z in ((frame.columns[1], 0), ("low", -_Z), ("high", _Z)):
            frame.loc[at, column] = np.exp(estimate + z * np.where(sound, error, np.nan))
        frame.loc[at, "p"] = 2 * norm.sf(np.abs(estimate / np.where(sound, error, np.nan)))
        frame.loc[at[~sound], "why not"] = "the fit has no end"
        return at


def make_design(
    data: Dataset, terms: Sequence[str], y: np.ndarray, eventful: bool = False, least: int = _LEAST
) -> Design:
    """Lay terms out as columns: a number as it is, each level but the reference as 0 and 1.

    Records with a missing number or outcome are left out; a missing level is a level, ``unknown``. The records of a
    level with fewer than `least` are left out with it (they would else join the reference), and so are those of a
    level without a single event where the outcome counts events.
    """
    need_list(terms, "terms")
    if not len(terms) or len(set(terms)) < len(terms):
        raise ShdError("terms: name at least one variable, and each of them once.")
    columns = [column for name in terms for column in _columns(variable(data, name), name)]
    every, absent = [label for label, *_ in columns], {}
    rows = ~np.isnan(sum((values for _, values, _ in columns), start=np.asarray(y, dtype=float)))
    for label, values, is_level in columns:
        own = rows & (values == 1)
        if is_level and own.sum() < least:
            absent[label] = f"fewer than {least} records"
        elif is_level and eventful and not y[own].any():
            absent[label] = "no event among them"
        if label in absent:
            rows &= ~own
    kept = []
    for label, values, _ in columns:
        if label not in absent and (not rows.any() or np.ptp(values[rows]) == 0):
            absent[label] = "all records are alike"
    x = np.array([values[rows] for label, values, _ in columns if label not in absent]).T.reshape(rows.sum(), -1)
    own = [label for label in every if label not in absent]
    together = np.atleast_2d(np.corrcoef(x, rowvar=False)) if own else np.empty((0, 0))
    for j, label in enumerate(own):
        weights = np.linalg.solve(together[np.ix_(kept, kept)], together[kept, j])
        if together[j, kept] @ weights > 1 - _OWN:
            absent[label] = "follows from other terms"
        else:
            kept.append(j)
    return Design([own[j] for j in kept], x[:, kept], np.asarray(y, dtype=float)[rows], rows, every, absent)


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


def _columns(values: pd.Series, name: str) -> list[tuple[str, np.ndarray, bool]]:
    """Return label, values and whether it is a level, of each column that a variable takes in a regression."""
    if is_numeric(values):
        return [(name, values.to_numpy(float), False)]
    is_category = isinstance(values.dtype, pd.CategoricalDtype)
    levels = list(values.cat.categories) if is_category else sorted(values.dropna().unique())
    levels += [UNKNOWN] if values.isna().any() and UNKNOWN not in levels else []
    if len(levels) > 30:
        raise ShdError(f"terms: {name!r} has {len(levels)} levels; take a variable of at most 30, or numbers.")
    there = values.astype(object).where(values.notna(), UNKNOWN)
    present = [level for level in levels if (there == level).any()]
    reference = REFERENCES[name] if REFERENCES.get(name) in present else next(iter(present), None)
    return [
        (f"{name}: {level} vs {reference}", (there == level).to_numpy(float), True)
        for level in levels
        if level != reference and (level in present or not is_category)
    ]
