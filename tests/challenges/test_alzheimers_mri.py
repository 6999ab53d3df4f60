"""The challenge alzheimers_mri: its file, and its page agree with the dataset."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
import torch

import shd
from shd.datasets import alzheimers

FOLDER = Path(__file__).resolve().parents[2] / "challenges" / "alzheimers_mri"
CHALLENGE = tomllib.loads((FOLDER / "challenge.toml").read_text(encoding="utf-8"))
README = (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stand_in():
    return shd.load(CHALLENGE["dataset"], source="stand-in")


def test_target_and_classes_are_in_the_dataset(stand_in):
    assert CHALLENGE["id"] == FOLDER.name
    assert CHALLENGE["target"] == stand_in.target
    classes = set(stand_in.frame[CHALLENGE["target"]].cat.categories)
    by_name = {metric["name"]: metric for metric in CHALLENGE["metrics"]}
    assert set(by_name["auroc"]["positive"]) == classes - {"non-demented"}
    assert set(by_name["balanced_accuracy"]["counted"]) == classes - {"moderate"}


def test_files_are_there():
    assert [name for name in CHALLENGE["files"].values() if not (FOLDER / name).exists()] == []
    shipped = {source: f"{FOLDER.name}/{CHALLENGE['files'][source.replace('-', '_')]}" for source in alzheimers.SHIPPED}
    assert shipped == alzheimers.SHIPPED


def test_licence_is_that_of_the_dataset(stand_in):
    card, licence = stand_in.card, CHALLENGE["licence"]
    assert (licence["name"], licence["url"], licence["citation"]) == (card.licence, card.licence_url, card.citation)


def test_readme_names_what_the_challenge_file_says():
    assert README.startswith(f"# {CHALLENGE['title']}\n")
    for path in CHALLENGE["paths"]:
        assert f"**{path['time']}.**" in README
    for metric in CHALLENGE["metrics"]:
        assert f"`{metric['name']}`" in README
    for name in ("starter", "solution", "checks", "stand_in"):
        assert f"`{CHALLENGE['files'][name]}`" in README
    assert CHALLENGE["licence"]["url"] in README
    assert f"random_state={CHALLENGE['rules']['random_state']}" in README


def test_readme_describes_every_column_in_order(stand_in):
    part = README.split("**One record")[1].split("Beside the table")[0]
    described = dict(re.findall(r"^\| `(\w+)` \| .*? \| (.*?) \|$", part, re.MULTILINE))
    assert list(described) == list(stand_in.frame.columns)
    assert described["class"] == f"ordered category: {', '.join(alzheimers.LEVELS)}"
    assert described["slice"].startswith(f"number, 0-{alzheimers.N_SLICES - 1};")
    assert sorted(set(stand_in.frame["slice"])) == list(range(0, alzheimers.N_SLICES, 2))
    assert f"{len(set(stand_in.subjects))} made-up people" in README


def test_numbers_of_people_in_the_readme_are_those_of_the_dataset():
    table = re.findall(r"^\| `([\w -]+)` \| (\d+) \| ([\d,]+) \| (\d+) \|$", README, re.MULTILINE)
    people = alzheimers.people()
    assert [row[0] for row in table] == list(alzheimers.LEVELS)
    assert [int(row[1]) for row in table] == people.groupby("class", observed=True)["subject"].nunique().tolist()
    assert [int(row[2].replace(",", "")) for row in table] == people["class"].value_counts(sort=False).tolist()
    data = shd.Dataset(people[["class"]], target="class", subjects=people["subject"].to_numpy())
    _, held = data.split(CHALLENGE["rules"]["test_size"], CHALLENGE["rules"]["random_state"])
    in_class = held.frame.assign(subject=held.subjects).groupby("class", observed=True)["subject"].nunique()
    assert [int(row[3]) for row in table] == in_class.tolist()
    assert f"the {in_class.sum()} people" in README


def test_the_scoring_code_of_the_readme_runs(stand_in):
    """Right answers score 1, guessing about a half and a third; moderate is not counted."""
    _, holdout = stand_in.split(test_size=0.2, random_state=0)
    code = README.split("For a model of your own")[1].split("```python\n")[1].split("```")[0]
    right = np.eye(4)[holdout.frame["class"].cat.codes]
    without_moderate = np.where(right[:, 3:] == 1, np.eye(4)[2], right)
    for chances, auroc, accuracy in (
        (right, 1, 1),
        (without_moderate, 1, 1),
        (np.tile([0.4, 0.3, 0.2, 0.1], (len(holdout), 1)), 0.5, 1 / 3),
    ):
        found = {"holdout": holdout, "chances": chances}
        exec(code, found)
        assert found["auroc"] == pytest.approx(auroc)
        assert found["balanced_accuracy"] == pytest.approx(accuracy)


@pytest.mark.slow
def test_the_folder_works_where_it_was_copied_to(tmp_path):
    copy = tmp_path / "mine"
    shutil.copytree(FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__", "report.html"))
    book = json.loads((copy / "starter.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    assert not re.search(r"\.\./|alzheimers_mri", "\n".join(cells))
    first = cells[0] + "\nfrom pathlib import Path\nassert Path(checks.__file__).parent == Path.cwd()\n"
    first += "assert Path('data/release/synthetic.zip').is_file()\n"
    environment = {**os.environ, "MPLBACKEND": "Agg", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", first], cwd=copy, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "stand-in" in done.stdout


# Checks give a hint for a wrong answer, and say Right. for a right one ------------------------


@pytest.mark.real_data("alzheimers")
def test_what_the_readme_says_about_neighbours_holds_for_the_real_pictures():
    data = shd.load("alzheimers", source="real")
    small = data.images.reshape(len(data), 16, 8, 16, 8).mean(axis=(2, 4)).reshape(len(data), -1)
    small = torch.tensor(small - small.mean(axis=1, keepdims=True))
    rows = np.random.default_rng(0).permutation(len(data))
    test, train = rows[: len(data) // 5], rows[len(data) // 5 :]
    nearest = torch.cdist(small[test], small[train]).argmin(1).numpy()
    share = (data.subjects[train[nearest]] == data.subjects[test]).mean()
    assert f"for {share:.0%}".replace("%", " %") in README
