"""Can an attacker fill in what a person kept to themselves? Attribute inference against people held out.

The attacker knows all but one column of a person's record, and takes the missing value from the synthetic record that
is nearest in the others, by Gower's distance; a number counts as guessed within a tenth of its standard deviation. That
works on anybody as far as columns hang together. What works better on people learned from than on people held out
betrays those people. It counts as a share of what is left to find out, for a guess that is nearly always right can
hardly be better (Giomi, Boenisch, Wehmeyer, Tasnádi 2023, *A Unified Framework for Quantifying Privacy Risk in
Synthetic Data*, PoPETs, arXiv 2211.10459); and rare levels count by themselves, for in the share of all people that are
guessed right they do not show.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd.compare.core.attacks import EXCESS, RELEASED, Excess, Stage, entropies, excess, stages
from shd.compare.core.chance import chance_of, generator
from shd.compare.core.gower import Gower
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import ALARM, VERDICTS, Score, Skipped, judge_excess
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

_WHAT, _OF_RARE = "attribute inference", "attribute inference: rare levels"
_PEOPLE = 2000
_MOST, _BY_ENTROPY = 6, 3  # attributes tried, and how many where none is named
_MORE, _PAIRS = (6, 40), 1e9  # fewest and most further columns with rare levels; so many pairs of records are compared
_RARE, _CARRIERS, _LEVELS = 0.10, 8, 20  # share of a rare level, people who have it, and most values of a number
_RARE_GREEN, _RARE_AMBER, _BLIND = 0.05, 0.15, 0.75  # excess of the recall
_CLOSE = 0.1  # standard deviations within which a number counts as guessed
_MEANS = {
    "grey": "so few people cannot show more",
    "green": "the release says about its people what it says about anybody",
    "amber": "the release says a little more about its people than about anybody",
    "red": "the release betrays its people",
}


def measure(sides: Sides) -> Answer:
    """Guess every sensitive column through the release, the floor, and other real records; judge the worst."""
    chosen = _attributes(sides.train, sides.sensitive, sides.target)
    if not chosen:
        return Answer(skipped=[Skipped(_WHAT, "no column varies")])
    rng, train = generator(sides.random_state, _WHAT), sides.train
    pairs = _PEOPLE * min(len(sides.synthetic), RELEASED)
    rare = _with_rare_levels(train, chosen, int(np.clip(_PAIRS / pairs, *_MORE)))
    tried = list(dict.fromkeys([*chosen, *rare]))
    tried = {name: _Tried.of(stage, train, tried) for name, stage in stages(sides, _PEOPLE, rng).items()}
    found = {name: side.excesses(chosen, rng) for name, side in tried.items()}
    beside = [[found[name][column].value for name in ("floor", "ceiling")] for column in chosen]
    rows = [
        (column, *own.row, *ends, judge_excess(own.value, own.low, own.high))
        for (column, own), ends in zip(found["synthetic"].items(), beside, strict=True)
    ]
    frame = pd.DataFrame(rows, columns=["column", *EXCESS, "floor", "other records", "verdict"])
    score, of_rare = _score(sides, frame), _rare_levels(tried["synthetic"], train, rare)
    if of_rare.empty:
        why = f"no level of at most {_RARE:.0%} is that of {_CARRIERS} people attacked, or more"
        return Answer([score], {_WHAT: frame}, [Skipped(_OF_RARE, why)])
    return Answer([score, _score_of_rare(of_rare, tried)], {_WHAT: frame, _OF_RARE: of_rare})


def _attributes(train: Coded, sensitive: Sequence, target: object) -> list:
    """Return the columns to guess: those with a role, else the categories (or numbers) of the highest entropy."""
    entropy = entropies(train)
    named = [name for name in dict.fromkeys([*sensitive, target]) if name in train.names]
    if named:
        return named[:_MOST]
    categories = [j for j, column in enumerate(train.columns) if not column.is_number and entropy[j] > 0]
    others = [j for j in range(len(entropy)) if entropy[j] > 0]
    return [train.names[j] for j in sorted(categories or others, key=lambda j: -entropy[j])[:_BY_ENTROPY]]


@dataclass(frozen=True, eq=False)
class _Guess:
    """One column to guess: how far its values are apart, and which guesses count as right."""

    column: int
    is_number: bool
    centre: float
    scale: float
    close: float

    @classmethod
    def of(cls, column: int, train: Coded) -> "_Guess":
        values, is_number = train.values[:, column], train.columns[column].is_number
        known = values[~np.isnan(values)]
        spread = float(known.std()) if is_number and len(known) else 0.0
        low, high = (float(known.min()), float(known.max())) if is_number and len(known) else (0.0, 0.0)
        return cls(column, is_number, low, high - low or 1.0, _CLOSE * spread)

    def read(self, table: Coded) -> np.ndarray:
        """Return the column as `Gower` sees it, float32, shape (n,)."""
        return ((table.values[:, self.column] - self.centre) / self.scale).astype(np.float32)

    def apart(self, own: np.float32, others: np.ndarray) -> np.ndarray:
        """Return what the column adds to the distance between one record and others."""
        if not self.is_number:
            return (others != own).astype(np.float32)
        gap = np.abs(others - own)
        missing = np.isnan(gap)
        if missing.any():  # missing is judged as a level
            gap[missing] = np.isnan(others[missing]) != np.isnan(own)
        return gap

    def right(self, guessed: np.ndarray, true: np.ndarray) -> np.ndarray:
        """Return which guesses of values count as right, bool, shape (n,)."""
        return (np.abs(guessed - true) <= self.close) | (np.isnan(guessed) & np.isnan(true))


@dataclass(frozen=True, eq=False)
class _Tried:
    """What was guessed of members and of others: for each column their values, the guesses, and which are right."""

    guesses: dict[object, _Guess]
    true: tuple[np.ndarray, np.ndarray]
    guessed: tuple[np.ndarray, np.ndarray]

    @classmethod
    def of(cls, stage: Stage, train: Coded, columns: Sequence) -> "_Tried":
        guesses = {column: _Guess.of(train.names.index(column), train) for column in columns}
        at, gower, sides = [guess.column for guess in guesses.values()], Gower.of(train), (stage.members, stage.others)
        guessed = tuple(_guessed(side, stage.release, list(guesses.values()), gower) for side in sides)
        return cls(guesses, tuple(side.values[:, at] for side in sides), guessed)

    def right(self, column: object) -> list[np.ndarray]:
        """Return of whom a column is guessed right, members and others."""
        k = list(self.guesses).index(column)
        pairs = zip(self.guessed, self.true, strict=True)
        return [self.guesses[column].right(guessed[:, k], true[:, k]) for guessed, true in pairs]

    def excesses(self, chosen: Sequence, rng: np.random.Generator) -> dict[object, Excess]:
        """Return for each column how much more often it is guessed right on members, of what is possible."""
        return {column: excess(*self.right(column), rng, looks=len(chosen), possible=True) for column in chosen}

    def with_level(self, column: object, level: float) -> list[tuple[int, int, int]]:
        """Return how many have a level, of how many it is guessed, and of how many rightly; members and others."""
        k = list(self.guesses).index(column)
        has, said = ([side[:, k] == level for side in sides] for sides in (self.true, self.guessed))
        return [(int(h.sum()), int(g.sum()), int((h & g).sum())) for h, g in zip(has, said, strict=True)]


def _guessed(people: Coded, release: Coded, guesses: list[_Guess], gower: Gower) -> np.ndarray:
    """Return what is guessed of people, float, shape (n_people, n_guesses)."""
    own, others = ([guess.read(table) for guess in guesses] for table in (people, release))

    def nearest(distance: np.ndarray, start: int) -> np.ndarray:
        closest = np.empty((len(distance), len(guesses)), dtype=int)
        for i, row in enumerate(distance):
            for k, guess in enumerate(guesses):
                # over the columns that the attacker knows: without the one that is guessed
                closest[i, k] = np.argmin(row - guess.apart(own[k][start + i], others[k]))
        return closest

    closest = np.concatenate(gower.map_blocks(people, release, nearest))
    return np.column_stack([release.values[closest[:, k], g.column] for k, g in enumerate(guesses)])


def _with_rare_levels(train: Coded, chosen: Sequence, most: int) -> list:
    """Return columns with rare levels: of those chosen all, and a few others, those with the rarest first."""
    least = {column: min(rare.values()) for column in train.names if (rare := _rare(train, column))}
    others = sorted((column for column in least if column not in chosen), key=least.get)
    return [column for column in chosen if column in least] + others[:most]


def _rare(train: Coded, column: object) -> dict[float, float]:
    """Return the rare levels of a column, and the share of each."""
    values = train.values[:, train.names.index(column)]
    level, count = np.unique(values[~np.isnan(values)], return_counts=True)
    if train.columns[train.names.index(column)].is_number and len(level) > _LEVELS:
        return {}
    is_rare = (count <= _RARE * len(values)) & (count >= _CARRIERS)
    return dict(zip(level[is_rare], count[is_rare] / len(values), strict=True))


def _rare_levels(tried: _Tried, train: Coded, columns: Sequence) -> pd.DataFrame:
    """Return precision and recall of every rare level, and the chance that they are as high among others."""
    rows = []
    for column in columns:
        of, levels = train.columns[train.names.index(column)], _rare(train, column)
        for level, share in levels.items():
            ours, theirs = tried.with_level(column, level)
            if ours[0] < _CARRIERS:
                continue
            chance = min(chance_of(ours[2], ours[k], theirs[2], theirs[k]) for k in (0, 1))
            rates = [side[2] / max(side[k], 1) for k in (1, 0) for side in (ours, theirs)]
            named = f"{level:g}" if of.is_number else of.levels[int(level)]
            rows.append((column, named, level, share, ours[0], theirs[0], *rates, 2 * chance))
    names = ["column", "level", "code", "share", "people train", "people holdout", "precision train"]
    names += ["precision holdout", "recall train", "recall holdout", "chance"]
    frame = pd.DataFrame(rows, columns=names)
    frame["chance"] = (frame["chance"] * len(frame)).clip(upper=1.0)  # the best of so many (Bonferroni)
    return frame.sort_values("chance", kind="stable").reset_index(drop=True)


def _score_of_rare(frame: pd.DataFrame, tried: dict[str, _Tried]) -> Score:
    """Judge the rare level that betrays most, by the recall and, where that is low, the precision."""
    worst = frame.iloc[0]
    (value, error), *beside = (
        _recall_excess(*tried[name].with_level(worst["column"], worst["code"]))
        for name in ("synthetic", "floor", "ceiling")
    )
    low, high = max(value - 1.96 * error, -1.0), min(value + 1.96 * error, 1.0)
    is_sure = worst["chance"] < ALARM
    verdict = judge_excess(value, low, high, _RARE_GREEN, _RARE_AMBER, blind=_BLIND, is_sure=is_sure)
    sentence = (
        f"Of the people with {worst['column']} = {worst['level']} ({worst['share']:.1%}), sought in the same way, "
        f"{worst['recall train']:.0%} of those learned from are found and {worst['recall holdout']:.0%} of those "
        f"held out; who is named has it in {worst['precision train']:.0%} and {worst['precision holdout']:.0%} "
        f"of cases (the most telling of {len(frame)} rare levels): {_MEANS[verdict]}."
    )
    return Score.of(_OF_RARE, value, (low, high), (beside[0][0], beside[1][0]), verdict=verdict, sentence=sentence)


def _recall_excess(ours: tuple[int, int, int], theirs: tuple[int, int, int]) -> tuple[float, float]:
    """Return how much more of the people with a level are found among members, of what is possible; and its error."""
    found = [(hit + 0.5) / (has + 1) for has, _, hit in (ours, theirs)]
    error = np.sqrt(sum(p * (1 - p) / (side[0] + 1) for p, side in zip(found, (ours, theirs), strict=True)))
    left = 1 - found[1]
    return float((found[0] - found[1]) / left), float(error / left)


def _score(sides: Sides, frame: pd.DataFrame) -> Score:
    """Judge the column that betrays most: the worst verdict, and of these the largest excess."""
    worst = (
        frame.assign(rank=frame["verdict"].map(VERDICTS.index).clip(lower=VERDICTS.index("green")))
        .sort_values(["rank", "excess"])
        .iloc[-1]
    )
    chosen = f"the worst of {len(frame)} columns" if len(frame) > 1 else "the only column tried"
    sentence = (
        f"An attacker who knows all else and copies {worst['column']} from the most similar synthetic record is "
        f"right for {worst['train']:.1%} of people learned from and {worst['holdout']:.1%} of people held out, "
        f"{worst['excess']:+.1%} of what is possible ({chosen}; with other {sides.word} records as the release "
        f"{worst['other records']:+.1%}): {_MEANS[worst['verdict']]}."
    )
    ends, beside = (worst["low"], worst["high"]), (worst["floor"], worst["other records"])
    return Score.of(_WHAT, worst["excess"], ends, beside, verdict=worst["verdict"], sentence=sentence)


QUESTION = Question(
    name="attribute inference",
    chapter="privacy",
    measure=measure,
    weight=5,
    needs=("holdout", "people", "two columns"),
    tables=("attribute inference", "attribute inference: rare levels"),
    is_attack=True,
    readme=("attribute inference",),
    words={
        "attribute inference": (
            "An attacker knows all of somebody but one thing, and copies that from the most similar synthetic "
            "record. What counts is how much more often this is right for people learned from than for people "
            "held out, as a share of what is possible; and for rare levels, of whom are found (recall) and how "
            "many named have it (precision)."
        ),
    },
)
