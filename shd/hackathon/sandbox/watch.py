"""Watch a command and all that it starts, and end all of it when a limit is passed."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from shd.hackathon.sandbox.limits import Limits, in_words

_SHORTEST, _LONGEST = 0.03, 0.5  # seconds between two looks
_SHARE = 50  # a look takes one part in so many of a processor
_PATIENCE = 3.0  # seconds in which the supervisor ends what it started
_BLOCK, _SMALLEST_FILE = 512, 4096
_DEEPEST = 100  # folders in folders: deeper ones are made to hide in
_LONGEST_PATH = 3500  # the kernel takes 4,096 bytes, a name 255 of them
_TIDY = 5.0
_ENDED = (b"Z", b"X")
_HARD = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows has one kind only


class Watch:
    """Measure a process, and all that it starts, until the block ends; then nothing of it is left.

    Use it as a context: ``with box.watch(process) as watch``. What was broken is told in `broken`.

    Attributes
    ----------
    broken : str or None
        The limit that was passed, in a sentence.
    most_memory, most_processes, most_disk : int
        The most that was seen.
    """

    def __init__(
        self,
        process: subprocess.Popen | int,
        limits: Limits,
        work: Path,
        *,
        user: int | None,
        at_once: bool,
        props: int,
    ) -> None:
        self.broken: str | None = None
        self.most_memory = self.most_processes = self.most_disk = 0
        self._process = process if isinstance(process, subprocess.Popen) else None
        self._root = process.pid if isinstance(process, subprocess.Popen) else process
        self._limits, self._work, self._user = limits, work, user
        self._at_once, self._props = at_once, props  # whether its death is everybody's; how many only hold the walls
        self._seen: set[tuple[int, float]] = set()
        self._started, self._stop = time.monotonic(), threading.Event()
        self._ending = threading.Lock()
        self._thread = threading.Thread(target=self._look_again_and_again, name="sandbox watch", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        self.end()

    @property
    def seconds(self) -> float:
        """Seconds since the watch began."""
        return time.monotonic() - self._started

    def give_up(self, sentence: str) -> None:
        """End everything because of something that only the caller sees, as too much output."""
        self.broken = self.broken or sentence
        self.end()

    def _look_again_and_again(self) -> None:
        pause = _SHORTEST
        while not self._stop.wait(pause):
            begun = time.thread_time()  # others who are busy do not make it look less often
            try:
                sentence = self._passed()
            except Exception as error:  # what cannot be watched does not go on
                sentence = f"It could not be watched any more ({error})."
            if sentence:
                self.give_up(sentence)
                return
            pause = min(max(_SHORTEST, _SHARE * (time.thread_time() - begun)), _LONGEST)

    def _passed(self) -> str | None:
        """Return what is more than it may be, in a sentence."""
        limits, tree = self._limits, self._tree()
        processes = len(tree) - self._props
        self.most_processes = max(self.most_processes, processes)
        if self.seconds > limits.seconds:
            return f"It took more than {limits.seconds:g} second{'' if limits.seconds == 1 else 's'}."
        if processes > limits.processes:
            return f"It started more than {limits.processes} processes."
        memory = memory_of(tree, limits.memory)
        self.most_memory = max(self.most_memory, memory)
        if memory > limits.memory:
            return f"It used more than {in_words(limits.memory)} of memory."
        try:
            disk = bytes_below(self._work) + bytes_without_name(tree)
        except RecursionError:
            return f"It made folders more than {_DEEPEST} deep, or with very long names."
        except PermissionError:
            return "It made a folder that cannot be looked into."
        self.most_disk = max(self.most_disk, disk)
        if disk > limits.disk:
            return f"It wrote more than {in_words(limits.disk)} to files."
        return None

    def _tree(self) -> list[int]:
        tree = [self._root, *descendants(self._root)]
        self._seen |= {(pid, born(pid)) for pid in tree}
        return tree

    def end(self) -> None:
        """End every process, politely only to our own supervisor, which knows best what belongs to it."""
        with self._ending:
            if not self._over():
                self._tree()
                _send(self._root, _HARD if self._at_once else signal.SIGTERM)
                until = time.monotonic() + _PATIENCE
                while not self._over() and time.monotonic() < until:
                    time.sleep(0.005)
            self._end_the_rest()

    def _over(self) -> bool:
        if self._process is not None:
            return self._process.poll() is not None
        return born(self._root) == 0

    def _end_the_rest(self) -> None:
        """End what outlived its parent: whatever was seen once, what came of it, and all of its user."""
        until = time.monotonic() + _TIDY
        while time.monotonic() < until:
            left = {pid for pid, then in self._seen.copy() if pid != self._root and then and born(pid) == then}
            left |= {child for pid in left for child in descendants(pid)}
            left |= set() if self._over() else {self._root, *descendants(self._root)}
            if self._user is not None:
                _end_all_of(self._user)
            if not left:
                return
            for pid in left:
                _send(pid, _HARD)
            time.sleep(0.005)


def _send(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _end_all_of(user: int) -> None:
    """End whatever a user of our own making still runs; a system call that nothing can outrun by forking."""
    if any(entry.name.isdigit() and _owner(entry) == user for entry in Path("/proc").iterdir()):
        command = ["/bin/sh", "-c", "kill -9 -1"]
        subprocess.run(command, user=user, group=user, extra_groups=[], cwd="/", capture_output=True, check=False)


def _owner(entry: Path) -> int | None:
    with suppress(OSError):
        return entry.stat().st_uid
    return None


def _stat(folder: str) -> list[bytes]:
    """Return the fields of a process or thread from its state on: the name before it may hold anything."""
    return Path(folder, "stat").read_bytes().rpartition(b")")[2].split()


def _door(pid: int) -> str:
    """Return the folder that tells of a process: that of another thread where its first has ended."""
    folder = f"/proc/{pid}"
    if _stat(folder)[0] in _ENDED:
        for thread in os.listdir(f"{folder}/task"):  # noqa: PTH208
            with suppress(OSError):
                if _stat(f"{folder}/task/{thread}")[0] not in _ENDED:
                    return f"{folder}/task/{thread}"
    return folder


def born(pid: int) -> float:
    """Return when a process began, which tells it from a later one of the same number; 0 where it is over."""
    if sys.platform == "linux":
        with suppress(OSError):
            return 0 if _stat(_door(pid))[0] in _ENDED else float(_stat(f"/proc/{pid}")[19])
        return 0
    import psutil

    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return 0 if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    return 0


def descendants(pid: int) -> list[int]:
    """Return all that came of a process, itself left out. The kernel's own lists cost less than a look at everybody."""
    if sys.platform != "linux" or not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        import psutil

        with suppress(psutil.Error):
            return [child.pid for child in psutil.Process(pid).children(recursive=True)]
        return []
    found, waiting = [], [pid]
    while waiting:
        parent, threads = waiting.pop(), []
        with suppress(OSError):
            threads = os.listdir(f"/proc/{parent}/task")  # noqa: PTH208
        for thread in threads:
            with suppress(OSError):  # it may end meanwhile
                told = Path(f"/proc/{parent}/task/{thread}/children").read_text()
                children = [int(child) for child in told.split()]
                waiting += children
                found += children
    return found


def memory_of(pids: list[int], enough: int) -> int:
    """Return the memory of processes; shared pages are told apart only where the plain sum is more than `enough`."""
    if sys.platform != "linux":
        import psutil

        return sum(_quietly(lambda pid: psutil.Process(pid).memory_info().rss, pid, psutil.Error) for pid in pids)
    plain = {pid: _quietly(_resident, pid) for pid in pids}
    if sum(plain.values()) <= enough:
        return sum(plain.values())
    return sum(_quietly(_share, pid) or resident for pid, resident in plain.items())


def _resident(pid: int) -> int:
    return os.sysconf("SC_PAGE_SIZE") * int(Path(_door(pid), "statm").read_text().split()[1])


def _share(pid: int) -> int:
    """Return the memory of a process, a page that n processes share counted as one n-th."""
    told = Path(_door(pid), "smaps_rollup").read_text().splitlines()
    return sum(1024 * int(line.split()[1]) for line in told if line.startswith("Pss:"))


def _quietly(measure: Callable[[int], int], pid: int, error: type[Exception] = OSError) -> int:
    """Measure a process that may end meanwhile."""
    with suppress(error, IndexError):
        return measure(pid)
    return 0


def bytes_below(folder: Path) -> int:
    """Return what a folder takes on the disk; links are not followed.

    Raises `RecursionError` for folders too deep, and `PermissionError` for one that was locked.
    """
    total, waiting = 0, [(str(folder), 0)]
    while waiting:
        path, depth = waiting.pop()
        if depth > _DEEPEST or len(path) > _LONGEST_PATH:
            raise RecursionError(path)
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(path) as entries:  # it may go meanwhile
            for entry in entries:
                with suppress(FileNotFoundError):
                    told = entry.stat(follow_symlinks=False)
                    total += max(_BLOCK * getattr(told, "st_blocks", 0) or told.st_size, _SMALLEST_FILE)
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append((entry.path, depth + 1))
    return total


def bytes_without_name(pids: list[int]) -> int:
    """Return the bytes of open files that have been removed, or never had a name: they take their room all the same."""
    if sys.platform != "linux":
        return 0
    files = {}
    for pid in pids:
        with suppress(OSError):
            for entry in os.scandir(f"{_door(pid)}/fd"):
                with suppress(OSError):
                    told = entry.stat()
                    if told.st_nlink == 0:
                        files[told.st_dev, told.st_ino] = _BLOCK * told.st_blocks
    return sum(files.values())
