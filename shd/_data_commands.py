"""The commands `shd data ...`: which data sets there are, and what of them is on this disk."""

from pathlib import Path
from typing import Annotated

import typer

from shd import _terminal
from shd._options import AsJson, examples
from shd._progress import notice
from shd._terminal import in_columns

app = typer.Typer(
    help="Show, fetch and check the data sets.",
    epilog=examples("shd data list", "shd data fetch diabetes"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="A data set, for example diabetes.")]


@app.command("list", epilog=examples("shd data list"))
def _list(json: AsJson = False) -> None:
    """Show the data sets and what is on this disk."""
    from shd.datasets import list_datasets

    found = list_datasets()
    marks = {True: "yes", False: "no"}
    rows = [(r.name, marks[r.real], marks[r.stand_in], marks[r.synthetic], r.licence) for r in found.itertuples()]
    lines = in_columns([("name", "real", "stand-in", "synthetic", "licence"), *rows])
    lines += [f"\nReal data: {Path(where).parent}" for where in found["where"][:1]]
    _terminal.emit(found.to_dict("records"), json, "\n".join(lines))


@app.command("fetch", epilog=examples("shd data fetch diabetes"))
def _fetch(name: Name, json: AsJson = False) -> None:
    """Download the real data from their owner.

    Licence and checksum are shown; nothing is sent.
    """
    from shd.datasets import fetch

    _emit_archive(name, fetch(name), json)


@app.command("add", epilog=examples("shd data add diabetes ~/Downloads/diabetes.zip"))
def _add(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The owner's archive, not unpacked.")],
    json: AsJson = False,
) -> None:
    """Take an archive that you downloaded by hand."""
    from shd.datasets import add

    _emit_archive(name, add(name, file), json)


@app.command("verify", epilog=examples("shd data verify diabetes"))
def _verify(name: Name, json: AsJson = False) -> None:
    """Check that the real data are whole."""
    from shd.datasets import verify

    path = verify(name)
    notice(f"{name}: checksum verified, as the owner publishes it.")
    _emit_archive(name, path, json)


def _emit_archive(name: str, path: Path, as_json: bool) -> None:
    _terminal.emit({"name": name, "archive": str(path)}, as_json, f"Archive: {path}")
