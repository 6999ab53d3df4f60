"""What can be searched for? Groups of records that agree in what a neighbour may know: k-anonymity and k-map.

A synthetic record is nobody, so that a small group of them is no disclosure. It becomes one where
its combination of values is also that of one person learned from, more often than of one held out. Small groups alone
may raise an alarm, and never give the all-clear.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.compare.core.attacks import FEWEST, REPLICATES, all_of, count_people, judge_excess, obstacle, some
from shd.compare.core.chance import bootstrap_weights, deal, generator, interval
from shd.compare.core.score import Answer, Inputs, Score, Skipped
from shd.compare.core.tables import Coded, align
from shd.dataset import Dataset

_Z = 1.96
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
    group = _groups(_check_columns(columns, table), table)[0]
    size = np.bincount(group)[group]
    return {
        "smallest group": int(size.min()), "below 5": int((size < _SMALL).sum()), "unique": int((size == 1).sum())
    }  # fmt: skip


def k_map(
    synthetic: Dataset | pd.DataFrame | Coded, real: Dataset | pd.DataFrame | Coded, columns: Sequence
) -> np.ndarray:
    """Return how many real people share each combination of values that one synthetic record alone has.

    Parameters
    ----------
    synthetic, real : Dataset or DataFrame
    columns : sequence
        The quasi-identifiers; see `k_anonymity`.

    Returns
    -------
    ndarray of int, shape (n_combinations,)
        0: nobody; 1: the synthetic record is like one person only.

    Raises
    ------
    ShdError
        Where no column is named, or one is not there.

    References
    ----------
    El Emam, Dankar (2008), *Protecting Privacy Using k-Anonymity*, doi 10.1197/jamia.M2716.
    """
    (real, synthetic), _ = align(real, synthetic, names=["real", "synthetic"])
    return _shared_by(synthetic, [real], _check_columns(columns, real))[0]


def measure(inputs: Inputs) -> Answer:
    """Score k-anonymity, and k-map where enough combinations occur once and there is a holdout."""
    columns = _quasi_identifiers(inputs)
    if not columns:
        why = f"no column is sensitive, and none has 2 to {_FEW_VALUES} values"
        return Answer(skipped=[Skipped("k-anonymity and k-map", why)])
    scores, why = [_anonymity(inputs, columns)], obstacle(inputs)
    if why is not None:
        return Answer(scores, skipped=[Skipped("k-map", why)])
    rng = generator(inputs.random_state, "k-map")
    half = deal(inputs.holdout.subjects, 2, rng) == 0
    settings = {
        "synthetic": (inputs.synthetic, inputs.holdout),
        "floor": (inputs.floor, inputs.holdout),
        "ceiling": (inputs.holdout.take(half), inputs.holdout.take(~half)),
    }
    found = {}
    for name, (release, others) in settings.items():
        people = min(count_people(inputs.train), count_people(others))
        found[name] = _shared_by(release, [all_of(table, people, rng) for table in (inputs.train, others)], columns)
    tried = len(found["synthetic"][0])
    if tried < FEWEST:
        why = f"only {tried} combinations of {_listing(columns)} occur in one synthetic record alone"
        return Answer(scores, skipped=[Skipped("k-map", why)])
    frame = pd.DataFrame(
        [(label, *(int(((k >= low) & (k <= high)).sum()) for k in found["synthetic"])) for label, low, high in _HELD],
        columns=["people", "in train", "in holdout"],
    )
    return Answer([*scores, _map(inputs, columns, found, rng)], {"k-map": frame})


def _quasi_identifiers(inputs: Inputs) -> list:
    """Return what a neighbour may know: the sensitive columns, else up to four that have few values."""
    few = [
        name
        for name, values in zip(inputs.train.names, inputs.train.values.T, strict=True)
        if name != inputs.target and 2 <= len(np.unique(values)) <= _FEW_VALUES
    ]
    return list(inputs.sensitive) or few[:_MOST_COLUMNS]


def _anonymity(inputs: Inputs, columns: list) -> Score:
    """Compare how many records stand in small groups with as many real ones; small groups alone are no alarm."""
    n = len(inputs.synthetic)
    real = some(inputs.train, n, generator(inputs.random_state, "k-anonymity"))
    (value, error), (floor, _), (ceiling, other_error) = (
        _in_small_groups(table, columns) for table in (inputs.synthetic, inputs.floor, real)
    )
    found, beyond = k_anonymity(inputs.synthetic, columns), value - ceiling
    at_least = beyond - _Z * np.hypot(error, other_error)
    verdict = "grey" if judge_excess(beyond, at_least, beyond) in ("green", "grey") else "amber"
    means = "hardly more than real ones" if verdict == "grey" else "more than real ones, and easier to search for"
    few = 0 < round(ceiling * len(real)) < _SMALL  # so few real people are not counted out
    ceiling, said = (_SMALL / len(real), f"fewer than {_SMALL}") if few else (ceiling, f"{ceiling:.2%}")
    sentence = (
        f"By {_listing(columns)}, {found['below 5']:,} of {n:,} synthetic records are in groups of fewer than "
        f"{_SMALL} and {found['unique']:,} are unique, the smallest group has {found['smallest group']:,}; of "
        f"{inputs.word} records {said} are in such groups, of synthetic ones {value:.2%}: {means}."
    )
    low, high = max(value - _Z * error, 0.0), min(value + _Z * error, 1.0)
    return Score("privacy", "k-anonymity: below 5", value, low, high, floor, ceiling, verdict, "lower", sentence)


def _in_small_groups(table: Coded, columns: list) -> tuple[float, float]:
    """Return the share of records in small groups and its standard error: groups come and go as a whole."""
    size = np.bincount(_groups(columns, table)[0])
    small = size[size < _SMALL]
    return float(small.sum() / len(table)), float(np.sqrt((small**2).sum()) / len(table))


def _map(inputs: Inputs, columns: list, found: dict, rng: np.random.Generator) -> Score:
    """Compare how often a unique synthetic combination is that of one person of train, and of the holdout."""
    in_train, in_holdout = (side == 1 for side in found["synthetic"])
    value = float(in_train.mean() - in_holdout.mean())
    gap = bootstrap_weights(len(in_train), REPLICATES, rng) @ (in_train * 1.0 - in_holdout) / len(in_train)
    low, high = (float(bound) for bound in interval(value, gap, -1, 1))
    floor, ceiling = (
        float((a == 1).mean() - (b == 1).mean()) if len(a) else None for a, b in (found["floor"], found["ceiling"])
    )
    verdict = judge_excess(value, low, high)
    other = "" if ceiling is None else f"; with other {inputs.word} records as the release {100 * ceiling:+.1f}"
    sentence = (
        f"Of {len(in_train):,} combinations of {_listing(columns)} that one synthetic record alone has, "
        f"{in_train.mean():.1%} are those of exactly one person learned from, and {in_holdout.mean():.1%} of exactly "
        f"one of as many held out, {100 * value:+.1f} points{other}: {_MEANS[verdict]}."
    )
    return Score("privacy", "k-map: one person", value, low, high, floor, ceiling, verdict, "lower", sentence)


def _check_columns(columns: Sequence, table: Coded) -> list:
    columns = [columns] if isinstance(columns, str) else list(columns)
    unknown = [column for column in columns if column not in table.names]
    if unknown or not columns:
        what = f"column {unknown[0]!r} is not in the table" if unknown else "no column was named"
        raise ShdError(f"quasi-identifiers: {what}; name some of {table.names[:6]}.")
    return columns


def _groups(columns: list, *tables: Coded) -> list[np.ndarray]:
    """Return the number of the group of each record: those that agree in the columns are in one; (n,) a table."""
    pooled = pd.concat([pd.DataFrame({c: t.values[:, t.names.index(c)] for c in columns}) for t in tables])
    group = pooled.groupby(columns, dropna=False, sort=False).ngroup().to_numpy()
    return np.split(group, np.cumsum([len(table) for table in tables])[:-1])


def _shared_by(synthetic: Coded, crowds: list[Coded], columns: list) -> list[np.ndarray]:
    """Return by how many people of each crowd the unique combinations are shared, shape (n_combinations,)."""
    own, *others = _groups(columns, synthetic, *crowds)
    once = np.flatnonzero(np.bincount(own) == 1)
    found = []
    for group, crowd in zip(others, crowds, strict=True):
        pairs = np.unique(np.column_stack([group, crowd.subjects]), axis=0)
        found.append(np.bincount(pairs[:, 0], minlength=own.max() + 1)[once])
    return found


def _listing(columns: list) -> str:
    *first, last = map(str, columns)
    return f"{', '.join(first)} and {last}" if first else last
