"""The bars of each column that a report draws, and what of them is handed on."""

import numpy as np
import pandas as pd

from shd.compare.core.sides import Sides
from shd.compare.core.tables import MISSING, Column

_BARS, _LEVELS_SHOWN = 30, 10
_SHARES = ("real", "synthetic", "holdout")
_RARE_LEVELS = "(rare levels)"


def distributions(sides: Sides) -> pd.DataFrame:
    """Return the shares to draw, one row a column and bar: its level, or the edges of its numbers (dates: days)."""
    tables = dict(zip(_SHARES, (sides.train, sides.synthetic, sides.holdout), strict=True))
    tables = {name: table for name, table in tables.items() if table is not None}
    parts = []
    for j, column in enumerate(sides.train.columns):
        values = {name: table.values[:, j] for name, table in tables.items()}
        part = (_number_bars if column.is_number else _level_bars)(values, column, sides.train.subjects)
        part.insert(0, "column", pd.Series([column.name] * len(part), dtype=object))
        part["date"] = column.date
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _level_bars(values: dict[str, np.ndarray], column: Column, subjects: np.ndarray) -> pd.DataFrame:
    n = len(column.levels)
    shares = {name: np.bincount(codes.astype(int), minlength=n) / len(codes) for name, codes in values.items()}
    common = np.sort(np.argsort(column.rank, kind="stable")[:_LEVELS_SHOWN])
    frame = pd.DataFrame({"label": [column.levels[i] for i in common], "left": np.nan, "right": np.nan})
    for name, share in shares.items():
        frame[name] = share[common]
    bar = np.full(n, len(common))
    bar[common] = np.arange(len(common))
    people = _people(bar[values["real"].astype(int)], subjects, len(common) + 1)
    frame["people"] = people[:-1]
    if n > _LEVELS_SHOWN:
        rest = {name: 1 - share[common].sum() for name, share in shares.items()}
        label = f"({n - _LEVELS_SHOWN} other levels)"
        frame.loc[len(frame)] = {"label": label, "left": np.nan, "right": np.nan, **rest, "people": people[-1]}
    return frame


def _number_bars(values: dict[str, np.ndarray], column: Column, subjects: np.ndarray) -> pd.DataFrame:
    is_known = ~np.isnan(values["real"])
    known = values["real"][is_known] if is_known.any() else np.zeros(1)
    unique = np.unique(known)
    if len(unique) <= _BARS:  # every number gets a bar of its own
        step = np.diff(unique).min() if len(unique) > 1 else 1.0
        edges = np.append(unique - step / 2, unique[-1] + step / 2)
    else:
        edges = np.linspace(*np.quantile(known, [0.005, 0.995]), _BARS + 1)
        edges = edges if edges[-1] > edges[0] else np.array([unique[0], unique[-1]])
    frame = pd.DataFrame({"label": "", "left": edges[:-1], "right": edges[1:]})
    for name, numbers in values.items():
        inside = np.clip(numbers[~np.isnan(numbers)], edges[0], edges[-1])  # the tails stand in the outer bars
        frame[name] = np.histogram(inside, edges)[0] / len(numbers)
    bar = np.clip(np.searchsorted(edges, values["real"], "right") - 1, 0, len(frame) - 1)
    bar[~is_known] = len(frame)
    people = _people(bar, subjects, len(frame) + 1)
    frame["people"] = people[:-1]
    if any(np.isnan(v).any() for v in values.values()):
        missing = {name: np.isnan(v).mean() for name, v in values.items()}
        frame.loc[len(frame)] = {"label": MISSING, "left": np.nan, "right": np.nan, **missing, "people": people[-1]}
    return frame


def _people(bar: np.ndarray, subjects: np.ndarray, n: int) -> np.ndarray:
    """Count the people of train in each of n bars."""
    pairs = pd.DataFrame({"bar": bar, "person": subjects}).drop_duplicates()
    return np.bincount(pairs["bar"], minlength=n)


def without_rare(bars: pd.DataFrame, fewest: int) -> pd.DataFrame:
    """Return the bars without what fewer than so many people of train have: it may name or betray them.

    Rare levels are put together. An outer bar of numbers joins its neighbour, as the tails did: it would else tell
    the smallest or the largest number of all.
    """
    shares = [name for name in _SHARES if name in bars]
    parts = []
    for _, own in bars.groupby("column", sort=False, dropna=False):
        levels = own["left"].isna().to_numpy()
        parts += [_fold_ends(own[~levels], fewest, shares), _fold_levels(own[levels], fewest, shares)]
    return pd.concat(parts, ignore_index=True)


def _fold_levels(own: pd.DataFrame, fewest: int, shares: list[str]) -> pd.DataFrame:
    # what nobody real has was made up, and names nobody
    somebody = (own[[name for name in shares if name != "synthetic"]] > 0).any(axis=1)
    rare = somebody & (own["people"] < fewest) & (own["label"] != MISSING)
    if not rare.any():
        return own
    folded = own[rare].tail(1).assign(label=_RARE_LEVELS)
    folded[[*shares, "people"]] = own.loc[rare, [*shares, "people"]].sum().to_numpy()
    return pd.concat([own[~rare], folded])


def _fold_ends(own: pd.DataFrame, fewest: int, shares: list[str]) -> pd.DataFrame:
    if not len(own):
        return own
    people = own["people"].to_numpy()
    # at least so many stand in the bar or beyond it, on both sides; in the smallest tables one bar holds all
    first = min(int((np.cumsum(people) < fewest).sum()), len(own) - 1)
    last = max(len(own) - 1 - int((np.cumsum(people[::-1]) < fewest).sum()), first)
    kept, counted = own.iloc[first : last + 1].copy(), [*shares, "people"]
    for at, outside in ((0, own.iloc[:first]), (-1, own.iloc[last + 1 :])):
        kept.iloc[at, kept.columns.get_indexer(counted)] += outside[counted].sum().to_numpy()
    if last < len(own) - 1:  # where numbers have a bar each, it reaches to the next number, which is left out
        width = (own["right"] - own["left"]).min()
        kept.iloc[-1, kept.columns.get_loc("right")] = kept["left"].iloc[-1] + width
    return kept
