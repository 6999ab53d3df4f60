"""Checks of the split: people, records and labels on its two sides."""

from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import binomtest, mode

from shd.compare.checks.evidence import SURE, exceeds
from shd.compare.core.attacks import count_people, one_each, row_keys
from shd.compare.core.chance import deal, generator, sample_records
from shd.compare.core.gower import Gower
from shd.compare.core.sides import Sides, has_subjects, real_people
from shd.compare.core.tables import Coded
from shd.compare.fidelity.pairs import association_matrix
from shd.dataset import Dataset

_REPEATED_SHARE = 0.005  # of the holdout, below which equal records are no matter
_NEAR = 0.5  # times the distance that the nearest strangers keep
_ROUNDED = 0.005  # distance of equal pictures, as far as single precision goes
_HAIR, _LOOKED_AT = 0.1, 500  # the same for records, and how many of them on each side are looked at
_SETTLED, _CONFLICTS = 0.05, 0.05  # share of people with conflicting entries: at most, and more than on the other side
_FEWEST_PEOPLE = 20  # with several records
_SLIPS, _VARIES, _BY_NATURE = 0.01, 0.1, 0.08  # share of people that contradict themselves: see `_slips`
_LINKED, _LEFT = 0.1, 0.25  # association with the target that counts, and the share of it that has to be left
_ERRORS = 4  # standard errors between two associations
_MOST = 5000


def shared(sides: Sides) -> list[str]:
    """SHD001: the same ids in train and holdout."""
    both_sides = real_people(sides.given)
    if not both_sides:
        return []
    # sets, not arrays: numbers and text may stand side by side, and 1 is not "1"
    both = set.intersection(*(set(side.subjects.tolist()) for side in both_sides))
    # no ids: what a check says is handed on with a release
    return [f"{len(both):,} subjects are in train and in the holdout."] if both and not _count_up(sides) else []


def _count_up(sides: Sides) -> bool:
    """Whether shared ids may be row numbers: whole, one a record, of people no more alike than strangers are."""
    subjects = [side.subjects for side in real_people(sides.given)]
    whole = all(np.issubdtype(ids.dtype, np.integer) and len(np.unique(ids)) == len(ids) for ids in subjects)
    if sides.is_of_images or not whole:
        return False
    both, *at = np.intersect1d(*subjects, return_indices=True)
    if len(both) < _FEWEST_PEOPLE:
        return False
    one, other = (table.values[rows] for table, rows in zip((sides.train, sides.holdout), at, strict=True))
    scale = [
        np.ptp(v[~np.isnan(v)]) or 1.0 if c.is_number and not np.isnan(v).all() else 0
        for c, v in zip(sides.train.columns, one.T, strict=True)
    ]
    apart, by_chance = (_apart(one, others, np.array(scale)) for others in (other, np.roll(other, 1, axis=0)))
    nearer = by_chance - apart
    return bool(nearer.mean() <= _ERRORS * nearer.std() / np.sqrt(len(both)))


def _apart(one: np.ndarray, other: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Gower's distance between records one by one; `scale` is 0 for levels."""
    gap = np.where(scale > 0, np.abs(one - other) / np.where(scale > 0, scale, 1), one != other)
    return np.where(np.isnan(gap), np.isnan(one) != np.isnan(other), gap).mean(axis=1)


def repeated(sides: Sides) -> list[str]:
    """SHD003: records or pictures, equal or nearly alike, of different people on both sides."""
    if sides.is_of_images:
        return _near_pictures(sides)
    strangers = _strangers(sides)
    return [] if strangers is None else _equal_records(sides, *strangers) or _near_records(sides, *strangers)


def _strangers(sides: Sides) -> tuple[Coded, Coded, Coded] | None:
    """Return one record each of some people of train and of those held out, and all records of the rest of train.

    Both are asked about the same records: what chance gives is the same for both. None where nobody can be spared.
    """
    train, holdout = sides.train, sides.holdout
    rng = generator(sides.random_state, "strangers")
    parts = max(2, round(count_people(train) / count_people(holdout)))
    part = deal(train.subjects, parts, rng) == 0
    if part.all() or not part.any():
        return None
    held = one_each(holdout, len(holdout), rng)
    return one_each(train.take(part), len(held), rng), held, train.take(~part)


def _equal_records(sides: Sides, own: Coded, held: Coded, rest: Coded) -> list[str]:
    keys = row_keys(rest.values)
    # each record once: where everybody is well, nearly all records may be equal, on one side more than on the other
    found, by_chance = (np.isin(np.unique(row_keys(table.values)), keys) for table in (held, own))
    if not exceeds(found, by_chance, _REPEATED_SHARE):
        return []
    equal = np.isin(row_keys(sides.holdout.values), row_keys(sides.train.values))
    return [
        f"{equal.sum():,} of {len(equal):,} held-out records equal a train record in every column "
        f"({equal.mean():.1%}); between people of train it is {np.isin(row_keys(own.values), keys).mean():.1%}."
    ]


def _near_records(sides: Sides, own: Coded, held: Coded, rest: Coded) -> list[str]:
    """Name held-out records that are a hair's breadth from a train record, as a copy with rounded numbers is."""
    if not any(column.is_number for column in sides.train.columns):
        return []  # without numbers, what is not equal is far
    rng, most = generator(sides.random_state, "near records looked at"), sides.most(_LOOKED_AT, least=200)
    gower = Gower.of(sides.train)
    strangers, others = (gower.nearest(sample_records(table, most, rng), rest) for table in (own, held))
    near = _HAIR * np.quantile(strangers, 0.01)
    if near == 0:  # people of train are equal by chance, and nothing is nearer than that
        return []
    found = others < near
    if not exceeds(found, strangers < near, _REPEATED_SHARE):
        return []
    return [
        f"{found.sum():,} of {len(found):,} held-out records lie less than a tenth as far from a train record as the "
        f"nearest strangers of train do ({found.mean():.1%}): copies, all but a hair."
    ]


def _near_pictures(sides: Sides) -> list[str]:
    from shd.compare.images.privacy import nearest

    train = sides.given["train"]
    if len(np.unique(train.subjects)) < 2:
        return []
    strangers, _ = nearest(sides.points("train"), sides.points("train"), train.subjects)
    distance, _ = nearest(sides.points("holdout"), sides.points("train"))
    near = _NEAR * strangers.min()
    found = distance < max(near, _ROUNDED)
    # strangers who have pictures in common, empty ones for example, show that equal pictures may be chance
    alarm = found.any() if near > _ROUNDED else exceeds(found, strangers < _ROUNDED, _REPEATED_SHARE)
    if not alarm:
        return []
    return [
        f"{found.sum():,} of {len(distance):,} held-out pictures lie less than half as far from a train picture as any "
        "two strangers of train lie from each other, or are the same."
    ]


def mislabelled(sides: Sides) -> list[str]:
    """SHD004: entries that contradict each other within a person, or a target that follows from nothing any more."""
    if sides.is_of_images:
        return _classes_that_differ(sides)
    return [*_conflicts(sides), *_lost_target(sides)]


def _classes_that_differ(sides: Sides) -> list[str]:
    said = []
    for role, data in sides.given.items():
        if role == "synthetic" or not has_subjects(data):
            continue
        classes = data.frame[data.target].groupby(data.subjects).nunique()
        torn = int((classes > 1).sum())
        if torn and _more_than_slips(torn, len(classes)):
            said.append(f"{torn:,} people of {role} have pictures of several classes.")
    return said


def _more_than_slips(people: int, of: int, looks: int = 1) -> bool:
    """Whether more people contradict themselves than one in a hundred, beyond what chance gives in so many columns."""
    return bool(binomtest(people, of, _SLIPS, alternative="greater").pvalue < 0.05 / looks)


def _conflicts(sides: Sides) -> list[str]:
    real = {role: data for role, data in sides.given.items() if role != "synthetic" and isinstance(data, Dataset)}
    torn = {role: people for role, data in real.items() if (people := _torn(data)) is not None}
    said = [sentence for role, people in torn.items() for sentence in _slips(sides, role, people)]
    if len(torn) < 2:
        return said
    both = torn["train"].columns.intersection(torn["holdout"].columns)
    for column in both:
        few, many = sorted(torn, key=lambda role: torn[role][column].mean())
        low, high = (torn[role][column].to_numpy() for role in (few, many))
        if low.mean() <= _SETTLED and exceeds(high, low, _CONFLICTS, SURE / len(both)):
            said.append(
                f"{column}: {high.mean():.0%} of the people of {many} with several records contradict themselves, "
                f"{low.mean():.0%} of those of {few}."
            )
    return said


def _slips(sides: Sides, role: str, torn: pd.DataFrame) -> list[str]:
    """Name columns in which some people contradict themselves, though they are settled for nearly all others.

    Settled by nature: entries dealt to people at random would differ in at least a tenth of them, and
    those that there are differ far less often. One slip in a hundred people is what registers hold.
    """
    data = sides.given[role]
    rng = generator(sides.random_state, f"entries dealt at random, {role}")
    chance = _torn(replace(data, subjects=rng.permutation(data.subjects))).mean()
    shares, looks = torn.mean(), torn.shape[1]
    more = torn.sum().map(lambda people: _more_than_slips(int(people), len(torn), looks))
    odd = more & (chance >= _VARIES) & (shares <= _BY_NATURE * chance)
    return [
        f"{column}: {share:.1%} of the people of {role} with several records contradict themselves, and nearly all "
        f"others never do (by chance it would be {chance[column]:.0%})."
        for column, share in shares[odd].items()
    ]


def _torn(data: Dataset) -> pd.DataFrame | None:
    """Whether the entries of a person differ, one row for each who has several records; None where those are few."""
    count = pd.Series(data.subjects).value_counts()
    several = np.isin(data.subjects, count.index[count > 1])
    if (count > 1).sum() < _FEWEST_PEOPLE:
        return None
    codes = data.frame[several].apply(lambda column: pd.factorize(column)[0])
    of_person = codes.groupby(data.subjects[several])
    return of_person.max() != of_person.min()


def _lost_target(sides: Sides) -> list[str]:
    if sides.holdout is None or sides.target is None or len(sides.train.names) < 2:
        return []
    target = [table.values[:, table.names.index(sides.target)] for table in (sides.train, sides.holdout)]
    if any(len(np.unique(values[~np.isnan(values)])) < 2 for values in target):
        return []  # it does not vary on one side, and so hangs together with nothing
    linked = {role: _links(getattr(sides, role), sides.target, sides.random_state) for role in ("train", "holdout")}
    few, many = sorted(linked, key=lambda role: linked[role].max())
    most = linked[many].idxmax()
    # what chance alone gives between columns that have nothing to do with each other
    least = _LINKED + 3 / np.sqrt(min(len(sides.train), len(sides.holdout), _MOST))
    strong, weak = linked[many][most], linked[few][most]
    if strong < least or weak > _LEFT * strong or not _apart_surely(strong, weak, sides, target):
        return []
    return [
        f"{sides.target} hangs together with {most} in {many} ({strong:.2f}), and with nothing in {few} ({weak:.2f})."
    ]


def _apart_surely(strong: float, weak: float, sides: Sides, target: list[np.ndarray]) -> bool:
    """Whether chance does not explain that an association is so much weaker (Fisher's z).

    Records of one person count once, and those of the commonest level tell little where others are rare.
    """
    of = [
        min(count_people(table), 4 * int((values != mode(values, nan_policy="omit").mode).sum()), _MOST)
        for table, values in zip((sides.train, sides.holdout), target, strict=True)
    ]
    error = np.sqrt(sum(1 / max(n - 3, 1) for n in of))
    return bool(np.arctanh(min(strong, 0.999)) - np.arctanh(weak) > _ERRORS * error)


def _links(table: Coded, target: object, random_state: int) -> pd.Series:
    """How strongly the target hangs together with every other column, 0 to 1."""
    matrix = association_matrix(sample_records(table, _MOST, generator(random_state, "links of the target"))).abs()
    return matrix.loc[target].drop(target)
