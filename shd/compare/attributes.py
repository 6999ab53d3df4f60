"""Can an attacker fill in what a person kept to themselves? Attribute inference against people held out.

The attacker knows all but one column of a person's record, and takes the missing value from the
synthetic record that is nearest in the others. That works on anybody as far as columns hang
together. What works better on people learned from than on people held out betrays those people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.compare._attacks import Excess, Stage, entropies, excess, judge_excess, obstacle, stage_of, stages
from shd.compare._coded import Coded, align
from shd.compare._gower import Gower
from shd.compare._resample import generator
from shd.compare._schema import VERDICTS, Answer, Inputs, Score, Skipped
from shd.dataset import Dataset, role_of

_WHAT = "attribute inference"
_PEOPLE = 2000
_MOST, _BY_ENTROPY = 6, 3  # attributes tried, and how many where none is named
_CLOSE = 0.1  # standard deviations within which a number counts as guessed
_MEANS = {
    "green": "the release says about its people what it says about anybody",
    "amber": "the release says a little more about its people than about anybody",
    "red": "the release betrays its people",
}


def attribute_inference(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded,
    columns: Sequence | None = None,
    people: int = _PEOPLE,
    random_state: int = 0,
) -> pd.DataFrame:
    """Guess columns of people from the nearest synthetic record, and compare people learned from and held out.

    Nearest by Gower's distance over all other columns. A category is guessed when it is the same, a
    number when it lies within a tenth of its standard deviation in train.

    Parameters
    ----------
    train, synthetic, holdout : Dataset or DataFrame
    columns : sequence, optional
        What is guessed, one column at a time. By default the sensitive columns and the target of
        train; without either the three categories with the highest entropy.
    people : int
        Most people of train, and as many of the holdout.
    random_state : int

    Returns
    -------
    DataFrame
        One row a column: ``column``, the share guessed right, 0 to 1, in ``train`` and ``holdout``,
        their difference ``excess``, -1 to 1, and its 95 % interval ``low`` and ``high``, by person.

    Raises
    ------
    ShdError
        Where a column is unknown, there is but one, or a table has fewer than 20 people.

    References
    ----------
    Giomi, Boenisch, Wehmeyer, Tasnádi (2023), *A Unified Framework for Quantifying Privacy Risk in
    Synthetic Data*, PoPETs, arXiv 2211.10459: the excess over people held out as the risk.
    """
    roles = (role_of(train, "sensitive", ()), role_of(train, "target"))
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    tables, _ = align(*given.values(), names=list(given))
    names = tables[0].names
    chosen = _attributes(tables[0], *roles) if columns is None else list(columns)
    unknown = [column for column in chosen if column not in names]
    if unknown or not chosen or len(names) < 2:
        what = f"column {unknown[0]!r} is not one that all tables share" if unknown else "there is nothing to guess"
        raise ShdError(f"attribute inference: {what}; name some of {names[:6]}, beside others that the attacker knows.")
    stage = stage_of(dict(zip(given, tables, strict=True)), people, random_state, _WHAT)
    found = _attack(stage, tables[0], chosen, generator(random_state, "attribute weights"))
    rows = [(column, e.members, e.others, e.value, e.low, e.high) for column, e in found.items()]
    return pd.DataFrame(rows, columns=["column", "train", "holdout", "excess", "low", "high"])


def measure(inputs: Inputs) -> Answer:
    """Guess every sensitive column through the release, the floor, and other real records; judge the worst."""
    why = obstacle(inputs, columns=2)
    chosen = _attributes(inputs.train, inputs.sensitive, inputs.target)
    if why is not None or not chosen:
        return Answer(skipped=[Skipped(_WHAT, why or "no column varies")])
    rng = generator(inputs.random_state, _WHAT)
    found = {name: _attack(s, inputs.train, chosen, rng) for name, s in stages(inputs, _PEOPLE, rng).items()}
    rows = [
        (column, e.members, e.others, e.value, e.low, e.high, found["floor"][column].value,
         found["ceiling"][column].value, judge_excess(e.value, e.low))
        for column, e in found["synthetic"].items()
    ]  # fmt: skip
    names = ["column", "train", "holdout", "excess", "low", "high", "floor", "other records", "verdict"]
    frame = pd.DataFrame(rows, columns=names)
    return Answer([_score(inputs, frame)], {_WHAT: frame})


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


def _attack(stage: Stage, train: Coded, chosen: Sequence, rng: np.random.Generator) -> dict[object, Excess]:
    """Return for each column how much more often it is guessed right on members than on others."""
    guesses = [_Guess.of(train.names.index(column), train) for column in chosen]
    gower = Gower.of(train)
    won = [_won(side, stage.release, guesses, gower) for side in (stage.members, stage.others)]
    return {column: excess(won[0][:, k], won[1][:, k], rng, looks=len(chosen)) for k, column in enumerate(chosen)}


def _won(people: Coded, release: Coded, guesses: list[_Guess], gower: Gower) -> np.ndarray:
    """Return whose columns are guessed right, bool, shape (n_people, n_guesses)."""
    own, others = ([guess.read(table) for guess in guesses] for table in (people, release))

    def nearest(distance: np.ndarray, start: int) -> np.ndarray:
        closest = np.empty((len(distance), len(guesses)), dtype=int)
        for i, row in enumerate(distance):
            for k, guess in enumerate(guesses):
                # over the columns that the attacker knows: without the one that is guessed
                closest[i, k] = np.argmin(row - guess.apart(own[k][start + i], others[k]))
        return closest

    closest = np.concatenate(gower.map_blocks(people, release, nearest))
    values = [(release.values[closest[:, k], g.column], people.values[:, g.column]) for k, g in enumerate(guesses)]
    return np.column_stack([guess.right(*pair) for guess, pair in zip(guesses, values, strict=True)])


def _score(inputs: Inputs, frame: pd.DataFrame) -> Score:
    """Judge the column that betrays most: the worst verdict, and of these the largest excess."""
    worst = frame.assign(rank=frame["verdict"].map(VERDICTS.index)).sort_values(["rank", "excess"]).iloc[-1]
    beside = f"the worst of {len(frame)} columns" if len(frame) > 1 else "the only column tried"
    sentence = (
        f"An attacker who knows all else and copies {worst['column']} from the most similar synthetic record is right "
        f"for {worst['train']:.1%} of people learned from and {worst['holdout']:.1%} of people held out, "
        f"{100 * worst['excess']:+.1f} points ({beside}; with other {inputs.word} records as the release "
        f"{100 * worst['other records']:+.1f}): {_MEANS[worst['verdict']]}."
    )
    numbers = (float(worst[name]) for name in ("excess", "low", "high", "floor", "other records"))
    return Score("privacy", _WHAT, *numbers, worst["verdict"], "lower", sentence)
