"""A class full of attackers, graded at once: each is told what was found, none gets full marks, the others theirs."""

import io
import json
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import ClassVar

import nbformat
import pytest

from shd.hackathon.grading import grade, here
from shd.hackathon.sandbox import available

needs_walls = pytest.mark.skipif(
    not {"bubblewrap", "unshare", "landlock"} & {layer.name for layer in available()},
    reason="no sandbox on this system",
)
pytestmark = [needs_walls, pytest.mark.slow]

CODE = {
    "fork-bomb": (
        "import os, time\n"
        "for _ in range(12):\n"  # 2 ** 12 processes where nothing holds it
        "    try: os.fork()\n"
        "    except OSError: pass\n"
        "time.sleep(6)",
        ("processes", "could be checked"),
    ),
    "memory": ("wide = bytearray(20_000_000_000)\ndouble = lambda x: 2 * x", ("stopped with MemoryError", "of memory")),
    "files": (
        "for k in range(40):\n"
        "    with open(f'wide-{k}', 'wb') as file: file.write(bytes(2_000_000))\n"
        "import time\ntime.sleep(3)",
        ("to files", "could be checked"),
    ),
    "output": ("print('x' * 30_000_000)", ("printed more than", "ran longer than 8 seconds")),  # on a busy machine
    "endless": ("while True: pass", ("ran longer than 8 seconds",)),
    "killed": ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", ("ended the kernel",)),
    "network": (
        "import urllib.request\nurllib.request.urlopen('http://127.0.0.1:{port}', timeout=3).read()",
        ("stopped with URLError",),
    ),
    "outside": (
        "open('{place}/was-here', 'w').write('x')",
        ("stopped with FileNotFoundError", "stopped with OSError", "stopped with PermissionError"),
    ),
    "sibling": (
        "import pathlib\ntext = pathlib.Path('{sibling}/starter.ipynb').read_text()",
        ("stopped with FileNotFoundError", "stopped with PermissionError"),
    ),
    "threads": (
        "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(60,)).start()",
        ("stopped with", "ended the kernel", "ran longer than 8 seconds", "processes", "memory", "could be checked"),
    ),
    "opens": ("held = [open('/dev/null') for _ in range(5000)]", ("Too many open files",)),
    "hoards": ("import math\nheld = []\nwhile True: held.append(bytearray(10_000_000))", ("MemoryError", "memory")),
}  # fmt: skip
"""What an answer cell does, and a word of what its team is told."""


class _Listens(BaseHTTPRequestHandler):
    """A server that notes who asks it."""

    heard: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.heard.append(self.path)
        self.send_response(200)
        self.end_headers()


def _zip(**entries: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/"), content)
    return made.getvalue()


def _link() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        entry = zipfile.ZipInfo("starter.ipynb")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    return made.getvalue()


@pytest.fixture(scope="module")
def told(toy, options, hand_in, tmp_path_factory):
    """What each team of the class is told, graded on two workers."""
    place = tmp_path_factory.mktemp("class")
    place.chmod(0o777)
    server = HTTPServer(("127.0.0.1", 0), _Listens)  # it is there for whoever has a network
    Thread(target=server.serve_forever, daemon=True).start()
    sent, results = place / "sent", place / "results"
    for team in ("aa-honest", "zz-honest"):
        hand_in(sent / team)
    for team, (source, _) in CODE.items():
        for name, value in {"sibling": sent / "aa-honest", "place": place, "port": server.server_port}.items():
            source = source.replace(f"{{{name}}}", str(value))
        hand_in(sent / team, answer_double=source)
    book = json.loads((sent / "aa-honest/starter.ipynb").read_text())
    (sent / "bomb.zip").write_bytes(_zip(**{"starter.ipynb": bytes(400_000_000)}))  # 400 kB that unfold to 400 MB
    (sent / "climbs.zip").write_bytes(_zip(**{"../aa-honest/starter.ipynb": b"{}"}))
    (sent / "link.zip").write_bytes(_link())
    hand_in(sent / "wide")
    wide = {**book, "metadata": {"padding": "x" * 100_000_000}}
    (sent / "wide/starter.ipynb").write_text(json.dumps(wide))
    hand_in(sent / "manifest", answer_double="def double(x):\n    return x + x")
    (sent / "manifest/team.toml").write_text('team = "aa-honest"\nchallenge = "toy"\nmembers = []\n')
    hand_in(sent / "swapped", answer_double="double = lambda x: 2 * x")
    swapped = json.loads((sent / "swapped/starter.ipynb").read_text())
    swapped["cells"].append({**swapped["cells"][2], "id": "answer-half"})  # the answer of one with the id of another
    (sent / "swapped/starter.ipynb").write_text(json.dumps(swapped))
    (sent / "linked").mkdir()
    (sent / "linked/starter.ipynb").symlink_to(sent / "aa-honest/starter.ipynb")
    found = grade(sent, results, toy, replace(options, disk=30_000_000), here(2))
    server.shutdown()
    server.server_close()
    assert not _Listens.heard and not (place / "was-here").exists()
    return {one["team"]: one for one in found}, results


def _words(result: dict) -> str:
    return " ".join([*(line for one in result["exercises"] for line in one["said"]), *result["notes"]])


def test_the_honest_get_what_is_theirs(told):
    found, results = told
    assert [found[team]["points"] for team in ("aa-honest", "zz-honest")] == [5, 5]
    assert len(found) == 21
    assert not list(results.glob(".part*"))


@pytest.mark.parametrize("team", CODE)
def test_code_that_attacks_costs_its_own_points_and_is_told(told, team):
    result, words = told[0][team], _words(told[0][team])
    points = {one["exercise"]: one["points"] for one in result["exercises"]}
    # a kernel that can start no thread may not even say which cell took them all: then its team loses more
    assert points["double"] == 0 and points["half"] in ((0, 2) if team == "threads" else (2,)), (points, words)
    assert any(word in words for word in CODE[team][1]), words
    assert (told[1] / team / "index.html").read_text().count("0 of 3") == 1


@pytest.mark.parametrize(
    ("team", "points", "word"),
    [
        ("bomb", 0, "hand in less"),
        ("climbs", 0, "leads out of the folder"),
        ("link", 0, "is a link"),
        ("wide", 0, "20 MB"),
        ("linked", 0, "starter.ipynb is missing"),
        ("manifest", 5, "names the team 'aa-honest'; it counts for 'manifest'"),
        ("swapped", 3, "two cells have the id answer-half"),
    ],
)
def test_files_that_attack_are_told(told, team, points, word):
    result = told[0][team]
    assert (result["points"], result["out_of"]) == (points, 5) and word in _words(result), _words(result)


def test_a_manifest_with_the_name_of_another_changes_nothing_of_the_other(told):
    for team, line in (("aa-honest", "return 2 * x"), ("manifest", "return x + x")):
        feedback = nbformat.read(told[1] / team / "feedback.ipynb", as_version=4)
        assert line in feedback.cells[2].source
    assert told[0]["aa-honest"]["notes"] == []
