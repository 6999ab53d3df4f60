"""Checks of the records themselves: seeds, sizes, leaks, modes, copies."""

from itertools import pairwise

import numpy as np

from shd.compare._coded import Coded
from shd.compare._models import auroc
from shd.compare._resample import generator, subsample
from shd.compare.checks._evidence import Evidence, row_keys
from shd.dataset import role_of

_FEW_RECORDS, _FEW_PEOPLE = 200, 20
_MOST, _BANDS = 10_000, 20
_TOLD = 0.99  # AUROC of one column alone
_RARE = 10  # records of a level, below which nothing is said about it
_COMMON, _EXPECTED, _LEFT = 0.01, 20, 0.1  # share in train, records expected, share of those that have to be there
_SAME, _ABOVE = 0.5, 0.25  # share of synthetic records that are real ones, and how far above chance
_NAMED = 3
_FEWEST_NUMBERS, _NEARLY_ALL = 100, 0.9  # entries of a column, and the share of them that differ, for it to be an id


def unseeded(evidence: Evidence) -> list[str]:
    """SHD005: a synthesizer without a seed."""
    if evidence.synthesizer is None or evidence.synthesizer.get_params().get("random_state", 0) is not None:
        return []
    return [f"{type(evidence.synthesizer).__name__} has random_state=None: nobody can make the same rows again."]


def too_few(evidence: Evidence) -> list[str]:
    """SHD006: tables of few records, or pictures of few people."""
    said = []
    for role, data in evidence.given.items():
        if evidence.is_of_images:
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


def leaking(evidence: Evidence) -> list[str]:
    """SHD007: one column alone that predicts the target of train almost without fault."""
    inputs = evidence.inputs
    if inputs is None or inputs.target is None or len(inputs.train) < 4 * _RARE:
        return []
    rng = generator(evidence.random_state, "leaks")
    some = inputs.train.take(rng.permutation(subsample(len(inputs.train), _MOST, rng)))
    target = some.values[:, some.names.index(inputs.target)]
    level, count = np.unique(target, return_counts=True)
    is_number = some.columns[some.names.index(inputs.target)].is_number
    if is_number and len(level) > _BANDS:  # its upper half
        target, level, count = (target > np.nanmedian(target)).astype(float), np.array([1.0]), np.array([len(target)])
    said = []
    for name, codes in zip(some.names, _banded(some), strict=True):
        if name == inputs.target:
            continue
        told = max((_told(codes, target == one) for one in level[(count >= _RARE) | (len(level) == 1)]), default=0.0)
        if told >= _TOLD:
            said.append(f"{name} alone predicts {inputs.target} with an AUROC of {told:.3f}.")
    return said


def _banded(table: Coded) -> list[np.ndarray]:
    """Codes of every column, numbers cut into twenty bands; int, missing last."""
    codes = []
    for values, column in zip(table.values.T, table.columns, strict=True):
        if column.is_number:
            known = values[~np.isnan(values)]
            edges = np.unique(np.quantile(known, np.linspace(0, 1, _BANDS + 1)[1:-1])) if len(known) else np.zeros(1)
            values = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="right"))
        codes.append(values.astype(int))
    return codes


def _told(codes: np.ndarray, outcome: np.ndarray) -> float:
    """AUROC of the share of the outcome in each band, learned from one half and tested on the other."""
    half = len(codes) // 2
    n = int(codes.max()) + 1
    prior = outcome[:half].mean()
    share = (np.bincount(codes[:half], outcome[:half], n) + prior) / (np.bincount(codes[:half], minlength=n) + 1)
    found = float(auroc(outcome[half:], share[codes[half:]])[0])
    return found if np.isfinite(found) else 0.0


def vanished(evidence: Evidence) -> list[str]:
    """SHD009: levels or bands of train that hardly ever come up among the synthetic records."""
    if evidence.is_of_images:
        train, made = evidence.given["train"], evidence.given["synthetic"]
        gone = sorted(set(train.frame[train.target]) - set(made.frame[train.target]))
        return [f"no synthetic picture shows the class {', '.join(map(str, gone))}."] if gone else []
    train, made = evidence.inputs.train, evidence.inputs.synthetic
    gone = []
    for j, column in enumerate(train.columns):
        labels, shares = (_level_shares if not column.is_number else _band_shares)(train, made, j)
        expected = shares[0] * len(made)
        common = 0.0 if column.name == evidence.inputs.target else _COMMON  # a class of the target may be rare
        missing = (shares[0] >= common) & (expected >= _EXPECTED) & (shares[1] < _LEFT * shares[0])
        gone += [(shares[0][k], shares[1][k], column.name, labels[k]) for k in np.flatnonzero(missing)]
    if not gone:
        return []
    gone.sort(key=lambda one: -one[0])
    named = "; ".join(
        f"{name} = {label} ({there:.1%}, should be {was:.1%})" for was, there, name, label in gone[:_NAMED]
    )
    more = f", and {len(gone) - _NAMED} more" if len(gone) > _NAMED else ""
    return [f"hardly a synthetic record has {named}{more}."]


def _level_shares(train: Coded, made: Coded, j: int) -> tuple[list, tuple[np.ndarray, np.ndarray]]:
    n = len(train.columns[j].levels)
    shares = tuple(np.bincount(t.values[:, j].astype(int), minlength=n) / len(t) for t in (train, made))
    return list(train.columns[j].levels), shares


def _band_shares(train: Coded, made: Coded, j: int) -> tuple[list, tuple[np.ndarray, np.ndarray]]:
    known = train.values[:, j][~np.isnan(train.values[:, j])]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BANDS + 1))) if len(known) else np.zeros(1)
    if len(edges) < 2:
        return ["any value"], (np.zeros(1), np.zeros(1))
    inside = [np.clip(t.values[:, j][~np.isnan(t.values[:, j])], edges[0], edges[-1]) for t in (train, made)]
    shares = tuple(np.histogram(v, edges)[0] / len(t) for v, t in zip(inside, (train, made), strict=True))
    # the ends are open: the smallest and the largest number are those of single people
    labels = [f"{a:,.4g} to {b:,.4g}" for a, b in pairwise(edges)]
    labels[0], labels[-1] = f"below {edges[1]:,.4g}", f"from {edges[-2]:,.4g} on"
    return labels if len(labels) > 1 else ["any value"], shares


def numbered(evidence: Evidence) -> list[str]:
    """SHD012: whole numbers, a new one in nearly every row of train, as ids of patients are."""
    if evidence.is_of_images:
        return []
    train, said = evidence.inputs.train, []
    for column, values in zip(train.columns, train.values.T, strict=True):
        known = values[~np.isnan(values)]
        if not column.is_number or column.date or column.name == evidence.inputs.target:
            continue
        distinct = len(np.unique(known))
        if len(known) < _FEWEST_NUMBERS or distinct <= _NEARLY_ALL * len(known) or (known % 1 != 0).any():
            continue
        said.append(f"{column.name} holds {distinct:,} different whole numbers in {len(known):,} records of train.")
    return said


def not_by_group(evidence: Evidence) -> list[str]:
    """SHD013: columns declared sensitive that could not be compared."""
    if evidence.is_of_images:
        return []
    lost = [c for c in role_of(evidence.given["train"], "sensitive", ()) if c not in evidence.inputs.sensitive]
    return [f"{column} is declared sensitive and was not compared: fairness says nothing of it." for column in lost]


def the_same(evidence: Evidence) -> list[str]:
    """SHD011: synthetic data that are, in large part, those of train or of the holdout."""
    keys = {role: _keys(evidence, role) for role in evidence.given}
    made, said = keys.pop("synthetic"), []
    chance = _within(keys["train"])  # a holdout may itself be contaminated
    if "holdout" in keys:
        chance = min(chance, float(np.isin(keys["holdout"], keys["train"]).mean()))
    for role, real in keys.items():
        share = np.isin(made, real).mean()
        if share >= _SAME and share > chance + _ABOVE:
            said.append(
                f"{share:.0%} of the synthetic {'pictures' if evidence.is_of_images else 'records'} are in {role}."
            )
    return said


def _keys(evidence: Evidence, role: str) -> np.ndarray:
    if evidence.is_of_images:
        return np.array([hash(image.tobytes()) for image in evidence.given[role].images])
    return row_keys(getattr(evidence.inputs, role).values)


def _within(keys: np.ndarray) -> float:
    """Share of records that come up more than once."""
    _, which, count = np.unique(keys, return_inverse=True, return_counts=True)
    return float((count[which] > 1).mean())
