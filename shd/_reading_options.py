"""Options of the command line that say how a CSV is to be read."""

from typing import Annotated

import typer

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
