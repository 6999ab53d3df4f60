"""Build every notebook from its text source, run it, and store what it shows.

A source is ``_source/NAME.py`` in a folder of notebooks, in jupytext's percent form. It becomes
``NAME.ipynb`` beside that folder or, where it holds exercises, ``starter.ipynb`` and
``solution.ipynb``. An exercise is written as its solution, and what students find instead of it:

    # BEGIN SOLUTION
    answer = 6 * 7
    # INSTEAD
    # answer = None  # your number here
    # END SOLUTION

Cells tagged ``starter`` or ``solution`` are in that notebook only. ``_source/exercises.py`` becomes ``checks.py``
beside the notebooks, without its hidden checks. Notebooks run as on a machine
without real data. What changes from run to run (times, ids, standard error) is not stored.

    python data_scripts/build_notebooks.py            # build all: some minutes
    python data_scripts/build_notebooks.py tour       # those with "tour" in their source's path
    python data_scripts/build_notebooks.py --check    # run nothing: are sources and notebooks in step?
"""

import base64
import io
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient
from PIL import Image

from shd.hackathon.exercise import without_hidden

ROOT = Path(__file__).resolve().parents[1]
VARIANTS = ("starter", "solution")
CELL_SECONDS = 600  # longest that a cell may take
EXERCISES = "exercises.py"

_BEGIN = "# BEGIN SOLUTION"
_EXERCISE = re.compile(rf"^ *{_BEGIN}\n(.*?)^ *# INSTEAD\n(.*?)^ *# END SOLUTION$", re.MULTILINE | re.DOTALL)
_KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def sources(wanted: str = "") -> list[Path]:
    """Return the text sources, those with `wanted` in their path."""
    found = sorted([*ROOT.glob("notebooks/_source/*.py"), *ROOT.glob("challenges/*/_source/*.py")])
    return [path for path in found if wanted in path.relative_to(ROOT).as_posix() and path.name != EXERCISES]


def notebooks(source: Path) -> Iterator[tuple[Path, nbformat.NotebookNode]]:
    """Yield path and content, not run yet, of each notebook that a source makes."""
    text = source.read_text(encoding="utf-8")
    text = text[text.index("# %%") :]  # what stands before the first cell is for linters
    if _BEGIN not in text:
        yield source.parents[1] / f"{source.stem}.ipynb", _notebook(text, None)
        return
    for variant in VARIANTS:
        yield source.parents[1] / f"{variant}.ipynb", _notebook(text, variant)


def checks(source: Path) -> tuple[Path, str] | None:
    """Return path and text of the checks that a team gets, where exercises stand beside a source."""
    file = source.with_name(EXERCISES)
    if not file.is_file():
        return None
    return source.parents[1] / "checks.py", without_hidden(file.read_text(encoding="utf-8"))


def _notebook(text: str, variant: str | None) -> nbformat.NotebookNode:
    book = jupytext.reads(text, fmt="py:percent")
    other = set(VARIANTS) - {variant}
    book.cells = [cell for cell in book.cells if not other & set(cell.metadata.get("tags", []))]
    for number, cell in enumerate(book.cells):
        tags = [tag for tag in cell.metadata.get("tags", []) if tag not in VARIANTS]
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        answer = next((tag for tag in tags if tag.startswith(("answer:", "text:"))), None)
        cell.id = "-".join(answer.split(":")[:2]) if answer else f"cell-{number:02d}"  # a grader finds it by this name
        if cell.cell_type == "code":
            cell.source = _EXERCISE.sub(lambda found: _side(found, variant), cell.source)
    book.metadata = nbformat.from_dict({"kernelspec": _KERNEL, "language_info": {"name": "python"}})
    book.nbformat, book.nbformat_minor = 4, 5
    return book


def _side(exercise: re.Match, variant: str) -> str:
    solution, instead = exercise.groups()
    if variant == "solution":
        return solution.rstrip("\n")
    return re.sub(r"^( *)# ?", r"\1", instead, flags=re.MULTILINE).rstrip("\n")


def run(book: nbformat.NotebookNode, folder: Path) -> nbformat.NotebookNode:
    """Run a notebook in its folder, without real data, and keep what is the same at every run."""
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "SHD_DATA": empty, "SHD_PROGRESS": "0"}
        environment.pop("SHD_CHALLENGES", None)
        client = NotebookClient(
            book,
            timeout=CELL_SECONDS,
            record_timing=False,
            coalesce_streams=True,
            resources={"metadata": {"path": str(folder)}},
        )
        client.execute(env=environment)
    for cell in book.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
            for output in cell.outputs:
                _shrink(output)
    book.metadata = nbformat.from_dict({"kernelspec": _KERNEL, "language_info": {"name": "python"}})
    return book


def _shrink(output: nbformat.NotebookNode) -> None:
    """Store a figure in 64 colours: fewer bytes, and nobody sees a difference."""
    data = output.get("data", {})
    if "image/png" not in data:
        return
    figure, small = Image.open(io.BytesIO(base64.b64decode(data["image/png"]))), io.BytesIO()
    figure.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(small, format="PNG", optimize=True)
    text = base64.b64encode(small.getvalue()).decode()
    if len(text) < len(data["image/png"]):
        data["image/png"] = text


def in_step(path: Path, book: nbformat.NotebookNode) -> bool:
    """Whether the notebook on disk has the cells that its source makes."""
    if not path.is_file():
        return False
    stored = nbformat.read(path, as_version=4)
    kept = ("id", "cell_type", "source", "metadata")
    return [[cell[key] for key in kept] for cell in stored.cells] == [
        [cell[key] for key in kept] for cell in book.cells
    ]


def main(arguments: list[str]) -> int:
    check = "--check" in arguments
    names = [argument for argument in arguments if argument != "--check"]
    behind = 0
    for source in sources(*names[:1]):
        if made := checks(source):
            behind += check and made[0].read_text(encoding="utf-8") != made[1]
            if not check:
                made[0].write_text(made[1], encoding="utf-8")
        for path, book in notebooks(source):
            name = path.relative_to(ROOT).as_posix()
            if check:
                behind += not in_step(path, book)
                print(f"{name}: {'in step' if in_step(path, book) else 'behind its source; build it again'}")
                continue
            nbformat.write(run(book, path.parent), path)
            print(f"{name}: {len(book.cells)} cells, {path.stat().st_size / 1e3:.0f} kB")
    return 1 if behind else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
