"""Where a score lies between its floor and its ceiling, as a bar of the page."""

import math
from dataclasses import dataclass

from shd.compare.core.score import Score, place

_NO_WAY = 0.01  # a floor and a ceiling nearer than this are no ends of a scale
_IDEAL = {"higher": 1.0, "lower": 0.0, "at 0.5": 0.5}


@dataclass(frozen=True)
class RangeBar:
    """Where a number and its interval lie between two ends, in % of the way from left to right.

    `left` and `right` are what stands at the ends, `label` is the whole in words, for those who do not see it, and
    `marks` are where "floor" and "ceiling" lie, where they are no ends.
    """

    at: float
    low: float
    high: float
    left: str
    right: str
    label: str
    marks: tuple[tuple[str, float], ...] = ()


def range_bar(score: Score, word: str, of_images: bool = False) -> RangeBar:
    """Lay a score between its floor (left) and its ceiling (right); on a plain scale where these meet."""
    ideal = _IDEAL.get(score.better)
    right = ideal if score.ceiling is None else score.ceiling
    if ideal is None or score.floor is None or score.question == "privacy" or not _is_way(score, right):
        return _plain_bar(score)
    left_name = "floor" if of_images else "independent columns"
    other = f"other {word} {'people' if of_images else 'records'}"
    right_name = "ideal" if score.ceiling is None else other
    at, low, high = (_percent(place(v, score.floor, right)) for v in (score.value, score.low, score.high))
    label = f"{score.metric}: {at:.0f} % of the way from {left_name} to {right_name}"
    ends = f"{left_name} {score.write(score.floor)}", f"{right_name} {score.write(right)}"
    return RangeBar(at, min(low, high), max(low, high), *ends, label)


def _is_way(score: Score, right: float) -> bool:
    """Whether it is some way from the floor to the right end, and leads to what is better."""
    if score.better == "at 0.5":
        return abs(score.floor - 0.5) - abs(right - 0.5) > _NO_WAY
    return (right - score.floor if score.better == "higher" else score.floor - right) > _NO_WAY


def _plain_bar(score: Score) -> RangeBar:
    known = {name: v for name, v in (("floor", score.floor), ("ceiling", score.ceiling)) if v is not None}
    start, end = (0.0, 1.0) if score.better == "at 0.5" else (0.0, 1.25 * max(score.high, *known.values(), 1e-9))
    at, low, high = (_percent(place(v, start, end)) for v in (score.value, score.low, score.high))
    marks = tuple((name, _percent(place(v, start, end))) for name, v in known.items())
    left, right = score.write(start), score.write(end)
    label = f"{score.metric}: {score.write(score.value)} on a scale from {left} to {right}"
    return RangeBar(at, low, high, f"{left} (best)" if score.better == "lower" else left, right, label, marks)


def _percent(share: float) -> float:
    return 100 * min(max(0.0 if math.isnan(share) else share, 0.0), 1.0)
