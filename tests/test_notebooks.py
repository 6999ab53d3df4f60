"""Notebooks: in step with their sources, run from top to bottom, and clean."""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
SMALL = 600_000  # bytes: a notebook that reads well in a diff and opens at once


def _builder():
    spec = importlib.util.spec_from_file_location("build_notebooks", ROOT / "data_scripts/build_notebooks.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUILT = {path: book for source in _builder().sources() for path, book in _builder().notebooks(source)}
STORED = sorted([*ROOT.glob("notebooks/*.ipynb"), *ROOT.glob("challenges/*/*.ipynb")])


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.fixture(params=STORED, ids=_name)
def notebook(request) -> nbformat.NotebookNode:
    return nbformat.read(request.param, as_version=4)


def _code(notebook: nbformat.NotebookNode) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_every_notebook_has_a_source_and_every_source_its_notebooks():
    assert sorted(BUILT) == STORED
    assert any(path.name == "starter.ipynb" for path in STORED)


@pytest.mark.parametrize("path", STORED, ids=_name)
def test_the_notebook_is_in_step_with_its_source(path):
    assert _builder().in_step(path, BUILT[path]), "run: python data_scripts/build_notebooks.py"


def test_every_cell_ran_once_and_in_order(notebook):
    assert [cell.execution_count for cell in _code(notebook)] == list(range(1, len(_code(notebook)) + 1))


def test_no_error_is_stored_and_nothing_that_changes_from_run_to_run(notebook):
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in _code(notebook):
        assert set(cell.metadata) <= {"tags"}
        for output in cell.outputs:
            assert output.output_type != "error"
            assert output.get("name") != "stderr"


@pytest.mark.parametrize("path", STORED, ids=_name)
def test_the_file_is_small_and_names_no_place_on_a_machine(path):
    text = path.read_text(encoding="utf-8")
    assert len(text) < SMALL
    assert not re.search(r"/(home|Users|tmp|root|work)/|[A-Z]:\\\\Users|\.venv|site-packages", text)
    assert str(ROOT) not in text


def test_figures_are_png(notebook):
    kinds = {kind for cell in _code(notebook) for output in cell.outputs for kind in output.get("data", {})}
    assert kinds <= {"image/png", "text/plain", "text/html"}


def test_it_begins_with_what_and_how_long_and_ends_with_what_was_learned(notebook):
    first, last = notebook.cells[0].source, notebook.cells[-1].source
    assert first.startswith("# ")
    assert "What you will learn" in first
    assert re.search(r"\d+ minutes", first)
    assert "## What you learned" in last
    assert "## Where to go next" in last


def test_it_says_that_the_stand_in_is_not_about_patients(notebook):
    prose = re.sub(r"\s+", " ", " ".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown"))
    if "stand-in" in prose:
        assert "nothing about real patients" in prose
        assert "shd data fetch" in prose


def test_stored_outputs_come_from_the_offline_mode(notebook):
    shown = " ".join(output.get("text", "") for cell in _code(notebook) for output in cell.outputs)
    assert "stand-in" in shown
    assert ", real: " not in shown


def test_no_notebook_shows_how_exercises_are_written(notebook):
    for cell in notebook.cells:
        assert not re.search(r"BEGIN SOLUTION|END SOLUTION|# INSTEAD|\.\.\.$", cell.source, re.MULTILINE)


@pytest.mark.parametrize("path", [path for path in STORED if path.name == "starter.ipynb"], ids=_name)
def test_a_starter_is_not_solved_and_its_solution_is(path):
    solution = nbformat.read(path.with_name("solution.ipynb"), as_version=4)
    verdicts = {
        book: [
            ": right, " in output.text
            for cell in _code(content)
            if any(tag.startswith("check:") for tag in cell.metadata.get("tags", []))
            for output in cell.outputs
        ]
        for book, content in (("starter", nbformat.read(path, as_version=4)), ("solution", solution))
    }
    assert len(verdicts["solution"]) == 5
    assert all(verdicts["solution"])
    assert verdicts["starter"] == [False] * len(verdicts["solution"])


EXERCISE = """# %%
# BEGIN SOLUTION
a = 1
# INSTEAD
# a = None  # yours
# END SOLUTION
def f():
    # BEGIN SOLUTION
    return a
    # INSTEAD
    # return 0
    # END SOLUTION

# %% tags=["solution"]
f()
"""


@pytest.mark.parametrize(
    ("variant", "cells"),
    [
        ("starter", ["a = None  # yours\ndef f():\n    return 0"]),
        ("solution", ["a = 1\ndef f():\n    return a", "f()"]),
    ],
)
def test_exercises_are_made_from_solutions(tmp_path, variant, cells):
    source = tmp_path / "_source" / "lesson.py"
    source.parent.mkdir()
    source.write_text(f"# ruff: noqa: D100\n{EXERCISE}", encoding="utf-8")
    built = dict(_builder().notebooks(source))
    assert [cell.source for cell in built[tmp_path / f"{variant}.ipynb"].cells] == cells


def test_a_source_without_exercises_is_one_notebook(tmp_path):
    source = tmp_path / "_source" / "tour.py"
    source.parent.mkdir()
    source.write_text("# %% [markdown]\n# # Tour\n", encoding="utf-8")
    ((path, book),) = _builder().notebooks(source)
    assert path == tmp_path / "tour.ipynb"
    assert book.cells[0].source == "# Tour"
