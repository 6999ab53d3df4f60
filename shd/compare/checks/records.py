"""Checks of the records themselves: seeds, sizes, leaks, modes, copies."""

from itertools import pairwise

import numpy as np
import pandas as pd

from shd.compare.core.attacks import levels_of, row_keys
from shd.compare.core.chance import binomial_interval, deal, generator, sample_records
from shd.compare.core.models import auroc
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.dataset import Dataset, role_of

_FEW_RECORDS, _FEW_PEOPLE = 200, 20
_MOST, _BANDS = 10_000, 20
_TOLD, _SURELY_TOLD = 0.99, 0.9  # AUROC of one column alone; and the lower bound of a share that is 1 in as many people
_RARE = 10  # records of a level, below which nothing is said about it
_COMMON, _EXPECTED, _LEFT = 0.01, 20, 0.1  # share in train, records expected, share of those that have to be there
_SAME, _ABOVE = 0.5, 0.25  # share of synthetic records that are real ones, and how far above chance
_NAMED = 3
_FEWEST_NUMBERS, _NEARLY_ALL = 100, 0.9  # entries of a column, and the share of them that differ, for it to be an id
_NEIGHBOURS = 8  # pairs of numbers that follow each other


def unseeded(sides: Sides) -> list[str]:
    """SHD005: a synthesizer without a seed."""
    if sides.synthesizer is None or sides.synthesizer.get_params().get("random_state", 0) is not None:
        return []
    return [f"{type(sides.synthesizer).__name__} has random_state=None: nobody can make the same rows again."]


def too_few(sides: Sides) -> list[str]:
    """SHD006: tables of few records, or pictures of few people."""
    said = []
    for role, data in sides.given.items():
        if sides.is_of_images:
            people = len(np.unique(data.subjects))
            if role != "synthetic" and people < _FEW_PEOPLE:
                said.append(
                    f"{role} shows {people:,} people; with fewer than {_FEW_PEOPLE}, TSTR, membership inference and "
                    "the distances of pictures cannot tell good from bad."
                )
        elif len(data) < _FEW_RECORDS:
            said.append(
                f"{role} has {len(data):,} records; with fewer than {_FEW_RECORDS}, C2ST, TSTR and the attacks on "
                "privacy cannot tell good from bad."
            )
    return said


def leaking(sides: Sides) -> list[str]:
    """SHD007: one column alone that predicts the target of train almost without fault."""
    if sides.target is None or len(sides.train) < 4 * _RARE:
        return []
    rng = generator(sides.random_state, "leaks")
    records = sample_records(sides.train, _MOST, rng)
    half = deal(records.subjects, 2, rng) == 0  # who is on both sides is known again by a rare entry
    target = records.values[:, records.names.index(sides.target)]
    level, count = np.unique(target, return_counts=True)
    is_number = records.columns[records.names.index(sides.target)].is_number
    if is_number and len(level) > _BANDS:  # its upper half
        target, level, count = (target > np.nanmedian(target)).astype(float), np.array([1.0]), np.array([len(target)])
    said = []
    for name, codes in zip(records.names, _banded(records), strict=True):
        if name == sides.target:
            continue
        outcomes = [target == one for one in level[(count >= _RARE) | (len(level) == 1)]]
        told = max((_told(codes, outcome, half, records.subjects) for outcome in outcomes), default=0.0)
        if told >= _TOLD:
            said.append(f"{name} alone predicts {sides.target} with an AUROC of {told:.3f}.")
    return said


def _banded(table: Coded) -> list[np.ndarray]:
    """Codes of every column, numbers cut into twenty bands; int, missing last."""
    codes = []
    for values, column in zip(table.values.T, table.columns, strict=True):
        if column.is_number:
            known = values[~np.isnan(values)]
            edges = np.unique(np.quantile(known, np.linspace(0, 1, _BANDS + 1)[1:-1])) if len(known) else np.zeros(1)
            values = levels_of(values, edges)
        codes.append(values.astype(int))
    return codes


def _told(codes: np.ndarray, outcome: np.ndarray, half: np.ndarray, subjects: np.ndarray) -> float:
    """AUROC of the share of the outcome in each band, learned from one half of the people and tested on the other.

    The mean of both ways; 0 where so few people have the rarer outcome that chance may have made it.
    """
    people = min(len(np.unique(subjects[outcome == side])) for side in (True, False))
    if not people or binomial_interval(people, people)[0] < _SURELY_TOLD:
        return 0.0
    n, found = int(codes.max()) + 1, []
    for learn in (half, ~half):
        share = np.bincount(codes[learn], outcome[learn], n) + outcome[learn].mean()
        share /= np.bincount(codes[learn], minlength=n) + 1
        found.append(float(auroc(outcome[~learn], share[codes[~learn]])[0]))
    return float(np.mean(found)) if np.isfinite(found).all() else 0.0


def vanished(sides: Sides) -> list[str]:
    """SHD009: levels or bands of train that hardly ever come up among the synthetic records."""
    if sides.is_of_images:
        return _vanished_classes(sides)
    train, made = sides.train, sides.synthetic
    gone = []
    for j, column in enumerate(train.columns):
        labels, codes = (_banded_by_share if column.is_number else _by_level)(train, made, j)
        least = 0.0 if column.name == sides.target else _COMMON  # a class of the target may be rare
        for k, label in enumerate(labels):
            was, there = (float((of == k).mean()) for of in codes)
            if was >= least and there < _LEFT * _at_least(codes[0] == k, train, made):
                gone.append((was, there, column.name, label))
    if not gone:
        return []
    gone.sort(key=lambda one: -one[0])
    named = "; ".join(
        f"{name} = {label} ({there:.1%}, should be {was:.1%})" for was, there, name, label in gone[:_NAMED]
    )
    more = f", and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
    return [f"hardly a synthetic record has {named}{more}."]


def _at_least(there: np.ndarray, train: Coded, made: Coded) -> float:
    """Share of records that have something, less three standard errors; 0 where too few are to be expected.

    Records of one person come together: what counts is how many people have it, on both sides.
    """
    ids, of_record = np.unique(train.subjects, return_inverse=True)
    each, share = np.bincount(of_record, there - there.mean()), there.mean()
    error = np.sqrt((each**2).sum()) / len(there)
    together = max(error**2 * len(there) / max(share * (1 - share), 1e-12), 1.0)  # design effect
    low = share - 3 * error
    people = len(made) / together if len(ids) < len(there) else len(made)
    return low if share * people >= _EXPECTED and low * people >= _EXPECTED / 2 else 0.0


def _vanished_classes(sides: Sides) -> list[str]:
    """Classes that no synthetic picture shows, though some were to be expected."""
    train, made = sides.given["train"], sides.given["synthetic"]
    shares = train.frame[train.target].value_counts(normalize=True)
    expected = shares[shares * len(made) >= _EXPECTED / 2].index
    gone = sorted(set(expected) - set(made.frame[train.target]))
    return [f"no synthetic picture shows the class {', '.join(map(str, gone))}."] if gone else []


def _by_level(train: Coded, made: Coded, j: int) -> tuple[list, list[np.ndarray]]:
    """Levels of a column, and which of them each record of both tables has."""
    return list(train.columns[j].levels), [table.values[:, j].astype(int) for table in (train, made)]


def _banded_by_share(train: Coded, made: Coded, j: int) -> tuple[list, list[np.ndarray]]:
    """Twenty bands of equal share in train, fewer where numbers repeat; and where each number lies, -1 if missing."""
    known = train.values[:, j][~np.isnan(train.values[:, j])]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BANDS + 1))) if len(known) else np.zeros(1)
    if len(edges) < 3:
        return [], []
    # the ends are open: the smallest and the largest number are those of single people
    labels = [f"{a:,.4g} to {b:,.4g}" for a, b in pairwise(edges)]
    labels[0], labels[-1] = f"below {edges[1]:,.4g}", f"from {edges[-2]:,.4g} on"
    values = [table.values[:, j] for table in (train, made)]
    return labels, [np.where(np.isnan(v), -1, np.searchsorted(edges[1:-1], v, side="right")) for v in values]


def numbered(sides: Sides) -> list[str]:
    """SHD012: whole numbers, a new one in nearly every row of train, as ids of patients are."""
    train, said = sides.train, []
    for column, values in zip(train.columns, train.values.T, strict=True):
        known = values[~np.isnan(values)]
        if not column.is_number or column.date or column.name == sides.target:
            continue
        distinct = len(np.unique(known))
        if len(known) < _FEWEST_NUMBERS or distinct <= _NEARLY_ALL * len(known) or (known % 1 != 0).any():
            continue
        if _is_measured(known):
            continue
        said.append(f"{column.name} holds {distinct:,} different whole numbers in {len(known):,} records of train.")
    return said


def _is_measured(numbers: np.ndarray) -> bool:
    """Whether whole numbers repeat as often as rounded measurements do, which are not there once each.

    Of rounded numbers that lie close, about half as many pairs are equal as are neighbours. Ids that count up have
    neighbours and hardly an equal; ids far apart have neither.
    """
    step = np.diff(np.sort(numbers))
    neighbours = int((step == 1).sum())
    return neighbours >= _NEIGHBOURS and int((step == 0).sum()) >= neighbours / 4


def not_by_group(sides: Sides) -> list[str]:
    """SHD013: columns declared sensitive that could not be compared."""
    lost = [c for c in role_of(sides.given["train"], "sensitive", ()) if c not in sides.sensitive]
    return [f"{column} is declared sensitive and was not compared: fairness says nothing of it." for column in lost]


def the_same(sides: Sides) -> list[str]:
    """SHD011: synthetic data that are, in large part, those of train or of the holdout.

    Counted are different records, and real ones that one person alone has: what many people share is nobody's, and
    one record made again and again is a fault of another kind.
    """
    keys = {role: _keys(sides, role) for role in sides.given}
    made, said = keys.pop("synthetic"), []
    own = {role: _of_one(real, sides.given[role]) for role, real in keys.items()}
    different = np.unique(made)
    chance = float((~np.isin(keys["train"], own["train"])).mean())  # a holdout may itself be contaminated
    if "holdout" in keys:
        chance = min(chance, float(np.isin(np.unique(keys["holdout"]), own["train"]).mean()))
    for role, real in keys.items():
        found = np.isin(different, own[role])
        surely = binomial_interval(int(found.sum()), len(found))[0]
        if found.mean() >= _SAME and surely > chance + _ABOVE:
            share = np.isin(made, real).mean()
            said.append(
                f"{share:.0%} of the synthetic {'pictures' if sides.is_of_images else 'records'} are in {role}."
            )
    return said


def _of_one(keys: np.ndarray, data: Dataset | pd.DataFrame) -> np.ndarray:
    """Keys of the records that one subject alone has."""
    people = data.subjects if isinstance(data, Dataset) else np.arange(len(keys))
    pairs = pd.DataFrame({"record": keys, "person": people}).drop_duplicates()
    count = pairs["record"].value_counts()
    return count.index[count == 1].to_numpy()


def _keys(sides: Sides, role: str) -> np.ndarray:
    if sides.is_of_images:
        return np.array([hash(image.tobytes()) for image in sides.given[role].images])
    return row_keys(getattr(sides, role).values)
