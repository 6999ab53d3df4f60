"""What a team reads about its submission, and the page that lists all teams; each needs nothing else."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

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
        not (marks.get((one["team"], text["text"])) or {}).get("mark") for one in results for text in one["texts"]
    )
    points = {one["team"]: {each["exercise"]: each["points"] for each in one["exercises"]} for one in results}
    page = _templates().get_template("teams.html.j2")
    return page.render(results=by_points, exercises=names, by_exercise=points, waiting=waiting)


def verdict_of(points: float, out_of: float) -> str:
    """Return the colour of so many points."""
    return "green" if points >= out_of else "amber" if points else "red"


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
