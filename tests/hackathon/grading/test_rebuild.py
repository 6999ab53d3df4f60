"""Of what a team sends only the source of its answer cells counts, and nbval scores what was run."""

import json
import xml.etree.ElementTree as ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from shd import ShdError
from shd.hackathon import Exercise, number
from shd.hackathon.grading.rebuild import MOST_OF_A_CELL, rebuild
from shd.hackathon.grading.replay import score_visible


@pytest.fixture
def exercises() -> dict[str, Exercise]:
    return {name: Exercise(name, k, 2, 1, number(), ()) for k, name in enumerate(("one", "two"), 1)}


@pytest.fixture
def master() -> nbformat.NotebookNode:
    cells = [
        new_markdown_cell("# Title", id="cell-00"),
        new_code_cell("import checks", id="cell-01"),
        new_code_cell("def one(): return None", id="answer-one", metadata={"tags": ["answer:one"]}),
        new_code_cell("checks.one(one)", id="cell-03", metadata={"tags": ["check:one"]}),
        new_code_cell("def two(): return None", id="answer-two", metadata={"tags": ["answer:two"]}),
        new_code_cell("checks.two(two)", id="cell-05", metadata={"tags": ["check:two"]}),
        new_markdown_cell("Your words here.", id="text-why", metadata={"tags": ["text:why:3"]}),
    ]
    return new_notebook(cells=cells)


def sent(master, **sources) -> dict:
    """A submission: the master with other sources, by id with _ for -."""
    book = json.loads(nbformat.writes(master))
    for cell in book["cells"]:
        cell["source"] = sources.get(cell["id"].replace("-", "_"), cell["source"])
    return book


def sources(made) -> dict[str, str]:
    return {cell.id: cell.source for cell in made.book.cells}


def test_answers_are_taken_and_nothing_else(master):
    book = sent(
        master, answer_one="def one(): return 1", cell_01="import os", cell_03="print('right')", text_why="Because."
    )
    book["cells"][2]["metadata"] = {"tags": ["nbval-skip", "raises-exception"]}
    book["cells"][2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "Exercise 1: right"}]
    book["cells"].append({"cell_type": "code", "id": "mine", "source": "checks = None", "metadata": {}, "outputs": []})
    made = rebuild(master, json.dumps(book).encode())
    assert sources(made) == sources(rebuild(master, json.dumps(sent(master)).encode())) | {
        "answer-one": "def one(): return 1",
        "text-why": "Because.",
    }
    assert made.texts == {"why:3": "Because."} and made.notes == [] == made.missing
    assert rebuild(master, nbformat.writes(master).encode()).texts == {"why:3": ""}  # what was asked is no answer
    assert made.book.cells[2].metadata.tags == ["answer:one"] and made.book.cells[2].outputs == []


def test_a_missing_answer_is_told_and_a_doubled_one_is_the_last(master):
    book = sent(master, answer_two="first")
    book["cells"] = [cell for cell in book["cells"] if cell["id"] != "answer-one"]
    book["cells"].append({"cell_type": "code", "id": "answer-two", "source": ["last", " one"], "metadata": {}})
    made = rebuild(master, json.dumps(book).encode())
    assert sources(made)["answer-one"] == "def one(): return None" and made.missing == ["one"]
    assert sources(made)["answer-two"] == "last one"
    assert [note.split(":")[0] for note in made.notes] == ["two cells have the id answer-two", "one"]


def test_comments_that_nbval_obeys_and_endless_answers_are_left_out(master):
    skipped = (
        "def one():\n    # NBVAL_SKIP\n    return 1  # NBVAL_SKIP is not alone here\n#PYTEST_VALIDATE_IGNORE_OUTPUT"
    )
    made = rebuild(master, json.dumps(sent(master, answer_one=skipped, answer_two="#" * (MOST_OF_A_CELL + 1))).encode())
    assert "    # NBVAL_SKIP" not in sources(made)["answer-one"] and "return 1" in sources(made)["answer-one"]
    assert "PYTEST_VALIDATE" not in sources(made)["answer-one"] and sources(made)["answer-two"] == ""
    assert len(made.notes) == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"no json", b"[]", b'{"cells": 1}', b"\xff\xfe", b"[" * 10**6, b'{"cells": ' + b" " * 20_000_000 + b"[]}"],
)
def test_what_is_no_notebook_is_refused_in_a_line(master, content):
    with pytest.raises(ShdError, match=r"^the notebook [^\n]+$"):
        rebuild(master, content)


@pytest.mark.parametrize(
    "cell", [1, None, {}, {"id": 5}, {"id": "answer-one"}, {"id": "answer-one", "source": {"a": 1}}]
)
def test_odd_cells_do_no_harm(master, cell):
    made = rebuild(master, json.dumps({"cells": [cell]}).encode())
    assert set(made.missing) >= {"two", "why"}


def ran(master, exercises, *outputs) -> nbformat.NotebookNode:
    """The master as it ran: outputs of its code cells in order."""
    book = rebuild(master, json.dumps(sent(master)).encode()).book
    for cell, given in zip((cell for cell in book.cells if cell.cell_type == "code"), outputs, strict=True):
        cell.outputs = given
    return book


def printed(text: str) -> list:
    return [new_output("stream", name="stdout", text=text)]


def test_nbval_scores_what_ran(master, exercises, tmp_path):
    error = [new_output("error", ename="ValueError", evalue="no", traceback=["ValueError: no"])]
    right = exercises["one"].said_when_right + "\n"
    book = ran(master, exercises, [], [], printed(right), error, printed("Exercise 2: not yet.\n"))
    found, report = score_visible(book, exercises, tmp_path)
    assert found == {"one": True, "two": False}
    tree = ElementTree.fromstring(report)
    suite = tree.find("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("5", "2", "0")
    points = {
        case.get("name"): case.find("properties/property[@name='points']").get("value")
        for case in suite
        if len(case) and case.find("properties") is not None
    }
    assert points == {"exercise one": "2", "exercise two": "2"}
    assert score_visible(book, exercises, tmp_path)[1] == report and "time=" not in report


@pytest.mark.parametrize("text", ["", "Exercise 1: right", "{}more\n", "{}\nEXERCISE 2"])
def test_only_the_line_of_a_right_answer_is_right(master, exercises, tmp_path, text):
    line = text.format(exercises["one"].said_when_right)
    book = ran(master, exercises, [], [], printed(line) if text else [], [], [])
    assert score_visible(book, exercises, tmp_path)[0] == {"one": False, "two": False}
