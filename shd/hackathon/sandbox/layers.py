"""The walls that this system has, strongest first, each really tried once; and the command line that puts them up."""

import functools
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from shd.hackathon.sandbox import landlock_rules, places, syscall_filter
from shd.hackathon.sandbox.limits import Limits

BUBBLEWRAP, UNSHARE, LANDLOCK, SECCOMP, RLIMITS = "bubblewrap", "unshare", "landlock", "seccomp", "rlimits"
FILES, NETWORK, PROCESSES = "files", "network", "processes"
NAMESPACES = (BUBBLEWRAP, UNSHARE)

_LAUNCH = Path(__file__).with_name("launch.py")
_TMP_BYTES, _SHARED_BYTES = 16 * 2**20, 64 * 2**20  # in memory, so they are small; TMPDIR lies on the disk
_CAPABILITIES = ("SETUID", "SETGID", "SETPCAP", "DAC_READ_SEARCH")  # what launch.py needs to become another user
_TRY_SECONDS = 20
_FIRST_USER, _USERS = 1_000_000_000, 1_000  # far above the numbers that people and services have; so many a grader
_COUNT = itertools.count()
_SENTENCES = {
    BUBBLEWRAP: "Namespaces through bubblewrap: no network, no other processes, and only the folders it may read.",
    UNSHARE: "Namespaces through unshare: no network and no other processes.",
    LANDLOCK: "Landlock (version {version}): the kernel refuses files outside the folders it may read and write{more}.",
    SECCOMP: "seccomp: system calls that a notebook never needs are refused; without namespaces, connections too.",
    RLIMITS: "Limits of memory, processes, files and time. Alone they keep no secrets: trusted only.",
}


@dataclass(frozen=True)
class Layer:
    """One kind of wall.

    Attributes
    ----------
    name : str
        ``"bubblewrap"``, ``"unshare"``, ``"landlock"``, ``"seccomp"`` or ``"rlimits"``.
    sentence : str
        What it does, for the page of results.
    walls : frozenset of str
        What it keeps inside: ``"files"``, ``"network"``, ``"processes"``.
    """

    name: str
    sentence: str
    walls: frozenset[str]
    options: tuple[str, ...] = ()
    changes_user: bool = False


@dataclass(frozen=True)
class Plan:
    """All that a start needs: which layers, and what they let through."""

    layers: tuple[Layer, ...]
    work: Path
    read: tuple[Path, ...]
    limits: Limits
    user: int | None = None

    def layer(self, *names: str) -> Layer | None:
        """Return the first of its layers that has one of these names."""
        return next((layer for layer in self.layers if layer.name in names), None)


def available() -> list[Layer]:
    """Return the layers of this system, strongest first. Each was tried once, with a real process."""
    return list(_found())


@functools.cache
def _found() -> tuple[Layer, ...]:
    seccomp = _first_that_works(SECCOMP, [()], {NETWORK}) if syscall_filter.is_known() else None
    more = (seccomp,) if seccomp else ()
    found = []
    if shutil.which("bwrap"):
        ways = [(), ("--unshare-user",)] if _is_root() else [("--unshare-user",)]
        found.append(_first_that_works(BUBBLEWRAP, ways, {FILES, NETWORK, PROCESSES}, more))
    if shutil.which("unshare") and shutil.which("setpriv"):
        ways = [(), ("--user", "--map-current-user")] if _is_root() else [("--user", "--map-current-user")]
        found.append(_first_that_works(UNSHARE, ways, {NETWORK, PROCESSES}, more))
    if known := landlock_rules.version():
        signals = {PROCESSES} if known >= 6 else set()
        found.append(_first_that_works(LANDLOCK, [()], {FILES} | signals, more))
    rlimits = Layer(RLIMITS, _SENTENCES[RLIMITS], frozenset())
    return *(layer for layer in found if layer), *more, rlimits


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _first_that_works(
    name: str, ways: list[tuple[str, ...]], walls: set[str], more: tuple[Layer, ...] = ()
) -> Layer | None:
    """Try the options of a layer in turn, as a user of its own before as root, and return the first that starts."""
    version = landlock_rules.version() if name == LANDLOCK else 0
    said = ", signals and abstract sockets" if version >= 6 else ""
    sentence = _SENTENCES[name].format(version=version, more=said)
    for options in ways:
        for changes_user in (True, False) if _is_root() else (False,):
            layer = Layer(name, sentence, frozenset(walls), options, changes_user)
            if _works((layer, *more)):
                return layer
    return None


def _works(layers: tuple[Layer, ...]) -> bool:
    with tempfile.TemporaryDirectory(prefix="shd-try-") as folder:
        plan = Plan(layers, Path(folder).resolve(), (), Limits(seconds=_TRY_SECONDS), user_of(layers))
        command = command_line(plan, [sys.executable, "-I", "-S", "-c", "open('written', 'w').close()"])
        try:
            own(plan)  # which root cannot do in every container
            tried = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_TRY_SECONDS)
        except (OSError, subprocess.TimeoutExpired):
            return False
        return tried.returncode == 0


def user_of(layers: tuple[Layer, ...]) -> int | None:
    """Return a user that nobody else has, where root starts these layers and they can change it, else None.

    The number of processes is limited by user, and root is exempt; and what root starts, root's files lie open to.
    """
    can_read = layers[0].name == BUBBLEWRAP or any(layer.name == SECCOMP for layer in layers)  # see launch.py
    if not (can_read and layers[0].changes_user):
        return None
    return _FIRST_USER + os.getpid() % 100_000 * _USERS + next(_COUNT) % _USERS


def own(plan: Plan) -> None:
    """Give the private folder, and what lies in it, to the user of the plan."""
    if plan.user is None:
        return
    os.chown(plan.work, plan.user, plan.user)
    for folder, names, files in os.walk(plan.work):
        for name in (*names, *files):
            os.chown(Path(folder, name), plan.user, plan.user, follow_symlinks=False)


def command_line(plan: Plan, command: list[str]) -> list[str]:
    """Return what to start instead of `command`."""
    if sys.platform == "win32":
        return command
    start = [sys.executable, "-I", "-S", "-B", str(_LAUNCH), json.dumps(_told_to_the_launcher(plan)), *command]
    namespace = plan.layer(*NAMESPACES)
    if namespace is None:
        return start
    return [*(_bubblewrap(plan, namespace) if namespace.name == BUBBLEWRAP else _unshare(namespace)), *start]


def _told_to_the_launcher(plan: Plan) -> dict:
    wrapped = plan.layer(BUBBLEWRAP) is not None
    read = [*places.SYSTEM, *places.python(), *map(str, plan.read), *places.DEVICES_READ, "/proc"]
    write = [str(plan.work), *places.DEVICES_WRITTEN, *(("/tmp", "/dev/shm") if wrapped else ())]
    if wrapped or plan.user is not None:  # else they are the terminals of whoever grades
        write += ["/dev/ptmx", "/dev/pts"]
    return {
        "work": str(plan.work), "read": read, "write": write, "hidden": places.solutions(),
        "listed": ["/"] if wrapped else places.beside_the_packages(),
        "limits": plan.limits.of_the_system(_threads_already(plan)), "user": plan.user,
        "landlock": plan.layer(LANDLOCK) is not None, "filter": plan.layer(SECCOMP) is not None,
        "network": wrapped or plan.layer(LANDLOCK, SECCOMP) is None, "supervise": not wrapped,
    }  # fmt: skip


def _threads_already(plan: Plan) -> int | None:
    """Count the threads of the user who will run it, for the system counts them all; None where it counts none."""
    if sys.platform != "linux" or (_is_root() and plan.user is None):
        return None
    if plan.user is not None:
        return 0
    total = 0
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and entry.stat().st_uid == os.getuid():
                total += len(list((entry / "task").iterdir()))
        except OSError:  # it ended meanwhile
            continue
    return total


def _bubblewrap(plan: Plan, layer: Layer) -> list[str]:
    seen = [("--ro-bind-try", path) for path in (*places.SYSTEM, *places.python(), *map(str, plan.read))]
    seen.append(("--bind", str(plan.work)))
    seen.sort(key=lambda pair: len(Path(pair[1]).parts))  # what lies in another comes after it
    above = sorted({str(parent) for _, path in seen for parent in Path(path).parents} - {"/"})  # closed to others, else
    tmpfs = [("--perms", "1777", "--size", str(size), "--tmpfs", path) for size, path in
             ((_TMP_BYTES, "/tmp"), (_SHARED_BYTES, "/dev/shm"))]  # fmt: skip
    return [
        "bwrap", *layer.options, "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts",
        "--unshare-cgroup-try", "--die-with-parent", "--new-session", "--hostname", "sandbox",
        *(word for name in _CAPABILITIES if layer.changes_user for word in ("--cap-add", f"CAP_{name}")),
        *tmpfs[0],
        *(word for path in above for word in ("--dir", path)),
        *(word for how, path in seen for word in (how, path, path)),
        *(word for path in places.solutions() for word in ("--tmpfs", path)),
        "--proc", "/proc", "--dev", "/dev", *tmpfs[1], "--remount-ro", "/dev", "--remount-ro", "/",
        "--chdir", str(plan.work), "--",
    ]  # fmt: skip


def _unshare(layer: Layer) -> list[str]:
    """Return the words before the launcher; `setpriv` ends it with us, which `unshare` alone would outlive."""
    return [
        "setpriv", "--pdeathsig", "KILL", "unshare", *layer.options, "--net", "--pid", "--ipc", "--uts", "--mount",
        "--fork", "--kill-child", "--mount-proc", "--",
    ]  # fmt: skip
