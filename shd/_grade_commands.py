"""The command `shd grade`: notebooks and tracks of many teams."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from shd import _terminal
from shd._errors import ShdError
from shd._options import AsJson, examples
from shd._terminal import in_columns

EXAMPLES = examples("shd grade submissions -o results --challenge diabetes_ml")


def grade(
    submissions: Annotated[
        Path, typer.Argument(metavar="SUBMISSIONS", help="A folder with one folder or ZIP archive a team.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="RESULTS", help="Where the results go.")],
    challenge: Annotated[
        str, typer.Option(metavar="NAME", help="A challenge by name, or its folder as the organiser has it.")
    ],
    organiser: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="What `shd challenge seal` made: tracks are scored on it.")
    ] = None,
    team: Annotated[list[str] | None, typer.Option(metavar="TEAM", help="Only this one; may be repeated.")] = None,
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="How many at once.  [default: one a core]")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Dask cluster, such as tcp://host:8786.")
    ] = None,
    seconds: Annotated[float, typer.Option(metavar="N", min=1, help="How long one cell may take.")] = 120.0,
    memory: Annotated[float, typer.Option(metavar="GB", min=0.1, help="Of one submission.")] = 4.0,
    people: Annotated[
        str | None, typer.Option(metavar="HALF", help="Of the hidden ones: public or private.  [default: both]")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Of tracks: compare fewer records, less sure.")] = False,
    seed: Annotated[int, typer.Option(min=0, metavar="N", help="Of the data that hidden checks plant.")] = 0,
    trusted: Annotated[
        bool, typer.Option("--trusted", help="Grade where this system has no sandbox: you know who wrote the code.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Grade the notebooks of many teams.

    Each is rebuilt from the master with the answers of its team, run in a sandbox, and checked in another
    process. Stopped and started again, it goes on where it was. Free-text answers go to marking.csv; fill
    its column "mark", and grade again.
    """
    from shd.hackathon.bench import HALVES
    from shd.hackathon.grading import Kit, Options, cluster, here
    from shd.hackathon.grading import grade as grade_all
    from shd.hackathon.grading.result import read_marks

    if scheduler and workers:
        raise ShdError("--workers is for this machine, and --scheduler for a cluster; give one of them.")
    if not (math.isfinite(seconds) and math.isfinite(memory)):
        raise ShdError("--seconds and --memory are numbers; give how much a cell may take, and a submission.")
    if people not in (None, *HALVES):
        raise ShdError(f"--people {people}: give {' or '.join(HALVES)}, or leave it out for both.")
    told = {"level": "quick" if quick else "full", "people": people, "trusted": trusted}
    times = {"cell_seconds": seconds, "notebook_seconds": max(Options.notebook_seconds, 8 * seconds)}
    options = Options.of(seed, **times, memory=int(memory * 1e9), **told)
    chosen = cluster(scheduler) if scheduler else here(workers)
    results = grade_all(submissions, output, Kit.of(challenge, organiser), options, chosen, teams=team)
    lines = [*_lines(results, read_marks(output, results)), "", f"Results: {output / 'index.html'}"]
    _terminal.emit({"results": results}, json, "\n".join(lines))


def _lines(results: list[dict], marks: dict) -> Iterator[str]:
    """Yield a table of points, then what there is to say of teams."""
    from shd.hackathon.grading.result import scores_of, texts_of, total

    tracks = list(dict.fromkeys(name for one in results for name in scores_of(one)))
    rows = [("team", "points", *tracks, "points lost in")]
    for one in results:
        whole = total(one, marks, texts_of(results))
        lost = [each["exercise"] for each in one["exercises"] if each["points"] < each["out_of"]]
        scored = [scores_of(one).get(name, "-") for name in tracks]
        rows.append((one["team"], f"{whole['points']:g} of {whole['out_of']}", *scored, ", ".join(lost)))
    yield from in_columns(rows)
    notes = [f"{one['team']}: {note}" for one in results for note in one["notes"]]
    notes = ["".join(letter if letter.isprintable() else "?" for letter in note) for note in notes]  # of strangers
    yield from ["", *notes] if notes else []
