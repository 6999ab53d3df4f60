"""The filter of system calls, run by a small machine of its own: also for processors that no test runs on."""

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shd.hackathon.sandbox import syscall_filter
from shd.hackathon.sandbox.syscall_filter import program

ALLOWED, REFUSED, UNKNOWN = 0x7FFF0000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
PRETENDED = 0x50000
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
CALLS = {
    "read": (0, 63), "socket": (41, 198), "socketpair": (53, 199), "connect": (42, 203), "bind": (49, 200),
    "prlimit64": (302, 261), "setpriority": (141, 140), "clone": (56, 220), "clone3": (435, 435),
    "ptrace": (101, 117), "unshare": (272, 97), "fchmod": (91, 52),
}  # fmt: skip
THREAD = 0x3D0F00  # the flags of a new thread in glibc


def answer(machine: str, name: str | int, *arguments: int, arch: int | None = None, network: bool = False) -> int:
    """Run the filter on one call, as the kernel would."""
    number = CALLS[name][list(MACHINES).index(machine)] if isinstance(name, str) else name
    data = struct.pack("=IIQ6Q", number, arch or MACHINES[machine], 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    steps = list(struct.iter_unpack("=HBBI", program(machine, network=network)))
    at = register = 0
    while True:
        code, yes, no, value = steps[at]
        at += 1
        if code == 0x06:
            return value
        if code == 0x20:
            register = struct.unpack_from("=I", data, value)[0]
        elif code == 0x54:
            register &= value
        else:
            true = {0x15: register == value, 0x35: register >= value, 0x45: bool(register & value)}[code]
            at += yes if true else no


@pytest.fixture(params=MACHINES)
def machine(request):
    return request.param


@pytest.mark.parametrize("network", [True, False])
def test_what_every_program_does_passes(machine, network):
    for name, *arguments in [("read", 0), ("clone", THREAD), ("clone", 17), ("socketpair", 1, 1), ("bind", 3)]:
        assert answer(machine, name, *arguments, network=network) == ALLOWED


@pytest.mark.parametrize("network", [True, False])
def test_doors_are_closed(machine, network):
    assert answer(machine, "ptrace", network=network) == REFUSED
    assert answer(machine, "unshare", 0x10000000, network=network) == REFUSED
    assert answer(machine, "clone", 0x10000000 | 17, network=network) == REFUSED
    assert answer(machine, "clone3", network=network) == UNKNOWN


def test_only_stream_sockets_of_this_machine_can_be_made(machine):
    made = {(family, kind): answer(machine, "socket", family, kind) for family in (1, 2, 10, 17) for kind in (1, 2, 3)}
    assert {pair for pair, told in made.items() if told == ALLOWED} == {(1, 1)}
    assert answer(machine, "socket", 1, 1 | 0o2000000 | 0o4000) == ALLOWED
    assert answer(machine, "socket", 16, 3, 0) == ALLOWED
    assert answer(machine, "socket", 16, 3, 9) == REFUSED
    assert answer(machine, "connect", 3) == REFUSED


def test_in_a_network_of_its_own_sockets_are_free(machine):
    assert answer(machine, "socket", 2, 1, network=True) == answer(machine, "connect", 3, network=True) == ALLOWED


def test_owners_and_rights_of_files_are_left_as_they_are(machine):
    assert answer(machine, "fchmod", 3, 0) == PRETENDED
    assert answer(machine, "fchmod", 3, 0, network=True) == ALLOWED


def test_limits_are_changed_of_oneself_only(machine):
    assert answer(machine, "prlimit64", 0, 7) == ALLOWED
    assert answer(machine, "prlimit64", 4711, 7) == REFUSED
    assert answer(machine, "setpriority", 0, 4711) == PRETENDED


def test_another_set_of_numbers_is_refused(machine):
    assert answer(machine, "read", arch=0x40000003) == REFUSED
    assert answer("x86_64", 0x40000000 | 1) == REFUSED


@given(st.sampled_from(sorted(MACHINES)), st.integers(0, 2**32 - 1), st.booleans(), st.lists(st.integers(0, 2**32 - 1)))
def test_every_call_gets_an_answer(machine, number, network, arguments):
    assert answer(machine, number, *arguments[:6], network=network) in (ALLOWED, REFUSED, UNKNOWN, PRETENDED)


def test_an_unknown_processor_has_no_filter(monkeypatch):
    monkeypatch.setattr(syscall_filter.platform, "machine", lambda: "mips")
    assert not syscall_filter.is_known()
