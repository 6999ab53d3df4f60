import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import shd
from shd import cli
from shd._errors import ShdError
from shd.dataset import DataCard, Dataset
from shd.hackathon.challenge import read_challenge
from shd.hackathon.own_data import read_own
from shd.hackathon.people import visible
from shd.hackathon.scaffold import challenge_toml, new
from shd.hackathon.score import score
from shd.hackathon.seal import seal
from shd.hackathon.start import start
from shd.hackathon.submission import check

CARD = DataCard(title="My challenge", licence="CC0 1.0")


def _people(n=400):
    rng = np.random.default_rng(0)
    age = rng.integers(20, 90, n)
    columns = {
        "patient": np.repeat(np.arange(n // 2) + 1000, 2),
        "mail": [f"person.{number}@example.org" for number in range(n)],
        "sex": rng.choice(["f", "m"], n),
        "age": age,
        "days": rng.poisson(age / 10),
        "sick": np.where(rng.random(n) < (age - 10) / 90, "yes", "no"),
    }
    return pd.DataFrame(columns)


def _pictures(folder: Path, n=48, size=(24, 24)):
    rng = np.random.default_rng(0)
    for level, bright in (("well", 90), ("ill", 160)):
        (folder / level).mkdir(parents=True)
        for number in range(n):
            picture = np.clip(rng.normal(bright, 30, size), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(folder / level / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    place = tmp_path_factory.mktemp("made")
    _people().to_csv(place / "my.csv", index=False)
    found = new(place / "my-challenge", place / "my.csv", target="sick", subject="patient", title="Who is sick?")
    assert (found.challenge, found.people + found.held_back) == ("my-challenge", 200)
    return found.folder


def files_in(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# A table -------------------------------------------------------------------------------------------------


def test_it_passes_the_check_at_once_and_has_what_a_challenge_has(made):
    assert check(made) == []
    names = files_in(made)
    assert {"challenge.toml", "README.md", "starter.ipynb", "SUBMISSIONS.md", "team.toml"} <= names
    assert {"data/people.parquet", "data/predict.parquet", "data/release/card.json"} <= names
    assert {"example/predictions.csv", "submission/synthetic.parquet", "organiser/held-back.parquet"} <= names
    challenge = read_challenge(made)
    assert all(challenge.path(name).exists() for name in challenge.files)
    assert "organiser/" in (made / ".gitignore").read_text()


def test_the_people_held_back_are_others_and_nobody_is_told_by_name(made):
    people, held = (pd.read_parquet(made / name) for name in ("data/people.parquet", "organiser/held-back.parquet"))
    assert not set(people["subject"]) & set(held["subject"])
    assert len(people) + len(held) == 400
    assert set(people["subject"]) | set(held["subject"]) == set(range(200))  # not the numbers of the file
    assert list(people.columns) == list(held.columns) == ["subject", "sex", "age", "days", "sick"]


def test_load_gives_its_people_and_its_release(made, monkeypatch, capsys):
    monkeypatch.chdir(made / "data")
    data = shd.load("my-challenge")
    assert (data.source, data.target, data.counts) == ("real", "sick", ("age", "days"))
    assert capsys.readouterr().err == "my-challenge: the real data of this folder.\n"
    made_up = shd.load("my-challenge", source="synthetic")
    assert (made_up.source, list(made_up.frame.columns)) == ("synthetic", list(data.frame.columns))
    train, _ = visible(read_challenge(made))
    assert len(made_up) == len(train)
    with pytest.raises(ShdError, match="stand-in: this challenge has none"):
        shd.load("my-challenge", source="stand-in")
    monkeypatch.chdir(made.parent)
    with pytest.raises(ShdError, match="there is no data set 'my-challenge'"):
        shd.load("my-challenge")


def test_a_team_starts_from_it_and_gets_nobody_who_is_held_back(made, tmp_path, monkeypatch):
    team = start(made, tmp_path / "team").folder
    names = files_in(team)
    assert not {name for name in names if "organiser" in name or "held" in name}
    assert "held_back" not in (team / "challenge.toml").read_text()
    shutil.copytree(team / "example", team / "submission", dirs_exist_ok=True)
    assert check(team) == []
    monkeypatch.chdir(team)
    assert len(shd.load("my-challenge")) == len(pd.read_parquet(made / "data" / "people.parquet"))


def test_people_who_are_held_back_become_hidden(made, tmp_path):
    (tmp_path / "SECRET").write_bytes(b"x" * 16)
    sealed = seal(made, tmp_path / "SECRET", tmp_path / "sealed")
    held = pd.read_parquet(made / "organiser" / "held-back.parquet")
    labels = pd.read_parquet(tmp_path / "sealed" / "secret" / "labels.parquet")
    assert set(labels["subject"]) == set(held["subject"])
    assert sealed.people["public"] == sealed.people["private"] == 20


def test_the_baseline_is_scored(made):
    found = score(made, tracks=["predict"]).of("predict")
    assert found.value > 0.6 and found.source == "real"


def test_the_starter_runs(made, monkeypatch):
    book = json.loads((made / "starter.ipynb").read_text(encoding="utf-8"))
    monkeypatch.chdir(made)
    scope = {}
    for cell in book["cells"]:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), scope)
    assert len(scope["train"]) + len(scope["holdout"]) == len(scope["data"])
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])


def test_the_page_names_every_column_and_shows_the_card(made):
    page = (made / "README.md").read_text(encoding="utf-8")
    assert page.startswith("# Who is sick?\n") and "$" not in page
    assert all(f"| `{name}`" in page for name in ("sex", "age", "days", "sick"))


# Pictures ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    return _pictures(tmp_path_factory.mktemp("pictures") / "scans")


def test_pictures_in_folders(pictures):
    data = read_own(pictures, None, None, CARD, "mine")
    assert (data.target, data.images.shape) == ("class", (96, 24, 24))
    assert data.frame["class"].value_counts().to_dict() == {"well": 48, "ill": 48}
    assert data.images[(data.frame["class"] == "ill").to_numpy()].mean() > 140


def test_pictures_with_a_table(pictures, tmp_path):
    folder = tmp_path / "scans"
    shutil.copytree(pictures, folder)
    files = [f"{level}/{number}.png" for level in ("well", "ill") for number in range(48)]
    table = {"file": files, "grade": [0] * 48 + [1] * 48, "who": np.repeat(np.arange(48), 2), "slice": [0, 1] * 48}
    pd.DataFrame(table).to_csv(folder / "labels.csv", index=False)
    data = read_own(folder, "grade", "who", CARD, "mine")
    assert len(set(data.subjects)) == 48 and list(data.frame.columns) == ["grade", "slice"]
    with pytest.raises(ShdError, match="lacks the column 'class'; it has 'file', 'grade', 'who', 'slice'"):
        read_own(folder, None, None, CARD, "mine")


# The command line, and bad input -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "measures"),
    [("sick", ["AUROC"]), ("weight", ["R2"]), ("grade", ["AUROC", "balanced accuracy"])],
)
def test_what_is_asked_follows_from_the_target(tmp_path, column, measures):
    rng = np.random.default_rng(0)
    columns = {"sick": ["no", "yes"] * 30, "weight": rng.normal(size=60), "grade": ["a", "b", "c"] * 20}
    data = Dataset.from_frame(pd.DataFrame(columns), target=column, card=CARD)
    (tmp_path / "challenge.toml").write_text(challenge_toml("mine", data, "parquet"), encoding="utf-8")
    challenge = read_challenge(tmp_path)
    assert [metric.measure for metric in challenge.metrics] == measures
    assert challenge.tracks["predict"].is_number == (column == "weight")
    assert challenge.tracks["predict"].is_whole == (column == "grade")


def test_names_of_levels_may_hold_anything(tmp_path):
    levels = ['say "yes"', "a = b", "naïve [x]"] * 20
    data = Dataset.from_frame(pd.DataFrame({"said": levels, "x": range(60)}), target="said", card=CARD)
    (tmp_path / "challenge.toml").write_text(challenge_toml("mine", data, "parquet"), encoding="utf-8")
    assert sorted(read_challenge(tmp_path).tracks["predict"].columns) == sorted(set(levels))


def _refused(tmp_path, says, change=lambda frame: frame, target="sick", folder="mine"):
    change(_people(120)).to_csv(tmp_path / "my.csv", index=False)
    with pytest.raises(ShdError, match=says) as error:
        new(tmp_path / folder, tmp_path / "my.csv", target=target, subject="patient")
    assert "\n" not in str(error.value)
    assert files_in(tmp_path) == {"my.csv"}


@pytest.mark.filterwarnings("ignore::shd.ShdWarning")
@pytest.mark.parametrize(
    ("says", "options"),
    [
        ("what is to be predicted", {"target": None}),
        ("there is no column 'ill'", {"target": "ill"}),
        ("target 'mail'", {"target": "mail"}),
        ("target 'sick' has 1 levels", {"change": lambda f: f.assign(sick="yes")}),
        ("people are too few", {"change": lambda f: f.head(60)}),
        ("column 'id' has a name that challenges use", {"change": lambda f: f.assign(id=f["sex"])}),
        ("a data set of shd is called so", {"folder": "diabetes"}),
    ],
)
def test_what_cannot_become_a_challenge(tmp_path, says, options):
    _refused(tmp_path, says, **options)


def test_folders_that_hold_no_pictures_or_odd_ones(tmp_path):
    with pytest.raises(ShdError, match="holds no pictures"):
        read_own(tmp_path, None, None, CARD, "mine")
    _pictures(tmp_path / "small", 2, (8, 8))
    with pytest.raises(ShdError, match="8 x 8 pixels; 16 x 16 at least"):
        read_own(tmp_path / "small", None, None, CARD, "mine")
    folder = _pictures(tmp_path / "odd", 2)
    Image.fromarray(np.zeros((30, 24), np.uint8)).save(folder / "ill" / "9.png")
    with pytest.raises(ShdError, match=r"differ in size \(24 x 24 and 30 x 24 pixels\)"):
        read_own(folder, None, None, CARD, "mine")
    (folder / "ill" / "9.png").write_bytes(b"no picture")
    with pytest.raises(ShdError, match="not an image"):
        read_own(folder, None, None, CARD, "mine")


def test_a_folder_that_holds_something_stays(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ShdError, match="not empty"):
        new(tmp_path, tmp_path / "my.csv", target="sick")


def test_the_command_line(tmp_path, capsys):
    assert (
        cli.main(["challenge", "new", str(tmp_path / "mine"), "--data", str(tmp_path / "no.csv"), "--target", "x"]) == 2
    )
    assert "no.csv: no such file" in capsys.readouterr().err
