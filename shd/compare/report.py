"""`Report`: what a comparison found, as tables, as words, and as one page."""

from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from shd._errors import ShdError, ShdWorkError
from shd._json import json_values as plain
from shd.compare._bars import without_rare
from shd.compare._schema import QUESTIONS, Score, Skipped, score_frame, worst

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from shd.compare.checks import Finding
    from shd.compare.images._grid import Grid
_RARE = 5  # people of train: what fewer of them have is not named in what is handed on
# questions that are not green where a warning was found
_HOLDS_BACK = {"SHD006": "privacy", "SHD010": "privacy", "SHD013": "fairness"}
AT_RISK = "at risk"
"""Frame of the real records that a release may betray, by row: for the steward alone."""


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
    title: str = ""
    licence: str = "unknown"
    licence_url: str = ""
    citation: str = ""

    def table(self, role: str) -> Table | None:
        """Return one of the tables, None where it was not given."""
        return next((table for table in self.tables if table.role == role), None)


@dataclass(frozen=True, eq=False)
class Report:
    """What `compare` found.

    Parameters
    ----------
    results : tuple of Score
        Every number, in the order of the questions.
    frames : dict of str to DataFrame
        The tidy tables behind them: columns, distributions, pairs, utility, prediction, distances;
        of pictures means, distances, variety, utility, attention, leakage.
    notes : tuple of Skipped
        What could not be judged, and why.
    about : About
        What was compared.
    pictures : dict of str to Grid
        What the page of a comparison of pictures shows: samples, means, attention, suspects. Empty
        for tables. Some show real people: see `without_persons`.
    findings : tuple of Finding
        What the method checks found, with codes: see `shd.compare.checks`.
    """

    results: tuple[Score, ...]
    frames: dict[str, pd.DataFrame]
    notes: tuple[Skipped, ...]
    about: About
    pictures: "dict[str, Grid]" = field(default_factory=dict)
    findings: "tuple[Finding, ...]" = ()

    @property
    def is_of_images(self) -> bool:
        """Whether pictures were compared, not tables."""
        return bool(self.pictures)

    @property
    def scores(self) -> pd.DataFrame:
        """One row a number: question, metric, value, interval, floor, real reference, verdict, sentence.

        `floor` is the same number for independent columns, `real reference` for held-out real
        records in place of the synthetic ones (NaN without a holdout).
        """
        return score_frame(self.results)

    @property
    def columns(self) -> pd.DataFrame:
        """One row a column: its distance from train, with interval, floor, real reference and verdict."""
        return self._frame("columns")

    @property
    def pairs(self) -> pd.DataFrame:
        """One row a pair: association in train, synthetic, floor and holdout; what was lost or invented."""
        return self._frame("pairs")

    @property
    def trust(self) -> pd.DataFrame:
        """One row a column: how far it can be trusted, why, and what not to use it for."""
        return self._frame("trust")

    @property
    def fairness(self) -> pd.DataFrame:
        """One row a group of people: how many there are, and how well they are served."""
        return self._frame("fairness")

    @property
    def at_risk(self) -> pd.DataFrame:
        """Rows of train that are rare and that synthetic records come near to; never handed on."""
        return self._frame(AT_RISK)

    @property
    def replication(self) -> pd.DataFrame:
        """One row a known clinical finding, estimated on both tables; see `shd.compare.domain.replicate`."""
        return self._frame("findings")

    @property
    def utility(self) -> pd.DataFrame:
        """One row a target level and design (TRTR, TSTR, TSTS, TRTS, floor): AUROC or R2 with interval."""
        return self._frame("utility")

    @property
    def power(self) -> str:
        """One line on the smallest faults that tables of this size show; empty where nothing tells."""
        from shd.compare._power import power

        return power(self)

    @property
    def skipped(self) -> pd.DataFrame:
        """What could not be judged, and why."""
        return pd.DataFrame([(note.what, note.why) for note in self.notes], columns=["what", "why"])

    @property
    def verdicts(self) -> dict[str, str | None]:
        """Verdict of each question, that of its worst score that says something; None where nothing could be judged.

        No question is green where a method check holds it back; see `held_back`.
        """
        return {q: "amber" if self.held_back(q) else self._worst(q) for q in QUESTIONS}

    def held_back(self, question: str) -> "list[Finding]":
        """Return what makes a question amber, all scores of which are green or grey.

        After an error no number can be believed; privacy without an attack, or with few records to attack, and
        fairness without one of the columns declared sensitive, say too little.
        """
        if self._worst(question) not in ("grey", "green"):
            return []
        return [f for f in self.findings if f.level == "error" or _HOLDS_BACK.get(f.code) == question]

    def _worst(self, question: str) -> str | None:
        return worst([score.verdict for score in self.results if score.question == question])

    def score(self, metric: str) -> Score | None:
        """Return one score by the name of its metric, None where it was skipped."""
        return next((score for score in self.results if score.metric == metric), None)

    @property
    def leakage(self) -> pd.DataFrame:
        """Of pictures: scores of real people under a split by image and by subject; see `leakage_by_split`."""
        return self._frame("leakage")

    def without_persons(self) -> "Report":
        """Return the same report without what is about single real people (pictures, rows), to be handed on."""
        kept = {name: grid.without_persons() for name, grid in self.pictures.items()}
        frames = {name: frame for name, frame in self.frames.items() if name != AT_RISK}
        if "distributions" in frames:
            frames["distributions"] = without_rare(frames["distributions"], _RARE)
        return replace(self, frames=frames, pictures={name: grid for name, grid in kept.items() if grid is not None})

    def plot(self, question: str) -> "Figure":
        """Draw every score of one question with its interval, floor and real reference.

        Raises
        ------
        ShdError
            Where there is no such question, or nothing about it could be judged.
        """
        from shd.compare._ranges import draw_scores

        scores = [score for score in self.results if score.question == question]
        if not scores:
            asked = ", ".join(q for q in QUESTIONS if self.verdicts[q])
            raise ShdError(f"question={question!r}: no score to draw; this report has {asked or 'none'}.")
        return draw_scores(scores)

    def summary(self) -> str:
        """Return six plain lines for the command line."""
        from shd.compare._words import summary

        return "\n".join(summary(self))

    def to_html(self) -> str:
        """Return the whole report as one HTML document that needs nothing else."""
        from shd.compare._page import document

        return document(self)

    def save(self, path: str | Path) -> Path:
        """Write the report as one HTML file that opens offline.

        Raises
        ------
        ShdWorkError
            Where the file cannot be written.
        """
        path = Path(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.to_html(), encoding="utf-8")
        except OSError as error:
            raise ShdWorkError(f"{path}: the report cannot be written ({error.strerror}). Name another file.") from None
        return path

    def to_dict(self) -> dict:
        """Return scores, verdicts, skipped and about as plain values, ready for JSON (no NaN)."""
        return {
            "about": plain(asdict(self.about)),
            "verdicts": self.verdicts,
            "scores": [plain(asdict(replace(score, rule=None))) for score in self.results],
            "columns": plain(self.columns.to_dict("records")),
            "utility": plain(self.utility.to_dict("records")),
            "trust": plain(self.trust.to_dict("records")),
            "fairness": plain(self.fairness.to_dict("records")),
            "replication": plain(self.replication.to_dict("records")),
            "findings": [asdict(finding) for finding in self.findings],
            "power": self.power,
            "skipped": [{"what": note.what, "why": note.why} for note in self.notes],
        }

    def _frame(self, name: str) -> pd.DataFrame:
        return self.frames.get(name, pd.DataFrame())

    def _repr_html_(self) -> str:
        from shd.compare._page import fragment

        return fragment(self)

    def __repr__(self) -> str:
        return self.summary()
