"""What can be searched for? Small groups of synthetic records that agree in what a neighbour may know: k-anonymity.

A synthetic record is nobody, so that a small group of them is no disclosure: more of them than among real records
raise an alarm, and never give the all-clear (Sweeney 2002, *k-Anonymity: A Model for Protecting Privacy*,
doi 10.1142/S0218488502001648).
"""

import numpy as np
import pandas as pd

from shd.compare.core.chance import generator, sample_records
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, judge_excess
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

NO_COLUMN = "no column is sensitive, and none has 2 to 20 values"
_Z = 1.96
_SMALL = 5  # records, below which a group is a small one
_FEW_VALUES, _MOST_COLUMNS = 20, 4  # of quasi-identifiers, where no column is sensitive


def measure(sides: Sides) -> Answer:
    """Compare how many records stand in small groups with as many real ones."""
    columns = quasi_identifiers(sides)
    if not columns:
        return Answer(skipped=[Skipped("k-anonymity", NO_COLUMN)])
    n = len(sides.synthetic)
    real = sample_records(sides.train, n, generator(sides.random_state, "k-anonymity"))
    sizes = [np.bincount(groups_of(columns, table)[0]) for table in (sides.synthetic, sides.floor, real)]
    (value, error), (floor, _), (ceiling, other_error) = map(_in_small_groups, sizes)
    beyond, at_least = value - ceiling, value - ceiling - _Z * np.hypot(error, other_error)
    verdict = judge_excess(beyond, at_least, beyond, amber_to=np.inf, passed="grey")  # small groups alone are not red
    means = "hardly more than real ones" if verdict == "grey" else "more than real ones, and easier to search for"
    few = 0 < round(ceiling * len(real)) < _SMALL  # so few real people are not counted out
    ceiling, said = (_SMALL / len(real), f"fewer than {_SMALL}") if few else (ceiling, f"{ceiling:.2%}")
    own = sizes[0]
    sentence = (
        f"By {listing(columns)}, {own[own < _SMALL].sum():,} of {n:,} synthetic records are in groups of fewer "
        f"than {_SMALL} and {(own == 1).sum():,} are unique, the smallest group has {own.min():,}; of "
        f"{sides.word} records {said} are in such groups, of synthetic ones {value:.2%}: {means}."
    )
    ends = np.clip([value - _Z * error, value + _Z * error], 0, 1)
    return Answer([Score.of("k-anonymity: below 5", value, ends, (floor, ceiling), verdict=verdict, sentence=sentence)])


def quasi_identifiers(sides: Sides) -> list:
    """Return what a neighbour may know: the sensitive columns, else up to four that have few values."""
    few = [
        name
        for name, values in zip(sides.train.names, sides.train.values.T, strict=True)
        if name != sides.target and 2 <= len(np.unique(values)) <= _FEW_VALUES
    ]
    return list(sides.sensitive) or few[:_MOST_COLUMNS]


def _in_small_groups(size: np.ndarray) -> tuple[float, float]:
    """Return the share of records in small groups and its standard error: groups come and go as a whole."""
    small = size[size < _SMALL]
    return float(small.sum() / size.sum()), float(np.sqrt((small**2).sum()) / size.sum())


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
    words={
        "k-anonymity, k-map": (
            "How many records share the values that others may know of a person: among the synthetic records "
            "(k-anonymity), and among real people (k-map). 1: one alone."
        ),
    },
)
