"""The house: files that are read in one sitting, imports that point down only, and a door for whatever comes."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import grimp
import networkx
import numpy as np
import pandas as pd
import pytest
from importlinter.cli import lint_imports

import shd
import shd.compare.fidelity
import shd.synthesizers
from shd._progress import Bar
from shd.releases.generate import make_synthesizer

readme = importlib.import_module("data_scripts.readme")

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted((ROOT / "shd").rglob("*.py"))
MOST_LINES, MOST_OF_A_FUNCTION, MOST_FLOORS = 400, 50, 9
HEAVY = ("torch", "statsmodels", "matplotlib", "sklearn")


@pytest.fixture(scope="module")
def arrows() -> networkx.DiGraph:
    """Which module imports which, imports for type checkers and those inside functions included."""
    graph = grimp.build_graph("shd", cache_dir=None)
    pairs = ((one, other) for one in graph.modules for other in graph.find_modules_directly_imported_by(one))
    return networkx.DiGraph(pairs)


def test_a_file_is_read_in_one_sitting_and_a_function_on_one_screen():
    long = []
    for file in FILES:
        text = file.read_text(encoding="utf-8")
        long += [file.name] if len(text.splitlines()) > MOST_LINES else []
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and (lines := _lines(node)) > MOST_OF_A_FUNCTION:
                long.append(f"{file.name}: {node.name} has {lines} lines")
    assert not long


def _lines(node: ast.FunctionDef) -> int:
    """Count the lines of a function's body; the options of a command, and what is told of it, do not count."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_nothing_imports_itself_round_a_corner(arrows):
    assert [sorted(circle) for circle in networkx.strongly_connected_components(arrows) if len(circle) > 1] == []


def test_few_floors_from_a_comparison_to_the_ground(arrows):
    rooms = arrows.subgraph(room for room in arrows if room.startswith("shd.compare."))
    assert len(networkx.dag_longest_path(rooms)) <= MOST_FLOORS


def test_imports_point_down(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0


def test_imports_are_light():
    said = f"import sys, shd, shd.compare; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""


SHOE_SIZE = '''
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score


def measure(sides):
    gap = abs(sides.train.values[:, 0].mean() - sides.synthetic.values[:, 0].mean())
    said = "Shoes are off by so many sizes."
    score = Score.of("shoe size", gap, (gap, gap), (9, 0), verdict="green", sentence=said)
    return Answer([score])


QUESTION = Question(
    name="do the shoes fit", chapter="fidelity", measure=measure, readme=("shoe size",),
    words={"shoe size": "By how many sizes the mean shoe is off."},
)
'''  # fmt: skip


def test_a_metric_is_one_file_and_one_line(tmp_path, monkeypatch):
    (tmp_path / "shoe_size.py").write_text(SHOE_SIZE, encoding="utf-8")
    monkeypatch.setattr(shd.compare.fidelity, "__path__", [*shd.compare.fidelity.__path__, str(tmp_path)])
    monkeypatch.setattr(sys.modules["shd.compare.ask"], "QUESTIONS", ("fidelity.columns", "fidelity.shoe_size"))
    noted = []
    monkeypatch.setattr(Bar, "advance", lambda bar, steps=1, note=None: noted.append(note))
    people = [pd.DataFrame({"shoe": np.random.default_rng(seed).normal(40, 3, 200).round()}) for seed in range(3)]
    report = shd.compare(people[0], people[1], holdout=people[2])
    assert "do the shoes fit" in noted
    assert report.score("shoe size").question == "fidelity"
    page = report.to_html()
    assert "Shoes are off by so many sizes." in page and "By how many sizes the mean shoe is off." in page
    assert "shoe size" in readme.shown_in_readme()
    alone = shd.compare.ask("do the shoes fit", people[0], people[1])
    assert [score.metric for score in alone.scores] == ["shoe size"]


FLAT = '''
"""Every level as often as any other."""

import numpy as np

from shd.synthesizers.marginals import Marginals


class Flat(Marginals):
    """Draw every level that occurs as often as any other."""

    def _fit(self, codes, rng):
        super()._fit(codes, rng)
        self.counts_ = [(counts > 0).astype(np.int64) for counts in self.counts_]
'''


def test_a_family_is_one_file_and_one_line(tmp_path, monkeypatch):
    (tmp_path / "flat.py").write_text(FLAT, encoding="utf-8")
    monkeypatch.setattr(shd.synthesizers, "__path__", [*shd.synthesizers.__path__, str(tmp_path)])
    monkeypatch.setitem(shd.synthesizers.registry.data, "Flat", "shd.synthesizers.flat")
    table = pd.DataFrame({"sick": ["no"] * 270 + ["yes"] * 30, "age": np.tile(np.arange(30), 10)})
    model = make_synthesizer("flat", random_state=0).fit(table)
    assert 0.4 < (model.sample(600)["sick"] == "yes").mean() < 0.6
    again = shd.load_synthesizer(model.save(tmp_path / "flat.safetensors"))
    assert again.sample(50).equals(model.sample(50))
