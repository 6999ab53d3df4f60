"""What a team reads about its submission, and the page that lists all teams; each needs nothing else."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from shd.hackathon.score import TrackScore, rank
from shd.plot import PALETTE, VERDICT_COLOURS, VERDICT_MARKS

if TYPE_CHECKING:
    from shd.hackathon.grading.result import Result


def as_page(result: "Result") -> str:
    """Return the page of a team."""
    return _templates().get_template("team.html.j2").render(result=result.to_dict())


def as_index(results: Sequence[dict], marks: dict[tuple[str, str], dict]) -> str:
    """Return the page of all teams, those with most points first."""
    by_points = sorted(results, key=lambda one: (-one["points"], one["team"]))
    names = list(dict.fromkeys(one["exercise"] for result in results for one in result["exercises"]))
    waiting = sum(
        bool(text["words"]) and not (marks.get((one["team"], text["text"])) or {}).get("mark")
        for one in results
        for text in one["texts"]
    )
    points = {one["team"]: {each["exercise"]: each["points"] for each in one["exercises"]} for one in results}
    page = _templates().get_template("teams.html.j2")
    return page.render(
        results=by_points, exercises=names, by_exercise=points, waiting=waiting, boards=leaderboards(results)
    )


def leaderboards(results: Sequence[dict]) -> list[dict]:
    """Return a table for each track and the people it was scored on, the best team first."""
    by_board: dict[tuple, list[tuple[str, dict]]] = {}
    for result in results:
        for track in result["tracks"]:
            by_board.setdefault((track["track"], track["people"], track["source"]), []).append((result["team"], track))
    boards = []
    for (track, people, source), entries in sorted(by_board.items()):
        ranks = rank([_scored(one) for _, one in entries])
        rows = [{"team": team, "rank": place, **one} for (team, one), place in zip(entries, ranks, strict=True)]
        rows.sort(key=lambda row: (row["rank"] or len(rows) + 1, -(row["value"] or 0), row["team"]))
        boards.append({"track": track, "people": people, "source": source, "rows": rows})
    return boards


def _scored(track: dict) -> TrackScore:
    """Return the score that a result tells of; without a value where the team is not ranked."""
    numbers = (track[name] if track["ranked"] else None for name in ("value", "low", "high"))
    return TrackScore(track["track"], track["people"], track["source"], *numbers)


def verdict_of(points: float, out_of: float) -> tuple[str, str]:
    """Return the colour of so many points, and a word for them."""
    return ("green", "all") if points >= out_of else ("amber", "some") if points else ("red", "none")


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("shd.hackathon"), PackageLoader("shd", "compare/report/templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"marks": VERDICT_MARKS, "palette": PALETTE, "colours": VERDICT_COLOURS, "word": "real"}
    environment.globals["verdict_of"] = verdict_of
    environment.filters["points"] = lambda number: f"{number:g}"
    return environment
