"""README.md says what the repository does: figures, commands, paths and the example."""

import importlib.util
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import typer
import yaml

import shd
from data_scripts import readme
from shd.cli import app

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
FENCED = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
PYTHON, PICTURES = (text for language, text in FENCED if language == "python")
SHELL = "\n".join(text for language, text in FENCED if not language)
INLINE = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL))
COMMANDS = [line.strip() for line in [*SHELL.splitlines(), *INLINE]]
OWNERS = ("https://doi.org/", "https://creativecommons.org/licenses/", "https://opendatacommons.org/licenses/")
needs_release = pytest.mark.skipif(
    not (readme.RELEASE / "card.json").is_file(), reason="the shipped release has no card yet"
)


@needs_release
@pytest.mark.parametrize("path", readme.PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_figures_are_those_of_the_card(path):
    page = path.read_text(encoding="utf-8")
    assert page == readme.fill_all(page), "behind; run: python -m data_scripts.readme"


def test_every_block_has_its_markers():
    for name in ("picture", "figures", "data", "mri grid", "mri figures"):
        assert PAGE.count(f"<!-- {name} -->") == PAGE.count(f"<!-- /{name} -->") == 1
    with pytest.raises(ValueError, match="without"):
        readme.fill("<!-- picture -->", {"verdicts": dict.fromkeys(readme.QUESTIONS, "green")})


@needs_release
def test_the_picture_is_small_and_at_the_top():
    assert PAGE.index(readme.PICTURE.name) < PAGE.index("##")
    content = readme.PICTURE.read_bytes()
    assert content.startswith(b"\x89PNG") and len(content) < 400_000
    assert int.from_bytes(content[16:20], "big") >= readme.WIDTH


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {found for line in COMMANDS for found in re.findall(r"^make ([a-z]+)", line)}
    assert named >= {"demo", "test"}
    assert named <= set(re.findall(r"^([a-z]+):", makefile, flags=re.MULTILINE))


def test_shd_commands_and_options_exist():
    lines = [line.split() for line in COMMANDS if line.startswith("shd ")]
    assert len(lines) > 8
    for _, *words in lines:
        command = typer.main.get_command(app)
        while hasattr(command, "commands"):
            assert words and words[0] in command.commands, words
            command = command.commands[words.pop(0)]
        known = {name for option in command.params for name in option.opts}
        assert {word for word in words if word.startswith("-")} <= known | {"--help"}, words


def test_every_command_is_named():
    for name, command in typer.main.get_command(app).commands.items():
        for words in [f"shd {name} {inner}" for inner in getattr(command, "commands", [])] or [f"shd {name}"]:
            assert words in SHELL


@needs_release
def test_modules_and_paths_exist():
    for module in re.findall(r"python -m ([\w.]+)", "\n".join(COMMANDS)):
        assert importlib.util.find_spec(module), module
    for line in re.findall(r"python ([\w/]+\.py)", SHELL):
        assert (ROOT / line).is_file(), line
    for word in INLINE:
        if re.fullmatch(r"\.?[\w-]+(/[\w.-]*)+", word):
            assert (ROOT / word).exists(), word


def test_links_resolve():
    for target in re.findall(r"\]\(([^)]+)\)", PAGE):
        if target.startswith("https://"):
            assert target.startswith(OWNERS), target
            continue
        path, _, heading = target.partition("#")
        if path == readme.PICTURE.relative_to(ROOT).as_posix() and not readme.PICTURE.is_file():
            continue
        assert (ROOT / path).exists(), target
        if heading:
            page = (ROOT / path).read_text(encoding="utf-8")
            titles = re.findall(r"^#+ (.+)$", page, flags=re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}, target


def test_the_ways_in_are_those_of_the_environment():
    conda = (ROOT / "environment.yml").read_text(encoding="utf-8")
    for line in re.findall(r"^#   (\S.*)$", conda, flags=re.MULTILINE):
        assert line in SHELL
    assert "pip install --require-hashes -r requirements.lock" in SHELL
    assert "--require-hashes" in yaml.safe_load(conda)["dependencies"][-1]["pip"]


def test_it_names_no_machine_and_does_not_shout():
    assert not re.search(r"(?<![\w.])/(home|root|tmp|work|Users|opt)/|localhost|--(index-url|extra-index)", PAGE)
    assert "!" not in re.sub(r"<!--|!\[", "", PAGE)
    assert PAGE.count("\n") < 360


@pytest.mark.slow
def test_the_example_runs(tmp_path, monkeypatch, capsys):
    """On few records and few steps: the words are the same."""
    whole = shd.load("diabetes", source="stand-in")
    assert len(PYTHON.strip().splitlines()) <= 12
    monkeypatch.setattr(shd, "load", lambda name: whole.take(np.arange(250)))
    monkeypatch.chdir(tmp_path)
    few, found = re.subn(r"steps=\d+", "steps=10, critic_steps=5", PYTHON)
    assert found == 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", shd.ShdWarning)  # these records are few, and meant to be
        exec(compile(few, "README.md", "exec"), scope := {})
    assert set(scope["sick"]["readmitted"]) == {"<30"}
    assert (tmp_path / "gan.safetensors").is_file() and (tmp_path / "report.html").is_file()
    assert "utility" in capsys.readouterr().out


@pytest.mark.slow
def test_the_example_of_pictures_runs(monkeypatch):
    monkeypatch.chdir(ROOT)
    exec(compile(PICTURES, "README.md", "exec"), scope := {})
    assert scope["mild"].images.shape == (100, 128, 128)
    assert set(scope["mild"].frame["class"]) == {"mild"} and set(scope["mild"].frame["slice"]) == {12}
