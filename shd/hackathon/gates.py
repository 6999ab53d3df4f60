"""Gates before the rank: what a synthetic table or stack of pictures must be before anybody asks how good it is.

Without them the rank can be won by what nobody wants: three columns of forty-two teach a model as much as all of them,
and a copy of train beats every synthesizer. Measured on the diabetes table: with all columns but three held constant,
coverage of real people falls to .15, where columns drawn one by one reach .82 and honest tables .97; a table in which
one record in ten is copied from train is found by each of the three questions of privacy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shd.compare.core.result import Result
from shd.compare.core.score import VERDICTS, Score

NAMES = ("schema", "coverage", "copies", "membership")
COPIES = ("verbatim copies", "near copies", "exact copies", "too near", "nearer to train")
"""Scores that count copies of people learned from: of tables, and of pictures."""

_SURE = 1.68  # times as wide as at 95 %: at a gate chance may decide once in a thousand times


@dataclass(frozen=True)
class Gate:
    """One gate: whether it was passed, and why or why not."""

    name: str  # of NAMES
    passed: bool
    reason: str

    def to_dict(self) -> dict:
        """Return it as JSON knows it."""
        return dict(vars(self))


def schema_gate(problems: Sequence[str]) -> Gate:
    """Tell whether the schema is whole, from what a check found that loses the track."""
    if not problems:
        return Gate("schema", True, "all columns are there, with known levels and plausible numbers")
    more = f" (and {len(problems) - 1} more: see shd challenge check)" if len(problems) > 1 else ""
    return Gate("schema", False, f"{problems[0]}{more}")


def measured_gates(result: Result, fails_at: str = "amber") -> tuple[Gate, ...]:
    """Return the gates that take a comparison with people; `fails_at` is the verdict of attacks that is too bad."""
    attacks = [score for score in result.scores if score.metric.startswith("membership")]
    copies = [score for score in result.scores if score.metric in COPIES]
    return (
        _coverage(result),
        _privacy("copies", copies, "amber", _why_not(result, "copies")),
        _privacy("membership", attacks, fails_at, _why_not(result, "membership")),
    )


def _coverage(result: Result) -> Gate:
    """Fail what surely covers less than the floor, which is one draw, too, with as wide an interval of its own."""
    found = result.score("coverage")
    if found is None or found.floor is None:
        return Gate("coverage", True, f"could not be measured: {_why_not(result, 'coverage') or 'too few people'}")
    passed = found.value + _SURE * math.sqrt(2) * (found.high - found.value) >= found.floor
    reason = (
        f"{found.value:.0%} of {result.about.word} people have a synthetic one nearby ({found.low:.0%} to "
        f"{found.high:.0%}); independent ones reach {found.floor:.0%}"
    )
    return Gate("coverage", passed, reason if passed else f"{reason}: too many people have no like here")


def _privacy(name: str, scores: Sequence[Score], fails_at: str, why_not: str) -> Gate:
    """Fail where any score raises an alarm; say the worst of them."""
    if not scores:
        return Gate(name, True, f"could not be measured: {why_not or 'too few people'}")
    worst = max(scores, key=lambda score: VERDICTS.index(score.verdict))  # the first of equals
    passed = VERDICTS.index(worst.verdict) < VERDICTS.index(fails_at)
    return Gate(name, passed, worst.sentence.rstrip("."))


def _why_not(result: Result, name: str) -> str:
    return next((note.why for note in result.skipped if name in note.what), "")
