"""A sandbox: a private folder, walls around it, limits, and a watch over whatever runs inside."""

import os
import signal
import site
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from shd._errors import ShdError
from shd.hackathon.sandbox import layers as walls
from shd.hackathon.sandbox import places
from shd.hackathon.sandbox.layers import Layer, Plan
from shd.hackathon.sandbox.limits import Ended, Limits, in_words
from shd.hackathon.sandbox.watch import Watch

_CHUNK = 65536
_LAST_WORDS = 2.0  # seconds for output that is on its way when a command has ended
_OF_SIGNALS = {"SIGXCPU": "It took more processor time than it may.", "SIGXFSZ": "It wrote a file larger than {file}."}


class Sandbox:
    """Run what is not trusted, where it can harm nothing and see nothing but what it is given.

    Parameters
    ----------
    work : Path
        The private folder, the only one that it may write to. Its ``.home`` and ``.tmp`` are made here.
    read : iterable of Path, default ()
        Files and folders that it may read besides, none of them inside `work`.
    limits : Limits, optional
        What it may use.
    layers : iterable of str, optional
        Names of the layers to use, out of `available`; all of them by default.
    trusted : bool, default False
        Go on where these layers keep neither files nor the network inside.

    Raises
    ------
    ShdError
        A folder is missing, a layer is not there, or the layers are too weak for strangers' code.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     box = Sandbox(Path(folder), trusted=True)
    ...     box.run(["python", "-c", "print(6 * 7)"]).ok
    True
    """

    def __init__(
        self,
        work: Path,
        read: Iterable[Path] = (),
        limits: Limits | None = None,
        *,
        layers: Iterable[str] | None = None,
        trusted: bool = False,
    ) -> None:
        self.work = Path(work).resolve()
        if not self.work.is_dir():
            raise ShdError(f"The private folder {work} of a sandbox is not there; make it first.")
        self.read = tuple(Path(path).resolve() for path in read)
        self.limits = limits or Limits()
        self.layers = _chosen(layers)
        if not trusted:
            _check_strength(self.layers)
        for path in self.read:
            _check_readable(path, self.work)
        for name in (".home", ".tmp"):
            (self.work / name).mkdir(exist_ok=True)
        self._plan = Plan(self.layers, self.work, self.read, self.limits, walls.user_of(self.layers))

    def argv(self, command: Iterable[str]) -> list[str]:
        """Return what to start instead of `command`, whose ``python`` is this interpreter.

        What lies in the private folder by now is given to the user inside, where root starts it: call it last. The
        process ends when the thread that started it ends.
        """
        first, *rest = _checked_command(command)
        walls.own(self._plan)
        return walls.command_line(self._plan, [sys.executable if first == "python" else first, *rest])

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the only variables that it may see."""
        folder = Path(sys.executable).parent
        told = {
            "PATH": os.pathsep.join(
                [str(folder), *(("/usr/local/bin", "/usr/bin", "/bin") if os.name != "nt" else ())]
            ),
            "HOME": str(self.work / ".home"),
            "TMPDIR": str(self.work / ".tmp"),
            "LANG": "C.UTF-8",
            "USER": "sandbox",
            "LOGNAME": "sandbox",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SHD_PROGRESS": "0",
        }
        told |= {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR")}
        if os.name == "nt":  # nothing starts there without these two
            told |= {"SYSTEMROOT": os.environ.get("SYSTEMROOT", ""), "TEMP": told["TMPDIR"], "TMP": told["TMPDIR"]}
        if beside := places.beside_the_packages():
            told["PYTHONPATH"] = os.pathsep.join(beside)
        if site.ENABLE_USER_SITE:
            told["PYTHONUSERBASE"] = site.getuserbase()
        return told | dict(extra or {})

    def watch(self, process: subprocess.Popen | int) -> Watch:
        """Watch a process that was started with `argv`, as a context at whose end nothing of it is left."""
        namespace = self._plan.layer(*walls.NAMESPACES)
        user = self._plan.user if namespace is None else None
        props = 2 if namespace else int(os.name != "nt")
        return Watch(process, self.limits, self.work, user=user, at_once=namespace is not None, props=props)

    def run(self, command: Iterable[str], stdin: bytes | None = None, extra: Mapping[str, str] | None = None) -> Ended:
        """Run a command to its end, or to the first limit that it passes.

        Parameters
        ----------
        command : iterable of str
            The command and its arguments.
        stdin : bytes, optional
            What it reads on its standard input; nothing by default.
        extra : mapping of str to str, optional
            Variables of its environment besides.

        Returns
        -------
        Ended
            Its exit code, what it printed, seconds, and the limit that was passed, if one was.
        """
        with tempfile.TemporaryFile() as given:
            given.write(stdin or b"")
            given.seek(0)
            process = subprocess.Popen(
                self.argv(command), stdin=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.work,
                env=self.environment(extra),
            )  # fmt: skip
        with process.stdout, self.watch(process) as watch:
            heard = _Ear(process.stdout, self.limits.output, watch)
            code = process.wait()
            seconds = watch.seconds
            watch.end()
            heard.join(_LAST_WORDS)
        return Ended(code, bytes(heard.kept), seconds, watch.broken or self._of_the_system(code))

    def _of_the_system(self, code: int) -> str | None:
        """Return the limit that the system itself ended it for."""
        for name, sentence in _OF_SIGNALS.items():
            number = getattr(signal, name, None)
            if number is not None and code in (-number, 128 + number):
                return sentence.format(file=in_words(self.limits.file_size))
        return None


class _Ear(threading.Thread):
    """Hear what a command prints, keep as much as it may print, and end it when it prints more."""

    def __init__(self, pipe: IO[bytes], most: int, watch: Watch) -> None:
        super().__init__(name="sandbox output", daemon=True)
        self.kept = bytearray()
        self._pipe, self._most, self._watch = pipe, most, watch
        self.start()

    def run(self) -> None:
        while chunk := os.read(self._pipe.fileno(), _CHUNK):
            room = self._most - len(self.kept)
            self.kept += chunk[:room]
            if len(chunk) > room:
                self._watch.give_up(f"It printed more than {in_words(self._most)}.")
                return


def _chosen(names: Iterable[str] | None) -> tuple[Layer, ...]:
    there = {layer.name: layer for layer in walls.available()}
    if names is None:
        names = [name for name in there if name != walls.UNSHARE or walls.BUBBLEWRAP not in there]
    names = [names] if isinstance(names, str) else list(names)
    for name in names:
        if name not in there:
            raise ShdError(f"This system has no layer {name!r} for a sandbox; it has {', '.join(there)}.")
    if set(walls.NAMESPACES) <= set(names):
        raise ShdError("A sandbox takes its namespaces from bubblewrap or from unshare; choose one of them.")
    return tuple(layer for layer in there.values() if layer.name in {*names, walls.RLIMITS})


def _check_strength(layers: tuple[Layer, ...]) -> None:
    kept = frozenset().union(*(layer.walls for layer in layers))
    if missing := {walls.FILES, walls.NETWORK} - kept:
        raise ShdError(
            f"Code of strangers is not run here: {', '.join(layer.name for layer in layers)} does not keep "
            f"{' and '.join(sorted(missing))} closed. Install bubblewrap, use a container, or say that you trust them."
        )


def _check_readable(path: Path, work: Path) -> None:
    if not path.exists():
        raise ShdError(f"The sandbox is to read {path}, which is not there.")
    if work == path or work in path.parents:
        raise ShdError(f"The sandbox is to read {path}, but may write there: it lies in the private folder {work}.")


def _checked_command(command: Iterable[str]) -> list[str]:
    words = [command] if isinstance(command, str) else list(command)
    if not words or not all(isinstance(word, str) and "\0" not in word for word in words):
        raise ShdError("The command of a sandbox must be a list of words, as ['python', '-c', 'print(1)'].")
    return words
