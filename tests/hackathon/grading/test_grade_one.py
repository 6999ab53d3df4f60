"""One submission, whatever it holds: its own points, a line that says why, and never full marks for an attack."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest

from shd.hackathon.grading.kit import pack
from shd.hackathon.grading.one import grade_one
from shd.hackathon.sandbox import available

CHALLENGES = Path(__file__).resolve().parents[3] / "challenges"
needs_walls = pytest.mark.skipif(
    not {"bubblewrap", "unshare", "landlock"} & {layer.name for layer in available()},
    reason="no sandbox on this system",
)
pytestmark = [needs_walls, pytest.mark.slow]


@pytest.fixture
def graded(toy, options, hand_in, read_result, tmp_path):
    def grade(**sources):
        return read_result(grade_one("owls", pack(hand_in(tmp_path / "owls", **sources)), toy, options, "f" * 64))

    return grade


def points(result) -> dict[str, float]:
    return {one["exercise"]: one["points"] for one in result["exercises"]}


def test_a_right_submission_gets_all_points_and_its_pages(toy, options, hand_in, read_result, tmp_path):
    sent = pack(hand_in(tmp_path / "owls", text_why="Because."))
    files = grade_one("owls", sent, toy, options, "f" * 64)
    result = read_result(files)
    assert points(result) == {"double": 3, "half": 2} and result["notes"] == [] and result["sandbox"]
    assert result["texts"] == [{"text": "why:3", "words": "Because."}]
    assert set(files) == {"result.json", "index.html", "feedback.ipynb", "junit.xml"}
    feedback = nbformat.reads(files["feedback.ipynb"].decode(), as_version=4)
    assert "Exercise 1: right" in feedback.cells[3].outputs[0].text
    assert b"5 of 8 points" in files["index.html"] and b"<testcase" in files["junit.xml"]
    assert grade_one("owls", sent, toy, options, "f" * 64) == files  # to the byte


@pytest.mark.parametrize(
    ("source", "told", "double"),
    [
        ("def double(x):\n    return 1 / 0", "ZeroDivisionError", 0),
        ("raise ValueError('oh')", "Its cell stopped with ValueError: oh.", 0),
        ("x = input()\ndef double(x): return 2 * x", "Its cell stopped with StdinNotImplementedError", 0),
        ("def double(x):\n    return float('nan')", "NaN", 0),
        ("double = 20", "could be checked", 0),
        ("def double(x):\n    return 20", "On other data", 1),
        ("import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()\ndef double(x): return 2 * x", "", 3),
        ("from tqdm.auto import tqdm\nfor _ in tqdm(range(9)): pass\ndef double(x): return 2 * x", "", 3),
        ("import ipywidgets\ndisplay(ipywidgets.IntSlider())\ndef double(x): return 2 * x", "", 3),
    ],
)
def test_a_mistake_costs_its_own_points_alone(graded, source, told, double):
    result = graded(answer_double=source)
    said = " ".join(result["exercises"][0]["said"])
    assert points(result) == {"double": double, "half": 2}
    assert any(word in said for word in told.split("|")), said


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("import os\nos._exit(0)", "ended the kernel"),
        ("while True: pass", "ran longer than 8 seconds"),
        (
            "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
            "ran longer than 8 seconds",
        ),
        ("for _ in range(200): print('x' * 100_000)", "printed more than 1 MB"),
        (
            "wide = bytearray(3_000_000_000)\nfor k in range(0, len(wide), 4096): wide[k] = 1",
            "MemoryError|memory|could be checked",
        ),
        (
            "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)",
            "ended the kernel|could be checked|PermissionError",
        ),
    ],
)
def test_what_ends_a_kernel_is_left_out_and_the_others_count(graded, source, told):
    result = graded(answer_double=source)
    said = " ".join([*result["exercises"][0]["said"], *result["notes"]])
    assert points(result) == {"double": 0, "half": 2}, result
    assert any(word in said for word in told.split("|")), said


def test_a_right_answer_that_makes_a_later_cell_endless_keeps_its_points_and_is_told(graded):
    slow = (
        "import builtins, time\nold = print\n"
        "builtins.print = lambda *a, **k: time.sleep(30) if a == ('the end',) else old(*a, **k)\nhalf = lambda x: x / 2"
    )
    result = graded(answer_half=slow)
    assert points(result) == {"double": 3, "half": 2}
    assert result["notes"] == ["half: a cell after its answer ran longer than 8 seconds, and was stopped."]


FORGERIES = {
    "prints the line": "print('{line}')\nclass _Quiet:\n    def __call__(self, x): return 0\ndouble = _Quiet()",
    "patches the check": "import checks\nchecks.double.why_wrong = lambda *a: None\ndouble = lambda x: 0",
    "patches the class": (
        "from shd.hackathon import Exercise\n"
        "Exercise.__call__ = lambda self, a: print(self.said_when_right)\n"
        "double = lambda x: 0"
    ),
    "transforms the input": (
        "ip = get_ipython()\n"
        "forged = ['print(\"\"\"{line}\"\"\")\\n']\n"
        "ip.input_transformers_post.append(lambda old: forged if 'checks.double' in ''.join(old) else old)\n"
        "double = lambda x: 0"
    ),
    "skips itself": "# NBVAL_SKIP\ndouble = lambda x: 0",
    "writes its own outputs": (
        "import os, json, pathlib\nplace = pathlib.Path(os.environ['SHD_HAND_IN'])\nplace.mkdir(exist_ok=True)\n"
        "(place / 'double.outputs.json').write_text(json.dumps({{'0': 20}}))\n"
        "import checks\nchecks.double._record = lambda answer: None\ndouble = lambda x: 20"
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forged_check_earns_no_hidden_points(graded, how):
    line = "Exercise 1: right, 1 of 3 points; the same on other data gives the other 2."
    result = graded(answer_double=FORGERIES[how].format(line=line))
    assert points(result)["double"] <= 1
    assert points(result)["half"] == (0 if how == "patches the class" else 2)  # which patches all checks
    assert result["exercises"][0]["said"]
    printed = "double: its answer cell prints what its check prints for a right answer."
    assert (printed in result["notes"]) == (how == "prints the line")


def test_hidden_checks_and_other_teams_cannot_be_read(toy, options, hand_in, tmp_path):
    sibling = hand_in(tmp_path / "sibling", text_why="the words of another team")
    places = [str(sibling), str(CHALLENGES), "/root", "/home", ".."]
    look = f"""
import os, pathlib
found = []
for place in {places}:
    for folder, _, names in os.walk(place):
        for name in names:
            if name.endswith((".ipynb", ".py", ".toml")):
                try:
                    found.append(pathlib.Path(folder, name).read_text())
                except (OSError, ValueError):
                    pass
seen = " ".join(found)
print("own folder:", "import checks" in seen)
print("sibling:", "words of another" + " team" in seen, "hidden checks:", "def is_" + "half" in seen)
print("solutions:", "def honest_" + "parts" in seen)
double = lambda x: 2 * x
"""
    patient = replace(options, cell_seconds=60, notebook_seconds=120)  # a whole disk is read
    files = grade_one("owls", pack(hand_in(tmp_path / "owls", answer_double=look)), toy, patient, "f" * 64)
    book = nbformat.reads(files["feedback.ipynb"].decode(), as_version=4)
    (printed,) = (output.text for output in book.cells[2].outputs)
    assert printed == "own folder: True\nsibling: False hidden checks: False\nsolutions: False\n"


def test_manifest_archive_and_size_are_told(toy, options, hand_in, read_result, tmp_path):
    def result_of(content: bytes) -> dict:
        return read_result(grade_one("owls", content, toy, options, "f" * 64))

    folder = hand_in(tmp_path / "owls")
    (folder / "team.toml").write_text('team = "hawks"\nchallenge = "toy"\nmembers = []\n')
    assert any("hawks" in note for note in result_of(pack(folder))["notes"])
    (folder / "team.toml").write_text('team = "owls"\nchallenge = "alzheimers_mri"\nmembers = []\n')
    assert any("alzheimers_mri" in note for note in result_of(pack(folder))["notes"])
    (folder / "starter.ipynb").unlink()
    assert "starter.ipynb is missing" in result_of(pack(folder))["notes"][-1]
    (folder / "starter.ipynb").symlink_to("/etc/passwd")
    assert "Not graded" in result_of(pack(folder))["notes"][-1]
    assert "Not graded" in result_of(b"no archive")["notes"][-1]
    evil = io.BytesIO()
    with zipfile.ZipFile(evil, "w") as archive:
        archive.writestr("../starter.ipynb", json.dumps({}))
    assert "Not graded" in result_of(evil.getvalue())["notes"][-1] and not (tmp_path / "starter.ipynb").exists()
