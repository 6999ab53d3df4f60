"""Faults planted in a fresh sample, each in the question that has to see it."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.ensemble import IsolationForest

from shd.dataset import Dataset, is_numeric

Triple = tuple[Dataset, Dataset, Dataset]
_NOISE = 0.02  # standard deviations of a column: small noise


@dataclass(frozen=True)
class Fault:
    """One fault: its name, the question that has to see it, and what plants it in a triple."""

    name: str
    question: str
    plant: Callable[[Triple, np.random.Generator], Triple]


def _with(triple: Triple, **columns: list) -> Triple:
    """Give all three tables more columns; text becomes categories with the same levels."""
    new = []
    for k, data in enumerate(triple):
        frame = data.frame.assign(**{name: values[k] for name, values in columns.items()})
        for name, values in columns.items():
            if values[k].dtype.kind in "UO":
                levels = sorted(set(np.concatenate([v[~pd.isna(v)] for v in values])))
                frame[name] = pd.Categorical(frame[name], levels)
        new.append(replace(data, frame=frame))
    return tuple(new)


def _made(triple: Triple, frame: pd.DataFrame) -> Triple:
    return triple[0], replace(triple[1], frame=frame), triple[2]


def _grouped(triple: Triple, column: str) -> Triple:
    """Declare a column sensitive where people are real."""
    train, made, holdout = triple
    declared = (*train.sensitive, column)
    return replace(train, sensitive=declared), made, replace(holdout, sensitive=declared)


def _put(triple: Triple, records: pd.DataFrame, rng: np.random.Generator) -> Triple:
    """Put records in the place of random synthetic ones."""
    made = triple[1].frame
    stay = made.iloc[rng.permutation(len(made))[len(records) :]]
    return _made(triple, pd.concat([stay, records], ignore_index=True).astype(made.dtypes))


def _some(table: Dataset, share: float, rng: np.random.Generator) -> pd.DataFrame:
    return table.frame.iloc[rng.choice(len(table), round(share * len(table)), replace=False)].reset_index(drop=True)


def _copies(triple: Triple, rng: np.random.Generator) -> Triple:
    return _put(triple, _some(triple[0], 0.01, rng), rng)


def _one_cell(records: pd.DataFrame, pool: pd.DataFrame, rng: np.random.Generator, but: str = "") -> pd.DataFrame:
    """Change one cell of each record to what another record has there."""
    records, columns = records.copy(), [c for c in records if c != but]
    chosen = rng.integers(0, len(columns), len(records))
    for k, column in enumerate(columns):
        rows = np.flatnonzero(chosen == k)
        others = pool[column].dropna().to_numpy(dtype=object)
        for row in rows:
            there = records[column].iat[row]
            different = others[others != there]
            if len(different):
                records.isetitem(records.columns.get_loc(column), _set(records[column], row, rng.choice(different)))
    return records


def _set(values: pd.Series, row: int, value: object) -> pd.Series:
    values = values.copy()
    values.iat[row] = value
    return values


def _changed_copies(triple: Triple, rng: np.random.Generator) -> Triple:
    return _put(triple, _one_cell(_some(triple[0], 0.02, rng), triple[0].frame, rng), rng)


def _noisy_copies(triple: Triple, rng: np.random.Generator) -> Triple:
    """Copy records with noise on every number that stays on the grid of whole numbers where it was."""
    records = _some(triple[0], 0.02, rng)
    for column in records.select_dtypes("number"):
        known = triple[0].frame[column]
        noise = rng.normal(0, _NOISE * float(known.std()), len(records))
        whole = (known.dropna() % 1 == 0).all()
        moved = records[column] + (noise.round() if whole else noise)
        records[column] = moved.clip(known.min(), known.max()).astype(records[column].dtype)
    return _put(triple, records, rng)


def _outliers(triple: Triple, rng: np.random.Generator) -> Triple:
    frame = triple[0].frame
    coded = pd.DataFrame({c: frame[c] if is_numeric(frame[c]) else pd.factorize(frame[c])[0] for c in frame})
    coded = coded.apply(lambda values: values.fillna(values.median()))
    odd = IsolationForest(random_state=int(rng.integers(1 << 30))).fit(coded).score_samples(coded)
    return _put(triple, frame.iloc[np.argsort(odd)[: round(0.02 * len(frame))]], rng)


def _rare_trait(triple: Triple, rng: np.random.Generator) -> Triple:
    """Plant a sensitive trait of 2 % that follows from nothing: who has it is copied, one other cell changed."""
    traits = [np.where(rng.random(len(data)) < 0.02, "yes", "no") for data in triple]
    triple = _grouped(_with(triple, trait=traits), "trait")
    train = triple[0].frame
    return _put(triple, _one_cell(train[train["trait"] == "yes"].reset_index(drop=True), train, rng, "trait"), rng)


def _pair(triple: Triple, rng: np.random.Generator) -> Triple:
    left = [rng.normal(100, 15, len(data)).round(1) for data in triple]
    right = [(values * 0.5 + rng.normal(0, 4, len(values))).round(1) for values in left]
    right[1] = rng.permutation(right[1])
    return _with(triple, left=left, right=right)


def _missing(triple: Triple, rng: np.random.Generator) -> Triple:
    """Let what is missing follow from another column, but for the synthetic records."""
    driver = [rng.normal(50, 10, len(data)).round(1) for data in triple]
    result = []
    for k, values in enumerate(driver):
        gone = rng.random(len(values)) < np.where(values > np.quantile(values, 0.7), 0.8, 0.05)
        gone = rng.permutation(gone) if k == 1 else gone
        result.append(np.where(gone, np.nan, rng.normal(5, 1, len(values)).round(2)))
    return _with(triple, driver=driver, result=result)


def _unlinked(triple: Triple, rng: np.random.Generator) -> Triple:
    """Shuffle every column within a group of 25 %."""
    triple = _group(triple, 0.25, rng)
    frame = triple[1].frame.copy()
    rows = np.flatnonzero(frame["group"] == "b")
    for column in frame.columns.drop("group"):
        frame.isetitem(frame.columns.get_loc(column), _shuffled(frame[column], rows, rng))
    return _made(triple, frame)


def _shuffled(values: pd.Series, rows: np.ndarray, rng: np.random.Generator) -> pd.Series:
    order = np.arange(len(values))
    order[rows] = rng.permutation(rows)
    return values.iloc[order].reset_index(drop=True)


def _group(triple: Triple, share: float, rng: np.random.Generator) -> Triple:
    return _grouped(_with(triple, group=[np.where(rng.random(len(d)) < share, "b", "a") for d in triple]), "group")


def _noise(triple: Triple, rng: np.random.Generator) -> Triple:
    """Give a group of 4.5 % any value that there is, rare ones as often as common ones, one column at a time."""
    triple = _group(triple, 0.045, rng)
    frame = triple[1].frame.copy()
    rows = np.flatnonzero(frame["group"] == "b")
    for column in frame.columns.drop("group"):
        anything = rng.choice(frame[column].dropna().unique().astype(object), len(rows))
        values = frame[column].astype(object)
        values.iloc[rows] = anything
        frame[column] = values.astype(frame[column].dtype)
    return _made(triple, frame)


def _flipped(triple: Triple, rng: np.random.Generator) -> Triple:
    """Give 5 % of the records a label that is not theirs; a number is mirrored."""
    target, frame = triple[0].target, triple[1].frame.copy()
    rows, values = rng.random(len(frame)) < 0.05, frame[target]
    if is_numeric(values):
        mirrored = np.sort(values)[::-1][rankdata(values, method="ordinal") - 1]
        return _made(triple, frame.assign(**{target: np.where(rows, mirrored, values)}))
    levels = triple[0].frame[target].dropna().unique().astype(object)
    other = [rng.choice(levels[levels != here]) if row else here for here, row in zip(values, rows, strict=True)]
    return _made(triple, frame.assign(**{target: pd.Categorical(other, sorted(levels))}))


def _order(triple: Triple, rng: np.random.Generator) -> Triple:
    """Let people leave before they came, in a third of the synthetic records."""
    came, left = [], []
    for k, data in enumerate(triple):
        day = rng.integers(0, 700, len(data))
        gone = day + rng.geometric(0.2, len(data))
        if k == 1:
            wrong = rng.random(len(data)) < 1 / 3
            gone = np.where(wrong, day - rng.geometric(0.2, len(data)), gone)
        came.append(np.datetime64("2020-01-01") + day.astype("timedelta64[D]"))
        left.append(np.datetime64("2020-01-01") + gone.astype("timedelta64[D]"))
    return _with(triple, came=came, left=left)


FAULTS = (
    Fault("1 % of train copied", "privacy", _copies),
    Fault("2 % copied, one cell changed", "privacy", _changed_copies),
    Fault("2 % copied with small noise", "privacy", _noisy_copies),
    Fault("2 % copied, outliers", "privacy", _outliers),
    Fault("people with a rare trait copied, one cell changed", "privacy", _rare_trait),
    Fault("one pair of columns destroyed", "fidelity", _pair),
    Fault("missing at random in one column", "fidelity", _missing),
    Fault("a third leave before they came", "fidelity", _order),
    Fault("5 % of labels flipped", "utility", _flipped),
    Fault("a group of 25 % without links", "fairness", _unlinked),
    Fault("a group of 4.5 % is noise", "fairness", _noise),
)
"""A new fault is one function and one line here."""
