"""The visible checks, scored by nbval: it compares what cells printed with what the master expects of them.

nbval would run the notebook itself, a second time, and waits for the whole cell timeout when a kernel dies. Here the
notebook was run before, in a sandbox; nbval is given a kernel that only replays what was printed. Nothing of a team
runs in this process.
"""

import contextlib
import io
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from queue import Empty

import nbformat
import pytest
from nbformat import NotebookNode

from shd.hackathon.exercise import Exercise
from shd.hackathon.grading.rebuild import CHECK, expected, tagged

_CHANGING = ("time", "timestamp", "hostname")  # attributes of JUnit that differ from run to run


class Replay:
    """A kernel as nbval wants one, which answers with the outputs of cells that ran before, in their order."""

    def __init__(self, cells: list[NotebookNode]):
        self._cells = iter(cells)
        self._messages: list[dict] = []
        self._asked = 0

    def is_alive(self) -> bool:
        """Say that the next cell can be asked for."""
        return True

    def execute_cell_input(self, source: str, allow_stdin: bool | None = None) -> str:
        """Take the outputs of the next cell."""
        self._asked += 1
        cell = next(self._cells)
        if cell.source != source:
            raise RuntimeError("the notebook that ran is not the one that is checked.")
        self._messages = [self._message(output["output_type"], dict(output)) for output in cell.outputs]
        self._messages.append(self._message("status", {"execution_state": "idle"}))
        return str(self._asked)

    def _message(self, kind: str, content: dict) -> dict:
        return {"msg_type": kind, "content": content, "parent_header": {"msg_id": str(self._asked)}}

    def await_reply(self, message: str, timeout: float | None = None) -> None:
        """Answer at once: the cell ran before."""

    def await_idle(self, message: str, timeout: float) -> None:
        """Skip what the cell printed after it failed."""
        self._messages = []

    def get_message(self, stream: str, timeout: float | None = None) -> dict:
        """Return what the cell printed, one message after another."""
        if not self._messages:
            raise Empty
        return self._messages.pop(0)

    def interrupt(self) -> None:
        """Do nothing: nothing runs."""

    stop = interrupt


class _Scoring:
    """The pytest plugin that gives nbval the replay, and the cells of the report their names and points."""

    def __init__(self, ran: NotebookNode, exercises: dict[str, Exercise]):
        self.ran, self.exercises = ran, exercises
        self.right: dict[str, bool] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            item.parent.setup = lambda: None
            item.parent.kernel = None
            name = tagged(item.cell, CHECK)
            if name is not None:
                item.user_properties += [("exercise", name), ("points", self.exercises[name].visible_points)]
        if items:
            items[0].parent.kernel = Replay([cell for cell in self.ran.cells if cell.cell_type == "code"])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = dict(report.user_properties).get("exercise")
        if report.when == "call" and name is not None:
            self.right[name] = report.passed


def score_visible(ran: NotebookNode, exercises: dict[str, Exercise], folder: Path) -> tuple[dict[str, bool], str]:
    """Return which visible checks nbval finds right, and its report as JUnit XML."""
    book, report = folder / "notebook.ipynb", folder / "junit.xml"
    nbformat.write(expected(ran, exercises), book)
    scoring = _Scoring(ran, exercises)
    options = [
        "--nbval-lax",
        f"--junitxml={report}",
        f"--rootdir={folder}",
        "-c",
        "/dev/null",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:warnings",
    ]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        pytest.main([*options, "-o", "junit_family=xunit2", str(book)], plugins=[scoring])
    return scoring.right, _steady(report)


def _steady(report: Path) -> str:
    """Return a JUnit report without what differs from run to run, and with the names of exercises."""
    tree = ElementTree.parse(report)
    for node in tree.iter():
        for name in _CHANGING:
            node.attrib.pop(name, None)
    for case in tree.iter("testcase"):
        case.set("classname", "notebook")
        for told in case.iterfind("properties/property[@name='exercise']"):
            case.set("name", f"exercise {told.get('value')}")
    ElementTree.indent(tree)
    return ElementTree.tostring(tree.getroot(), encoding="unicode") + "\n"
