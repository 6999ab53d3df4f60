"""Many submissions: each exactly once, whoever is killed; the same to the byte wherever they are graded."""

import csv
import io
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shd import ShdError
from shd.hackathon.grading import Kit, Options, cluster, grade, here
from shd.hackathon.grading.kit import pack
from shd.hackathon.grading.one import failed
from shd.hackathon.grading.pool import Task
from shd.hackathon.grading.result import SHEET, Result, gradebook, marking_sheet, read_marks


@pytest.fixture
def quickly():
    """Workers that run nothing: each result says how often it was made; and how often they were asked."""
    asked: list[str] = []

    def work(tasks, kit, options) -> Iterator:
        for task in tasks:
            asked.append(task.team)
            yield task, failed(task.team, kit, task.fingerprint, "nobody ran it.")

    return work, asked


@pytest.fixture
def class_of_three(hand_in, tmp_path):
    for team in ("ants", "bees", "cats"):
        hand_in(tmp_path / "sent" / team)
    return tmp_path / "sent", tmp_path / "results"


def tree(folder) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


def test_what_is_done_is_not_done_again_and_what_changed_is(toy, options, quickly, class_of_three):
    sent, results = class_of_three
    work, asked = quickly
    found = grade(sent, results, toy, options, work)
    assert [one["team"] for one in found] == ["ants", "bees", "cats"] == asked
    before = tree(results)
    assert grade(sent, results, toy, options, work) == found and len(asked) == 3 and tree(results) == before
    (sent / "bees/more.txt").write_text("more")
    grade(sent, results, toy, options, work)
    assert asked[3:] == ["bees"]
    grade(sent, results, toy, Options.of(1), work, teams=["cats"])
    assert asked[4:] == ["cats"]
    grade(sent, results, Kit("toy", toy.content, toy.exercises + "#"), Options.of(1), work, teams=["cats"])
    assert asked[5:] == ["cats"]


def test_what_a_stopped_grading_left_is_swept_away(toy, options, quickly, class_of_three):
    sent, results = class_of_three
    (results / ".part-ants").mkdir(parents=True)
    (results / ".part-ants/result.json").write_text("half")
    (results / ".part-grades.csv.txt").write_text("half")
    (results / "bees").mkdir()
    (results / "bees/feedback.ipynb").write_text("of a grading without a result")
    grade(sent, results, toy, options, quickly[0])
    assert sorted(path.name for path in results.iterdir()) == [
        ".lock",
        "ants",
        "bees",
        "cats",
        "grades.csv",
        "index.html",
    ]
    assert not (results / "bees/feedback.ipynb").exists()


def test_a_team_may_have_a_dot_in_its_name_and_who_is_not_there_is_told(toy, options, quickly, hand_in, tmp_path):
    hand_in(tmp_path / "sent/ants.v2")
    found = grade(tmp_path / "sent", tmp_path / "results", toy, options, quickly[0], teams=["ants.v2"])
    assert [one["team"] for one in found] == ["ants.v2"]
    with pytest.raises(ShdError, match="no submission of wasps; there are ants.v2"):
        grade(tmp_path / "sent", tmp_path / "results", toy, options, quickly[0], teams=["wasps"])


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any name")
def test_what_cannot_even_be_packed_is_told_and_others_are_graded(toy, options, quickly, class_of_three, monkeypatch):
    sent, results = class_of_three
    monkeypatch.setattr("shd.hackathon.grading.pool.MOST_UNPACKED", 10_000)
    (sent / "bees/wide.bin").write_bytes(bytes(20_000))
    (sent / "dogs.zip").write_bytes(bytes(20_000))
    (sent / "ants/deep").mkdir()
    deep = sent / "ants/deep"
    for _ in range(300):
        deep = deep / "d"
        deep.mkdir()
    (sent / "cats" / os.fsdecode(b"a\xffb")).write_bytes(b"no text")
    found = {one["team"]: one for one in grade(sent, results, toy, options, quickly[0])}
    assert quickly[1] == ["ants"]  # empty folders are not packed
    assert "more than 0 MB" in found["bees"]["notes"][0] and "more than 0 MB" in found["dogs"]["notes"][0]
    assert "no text" in found["cats"]["notes"][0]
    assert {(one["points"], one["out_of"]) for one in found.values()} == {(0, 5)}
    assert grade(sent, results, toy, options, quickly[0]) and quickly[1] == ["ants"]  # nothing is done twice


def test_one_grading_at_a_time(toy, options, quickly, class_of_three):
    sent, results = class_of_three

    def work(tasks, kit, options):
        with pytest.raises(ShdError, match="another grading"):
            grade(sent, results, toy, options, quickly[0])
        return quickly[0](tasks, kit, options)

    assert len(grade(sent, results, toy, options, work)) == 3


@pytest.mark.parametrize("make", ["nothing", "empty", "twice", "twice but for a capital", "ours", "long", "no text"])
def test_impossible_folders_are_told_in_a_line(toy, options, quickly, tmp_path, hand_in, make):
    sent = tmp_path / "sent"
    if make != "nothing":
        sent.mkdir()
    if make == "twice":
        hand_in(sent / "ants")
        (sent / "ants.zip").write_bytes(b"")
    if make == "twice but for a capital":
        hand_in(sent / "ants")
        hand_in(sent / "Ants")
    if make in ("ours", "long"):
        hand_in(sent / {"ours": "grades.csv", "long": "x" * 101}[make])
    if make == "no text":
        if sys.platform != "linux":
            pytest.skip("only Linux takes any name")
        (sent / os.fsdecode(b"m\xfcller")).mkdir()
    with pytest.raises(ShdError, match=r"^[^\n]+$"):
        grade(sent, tmp_path / "results", toy, options, quickly[0])


def test_words_are_marked_by_hand_and_come_back(tmp_path):
    results = [
        Result("ants", "toy", "f", texts=[{"text": "why:3", "words": "=1+1"}]).to_dict(),
        Result("bees", "toy", "f", texts=[{"text": "why:3", "words": "Because,\nof that."}]).to_dict(),
    ]
    sheet = marking_sheet(results, {})
    rows = list(csv.DictReader(io.StringIO(sheet)))
    assert [row["words"] for row in rows] == ["'=1+1", "Because,\nof that."]  # no formula for a spreadsheet
    rows[0] |= {"mark": "2,5", "comment": "good"}
    made = io.StringIO()
    writer = csv.DictWriter(made, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    (tmp_path / SHEET).write_text(made.getvalue())
    marks = read_marks(tmp_path)
    book = list(csv.DictReader(io.StringIO(gradebook(results, marks))))
    assert [(row["why:3"], row["points"], row["out of"]) for row in book] == [("2.5", "2.5", "3"), ("", "0", "3")]
    assert next(csv.DictReader(io.StringIO(marking_sheet(results, marks))))["comment"] == "good"
    for changed in ("Because,\r\nof that.", "Because of this."):  # as a spreadsheet saves it; and other words
        results[1]["texts"][0]["words"] = changed
        (tmp_path / SHEET).write_text(marking_sheet(results, {("bees", "why:3"): {"mark": "1", "comment": "so"}}))
        results[1]["texts"][0]["words"] = "Because,\nof that."
        row = read_marks(tmp_path, results)["bees", "why:3"]
        known = ("1", "so") if "\n" in changed else ("", "was 1, for other words. so")
        assert (row["mark"], row["comment"]) == known
    kept = marking_sheet([], {("bees", "why:3"): {"team": "bees", "text": "why:3", "mark": "1"}})
    assert next(iter(csv.DictReader(io.StringIO(kept))))["mark"] == "1"  # what cannot be graded today has been marked
    for sheet in ("team;text;mark;comment\nbees;why:3;1,5\n", "\ufeffteam\ttext\tmark\nbees\twhy:3\t1.5\n"):
        (tmp_path / SHEET).write_text(sheet, encoding="utf-8")
        assert gradebook(results, read_marks(tmp_path, results)).splitlines()[-1].endswith(",1.5,1.5,3")
    (tmp_path / SHEET).write_bytes("team,text,mark,comment\nbees,why:3,,schön\n".encode("cp1252"))
    assert read_marks(tmp_path)["bees", "why:3"]["comment"] == "schön"
    for wrong in ("4", "-1", "much"):
        (tmp_path / SHEET).write_text(f"team,text,mark\nants,why:3,{wrong}\n")
        with pytest.raises(ShdError, match=SHEET):
            read_marks(tmp_path)


SCRIPT = """
import sys, time
from pathlib import Path
from shd.hackathon.grading import Kit, Options, grade
from shd.hackathon.grading.one import failed

EXERCISE = "from shd.hackathon import Exercise, number; one = Exercise('one', 1, 1, 1, number(), ())"

def work(tasks, kit, options):
    for task in tasks:
        time.sleep(0.004)
        with open(sys.argv[3], "a") as log:
            log.write(task.team + "\\n")
        yield task, failed(task.team, kit, task.fingerprint, "nobody ran it.")

grade(Path(sys.argv[1]), Path(sys.argv[2]), Kit('toy', b'', EXERCISE), Options.of(0), work)
"""


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kills with a signal")
def test_a_thousand_submissions_and_three_kills_end_with_one_result_each(tmp_path):
    sent, results, log = tmp_path / "sent", tmp_path / "results", tmp_path / "log"
    for k in range(1000):
        (sent / f"team-{k:03}").mkdir(parents=True)
        (sent / f"team-{k:03}/team.toml").write_text(f'team = "team-{k:03}"\n')
    command = [sys.executable, "-c", SCRIPT, sent, results, log]
    rng = random.Random(0)
    for _ in range(3):
        process = subprocess.Popen(command)
        done = len(list(results.glob("team-*"))) if results.is_dir() else 0
        wanted = done + rng.randint(100, 250)
        while process.poll() is None and (len(list(results.glob("team-*"))) if results.is_dir() else 0) < wanted:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True)
    found = [json.loads(file.read_text())["team"] for file in sorted(results.glob("*/result.json"))]
    assert found == [f"team-{k:03}" for k in range(1000)]
    assert len(log.read_text().splitlines()) <= 1003  # at most one was under way at each kill
    assert len(list(csv.DictReader(io.StringIO((results / "grades.csv").read_text())))) == 1000
    assert not list(results.glob(".part-*"))


@pytest.mark.slow
def test_here_and_on_a_cluster_the_same_to_the_byte(toy, options, hand_in, tmp_path):
    distributed = pytest.importorskip("dask.distributed")
    sent = tmp_path / "sent"
    hand_in(sent / "ants")
    hand_in(sent / "bees", answer_double="import os\nos._exit(1)", text_why="Words.")
    grade(sent, tmp_path / "here", toy, options, here(2))
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as workers:
        grade(sent, tmp_path / "there", toy, options, cluster(workers.scheduler_address))
    assert tree(tmp_path / "here") == tree(tmp_path / "there")
    assert json.loads((tmp_path / "here/ants/result.json").read_text())["points"] == 5


class Deadly:
    """Something that ends the process that unpacks it: always, or the first time alone."""

    def __init__(self, flag=None, then=None):
        self.flag, self.then = flag, then

    def __reduce__(self):
        code = "__import__('os')._exit(7)"
        if self.flag is None:
            return eval, (code,)
        path, then = f"__import__('pathlib').Path({str(self.flag)!r})", pickle.dumps(self.then)
        return eval, (f"__import__('pickle').loads({then!r}) if {path}.exists() else ({path}.touch(), {code})",)


@pytest.mark.slow
def test_a_submission_whose_process_died_is_graded_again_and_then_given_up(toy, options, hand_in, tmp_path):
    sent = pack(hand_in(tmp_path / "ants"))
    task = Task("ants", sent, "f" * 64)
    ((_, files),) = here(1)(iter([task]), toy, Deadly(tmp_path / "flag", options))
    assert json.loads(files["result.json"])["points"] == 5
    ((_, files),) = here(1)(iter([task]), toy, Deadly())
    result = json.loads(files["result.json"])
    assert (result["points"], result["out_of"]) == (0, 5) and "ended, twice" in result["notes"][0]


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kills with a signal")
def test_killed_while_notebooks_run_each_is_graded_once_in_the_end(toy, hand_in, tmp_path):
    teams = [f"team-{k}" for k in range(8)]
    for team in teams:
        hand_in(tmp_path / "sent" / team)
    (tmp_path / "kit.pickle").write_bytes(pickle.dumps(toy))
    program = (
        "import pickle, sys; from pathlib import Path; from shd.hackathon.grading import Options, grade, here\n"
        "if __name__ == '__main__':\n"
        "    place = Path(sys.argv[1]); kit = pickle.loads((place / 'kit.pickle').read_bytes())\n"
        "    grade(place / 'sent', place / 'results', kit, Options.of(0), here(2))\n"
    )
    (tmp_path / "run.py").write_text(program)
    command, seen = [sys.executable, tmp_path / "run.py", tmp_path], {}
    whole = "[!.]*/result.json"  # what is still written lies in a hidden folder
    for wait in (2, 3, 5):  # results to wait for
        process = subprocess.Popen(command)
        until = time.monotonic() + 300
        while process.poll() is None and len(seen) < wait and time.monotonic() < until:
            seen |= {file.parent.name: file.stat().st_mtime_ns for file in (tmp_path / "results").glob(whole)}
            time.sleep(0.02)
        process.kill()
        process.wait()
    subprocess.run(command, check=True)
    found = {file.parent.name: json.loads(file.read_text()) for file in (tmp_path / "results").glob(whole)}
    assert sorted(found) == teams and {one["points"] for one in found.values()} == {5}
    now = {file.parent.name: file.stat().st_mtime_ns for file in (tmp_path / "results").glob(whole)}
    assert 5 <= len(seen) and all(now[team] == then for team, then in seen.items())  # none was done twice


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="stops with a signal")
def test_stopped_it_says_what_is_kept_and_leaves_nothing_behind(toy, hand_in, tmp_path):
    for team in ("ants", "bees", "cats", "dogs"):
        hand_in(tmp_path / "sent" / team, answer_double="import time\ntime.sleep(6)")
    (tmp_path / "kit.pickle").write_bytes(pickle.dumps(toy))
    program = (
        "import pickle, sys; from pathlib import Path; from shd._terminal import run\n"
        "from shd.hackathon.grading import Options, grade, here\n"
        "if __name__ == '__main__':\n"
        "    place = Path(sys.argv[1]); kit = pickle.loads((place / 'kit.pickle').read_bytes())\n"
        "    sys.exit(run(lambda: bool(grade(place / 'sent', place / 'results', kit, Options.of(0), here(2))) - 1))\n"
    )
    (tmp_path / "run.py").write_text(program)
    place = tempfile.mkdtemp(prefix="t-")  # short, as names of sockets are
    told = {**os.environ, "TMPDIR": place}
    process = subprocess.Popen([sys.executable, tmp_path / "run.py", tmp_path], env=told, stderr=subprocess.PIPE)
    until = time.monotonic() + 300
    while not list((tmp_path / "results").glob("*/result.json")) and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[1].decode()
    kept = len(list((tmp_path / "results").glob("*/result.json")))
    assert process.returncode == 130 and 1 <= kept < 4, said
    assert f"stopped; {kept} of 4 submissions are graded and kept. The same command goes on." in said
    assert "Traceback" not in said and (tmp_path / "results/grades.csv").is_file()
    Path(place).rmdir()  # nothing is left in it


def test_tracks_stand_in_the_gradebook_and_in_the_terminal():
    """A challenge may have no exercise at all: then the scores on hidden people are all there is to show."""
    from shd._grade_commands import _lines
    from shd.hackathon.grading.result import gradebook

    def track(name, people, value):
        return {"track": name, "people": people, "ranked": value is not None, "value": value}

    empty = {"challenge": "mine", "points": 0, "out_of": 0, "exercises": [], "texts": [], "notes": []}
    owls = {**empty, "team": "owls", "tracks": [track("predict", "public", None), track("synthesize", "public", 0.75)]}
    late = {**empty, "team": "late", "tracks": []}
    book = list(csv.DictReader(io.StringIO(gradebook([owls, late], {}))))
    assert [row["synthesize, public"] for row in book] == ["0.750", ""] and book[0]["predict, public"] == "not ranked"
    lines = list(_lines([owls, late], {}))
    assert lines[0].split("  ")[0] == "team" and "synthesize, public" in lines[0]
    assert lines[1].split() == ["owls", "0", "of", "0", "not", "ranked", "0.750"] and lines[2].split()[-2:] == [
        "-",
        "-",
    ]
