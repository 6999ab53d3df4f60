"""Start a command behind walls.

This file is run by the interpreter alone, before anything of the command is::

    python -I -S -B launch.py '{"work": ..., "limits": ...}' COMMAND ...

It imports nothing of shd, whose own imports would cost every start a second.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
import time

sys.path.insert(0, __file__.rpartition("/")[0])  # isolated mode leaves this folder out
import landlock_rules
import syscall_filter

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 8, 24, 38
_PR_SET_CHILD_SUBREAPER, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 36, 47, 2
_CAP_DAC_READ_SEARCH, _CAPABILITIES_VERSION = 2, 0x20080522
_PATIENCE = 5.0  # seconds to end what is left


def main() -> None:
    """Put up the walls that the first argument names, and become the command."""
    spec, command = json.loads(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
            score.write("1000")  # where memory runs out all the same, this goes first
    if spec["supervise"]:
        _supervise(spec, command)
    _become(spec, command)


def _prctl(*arguments: int) -> int:
    return ctypes.CDLL(None).prctl(*(ctypes.c_ulong(one) for one in (*arguments, 0, 0, 0, 0)[:5]))


def _become(spec: dict, command: list[str]) -> None:
    """Give up everything, from the widest to the narrowest, and start the command in place of this process."""
    os.environ.pop("JPY_PARENT_PID", None)  # a kernel looks for that process, sees another, and leaves
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)  # Python ignores them, and what it starts would
    try:
        os.nice(5)  # whoever watches comes first
        _limit(spec["limits"])
        os.chdir(spec["work"])
        if sys.platform == "linux":
            _drop_privileges(spec["user"], may_search=spec["filter"])
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # now: who becomes another user is asked again
            if _prctl(_PR_SET_NO_NEW_PRIVS, 1):
                raise OSError("no_new_privs is not known here")
            if spec["landlock"]:
                paths = (spec[name] for name in ("read", "listed", "write", "hidden"))
                landlock_rules.restrict(*paths, network=spec["network"])
            if spec["filter"]:
                syscall_filter.restrict(network=spec["network"])
        os.execvp(command[0], command)
    except OSError as error:
        sys.exit(f"The sandbox could not start {command[0]}: {error}")


def _limit(limits: list[list]) -> None:
    import resource

    for name, most in limits:
        kind = getattr(resource, name, None)
        if kind is None:
            continue
        hard = resource.getrlimit(kind)[1]
        soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError if sys.platform == "darwin" else ()):  # macOS has names that it cannot set
            resource.setrlimit(kind, (soft, soft))


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Capabilities(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def _drop_privileges(user: int | None, *, may_search: bool) -> None:
    """Become a user of one's own where root starts us, and lose every capability.

    One may stay: to read what only root could, as root's interpreter often lies in a closed folder. The walls of files
    stand above it, and the filter refuses the call that would make it a door.
    """
    if os.geteuid() != 0:
        return
    kept = 1 << _CAP_DAC_READ_SEARCH if user is not None and may_search else 0
    for number in range(64):
        if not kept >> number & 1:
            _prctl(_PR_CAPBSET_DROP, number)
    if user is not None:
        _prctl(_PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header, sets = _Header(_CAPABILITIES_VERSION, 0), (_Capabilities * 2)(_Capabilities(kept, kept, kept))
    if ctypes.CDLL(None, use_errno=True).capset(ctypes.byref(header), ctypes.byref(sets)):
        raise OSError(ctypes.get_errno(), "capabilities cannot be given up")
    if kept:
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_READ_SEARCH)


def _supervise(spec: dict, command: list[str]) -> None:
    """Stay behind as the parent of all that the command starts, and end all of it when the command ends, or we should.

    What is started in the background and left alone comes back to us: we are its reaper.
    """
    if sys.platform == "linux":
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: _end(spec, 128 + signal.SIGKILL))
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()  # no terminal to write into, and a group of its own to be interrupted
        _become(spec, command)
    spec["group"] = child
    while True:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            _end(spec, code if code >= 0 else 128 - code)


def _end(spec: dict, code: int) -> None:
    """End every process below us, those that were left alone included, and leave with `code`."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    until = time.monotonic() + _PATIENCE
    with contextlib.suppress(ChildProcessError):  # nobody is left
        while time.monotonic() < until:
            _kill(spec)
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            time.sleep(0.005)
    os._exit(code)


def _kill(spec: dict) -> None:
    if sys.platform == "linux" and os.getpid() == 1:
        with contextlib.suppress(ProcessLookupError):
            os.kill(-1, signal.SIGKILL)  # in a namespace of our own that is all, and all at once
        return
    if spec["user"] is not None:
        if (killer := os.fork()) == 0:
            os.setresuid(spec["user"], spec["user"], spec["user"])
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # all that this user has, and all at once
            os._exit(0)
        os.waitpid(killer, 0)
    with contextlib.suppress(ProcessLookupError, PermissionError, KeyError):
        os.killpg(spec["group"], signal.SIGKILL)
    for child in _children():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(child, signal.SIGKILL)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as told:  # noqa: PTH123
            return [int(child) for child in told.read().split()]
    except OSError:
        return []


if __name__ == "__main__":
    main()
