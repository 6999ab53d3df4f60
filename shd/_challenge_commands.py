"""The commands `shd challenge ...`: for teams a folder, a check and a score; for organisers a challenge and a seal."""

from pathlib import Path
from typing import Annotated

import typer

from shd import _terminal
from shd._options import AsJson, examples
from shd._terminal import in_columns

app = typer.Typer(
    help="Start, make, check and score challenges.",
    epilog=examples("shd challenge list", "shd challenge start diabetes_ml my-team"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
Which = Annotated[
    str, typer.Argument(metavar="CHALLENGE", help="A challenge, for example diabetes_ml, or the folder of one.")
]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a team.")]


@app.command("list", epilog=examples("shd challenge list"))
def _list(json: AsJson = False) -> None:
    """Show the challenges there are."""
    from shd.hackathon.challenge import all_challenges

    found = all_challenges()
    rows = [(one.id, one.dataset, ", ".join(one.tracks), one.title) for one in found]
    result = [{"id": i, "dataset": d, "tracks": t.split(", "), "title": title} for i, d, t, title in rows]
    text = "\n".join(in_columns([("challenge", "data set", "tracks", "title"), *rows]))
    _terminal.emit(result, json, f"{text}\n\nStart: shd challenge start {found[-1].id if found else 'NAME'} my-team")


@app.command("start", epilog=examples("shd challenge start diabetes_ml my-team"))
def _start(
    challenge: Which,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that is not there yet.")],
    team: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the team is called.  [default: as the folder]")
    ] = None,
    json: AsJson = False,
) -> None:
    """Make a folder for a team, which works wherever it lies.

    It holds the starter, the data, the page, what to install and, where git is there, a repository with
    one commit.
    """
    from shd.hackathon.start import start

    made = start(challenge, folder, team)
    text = f"{made.challenge}: {made.files} files{', in a git repository with one commit' if made.has_git else ''}."
    todo = "read README.md in it, then: jupyter lab starter.ipynb"
    _terminal.emit(made.to_dict(), json, f"{text}\n\nFolder: {made.folder} ({todo})")


@app.command("check", epilog=examples("shd challenge check my-team"))
def _check(folder: Folder, json: AsJson = False) -> int:
    """Say what of a submission would be lost, and why.

    Nothing of the team's is run. SUBMISSIONS.md says what belongs where. Ends with 1 where something
    would be lost.
    """
    from shd.hackathon.submission import check

    found = check(folder)
    lost = [one for one in found if one.loses]
    lines = [f"{'lost' if one.loses else 'note':<5} {one.track:<11} {one.file}: {one.sentence}." for one in found]
    tracks = ", ".join(dict.fromkeys(one.track for one in lost))
    last = f"Would be lost: {tracks}. Mend it and check again." if lost else "Nothing would be lost."
    result = {"folder": str(folder), "whole": not lost, "findings": [one.to_dict() for one in found]}
    _terminal.emit(result, json, "\n".join([*lines, *([""] if lines else []), last]))
    return 1 if lost else 0
