"""Grade one submission: from the bytes that a team sent to the files of its result. Nothing else is read or written."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np

from shd._errors import ShdError
from shd.hackathon.challenge import Challenge, read_challenge
from shd.hackathon.exercise import SEED
from shd.hackathon.grading.kit import Kit
from shd.hackathon.grading.marks import UNCHECKED, mark, no_marks, read_exercises
from shd.hackathon.grading.page import as_page
from shd.hackathon.grading.rebuild import MOST_BYTES, Rebuilt, rebuild
from shd.hackathon.grading.replay import score_visible
from shd.hackathon.grading.result import Result, texts_of
from shd.hackathon.grading.run import Pace, Ran, prints, run, why_stopped
from shd.hackathon.sandbox import Limits, Sandbox, remove, safe_read
from shd.hackathon.submission import Submission
from shd.hackathon.unpack import unpack

MOST_UNPACKED, MOST_FILES = 300_000_000, 5_000


@dataclass(frozen=True)
class Options:
    """How submissions are graded.

    Parameters
    ----------
    seeds : tuple of int
        Of the planted data that students have not seen; see `Options.of`.
    cell_seconds, notebook_seconds : float
        How long one cell, and a whole notebook with all its runs, may take.
    memory, disk : int
        Bytes of memory, of all processes of one submission together, and of all files that they write.
    level : {"full", "quick"}
        How many records the comparison of synthetic ones looks at; see `shd.compare`.
    people : {"public", "private"} or None
        The half of the hidden people that tracks are scored on, or both.
    trusted : bool
        Go on where the system has no sandbox that keeps files and network closed.
    """

    seeds: tuple[int, ...]
    cell_seconds: float = 120.0
    notebook_seconds: float = 900.0
    memory: int = 4_000_000_000
    disk: int = 1_000_000_000
    level: str = "full"
    people: str | None = None
    trusted: bool = False

    @classmethod
    def of(cls, seed: int, **settings: object) -> "Options":
        """Choose the seeds of the hidden data by one seed; none of them is that of the data which students see."""
        seeds = np.random.default_rng([16, seed]).choice(np.arange(SEED + 1, 100_000), 3, replace=False)
        return cls(seeds=tuple(sorted(map(int, seeds))), **settings)

    @property
    def limits(self) -> Limits:
        """What a notebook may use; cells are stopped before, one by one."""
        return Limits(seconds=self.notebook_seconds, memory=self.memory, disk=self.disk)


def grade_one(team: str, submission: bytes, kit: Kit, options: Options, fingerprint: str) -> dict[str, bytes]:
    """Grade what a team sent, and return the files of its result by name.

    Whatever is wrong with a submission is told in its result; nothing of it stops the grading of others.
    """
    result = Result(team, kit.challenge, fingerprint)
    files: dict[str, bytes] = {}
    with _private_folder() as place:
        sent, archive = place / "sent", place / "handed-in.zip"
        archive.write_bytes(submission)
        try:
            unpack(archive, sent, limit_bytes=MOST_UNPACKED, limit_files=MOST_FILES, keep="submission")
        except ShdError as error:
            return failed(team, kit, fingerprint, _without(error, place))
        try:
            files |= _grade_notebook(sent, place, kit, options, result) if kit.exercises else {}
        except ShdError as error:
            result.exercises = no_marks(kit.exercises)
            result.notes.append(f"Not graded: {_without(error, place)}")
        try:
            result.tracks = _score_tracks(sent, place, kit, options) if kit.organiser else []
        except ShdError as error:
            result.notes.append(f"Not scored: {_without(error, place)}")
    return files | _told(result)


def failed(team: str, kit: Kit, fingerprint: str, why: str) -> dict[str, bytes]:
    """Return the files of a result that nobody could reach."""
    exercises, notes = no_marks(kit.exercises), [f"Not graded: {why}"]
    return _told(Result(team, kit.challenge, fingerprint, exercises=exercises, notes=notes))


def _without(error: ShdError, place: Path) -> str:
    """Return a sentence without the private directory, whose name differs from run to run."""
    return str(error).replace(str(place), ".")


def _told(result: Result) -> dict[str, bytes]:
    told = result.to_dict()
    plain = json.dumps(told, indent=1, ensure_ascii=False) + "\n"
    return {"result.json": plain.encode(), "index.html": as_page(told, {}, texts_of([told])).encode()}


@contextmanager
def _private_folder() -> Iterator[Path]:
    """Make a folder with a short name, since names of sockets are short; it goes away whatever is in it."""
    place = Path(tempfile.mkdtemp(prefix="shd-"))
    try:
        yield place
    finally:
        remove(place)


def _grade_notebook(sent: Path, place: Path, kit: Kit, options: Options, result: Result) -> dict[str, bytes]:
    """Rebuild the notebook, run it, and mark its exercises."""
    work = kit.fill(place / "work")
    challenge = read_challenge(work)
    result.notes += _notes_on_team(sent, challenge, result.team)
    exercises = read_exercises(kit.exercises)
    made = rebuild(nbformat.read(challenge.path("starter"), as_version=4), _notebook(sent, challenge))

    def make_box() -> Sandbox:
        remove(work)
        return Sandbox(kit.fill(work), limits=options.limits, trusted=options.trusted)

    ran = run(made.book, make_box, list(options.seeds), Pace(options.cell_seconds, options.notebook_seconds))
    right, junit = score_visible(ran.book, exercises, place)
    for name, exercise in exercises.items():
        given = mark(exercise, right.get(name, False), work, options.seeds)
        given.said = _first(given.said, name, made, ran)
        if name in ran.stopped and given.said[:1] != [f"Its cell {ran.stopped[name]}."]:
            result.notes.append(f"{name}: a cell after its answer {ran.stopped[name]}.")
        if not given.points and prints(ran.book, name, exercise.said_when_right):
            result.notes.append(f"{name}: its answer cell prints what its check prints for a right answer.")
        result.exercises.append(given)
    result.texts = [{"text": name, "words": words} for name, words in made.texts.items()]
    result.notes += made.notes + ran.notes
    result.sandbox = ran.layers
    return {"feedback.ipynb": nbformat.writes(ran.book).encode(), "junit.xml": junit.encode()}


def _notes_on_team(sent: Path, challenge: Challenge, team: str) -> list[str]:
    """Compare what team.toml says with what was collected: the name of the folder counts."""
    said = Submission(sent, challenge)
    notes = [f"{finding.file} {finding.sentence}" for finding in said.about_team()]
    if said.team not in (team, sent.name):
        notes.append(f"team.toml names the team {said.team!r}; it counts for {team!r}, as it was collected.")
    return notes


def _notebook(sent: Path, challenge: Challenge) -> bytes:
    """Read the notebook of a submission."""
    name = challenge.files["starter"]
    if not (sent / name).exists():
        raise ShdError(f"{name} is missing: hand in the notebook that you worked in, by this name.")
    return safe_read(sent, name, MOST_BYTES)


def _first(said: list[str], name: str, made: Rebuilt, ran: Ran) -> list[str]:
    """Tell why an answer was not there at all, instead of what its absence made of the checks."""
    if name in ran.left_out:
        return [f"Left out: {ran.left_out[name]}."]
    if name in made.missing:
        return [note for note in made.notes if note.startswith(f"{name}:")]
    stopped = ran.stopped.get(name) or why_stopped(ran.book, name)
    return [f"Its cell {stopped}."] if stopped and said[:1] == [UNCHECKED] else said


def _score_tracks(sent: Path, place: Path, kit: Kit, options: Options) -> list[dict]:
    """Score what was sent for the other tracks on the hidden people; files of strangers are read in a sandbox, too."""
    organiser, work = kit.fill_organiser(place / "organiser"), place / "tracks"
    work.mkdir()
    box = Sandbox(work, read=[sent, organiser], limits=options.limits, trusted=options.trusted)
    told = [str(sent), str(organiser), "tracks.json", options.level, *([options.people] if options.people else [])]
    ended = box.run(["python", "-m", "shd.hackathon.grading.tracks", *told])
    if ended.ok:
        return json.loads(safe_read(work, "tracks.json", MOST_BYTES))
    why = ended.broken or ended.output.decode("utf-8", "replace").strip().rpartition("\n")[2] or "it cannot be read"
    raise ShdError(f"the other tracks could not be scored: {why}")
