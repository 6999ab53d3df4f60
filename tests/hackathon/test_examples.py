"""The worked examples that ship: they pass the check, score what they say, and stand on the pages."""

import json
import shutil

import pytest

from data_scripts.examples import fill
from shd.hackathon.challenge import all_challenges
from shd.hackathon.people import own_people
from shd.hackathon.score import score
from shd.hackathon.start import start
from shd.hackathon.submission import check

CHALLENGES = {one.id: one for one in all_challenges()}


@pytest.fixture(scope="module", params=CHALLENGES)
def example(request, tmp_path_factory):
    """A team that hands in the example of a challenge."""
    team = start(request.param, tmp_path_factory.mktemp("example") / "team").folder
    for file in (team / "example").iterdir():
        if file.name != "score.json":
            shutil.copy(file, team / "submission")
    return CHALLENGES[request.param], team


def _told(challenge):
    return json.loads((challenge.path("example") / "score.json").read_text(encoding="utf-8"))


def test_it_passes_the_check(example):
    assert check(example[1]) == []


def test_predictions_score_what_the_example_says(example):
    challenge, team = example
    if "predict" not in challenge.tracks:
        pytest.skip("nothing is predicted here")
    (told,) = [track for track in _told(challenge)["tracks"] if track["track"] == "predict"]
    assert score(team, tracks=["predict"]).of("predict").to_dict() == told


def test_every_track_has_a_baseline_and_it_stands_on_the_page(example):
    challenge, _ = example
    told = _told(challenge)
    assert [one["track"] for one in told["tracks"]] == [name for name in challenge.tracks if name != "notebook"]
    assert all(one["ranked"] and one["source"] == "stand-in" for one in told["tracks"])
    page = challenge.path("readme").read_text(encoding="utf-8")
    assert page == fill(page, told), "behind; run: python -m data_scripts.examples"


def test_the_example_is_small(example):
    challenge, _ = example
    assert sum(file.stat().st_size for file in challenge.path("example").iterdir()) < 1_500_000
    assert len(own_people(challenge)) > 500
