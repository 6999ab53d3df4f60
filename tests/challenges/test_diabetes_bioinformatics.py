"""The challenge diabetes_bioinformatics: its file, and its pages agree with the dataset."""

import re
import tomllib
from pathlib import Path

import pytest

import shd
from shd.compare.findings import of_dataset

FOLDER = Path(__file__).resolve().parents[2] / "challenges" / "diabetes_bioinformatics"
CHALLENGE = tomllib.loads((FOLDER / "challenge.toml").read_text(encoding="utf-8"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")
GLOSSARY = (FOLDER / "GLOSSARY.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stand_in():
    return shd.load(CHALLENGE["dataset"], source="stand-in")


def test_the_file_agrees_with_the_dataset(stand_in):
    card, licence = stand_in.card, CHALLENGE["licence"]
    assert CHALLENGE["id"] == FOLDER.name and CHALLENGE["target"] == stand_in.target
    assert (licence["name"], licence["url"], licence["citation"]) == (card.licence, card.licence_url, card.citation)
    assert [name for name in CHALLENGE["files"].values() if not (FOLDER / name).exists()] == []


def test_readme_names_what_the_challenge_file_says():
    for path in CHALLENGE["paths"]:
        assert f"**{path['time']}.**" in README
    assert all(f"`{metric['name']}`" in README for metric in CHALLENGE["metrics"])
    for name in ("starter", "solution", "checks", "glossary", "stand_in"):
        assert f"`{CHALLENGE['files'][name]}`" in README
    assert CHALLENGE["licence"]["url"] in README


def test_readme_describes_every_column_in_order(stand_in):
    described = dict(re.findall(r"^\| `([\w-]+)` \| .*? \| (.*?) \|$", README.split("### Columns")[1], re.MULTILINE))
    assert list(described) == list(stand_in.frame.columns)
    kinds = stand_in.roles.set_index("column")["kind"]
    for column, text in described.items():
        named = text.split(":")[0].split(",")[0]
        assert named == kinds[column] or (named == "medicine" and kinds[column] == "category")
        if kinds[column] == "count":
            low, high = map(int, re.search(r"(\d+)-(\d+)", text).groups())
            assert stand_in.frame[column].between(low, high).all()


def test_the_glossary_has_every_medicine_with_its_class(stand_in):
    classes = dict(re.findall(r"^\| `([\w-]+)` \| (.*?) \|", GLOSSARY.split("## Medicines")[1], re.MULTILINE))
    columns = list(stand_in.frame.columns)
    assert list(classes) and set(classes) == set(columns[columns.index("metformin") : columns.index("change")])
    assert all(classes.values())


def test_release_and_stand_in_have_the_same_columns_and_types(stand_in):
    synthetic = shd.load(CHALLENGE["dataset"], source="synthetic")
    assert (synthetic.frame.dtypes == stand_in.frame.dtypes).all()
    records = [set(map(tuple, data.frame.head(2000).astype(str).to_numpy())) for data in (synthetic, stand_in)]
    assert len(records[0] & records[1]) < 20  # two cohorts, not one


def test_readme_counts_the_library():
    page = (FOLDER.parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"{len(of_dataset('diabetes_cohort'))} known clinical findings" in page


@pytest.mark.real_data("diabetes_cohort")
def test_facts_of_the_readme_hold_for_the_real_cohort(real_cohort):
    frame = real_cohort.frame
    for column, low, high in re.findall(r"^\| `(\w+)` \|.*\| count, (\d+)-(\d+) \|$", README, re.MULTILINE):
        assert (frame[column].min(), frame[column].max()) == (int(low), int(high))
    medicines = frame.columns[frame.columns.get_loc("metformin") : frame.columns.get_loc("change")]
    given, moved = frame[medicines] != "No", frame[medicines].isin(["Up", "Down"]).any(axis=1)
    assert (given.any(axis=1) == (frame["diabetesMed"] == "Yes")).all()
    assert ((moved | (given.sum(axis=1) >= 2)) == (frame["change"] == "Ch")).all()


# Checks give a hint for a wrong answer, and say Right. for a right one ------------------------
