"""Code that wants out, or wants everything: in every set of walls that this machine has.

Each attack has an end of its own, far beyond the limit, so that it harms nobody where a wall is missing.
"""

import json
import os
import platform
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import shd
from shd.hackathon.sandbox import Limits

TRY = """
import json, os, signal, socket, sys, time
given, done = json.loads(sys.argv[1]), []
def attempt(name, act):
    try:
        act()
        done.append(name)
    except Exception:
        pass
"""


def attempts(box, attack: str, **given: object) -> list[str]:
    """Run attempts, and return the names of those that worked."""
    ended = box.run(["python", "-c", TRY + textwrap.dedent(attack) + "\nprint(json.dumps(done))", json.dumps(given)])
    assert ended.code == 0, ended
    return json.loads(ended.output)


def attack(box, program: str):
    return box.run(["python", "-c", textwrap.dedent(program)])


def test_nothing_outside_is_read(private, tmp_path, strangers, monkeypatch):
    monkeypatch.setenv("HIDDEN", "SECRET")
    secret = tmp_path / "hidden" / "labels.csv"
    secret.parent.mkdir()
    secret.write_text("SECRET")
    secret.chmod(0o666)
    (private / "link").symlink_to(secret)
    assert attempts(strangers(), """
        path, parent = given["secret"], os.path.dirname(given["secret"])
        attempt("open", lambda: open(path).read())
        attempt("link", lambda: open("link").read())
        attempt("root", lambda: open("/proc/self/root" + path).read())
        attempt("cwd", lambda: open("/proc/self/cwd/../hidden/labels.csv").read())
        for pid in {1, os.getppid(), given["us"]} - {os.getpid()}:
            attempt("root of %d" % pid, lambda: open("/proc/%d/root%s" % (pid, path)).read())
            attempt("environment of %d" % pid, lambda: "HIDDEN=" in open("/proc/%d/environ" % pid).read() or 1/0)
        attempt("list", lambda: os.listdir(parent))
        attempt("hard link", lambda: os.link(path, "mine"))
        attempt("rename", lambda: os.rename(path, "mine"))
        attempt("password", lambda: open("/etc/shadow").read())
    """, secret=str(secret), us=os.getpid()) == []  # fmt: skip
    assert secret.read_text() == "SECRET"


def test_nothing_outside_is_written(private, tmp_path, strangers):
    outside, shown = tmp_path / "outside", tmp_path / "shown"
    for folder in (outside, shown):
        folder.mkdir()
        (folder / "file").write_text("as it was")
        folder.chmod(0o777)
        (folder / "file").chmod(0o666)
    worked = attempts(strangers(read=[shown]), """
        for name in ("outside", "shown"):
            folder = given[name]
            attempt(name + " write", lambda: open(folder + "/file", "w"))
            attempt(name + " append", lambda: open(folder + "/file", "a"))
            attempt(name + " truncate", lambda: os.truncate(folder + "/file", 0))
            attempt(name + " new", lambda: open(folder + "/new", "w"))
            attempt(name + " folder", lambda: os.mkdir(folder + "/folder"))
            attempt(name + " remove", lambda: os.remove(folder + "/file"))
            attempt(name + " link", lambda: os.symlink("/", folder + "/link"))
            attempt(name + " rename", lambda: os.rename(folder + "/file", folder + "/other"))
        attempt("home", lambda: open(given["home"] + "/.shd-attack", "w"))
        attempt("package", lambda: open(given["package"] + "/attack.py", "w"))
        attempt("read", lambda: open(given["shown"] + "/file").read() == "as it was" or 1/0)
    """, outside=str(outside), shown=str(shown), home=str(Path.home()),
        package=str(Path(shd.__file__).parent))  # fmt: skip
    assert set(worked) <= {"read", "home"}  # a home above the private folder is there as an empty copy
    assert "read" in worked
    assert not (Path.home() / ".shd-attack").exists()
    assert [path.name for folder in (outside, shown) for path in folder.iterdir()] == ["file", "file"]
    assert (outside / "file").read_text() == (shown / "file").read_text() == "as it was"


def test_what_a_file_is_allowed_does_not_change_outside(private, tmp_path, strangers):
    shown = tmp_path / "shown"
    shown.write_text("a")
    shown.chmod(0o644)
    box = strangers(read=[shown])
    attempts(box, """
        attempt("by name", lambda: os.chmod(given["shown"], 0))
        attempt("opened", lambda: os.fchmod(os.open(given["shown"], os.O_RDONLY), 0))
        attempt("time", lambda: os.utime(given["shown"], (0, 0)))
    """, shown=str(shown))  # fmt: skip
    assert shown.stat().st_mode & 0o777 == 0o644
    assert shown.stat().st_mtime > 0


def test_no_network(private, tmp_path, strangers, monkeypatch):
    box = strangers()
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    there = {"tcp": (socket.AF_INET, ("127.0.0.1", 0)), "abstract": (socket.AF_UNIX, f"\0shd-attack-{os.getpid()}"),
             "named": (socket.AF_UNIX, "named")}  # fmt: skip
    opened = {}
    for name, (family, address) in there.items():
        opened[name] = socket.socket(family, socket.SOCK_STREAM)
        opened[name].bind(address)
        opened[name].listen()
    Path("named").chmod(0o777)
    try:
        port = opened["tcp"].getsockname()[1]
        assert attempts(box, """
            def connect(family, address):
                with socket.socket(family, socket.SOCK_STREAM) as sock:
                    sock.settimeout(2)
                    sock.connect(address)
            attempt("tcp", lambda: connect(socket.AF_INET, ("127.0.0.1", given["port"])))
            attempt("abstract", lambda: connect(socket.AF_UNIX, given["abstract"]))
            attempt("named", lambda: connect(socket.AF_UNIX, "../named"))
            attempt("far", lambda: connect(socket.AF_INET, ("192.0.2.1", 80)))
            datagram = lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            attempt("datagram", lambda: datagram().sendto(b"x", ("192.0.2.1", 53)))
            attempt("raw", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
        """, port=port, abstract=there["abstract"][1]) == []  # fmt: skip
    finally:
        for sock in opened.values():
            sock.close()


def test_nobody_else_is_killed(private, strangers):
    box = strangers()
    sibling = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    signal_was = signal.signal(signal.SIGTERM, lambda *_: pytest.fail("the grader was reached"))
    try:
        ended = box.run(["python", "-c", textwrap.dedent("""
            import os, signal, sys
            for pid in [os.getppid(), *map(int, sys.argv[1:])]:
                for number in (signal.SIGTERM, signal.SIGKILL):
                    if pid in (0, 1, os.getpid()):
                        continue
                    try:
                        os.kill(pid, number)
                        print("reached", pid)
                    except OSError:
                        pass
            print("went on", flush=True)
            try:
                os.kill(-1, signal.SIGKILL)
            except OSError:
                pass
        """), str(sibling.pid), str(os.getpid())])  # fmt: skip
        assert ended.output == b"went on\n"
        assert sibling.poll() is None
    finally:
        sibling.kill()
        sibling.wait()
        signal.signal(signal.SIGTERM, signal_was)


def test_the_limits_of_others_stay_as_they_are(private, strangers):
    sibling = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        assert attempts(strangers(), """
            import resource
            for pid in {given["sibling"], given["us"], os.getppid()} - {1, os.getpid()}:
                attempt("limit of %d" % pid, lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1000, 1000)))
                attempt("core of %d" % pid, lambda: os.sched_setaffinity(pid, [0]))
                try:
                    os.setpriority(os.PRIO_PROCESS, pid, 19)
                    os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
                except OSError:
                    pass
        """, sibling=sibling.pid, us=os.getpid()) == []  # fmt: skip
        assert os.getpriority(os.PRIO_PROCESS, sibling.pid) == os.getpriority(os.PRIO_PROCESS, 0) < 19
        assert os.sched_getscheduler(sibling.pid) != os.SCHED_IDLE != os.sched_getscheduler(0)
    finally:
        sibling.kill()
        sibling.wait()


@pytest.mark.skipif(platform.machine() != "x86_64", reason="system calls are given by their numbers")
def test_no_privileges_and_no_namespaces_of_its_own(private, strangers):
    box = strangers()
    filtered = any(layer.name == "seccomp" for layer in box.layers)
    worked = attempts(box, """
        import ctypes
        libc = ctypes.CDLL(None, use_errno=True)
        def call(*arguments):
            if libc.syscall(*arguments) < 0:
                raise OSError(ctypes.get_errno(), "refused")
        attempt("user namespace", lambda: call(272, 0x10000000))
        attempt("memory file", lambda: call(319, b"x", 0))
        attempt("shared memory", lambda: call(29, 0, 4096, 0o1600))
        attempt("io_uring", lambda: call(425, 1, (ctypes.c_char * 120)()))
        attempt("clone", lambda: call(56, 0x10000000 | 17, 0, 0, 0, 0) or os._exit(0))
        attempt("mount", lambda: call(165, b"none", b"/tmp", b"tmpfs", 0, 0))
        attempt("root", lambda: os.setuid(0) if os.getuid() else 1/0)
        attempt("chroot", lambda: os.chroot("."))
        attempt("less nice", lambda: (os.nice(-10), 1 / (os.getpriority(os.PRIO_PROCESS, 0) < 0)))
        attempt("more memory", lambda: __import__("resource").setrlimit(2, (2**40, 2**40)))
    """)  # fmt: skip
    unfiltered = {"user namespace", "memory file", "shared memory", "io_uring", "clone", "chroot"}
    assert set(worked) <= (set() if filtered else unfiltered)


def test_a_fork_bomb_ends_long_before_it_is_through(private, everybody):
    ended = attack(everybody(), """
        import os, time
        for n in range(200):
            time.sleep(0.01)  # root's limits alone count no processes: the watch has to see it
            if os.fork() == 0:
                time.sleep(20)
                os._exit(0)
        open("through", "w").close()
        time.sleep(20)
    """)  # fmt: skip
    assert ended.broken == "It started more than 20 processes." or b"BlockingIOError" in ended.output  # watch or system
    assert not ended.ok
    assert not (private / "through").exists()


def test_a_bomb_that_forks_everywhere_ends_too(private, strangers):
    ended = attack(strangers(), """
        import os, time
        until = time.monotonic() + 10
        for n in range(8):
            os.fork()
        time.sleep(max(until - time.monotonic(), 0))
        open("through", "w").close()
    """)  # fmt: skip
    assert not ended.ok
    assert not (private / "through").exists()
    assert ended.seconds < 8


def test_memory_ends_at_the_limit(private, everybody):
    ended = attack(everybody(), """
        held = []
        for n in range(100):
            held.append(bytearray(10_000_000))
            for i in range(0, 10_000_000, 4096):
                held[-1][i] = 1
        open("through", "w").close()
    """)  # fmt: skip
    assert ended.broken == "It used more than 300 MB of memory." or b"MemoryError" in ended.output
    assert not ended.ok
    assert not (private / "through").exists()


def test_memory_of_many_children_is_counted_together(private, everybody):
    ended = attack(everybody(), """
        import os, time
        for n in range(10):
            if os.fork() == 0:
                held = bytearray(100_000_000)
                for i in range(0, len(held), 4096):
                    held[i] = 1
                time.sleep(15)
                os._exit(0)
        for n in range(10):
            os.wait()
        open("through", "w").close()
    """)  # fmt: skip
    assert ended.broken == "It used more than 300 MB of memory."
    assert not (private / "through").exists()


def test_memory_is_seen_when_the_first_thread_has_left(private, everybody):
    ended = attack(everybody(), """
        import ctypes, os, platform, threading, time
        def grow():
            held = bytearray(100_000_000)
            for i in range(0, len(held), 4096):
                held[i] = 1
            time.sleep(15)
            os._exit(0)
        for n in range(6):
            if os.fork() == 0:
                threading.Thread(target=grow).start()
                ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)
        for n in range(6):
            os.wait()
        open("through", "w").close()
    """)  # fmt: skip
    assert ended.broken == "It used more than 300 MB of memory."
    assert not (private / "through").exists()


def test_memory_that_is_no_process_s_ends_too(private, strangers):
    ended = attack(strangers(), """
        for folder in ("/dev/shm", "/tmp"):
            try:
                for n in range(200):
                    with open(f"{folder}/{n}", "wb") as file:
                        file.write(bytes(1_000_000))
                print("through", folder)
            except OSError:
                pass
    """)  # fmt: skip
    assert b"through" not in ended.output


def test_output_ends_at_the_limit(private, everybody):
    ended = attack(everybody(), """
        import sys
        for n in range(50):
            sys.stderr.write("x" * 1_000_000)
        open("through", "w").close()
    """)  # fmt: skip
    assert ended.broken == "It printed more than 1 MB."
    assert len(ended.output) == 10**6
    assert not (private / "through").exists()


def test_a_file_ends_at_the_limit(private, everybody):
    ended = attack(everybody(), """
        with open("large", "wb") as file:
            for n in range(50):
                file.write(bytes(1_000_000))
    """)  # fmt: skip
    assert not ended.ok
    assert (private / "large").stat().st_size <= 5 * 10**6


FILLERS = {
    "files": """
        for n in range(100):
            open(str(n), "wb").write(os.urandom(1_000_000))
            time.sleep(0.005)
    """,
    "empty files": """
        for n in range(40_000):
            open(str(n), "wb").close()
    """,
    "files without a name": """
        held = []
        for n in range(100):
            held.append(open("x", "wb"))
            os.remove("x")
            held[-1].write(os.urandom(1_000_000))
            time.sleep(0.005)
    """,
}


@pytest.mark.parametrize("filler", FILLERS)
def test_a_full_disk_is_not_reached(private, everybody, filler):
    ended = attack(everybody(), "import os, time" + textwrap.dedent(FILLERS[filler]) + "\ntime.sleep(10)")
    assert ended.broken == "It wrote more than 20 MB to files."
    assert ended.seconds < 8


def test_folders_too_deep_to_measure_end_it(private, strangers):
    ended = attack(strangers(), """
        import os, time
        for n in range(150):
            os.mkdir("d")
            os.chdir("d")
        time.sleep(10)
    """)  # fmt: skip
    assert ended.broken.startswith("It made folders more than 100 deep")


def test_a_loop_that_no_signal_ends_takes_its_time_and_no_more(private, everybody):
    box = everybody(limits=Limits(seconds=1))
    ended = attack(box, """
        import signal
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGXCPU):
            signal.signal(number, signal.SIG_IGN)
        while True:
            pass
    """)  # fmt: skip
    assert ended.broken == "It took more than 1 second."
    assert ended.seconds < 5
