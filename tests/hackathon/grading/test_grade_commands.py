"""The commands `shd grade` and `shd challenge export`: what they print, and what they refuse in a line."""

import json

import nbformat
import pytest

from shd import cli
from shd.hackathon.grading import pool


@pytest.fixture
def call(capsys):
    """A function that runs a command line and returns exit code, standard output and standard error."""

    def run(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main([str(word) for word in words])
        return code, *capsys.readouterr()

    return run


def test_a_folder_is_graded_and_its_page_named_last(call, monkeypatch, tmp_path):
    (tmp_path / "sent/owls").mkdir(parents=True)

    def nobody(tasks, kit, options):
        for task in tasks:
            yield task, pool.failed(task.team, kit, task.fingerprint, "nobody ran it.")

    monkeypatch.setattr("shd.hackathon.grading.here", lambda count=None: nobody)
    words = ("grade", tmp_path / "sent", "-o", tmp_path / "results", "--challenge", "diabetes_ml")
    code, out, _ = call(*words)
    assert code == 0 and out.splitlines()[1].startswith("owls")
    assert out.splitlines()[-1] == f"Results: {tmp_path / 'results/index.html'}"
    code, out, _ = call(*words, "--json")
    assert json.loads(out)["results"][0]["notes"] == ["Not graded: nobody ran it."]


@pytest.mark.parametrize(
    "words",
    [
        ("grade", "nowhere", "-o", "results", "--challenge", "diabetes_ml"),
        ("grade", ".", "-o", "results", "--challenge", "cancer"),
        ("grade", ".", "-o", "results", "--challenge", "diabetes_ml", "--organiser", "nowhere"),
        ("grade", ".", "-o", "results", "--challenge", "diabetes_ml", "--workers", "2", "--scheduler", "tcp://here:1"),
        ("grade", ".", "-o", "results", "--challenge", "diabetes_ml", "--seed", "-5"),
        ("grade", ".", "-o", "results", "--challenge", "diabetes_ml", "--memory", "nan"),
        ("grade", ".", "-o", "results", "--challenge", "diabetes_ml", "--seconds", "inf"),
        ("grade", ".", "-o", "results", "--challenge", "diabetes_ml", "--people", "secret"),
        ("challenge", "export", "diabetes_ml", "--to", "moodle", "-o", "out"),
        ("challenge", "export", "cancer", "--to", "otter", "-o", "out"),
    ],
)
def test_impossible_requests_are_refused_in_a_line(call, monkeypatch, tmp_path, words):
    monkeypatch.chdir(tmp_path)
    code, out, error = call(*words)
    assert (code, out) == (2, "") and len(error.strip().splitlines()) == 1 and "Traceback" not in error


def test_nbgrader_finds_its_metadata(call, tmp_path):
    code, out, _ = call("challenge", "export", "diabetes_ml", "--to", "nbgrader", "-o", tmp_path / "ps")
    assert code == 0 and out.strip().endswith("starter.ipynb")
    book = nbformat.read(tmp_path / "ps/starter.ipynb", as_version=4)
    nbformat.validate(book)
    told = [cell.metadata["nbgrader"] for cell in book.cells]
    assert len({one["grade_id"] for one in told}) == len(told) and {one["schema_version"] for one in told} == {3}
    assert sum(one["solution"] for one in told) == 6 and sum(one.get("points", 0) for one in told) == 15 + 3  # words
    assert all(one["locked"] != one["solution"] for one in told)
    assert not (tmp_path / "ps/.git").exists()


def test_otter_finds_its_tests(call, tmp_path):
    assert call("challenge", "export", "diabetes_ml", "--to", "otter", "-o", tmp_path / "ps")[0] == 0
    book = nbformat.read(tmp_path / "ps/starter.ipynb", as_version=4)
    nbformat.validate(book)
    assert 'grader.check("overlap")' in " ".join(cell.source for cell in book.cells)
    scope: dict = {}
    exec((tmp_path / "ps/tests/overlap.py").read_text(), scope)
    (case,) = scope["test"]["suites"][0]["cases"]
    assert scope["OK_FORMAT"] and case["code"].splitlines()[0] == ">>> checks.overlap(overlap)"
    assert len(list((tmp_path / "ps/tests").iterdir())) == 5
