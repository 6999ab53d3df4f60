"""Do rules between columns hold? What every record of train keeps, and how many synthetic ones break it.

Shares have the exact intervals of Clopper and Pearson (1934), doi 10.1093/biomet/26.4.404.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from shd.compare.core.chance import binomial_interval
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, beyond_chance
from shd.compare.core.sides import Sides
from shd.compare.core.tables import MISSING, Coded
from shd.dataset import as_frame
from shd.synthesizers.rules import Rule, check_columns, find_rules

_WHAT = "broken rules"
_ALPHA = 0.05 / 24  # of each end of an interval: a question has a dozen scores, and chance is judged for all at once
_GREEN_TO, _AMBER_TO = 0.01, 0.05  # share of records that break a rule, beyond what chance explains


def measure(sides: Sides) -> Answer:
    """Find the rules of train, and count who breaks them."""
    given = {"real reference" if role == "holdout" else role: table for role, table in sides.given.items()}
    frame, broken = _measured(sides.tables(), given, sides.rules)
    if frame.empty:
        return Answer(skipped=[Skipped(_WHAT, f"no rule between columns holds in all {sides.word} records")])
    kept = frame["kept"].to_numpy()
    answer = {"rules": frame.sort_values(["kept", "synthetic"], ascending=False, kind="stable", ignore_index=True)}
    if not kept.any():
        why = f"other {sides.word} records break every rule that holds in train"
        return Answer(tables=answer, skipped=[Skipped(_WHAT, why)])
    return Answer([_score(sides, frame, {name: rows[kept].any(axis=0) for name, rows in broken.items()})], answer)


def _measured(tables: dict[str, Coded], given: dict, own: Sequence[Rule]) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Return one row a rule, and which records of each table break it, bool, shape (n_rules, n)."""
    train = as_frame(given["train"])
    frames = {name: _frame_of(table, train) for name, table in tables.items()}
    found = find_rules(frames["train"], tables["train"].subjects)
    check_columns(own, list(train.columns))
    broken = {}
    for name, frame in frames.items():
        # a rule of the user's own reads the table as it came; the floor came from nowhere
        raw = as_frame(given[name]) if name in given else frame
        rows = [*(rule.broken(frame) for rule in found), *(rule.broken(raw) for rule in own)]
        broken[name] = np.array(rows, dtype=bool).reshape(-1, len(frame))
    rules = [*found, *own]
    table = pd.DataFrame({"rule": [r.words for r in rules], "kind": [r.kind for r in rules]}, dtype=object)
    table["people"] = [getattr(rule, "people", 0) or len(np.unique(tables["train"].subjects)) for rule in rules]
    for name, rows in broken.items():
        table[name] = rows.mean(axis=1)
    ends = [binomial_interval(int(rows.sum()), rows.size) for rows in broken["synthetic"]]
    table["low"], table["high"] = np.array(ends).reshape(-1, 2).T
    return table.assign(kept=_kept(table, broken, tables)), broken


def _kept(table: pd.DataFrame, broken: dict[str, np.ndarray], tables: dict[str, Coded]) -> np.ndarray:
    """Whether other real records keep a rule, too, as far as chance lets that be told from a few that break it."""
    kept = table["train"].to_numpy() == 0
    if "real reference" in broken:
        n_train, held = len(tables["train"]), broken["real reference"]
        # none of n_train broke it: up to 3 / n_train may in truth, and twice as many among those held out by chance
        allowed = 6 * max(1.0, held.shape[1] / n_train)
        kept &= held.sum(axis=1) <= allowed
    return kept


def _frame_of(table: Coded, train: pd.DataFrame) -> pd.DataFrame:
    """Return a coded table with the dtypes of train: numbers, dates, and categories with their order."""
    columns = {}
    for j, column in enumerate(table.columns):
        values, own = table.values[:, j], train[column.name]
        if column.date:
            columns[column.name] = pd.to_datetime(pd.Series(np.round(values * 86_400e6)), unit="us", utc=True)
        elif column.is_number:
            columns[column.name] = values
        else:
            missing = column.levels.index(MISSING) if MISSING in column.levels else -1
            codes = np.where(values == missing, -1, values).astype(int)
            known = [level for level in column.levels if level != MISSING]
            columns[column.name] = _category(codes, known, own)
    return pd.DataFrame(columns)


def _category(codes: np.ndarray, levels: list[str], own: pd.Series) -> pd.Categorical:
    ordered = isinstance(own.dtype, pd.CategoricalDtype) and own.cat.ordered
    if not ordered:
        return pd.Categorical.from_codes(codes, levels)
    whole = [str(level) for level in own.cat.categories]
    whole += [level for level in levels if level not in whole]
    code_in_order = np.array([*(whole.index(level) for level in levels), -1])
    return pd.Categorical.from_codes(code_in_order[codes], whole, ordered=True)


def _score(sides: Sides, frame: pd.DataFrame, broken: dict[str, np.ndarray]) -> Score:
    """Score the share of records that break at least one rule which other real records keep."""
    own = broken["synthetic"]
    value, floor = float(own.mean()), float(broken["floor"].mean())
    held = broken.get("real reference")
    ceiling = None if held is None else float(held.mean())
    kept = frame[frame["kept"]]
    worst = kept.loc[kept["synthetic"].idxmax()]
    other = "none in train" if ceiling is None else f"other {sides.word} records: {ceiling:.1%}"
    named = f"Broken most: {worst['rule']}, by {worst['synthetic']:.1%}."
    if not worst["synthetic"] > 0:
        named = f"One of them: {worst['rule']}."
    ends = binomial_interval(int(own.sum()), own.size)
    rule = _verdict(own, broken["train"] if held is None else held)
    sentence = (
        f"Of {len(kept)} rules that every {sides.word} record keeps, {value:.1%} of the synthetic records break at "
        f"least one ({other}, independent columns: {floor:.1%}). {named}"
    )
    return Score.of(_WHAT, value, ends, (floor, ceiling), verdict=rule, sentence=sentence)


def _verdict(own: np.ndarray, reference: np.ndarray) -> str:
    """Green: no more than other real records, as far as can be told, or one in a hundred. Red: more than one in 20."""
    low, _ = binomial_interval(int(own.sum()), own.size, _ALPHA)
    _, most = binomial_interval(int(reference.sum()), reference.size, _ALPHA)
    return beyond_chance(own.mean() - reference.mean(), low - most, _GREEN_TO, _AMBER_TO, red_from=0.0)


QUESTION = Question(
    name="rules between columns",
    chapter="fidelity",
    measure=measure,
    show="chapters.fidelity:rules",
    weight=2,
    tables=("rules",),
    readme=("broken rules",),
    words={
        "broken rules": (
            "Rules between columns that every record of train keeps (a before b, a sum, one column fixed by "
            "another, never both, missing exactly when), each too unlikely by chance. The share of records that "
            "break at least one, of those that records held out keep, too."
        ),
    },
)
