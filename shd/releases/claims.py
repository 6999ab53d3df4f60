"""What a card says, beside what was found."""

import math
from dataclasses import asdict, dataclass

import pandas as pd

from shd._terminal import in_columns
from shd.releases.release import Release

YES, CHANCE, NO, NEW, UNSURE = "yes", "within chance", "no", "not claimed", "not sure"
_SAME = 1e-4  # relative; other processors, and other numbers of threads, round otherwise


@dataclass(frozen=True)
class Claim:
    """Something that a card says, beside what was found.

    A score agrees ("yes") where all its numbers are the same to four digits, and its verdict is. It agrees "within
    chance" where its verdict is the same and each value lies inside the 95 % interval of the other: so it is with
    other versions of packages. Where the value is the same, floor and ceiling must be, too. Records that a model
    draws on another machine may be others: "not sure".
    """

    what: str
    claimed: str | float | None  # None where the card does not say it
    found: str | float | None  # None where it could not be measured
    agrees: str  # "yes", "within chance", "no", "not claimed", "not sure"
    where: str = ""  # which numbers of a score differ, which files, or why it is not sure


@dataclass(frozen=True)
class Verification:
    """What was found of a release."""

    release: Release
    claims: tuple[Claim, ...]
    notes: tuple[str, ...]  # what the claims do not tell, one sentence each

    @property
    def holds(self) -> bool:
        """Whether nothing that the card says was found to be otherwise."""
        return all(claim.agrees != NO for claim in self.claims)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a claim: what, claimed, found, agrees, where."""
        return pd.DataFrame([asdict(claim) for claim in self.claims])

    def summary(self) -> str:
        """Return the claims as lines of text for the command line."""
        rows = [("", "claimed", "found", "agrees")]
        for claim in self.claims:
            agrees = f"{claim.agrees}: {claim.where}" if claim.where else claim.agrees
            rows.append((claim.what, _show(claim.claimed), _show(claim.found), agrees))
        return "\n".join([*in_columns(rows), *(f"note: {note}" for note in self.notes)])


def _show(value: str | float | None) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:,.4f}".rstrip("0").rstrip(".")


def agree_if(same: bool) -> str:
    """Return the mark of what is the same or is not."""
    return YES if same else NO


def same_number(one: float | None, other: float | None) -> bool:
    """Whether two numbers are the same to four digits; what is missing on both sides is the same."""
    known = [number for number in (one, other) if number is not None and math.isfinite(number)]
    return len(known) != 1 and (not known or math.isclose(*known, rel_tol=_SAME, abs_tol=1e-9))
