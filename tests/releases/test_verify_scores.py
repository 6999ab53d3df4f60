from dataclasses import replace
from types import SimpleNamespace

from shd.compare import Score
from shd.releases.claims import Verification
from shd.releases.verify import check_scores

SCORE = Score("privacy", "copies", 0.5, 0.4, 0.6, 0.1, 0.9, "green", "lower", "Fine.")


def agreement(**parts) -> str:
    """Agreement of a claim that differs from what is measured in some parts."""
    claimed = {**vars(SCORE), **parts}
    (claim,) = check_scores({"scores": [claimed]}, SimpleNamespace(results=[SCORE]))
    return claim.agrees


def test_a_score_agrees_exactly_within_chance_or_not():
    assert agreement() == "yes"
    assert agreement(value=0.50001, floor=0.100001) == "yes"  # what another processor makes of the same sums
    assert agreement(value=0.55, low=0.45, high=0.65) == "within chance"
    assert agreement(value=0.61, low=0.45, high=0.7) == "no"  # outside the measured interval
    assert agreement(value=0.55, low=0.52, high=0.58) == "no"  # the measured value is outside the claimed one
    assert agreement(value=0.55, low=0, high=1) == "within chance"
    assert agreement(value=0.7, low=0, high=1) == "no"  # a wide interval excuses nothing


def test_a_score_with_another_verdict_reference_or_nothing_at_all_does_not_agree():
    assert agreement(verdict="red") == "no"
    assert agreement(ceiling=0.901) == "no"
    assert agreement(floor=None) == "no"
    assert agreement(value=None) == "no"
    assert agreement(low=0.45) == "within chance"


def test_what_differs_is_named():
    claimed = {**vars(SCORE), "low": 0.3, "floor": 0.2, "verdict": "red"}
    (claim,) = check_scores({"scores": [claimed]}, SimpleNamespace(results=[SCORE]))
    assert claim.where == "low, floor, verdict"
    assert Verification(None, (claim,), ()).summary().splitlines()[1].endswith("  no: low, floor, verdict")


def test_what_is_claimed_but_not_measured_and_the_other_way_round():
    found = list(check_scores({"scores": [{**vars(SCORE), "metric": "made up"}]}, SimpleNamespace(results=[SCORE])))
    assert [(claim.what, claim.claimed, claim.found, claim.agrees) for claim in found] == [
        ("privacy: made up", 0.5, None, "no"),
        ("privacy: copies", None, 0.5, "not claimed"),
    ]


def test_references_that_are_missing_on_both_sides_are_the_same():
    score = replace(SCORE, ceiling=None)
    (claim,) = check_scores({"scores": [vars(score)]}, SimpleNamespace(results=[score]))
    assert claim.agrees == "yes"


def test_a_score_left_out_is_held_against_the_very_shd_that_made_the_card():
    (claim,) = check_scores({"scores": []}, SimpleNamespace(results=[SCORE]), of_another_shd=False)
    assert claim.agrees == "no"
    needs_weights = replace(SCORE, metric="precision, ImageNet")  # which not every machine has
    (claim,) = check_scores({"scores": []}, SimpleNamespace(results=[needs_weights]), of_another_shd=False)
    assert claim.agrees == "not claimed"
