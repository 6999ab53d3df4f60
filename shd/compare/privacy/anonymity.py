"""What can be searched for? Groups of records that agree in what a neighbour may know: k-anonymity and k-map.

A synthetic record is nobody, so that a small group of them is no disclosure. It becomes one where
its combination of values is also that of one person learned from, more often than of one held out. Small groups alone
may raise an alarm, and never give the all-clear.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.compare.core.attacks import judge_excess, some
from shd.compare.core.chance import generator
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, align
from shd.dataset import Dataset

_Z = 1.96
NO_COLUMN = "no column is sensitive, and none has 2 to 20 values"
_SMALL = 5  # records, below which a group is a small one
_FEW_VALUES, _MOST_COLUMNS = 20, 4  # of quasi-identifiers, where no column is sensitive
_HELD = (("nobody", 0, 0), ("1", 1, 1), ("2 to 4", 2, 4), ("5 or more", 5, np.inf))
_MEANS = {
    "grey": "so few cannot show more",
    "green": "hardly more than luck, so single people cannot be searched for this way",
    "amber": "a little more than luck, so some people may be found",
    "red": "more than luck, so people can be found",
}


def k_anonymity(table: Dataset | pd.DataFrame | Coded, columns: Sequence) -> dict[str, int]:
    """Count in what groups records stand that agree in some columns, the quasi-identifiers.

    Parameters
    ----------
    table : Dataset or DataFrame
    columns : sequence
        What somebody may know of a person: one column or more.

    Returns
    -------
    dict of str to int
        ``smallest group``, how many records are ``below 5`` (in groups of fewer than five), and how
        many are ``unique``.

    Raises
    ------
    ShdError
        Where no column is named, or one is not there.

    References
    ----------
    Sweeney (2002), *k-Anonymity: A Model for Protecting Privacy*, doi 10.1142/S0218488502001648.
    """
    (table,), _ = align(table, names=["table"])
    group = groups_of(check_columns(columns, table), table)[0]
    size = np.bincount(group)[group]
    return {
        "smallest group": int(size.min()), "below 5": int((size < _SMALL).sum()), "unique": int((size == 1).sum())
    }  # fmt: skip


def measure(sides: Sides) -> Answer:
    """Compare how many records stand in small groups with as many real ones; small groups alone are no alarm."""
    columns = quasi_identifiers(sides)
    if not columns:
        return Answer(skipped=[Skipped("k-anonymity", NO_COLUMN)])
    n = len(sides.synthetic)
    real = some(sides.train, n, generator(sides.random_state, "k-anonymity"))
    (value, error), (floor, _), (ceiling, other_error) = (
        _in_smallgroups_of(table, columns) for table in (sides.synthetic, sides.floor, real)
    )
    found, beyond = k_anonymity(sides.synthetic, columns), value - ceiling
    at_least = beyond - _Z * np.hypot(error, other_error)
    verdict = "grey" if judge_excess(beyond, at_least, beyond) in ("green", "grey") else "amber"
    means = "hardly more than real ones" if verdict == "grey" else "more than real ones, and easier to search for"
    few = 0 < round(ceiling * len(real)) < _SMALL  # so few real people are not counted out
    ceiling, said = (_SMALL / len(real), f"fewer than {_SMALL}") if few else (ceiling, f"{ceiling:.2%}")
    sentence = (
        f"By {listing(columns)}, {found['below 5']:,} of {n:,} synthetic records are in groups of fewer than "
        f"{_SMALL} and {found['unique']:,} are unique, the smallest group has {found['smallest group']:,}; of "
        f"{sides.word} records {said} are in such groups, of synthetic ones {value:.2%}: {means}."
    )
    low, high = max(value - _Z * error, 0.0), min(value + _Z * error, 1.0)
    return Answer(
        [Score("privacy", "k-anonymity: below 5", value, low, high, floor, ceiling, verdict, "lower", sentence)]
    )


def quasi_identifiers(sides: Sides) -> list:
    """Return what a neighbour may know: the sensitive columns, else up to four that have few values."""
    few = [
        name
        for name, values in zip(sides.train.names, sides.train.values.T, strict=True)
        if name != sides.target and 2 <= len(np.unique(values)) <= _FEW_VALUES
    ]
    return list(sides.sensitive) or few[:_MOST_COLUMNS]


def _in_smallgroups_of(table: Coded, columns: list) -> tuple[float, float]:
    """Return the share of records in small groups and its standard error: groups come and go as a whole."""
    size = np.bincount(groups_of(columns, table)[0])
    small = size[size < _SMALL]
    return float(small.sum() / len(table)), float(np.sqrt((small**2).sum()) / len(table))


def check_columns(columns: Sequence, table: Coded) -> list:
    """Return quasi-identifiers as a list, and refuse those that are not there."""
    columns = [columns] if isinstance(columns, str) else list(columns)
    unknown = [column for column in columns if column not in table.names]
    if unknown or not columns:
        what = f"column {unknown[0]!r} is not in the table" if unknown else "no column was named"
        raise ShdError(f"quasi-identifiers: {what}; name some of {table.names[:6]}.")
    return columns


def groups_of(columns: list, *tables: Coded) -> list[np.ndarray]:
    """Return the number of the group of each record: those that agree in the columns are in one; (n,) a table."""
    pooled = pd.concat([pd.DataFrame({c: t.values[:, t.names.index(c)] for c in columns}) for t in tables])
    group = pooled.groupby(columns, dropna=False, sort=False).ngroup().to_numpy()
    return np.split(group, np.cumsum([len(table) for table in tables])[:-1])


def listing(columns: list) -> str:
    """Write columns as a list."""
    *first, last = map(str, columns)
    return f"{', '.join(first)} and {last}" if first else last


QUESTION = Question(
    name="k-anonymity",
    chapter="privacy",
    measure=measure,
    weight=1,
    words={
        "k-anonymity, k-map": (
            "How many records share the values that others may know of a person: among the synthetic records "
            "(k-anonymity), and among real people (k-map). 1: one alone."
        ),
    },
)
