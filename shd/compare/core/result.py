"""The result of a comparison: scores, tables, what was skipped, and what was compared. Data, and no page."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, score_frame, settle
from shd.dataset import Dataset


@dataclass(frozen=True)
class Table:
    """One of the tables compared: its role, name, source and size."""

    role: str
    name: str
    source: str
    records: int
    subjects: int


@dataclass(frozen=True)
class About:
    """What was compared, and under which licence."""

    tables: tuple[Table, ...]
    n_columns: int
    target: str | None
    word: str
    random_state: int
    level: str = "full"
    is_of_images: bool = False
    findings: str = ""
    title: str = ""
    licence: str = "unknown"
    licence_url: str = ""
    citation: str = ""

    def table(self, role: str) -> Table | None:
        """Return one of the tables, None where it was not given."""
        return next((table for table in self.tables if table.role == role), None)


@dataclass(frozen=True)
class Finding:
    """What a check found, and how to mend it; with an error, the numbers of the report cannot be believed."""

    code: str
    title: str
    level: str
    sentence: str
    todo: str
    holds_back: str | None = None


@dataclass(frozen=True, eq=False)
class Result:
    """What the questions found."""

    scores: tuple[Score, ...]  # every number, each judged as one of all that its chapter asked
    tables: dict[str, pd.DataFrame]  # the tidy tables behind them, by the names that their questions give
    skipped: tuple[Skipped, ...]  # what could not be judged, and why
    about: About
    pictures: dict = field(default_factory=dict)  # of a comparison of pictures: samples, means, attention, suspects
    seconds: dict[str, float] = field(default_factory=dict)  # how long each question took
    words: dict[str, str] = field(default_factory=dict)  # what the metrics mean: the glossary
    answered: dict[Question, tuple[str, ...]] = field(default_factory=dict)  # who found something, and which metrics

    @classmethod
    def of(cls, sides: object, answers: dict[Question, Answer]) -> "Result":
        """Lay the answers together, in the order of the questions."""
        scores = [replace(s, question=q.chapter) for q, answer in answers.items() for s in answer.scores]
        return cls(
            settle(scores),
            {name: table for answer in answers.values() for name, table in answer.tables.items()},
            (*sides.skipped, *(note for answer in answers.values() for note in answer.skipped)),
            about(sides),
            {name: grid for answer in answers.values() for name, grid in answer.pictures.items()},
            {question.name: answer.seconds for question, answer in answers.items()},
            {word: said for question in answers for word, said in question.words.items()},
            {
                question: tuple(score.metric for score in answer.scores)
                for question, answer in answers.items()
                if answer.scores or answer.tables or answer.pictures
            },
        )

    @property
    def attacks(self) -> tuple[str, ...]:
        """The attacks on people that were tried."""
        return tuple(question.name for question, metrics in self.answered.items() if question.is_attack and metrics)

    @property
    def secret(self) -> tuple[str, ...]:
        """Tables about single people: for the steward alone."""
        return tuple(name for question in self.answered for name in question.secret)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a score: question, metric, value, interval, floor, real reference, verdict, sentence."""
        return score_frame(self.scores)

    def score(self, metric: str) -> Score | None:
        """Return one score by the name of its metric, None where it was skipped."""
        return next((score for score in self.scores if score.metric == metric), None)

    def of_chapter(self, chapter: str) -> list[Score]:
        """Return the scores of one chapter, in order."""
        return [score for score in self.scores if score.question == chapter]

    def table(self, name: str) -> pd.DataFrame:
        """Return one of the tables behind the scores.

        Raises
        ------
        ShdError
            Where there is none of that name: a question that was skipped has no table.
        """
        if name not in self.tables:
            raise ShdError(f"table {name!r} is not there; this comparison has {', '.join(self.tables) or 'none'}.")
        return self.tables[name]


def about(sides: object) -> About:
    """Say what was compared."""
    tables = []
    for role, table in sides.given.items():
        is_dataset = isinstance(table, Dataset)
        source = table.source if is_dataset else "synthetic" if role == "synthetic" else "real"
        subjects = len(np.unique(table.subjects)) if is_dataset else len(table)
        tables.append(Table(role, table.name if is_dataset else "table", source, len(table), subjects))
    card = getattr(sides.given["train"], "card", None)
    told = {name: getattr(card, name) for name in ("title", "licence", "licence_url", "citation")} if card else {}
    return About(
        tuple(tables), sides.n_columns, sides.target, sides.word, sides.random_state, sides.level, sides.is_of_images,
        getattr(sides, "studies", ""),
        **told,
    )  # fmt: skip
