"""`Report`: a result as words, as figures, and as one page."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from shd._errors import ShdError, ShdWorkError
from shd._json import json_values as plain
from shd.compare.core.score import CHAPTERS
from shd.compare.fidelity.distributions import without_rare
from shd.compare.report.outcome import Outcome

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_RARE = 5  # people of train: what fewer of them have is not named in what is handed on


_IN_JSON = {name: name for name in ("columns", "utility", "trust", "fairness")} | {"replication": "findings"}
"""Tables that a program gets, too, and under which key."""


@dataclass(frozen=True, eq=False)
class Report(Outcome):
    """What `compare` found, to be read: it renders in a notebook, and saves as one page.

    Parameters
    ----------
    result : Result
        Scores, tables, and what was skipped.
    findings : tuple of Finding
        What the method checks found, with codes: see `shd.compare.checks`.
    """

    @property
    def power(self) -> str:
        """One line on the smallest faults that tables of this size show; empty where nothing tells."""
        from shd.compare.report.power import power

        return power(self.result)

    def without_persons(self) -> "Report":
        """Return the same report without what is about single real people (pictures, rows), to be handed on."""
        kept = {name: grid.without_persons() for name, grid in self.result.pictures.items()}
        tables = {name: table for name, table in self.result.tables.items() if name not in self.result.secret}
        if "distributions" in tables:
            tables["distributions"] = without_rare(tables["distributions"], _RARE)
        pictures = {name: grid for name, grid in kept.items() if grid is not None}
        return replace(self, result=replace(self.result, tables=tables, pictures=pictures))

    def plot(self, question: str) -> "Figure":
        """Draw every score of one question with its interval, floor and real reference.

        Raises
        ------
        ShdError
            Where there is no such question, or nothing about it could be judged.
        """
        from shd.compare.report import figures

        scores = self.result.of_chapter(question)
        if not scores:
            asked = ", ".join(chapter for chapter in CHAPTERS if self.verdicts[chapter])
            raise ShdError(f"question={question!r}: no score to draw; this report has {asked or 'none'}.")
        return figures.scores(scores)

    def summary(self) -> str:
        """Return six plain lines for the command line."""
        from shd.compare.report.words import summary

        return "\n".join(summary(self))

    def to_html(self) -> str:
        """Return the whole report as one HTML document that needs nothing else."""
        from shd.compare.report.page import document

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
        """Return scores, verdicts, tables, skipped and about as plain values, ready for JSON (no NaN)."""
        return {
            "about": plain(asdict(self.about)),
            "verdicts": self.verdicts,
            "scores": [plain(asdict(replace(score, rule=None))) for score in self.results],
            **{key: self._records(name) for key, name in _IN_JSON.items()},
            "findings": [asdict(finding) for finding in self.findings],
            "power": self.power,
            "skipped": [{"what": note.what, "why": note.why} for note in self.result.skipped],
        }

    def _records(self, name: str) -> list[dict]:
        return plain(self.result.tables[name].to_dict("records")) if name in self.result.tables else []

    def _repr_html_(self) -> str:
        from shd.compare.report.page import fragment

        return fragment(self)

    def __repr__(self) -> str:
        return self.summary()
