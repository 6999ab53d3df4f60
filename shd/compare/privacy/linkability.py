"""Can an attacker bring two halves of a person's record together? Linkability, against people held out.

Two files each hold half of a person's columns, and no name. The attacker looks for the synthetic records nearest to
either half, and takes two halves for the same person when one synthetic record is among both (Article 29 Data
Protection Working Party 2014, *Opinion 05/2014 on Anonymisation Techniques*, WP216; Giomi, Boenisch, Wehmeyer, Tasnádi
2023, *A Unified Framework for Quantifying Privacy Risk in Synthetic Data*, PoPETs, arXiv 2211.10459).
"""

import numpy as np
import pandas as pd

from shd.compare.core.attacks import EXCESS, Excess, Stage, entropies, excess, stages
from shd.compare.core.chance import generator
from shd.compare.core.gower import Gower
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, judge_excess
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

_WHAT = "linkability"
_PEOPLE = 750
_NEIGHBOURS = 5
_SPLITS = 2  # ways to cut the columns in halves
_MEANS = {
    "grey": "so few cannot show more",
    "green": "this attack does not bring the records of people together",
    "amber": "it may help to bring records of some people together",
    "red": "it helps to bring records of people together",
}


def measure(sides: Sides) -> Answer:
    """Link through the release, the floor, and other real records."""
    rng = generator(sides.random_state, _WHAT)
    splits = _halves(sides.train, rng)
    found = {name: _attack(stage, splits, sides.train, rng) for name, stage in stages(sides, _PEOPLE, rng).items()}
    own, ceiling = found["synthetic"], found["ceiling"].value
    verdict = judge_excess(own.value, own.low, own.high)
    sentence = (
        f"An attacker who holds two halves of a person's columns links them through the release for "
        f"{own.members:.1%} of people learned from and {own.others:.1%} of people held out, "
        f"{100 * own.value:+.1f} points (with other {sides.word} records as the release {100 * ceiling:+.1f}): "
        f"{_MEANS[verdict]}."
    )
    score = Score.of(
        _WHAT, own.value, (own.low, own.high), (found["floor"].value, ceiling), verdict=verdict, sentence=sentence
    )
    rows = [(name, *one.row) for name, one in found.items()]
    return Answer([score], {_WHAT: pd.DataFrame(rows, columns=["release", *EXCESS])})


def _halves(table: Coded, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut the columns in halves several times: of each two columns of like entropy one goes to either side."""
    order = np.argsort(-entropies(table), kind="stable")
    splits = []
    for _ in range(_SPLITS):
        pairs = [rng.permutation(order[i : i + 2]) for i in range(0, len(order), 2)]
        splits.append(tuple(np.sort([pair[side] for pair in pairs if side < len(pair)]) for side in (0, 1)))
    return splits


def _attack(stage: Stage, splits: list, train: Coded, rng: np.random.Generator) -> Excess:
    """Return how much more often members are linked than others, the mean over the ways to cut the columns."""
    neighbours = min(_NEIGHBOURS, len(stage.release))
    won = [
        np.mean([_linked(side, stage.release, halves, train, neighbours) for halves in splits], axis=0)
        for side in (stage.members, stage.others)
    ]
    return excess(*won, rng)


def _linked(people: Coded, release: Coded, halves: tuple, train: Coded, neighbours: int) -> np.ndarray:
    """Return whether one synthetic record is among the nearest of both halves, bool, shape (n_people,)."""
    nearest = []
    for columns in halves:
        part, own, others = (_only(table, columns) for table in (train, people, release))
        nearest.append(Gower.of(part).nearest_few(own, others, neighbours)[1])
    return (nearest[0][:, :, None] == nearest[1][:, None, :]).any(axis=(1, 2))


def _only(table: Coded, columns: np.ndarray) -> Coded:
    return Coded(table.values[:, columns], tuple(table.columns[j] for j in columns), table.subjects)


QUESTION = Question(
    name="linkability",
    chapter="privacy",
    measure=measure,
    weight=3,
    needs=("holdout", "people", "two columns"),
    tables=("linkability",),
    is_attack=True,
    readme=("linkability",),
    words={
        "linkability": (
            "An attacker holds two halves of a person's columns and tries to match them through the synthetic "
            "records. What counts is the success for people learned from beyond that for people held out."
        ),
    },
)
