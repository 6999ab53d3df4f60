"""Method checks: was it split, made and judged as it should be? Each has a code and a page that explains it.

They are asked before anything else, those about the finished report after it. What they find stands
at the head of the report: numbers from a comparison with a leak in it mean nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files

from shd._errors import ShdError
from shd.compare.checks import finished_report as _report
from shd.compare.checks import records as _records
from shd.compare.checks import single_people as _people
from shd.compare.checks import split as _sides
from shd.compare.core.result import Finding, Result
from shd.compare.core.sides import Sides

__all__ = ["CHECKS", "Check", "Finding", "after", "before", "explain", "sort"]


@dataclass(frozen=True)
class Check:
    """One check; `find` takes the sides (and the result, and what was found before), and returns a sentence a fault."""

    code: str
    title: str
    level: str
    todo: str
    find: Callable[..., list[str]]
    of_result: bool = False
    of_tables: bool = False  # and not of pictures
    needs_holdout: bool = False
    holds_back: str | None = None  # the chapter that is not green where something was found; an error holds back all

    def found(self, sides: Sides, *result: object) -> list[Finding]:
        """Return a finding for each fault; none where the sides are not what the check is about."""
        if (self.of_tables and sides.is_of_images) or (self.needs_holdout and "holdout" not in sides.given):
            return []
        sentences = self.find(sides, *result)
        return [Finding(self.code, self.title, self.level, said, self.todo, self.holds_back) for said in sentences]


CHECKS = (
    Check("SHD001", "a subject is on both sides of the split", "error", "Split with Dataset.split.", _sides.shared),
    Check(
        "SHD002", "the synthesizer seems to have seen the holdout", "error",
        "Fit on train alone, and check what is handed to fit.", _report.saw_the_holdout, of_result=True,
        needs_holdout=True,
    ),
    Check(
        "SHD003", "the same records stand on both sides", "error",
        "Look for people under two ids, and remove copies before splitting.", _sides.repeated, needs_holdout=True,
    ),
    Check(
        "SHD004", "labels may not belong to their records", "warning",
        "Check how labels were joined to records; a column may be out of order.", _sides.mislabelled,
    ),
    Check("SHD005", "no seed", "warning", "Set random_state, and write it down.", _records.unseeded),
    Check("SHD006", "too little to judge by", "warning", "Give more, or read the intervals and not the numbers.",
          _records.too_few, holds_back="privacy"),
    Check(
        "SHD007", "a column tells the target", "warning",
        "Ask when the column is known: what follows from the target must go.", _records.leaking, of_tables=True,
    ),
    Check(
        "SHD008", "the target is too easy in the synthetic data", "warning",
        "Judge by TSTR, never by TSTS; train for longer or condition on the target.", _report.too_easy, of_result=True,
    ),
    Check(
        "SHD009", "something common never comes up", "warning",
        "Sample on condition of it, or train for longer; say so on the card.", _records.vanished,
    ),
    Check(
        "SHD010", "privacy was judged without an attack", "warning",
        "Give a holdout: compare(..., holdout=...).", _report.no_attack, of_result=True, holds_back="privacy",
    ),
    Check(
        "SHD011", "the synthetic data are the real ones", "error",
        "Check which file was given as synthetic. Do not share it.", _records.the_same,
    ),
    Check(
        "SHD012", "a column may be an id", "warning",
        "Name it as the subject (--subject), or drop it; a measurement may stay.", _records.numbered, of_tables=True,
    ),
    Check(
        "SHD013", "a sensitive column was not compared", "warning",
        "Give it to every table, with groups that repeat.", _records.not_by_group, of_tables=True,
        holds_back="fairness",
    ),
    Check(
        "SHD014", "values of single people are handed on", "warning",
        "Pool rare levels and cut extremes before fitting, or say on the card why nobody is known by them.",
        _people.known_by_values, of_tables=True,
    ),
)  # fmt: skip
"""Every check, in the order of the codes. A new one is one function, one page and one line here."""


def before(sides: Sides) -> list[Finding]:
    """Ask everything that can be asked before the comparison."""
    return [finding for check in CHECKS if not check.of_result for finding in check.found(sides)]


def after(sides: Sides, result: Result, found: list[Finding]) -> list[Finding]:
    """Ask what can be asked of the finished result; `found` is what the checks before it found."""
    return [finding for check in CHECKS if check.of_result for finding in check.found(sides, result, found)]


def sort(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return findings in the order of their codes."""
    return tuple(sorted(findings, key=lambda one: one.code))


def explain(code: str) -> str:
    """Return the page of a check, as Markdown: what it is, why it matters, how to find and to mend it.

    Raises
    ------
    ShdError
        Where there is no such code.
    """
    if code not in {check.code for check in CHECKS}:
        raise ShdError(f"{code}: no such check; there are {CHECKS[0].code} to {CHECKS[-1].code}.")
    return files("shd.compare.checks").joinpath("pages", f"{code}.md").read_text(encoding="utf-8")
