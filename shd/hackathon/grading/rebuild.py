"""A team's notebook, built again from the instructor's: of what the team sends, only the source of its answer cells.

What else a submission holds (outputs, tags, other cells, comments that nbval obeys) is left out, so that nothing of it
can pass a check.
"""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field

from nbformat import NotebookNode
from nbval.plugin import comment_markers

from shd._errors import ShdError
from shd.hackathon.exercise import Exercise

MOST_BYTES, MOST_OF_A_CELL = 20_000_000, 100_000
"""How large a submitted notebook, and the source of one answer cell (characters), may be."""
ANSWER, TEXT, CHECK = "answer:", "text:", "check:"
"""Tags of the master: ``answer:ID`` is a cell that students write in, ``text:ID:POINTS`` one for words, ``check:ID``
calls the checks of an exercise."""
_MARKER = re.compile(rf"^(\s*)#+\s*({'|'.join(map(re.escape, comment_markers))})\s*$", re.MULTILINE)


@dataclass
class Rebuilt:
    """The notebook to run, the words to be marked by hand, and what there is to say of the submission."""

    book: NotebookNode
    texts: dict[str, str] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def tagged(cell: dict, kind: str) -> str | None:
    """Return what stands behind a kind in the tags of a cell: the exercise of ``answer:overlap`` is overlap."""
    tags = cell.get("metadata", {}).get("tags", [])
    return next((tag[len(kind) :] for tag in tags if tag.startswith(kind)), None)


def rebuild(master: NotebookNode, submitted: bytes) -> Rebuilt:
    """Put the answers of a submission into a copy of the master."""
    made = Rebuilt(deepcopy(master))
    sources = _by_id(submitted, made.notes)
    for cell in made.book.cells:
        kind = ANSWER if tagged(cell, ANSWER) else TEXT
        name = tagged(cell, kind)
        asked = cell.source
        if name is not None and cell.id in sources:
            cell.source = _clean(sources[cell.id], name, made.notes)
        elif name is not None:
            made.missing.append(name.split(":")[0])
            made.notes.append(f"{name.split(':')[0]}: its cell ({cell.id}) is not in the notebook; no points for it.")
        if name is not None and kind == TEXT:
            made.texts[name] = cell.source if cell.source != asked else ""
    for cell in made.book.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cell.metadata = NotebookNode(tags=[tag for tag in cell.metadata.get("tags", []) if ":" in tag])
    return made


def expected(book: NotebookNode, exercises: dict[str, Exercise]) -> NotebookNode:
    """Return a notebook whose check cells hold what nbval compares with: the line of a right answer."""
    book = deepcopy(book)
    for cell in book.cells:
        if cell.cell_type != "code":
            continue
        name, cell.outputs, cell.execution_count = tagged(cell, CHECK), [], None
        if name is not None:
            line = exercises[name].said_when_right + "\n"
            cell.outputs = [NotebookNode(output_type="stream", name="stdout", text=line)]
            cell.execution_count = 1
            cell.metadata["tags"] = [f"{CHECK}{name}", "nbval-check-output"]
    return book


def _by_id(submitted: bytes, notes: list[str]) -> dict[str, str]:
    """Return the source of each cell by its id; of two with one id, the last."""
    sources = {}
    for cell in _cells(submitted):
        name, source = cell.get("id"), cell.get("source", "")
        source = "".join(map(str, source)) if isinstance(source, list) else str(source)
        if not isinstance(name, str):
            continue
        if name in sources:
            notes.append(f"two cells have the id {name[:40]}: the last one counts.")
        sources[name] = source
    return sources


def _cells(submitted: bytes) -> Iterator[dict]:
    if len(submitted) > MOST_BYTES:
        raise ShdError(f"the notebook has {len(submitted) / 1e6:.0f} MB, at most 20: clear its outputs and save it.")
    try:
        cells = json.loads(submitted)["cells"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ShdError("the notebook is no Jupyter notebook (version 4): open it in JupyterLab and save it.") from error
    if not isinstance(cells, list):
        raise ShdError("the notebook has no list of cells: open it in JupyterLab and save it.")
    return (cell for cell in cells if isinstance(cell, dict))


def _clean(source: str, name: str, notes: list[str]) -> str:
    if len(source) > MOST_OF_A_CELL:
        notes.append(f"{name}: its cell has {len(source):,} characters, at most {MOST_OF_A_CELL:,}; it was left out.")
        return ""
    clean, found = _MARKER.subn(r"\1# (a marker for nbval stood here)", source)
    if found:
        notes.append(f"{name}: comments that tell nbval what to check were left out.")
    return clean
