"""The columns that a regression makes of clinical variables."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from shd import Dataset, ShdError
from shd.dataset import is_numeric

from .tables import need_list
from .variables import variable

REFERENCES = {"sex": "Female", "gender": "Female", "race": "Caucasian", "age band": ">60"} | {
    "main diagnosis": "circulatory"
}
"""The level that others are compared with; of a variable that is not named here, its first level."""

UNKNOWN = "unknown"
_LEAST = 20  # records that a level needs to have a term
_OWN = 1e-6  # share of a term's variation that the other terms must leave unexplained
_NO_END = 15.0  # a log ratio, or its error, that no data of people have
_Z = float(norm.ppf(0.975))


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

    def frame(self, name: str, *more: str) -> pd.DataFrame:
        """Return an empty table of effects, one row a term, with reasons for those left out."""
        empty = dict.fromkeys((name, "low", "high", "p", *more), np.nan)
        return pd.DataFrame({"term": self.every, **empty, "why not": [self.absent.get(k, "") for k in self.every]})

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


def make_design(data: Dataset, terms: Sequence[str], y: np.ndarray, least: int = _LEAST) -> Design:
    """Lay terms out as columns: a number as it is, each level but the reference as 0 and 1.

    Records with a missing number or outcome are left out; a missing level is a level, ``unknown``. The records of a
    level with fewer than `least` are left out with it: they would else join the reference.
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
