"""What a command may use, and how it ended."""

import math
import os
from dataclasses import dataclass, fields

from shd._errors import ShdError

_THREADS = 4  # a process: the kernel of a notebook has about ten, and few of its children have more than one
_SPARE_THREADS = 32
_OPEN_FILES = 1024


@dataclass(frozen=True)
class Limits:
    """What a command may use, with all that it starts.

    Parameters
    ----------
    seconds : float
        Time by the clock on the wall.
    memory : int
        Bytes of memory, of all its processes together.
    processes : int
        How many processes at a time.
    output : int
        Bytes that it may print.
    file_size, disk : int
        Bytes of one file, and of all files together. A file takes 4,096 bytes at least.

    Raises
    ------
    ShdError
        A limit is not a number above zero.

    Examples
    --------
    >>> Limits(seconds=60, memory=10**9).seconds
    60
    """

    seconds: float = 600
    memory: int = 2 * 10**9
    processes: int = 64
    output: int = 10 * 10**6
    file_size: int = 256 * 10**6
    disk: int = 10**9

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            kinds = (int, float) if field.name == "seconds" else (int,)
            if isinstance(value, bool) or not isinstance(value, kinds) or not math.isfinite(value) or value <= 0:
                raise ShdError(f"The limit {field.name}={value!r} of a sandbox must be a number above zero.")

    def of_the_system(self, threads_already: int | None) -> list[tuple[str, int]]:
        """Return what the system itself holds each process to; threads are counted where `threads_already` is known.

        CPU seconds are those of every core: nothing can pass them that has not passed the clock, unless nobody watches.
        """
        most = [
            ("RLIMIT_CPU", math.ceil(self.seconds) * (os.cpu_count() or 1)),
            ("RLIMIT_DATA", self.memory),  # not RLIMIT_AS: torch maps gigabytes that it never touches
            ("RLIMIT_FSIZE", self.file_size),
            ("RLIMIT_NOFILE", _OPEN_FILES),
            ("RLIMIT_CORE", 0),
            ("RLIMIT_MEMLOCK", 64 * 1024),
            ("RLIMIT_MSGQUEUE", 0),
        ]
        if threads_already is not None:
            most.append(("RLIMIT_NPROC", threads_already + _THREADS * self.processes + _SPARE_THREADS))
        return most


@dataclass(frozen=True)
class Ended:
    """How a command ended: `broken` names the limit that it passed, in a sentence, or is None."""

    code: int
    output: bytes
    seconds: float
    broken: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it ended well by itself."""
        return self.code == 0 and self.broken is None


def in_words(count: float) -> str:
    """Write a number of bytes as people do: 2 GB, 1.5 MB, 300 kB."""
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= unit:
            return f"{count / unit:.3g} {name}"
    return f"{count:.0f} bytes"
