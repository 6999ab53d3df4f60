"""The challenge diabetes_ml: its file, and its page agree with the dataset."""

import re
import tomllib
from pathlib import Path

import pytest

import shd

FOLDER = Path(__file__).resolve().parents[2] / "challenges" / "diabetes_ml"
CHALLENGE = tomllib.loads((FOLDER / "challenge.toml").read_text(encoding="utf-8"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stand_in():
    return shd.load(CHALLENGE["dataset"], source="stand-in")


def test_target_and_positive_levels_are_in_the_dataset(stand_in):
    assert CHALLENGE["id"] == FOLDER.name
    assert CHALLENGE["target"] == stand_in.target
    levels = set(stand_in.frame[CHALLENGE["target"]].cat.categories)
    for metric in CHALLENGE["metrics"]:
        assert set(metric["positive"]) < levels


def test_files_are_there():
    assert [name for name in CHALLENGE["files"].values() if not (FOLDER / name).exists()] == []


def test_licence_is_that_of_the_dataset(stand_in):
    card, licence = stand_in.card, CHALLENGE["licence"]
    assert (licence["name"], licence["url"], licence["citation"]) == (card.licence, card.licence_url, card.citation)


def test_readme_names_what_the_challenge_file_says():
    for path in CHALLENGE["paths"]:
        assert f"**{path['time']}.**" in README
    for metric in CHALLENGE["metrics"]:
        assert f"`{metric['name']}`" in README
    for name in ("starter", "solution", "checks", "stand_in"):
        assert f"`{CHALLENGE['files'][name]}`" in README
    assert CHALLENGE["licence"]["url"] in README


def test_readme_describes_every_column_in_order(stand_in):
    described = dict(re.findall(r"^\| `([\w-]+)` \| .*? \| (.*?) \|$", README.split("### Columns")[1], re.MULTILINE))
    assert list(described) == list(stand_in.frame.columns)
    kinds = stand_in.roles.set_index("column")["kind"]
    for column, text in described.items():
        named = text.split(":")[0].split(",")[0]
        if named in ("count", "category", "ordered category"):
            assert named == kinds[column]
        else:
            assert set(stand_in.frame[column].cat.categories) <= {"No", "Steady", "Up", "Down"}
        if kinds[column] == "count":
            low, high = map(int, re.search(r"(\d+)-(\d+)", text).groups())
            assert stand_in.frame[column].between(low, high).all()


@pytest.mark.real_data
def test_facts_of_the_readme_hold_for_the_real_table(real_diabetes):
    frame = real_diabetes.frame
    medicines = frame.columns[frame.columns.get_loc("metformin") : frame.columns.get_loc("change")]
    given = frame[medicines] != "No"
    assert (given.any(axis=1) == (frame["diabetesMed"] == "Yes")).all()
    moved = frame[medicines].isin(["Up", "Down"]).any(axis=1)
    assert ((moved | (given.sum(axis=1) >= 2)) == (frame["change"] == "Ch")).all()
    for column, low, high in re.findall(r"^\| `(\w+)` \|.*\| count, (\d+)-(\d+) \|$", README, re.MULTILINE):
        assert (frame[column].min(), frame[column].max()) == (int(low), int(high))
    assert frame["readmitted"].value_counts(normalize=True).round(2).to_dict() == {"NO": 0.53, ">30": 0.35, "<30": 0.11}
    assert not frame.isna().any(axis=None)
    assert frame[["examide", "citoglipton"]].eq("No").all(axis=None)


# Checks give a hint for a wrong answer, and say Right. for a right one ------------------------
