"""The challenge diabetes_ml: its file, its page and its checks agree with the dataset."""

import importlib.util
import re
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import shd

FOLDER = Path(__file__).resolve().parents[2] / "challenges" / "diabetes_ml"
CHALLENGE = tomllib.loads((FOLDER / "challenge.toml").read_text(encoding="utf-8"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")


def _load_checks():
    spec = importlib.util.spec_from_file_location("checks", FOLDER / "checks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


checks = _load_checks()


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


@pytest.fixture(scope="module")
def small(stand_in):
    """Train and test parts of three thousand stays."""
    return stand_in.take(np.arange(3_000)).split(test_size=0.5, random_state=0)


@pytest.mark.parametrize(
    ("answer", "hint"),
    [(None, "Not yet"), (0.999, "Not yet"), (0.95, "still far too good"), (0.4, "worse than"), (0.6, "Right.")],
)
def test_check_of_the_leak(capsys, answer, hint):
    checks.leak(answer, 0.999)
    assert hint in capsys.readouterr().out


def _tstr(train, test, level="<30"):
    outcome = {"<30": lambda frame: frame["readmitted"] == "<30", "any": lambda frame: frame["readmitted"] != "NO"}
    return checks._auroc(train.frame, test.frame, outcome[level])


@pytest.mark.parametrize(("answer", "hint"), [(None, "Not yet"), (0.9, "too good"), (0.2, "too low"), (0.7, "TRTR")])
def test_check_of_tstr_hints(capsys, small, answer, hint):
    checks.tstr(answer, 0.7, *small)
    assert hint in capsys.readouterr().out
    assert answer != 0.7 or not hint.startswith("Right.")


def test_check_of_tstr_accepts_the_right_answer(capsys, small):
    checks.tstr(_tstr(*small), 0.7, *small)
    assert capsys.readouterr().out.startswith("Right.")


def test_check_of_tsts(capsys, small):
    synthetic = small[0]
    right = _tstr(*synthetic.split(test_size=0.2, random_state=0), level="any")
    for answer, verdict, hint in [
        (None, None, "Not yet"),
        (0.95, "too easy", "tested on records that it was trained on"),
        (0.3, "too hard", "too low"),
        (right, None, "Look at the verdict"),
        (right, "too easy", "Look at the verdict"),
        (right, "about right", "Right."),
    ]:
        checks.tsts(answer, verdict, right, synthetic)
        assert hint in capsys.readouterr().out, (answer, verdict)


@pytest.mark.parametrize(("answer", "hint"), [(None, "Not yet"), (0.5, "Right."), (0.05, "Nearly"), (0.9, "is not it")])
def test_check_of_the_overlap(capsys, answer, hint):
    one = np.arange(100.0)  # the ten highest: 90 to 99
    other = np.where(one >= 95, -1, one)  # the ten highest: 85 to 94
    checks.overlap(answer, one, other)
    assert hint in capsys.readouterr().out


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        (lambda f: pd.Series(False, index=f.index), "Not yet"),
        (lambda f: (f["insulin"] != "No") & (f["diabetesMed"] == "No"), "Half"),
        (lambda f: (f["insulin"] == "No") | (f["diabetesMed"] == "No"), "Nearly"),
        (lambda f: pd.Series(True, index=f.index), "For four records"),
        (lambda f: (f["insulin"] != "No") != (f["diabetesMed"] == "Yes"), "Right."),
    ],
)
def test_check_of_impossible_records(capsys, rule, hint):
    checks.impossible(rule, ["metformin", "insulin"])
    assert hint in capsys.readouterr().out
