"""The notebook of a challenge for classes that grade with nbgrader or otter: what they hand out."""

import shutil
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING

from shd._errors import ShdError
from shd.hackathon.challenge import Challenge, find_challenge
from shd.hackathon.exercise import Exercise
from shd.hackathon.start import start

if TYPE_CHECKING:
    from nbformat import NotebookNode

SYSTEMS = ("nbgrader", "otter")


def export(challenge: str | Path, to: str, folder: str | Path) -> Path:
    """Write the folder that a class is handed out, with the notebook as another grader wants it.

    Visible checks earn the points of an exercise there: hidden ones need ``shd grade``.

    Parameters
    ----------
    challenge : str or pathlib.Path
        A challenge that ships, by name, or its folder.
    to : {"nbgrader", "otter"}
        nbgrader: its metadata on the cells of the notebook. otter: ``tests/*.py`` beside it.
    folder : str or pathlib.Path
        The folder to make. It must not be there, or be empty.

    Returns
    -------
    pathlib.Path
        The notebook.

    Raises
    ------
    ShdError
        Where there is no such system or challenge, or the folder holds something.
    """
    import nbformat

    from shd.hackathon.grading.marks import read_exercises

    if to not in SYSTEMS:
        raise ShdError(f"--to {to!r}: known are {' and '.join(SYSTEMS)}.")
    found = find_challenge(challenge)
    file = found.path("exercises")
    if file is None or not file.is_file():
        raise ShdError(f"{found.folder}: it declares no exercises; challenge.toml names their file in [files].")
    exercises = read_exercises(file.read_text(encoding="utf-8"))
    made = start(found.folder, folder).folder
    shutil.rmtree(made / ".git", ignore_errors=True)  # a class is no team
    path = made / found.files["starter"]
    book = _MAKERS[to](nbformat.read(path, as_version=4), exercises, found, made)
    nbformat.write(book, path)
    return path


def _for_nbgrader(
    book: "NotebookNode", exercises: dict[str, Exercise], challenge: Challenge, folder: Path
) -> "NotebookNode":
    """Mark cells with nbgrader's metadata (schema 3): answers, tests with points, words, and what is locked."""
    from shd.hackathon.grading.rebuild import ANSWER, CHECK, TEXT, tagged

    book = deepcopy(book)
    for cell in book.cells:
        answer, check, text = (tagged(cell, kind) for kind in (ANSWER, CHECK, TEXT))
        told = {"schema_version": 3, "task": False, "grade": False, "solution": False, "locked": True}
        told |= {"grade_id": cell.id, "cell_type": cell.cell_type}
        if answer is not None:
            told |= {"solution": True, "locked": False}
        elif text is not None:
            points = text.rpartition(":")[2]
            told |= {"solution": True, "grade": True, "locked": False, "points": int(points) if points.isdigit() else 1}
        elif check is not None:
            told |= {"grade": True, "points": exercises[check].points}
            cell.source += f"\nassert checks.{check}.is_solved"  # a cell that raises earns nothing there
        cell.metadata["nbgrader"] = told
    return book


def _for_otter(
    book: "NotebookNode", exercises: dict[str, Exercise], challenge: Challenge, folder: Path
) -> "NotebookNode":
    """Put otter's tests beside the notebook, in its OK format, and call them in the place of the check cells."""
    from nbformat.v4 import new_code_cell

    from shd.hackathon.grading.rebuild import CHECK, tagged

    book = deepcopy(book)
    (folder / "tests").mkdir()
    for cell in book.cells:
        name = tagged(cell, CHECK)
        if name is None:
            continue
        exercise = exercises[name]
        case = {"code": f">>> {cell.source.strip()}\n{exercise.said_when_right}", "hidden": False, "locked": False}
        suite = {"cases": [case], "scored": True, "setup": "", "teardown": "", "type": "doctest"}
        test = {"name": name, "points": exercise.points, "suites": [suite]}
        (folder / "tests" / f"{name}.py").write_text(f"OK_FORMAT = True\n\ntest = {test!r}\n", encoding="utf-8")
        cell.source = f'{cell.source}\ngrader.check("{name}")'
    begin = f'import otter\n\ngrader = otter.Notebook("{challenge.files["starter"]}")'
    book.cells.insert(1, new_code_cell(begin, id="otter"))
    return book


_MAKERS: dict[str, Callable[..., "NotebookNode"]] = {"nbgrader": _for_nbgrader, "otter": _for_otter}
