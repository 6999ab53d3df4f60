"""A result and what the checks found: verdicts of all chapters, and the tables to tell of."""

from dataclasses import dataclass

import pandas as pd

from shd.compare.core.result import About, Finding, Result
from shd.compare.core.score import CHAPTERS, Score, worst


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a page tells of: see `Report`."""

    result: Result
    findings: tuple[Finding, ...] = ()
    n_checks: int = 0

    @property
    def about(self) -> About:
        """What was compared, and under which licence."""
        return self.result.about

    @property
    def is_of_images(self) -> bool:
        """Whether pictures were compared, not tables."""
        return self.about.is_of_images

    @property
    def results(self) -> tuple[Score, ...]:
        """Every number, as a `Score`."""
        return self.result.scores

    @property
    def scores(self) -> pd.DataFrame:
        """One row a number: question, metric, value, interval, floor, real reference, verdict, sentence.

        `floor` is the same number for independent columns, `real reference` for held-out real
        records in place of the synthetic ones (NaN without a holdout).
        """
        return self.result.frame

    @property
    def skipped(self) -> pd.DataFrame:
        """What could not be judged, and why."""
        return pd.DataFrame([(note.what, note.why) for note in self.result.skipped], columns=["what", "why"])

    @property
    def verdicts(self) -> dict[str, str | None]:
        """Verdict of each question, that of its worst score that says something; None where nothing could be judged.

        No question is green where a method check holds it back; see `held_back`.
        """
        return {q: "amber" if self.held_back(q) else self._worst(q) for q in CHAPTERS}

    def held_back(self, chapter: str) -> list[Finding]:
        """Return what makes a question amber, all scores of which are green or grey.

        After an error no number can be believed; privacy without an attack, or with few records to attack, and
        fairness without one of the columns declared sensitive, say too little.
        """
        if self._worst(chapter) not in ("grey", "green"):
            return []
        return [f for f in self.findings if f.level == "error" or f.holds_back == chapter]

    def _worst(self, chapter: str) -> str | None:
        return worst([score.verdict for score in self.result.of_chapter(chapter)])

    def score(self, metric: str) -> Score | None:
        """Return one score by the name of its metric, None where it was skipped."""
        return self.result.score(metric)

    def table(self, name: str) -> pd.DataFrame:
        """Return one of the tables behind the scores, for example ``"trust"``, ``"pairs"`` or ``"fairness"``.

        Raises
        ------
        ShdError
            Where there is none of that name; the message lists those that there are.
        """
        return self.result.table(name)

    def shown(self, name: str) -> pd.DataFrame:
        """Return a table to show, an empty one where its question was skipped: a page leaves out what is empty."""
        return self.result.tables.get(name, pd.DataFrame())
