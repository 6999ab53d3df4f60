"""The challenge diabetes_bioinformatics: its file, its pages and its checks agree with the dataset."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pandas as pd
import pytest
from statsmodels.stats.contingency_tables import Table2x2

import shd
from shd.compare.findings import of_dataset

FOLDER = Path(__file__).resolve().parents[2] / "challenges" / "diabetes_bioinformatics"
CHALLENGE = tomllib.loads((FOLDER / "challenge.toml").read_text(encoding="utf-8"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")
GLOSSARY = (FOLDER / "GLOSSARY.md").read_text(encoding="utf-8")


def _load_checks():
    spec = importlib.util.spec_from_file_location("bio_checks", FOLDER / "checks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


checks = _load_checks()


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

FOUND = pd.DataFrame(
    {"code": list("abcd"), "counted": [True, True, True, False], "replicated": [True, False, False, False]}
)
BY_HOLDOUT = pd.DataFrame({"replicated": [True, True, False, True]})


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (None, "Not yet"),
        (["b"], "Right. 1 finding is lost"),
        (["b", "c"], "Nearly"),
        (["b", "d"], "do not count"),
        (["b", "c", "d"], "do not count"),
        (["a"], "are replicated"),
        ([], "0 of your 0 are right; there are 1"),
        (FOUND["code"][1:2], "Right."),
        ("b", "Give a list of codes"),
        (3, "Give a list of codes"),
        (FOUND["replicated"], "Give a list of codes"),
        (FOUND, "Give a list of codes"),
    ],
)
def test_check_of_what_is_lost(capsys, answer, hint):
    checks.lost(answer, FOUND, BY_HOLDOUT)
    assert hint in capsys.readouterr().out


def test_check_of_the_odds_ratio(capsys):
    places = [("428", "585", "1")] * 40 + [("428", "1", "1")] * 20 + [("403", "1", "1")] * 10 + [("1", "1", "1")] * 30
    synthetic = shd.Dataset(pd.DataFrame(places, columns=["diag_1", "diag_2", "diag_3"]))
    for answer, hint in [
        (None, "Not yet"),
        (6.0, "Right."),
        (9.0, "first table's"),
        (1 / 6, "Upside"),
        (9.1, "not it"),
        (3.0, "not it"),
        ("6", "Give one number"),
        (Table2x2([[40, 20], [10, 30]]), "Give one number"),
    ]:
        checks.odds(answer, 9.0, synthetic)  # 40 x 30 / (20 x 10) = 6
        assert hint in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        ((None, None), "Not yet"),
        ((2, 0), "Right. Of 4 pairs 2 (50%)"),
        ((0, 2), "wrong way"),
        ((2, 1), "The first is right"),
        ((1, 0), "The second is right"),
        ((4, 3), "Neither"),
        ((pd.Series([True]), 0), "Give one number"),
    ],
)
def test_check_of_the_links(capsys, answer, hint):
    checks.links(*answer, pd.DataFrame({"p": [0.01, 0.02, 0.5, 0.9], "q": [0.06, 0.06, 0.6, 0.9]}))
    assert hint in capsys.readouterr().out


def test_check_of_the_size(capsys, monkeypatch):
    monkeypatch.setattr(checks, "replicate", lambda *tables: None)
    monkeypatch.setattr(checks, "replication_rate", lambda frame: type("Rate", (), {"value": 0.95}))
    for answer, hint in [
        (None, "Not yet"),
        (0.95, "Right."),
        (0.9, "cut table"),
        (61, "a share"),
        (0.5, "is not it"),
        ("a", "one number"),
    ]:
        checks.size(answer, 0.9, None, None)
        assert hint in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (None, "Not yet"),
        ("nobody", "no control group"),
        (["synthetic controls"], "no control group"),
        ("own controls", "by definition"),
        ("synthetic controls", "Another one"),
        ("few own controls", "Right. -0.40 days"),
    ],
)
def test_check_of_the_controls(capsys, answer, hint):
    names = ["own controls", "few own controls", "synthetic controls"]
    arms = pd.DataFrame({"controls": names, "method": "weighting", "bias": [0.0, -0.4, 0.1]})
    checks.controls(answer, arms)
    assert hint in capsys.readouterr().out
