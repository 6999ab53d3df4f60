"""Exercises of a notebook: checks that can be counted, hints that come one by one, outputs that a grader reads.

An exercise asks for a **function**, which is called on planted data whose answer is known: a number can be typed, or
come out right by chance; a function on other data cannot. All of an exercise stands in one place::

    overlap = Exercise("overlap", 4, 1, 2, returns=number(0, 1), hints=(direction, method, code))

    @overlap.planted
    def two_lists(seed):                       # what the function is called with; other seeds give other data
        ...
        return one, other

    @overlap.visible
    def is_a_share_of_one_list(found, one, other):     # a sentence where it is wrong, else None
        ...

    @overlap.hidden
    def is_exact(found, one, other):
        ...

A check cell calls ``checks.overlap(answer)``. Hidden checks stand between ``# BEGIN HIDDEN`` and ``# END HIDDEN`` in
the organiser's file, and are not in a team's copy. When a notebook is graded, the check cell calls the function on
hidden seeds, too, and writes what it returned; the hidden checks read that in another process.
"""

import contextlib
import io
import json
import os
import re
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from shd._errors import ShdError
from shd.hackathon.outputs import Failed, as_text, from_text

SEED = 0
"""Of the planted data that students see."""
HIDDEN_SEEDS, HAND_IN = "SHD_HIDDEN_SEEDS", "SHD_HAND_IN"
"""Where a grader says on which other seeds answers are called, and where what they return is written."""
RECORDS = Path(".shd")
"""Where checks record their results when nobody grades: one small file an exercise."""

Kind = Callable[[object], str | None]
Check = Callable[..., str | None]
_UNWRITTEN = "It is not written yet"
_HIDDEN = re.compile(r"^# BEGIN HIDDEN\n.*?^# END HIDDEN\n\n*", re.MULTILINE | re.DOTALL)
_MOST_SHOWN = 60  # characters of a value


@dataclass(eq=False)
class Exercise:
    """One exercise: what is asked, its checks and its hints.

    Parameters
    ----------
    id : str
        As in the tag ``answer:ID`` of its cell.
    number : int
        As in the notebook: "Exercise 4".
    visible_points, hidden_points : int
        Points for the checks that students see (all of them right), and for the same on other planted data with the
        hidden checks (shared alike).
    returns : callable
        Says what is wrong with the kind of value that the answer returns, or None: `shd.hackathon.kinds` has some.
    hints : tuple of str
        Direction, method, code: one more is shown after each failed try.
    """

    id: str
    number: int
    visible_points: int
    hidden_points: int
    returns: Kind
    hints: tuple[str, ...]
    _planted: Callable[[int], tuple] | None = field(default=None, init=False)
    visible_checks: list[Check] = field(default_factory=list, init=False)
    hidden_checks: list[Check] = field(default_factory=list, init=False)
    tries: int = field(default=0, init=False)
    is_solved: bool = field(default=False, init=False)

    def planted(self, function: Callable[[int], tuple]) -> Callable[[int], tuple]:
        """Take the function that plants the data of a seed: what an answer is called with, as a tuple."""
        self._planted = function
        return function

    def visible(self, check: Check) -> Check:
        """Take a check that students see; it is called with what the answer returned, and what it was given."""
        self.visible_checks.append(check)
        return check

    def hidden(self, check: Check) -> Check:
        """Take a check that students do not see."""
        self.hidden_checks.append(check)
        return check

    @property
    def points(self) -> int:
        """How many points it is worth."""
        return self.visible_points + self.hidden_points

    @property
    def said_when_right(self) -> str:
        """What the check cell prints when the answer is right: a grader looks for this line."""
        more = f"; the same on other data gives the other {self.hidden_points}" if self.hidden_points else ""
        return f"Exercise {self.number}: right, {self.visible_points} of {self.points} points{more}."

    def __call__(self, answer: Callable) -> None:
        """Check an answer, say what was found, and record it."""
        wrong = self._why_not_called(answer) or self.why_wrong(_as_handed_in(self.called(answer, SEED)), SEED)
        self.is_solved = wrong is None
        if self.is_solved:
            print(self.said_when_right)
        else:
            print(f"Exercise {self.number}: not yet. {wrong}")
            self.tries += not wrong.startswith(_UNWRITTEN)
            for number, hint in enumerate(self.hints[: self.tries], 1):
                print(f"Hint {number} of {len(self.hints)}: {hint}")
        self._record(answer)

    def solved(self, what: str = "figure") -> bool:
        """Whether the answer was right; says what to do first where it was not."""
        if not self.is_solved:
            print(f"Solve exercise {self.number} to see this {what}.")
        return self.is_solved

    def called(self, answer: Callable, seed: int) -> object:
        """Call an answer on the planted data of a seed; where it stops, return the sentence that says why."""
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            try:
                return answer(*self._planted(seed))
            except Exception as error:  # whatever a student's function does is an answer to be judged
                return _why_it_stopped(error)

    def why_wrong(self, found: object, seed: int, checks: list[Check] | None = None) -> str | None:
        """Return what is wrong with what an answer returned, by the visible checks or those given, or None."""
        if isinstance(found, Failed):
            return str(found)
        if found is None:
            return f"{_UNWRITTEN}: the function returns None. Does it end with `return`?"
        wrong = self.returns(found)
        for check in [] if wrong else self.visible_checks if checks is None else checks:
            try:
                wrong = check(found, *self._planted(seed))
            except Exception as error:  # a value so odd that a check of ours stops at it is a wrong value
                wrong = f"What it returns cannot be checked ({type(error).__name__}): {short(found)}."
            if wrong:
                break
        return wrong

    def _why_not_called(self, answer: object) -> str | None:
        if callable(answer):
            return None
        if answer is None:
            return f"{_UNWRITTEN}: give the check your function."
        return f"Give the check your function itself, not {short(answer)}."

    def _record(self, answer: object) -> None:
        """Write whether the answer was right; for a grader, also what it returns on the hidden seeds."""
        given = os.environ.get(HAND_IN)
        folder = Path(given) if given else RECORDS
        result = {"exercise": self.id, "right": self.is_solved, "tries": self.tries}
        with contextlib.suppress(OSError):  # a folder that cannot be written to costs a student nothing
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{self.id}.json").write_text(json.dumps(result) + "\n", encoding="utf-8")
            if given and callable(answer):
                (folder / f"{self.id}.outputs.json").write_text(self._outputs(answer), encoding="utf-8")

    def _outputs(self, answer: Callable) -> str:
        seeds = [SEED, *map(int, filter(None, os.environ.get(HIDDEN_SEEDS, "").split(",")))]
        try:
            return as_text({seed: self.called(answer, seed) for seed in seeds})
        except ShdError as error:
            return as_text(dict.fromkeys(seeds, Failed(f"It returns what cannot be handed in: {error}")))


def _as_handed_in(found: object) -> object:
    """Return what a grader would read of a value, so that it is checked alike in both places."""
    try:
        return from_text(as_text({SEED: found}))[SEED]
    except ShdError as error:
        return Failed(f"It returns what cannot be handed in: {error}")


def without_hidden(source: str) -> str:
    """Return the file of exercises as teams get it: without what stands between the marks of hidden checks."""
    visible = _HIDDEN.sub("", source)
    if "BEGIN HIDDEN" in visible or "END HIDDEN" in visible:
        raise ShdError("a # BEGIN HIDDEN without its # END HIDDEN, or the other way round.")
    return visible


def short(value: object) -> str:
    """Return a value as it is shown in a sentence: its first words."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # a student's class may have a broken repr
        text = f"a {type(value).__name__}"
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 3] + "..."


def _why_it_stopped(error: Exception) -> Failed:
    """Say at which line of its cell a function stopped, and why."""
    frames = traceback.extract_tb(error.__traceback__)
    line = f" in its line {frames[1].lineno} ({frames[1].line})" if len(frames) > 1 and frames[1].line else ""
    return Failed(f"The function stops{line} with {type(error).__name__}: {short(str(error))}")
