"""Landlock: what a process may read and write from now on, for good, without any privilege (Linux 5.13).

Forty lines of ctypes instead of a package: the launcher runs before any package can be imported, and what keeps signals
and abstract sockets inside (version 6) is in no package yet. Names and numbers as in the kernel's landlock.h.
"""

import ctypes
import os
import stat
import sys
from collections.abc import Iterator

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every processor
_VERSION, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
READ = _EXECUTE | _READ_FILE | READ_DIR
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV  # the others make sense for folders only
_BITS = {1: 13, 2: 14, 3: 15, 5: 16}  # how many rights a version knows
_BIND_TCP, _CONNECT_TCP = 1, 2  # from version 4
_ABSTRACT_SOCKETS, _SIGNALS = 1, 2  # from version 6


class _Ruleset(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("handled_access_fs", "handled_access_net", "scoped")]


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32)]


def _call(number: int, *arguments: object) -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    answer = libc.syscall(ctypes.c_long(number), *arguments)
    if answer < 0:
        raise OSError(ctypes.get_errno(), f"Landlock refused: {os.strerror(ctypes.get_errno())}")
    return answer


def version() -> int:
    """Return the kernel's version of Landlock, 0 where it has none."""
    if sys.platform != "linux":  # where these numbers mean something else
        return 0
    try:
        return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION))
    except OSError:
        return 0


def restrict(read: list[str], listed: list[str], write: list[str], hidden: list[str], *, network: bool) -> None:
    """Allow reading below `read` but not below `hidden`, names alone below `listed`, everything below `write`.

    Nothing else is allowed; names below `hidden` can be listed all the same, for rights hold for all that is beneath.
    A path that is not there is left out. `no_new_privs` has to be set before.
    """
    hidden = [os.path.realpath(path) for path in hidden]
    around = [one for path in read for one in _around(os.path.realpath(path), hidden)]
    read, listed = [path for path, whole in around if whole], [*listed, *(path for path, whole in around if not whole)]
    known = version()
    rights = (1 << max(bits for since, bits in _BITS.items() if since <= known)) - 1
    tcp = _BIND_TCP | _CONNECT_TCP if known >= 4 and not network else 0
    scoped = _ABSTRACT_SOCKETS | _SIGNALS if known >= 6 else 0
    ruleset = _Ruleset(rights, tcp, scoped)
    rules = _call(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.c_size_t(ctypes.sizeof(ruleset)), ctypes.c_uint32(0))
    for paths, allowed in ((read, READ), (listed, READ_DIR), (write, rights)):
        for path in paths:
            _allow(rules, path, allowed & rights)
    _call(_RESTRICT_SELF, ctypes.c_int(rules), ctypes.c_uint32(0))
    os.close(rules)


def _around(path: str, hidden: list[str]) -> Iterator[tuple[str, bool]]:
    """Yield a path, and whether it can be read whole: rules only add, so that around what is hidden each gets its own.

    Links are left out: what they lead to is allowed where it lies, or not at all.
    """
    if path in hidden:
        return
    below = any(one.startswith(path.rstrip("/") + "/") for one in hidden)
    yield path, not below
    for entry in os.scandir(path) if below else ():
        if not entry.is_symlink():
            yield from _around(entry.path, hidden)


def _allow(rules: int, path: str, allowed: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(os.fstat(place).st_mode):
        allowed &= _OF_FILES
    beneath = _PathBeneath(allowed, place)
    _call(_ADD_RULE, ctypes.c_int(rules), ctypes.c_int(_PATH_BENEATH), ctypes.byref(beneath), ctypes.c_uint32(0))
    os.close(place)
