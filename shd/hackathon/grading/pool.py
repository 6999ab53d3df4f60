"""Grade many submissions: several at once on this machine, or on a Dask cluster; the same results to the byte.

Results are written by one process alone, each folder whole or not at all. Whoever starts a grading again finds what is
done by its fingerprint (what was sent, the challenge, the options), so that nothing is graded twice or lost.
"""

import contextlib
import hashlib
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from shd import __version__
from shd._errors import ShdError
from shd._progress import Bar, in_lines, notice, progress
from shd.hackathon.grading.kit import Kit, pack
from shd.hackathon.grading.one import MOST_UNPACKED, Options, failed, grade_one
from shd.hackathon.grading.page import as_index, as_page
from shd.hackathon.grading.result import SHEET, gradebook, marking_sheet, read_marks, read_results, texts_of
from shd.hackathon.sandbox import remove
from shd.hackathon.sandbox.watch import descendants

_OURS = ("index.html", "grades.csv", SHEET)
_LONGEST_NAME = 100  # bytes of a team's: folders and files are named after it
_PATIENCE = 10.0  # seconds in which a process may end by itself
_NOW, _BEFORE = "now", "before"
_TRIES = 2  # how often a submission is begun whose process died: the second time it may not have been its fault


@dataclass(frozen=True)
class Task:
    """One submission to grade; `refused` says why it is not even opened."""

    team: str
    submission: bytes
    fingerprint: str
    refused: str = ""


class Workers(Protocol):
    """What grades: processes of this machine, or a cluster."""

    def __call__(self, tasks: Iterator[Task], kit: Kit, options: Options) -> Iterator[tuple[Task, dict[str, bytes]]]:
        """Yield each task with the files of its result, as they are done."""


def grade(
    submissions: Path, results: Path, kit: Kit, options: Options, workers: Workers, teams: list[str] | None = None
) -> list[dict]:
    """Grade every submission in a folder that is not graded yet, and write the tables and pages.

    Parameters
    ----------
    submissions : pathlib.Path
        One folder or ZIP archive a team, named as the team.
    results : pathlib.Path
        Where a folder a team, grades.csv, index.html and marking.csv are written.
    kit : Kit
        The challenge; see `Kit.of`.
    options : Options
        Seeds, time and memory.
    workers : callable
        `here` or `cluster`.
    teams : list of str, optional
        Only these.

    Returns
    -------
    list of dict
        The results of all teams, those of earlier runs too, by the names of teams.

    Raises
    ------
    ShdError
        Where there is nothing to grade, a team handed in twice, another grading writes to `results`, or a mark in
        the sheet is none.
    """
    results.mkdir(parents=True, exist_ok=True)
    read_marks(results)  # what is wrong with the sheet is said before hours of work
    with _alone(results):
        for left in results.glob(".part-*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        found = _chosen(submitted(submissions), teams)
        try:
            with progress(len(found), "grade") as bar:
                tally = _Tally(results, len(found), bar)
                for task, files in workers(tally.new(found, kit, options), kit, options):
                    tally.write(task, files)
        except KeyboardInterrupt:
            summarise(results)
            kept = f"{sum(tally.seen.values())} of {len(found)} submissions are graded and kept"
            raise KeyboardInterrupt(f"stopped; {kept}. The same command goes on.") from None
        notice(f"graded: {tally.seen[_NOW]} now, {tally.seen[_BEFORE]} before")
        return summarise(results)


@dataclass
class _Tally:
    """What became of each submission so far: written, counted and said."""

    results: Path
    total: int
    bar: Bar
    seen: Counter = field(default_factory=Counter)

    def new(self, found: list[Path], kit: Kit, options: Options) -> Iterator[Task]:
        """Yield what is not graded yet, read one by one."""
        for path in found:
            task = _task(path, kit, options)
            if _is_done(self.results / task.team, task.fingerprint):
                self.seen[_BEFORE] += 1
                self.bar.skip()
            elif task.refused:
                self.write(task, failed(task.team, kit, task.fingerprint, task.refused))
            else:
                yield task

    def write(self, task: Task, files: dict[str, bytes]) -> None:
        """Put a result in its place, whole or not at all."""
        part, old = (self.results / f".part-{kind}{task.team}" for kind in ("", "old-"))
        part.mkdir()
        for name, content in files.items():
            (part / name).write_bytes(content)
        if (self.results / task.team).exists():
            (self.results / task.team).rename(old)
        part.rename(self.results / task.team)
        shutil.rmtree(old, ignore_errors=True)
        self.seen[_NOW] += 1
        self.bar.advance(note=task.team)
        if in_lines():
            notice(f"{sum(self.seen.values())} of {self.total}  {task.team}")


def submitted(folder: Path) -> list[Path]:
    """Return the submissions in a folder: one folder or ZIP archive a team, its name is the team's."""
    if not folder.is_dir():
        raise ShdError(f"{folder}: there is no such folder; it should hold one folder or ZIP archive a team.")
    found = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and not path.is_symlink()]
    found = [path for path in found if path.is_dir() or path.suffix.lower() == ".zip"]
    if not found:
        raise ShdError(f"{folder}: no submission in it; it should hold one folder or ZIP archive a team.")
    names = [_team(path) for path in found]
    for name in names:
        if len(os.fsencode(name)) > _LONGEST_NAME or not name.isprintable():
            raise ShdError(f"{folder}: {name[:60]!a} is too long for the name of a team, or no text; rename it.")
    twice = {name for name in names if [one.casefold() for one in names].count(name.casefold()) > 1}
    if twice:
        raise ShdError(f"{folder}: two submissions of {', '.join(sorted(twice))}; keep one of them.")
    if ours := {name for name in names if name.casefold() in _OURS}:
        raise ShdError(f"{folder}: {', '.join(sorted(ours))} is a name of a file of results; rename that submission.")
    return found


def _team(path: Path) -> str:
    """Return whose a submission is: owls of owls/ and of owls.zip; a folder may have a dot in its name."""
    return path.name if path.is_dir() else path.stem


def _chosen(found: list[Path], teams: list[str] | None) -> list[Path]:
    """Return the submissions of these teams; who is not there is told."""
    if missing := sorted(set(teams or ()) - set(map(_team, found))):
        raise ShdError(f"no submission of {', '.join(missing)}; there are {', '.join(map(_team, found))[:200]}.")
    return [path for path in found if teams is None or _team(path) in teams]


def summarise(results: Path) -> list[dict]:
    """Write gradebook, sheet for marks by hand, and the page that lists all teams."""
    found = read_results(results)
    marks = read_marks(results, found)
    _replace(results / "grades.csv", gradebook(found, marks))
    _replace(results / "index.html", as_index(found, marks))
    if any(one["texts"] for one in found):
        _replace(results / SHEET, "\ufeff" + marking_sheet(found, marks))  # by which spreadsheets know UTF-8
    for one in found:  # with the marks that were given by hand
        _replace(results / one["team"] / "index.html", as_page(one, marks, texts_of(found)))
    return found


def here(count: int | None = None) -> Workers:
    """Return workers on this machine: one process a submission, so many at once (without a number, one a core)."""

    def work(tasks: Iterator[Task], kit: Kit, options: Options) -> Iterator[tuple[Task, dict[str, bytes]]]:
        context = multiprocessing.get_context("spawn" if os.name == "nt" else "forkserver")
        if os.name != "nt":
            context.set_forkserver_preload(["shd.hackathon.grading.one", "nbval.plugin", "pandas"])
        running: dict = {}
        again: list[tuple[Task, int]] = []
        tasks = iter(tasks)
        try:
            while True:
                while len(running) < (count or os.cpu_count() or 1):
                    task, tried = again.pop() if again else (next(tasks, None), 0)
                    if task is None:
                        break
                    receiver, sender = context.Pipe(duplex=False)
                    process = context.Process(target=_child, args=(sender, task, kit, options))
                    process.start()
                    sender.close()
                    running[receiver] = task, process, tried + 1
                if not running:
                    return
                for receiver in wait(list(running)):
                    task, process, tried = running.pop(receiver)
                    files = _received(receiver)
                    process.join()
                    if files is not None:
                        yield task, files
                    elif tried < _TRIES:
                        again.append((task, tried))
                    else:
                        yield task, failed(task.team, kit, task.fingerprint, "the process that graded it ended, twice.")
        finally:  # stopped: what runs is graded again another time
            for _, process, _ in running.values():
                process.terminate()
            for receiver, (_, process, _) in running.items():
                receiver.close()
                process.join(_PATIENCE)
                process.kill()

    return work


def _child(sender, task: Task, kit: Kit, options: Options) -> None:
    """Grade one submission. The one who handed it out hears Ctrl-C, and says when to stop, or is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = tempfile.mkdtemp(prefix="shd-")  # all that is left where it is stopped
    if os.name != "nt":
        signal.signal(signal.SIGTERM, _stop)
        threading.Thread(target=_outlive_nobody, daemon=True).start()
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        sender.send(grade_one(task.team, task.submission, kit, options, task.fingerprint))
    remove(Path(tempfile.tempdir))


def _stop(number: int, frame: object) -> None:
    """End what runs in the sandbox, remove its files, and leave at once: nothing may catch it and go on."""
    for pid in descendants(os.getpid()):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(OSError):
        remove(Path(tempfile.gettempdir()))
    os._exit(1)


def _outlive_nobody() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _received(receiver) -> dict[str, bytes] | None:
    """Return the files that a process sent, or None where it died before."""
    with receiver:
        try:
            return receiver.recv()
        except (EOFError, OSError):
            return None


def cluster(address: str) -> Workers:
    """Return workers of a Dask cluster: what they need travels with the task; what a lost one had is graded again."""

    def work(tasks: Iterator[Task], kit: Kit, options: Options) -> Iterator[tuple[Task, dict[str, bytes]]]:
        from dask.distributed import Client, as_completed

        with Client(address, set_as_default=False) as client, client.as_current():
            there = client.scatter(kit, broadcast=True)
            asked: dict[Future, Task] = {}
            for task in tasks:
                given = (task.team, task.submission, there, options, task.fingerprint)
                asked[client.submit(grade_one, *given, pure=False, retries=_TRIES)] = task
            for future in as_completed(list(asked)):
                task = asked.pop(future)
                if future.status == "finished":
                    yield task, future.result()
                else:
                    yield task, failed(task.team, kit, task.fingerprint, "the workers that graded it ended.")

    return work


def _task(path: Path, kit: Kit, options: Options) -> Task:
    """Read a submission, and give it its fingerprint; what cannot be read costs nobody else anything."""
    team, content, refused = _team(path), b"", ""
    try:
        if path.is_file() and path.stat().st_size > MOST_UNPACKED:
            raise ShdError(f"{path.name}: more than {MOST_UNPACKED / 1e6:.0f} MB; hand in less.")
        content = pack(path, MOST_UNPACKED) if path.is_dir() else path.read_bytes()
    except OSError as error:
        refused = f"a file of it cannot be read ({error.strerror}): copy the submission again."
    except UnicodeError:
        refused = "a file of it has a name that is no text: rename it."
    except ShdError as error:
        refused = str(error)
    parts = (__version__, kit.digest, repr(options), team, refused, hashlib.sha256(content).hexdigest())
    return Task(team, content, hashlib.sha256("\n".join(parts).encode()).hexdigest(), refused)


def _is_done(folder: Path, fingerprint: str) -> bool:
    file = folder / "result.json"
    return file.is_file() and f'"{fingerprint}"' in file.read_text(encoding="utf-8")


def _replace(file: Path, text: str) -> None:
    part = file.with_name(f".part-{file.name}.txt")
    part.write_text(text, encoding="utf-8")
    part.replace(file)


def _alone(results: Path) -> FileLock:
    """Keep a second grading out of the same results."""
    lock = FileLock(results / ".lock")
    try:
        return lock.acquire(timeout=0)
    except Timeout as error:
        raise ShdError(f"{results}: another grading writes there; wait for it, or choose another folder.") from error
