"""Seccomp: system calls that a notebook never needs, and that open a door, are refused from now on.

The filter is a few dozen instructions of classic BPF (Linux: Documentation/userspace-api/seccomp_filter.rst).
"""

import ctypes
import errno
import os
import platform
import struct
import sys

# x86-64, arm64. Handles that pass by folders; looking into others; memory that no limit counts; new namespaces
_REFUSED = {
    "open_by_handle_at": (304, 265), "ptrace": (101, 117), "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "io_uring_setup": (425, 425), "userfaultfd": (323, 282),
    "bpf": (321, 280), "perf_event_open": (298, 241), "unshare": (272, 97), "setns": (308, 268),
}  # fmt: skip
# Landlock lets them pass, whosever files and processes they change. Who copies a file or starts a thread needs them,
# and is told that all went well
_PRETENDED = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "utime": (132, None), "utimes": (235, None),
    "futimesat": (261, None), "utimensat": (280, 88), "setxattr": (188, 5), "lsetxattr": (189, 6),
    "fsetxattr": (190, 7), "removexattr": (197, 14), "lremovexattr": (198, 15), "fremovexattr": (199, 16),
    "setxattrat": (463, 463), "removexattrat": (466, 466), "setpriority": (141, 140),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
}  # fmt: skip
_OF_ITSELF = {"prlimit64": (302, 261), "sched_setaffinity": (203, 122)}  # where the first argument, a process, is 0
_CLONE, _CLONE3, _SOCKET, _CONNECT = (56, 220), (435, 435), (41, 198), (42, 203)
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH of the kernel
_NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS and the six others
_X32 = 0x40000000  # a second set of numbers on x86-64
_NR, _ARCH, _FIRST, _SECOND, _THIRD = 0, 4, 16, 24, 32  # offsets in struct seccomp_data, low halves of arguments
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000
_AF_UNIX, _SOCK_STREAM, _TYPE_BITS = 1, 1, 0xF
_AF_NETLINK, _NETLINK_ROUTE = 16, 0  # the names of network cards, without which ZeroMQ gives up
_PR_SET_SECCOMP, _FILTER = 22, 2


def is_known() -> bool:
    """Say whether the filter knows this processor."""
    return sys.platform == "linux" and platform.machine() in _MACHINES and sys.maxsize > 2**32


def program(machine: str, *, network: bool) -> bytes:
    """Return the filter; without `network` only stream sockets of this machine can be made, and none can connect.

    That is for a sandbox that still sees the machine's own folders and processes. A container engine's socket lies in
    such a folder, and Landlock lets it pass, as it does a change of whose a file is, or of a process's limits.
    """
    column, arch = _MACHINES[machine]
    refuse, steps = _ERRNO | errno.EPERM, []

    def add(code: int, value: int, yes: int = 0, no: int = 0) -> None:
        steps.append(struct.pack("=HBBI", code, yes, no, value))

    add(_LOAD, _ARCH)
    add(_EQUAL, arch, yes=1)
    add(_RETURN, refuse)
    add(_LOAD, _NR)
    add(_AT_LEAST, _X32, no=1)
    add(_RETURN, refuse)
    answers = {pair[column]: refuse for pair in _REFUSED.values()}
    if not network:
        answers |= {pair[column]: _ERRNO for pair in _PRETENDED.values()} | {_CONNECT[column]: refuse}
    answers.pop(None, None)  # arm64 has no old calls
    for number, answer in answers.items():
        add(_EQUAL, number, no=1)
        add(_RETURN, answer)
    add(_EQUAL, _CLONE3[column], no=1)
    add(_RETURN, _ERRNO | errno.ENOSYS)  # its flags lie in memory, out of sight: the C library falls back to clone
    add(_EQUAL, _CLONE[column], no=4)
    add(_LOAD, _FIRST)
    add(_ANY_BIT, _NEW_NAMESPACES, no=1)
    add(_RETURN, refuse)
    add(_RETURN, _ALLOW)
    if not network:
        for pair in _OF_ITSELF.values():
            add(_EQUAL, pair[column], no=4)
            add(_LOAD, _FIRST)
            add(_EQUAL, 0, no=1)
            add(_RETURN, _ALLOW)
            add(_RETURN, refuse)
        add(_EQUAL, _SOCKET[column], no=10)
        add(_LOAD, _FIRST)
        add(_EQUAL, _AF_NETLINK, no=2)
        add(_LOAD, _THIRD)
        add(_EQUAL, _NETLINK_ROUTE, yes=4, no=5)
        add(_EQUAL, _AF_UNIX, no=4)
        add(_LOAD, _SECOND)
        add(_AND, _TYPE_BITS)
        add(_EQUAL, _SOCK_STREAM, no=1)
        add(_RETURN, _ALLOW)
        add(_RETURN, refuse)
    add(_RETURN, _ALLOW)
    return b"".join(steps)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def restrict(*, network: bool) -> None:
    """Refuse what the filter refuses, in this process and all that come of it. `no_new_privs` has to be set before."""
    steps = program(platform.machine(), network=network)
    libc = ctypes.CDLL(None, use_errno=True)
    told = _Program(len(steps) // 8, steps)
    nothing = ctypes.c_ulong(0)
    if libc.prctl(_PR_SET_SECCOMP, ctypes.c_ulong(_FILTER), ctypes.byref(told), nothing, nothing):
        raise OSError(ctypes.get_errno(), f"seccomp refused: {os.strerror(ctypes.get_errno())}")
