"""The score of a team: gates first, then a number with its interval for each track, and who shares a rank.

The number of *synthesize* is the mean of its parts, each from 0 to 1. Its interval has the mean of their lower ends and
of their upper ends: the parts are measured on the same people, so that their errors may all point one way, and this is
as far as they can go together.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shd._errors import ShdError, ShdWarning
from shd.compare.ask import answers, look, questions
from shd.compare.core.result import Result
from shd.compare.core.score import Score
from shd.compare.findings import load as load_studies
from shd.dataset import Dataset
from shd.hackathon.bench import VISIBLE, Bench, hidden_bench, visible_bench
from shd.hackathon.challenge import Challenge
from shd.hackathon.gates import Gate, measured_gates, schema_gate
from shd.hackathon.predictions import Part, judge_predictions, rounded
from shd.hackathon.submission import Finding, Handed, Submission

_ASKED = {
    False: (
        "precision, recall, density, coverage", "verbatim copies", "near copies", "membership inference",
        "TRTR, TSTR, TSTS, TRTS", "C2ST: telling real from synthetic", "known findings",
    ),
    True: (
        "precision, recall, Fréchet distance", "copies and distances", "membership inference",
        "TRTR, TSTR, TSTS, TRTS", "C2ST: telling real from synthetic",
    ),
}  # fmt: skip
"""Questions to tables, and to pictures, that gates and parts are made of."""


@dataclass(frozen=True)
class TrackScore:
    """The score of one track on some people."""

    track: str
    people: str  # VISIBLE, or a half of the hidden ones
    source: str  # of these people: real or stand-in
    value: float | None
    low: float | None
    high: float | None
    parts: tuple[Part, ...] = ()
    gates: tuple[Gate, ...] = ()
    why: str = ""  # there is no value

    @property
    def is_ranked(self) -> bool:
        """Whether it takes part in the rank: there is a number, and every gate was passed."""
        return self.value is not None and all(gate.passed for gate in self.gates)

    def to_dict(self) -> dict:
        """Return it as JSON knows it."""
        return {
            "track": self.track,
            "people": self.people,
            "source": self.source,
            "ranked": self.is_ranked,
            **{name: rounded(getattr(self, name)) for name in ("value", "low", "high")},
            "parts": [part.to_dict() for part in self.parts],
            "gates": [gate.to_dict() for gate in self.gates],
            "why": self.why,
        }


@dataclass(frozen=True)
class TeamScore:
    """All scores of a team. The same submission on the same people gives the same to the last digit."""

    team: str
    challenge: str
    tracks: tuple[TrackScore, ...]
    findings: tuple[Finding, ...]

    def of(self, track: str, people: str = VISIBLE) -> TrackScore:
        """Return the score of one track on some people."""
        found = next((one for one in self.tracks if (one.track, one.people) == (track, people)), None)
        if found is None:
            known = ", ".join(f"{one.track} on {one.people}" for one in self.tracks) or "none"
            raise ShdError(f"there is no score of {track!r} on {people!r} people; there are: {known}.")
        return found

    def to_dict(self) -> dict:
        """Return it as JSON knows it: no times and no paths."""
        return {
            "team": self.team,
            "challenge": self.challenge,
            "tracks": [one.to_dict() for one in self.tracks],
            "findings": [one.to_dict() for one in self.findings],
        }


def score(
    folder: str | Path,
    organiser: str | Path | None = None,
    challenge: Challenge | None = None,
    tracks: Sequence[str] | None = None,
    level: str = "full",
    people: str | None = None,
) -> TeamScore:
    """Score what a team hands in, on the people that teams may see or, for an organiser, on hidden ones.

    Nothing of the team's is run. The notebook is graded elsewhere: see ``shd grade``.

    Parameters
    ----------
    folder : str or pathlib.Path
        The folder of a team.
    organiser : str or pathlib.Path, optional
        What ``shd challenge seal`` wrote. The challenge is then the one that was sealed, not that of the folder.
    challenge : Challenge, optional
        The challenge as it was handed out; who grades gives it, for a team may have changed that of its folder.
    tracks : sequence of str, optional
        Tracks to score; by default all but the notebook.
    level : {"full", "quick"}
        How many records the comparison of synthetic ones looks at; see `shd.compare`.
    people : {"public", "private"}, optional
        One half of the hidden people; both by default.

    Returns
    -------
    TeamScore

    Raises
    ------
    ShdError
        Where there is no such folder, or what the organiser keeps is broken.
    """
    if organiser is not None:
        return score_on(folder, hidden_bench(organiser, level, people), tracks)
    submission = Submission(folder, challenge)
    return _score(submission, visible_bench(submission.challenge, level), tracks)


def score_on(folder: str | Path, bench: Bench, tracks: Sequence[str] | None = None) -> TeamScore:
    """Score a folder on a bench, which serves for many."""
    return _score(Submission(folder, bench.challenge, bench.ids), bench, tracks)


def _score(submission: Submission, bench: Bench, tracks: Sequence[str] | None) -> TeamScore:
    known = [track for track in submission.challenge.tracks if track != "notebook"]
    for track in tracks or ():
        if track not in known:
            raise ShdError(f"track {track!r} is not scored here; scored are {', '.join(known)}.")
    judges = {"predict": _predict, "synthesize": _synthesize}
    scored = []
    for track in [track for track in known if tracks is None or track in tracks]:
        handed = submission.handed(track)
        scored += [judges[track](handed, bench, people) for people in bench.held]
    found = tuple(submission.findings())
    return TeamScore(submission.team, submission.challenge.id, tuple(scored), found)


def _predict(handed: Handed, bench: Bench, people: str) -> TrackScore:
    asked = bench.asked[people]
    about, lost = ("predict", people, asked.data.source), _lost(handed)
    if lost:
        return TrackScore(*about, None, None, None, gates=(schema_gate(lost),), why=lost[0])
    gates = (Gate("schema", True, "every id has its chances"),)
    if not set(asked.ids) <= set(handed.content.index):
        why = "the people of data/predict are those of an event: only the organiser can score them"
        return TrackScore(*about, None, None, None, gates=gates, why=why)
    mean, parts = judge_predictions(bench.challenge, handed.content.loc[asked.ids], asked.data)
    why = "" if mean.value is not None else mean.sentence
    return TrackScore(*about, mean.value, mean.low, mean.high, parts, gates, why)


def _synthesize(handed: Handed, bench: Bench, people: str) -> TrackScore:
    about, lost = ("synthesize", people, bench.train.source), _lost(handed)
    if lost:
        return TrackScore(*about, None, None, None, gates=(schema_gate(lost),), why=lost[0])
    result = compare(bench, handed.content, people)
    gates = (schema_gate(()), *measured_gates(result, bench.challenge.tracks["synthesize"].fails_at))
    parts = parts_of(result, bench.challenge)
    known = [part for part in parts if part.value is not None]
    if not known:
        return TrackScore(*about, None, None, None, parts, gates, "no part could be measured")
    ends = (float(np.mean([getattr(part, end) for part in known])) for end in ("value", "low", "high"))
    return TrackScore(*about, *ends, parts, gates)


def _lost(handed: Handed) -> list[str]:
    return [one.sentence for one in handed.findings if one.loses]


def compare(bench: Bench, synthetic: Dataset, people: str) -> Result:
    """Ask what gates and parts are made of."""
    studies = bench.challenge.path("studies") if bench.challenge.replicates else None
    findings = () if studies is None else load_studies(studies)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShdWarning)  # of columns that say little: the questions list them
        tables = bench.train, synthetic, bench.held[people], bench.challenge.target
        sides = look(*tables, bench.level, findings=findings)
        asked = tuple(one for one in questions(sides.is_of_images) if one.name in _ASKED[sides.is_of_images])
        return Result.of(sides, answers(asked, sides))


def parts_of(result: Result, challenge: Challenge) -> tuple[Part, ...]:
    """Return the parts of the score of synthetic data: utility, fidelity and, where there are some, findings."""
    parts = (_utility(result), _fidelity(result))
    return (*parts, _findings(result)) if challenge.replicates else parts


def _utility(result: Result) -> Part:
    """Mean of what synthetic records teach of each level beyond guessing, where real ones teach something."""
    found = [one for one in result.scores if one.metric.startswith(("TSTR / TRTR", "TSTR R2"))]
    taught = [one for one in found if one.rule is not None]  # without a rule real people do not teach it either
    records = {role: result.about.table(role).records for role in ("train", "synthetic")}
    if not taught and records["synthetic"] < records["train"]:  # else few records would be a way round this part
        why = "so few records, of people too, teach nothing: hand in as many as there are to learn from"
        return Part("utility", 0.0, 0.0, 0.0, why)
    if not taught:
        why = f"{result.about.word} people do not predict the target better than guessing, so that it cannot be told"
        return Part("utility", None, None, None, why)
    shares = np.array([_shares(one) for one in taught])
    value, low, high = np.clip(shares, 0, 1).mean(axis=0)
    named = ", ".join(f"{one.metric.partition(': ')[2]} {one.value:.2f}" for one in taught)
    sentence = f"(TSTR - 0.5) / (TRTR - 0.5), by level of the target: {named}"
    if taught[0].metric.startswith("TSTR R2"):
        sentence = f"TSTR R2 as a share of TRTR R2: {value:.2f}"
    return Part("utility", float(value), float(low), float(high), sentence)


def _shares(one: Score) -> tuple[float, float, float]:
    """Return a share of what real people teach, with its interval; an R2 is divided by that of real people."""
    whole = one.ceiling if one.metric.startswith("TSTR R2") else 1.0
    return one.value / whole, one.low / whole, one.high / whole


def _fidelity(result: Result) -> Part:
    """Turn the AUROC of the judge that tells most to 1 where it guesses, and to 0 where it is always right."""
    found = result.score("C2ST")
    if found is None:
        return Part("fidelity", None, None, None, "could not be measured: too few records")
    value, high, low = (float(np.clip(2 * (1 - auroc), 0, 1)) for auroc in (found.value, found.low, found.high))
    table = result.tables.get("judges")
    judges = "" if table is None else f" of {len(table)} judges"
    return Part("fidelity", value, low, high, f"C2ST of the worst{judges} {found.value:.3f}, where 0.5 is guessing")


def _findings(result: Result) -> Part:
    found = result.score("replication rate")
    if found is None:
        why = next((note.why for note in result.skipped if "findings" in note.what or "replication" in note.what), "")
        return Part("findings", None, None, None, f"could not be measured: {why or 'too few people'}")
    return Part("findings", found.value, found.low, found.high, found.sentence.rstrip("."))


def rank(scores: Sequence[TrackScore]) -> list[int | None]:
    """Return the rank of each score: one more than the number of others that are surely better.

    Surely better is an interval that lies wholly above, so that those that cannot be told apart share a rank. What
    failed a gate has none.

    Examples
    --------
    >>> best, close, behind = (TrackScore("predict", "private", "real", v, v - 0.1, v + 0.1) for v in (0.9, 0.8, 0.5))
    >>> rank([best, close, behind])
    [1, 1, 3]
    """
    ranked = [one for one in scores if one.is_ranked]
    return [1 + sum(other.low > one.high for other in ranked) if one.is_ranked else None for one in scores]
