"""Studies are loaded by folder; a card names them, and for a card only what a challenge names is run."""

import json
import sys

import pytest

from shd._errors import ShdError
from shd._paths import challenges_dir
from shd.compare.findings import Finding, load, of_card, of_dataset

WHOLE = """
from .links import FIRST
FINDINGS = [FIRST]
"""
LINKS = """
from shd.compare.findings import declare, needs, share
FIRST = declare("{code}", "l", "above", share(needs("x")(lambda frame: frame["x"])), "?", "e", theme="t", source="s")
"""


@pytest.fixture
def challenges(tmp_path, monkeypatch):
    """Two challenges of an organiser, each with a folder called studies."""
    monkeypatch.setenv("SHD_CHALLENGES", str(tmp_path))
    for name, code in (("first", "F1"), ("second", "S1")):
        folder = tmp_path / name / "studies"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text(WHOLE)
        (folder / "links.py").write_text(LINKS.format(code=code))
        (tmp_path / name / "challenge.toml").write_text(f'dataset = "data_{name}"\n[files]\nstudies = "studies"\n')
    return tmp_path


def card(**comparison):
    return {"made_from": {"name": "data_first"}, "scores": [{"metric": "replication rate"}], "comparison": comparison}


def test_two_folders_of_one_name_are_two_packages(challenges):
    first, second = (load(challenges / name / "studies") for name in ("first", "second"))
    assert [found[0].code for found in (first, second)] == ["F1", "S1"]
    assert first.name == "first/studies" and isinstance(first[0], Finding)
    assert load(challenges / "first" / "studies")[0] is first[0]  # imported once
    assert "studies" not in sys.modules or sys.modules["studies"].FINDINGS != first


def test_a_challenge_names_the_studies_of_its_data_set(challenges):
    assert of_dataset("data_second")[0].code == "S1"
    assert of_dataset("stays.csv") == ()


def test_a_card_names_studies_that_a_challenge_has(challenges):
    assert of_card(card(findings="second/studies"))[0].code == "S1"
    assert of_card(card())[0].code == "F1"  # of an earlier version, which did not name them
    assert of_card({**card(), "scores": []}) == ()
    (challenges / "elsewhere").mkdir()
    with pytest.raises(ShdError, match="names the findings elsewhere/mine, which no challenge has; .* --findings"):
        of_card(card(findings="elsewhere/mine"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "no studies. Give a folder whose __init__.py holds FINDINGS"),
        ("x = 1", "no studies. Give a folder"),
        ("FINDINGS = ['DF01']", "findings: give a list of findings"),
        ("import nothing_of_this_name", "cannot be imported .ModuleNotFoundError"),
        ("raise SystemExit", "cannot be imported .SystemExit"),
    ],
)
def test_a_folder_without_studies_is_said_in_one_line(tmp_path, text, said):
    if text is not None:
        (tmp_path / "__init__.py").write_text(text)
    with pytest.raises(ShdError, match=said) as caught:
        load(tmp_path)
    assert "\n" not in str(caught.value)


def test_the_shipped_cards_lead_to_the_studies_of_their_challenges():
    for challenge, some in (("diabetes_ml", True), ("diabetes_bioinformatics", True), ("alzheimers_mri", False)):
        told = json.loads((challenges_dir() / challenge / "data" / "release" / "card.json").read_text("utf-8"))
        assert bool(of_card(told)) == some
        assert of_card(told) == of_dataset(told["made_from"]["name"])
