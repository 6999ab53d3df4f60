"""What a table says of few people, taken out before anything is learned from it or compared.

Columns that identify people go. Levels of few people are merged, numbers and dates of few people are cut to the range
of the others (top and bottom coding), and what is missing for few people, or known of few, is made like the rest.
The name of the field for the threshold is that of k-anonymity (Sweeney 2002, doi 10.1142/S0218488502001648), applied
to each column alone: it promises nothing about columns together.
"""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import Dataset, as_frame, describe_columns, role_of
from shd.synthesizers._dtypes import is_level, learn_dtype, restore_numbers, to_numbers
from shd.synthesizers._few import distinct_people, grid_of, merge_neighbours, nearest, round_to
from shd.tables.identify import TEXT, Identified, identify, people_in

MIN_PEOPLE = 5
"""Fewest people who share what is learned, unless said otherwise: the least cell that statistical offices publish."""

OTHER = "other"
"""Level that rare levels are merged into."""
_CATCH_ALL = (OTHER, "another", "others", "elsewhere", "unknown")  # declared levels that take in rare ones
_COARSE = 300  # numbers with no more places than this between their ends are merged like ordered levels
_MERGED = 0.25  # where more records than this would move, numbers stay, and are drawn within bins instead
_FINER = 100  # an end is rounded to a step this much finer than the middle half of the numbers is wide


@dataclass(frozen=True)
class Done:
    """What was done to a table, in counts alone."""

    min_people: int  # 1 is no threshold
    dropped: tuple[Identified, ...] = ()  # those made up anew included
    kept: tuple[str, ...] = ()
    made_up: tuple[str, ...] = ()
    merged_levels: int = 0
    merged_columns: int = 0
    cut_columns: int = 0  # of numbers or dates of which some were cut, or merged with their neighbours
    gaps: int = 0  # columns whose missing entries, or whose only known ones, were those of few people

    @property
    def sentence(self) -> str:
        """Name the columns that were dropped, and how to keep them; empty where there are none."""
        named = [one for one in self.dropped if not one.made_up]
        if not named:
            return ""
        shown = ", ".join(f"{one.column!r} ({one.kind})" for one in named)
        return (
            f"dropped, as they identify people: {shown}. To have them knowingly: --keep COLUMN (keep=) as categories "
            f"that {self.min_people} people share, --fake COLUMN (fake=) made up."
        )


@dataclass(frozen=True, eq=False)
class Protection:
    """What was learned on train, to be applied to train, holdout and whatever else stands beside them."""

    done: Done
    _rules: dict[object, "_Levels | _Numbers"] = field(default_factory=dict, repr=False)

    @classmethod
    def fit(cls, data: Dataset | pd.DataFrame, min_people: int = MIN_PEOPLE) -> "Protection":
        """Learn what to drop, merge and cut."""
        frame, people = as_frame(data, "train"), people_of(data)
        found = identify(frame, people)
        kept, made_up = role_of(data, "keep", ()), role_of(data, "fake", ())
        _check_kept(frame, people, kept, found, min_people)
        dropped = [replace(one, made_up=one.column in made_up) for one in found if one.column not in kept]
        unfound = [column for column in made_up if column not in [one.column for one in found]]
        dropped = (*dropped, *(Identified(column, "", "asked for", made_up=True) for column in unfound))
        names = [one.column for one in dropped]
        if (n := len(pd.unique(people))) < min_people:
            of = "1 person" if n == 1 else f"{n} people"
            raise ShdError(
                f"the table tells of {of}, fewer than min_people={min_people}: nothing can be learned that so "
                f"many share. Give records of more people, or min_people=1 where nobody has to be protected."
            )
        target = role_of(data, "target")
        if target in names:
            why = next(one.why for one in dropped if one.column == target)
            raise ShdError(f"target {target!r} identifies people ({why}); choose another column to predict.")
        if len(names) == frame.shape[1]:
            raise ShdError(f"nothing is left to learn: every column identifies people ({describe_columns(names)}).")
        rules, declared = {}, role_of(data, "declared", ())
        if min_people > 1:
            for name in frame.columns.drop(names):
                rules[name] = _learn(frame[name], people, min_people, name in declared)
        done = Done(
            min_people,
            dropped,
            tuple(map(str, kept)),
            tuple(map(str, made_up)),
            sum(rule.merged for rule in rules.values() if isinstance(rule, _Levels)),
            sum(rule.merged > 0 for rule in rules.values() if isinstance(rule, _Levels)),
            sum(rule.cut for rule in rules.values() if isinstance(rule, _Numbers)),
            sum(rule.fill is not None or rule.empty for rule in rules.values()),
        )
        return cls(done, rules)

    def apply(self, data: Dataset | pd.DataFrame) -> "Dataset | pd.DataFrame":
        """Return a table of the same kind without what few people of train had."""
        frame = as_frame(data)
        gone = [one.column for one in self.done.dropped if one.column in frame.columns]
        safe = frame.drop(columns=gone)
        changed = {name: rule.apply(frame[name]) for name, rule in self._rules.items() if name in frame.columns}
        for name, values in changed.items():
            if values is not frame[name]:
                safe[name] = values
        if not isinstance(data, Dataset):
            return safe
        roles = {
            role: tuple(column for column in getattr(data, role) if column not in gone)
            for role in ("sensitive", "counts", "levels_read", "declared", "keep")
        }
        return replace(data, frame=safe, fake=(), **roles)


def people_of(data: Dataset | pd.DataFrame) -> np.ndarray:
    """Return a number for the subject of each record, int64, shape (n,); see `people_in` without."""
    people = pd.factorize(data.subjects)[0] if isinstance(data, Dataset) else np.arange(len(data))
    return people_in(as_frame(data)) if len(np.unique(people)) == len(people) else people


def _check_kept(
    frame: pd.DataFrame, people: np.ndarray, kept: tuple, found: tuple[Identified, ...], min_people: int
) -> None:
    """Raise `ShdError` where a column to be kept holds free text, or levels of few people."""
    for one in found:
        if one.column not in kept:
            continue
        if one.kind == TEXT:
            raise ShdError(f"column {one.column!r} holds free text, which is never learned; drop it, or make it up.")
        at, levels = pd.factorize(frame[one.column].astype(object))
        known = at >= 0
        rare = int((distinct_people(at[known], people[known], len(levels)) < min_people).sum())
        if rare:
            raise ShdError(
                f"column {one.column!r} cannot be kept: {rare:,} of its {len(levels):,} levels are those of fewer than "
                f"{min_people} people. Drop it, make it up (--fake), or group its levels."
            )


def _learn(values: pd.Series, people: np.ndarray, min_people: int, declared: bool) -> "_Levels | _Numbers":
    known = values.notna().to_numpy()
    counts = [len(pd.unique(people[side])) for side in (known, ~known)]
    fills, empty = 0 < counts[1] < min_people, counts[0] < min_people
    if is_level(values):
        return _Levels.learn(values[known], people[known], min_people, fills, empty, declared)
    # those whose gaps are filled come last, and count from then on
    in_order = np.argsort(~known, kind="stable")[: len(known) if fills else int(known.sum())]
    return _Numbers.learn(values[known], people[in_order], min_people, fills, empty)


@dataclass(frozen=True, eq=False)
class _Levels:
    """Which level each level becomes; levels that train did not have become `stranger`."""

    becomes: dict
    stranger: object
    categories: pd.Index | None
    merged: int
    fill: object
    empty: bool

    @classmethod
    def learn(cls, values: pd.Series, people: np.ndarray, least: int, fills: bool, empty: bool, declared: bool):
        categorical = isinstance(values.dtype, pd.CategoricalDtype)
        known = values.cat.categories if categorical else None
        if empty:
            none = known if declared or known is None else known[:0]
            return cls({}, None, none, int(values.nunique()), None, True)
        at, levels = _coded(values)
        count = np.bincount(at, minlength=len(levels))
        rare = distinct_people(at, people, len(levels)) < least
        # the one with most records may be one of few people, who have many records each
        commonest = levels[int(np.argmax(count if rare.all() else np.where(rare, -1, count)))]
        numbers = all(isinstance(level, (int, float, np.number)) and not isinstance(level, bool) for level in levels)
        if categorical and (values.cat.ordered or numbers):
            place = np.argsort(np.argsort(levels)) if numbers and not values.cat.ordered else np.arange(len(levels))
            goes = merge_neighbours(place[at], people, np.arange(len(levels), dtype=float), least)
            order = np.argsort(place)
            becomes = {levels[i]: levels[order[goes[place[i]]]] for i in range(len(levels))}
            stranger = becomes[commonest]
        else:
            stranger = _home(levels, rare, at, people, least, commonest, known if declared else None)
            becomes = {level: stranger if few else level for level, few in zip(levels, rare, strict=True)}
        if categorical and not declared:
            left = list(dict.fromkeys(becomes.values()))
            kept = [level for level in levels if level in set(left)]
            extra = [level for level in left if level not in set(kept)]
            known = pd.Index([*kept, *extra], dtype=None if extra else known.dtype)
        fill = becomes[commonest] if fills else None
        return cls(becomes, stranger, known, int(sum(a != b for a, b in becomes.items())), fill, False)

    def apply(self, values: pd.Series) -> pd.Series:
        if self.empty:
            gone = pd.Series([None] * len(values), index=values.index, name=values.name, dtype=object)
            return gone.astype(self._dtype(values))
        at, levels = _coded(values)
        new = [self.becomes.get(level, self.stranger) for level in levels]
        same = all(a == b for a, b in zip(levels, new, strict=True))
        if same and self.fill is None and self._dtype(values) == values.dtype:
            return values
        changed = np.empty(len(new) + 1, dtype=object)
        changed[:-1], changed[-1] = new, self.fill
        return pd.Series(changed[at], index=values.index, name=values.name, dtype=object).astype(self._dtype(values))

    def _dtype(self, values: pd.Series) -> object:
        if self.categories is None or not isinstance(values.dtype, pd.CategoricalDtype):
            return values.dtype
        return pd.CategoricalDtype(self.categories, values.dtype.ordered)


def _coded(values: pd.Series) -> tuple[np.ndarray, list]:
    """Return the place of each entry among the levels that occur, -1 where it is missing, and these."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        at, levels = pd.factorize(values.astype(object))
        return at, list(levels)
    codes = values.cat.codes.to_numpy().astype(np.int64)
    occurs = np.bincount(codes[codes >= 0], minlength=len(values.cat.categories)) > 0
    place = np.append(np.cumsum(occurs) - 1, -1)
    return place[codes], values.cat.categories[occurs].tolist()


def _home(
    levels: list, rare: np.ndarray, at: np.ndarray, people: np.ndarray, least: int, commonest: object, known: object
) -> object:
    """Return the level that rare levels become: one that takes in others, a new one, or the commonest."""
    if known is not None:  # declared: no level is added to them
        takes = [level for level in known if str(level).lower() in _CATCH_ALL and level in levels]
        shared = [len(np.unique(people[rare[at] | (at == levels.index(level))])) >= least for level in takes]
        return next((level for level, enough in zip(takes, shared, strict=True) if enough), commonest)
    if not all(isinstance(level, str) for level in levels):
        return commonest
    there = OTHER in levels and not rare[levels.index(OTHER)]
    together = len(np.unique(people[rare[at]])) >= least
    return OTHER if there or together else commonest


@dataclass(frozen=True, eq=False)
class _Numbers:
    """The range that numbers are cut to, and, of coarse ones, the values that are left."""

    low: float
    high: float
    values: np.ndarray | None
    becomes: np.ndarray | None
    unit: str | None
    cut: bool
    fill: float | None
    empty: bool

    @classmethod
    def learn(cls, values: pd.Series, people: np.ndarray, least: int, fills: bool, empty: bool) -> "_Numbers":
        unit = learn_dtype(values).get("unit")
        if empty:
            return cls(0.0, 0.0, None, None, unit, len(values) > 0, None, True)
        numbers = to_numbers(values, unit)
        fill = None
        if fills:
            fill = float(round_to(np.median(numbers), grid_of(numbers) or _step(numbers), np.round))
            numbers = np.append(numbers, np.full(len(people) - len(numbers), fill))
        low, high, grid = _range(numbers, people, least)
        inside = np.clip(numbers, low, high)
        value, at = np.unique(inside, return_inverse=True)
        becomes = None
        few = distinct_people(at, people, len(value)) < least
        if few.any() and few[at].mean() <= _MERGED and grid and (high - low) / grid <= _COARSE:
            becomes = value[merge_neighbours(at, people, value, least)]
        cut = bool((inside != numbers).any()) or becomes is not None
        return cls(low, high, value if becomes is not None else None, becomes, unit, cut, fill, False)

    def apply(self, values: pd.Series) -> pd.Series:
        absent = values.isna().to_numpy()
        if self.empty:
            return restore_numbers(np.zeros(len(values)), np.ones(len(values), bool), *self._of(values))
        numbers = np.zeros(len(values))
        numbers[~absent] = to_numbers(values[~absent], self.unit)
        new = np.clip(np.where(absent & (self.fill is not None), self.fill or 0.0, numbers), self.low, self.high)
        if self.becomes is not None:
            new = self.becomes[nearest(self.values, new)]
        moved = (new != numbers) & ~absent | (absent if self.fill is not None else False)
        if not moved.any():
            return values
        still = absent if self.fill is None else np.zeros(len(values), bool)
        made = restore_numbers(np.where(moved, new, 0), still | ~moved & absent, *self._of(values))
        made.index = values.index
        return values.where(~moved, made)

    def _of(self, values: pd.Series) -> tuple:
        return str(values.dtype), self.unit, values.name


def _range(numbers: np.ndarray, people: np.ndarray, least: int) -> tuple[float, float, float]:
    """Return the ends between which numbers are kept, beyond each of which `least` people lie, and their grid."""
    n = int(people.max()) + 1
    most, fewest = np.full(n, -np.inf), np.full(n, np.inf)
    np.maximum.at(most, people, numbers)
    np.minimum.at(fewest, people, numbers)
    most, fewest = np.sort(most[np.isfinite(most)])[::-1], np.sort(fewest[np.isfinite(fewest)])
    high, low = most[least - 1], fewest[least - 1]
    value, at = np.unique(numbers, return_inverse=True)
    shared = distinct_people(at, people, len(value)) >= least
    # what many share (999, 9999-12-31) says nothing of how finely the others are known
    own = numbers[~shared[at]] if not shared.all() else numbers
    grid = grid_of(numbers)
    step = max(grid, _step(own, high - low))
    if step > grid:  # else an end is a value of the grid, which is nobody's own
        low = low if low in value[shared] else round_to(low, step, np.ceil)
        high = high if high in value[shared] else round_to(high, step, np.floor)
    if low > high:
        low = high = float(round_to(np.median(numbers), step, np.round)) if step else float(np.median(numbers))
    return float(low), float(high), grid


def _step(numbers: np.ndarray, else_width: float = 0.0) -> float:
    """Return a power of ten that is small beside the middle half of the numbers; 0 where all are alike."""
    quarter, three = np.quantile(numbers, [0.25, 0.75])
    spread = three - quarter or max(else_width, 0.0)
    return 10.0 ** np.floor(np.log10(spread / _FINER)) if spread / _FINER > 0 else 0.0
