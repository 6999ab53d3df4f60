"""Options that several commands share: what is asked, how people are protected, how a CSV is to be read."""

from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="The same seed gives the same rows, and the same numbers.")]
Target = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column to predict.")]
Subject = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column with the patient's id.")]
Sensitive = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN", help="Column of groups to be treated alike; again for more.")
]
Findings = Annotated[
    Path | None,
    typer.Option(
        "--findings", metavar="FOLDER", help="Studies to find again in synthetic records; a data set brings its own."
    ),
]

MinPeople = Annotated[
    int | None,
    typer.Option(
        "--min-people", min=1, metavar="N", help="Fewest people who share what is learned; 1 for all.  [default: 5]"
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Column that identifies people, kept as a category; again for more."),
]
Fake = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Column that is made up, in the form that it has; again for more."),
]

Skip = Annotated[int, typer.Option(min=0, metavar="N", help="Lines above the row of names of a CSV to leave out.")]
Missing = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WORD", help="Word for a missing value in a CSV; again for more.  [default: NA, N/A, NULL ...]"
    ),
]
Text = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN", help="Column of a CSV to keep as it is written; again for more.")
]
DayFirst = Annotated[
    bool | None, typer.Option("--day-first/--month-first", help="Whether 03/04/2020 is in April, or in March.")
]
Decimal = Annotated[str | None, typer.Option(metavar="MARK", help="Decimal mark of a CSV: a point, or a comma.")]


def reading(skip: int, missing: list | None, text: list | None, day_first: bool | None, decimal: str | None) -> dict:
    """Return how a file is to be read, as `Dataset.from_csv` takes it."""
    words = None if missing is None else tuple(missing)
    return {"skip": skip, "missing": words, "text": tuple(text or ()), "day_first": day_first, "decimal": decimal}


def examples(*lines: str) -> str:
    """Return what stands below the help of a command, each example on a line of its own."""
    return "\n".join(["\b", "Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines)])
