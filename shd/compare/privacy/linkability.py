"""Can an attacker bring two halves of a person's record together? Linkability, against people held out.

Two files each hold half of a person's columns, and no name. The attacker looks for the synthetic
records nearest to either half, and takes two halves for the same person when one synthetic record
is among both.
"""

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.compare.core.attacks import (
    Excess,
    Stage,
    check_count,
    entropies,
    excess,
    judge_excess,
    stage_of,
    stages,
)
from shd.compare.core.chance import generator
from shd.compare.core.gower import Gower
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, align
from shd.dataset import Dataset

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


def linkability_risk(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded,
    neighbours: int = _NEIGHBOURS,
    people: int = _PEOPLE,
    random_state: int = 0,
) -> pd.Series:
    """Link two halves of people's columns through the synthetic records nearest to both.

    The columns are cut twice in two disjoint halves at random, so that both tell about equally
    much (by entropy). A link is made where one synthetic record is among the `neighbours` nearest,
    by Gower's distance, of both halves.

    Parameters
    ----------
    train, synthetic, holdout : Dataset or DataFrame
    neighbours : int
        How many synthetic records are looked at for each half.
    people : int
        Most people of train, and as many of the holdout.
    random_state : int

    Returns
    -------
    pandas.Series of float
        The share of people linked, 0 to 1, of ``train`` and of ``holdout``, their difference ``excess``,
        -1 to 1, and its 95 % interval ``low`` and ``high``, by person.

    Raises
    ------
    ShdError
        Where the tables share one column only, a table has fewer than 20 people, or there are not
        more synthetic records than neighbours.

    References
    ----------
    Article 29 Data Protection Working Party (2014), *Opinion 05/2014 on Anonymisation Techniques*,
    WP216. Giomi, Boenisch, Wehmeyer, Tasnádi (2023), *A Unified Framework for Quantifying Privacy
    Risk in Synthetic Data*, PoPETs, arXiv 2211.10459.
    """
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    tables, _ = align(*given.values(), names=list(given))
    check_count(neighbours, "neighbours")
    if len(tables[0].names) < 2:
        raise ShdError("linkability: the tables share one column only; give two or more, for there are two halves.")
    if len(tables[1]) <= neighbours:
        raise ShdError(f"linkability: {len(tables[1])} synthetic records for {neighbours} neighbours; ask for fewer.")
    stage = stage_of(dict(zip(given, tables, strict=True)), people, random_state, _WHAT)
    rng = generator(random_state, "halves of columns")
    e = _attack(stage, _halves(tables[0], rng), tables[0], neighbours, rng)
    return pd.Series({"train": e.members, "holdout": e.others, "excess": e.value, "low": e.low, "high": e.high})


def measure(sides: Sides) -> Answer:
    """Link through the release, the floor, and other real records."""
    rng = generator(sides.random_state, _WHAT)
    splits = _halves(sides.train, rng)
    found = {
        name: _attack(stage, splits, sides.train, min(_NEIGHBOURS, len(stage.release)), rng)
        for name, stage in stages(sides, _PEOPLE, rng).items()
    }
    e, floor, ceiling = found["synthetic"], found["floor"].value, found["ceiling"].value
    verdict = judge_excess(e.value, e.low, e.high)
    sentence = (
        f"An attacker who holds two halves of a person's columns links them through the release for {e.members:.1%} "
        f"of people learned from and {e.others:.1%} of people held out, {100 * e.value:+.1f} points (with other "
        f"{sides.word} records as the release {100 * ceiling:+.1f}): {_MEANS[verdict]}."
    )
    score = Score("privacy", _WHAT, e.value, e.low, e.high, floor, ceiling, verdict, "lower", sentence)
    rows = [(name, one.members, one.others, one.value, one.low, one.high) for name, one in found.items()]
    return Answer(
        [score], {_WHAT: pd.DataFrame(rows, columns=["release", "train", "holdout", "excess", "low", "high"])}
    )


def _halves(table: Coded, rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    """Cut the columns in halves several times: of each two columns of like entropy one goes to either side."""
    order = np.argsort(-entropies(table), kind="stable")
    splits = []
    for _ in range(_SPLITS):
        pairs = [rng.permutation(order[i : i + 2]) for i in range(0, len(order), 2)]
        splits.append(tuple(np.sort([pair[side] for pair in pairs if side < len(pair)]) for side in (0, 1)))
    return splits


def _attack(stage: Stage, splits: list, train: Coded, neighbours: int, rng: np.random.Generator) -> Excess:
    """Return how much more often members are linked than others, the mean over the ways to cut the columns."""
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
