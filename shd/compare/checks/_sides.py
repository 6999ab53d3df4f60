"""Checks of the split: people, records and labels on its two sides."""

from dataclasses import replace

import numpy as np
import pandas as pd

from shd.compare._coded import Coded
from shd.compare._gower import Gower
from shd.compare._resample import deal, generator, subsample
from shd.compare.checks._evidence import Evidence, has_subjects, row_keys
from shd.compare.pairs import association_matrix
from shd.dataset import Dataset

_CHANCE = 3.0  # standard errors above what chance gives
_REPEATED_SHARE = 0.005  # of the holdout, below which equal records are no matter
_NEAR = 0.5  # times the distance that the nearest strangers keep
_HAIR, _LOOKED_AT = 0.1, 500  # the same for records, and how many of them on each side are looked at
_SETTLED, _CONFLICTS = 0.05, 0.05  # share of people with conflicting entries: at most, and more than on the other side
_FEWEST_PEOPLE = 20  # with several records
_SLIPS, _VARIES, _BY_NATURE = 0.01, 0.1, 0.08  # share of people that contradict themselves: see `_slips`
_LINKED, _LEFT = 0.1, 0.25  # association with the target that counts, and the share of it that has to be left
_MOST = 5000


def shared(evidence: Evidence) -> list[str]:
    """SHD001: the same ids in train and holdout."""
    sides = evidence.sides()
    if not sides:
        return []
    # sets, not arrays: numbers and text may stand side by side, and 1 is not "1"
    both = set.intersection(*(set(side.subjects.tolist()) for side in sides))
    # no ids: what a check says is handed on with a release
    return [f"{len(both):,} subjects are in train and in the holdout."] if both else []


def repeated(evidence: Evidence) -> list[str]:
    """SHD003: records or pictures, equal or nearly alike, of different people on both sides."""
    if "holdout" not in evidence.given:
        return []
    return _near_pictures(evidence) if evidence.is_of_images else _equal_records(evidence) or _near_records(evidence)


def _equal_records(evidence: Evidence) -> list[str]:
    train, holdout = evidence.inputs.train, evidence.inputs.holdout
    keys, held = row_keys(train.values), row_keys(holdout.values)
    part = _part_of_train(evidence, "equal records")
    if part is None:
        return []
    expected = np.isin(keys[part], keys[~part]).mean()
    found = np.isin(held, keys)
    error = np.sqrt(max(expected * (1 - expected), 1 / len(held)) / len(held))
    if not _too_many(found, expected, error):
        return []
    return [
        f"{found.sum():,} of {len(held):,} held-out records equal a train record in every column ({found.mean():.1%}); "
        f"between people of train it is {expected:.1%}."
    ]


def _part_of_train(evidence: Evidence, purpose: str) -> np.ndarray | None:
    """Return who of train takes the place of the holdout, to tell what chance gives; None where nobody can."""
    train, holdout = evidence.inputs.train, evidence.inputs.holdout
    parts = max(2, round(len(train) / len(holdout)))
    part = deal(train.subjects, parts, generator(evidence.random_state, purpose)) == 0
    return None if part.all() or not part.any() else part


def _too_many(found: np.ndarray, expected: float, error: float) -> bool:
    return bool(found.mean() > max(2 * expected, _REPEATED_SHARE) + _CHANCE * error)


def _near_records(evidence: Evidence) -> list[str]:
    """Name held-out records that are a hair's breadth from a train record, as a copy with rounded numbers is."""
    inputs, part = evidence.inputs, _part_of_train(evidence, "near records")
    if part is None or not any(column.is_number for column in inputs.train.columns):
        return []  # without numbers, what is not equal is far
    rng, most = generator(evidence.random_state, "near records looked at"), inputs.most(_LOOKED_AT, least=200)
    gower, rest = Gower.of(inputs.train), inputs.train.take(~part)  # both sides are asked about the same records
    own, held = (t.take(subsample(len(t), most, rng)) for t in (inputs.train.take(part), inputs.holdout))
    strangers = gower.nearest(own, rest)
    near = _HAIR * np.quantile(strangers, 0.01)
    if near == 0:  # people of train are equal by chance, and nothing is nearer than that
        return []
    found, by_chance = gower.nearest(held, rest) < near, strangers < near
    either = np.concatenate([found, by_chance]).mean()
    error = np.sqrt(max(either * (1 - either), 1 / len(held)) * (1 / len(held) + 1 / len(own)))
    if not _too_many(found, by_chance.mean(), error):
        return []
    return [
        f"{found.sum():,} of {len(held):,} held-out records lie less than a tenth as far from a train record as the "
        f"nearest strangers of train do ({found.mean():.1%}): copies, all but a hair."
    ]


def _near_pictures(evidence: Evidence) -> list[str]:
    from shd.compare.images.privacy import nearest

    train = evidence.given["train"]
    if len(np.unique(train.subjects)) < 2:
        return []
    strangers, _ = nearest(evidence.points("train"), evidence.points("train"), train.subjects)
    distance, _ = nearest(evidence.points("holdout"), evidence.points("train"))
    found = int((distance < _NEAR * np.quantile(strangers, 0.01)).sum())
    if not found:
        return []
    return [
        f"{found:,} of {len(distance):,} held-out pictures lie less than half as far from a train picture as the "
        "nearest strangers of train lie from each other."
    ]


def mislabelled(evidence: Evidence) -> list[str]:
    """SHD004: entries that contradict each other within a person, or a target that follows from nothing any more."""
    if evidence.is_of_images:
        return _classes_that_differ(evidence)
    return [*_conflicts(evidence), *_lost_target(evidence)]


def _classes_that_differ(evidence: Evidence) -> list[str]:
    said = []
    for role, data in evidence.given.items():
        if role == "synthetic" or not has_subjects(data):
            continue
        classes = data.frame[data.target].groupby(data.subjects).nunique()
        if (classes > 1).any():
            said.append(f"{(classes > 1).sum():,} people of {role} have pictures of several classes.")
    return said


def _conflicts(evidence: Evidence) -> list[str]:
    sides = {role: data for role, data in evidence.given.items() if role != "synthetic" and isinstance(data, Dataset)}
    shares = {role: share for role, data in sides.items() if (share := _share_of_conflicts(data)) is not None}
    said = [sentence for role, share in shares.items() for sentence in _slips(evidence, role, share)]
    if len(shares) < 2:
        return said
    for column in shares["train"].index.intersection(shares["holdout"].index):
        few, many = sorted(shares, key=lambda role: shares[role][column])
        low, high = shares[few][column], shares[many][column]
        if low <= _SETTLED and high > low + _CONFLICTS:
            said.append(
                f"{column}: {high:.0%} of the people of {many} with several records contradict themselves, {low:.0%} "
                f"of those of {few}."
            )
    return said


def _slips(evidence: Evidence, role: str, shares: pd.Series) -> list[str]:
    """Name columns in which some people contradict themselves, though they are settled for nearly all others.

    Settled by nature: entries dealt to people at random would differ in at least a tenth of them, and
    those that there are differ far less often. One slip in a hundred people is what registers hold.
    """
    data = evidence.given[role]
    rng = generator(evidence.random_state, f"entries dealt at random, {role}")
    chance = _share_of_conflicts(replace(data, subjects=rng.permutation(data.subjects)))
    odd = (shares > _SLIPS) & (chance >= _VARIES) & (shares <= _BY_NATURE * chance)
    return [
        f"{column}: {share:.1%} of the people of {role} with several records contradict themselves, and nearly all "
        f"others never do (by chance it would be {chance[column]:.0%})."
        for column, share in shares[odd].items()
    ]


def _share_of_conflicts(data: Dataset) -> pd.Series | None:
    """Share of people with several records whose entries differ, one number a column."""
    count = pd.Series(data.subjects).value_counts()
    several = np.isin(data.subjects, count.index[count > 1])
    if (count > 1).sum() < _FEWEST_PEOPLE:
        return None
    codes = data.frame[several].apply(lambda column: pd.factorize(column)[0])
    of_person = codes.groupby(data.subjects[several])
    return (of_person.max() != of_person.min()).mean()


def _lost_target(evidence: Evidence) -> list[str]:
    inputs = evidence.inputs
    if inputs.holdout is None or inputs.target is None or len(inputs.train.names) < 2:
        return []
    target = [table.values[:, table.names.index(inputs.target)] for table in (inputs.train, inputs.holdout)]
    if any(len(np.unique(values[~np.isnan(values)])) < 2 for values in target):
        return []  # it does not vary on one side, and so hangs together with nothing
    linked = {
        role: _links(getattr(inputs, role), inputs.target, evidence.random_state) for role in ("train", "holdout")
    }
    few, many = sorted(linked, key=lambda role: linked[role].max())
    most = linked[many].idxmax()
    # what chance alone gives between columns that have nothing to do with each other
    least = _LINKED + 3 / np.sqrt(min(len(inputs.train), len(inputs.holdout), _MOST))
    if linked[many][most] < least or linked[few][most] > _LEFT * linked[many][most]:
        return []
    return [
        f"{inputs.target} hangs together with {most} in {many} ({linked[many][most]:.2f}), and with nothing in {few} "
        f"({linked[few][most]:.2f})."
    ]


def _links(table: Coded, target: object, random_state: int) -> pd.Series:
    """How strongly the target hangs together with every other column, 0 to 1."""
    some = table.take(subsample(len(table), _MOST, generator(random_state, "links of the target")))
    matrix = association_matrix(some).abs()
    return matrix.loc[target].drop(target)
