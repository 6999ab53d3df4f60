"""The challenges that ship, graded as a class would be: the worked solution has full marks, the starter has none."""

import json
from pathlib import Path

import nbformat
import pytest

from shd.hackathon.grading import Kit, Options
from shd.hackathon.grading.kit import pack
from shd.hackathon.grading.marks import read_exercises
from shd.hackathon.grading.one import grade_one
from shd.hackathon.grading.replay import score_visible
from shd.hackathon.sandbox import available

CHALLENGES = Path(__file__).resolve().parents[3] / "challenges"
NAMES = ("diabetes_ml", "diabetes_bioinformatics", "alzheimers_mri")


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.skipif(len(available()) == 1, reason="no sandbox on this system")
def test_the_solution_has_full_marks(name, tmp_path):
    team = tmp_path / "owls"
    team.mkdir()
    (team / "team.toml").write_text(f'team = "owls"\nchallenge = "{name}"\nmembers = []\n')
    (team / "starter.ipynb").write_bytes((CHALLENGES / name / "solution.ipynb").read_bytes())
    options = Options.of(1, cell_seconds=300, memory=6_000_000_000)
    result = json.loads(grade_one("owls", pack(team), Kit.of(name), options, "f" * 64)["result.json"])
    assert result["notes"] == [] and [one["said"] for one in result["exercises"]] == [[]] * 5
    assert result["points"] == result["out_of"] > 10


@pytest.mark.parametrize("name", NAMES)
def test_the_starter_has_no_point(name, tmp_path):
    """As it is stored, which nbval holds to be what it prints."""
    book = nbformat.read(CHALLENGES / name / "starter.ipynb", as_version=4)
    exercises = read_exercises((CHALLENGES / name / "_source/exercises.py").read_text(encoding="utf-8"))
    right, _ = score_visible(book, exercises, tmp_path)
    assert right == dict.fromkeys(exercises, False)
