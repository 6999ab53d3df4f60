"""What a team reads about its submission, and the page that lists all teams; each needs nothing else."""

from collections.abc import Sequence
from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from shd.hackathon.grading.result import Marks, exercises_of, texts_of, total
from shd.hackathon.score import TrackScore, rank
from shd.plot import PALETTE, VERDICT_COLOURS, VERDICT_MARKS


def as_page(result: dict, marks: Marks, texts: Sequence[str]) -> str:
    """Return the page of a team, with its marks for the questions in words."""
    mine = {text: {"mark": "", "comment": "", **marks.get((result["team"], text), {})} for text in texts}
    given = total(result, marks, texts)
    return _templates().get_template("team.html.j2").render(result=result, marks_of=mine, total=given)


def as_index(results: Sequence[dict], marks: Marks) -> str:
    """Return the page of all teams, those with most points first."""
    names, texts = exercises_of(results), texts_of(results)
    rows = []
    for one in results:
        cells = {each["exercise"]: each["points"] for each in one["exercises"]}
        cells |= {text: (marks.get((one["team"], text)) or {}).get("mark") or None for text in texts}
        rows.append({**one, **total(one, marks, texts), "cells": [cells.get(name) for name in (*names, *texts)]})
    rows.sort(key=lambda one: (-one["points"], one["team"]))
    waiting = sum(bool(text["words"]) and not (marks.get((one["team"], text["text"])) or {}).get("mark")
                  for one in results for text in one["texts"])  # fmt: skip
    columns = [*names, *(text.partition(":")[0] for text in texts)]
    told = {"results": rows, "columns": columns, "waiting": waiting, "boards": leaderboards(results)}
    return _templates().get_template("teams.html.j2").render(**told)


def leaderboards(results: Sequence[dict]) -> list[dict]:
    """Return a table for each track and the people it was scored on, the best team first, and who has no score."""
    by_board: dict[tuple, list[tuple[str, dict]]] = {}
    for result in results:
        for track in result["tracks"]:
            by_board.setdefault((track["track"], track["people"], track["source"]), []).append((result["team"], track))
    boards = []
    for (track, people, source), entries in by_board.items():
        ranks = rank([_scored(one) for _, one in entries])
        rows = [{"team": team, "rank": place, **one} for (team, one), place in zip(entries, ranks, strict=True)]
        rows.sort(key=lambda row: (row["rank"] or len(entries) + 1, -(row["value"] or 0), row["team"]))
        for row in rows:
            row["failed"] = ", ".join(gate["name"] for gate in row["gates"] if not gate["passed"])
        without = [row["team"] for row in rows if row["value"] is None]
        scored = [row for row in rows if row["value"] is not None]
        boards.append({"track": track, "people": people, "source": source, "rows": scored, "without": without})
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
