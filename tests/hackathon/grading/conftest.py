"""A small challenge to grade: two exercises, one question in words, nothing to load."""

import json
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from benchmarks.grade import EXERCISE
from shd.hackathon.exercise import without_hidden
from shd.hackathon.grading import Kit, Options
from shd.hackathon.grading.kit import pack

TOML = """
id = "toy"
title = "Toy"
question = "Does it grade?"
dataset = "toys"
target = "sick"
subject = "patient"
paths = []

[rules]
train_on = "nothing"
test_on = "nothing"
test_size = 0.2
random_state = 0

[[metrics]]
name = "none"
measure = "AUROC"
meaning = "nothing is predicted"

[files]
readme = "README.md"
starter = "starter.ipynb"
synthetic = "synthetic.csv"

[tracks.notebook]
file = "starter"
formats = ["ipynb"]
megabytes = 20

[licence]
name = "CC0"
"""

EXERCISES = f"""{EXERCISE}

half = Exercise("half", 2, 1, 1, number(), ("down", "by two", "x / 2"))


@half.planted
def an_even_number(seed):
    return (100 + 2 * seed,)


@half.visible
def is_smaller(found, x):
    return None if found < x else f"{{found}} is not smaller than {{x}}."


# BEGIN HIDDEN
@half.hidden
def is_half(found, x):
    return None if found == x / 2 else f"{{found}} is not half of {{x}}."


# END HIDDEN
"""


def _master() -> nbformat.NotebookNode:
    return new_notebook(
        cells=[
            new_markdown_cell("# Toy", id="cell-00"),
            new_code_cell("import checks", id="cell-01"),
            new_code_cell("double = None", id="answer-double", metadata={"tags": ["answer:double"]}),
            new_code_cell("checks.double(double)", id="cell-03", metadata={"tags": ["check:double"]}),
            new_code_cell("half = None", id="answer-half", metadata={"tags": ["answer:half"]}),
            new_code_cell("checks.half(half)", id="cell-05", metadata={"tags": ["check:half"]}),
            new_code_cell("print('the end')", id="cell-06"),
            new_markdown_cell("Why?", id="text-why", metadata={"tags": ["text:why:3"]}),
        ]
    )


@pytest.fixture(scope="session")
def toy(tmp_path_factory) -> Kit:
    """The challenge, as its organiser packs it."""
    folder = tmp_path_factory.mktemp("toy")
    (folder / "challenge.toml").write_text(TOML)
    (folder / "checks.py").write_text(without_hidden(EXERCISES))
    nbformat.write(_master(), folder / "starter.ipynb")
    return Kit("toy", pack(folder), EXERCISES)


@pytest.fixture(scope="session")
def options() -> Options:
    return Options.of(0, cell_seconds=8, notebook_seconds=60, memory=1_500_000_000)


RIGHT = {"answer-double": "def double(x):\n    return 2 * x", "answer-half": "half = lambda x: x / 2"}


def _hand_in(folder: Path, **sources: str) -> Path:
    """Write a submission with these sources, by id with _ for -; what is not named is right."""
    given = RIGHT | {name.replace("_", "-"): text for name, text in sources.items()}
    book = _master()
    for cell in book.cells:
        cell.source = given.get(cell.id, cell.source)
    folder.mkdir(parents=True)
    nbformat.write(book, folder / "starter.ipynb")
    (folder / "team.toml").write_text(f'team = "{folder.name}"\nchallenge = "toy"\nmembers = []\n')
    return folder


@pytest.fixture(scope="session")
def hand_in():
    """The maker of submissions: `_hand_in`."""
    return _hand_in


@pytest.fixture(scope="session")
def read_result():
    """Return the result among the files of a grading."""
    return lambda files: json.loads(files["result.json"])
