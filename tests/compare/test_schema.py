"""A score is made of numbers, and chance explains what a dozen of them show at once."""

import numpy as np
import pytest

from shd.compare.core.score import CHAPTERS, VERDICTS, Rule, Score, between, settle, within, worst
from shd.compare.report.words import SAID
from shd.plot import VERDICT_COLOURS, VERDICT_MARKS


def _score(**changed) -> Score:
    numbers = {"value": 0.5, "low": 0.4, "high": 0.6, "floor": 0.0, "ceiling": 1.0}
    return Score("utility", "a number", **(numbers | changed), verdict="green", better="higher", sentence="")


@pytest.mark.parametrize("name", ["value", "low", "high", "floor", "ceiling"])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_score_that_is_no_number_is_refused(name, bad):
    with pytest.raises(ValueError, match="a number: .* skip it"):
        _score(**{name: bad})


@pytest.mark.parametrize("name", ["floor", "ceiling"])
def test_a_score_may_lack_a_floor_or_a_ceiling(name):
    assert getattr(_score(**{name: None}), name) is None


def judge(*numbers, scores=1):
    value, low, high, floor, ceiling, better = numbers
    return between(floor, ceiling, better).verdict(value, low, high, scores)


def test_a_little_more_than_an_interval_off_is_chance_among_a_dozen_scores():
    """Twelve scores: z(1 - .05 / 24) is 1.46 times z(.975)."""
    assert judge(0.24, 0.14, 0.34, 0.5, 0.1, "lower", scores=12) == "green"  # 1.4 times as far as the interval reaches
    assert judge(0.25, 0.15, 0.35, 0.5, 0.1, "lower", scores=12) == "amber"  # 1.5 times
    assert judge(0.24, 0.14, 0.34, 0.5, 0.1, "lower") == "amber"  # alone


@pytest.mark.parametrize("scores", [1, 6, 12, 24])
@pytest.mark.parametrize("rule", [between(0.5, 0.1, "lower"), between(-2, 0.1, "higher"), within(0.1, 0, 0.4, "at 1")])
def test_all_scores_of_fresh_samples_together_raise_an_alarm_once_in_twenty_times(scores, rule):
    values, half = 0.1 + 0.05 * np.random.default_rng(1).normal(size=(1000, scores)), 1.96 * 0.05
    said = [{rule.verdict(v, v - half, v + half, scores) for v in study} for study in values]
    assert np.mean([not verdicts & {"amber", "red"} for verdicts in said]) >= 0.94
    assert np.mean(["green" in verdicts for verdicts in said]) >= 0.94


def test_an_ideal_that_was_measured_on_few_records_is_no_yardstick_either():
    few = between(0.5, 0.1, "lower", error=0.1)
    assert few.verdict(0.22, 0.12, 0.32, 1) == "green" and judge(0.22, 0.12, 0.32, 0.5, 0.1, "lower") == "amber"


@pytest.mark.parametrize(
    ("low", "value", "high", "verdict"),
    [
        (0.5, 0.9, 1.1, "grey"),  # the interval holds floor and ceiling
        (0.5, 1.05, 1.6, "grey"),  # even where the number is better than the ceiling
        (0.7, 0.9, 1.1, "green"),  # it is above the floor
        (0.2, 0.3, 0.4, "red"),  # surely worse than the floor
        (0.1, 0.5, 1.2, "grey"),  # perhaps worse than the floor
        (0.90, 0.91, 0.92, "amber"),
        (0.97, 0.98, 0.99, "green"),  # surely not as good as the ceiling, and nearly
        (0.61, 0.62, 0.63, "red"),
    ],
)
def test_what_an_interval_says_between_floor_and_ceiling(low, value, high, verdict):
    assert judge(value, low, high, 0.6, 1.0, "higher") == verdict
    assert judge(-value, -high, -low, -0.6, -1.0, "lower") == verdict


@pytest.mark.parametrize(
    ("score", "rule"),
    [
        ((0.129, 0.02, 0.24, 0.071, 0.05), within(0.0, 0.10, 0.25, "lower", 0.071)),  # group shares
        ((1.49, 0.91, 2.06, 1.18, 1.0), within(1.0, 2.0, 9.0, "lower", 1.18)),  # pMSE ratio
        ((1.49, 1.25, 1.73, 1.18, 1.0), within(1.0, 2.0, 9.0, "lower", 1.18)),  # and surely so
        ((0.011, 0.004, 0.018, 0.009, 0.004), between(0.009, 0.004, "lower")),  # floor and ceiling are alike
        ((0.036, 0.03, 0.043, 0.044, 0.039), between(0.044, 0.039, "higher")),
        ((0.40, 0.35, 0.45, 0.45, 0.9), between(0.45, 0.9, "higher")),
    ],
)
def test_nothing_worse_than_the_floor_is_green(score, rule):
    value, low, high, floor, ceiling = score
    found = Score("fidelity", "m", value, low, high, floor, ceiling, rule, "lower", "words").among(10)
    assert rule.short(value) >= rule.short(floor) and found.verdict != "green" and found.floor == floor


def test_green_is_never_worse_than_the_floor_whatever_the_numbers():
    rng = np.random.default_rng(0)
    seen = set()
    for floor, ceiling, value, half, better in zip(
        *rng.normal(0, 0.1, (3, 4000)), rng.exponential(0.05, 4000), rng.choice(["higher", "lower"], 4000), strict=True
    ):
        for rule in (between(floor, ceiling, better), within(ceiling, 0.02, 0.1, better, floor)):
            score = Score("utility", "m", value, value - half, value + half, floor, ceiling, rule, better, "words")
            seen.add(score.verdict)
            if score.floor is not None and rule.short(value) > rule.short(floor):
                assert score.verdict != "green", score
            if score.floor is None:  # what is right by itself is no floor
                assert rule.short(floor) <= 0 and rule.amber_to == 0.1
    assert seen == set(VERDICTS)


def test_no_power_is_not_green():
    """Limits of a gap: .02 is green, .06 red."""
    assert within(0.0, 0.02, 0.06, "lower").verdict(0.01, -0.02, 0.04) == "green"
    assert within(0.0, 0.02, 0.06, "lower").verdict(-0.01, -0.09, 0.07) == "grey"


def test_without_a_way_from_floor_to_ceiling_only_a_narrow_interval_is_green():
    assert judge(0.101, 0.095, 0.107, 0.108, 0.1, "lower") == "green"
    assert judge(0.101, 0.095, 0.107, 0.08, 0.1, "lower") == "grey"  # independent columns do better than real records
    assert judge(0.1, 0.05, 0.15, 0.108, 0.1, "lower") == "grey"
    assert judge(0.2, 0.15, 0.25, 0.08, 0.1, "lower") == "red"


def test_a_question_is_as_good_as_its_worst_score_that_says_something():
    assert worst(["grey", "green"]) == "green" and worst(["green", "amber", "grey"]) == "amber"
    assert worst(["grey", "grey"]) == "grey" and worst([]) is None and worst(["red", "amber"]) == "red"


def test_scores_are_judged_among_all_of_their_question():
    rule = between(0.5, 0.1, "lower")
    one = Score("utility", "a", 0.24, 0.14, 0.34, 0.5, 0.1, rule, "lower", "words")
    own = Score("privacy", "b", 0.24, 0.14, 0.34, 0.5, 0.1, "amber", "lower", "words")  # by a rule of its own
    assert one.verdict == "amber" and [s.verdict for s in settle([one, own])] == ["amber", "amber"]
    assert [s.verdict for s in settle([one] * 12 + [own])] == ["green"] * 12 + ["amber"]


def test_every_verdict_has_its_words_its_colour_and_its_mark():
    assert set(VERDICT_COLOURS) == set(VERDICT_MARKS) == set(VERDICTS)
    assert all(set(SAID[question]) == set(VERDICTS) for question in CHAPTERS)
    assert len(set(VERDICT_MARKS.values())) == len(VERDICTS)  # told in print, too
    assert all(SAID[question]["grey"].startswith("cannot tell") for question in CHAPTERS)


def test_a_rule_counts_both_sides_where_both_are_wrong():
    rule = Rule(1.0, 0.1, 0.3, sign=0)
    assert [rule.verdict(v, v - 0.05, v + 0.05) for v in (0.6, 0.8, 0.95, 1.05, 1.2, 1.6)] == [
        "red", "amber", "green", "green", "amber", "red",
    ]  # fmt: skip
