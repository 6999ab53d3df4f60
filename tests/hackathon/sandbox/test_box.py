"""A sandbox as its users meet it: what it refuses to be made of, what a command sees, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shd._errors import ShdError
from shd.hackathon.sandbox import Limits, Sandbox, available, layers, syscall_filter
from shd.hackathon.sandbox.limits import in_words
from shd.hackathon.sandbox.watch import bytes_below, descendants

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limits for processes")


def test_every_layer_says_what_it_is():
    found = available()
    assert found[-1].name == "rlimits"
    assert "trusted only" in found[-1].sentence
    for layer in found:
        assert layer.sentence.endswith(".")
        assert layer.walls <= {"files", "network", "processes"}


def test_limits_alone_have_to_be_asked_for(private):
    with pytest.raises(ShdError, match="Code of strangers is not run here: rlimits does not keep files and network"):
        Sandbox(private, layers=[])
    Sandbox(private, layers=[], trusted=True)


def test_a_machine_without_walls_says_so(private, monkeypatch):
    rlimits = available()[-1]
    monkeypatch.setattr(layers, "_found", lambda: (rlimits,))
    with pytest.raises(ShdError, match="Install bubblewrap"):
        Sandbox(private)


def test_a_layer_that_is_not_there_is_named(private):
    with pytest.raises(ShdError, match="no layer 'selinux' for a sandbox; it has .*rlimits"):
        Sandbox(private, layers=["selinux"])


def test_namespaces_come_from_one_tool(private):
    if not {"bubblewrap", "unshare"} <= {layer.name for layer in available()}:
        pytest.skip("this system has one of them at most")
    with pytest.raises(ShdError, match="from bubblewrap or from unshare"):
        Sandbox(private, layers=["bubblewrap", "unshare"])


def test_folders_are_there(private, tmp_path):
    with pytest.raises(ShdError, match="private folder .* is not there"):
        Sandbox(tmp_path / "no", trusted=True)
    with pytest.raises(ShdError, match=r"is to read .*no.csv, which is not there"):
        Sandbox(private, [tmp_path / "no.csv"], trusted=True)
    (private / "in").mkdir()
    with pytest.raises(ShdError, match="may write there"):
        Sandbox(private, [private / "in"], trusted=True)


@pytest.mark.parametrize("name", ["seconds", "memory", "processes", "output", "file_size", "disk"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf"), "2 GB", None, True])
def test_a_limit_is_a_number_above_zero(name, value):
    with pytest.raises(ShdError, match=f"limit {name}=.* must be a number above zero"):
        Limits(**{name: value})


@pytest.mark.parametrize("command", [[], ["python", 3], ["a\0b"], [None]])
def test_a_command_is_words(private, command):
    with pytest.raises(ShdError, match="list of words"):
        Sandbox(private, layers=[], trusted=True).argv(command)


@given(st.integers(0, 10**15))
def test_bytes_in_words_are_close(count):
    number, unit = in_words(count).split()
    size = float(number) * {"bytes": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]
    assert size == pytest.approx(count, rel=0.006)


def test_a_command_sees_little(everybody, private, monkeypatch):
    monkeypatch.setenv("HIDDEN", "SECRET")
    program = "import json, os; print(json.dumps([dict(os.environ), os.getcwd()]))"
    ended = everybody().run(["python", "-c", program], extra={"SHD_TRACK": "predict"})
    seen, where = json.loads(ended.output)
    assert "SECRET" not in ended.output.decode()
    assert where == str(private)
    assert seen["HOME"] == f"{private}/.home"
    assert seen["TMPDIR"] == f"{private}/.tmp"
    assert seen["SHD_TRACK"] == "predict"


@posix
def test_each_sandbox_has_a_user_of_its_own_where_root_grades(private):
    users = set()
    for _ in range(3):
        box = Sandbox(private, layers=["seccomp"] if syscall_filter.is_known() else [], trusted=True)
        told = box.run(["python", "-c", "import os; print(os.getuid())"])
        users.add(int(told.output))
    if os.geteuid() or not box.layers[0].changes_user:
        assert users == {os.getuid()}
    else:
        assert len(users) == 3
        assert 0 not in users


def test_what_it_may_read_it_reads_and_what_it_writes_is_there(everybody, private, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("a,b")
    (private / "mine.csv").write_text("old")
    program = "import shutil, sys, tempfile; shutil.copy(sys.argv[1], 'mine.csv'); tempfile.TemporaryFile().write(b'x')"
    ended = everybody(read=[tmp_path / "data"]).run(["python", "-c", program, str(tmp_path / "data" / "train.csv")])
    assert ended.ok, ended
    assert (private / "mine.csv").read_text() == "a,b"


READ = """
import os, sys
for path in sys.argv[1:]:
    try:
        print(open(path).read())
    except OSError:
        print("closed")
print("data.py" in os.listdir(os.path.dirname(sys.argv[1])))
"""


def test_worked_solutions_of_an_installed_package_are_not_read(tmp_path, strangers, monkeypatch):
    package = tmp_path / "site-packages/shd"
    (package / "_challenges/toy").mkdir(parents=True)
    (package / "_challenges/toy/solution.ipynb").write_text("SECRET")
    (package / "data.py").write_text("open")
    (tmp_path / "lib64").symlink_to(tmp_path / "site-packages")
    (tmp_path / "site-packages/short").symlink_to(package / "_challenges")
    monkeypatch.setattr("shd.hackathon.sandbox.places.solutions", lambda: [str(package / "_challenges")])
    ways = ["site-packages/shd/_challenges", "site-packages/short", "lib64/shd/_challenges"]
    asked = ["site-packages/shd/data.py", *(f"{way}/toy/solution.ipynb" for way in ways)]
    box = strangers(read=[tmp_path / "site-packages", tmp_path / "lib64"])
    ended = box.run(["python", "-c", READ, *(str(tmp_path / path) for path in asked)])
    assert ended.output.decode().split() == ["open", "closed", "closed", "closed", "True"]


def test_input_output_and_exit_codes(everybody):
    box = everybody()
    program = "import sys; print(sys.stdin.read()[::-1], flush=True); sys.stderr.write('e'); sys.exit(3)"
    ended = box.run(["python", "-c", program], stdin=b"abc")
    assert (ended.code, ended.output, ended.broken, ended.ok) == (3, b"cba\ne", None, False)
    assert box.run(["python", "-c", "input()"]).output.endswith(b"EOFError: EOF when reading a line\n")
    assert box.run(["python", "-c", "import os; os.kill(os.getpid(), 15)"]).code == 128 + signal.SIGTERM
    missing = box.run(["no-such-command"])
    assert missing.code != 0
    assert b"no-such-command" in missing.output


def test_tools_that_notebooks_use_work(everybody):
    program = """
import concurrent.futures, multiprocessing, os, subprocess, sys
threads = concurrent.futures.ThreadPoolExecutor(4)
assert list(threads.map(abs, [-1, 2])) == [1, 2]
if sys.argv[1] == "True":  # locks between processes lie in a folder of the machine that only some walls replace
    with multiprocessing.get_context("fork").Pool(2) as pool:
        assert pool.map(abs, [-1, 2]) == [1, 2]
assert subprocess.run(["sh", "-c", "echo 5"], capture_output=True).stdout == b"5\\n"
import shd
print("well", os.getpid() > 0)
"""
    box = everybody()
    locks = not {"landlock", "unshare"} & {layer.name for layer in box.layers} or box.layers[0].name == "bubblewrap"
    assert box.run(["python", "-c", program, str(locks)]).output == b"well True\n"


def test_a_file_over_the_limit_is_told(everybody):
    program = (
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_DFL); open('large', 'wb').write(bytes(6_000_000))"
    )
    assert everybody().run(["python", "-c", program]).broken == "It wrote a file larger than 5 MB."


def test_a_watch_tells_the_most_that_it_saw(everybody, private):
    box = everybody()
    program = "import time; x = bytearray(50_000_000); x[::4096] = b'1' * len(x[::4096]); time.sleep(20)"
    process = subprocess.Popen(box.argv(["python", "-c", program]), cwd=private, env=box.environment())
    with box.watch(process.pid) as watch:
        until = time.monotonic() + 15
        while watch.most_memory < 50_000_000 and time.monotonic() < until:
            time.sleep(0.05)
        assert watch.most_processes == 1
        assert 50_000_000 < watch.most_memory < 150_000_000
    assert process.wait(5) != 0
    assert watch.broken is None


def test_a_caller_ends_it_for_a_reason_of_its_own(everybody, private):
    box = everybody()
    process = subprocess.Popen(box.argv(["python", "-c", "import time; time.sleep(60)"]), env=box.environment())
    with box.watch(process) as watch:
        watch.give_up("The kernel does not answer.")
        watch.give_up("Something later.")
        assert process.poll() is not None
    assert watch.broken == "The kernel does not answer."


def test_what_cannot_be_watched_does_not_go_on(everybody, monkeypatch):
    monkeypatch.setattr("shd.hackathon.sandbox.watch.bytes_below", lambda folder: 1 / 0)
    ended = everybody().run(["python", "-c", "import time; time.sleep(30)"])
    assert ended.broken == "It could not be watched any more (division by zero)."


@posix
def test_the_tree_of_processes_is_followed():
    command = "sleep 30 & sleep 30 & wait"
    process = subprocess.Popen(["sh", "-c", command], start_new_session=True)
    try:
        until = time.monotonic() + 10
        while len(descendants(process.pid)) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        assert len(descendants(process.pid)) == 2
        assert set(descendants(process.pid)) < set(descendants(os.getpid()))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_bytes_of_a_folder_are_counted_without_following_links(tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    (folder / "deep").mkdir(parents=True)
    outside.write_bytes(bytes(100_000))
    (folder / "deep" / "file").write_bytes(os.urandom(10_000))
    before = bytes_below(folder)
    assert 10_000 + 4096 <= before < 30_000
    (folder / "link").symlink_to(outside)
    assert bytes_below(folder) == before + 4096
