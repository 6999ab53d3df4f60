"""Is it so for everybody? Number, likeness, usefulness and risk of each group of people, and the worst of them.

The groups are those of the columns that a Dataset declares as sensitive. One score a measure names
the worst group. Its interval allows for the search among all of them (Bonferroni: with k groups
each interval is as wide as it takes to be wrong in 5 / k % of cases, so that all of them hold
together in 95 %). A group is worst where its gap has the worst verdict, and of these where it is
largest even at the low end of its interval. Green: no larger than the measure's limit, or an
interval that reaches no gap at all, unless it reaches what would be red, too: then nothing can be told, and the
group is grey. The limits stand beside each measure, in `_group_distances`, `_group_detection` and `_group_models`.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.core.verdicts import VERDICTS
from shd.compare.fairness.c2st import judge_told
from shd.compare.fairness.distances import (
    NEAREST,
    ROWS,
    judge_distances,
    judge_nearness,
    judge_shares,
    measure_distances,
    measure_nearness,
)
from shd.compare.fairness.gaps import Gap, gap_frame
from shd.compare.fairness.groups import (
    FEWEST,
    FEWEST_TOLD,
    by_group,
    find_groups,
    large_enough,
    members,
    prepare_groups,
)
from shd.compare.fairness.models import group_utility, judge_models, odds_differences
from shd.dataset import Dataset

__all__ = ["group_dcr_shares", "group_distances", "group_shares", "group_utility", "measure", "odds_differences"]


def group_shares(
    train: Dataset | pd.DataFrame | Coded, synthetic: Dataset | pd.DataFrame | Coded, sensitive: Sequence | None = None
) -> pd.DataFrame:
    """Return the share of each group among real and among synthetic records.

    Parameters
    ----------
    train, synthetic : Dataset or DataFrame
    sensitive : sequence of str, optional
        Columns that describe groups; by default those that train declares.

    Returns
    -------
    DataFrame
        One row a group with at least 100 train records: ``column``, ``group``, ``train`` and
        ``synthetic`` (0 to 1), and ``gap``, the difference by the share in train (1: it vanished, or
        there are twice as many).

    Raises
    ------
    ShdError
        Where no column is named, or none has two groups that are large enough.

    References
    ----------
    Bhanot et al. (2021), *The Problem of Fairness in Synthetic Healthcare Data*, Entropy,
    doi 10.3390/e23091165.
    """
    (train, synthetic), groups = prepare_groups({"train": train, "synthetic": synthetic}, sensitive)
    real, made = (members(groups, table).mean(axis=0) for table in (train, synthetic))
    return by_group(groups, {"train": real, "synthetic": made, "gap": np.abs(made / real - 1)})


def group_distances(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded,
    sensitive: Sequence | None = None,
    rows: int = ROWS,
    random_state: int = 0,
) -> pd.DataFrame:
    """Return how far the columns of each group are from train, and how far those of real people are.

    The distance is the mean of `column_distances` within the group. Small groups differ by chance
    alone, so that everything is measured on equally many synthetic and held-out records, and beside
    it once more on as many records of all people.

    Parameters
    ----------
    train, synthetic, holdout : Dataset or DataFrame
    sensitive : sequence of str, optional
        Columns that describe groups; by default those that train declares.
    rows : int
        Most records of a group that are looked at.
    random_state : int

    Returns
    -------
    DataFrame
        One row a group with at least 100 train records and 50 in each other table: ``column``,
        ``group``, ``records``, ``distance``, ``reference`` (held-out people), both 0 to 1, and
        ``gap``: distance less reference, less the same for as many of all people.

    Raises
    ------
    ShdError
        Where no column is named, none has two groups that are large enough, or there is no other column.

    References
    ----------
    Bhanot et al. (2021), doi 10.3390/e23091165.
    """
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    (train, synthetic, holdout), groups = prepare_groups(given, sensitive)
    groups = large_enough(groups, synthetic, holdout)
    if len(train.names) < 2 or not groups:
        raise ShdError(f"no group has {FEWEST} records in every table and a column beside its own; give more of both.")
    tables = {"train": train, "synthetic": synthetic, "holdout": holdout}
    found = measure_distances(groups, tables, rows, random_state)
    facts = {
        "records": [f.records for f in found],
        "distance": [f.distance for f in found],
        "reference": [f.reference for f in found],
        "gap": [f.gap("synthetic")[0] for f in found],
    }
    return by_group(groups, facts)


def group_dcr_shares(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded,
    sensitive: Sequence | None = None,
    rows: int = NEAREST,
    random_state: int = 0,
) -> pd.DataFrame:
    """Return, for each group of real people, how often the synthetic record nearest to them lies near train.

    Each synthetic record belongs to the group of the real record nearest to it, be that in train or
    in the holdout. If it counted for the group of its nearest train record alone, groups that are
    rare would fall below 0.5 for no other reason than that. Ties count half for both sides.

    Parameters
    ----------
    train, synthetic, holdout : Dataset or DataFrame
    sensitive : sequence of str, optional
        Columns that describe groups; by default those that train declares.
    rows : int
        Most synthetic records that are looked at. Train and holdout are cut to the same size, to at
        most 20,000 records.
    random_state : int

    Returns
    -------
    DataFrame
        One row a group: ``column``, ``group``, ``records`` (synthetic ones nearest to it; they may
        be a half) and ``DCR share``, 0 to 1; above 0.5: nearer to people learned from.

    Raises
    ------
    ShdError
        Where no column is named, or none has two groups that are large enough.

    References
    ----------
    Platzer, Reutterer (2021), doi 10.3389/fdata.2021.679939.
    """
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    (train, synthetic, holdout), groups = prepare_groups(given, sensitive)
    near = measure_nearness(groups, train, synthetic, holdout, rows, random_state, drawn=False)
    return by_group(groups, {"records": near.records, "DCR share": near.share})


def measure(sides: Sides) -> Answer:
    """Ask of each group whether it is there, alike, served, and at risk."""
    groups, skipped = find_groups(sides.train, sides.sensitive)
    small, _ = find_groups(sides.train, sides.sensitive, FEWEST_TOLD)
    parts = [judge_told(sides, small)] if small else []
    if not groups and not any(part.scores for part in parts):
        return Answer(skipped=skipped)
    parts += [judge_shares(sides, groups)] if groups else []
    large = large_enough(groups, sides.synthetic, sides.test)
    few = ", ".join(str(group) for group in groups if group not in large)
    if few:
        why = f"takes {FEWEST} synthetic records of the group and {FEWEST} {sides.word} ones to test on"
        skipped.append(Skipped(f"fairness beyond the number of records: {few}", why))
    if large:
        parts += [judge(sides, large) for judge in (judge_distances, judge_models, judge_nearness)]
    tables = {name: getattr(sides, name) for name in ("train", "synthetic", "test")}
    groups = [*groups, *(group for group in small if group not in groups)]
    frame = by_group(groups, {f"records {name}": members(groups, table).sum(axis=0) for name, table in tables.items()})
    for part in parts:
        if part.facts is not None:
            frame = frame.merge(part.facts, "left", on=["column", "group"])
    gaps = [gap for part in parts for gap in part.gaps]
    frame["verdict"] = [_verdict(gaps, name) for name in zip(frame["column"], frame["group"], strict=True)]
    further = {name: own for part in parts for name, own in part.frames.items()}
    return Answer(
        [score for part in parts for score in part.scores],
        {"fairness": frame, "group gaps": gap_frame(gaps), **further},
        [*skipped, *(note for part in parts for note in part.skipped)],
    )


def _verdict(gaps: Sequence[Gap], name: tuple) -> str:
    """Return the worst verdict of one group that says something."""
    return max((gap.verdict for gap in gaps if gap.name == name), key=VERDICTS.index, default="grey")


QUESTION = Question(
    name="groups of people",
    chapter="fairness",
    measure=measure,
    show="chapters.fairness:groups",
    weight=14,
    needs=("groups",),
    tables=("fairness", "group gaps", "group rates", "group differences"),
    readme=("group fidelity", "group utility", "equalised odds"),
    words={
        "demographic parity, equalised odds": (
            "How much groups differ in the share that a model flags: of all, or of those with and of those "
            "without the outcome. What counts is whether learning from synthetic records makes it worse than "
            "learning from real ones."
        ),
    },
)
