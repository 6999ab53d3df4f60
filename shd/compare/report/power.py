"""What size of fault could tables of this size show? One line, worked out from the intervals of the scores."""

from collections import Counter

import numpy as np
import pandas as pd

from shd.compare.core.result import Result
from shd.compare.core.score import Score, wider
from shd.compare.fidelity.trust import LINK_AMBER, LINK_RED, link_noise

_FOUR_OF_FIVE = 0.84 / 1.96  # a fault so much larger than an interval's half is seen in four of five cases
_SHOWN = ("C2ST", "TSTR / TRTR", "group C2ST")
_SAID = {
    "C2ST": "a C2ST of {:.2f}",
    "TSTR / TRTR": "models that learn {:.0%} of what they should",
    "group C2ST": "one group whose C2ST is {:.2f} above that of all people",
}


def power(result: Result) -> str:
    """Return one line on the smallest faults that are seen in four of five cases; empty where nothing tells.

    A fault of that size raises an alarm beyond what chance is allowed over all scores of its question.
    """
    asked = Counter(score.question for score in result.scores)
    least = {}
    for score in result.scores:
        name = score.metric.split(":")[0]
        if name in _SHOWN and name not in least and (value := _smallest(score, asked[score.question])) is not None:
            least[name] = value
    said = [_SAID[name].format(least[name]) for name in _SHOWN if name in least]
    said += _links(result)
    if not said:
        return ""
    return f"In tables of this size four of five such faults are seen, and of smaller ones fewer: {'; '.join(said)}."


def _smallest(score: Score, scores: int) -> float | None:
    """Return the value from which on an alarm is raised in four of five cases; None where it never is."""
    half = max(score.high - score.value, score.value - score.low)
    if score.metric == "group C2ST":  # its interval allows for all scores and groups as it is
        return max(0.05, half * (1 + _FOUR_OF_FIVE))
    if score.rule is None:
        return None
    short = max(score.rule.green_to, np.hypot(half, score.rule.error) * (wider(scores) + _FOUR_OF_FIVE))
    value = score.rule.ideal - short if score.rule.sign > 0 else score.rule.ideal + short
    return float(value) if 0 <= value <= 1 else None


def _links(result: Result) -> list[str]:
    """Say how much of a link must be lost, and how many labels be wrong, for it to show."""
    pairs = result.tables.get("pairs", pd.DataFrame())
    if pairs.empty:
        return []
    half = (pairs["high"] - pairs["low"]) / 2
    # a variable is red beyond both limits of a link; of half of all pairs so much is seen
    needed = np.maximum(LINK_RED, LINK_AMBER + link_noise(pairs)) + half * _FOUR_OF_FIVE
    seen = float(needed.median())
    said = [f"a link between two columns off by {seen:.2f}"] if seen < 1 else []
    own = pairs[(pairs["first"] == result.about.target) | (pairs["second"] == result.about.target)]
    strongest = float(own["train"].abs().max()) if len(own) else 0.0
    # labels drawn again at random for a share of the records weaken every link by that share
    if strongest > 0 and seen / strongest <= 1:
        said.append(f"{seen / strongest:.0%} of the labels of {result.about.target} drawn at random")
    elif strongest > 0:
        said.append(f"labels of {result.about.target} drawn at random are not seen by any link, however many")
    return said
