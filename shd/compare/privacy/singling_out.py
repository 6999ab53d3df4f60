"""Does the synthetic table describe single people? Singling out, by predicates made from synthetic records.

The attacker finds descriptions that hold for exactly one synthetic record, and bets that they hold for exactly one
person learned from. Some such bets are won by luck: they are tried on as many people held out, and only what is won
beyond that counts. Univariate: a value that occurs once in a synthetic column (of columns whose values repeat five
times or more on average), and the largest and smallest number (this much or more, or less). Multivariate: values of
several columns of one synthetic record, as few as single it out or more, up to all.

Article 29 Data Protection Working Party (2014), *Opinion 05/2014 on Anonymisation Techniques*, WP216. Cohen, Nissim
(2020), *Towards Formalizing the GDPR's Notion of Singling Out*, PNAS, doi 10.1073/pnas.1914598117. Giomi, Boenisch,
Wehmeyer, Tasnádi (2023), PoPETs, arXiv 2211.10459.
"""

import numpy as np
import pandas as pd

from shd.compare.core.attacks import (
    EXCESS,
    RELEASED,
    REPLICATES,
    Excess,
    budget,
    count_people,
    equal_crowds,
    levels_of,
    quantile_edges,
)
from shd.compare.core.chance import deal, generator, interval, sample_records, subject_weights
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, judge_excess
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

_GREEN_TO, _AMBER_TO = 0.01, 0.03  # excess that is negligible, and an alarm: narrow, for little is won by luck
_WHAT = "singling out"
_PREDICATES, _FEWEST = 1500, 50
_PEOPLE = 50_000  # most people of train, and of the holdout
_REPEATED = 0.2  # values a record, beyond which they hardly repeat
_BINS = 20  # of a number, in conjunctions
_ABOUT = {
    "univariate": "single values that one synthetic record alone has",
    "multivariate": "combinations of values that one synthetic record alone has",
}
_MEANS = {
    "grey": "so few cannot show more",
    "green": "hardly more than luck, so this attack does not pick out single people",
    "amber": "a little more than luck, so some people may be picked out",
    "red": "more than luck, so people can be picked out",
}


def measure(sides: Sides) -> Answer:
    """Try descriptions from the release, the floor, and other real records."""
    rng = generator(sides.random_state, _WHAT)
    people, released = budget(sides, _PEOPLE), budget(sides, RELEASED)
    crowds = equal_crowds(sides.train, sides.holdout, rng, people)
    half = deal(sides.holdout.subjects, 2, rng) == 0
    apart = equal_crowds(sides.train, sides.holdout.take(~half), rng, people)
    found, floors, ceilings = (
        _attack(sample_records(table, released, rng), against, budget(sides, _PREDICATES), rng)
        for table, against in (
            (sides.synthetic, crowds), (sides.floor, crowds), (sides.holdout.take(half), apart),
        )
    )  # fmt: skip
    scores, rows, skipped = [], [], []
    for kind, (tried, own) in found.items():
        if tried < _FEWEST:
            why = f"only {tried} descriptions hold for one synthetic record alone"
            skipped.append(Skipped(f"{_WHAT}, {kind}", why))
            continue
        ends = [side[kind][1].value if side[kind][0] else None for side in (floors, ceilings)]
        scores.append(_score(sides, kind, tried, own, ends, count_people(crowds[0])))
        rows.append((kind, tried, *own.row, *ends))
    frame = pd.DataFrame(rows, columns=["kind", "predicates", *EXCESS, "floor", "other records"])
    return Answer(scores, {_WHAT: frame} if rows else {}, skipped)


def _attack(
    release: Coded, crowds: tuple[Coded, Coded], predicates: int, rng: np.random.Generator
) -> dict[str, tuple[int, Excess]]:
    """Return for each kind how many descriptions there were and what was won by them."""
    return {
        "univariate": _compare(*_by_one_value(release, crowds, predicates, rng), rng),
        "multivariate": _compare(*_by_several(release, crowds, predicates, rng), rng),
    }


def _compare(record: np.ndarray, won: np.ndarray, rng: np.random.Generator) -> tuple[int, Excess]:
    """Compare what was won on both crowds, shape (n, 2), by bootstrap over the records that descriptions come from."""
    if not len(won):
        return 0, Excess(0.0, -1.0, 1.0, 0.0, 0.0)
    members, others = (float(share) for share in won.mean(axis=0))
    weights = subject_weights(record, REPLICATES, rng)
    drawn = weights @ (won[:, 0] - won[:, 1]) / weights.sum(axis=1)
    low, high = interval(members - others, drawn, -1, 1)
    return len(won), Excess(members - others, float(low), float(high), members, others)


def _by_one_value(
    release: Coded, crowds: tuple[Coded, Coded], predicates: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the synthetic record of each univariate description and whether it holds for one person; (n,), (n, 2)."""
    records, won = [], []
    for j, column in enumerate(release.columns):
        values, first, count = np.unique(release.values[:, j], return_index=True, return_counts=True)
        # where values hardly repeat, one that occurs once is nothing rare
        single = np.flatnonzero(count == 1)[: None if len(values) <= _REPEATED * len(release) else 0]
        records.append(first[single])
        won.append(np.column_stack([_held_once(crowd, j, values[single]) for crowd in crowds]))
        known = (~np.isnan(values)).sum()
        for edge, sign in ((0, -1), (known - 1, 1)) if column.is_number and known > 1 else ():
            if count[edge] == 1:  # this much or less, this much or more
                held = [c.subjects[sign * c.values[:, j] >= sign * values[edge]] for c in crowds]
                records.append(first[[edge]])
                won.append([[_is_one_person(subjects) for subjects in held]])
    records, won = np.concatenate(records), np.concatenate(won).astype(float)
    chosen = rng.permutation(len(records))[:predicates]
    return records[chosen], won[chosen]


def _held_once(crowd: Coded, column: int, values: np.ndarray) -> np.ndarray:
    """Return which values of a column exactly one person has, bool, shape (n_values,)."""
    pairs = pd.DataFrame({"value": crowd.values[:, column], "person": crowd.subjects}).drop_duplicates()
    people = pairs["value"].value_counts(dropna=False)
    return people.reindex(values, fill_value=0).to_numpy() == 1


def _is_one_person(subjects: np.ndarray) -> bool:
    return len(subjects) > 0 and bool((subjects == subjects[0]).all())


def _by_several(
    release: Coded, crowds: tuple[Coded, Coded], predicates: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the synthetic record of each multivariate description and whether it holds for one person."""
    coded = [_levels(table, release) for table in (release, *crowds)]
    records, won = [], []
    for record in rng.permutation(len(release))[:predicates]:
        order = rng.permutation(len(release.columns))
        own = coded[0][:, record]
        held, used = _matching(coded[0], own, order, enough=1)
        if len(held) > 1:
            continue  # the record has a double
        # any further value keeps the description true of this record alone, and makes it narrower
        order = order[: rng.integers(used, len(order), endpoint=True)]
        matches = [_matching(table, own, order, enough=0)[0] for table in coded[1:]]
        records.append(record)
        won.append([_is_one_person(c.subjects[rows]) for c, rows in zip(crowds, matches, strict=True)])
    return np.array(records, dtype=int), np.array(won, dtype=float).reshape(-1, 2)


def _matching(table: np.ndarray, own: np.ndarray, order: np.ndarray, enough: int) -> tuple[np.ndarray, int]:
    """Return the rows that agree in one column after another until `enough` are left, and how many columns it took."""
    rows, used = np.flatnonzero(table[order[0]] == own[order[0]]), 1
    while used < len(order) and len(rows) > enough:
        j = order[used]
        rows, used = rows[table[j, rows] == own[j]], used + 1
    return rows, used


def _levels(table: Coded, release: Coded) -> np.ndarray:
    """Return a table as levels, numbers in bins of equally many records of the release; shape (n_columns, n)."""
    coded = np.empty(table.values.shape[::-1], dtype=np.int32)
    for j, column in enumerate(table.columns):
        values = table.values[:, j]
        coded[j] = levels_of(values, quantile_edges(release.values[:, j], _BINS)) if column.is_number else values
    return coded


def _score(sides: Sides, kind: str, tried: int, own: Excess, beside: list, people: int) -> Score:
    ceiling = beside[1]
    verdict = judge_excess(own.value, own.low, own.high, _GREEN_TO, _AMBER_TO)
    other = "" if ceiling is None else f"; with other {sides.word} records as the release {100 * ceiling:+.1f}"
    sentence = (
        f"Of {tried:,} {_ABOUT[kind]}, {own.members:.1%} hold for exactly one of {people:,} people learned from, "
        f"and {own.others:.1%} for exactly one of as many held out, {100 * own.value:+.1f} points{other}: "
        f"{_MEANS[verdict]}."
    )
    return Score.of(f"{_WHAT}: {kind}", own.value, (own.low, own.high), beside, verdict=verdict, sentence=sentence)


QUESTION = Question(
    name="singling out",
    chapter="privacy",
    measure=measure,
    weight=6,
    needs=("holdout", "people"),
    tables=("singling out",),
    is_attack=True,
    readme=("singling out",),
    words={
        "singling out": (
            "An attacker takes values, or combinations of values, that one synthetic record alone has, and wins "
            "where they hold for exactly one real person learned from, more often than for one held out."
        ),
    },
)
