"""The points of a notebook: visible checks as nbval scored them, hidden checks on the files that it wrote.

Code in a student's kernel can print whatever a check prints. So what the functions returned is checked again here, in
a process where nothing of the student runs; visible points count only where both agree.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from shd._errors import ShdError
from shd.hackathon.exercise import SEED, Check, Exercise
from shd.hackathon.grading.run import HANDED_IN
from shd.hackathon.outputs import MOST_BYTES, from_text
from shd.hackathon.sandbox import safe_read

UNCHECKED = "Nothing of it could be checked: its check cell was not called with a function, or wrote nothing."


@dataclass
class Mark:
    """What one exercise is worth to a team, and why."""

    exercise: str
    number: int
    visible: float
    hidden: float
    out_of: int
    said: list[str] = field(default_factory=list)

    @property
    def points(self) -> float:
        """How many points it gets."""
        return round(self.visible + self.hidden, 2)

    def to_dict(self) -> dict:
        """Return the fields, and the points."""
        return {**asdict(self), "points": self.points}


def read_exercises(source: str) -> dict[str, Exercise]:
    """Return the exercises that an organiser's file declares, by id, in the order of the notebook."""
    names: dict[str, object] = {"__name__": "exercises"}
    exec(compile(source, "exercises.py", "exec"), names)  # the organiser's own file
    found = sorted((one for one in names.values() if isinstance(one, Exercise)), key=lambda one: one.number)
    if not found:
        raise ShdError("the file of exercises declares no Exercise.")
    return {one.id: one for one in found}


def no_marks(source: str) -> list[Mark]:
    """Return no points for any exercise: of a notebook that could not be graded."""
    exercises = read_exercises(source) if source else {}
    return [Mark(one.id, one.number, 0, 0, one.points, ["Not graded."]) for one in exercises.values()]


def mark(exercise: Exercise, right_for_nbval: bool, work: Path, seeds: Iterable[int]) -> Mark:
    """Give an exercise its points, from what nbval saw and what the notebook wrote."""
    given = Mark(exercise.id, exercise.number, 0, 0, exercise.points)
    try:
        outputs = from_text(
            safe_read(work, f"{HANDED_IN}/{exercise.id}.outputs.json", MOST_BYTES).decode("utf-8", "replace")
        )
    except ShdError:
        given.said.append(UNCHECKED)
        return given
    wrong = exercise.why_wrong(outputs.get(SEED), SEED)
    if wrong:
        given.said.append(wrong)
        if right_for_nbval:
            given.said.append("Its check printed that it is right, and it is not: what checks print earns no points.")
    elif right_for_nbval:
        given.visible = exercise.visible_points
    else:
        given.said.append(
            "The function is right, but its check cell printed something else: does another cell change it?"
        )
    asked = [exercise.visible_checks, *([check] for check in exercise.hidden_checks)]
    failed = [why for checks in asked if (why := _fails(exercise, checks, outputs, seeds))]
    given.said += [f"On other data: {why}" for why in dict.fromkeys(failed) if why != wrong]
    given.hidden = round(exercise.hidden_points * (1 - len(failed) / len(asked)), 2)
    return given


def _fails(exercise: Exercise, checks: list[Check], outputs: dict[int, object], seeds: Iterable[int]) -> str | None:
    """Return what is first found wrong with an answer on the data of other seeds."""
    found = ((seed, outputs.get(seed)) for seed in seeds)
    return next((why for seed, value in found if (why := exercise.why_wrong(value, seed, checks))), None)
