"""Is it so for everybody? Number, likeness, usefulness and risk of each group of people, and the worst of them.

The groups are those of the columns that a Dataset declares as sensitive. One score a measure names
the worst group. Its interval allows for the search among all of them (Bonferroni: with k groups
each interval is as wide as it takes to be wrong in 5 / k % of cases, so that all of them hold
together in 95 %). A group is worst where its gap has the worst verdict, and of these where it is
largest even at the low end of its interval. Green: no larger than the measure's limit, or an
interval that reaches no gap at all, unless it reaches what would be red, too: then nothing can be told, and the
group is grey. The limits stand beside each measure, in `c2st`, `distances` and `models`.

Bhanot et al. (2021), *The Problem of Fairness in Synthetic Healthcare Data*, Entropy, doi 10.3390/e23091165.
"""

from collections.abc import Sequence

from shd.compare.core.question import Answer, Question
from shd.compare.core.score import VERDICTS, Skipped
from shd.compare.core.sides import Sides
from shd.compare.fairness.c2st import judge_told
from shd.compare.fairness.distances import judge_distances, judge_nearness, judge_shares
from shd.compare.fairness.groups import FEWEST, FEWEST_TOLD, by_group, find_groups, large_enough, members
from shd.compare.fairness.models import judge_models
from shd.compare.fairness.worst_group import Gap, gap_frame


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
