"""A question: what a comparison asks, declared in the file that measures it. And what comes back: an answer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import nan
from typing import Any

import pandas as pd

from shd.compare.core.score import Score, Skipped

NEEDS = ("holdout", "people", "target", "model", "two columns", "three columns", "groups", "findings", "full level")
"""What a question may need. `Sides.lacks` says of each whether it is there, or why not."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What one question found: scores, the tables behind them, what it had to skip, and pictures to show."""

    scores: list[Score] = field(default_factory=list)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    pictures: dict[str, Any] = field(default_factory=dict)
    seconds: float = nan


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """One question of the report: everything that others need to know of it."""

    name: str  # as the progress bar, `shd.compare.ask` and the list of what was skipped call it
    chapter: str  # of CHAPTERS
    measure: Callable[..., Answer]  # takes the sides
    weight: float = 1  # its share of the time
    words: dict[str, str] = field(default_factory=dict)  # each of its metrics, and what that says: the glossary
    needs: tuple[str, ...] = ()  # of NEEDS; without one of them it is skipped
    tables: tuple[str, ...] = ()  # that an answer may hold
    secret: tuple[str, ...] = ()  # those about single people: for the steward alone, and never handed on
    is_attack: bool = False  # whether it attacks people, so that green means: tried and failed
    readme: tuple[str, ...] = ()  # metrics that README shows of each release

    jobs: Callable | None = None
    """Takes the sides, and returns trainings to be done beforehand, by name; `measure` gets what they gave."""
    sums_up: tuple[str, ...] = ()
    """The questions that it sums up; `measure` gets the answers to all before it."""
    show: str | Callable | None = None
    """Takes the report, and returns the parts of the page (see `shd.compare.core.part`) that show its tables.

    As ``"chapters.fidelity:pairs"``, a function of `shd.compare.report`, it draws nothing before a page is made.
    """

    def lacking(self, lacks: dict[str, str]) -> Skipped | None:
        """Return what the question has to do without, None where it has all that it needs."""
        return next((Skipped(self.name, lacks[need], kind=need) for need in self.needs if need in lacks), None)
