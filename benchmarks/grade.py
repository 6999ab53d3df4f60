"""How long grading takes beside the notebooks themselves, and how it grows with workers.

    python -m benchmarks.grade                    # the three challenges: 22 teams each on all cores; most of an hour
    python -m benchmarks.grade --teams 2          # fewer teams
    python -m benchmarks.grade --thousand         # a thousand notebooks of a known cost on 1 and 2 workers: two hours
    python -m benchmarks.grade --thousand --count 120           # fewer are run, and the curve is for a thousand

The limit: all of it within 1.15 x of the notebooks' own run times divided by the number of workers. A notebook's own
run time is that of nbclient alone, measured in the same run. Beyond the cores of this machine the curve is simulated:
tasks of the measured length, handed out by one process that takes as long for each as was measured. `--thousand` keeps
what it measured, and draws it, in ``benchmarks/results/grade.json`` and ``docs/grading.png``.
"""

import argparse
import heapq
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from shd.hackathon.challenge import find_challenge
from shd.hackathon.grading import Kit, Options, grade, here
from shd.hackathon.grading.one import failed
from shd.hackathon.grading.pool import Task, Workers
from shd.hackathon.start import start

CHALLENGES = ("diabetes_ml", "diabetes_bioinformatics", "alzheimers_mri")
LIMIT = 1.15
COST = 1.0  # seconds that each of a thousand notebooks computes
RESULTS = Path(__file__).with_name("results")


def hand_in(challenge: str, folder: Path, teams: int, extra: str = "") -> None:
    """Write submissions: solutions and starters in turn."""
    found = find_challenge(challenge)
    first = start(found.folder, folder / "team-000").folder
    shutil.rmtree(first / ".git", ignore_errors=True)
    books = {name: nbformat.read(found.folder / f"{name}.ipynb", as_version=4) for name in ("solution", "starter")}
    for k in range(teams):
        team = folder / f"team-{k:03}"
        if k:
            shutil.copytree(first, team)
        book = books["solution" if k % 2 == 0 else "starter"]
        nbformat.write(book, team / "starter.ipynb")


def own_seconds(folder: Path) -> float:
    """Return how long nbclient alone takes for a submission's notebook."""
    book, begun = nbformat.read(folder / "starter.ipynb", as_version=4), time.perf_counter()
    given = {**os.environ, "OMP_NUM_THREADS": "1", "SHD_PROGRESS": "0", "SHD_DATA": str(folder / "none")}
    NotebookClient(book, timeout=600, resources={"metadata": {"path": str(folder)}}).execute(env=given)
    return time.perf_counter() - begun


def graded_seconds(sent: Path, kit: Kit, workers: Workers) -> float:
    """Return how long a grading takes."""
    with tempfile.TemporaryDirectory() as results:
        begun = time.perf_counter()
        grade(sent, Path(results), kit, Options.of(0), workers)
        return time.perf_counter() - begun


def nobody(tasks: Iterator[Task], kit: Kit, options: Options) -> Iterator[tuple[Task, dict[str, bytes]]]:
    """Grade nothing: what is left is the work of the one process that hands out, and writes results."""
    for task in tasks:
        yield task, failed(task.team, kit, task.fingerprint, "nobody ran it.")


def challenges(teams: int, workers: int) -> None:
    """Grade so many teams of each challenge, and compare with the notebooks' own time."""
    print(f"{'challenge':24} {'teams':>5} {'own, s':>8} {'graded, s':>9} {'of the limit':>12}")
    sums = [0.0, 0.0]
    for name in CHALLENGES:
        with tempfile.TemporaryDirectory() as place:
            sent = Path(place) / "sent"
            hand_in(name, sent, teams)
            each = [own_seconds(sent / f"team-{k:03}") for k in range(min(2, teams))]  # a solution and a starter
            own = sum(each[k % len(each)] for k in range(teams)) / workers
            took = graded_seconds(sent, Kit.of(name), here(workers))
        sums = [sums[0] + own, sums[1] + took]
        print(f"{name:24} {teams:5} {own:8.1f} {took:9.1f} {took / own / LIMIT:12.2f}", flush=True)
    print(f"{'all':24} {3 * teams:5} {sums[0]:8.1f} {sums[1]:9.1f} {sums[1] / sums[0] / LIMIT:12.2f}")


def simulated(workers: int, tasks: int, task: float, serial: float) -> float:
    """Return how long so many tasks take if one process hands them out, one after another."""
    free, clock = [0.0] * workers, 0.0
    for _ in range(tasks):
        clock = max(clock, heapq.heappop(free)) + serial
        heapq.heappush(free, clock + task)
    return max(free)


def thousand(count: int) -> None:
    """Grade many notebooks of a known cost on 1 and 2 workers, and simulate more."""
    measured = {}
    with tempfile.TemporaryDirectory() as place:
        toy = _toy(Path(place) / "toy")
        for workers, few in ((1, count // 2), (2, count)):
            sent = Path(place) / f"sent-{workers}"
            for k in range(few):
                shutil.copytree(toy, sent / f"team-{k:04}")
            measured[workers] = graded_seconds(sent, _kit(toy), here(workers)) / few
            print(f"{workers} worker{'s' * (workers > 1)}: {measured[workers]:.2f} s a notebook that computes {COST} s")
        serial = graded_seconds(sent, _kit(toy), nobody) / few
    print(f"of them {1000 * serial:.1f} ms in the process that hands out and writes results")
    curve = {workers: simulated(workers, 1000, measured[1] - serial, serial) for workers in (1, 2, 4, 8, 16, 32, 64)}
    for workers, took in curve.items():
        print(f"{workers:3} workers, 1,000 notebooks: {took:7.0f} s simulated")
    told = {"computes": COST, "notebooks run": [count // 2, count], "seconds a notebook": measured, "serial": serial}
    (RESULTS / "grade.json").write_text(json.dumps({**told, "seconds for 1,000": curve}, indent=1) + "\n")
    draw(measured, curve, f"measured, on {count // 2} and {count}")


def draw(measured: dict[int, float], curve: dict[int, float], label: str) -> None:
    """Draw minutes for a thousand notebooks against workers."""
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
    minutes = [took / 60 for took in curve.values()]
    axis.plot(list(curve), minutes, color="#0072b2", marker="o", markersize=4, label="simulated from these")
    axis.plot(list(curve), [minutes[0] / n for n in curve], color="#888888", linestyle=":", label="twice as many, half")
    there = [1000 * each / 60 for each in measured.values()]
    axis.scatter(list(measured), there, color="#d55e00", marker="D", s=45, zorder=3, label=label)
    axis.set_xscale("log", base=2)
    axis.set_yscale("log")
    axis.set_xticks(list(curve), list(map(str, curve)))
    axis.set_yticks(marks := [m for m in (1, 2, 5, 10, 20, 50, 100, 200) if min(minutes) / 2 < m < 2 * max(minutes)])
    axis.set_yticklabels(list(map(str, marks)))
    axis.minorticks_off()
    axis.set(xlabel="notebooks at once (workers)", ylabel=f"minutes for 1,000 notebooks\nthat compute {COST:g} s each")
    axis.set_title(f"{there[0]:.0f} minutes on one worker, {there[1]:.0f} on two", loc="left")
    axis.legend(frameon=False)
    figure.savefig(Path(__file__).parents[1] / "docs" / "grading.png", dpi=120)


EXERCISE = """
from shd.hackathon import Exercise, number

double = Exercise("double", 1, 1, 2, number(), ("up", "times two", "2 * x"))


@double.planted
def a_number(seed):
    return (10 + seed,)


@double.visible
def is_twice(found, x):
    return None if found == 2 * x else f"{found} is not twice {x}."
"""


def _toy(folder: Path) -> Path:
    """Write a challenge of one exercise, solved, whose notebook computes for a while."""
    from nbformat.v4 import new_code_cell, new_notebook

    shipped = find_challenge(CHALLENGES[0]).folder
    folder.mkdir()
    text = (shipped / "challenge.toml").read_text(encoding="utf-8").replace('id = "diabetes_ml"', 'id = "toy"')
    (folder / "challenge.toml").write_text(text, encoding="utf-8")
    (folder / "checks.py").write_text(EXERCISE, encoding="utf-8")
    (folder / "team.toml").write_text('team = "toy"\nchallenge = "toy"\nmembers = []\n', encoding="utf-8")
    busy = f"import time\nimport checks\nend = time.process_time() + {COST}\nwhile time.process_time() < end: pass"
    answer = new_code_cell("double = lambda x: 2 * x", id="answer-double", metadata={"tags": ["answer:double"]})
    check = new_code_cell("checks.double(double)", id="check", metadata={"tags": ["check:double"]})
    nbformat.write(new_notebook(cells=[new_code_cell(busy, id="busy"), answer, check]), folder / "starter.ipynb")
    return folder


def _kit(toy: Path) -> Kit:
    from shd.hackathon.grading.kit import pack

    return Kit("toy", pack(toy), EXERCISE)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--teams", type=int, default=22)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--thousand", action="store_true", help="notebooks of a known cost, and the simulated curve")
    parser.add_argument("--count", type=int, default=1000, help="how many of them")
    given = parser.parse_args()
    thousand(given.count) if given.thousand else challenges(given.teams, given.workers)


if __name__ == "__main__":
    main()
