"""Groups of people whose synthetic records give themselves away, more than those of all people do."""

from collections.abc import Sequence

import numpy as np

from shd._parallel import in_parallel
from shd.compare.core.attacks import count_people
from shd.compare.core.chance import generator, sample_records
from shd.compare.core.score import Skipped, wider
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.fairness.groups import Group, by_group
from shd.compare.fairness.worst_group import Judged, Measure, describe_choice, find_gaps, worst_gap, write_points
from shd.compare.fidelity.c2st import FEWEST, NEIGHBOURS, PAIRS, separated, train_folds

TOLD = Measure("group C2ST", 0.05, 0.15)  # of the AUROC, more than for as many of all people
ROWS = 500  # most records a side
_DRAWS = 3  # of as many of all people: one of them is a matter of luck
_JUDGES = (PAIRS, NEIGHBOURS)  # quick with few records; trees learn little from so few


def judge_told(sides: Sides, groups: Sequence[Group]) -> Judged:
    """Tell synthetic from real records within each group, and among as many of all people.

    Small groups are judged, too: of twenty records that are noise nearly all give themselves away. They have to be
    those of twenty people: a judge knows the few people of a group again by their records.
    """
    tables = {"synthetic": sides.synthetic, "real": sides.test}
    groups = [g for g in groups if all(_n_people(g, table) >= FEWEST for table in tables.values())]
    if not groups or len(sides.train.names) < 2:
        why = f"takes {FEWEST} people of a group among {sides.word} and synthetic records, and a column beside its own"
        return Judged(skipped=[Skipped(TOLD.metric, why)])
    drawn = np.column_stack(in_parallel(lambda group: _beyond(group, tables, sides), groups))
    # no floor: independent columns give every group away alike
    none, ceiling = np.full(len(groups), np.nan), np.zeros(len(groups))
    gaps = find_gaps(TOLD, [group.name for group in groups], drawn[0], drawn[1:], none, ceiling, -1, 1)
    worst = worst_gap(gaps)
    sentence = (
        f"Within {worst} a classifier picks the synthetic of two records {write_points(worst.value)} points more "
        f"often than among as many of all people.{describe_choice(gaps)}"
    )
    return Judged([worst.score(sentence)], gaps, by_group(groups, {"C2ST beyond all": drawn[0]}))


def _n_people(group: Group, table: Coded) -> int:
    return count_people(table.take(group.is_in(table)))


def _beyond(group: Group, tables: dict[str, Coded], sides: Sides) -> np.ndarray:
    """Return by how much better a judge tells records of the group than of as many people, value and replicates.

    The best judge of the group counts, beside the mean of the same judge over draws of all people.
    """
    made, real = (table.take(group.is_in(table)) for table in tables.values())
    rows = min(sides.most(ROWS, ROWS // 2), len(made), len(real))
    own = [separated(train_folds(made, real, rows, sides.random_state, judge)) for judge in _JUDGES]
    at = int(np.argmax([found[0] for found in own]))
    purpose = f"group C2ST {group}"
    of_all = []
    for draw in range(_DRAWS):
        rng = generator(sides.random_state, f"{purpose} {draw}")
        drawn = [sample_records(table, rows, rng) for table in tables.values()]
        of_all.append(separated(train_folds(*drawn, rows, sides.random_state, _JUDGES[at])))
    # replicates of several draws vary as one of them does, by the root of how many there are less
    base = np.mean([found[0] for found in of_all])
    spread = np.mean([found[1:] - found[1:].mean() for found in of_all], axis=0)
    inside = (own[at][1:] - own[at][1:].mean()) * wider(len(_JUDGES))  # for having asked both
    return np.append(own[at][0] - max(base, 0.5), inside - spread)
