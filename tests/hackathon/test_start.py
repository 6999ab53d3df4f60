import json
import shutil
import subprocess
import tomllib

import numpy as np
import pandas as pd
import pytest

import shd
from shd import _paths, cli
from shd._errors import ShdError
from shd.hackathon.challenge import find_challenge, read_challenge
from shd.hackathon.people import rehearsal
from shd.hackathon.start import page_of, start

PAGE = "## Start\n\n<!-- start -->\nhere\n<!-- /start -->\n\nSolve. Compare with `solution.ipynb` afterwards.\n"


@pytest.fixture
def short(copied):
    """A function that copies a challenge whose stand-in is short."""

    def copy(name="diabetes_ml"):
        folder = copied(name)
        for notebook in ("starter.ipynb", "solution.ipynb"):
            shutil.copy(find_challenge(name).folder / notebook, folder)
        table = folder / "data" / "stand-in.parquet"
        if table.is_file():
            pd.read_parquet(table).head(300).to_parquet(table, index=False)
        return folder

    return copy


def files_in(folder):
    names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {name for name in names if not name.startswith(".git/")}


@pytest.fixture
def started(short, tmp_path, monkeypatch):
    monkeypatch.setenv("SHD_CHALLENGES", str(find_challenge("diabetes_ml").folder.parent))
    folder = short()
    text = (folder / "challenge.toml").read_text(encoding="utf-8")
    studies = find_challenge("diabetes_bioinformatics").folder / "studies"
    shutil.copytree(studies, folder.parent / "diabetes_bioinformatics" / "studies")
    assert "../diabetes_bioinformatics/studies" in text
    made = start(folder, tmp_path / "team")
    return made.folder


def test_a_folder_holds_what_a_team_needs_and_nothing_of_the_organiser(started):
    names = files_in(started)
    assert {"README.md", "challenge.toml", "checks.py", "starter.ipynb", "requirements.txt", "team.toml"} <= names
    assert {"data/stand-in.parquet", "data/release/card.json", "data/release/synthetic.parquet"} <= names
    assert {"studies/__init__.py", "data/predict.parquet", ".gitignore", "submission/.gitkeep"} <= names
    assert not {name for name in names if "solution" in name or "_source" in name or "organiser" in name}
    assert all("solution" not in (started / name).read_text() for name in ("challenge.toml", "README.md"))


def test_what_is_not_listed_does_not_travel(short, tmp_path):
    folder = short("diabetes_bioinformatics")
    (folder / "organiser").mkdir()
    (folder / "organiser" / "labels.csv").write_text("id\n")
    (folder / "notes.md").write_text("of the organiser\n")
    names = files_in(start(folder, tmp_path / "team").folder)
    assert "studies/strack.py" in names and "GLOSSARY.md" in names
    assert not {name for name in names if "labels" in name or name == "notes.md"}


def test_the_challenge_of_a_folder_can_be_read_and_all_its_files_are_there(started):
    own = read_challenge(started)
    assert all(own.path(name).exists() for name in own.files)
    assert own.files["studies"] == "studies" and "solution" not in own.files


def test_the_page_of_a_folder_has_the_right_paths(started):
    page = (started / "README.md").read_text(encoding="utf-8")
    assert "jupyter lab starter.ipynb" in page and "pip install -r requirements.txt" in page
    assert "challenges/" not in page
    needed = (started / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert needed[-1] == f"./shd-{shd.__version__}-py3-none-any.whl[lab,studies]"  # no index is asked for shd


@pytest.mark.parametrize("name", ["alzheimers_mri", "diabetes_bioinformatics", "diabetes_ml"])
def test_the_page_of_every_challenge_becomes_one_of_a_copy(name):
    page = page_of((find_challenge(name).folder / "README.md").read_text(encoding="utf-8"))
    assert "solution.ipynb" not in page and "challenges/" not in page and "<!-- start -->" not in page
    assert page.count("jupyter lab starter.ipynb") == 1 and "../" not in page


def test_a_page_loses_only_what_does_not_travel():
    made = page_of(PAGE)
    assert made.startswith("## Start\n\n```\npip install") and made.endswith("\n\nSolve.\n")


def test_the_team_is_named_and_may_hold_any_text(short, tmp_path):
    made = start(short("diabetes_bioinformatics"), tmp_path / "x", team='the "best" team')
    said = tomllib.loads((made.folder / "team.toml").read_text(encoding="utf-8"))
    assert said == {"team": 'the "best" team', "challenge": "diabetes_bioinformatics", "members": []}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not there")
def test_it_is_a_git_repository_with_one_commit_and_nothing_left_over(started):
    def git(*words):
        return subprocess.run(["git", "-C", str(started), *words], capture_output=True, text=True, check=True).stdout

    assert git("rev-list", "--count", "HEAD").strip() == "1"
    assert git("status", "--porcelain") == ""


def test_without_git_it_works_as_well(short, tmp_path, monkeypatch):
    monkeypatch.setattr("shd.hackathon.start.shutil.which", lambda name: None)
    made = start(short("diabetes_bioinformatics"), tmp_path / "team")
    assert not made.has_git and not (made.folder / ".git").exists()


def test_people_to_predict_are_those_held_out_without_the_target(started):
    own = read_challenge(started)
    asked, table = rehearsal(own), pd.read_parquet(started / "data" / "predict.parquet")
    _, held = shd.Dataset(
        pd.read_parquet(started / "data" / "stand-in.parquet").drop(columns="subject"),
        subjects=pd.read_parquet(started / "data" / "stand-in.parquet")["subject"].to_numpy(),
        target="readmitted",
    ).split(0.2, 0)
    assert len(table) == len(held) and table["id"].is_unique
    assert list(table.columns) == ["id", *held.frame.columns.drop("readmitted")]
    assert table["id"].tolist() == sorted(table["id"]) == asked.ids.tolist()
    features = list(table.columns[1:])
    assert sorted(map(str, table[features].to_numpy().tolist())) == sorted(
        map(str, held.frame[features].values.tolist())
    )
    assert not np.array_equal(table["age"].to_numpy(), held.frame["age"].to_numpy())  # another order


def test_pictures_to_predict_are_a_zip_without_the_class(copied, tmp_path):
    folder = copied("alzheimers_mri")
    shutil.copy(find_challenge("alzheimers_mri").folder / "starter.ipynb", folder)
    made = start(folder, tmp_path / "team").folder
    frame, images = shd.datasets.read_pictures(made / "data" / "predict.zip")
    truth = rehearsal(read_challenge(made))
    assert list(frame.columns) == ["id", "slice"]
    assert frame["id"].tolist() == truth.ids.tolist()
    assert np.array_equal(images, truth.data.images)


def test_a_folder_that_holds_something_is_refused_and_stays(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("years of work")
    for place in (tmp_path / "mine", tmp_path / "mine" / "thesis.tex"):
        with pytest.raises(ShdError, match=r"not empty\. Name a folder that is not there yet"):
            start("diabetes_ml", place)
    assert files_in(tmp_path / "mine") == {"thesis.tex"}


def test_a_challenge_that_lacks_a_file_leaves_nothing_behind(short, tmp_path):
    folder = short("diabetes_bioinformatics")
    (folder / "checks.py").unlink()
    with pytest.raises(ShdError, match=r"checks.py: not there, though challenge.toml names it"):
        start(folder, tmp_path / "team")
    assert not (tmp_path / "team").exists()


def test_it_starts_from_an_installed_package(short, tmp_path, monkeypatch):
    folder = short("diabetes_bioinformatics")
    package = tmp_path / "site" / "shd"
    shutil.copytree(folder, package / "_challenges" / "diabetes_bioinformatics")
    monkeypatch.setattr(_paths, "__file__", str(package / "_paths.py"))
    assert "studies/strack.py" in files_in(start("diabetes_bioinformatics", tmp_path / "team").folder)


def test_the_command_line(short, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SHD_CHALLENGES", str(short("diabetes_bioinformatics").parent))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["challenge", "list", "--json"]) == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == ["diabetes_bioinformatics"]
    assert cli.main(["challenge", "start", "diabetes_bioinformatics", "my-team"]) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[-1].startswith("Folder: my-team (read README.md")
    assert cli.main(["challenge", "start", "diabetes_bioinformatics", "my-team"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert cli.main(["challenge", "start", "cancer", "other", "--json"]) == 2
    assert "known are diabetes_bioinformatics" in capsys.readouterr().err
