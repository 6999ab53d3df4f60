import pandas as pd
import pytest

import shd
from shd._errors import ShdError
from shd.hackathon.challenge import FORMATS, TRACKS, all_challenges, find_challenge, read_challenge

SHIPPED = ("alzheimers_mri", "diabetes_bioinformatics", "diabetes_ml")


def change(folder, before: str, after: str) -> None:
    file = folder / "challenge.toml"
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


def test_every_challenge_that_ships_can_be_read():
    found = all_challenges()
    assert tuple(one.id for one in found) == SHIPPED
    for one in found:
        assert one.folder.name == one.id
        assert set(one.tracks) <= set(TRACKS) and "notebook" in one.tracks
        assert all(set(track.formats) <= set(FORMATS[name]) for name, track in one.tracks.items())
        assert all(one.path(name).exists() for name in one.files)
    assert [one.replicates for one in found] == [False, True, False]
    assert [one.is_of_images for one in found] == [True, False, False]


def test_a_challenge_is_found_by_name_and_by_folder(copied):
    assert find_challenge("diabetes_ml").dataset == "diabetes"
    assert find_challenge(copied()).folder.parent.name == "elsewhere"
    with pytest.raises(ShdError, match="known are alzheimers_mri, diabetes_bioinformatics, diabetes_ml"):
        find_challenge("cancer")


def test_what_predictions_hold():
    ml, mri = (find_challenge(name).tracks["predict"] for name in ("diabetes_ml", "alzheimers_mri"))
    assert (ml.is_whole, ml.is_number) == (False, False)
    assert (mri.is_whole, mri.is_number) == (True, False)


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('question = "', 'questoin = "', r"lacks 'question'; 'questoin' is unknown \(did you mean 'question'\?\)"),
        ("test_size = 0.2", 'test_size = "a fifth"', r"'test_size' in \[rules\] is 'a fifth', where a number belongs"),
        ("test_size = 0.2", "test_size = 2", r"is 2, not between 0 and 1"),
        ("test_size = 0.2", "", r"lacks 'test_size' in \[rules\]"),
        ("most = 200_000", "most = true", r"'most' in \[tracks.synthesize\] is True, where a whole number belongs"),
        ("[tracks.predict]", "[tracks.guess]", "track 'guess' is unknown"),
        ('"csv", "parquet", "json"', '"csv", "pickle"', r"format 'pickle' in \[tracks.predict\] is not one of csv"),
        ('measure = "AUROC"', 'measure = "luck"', "measure 'luck' of 'auroc_any' is not one of AUROC"),
        ('like = "stand_in"', 'like = "nothing"', r"names 'nothing', which is not in \[files\]"),
        ('starter = "starter.ipynb"', "", r"lacks 'starter' in \[files\]"),
        ('starter = "starter.ipynb"', "starter = 3", r"'starter' in \[files\] is 3, where text belongs"),
        ('name = "auroc_30"', 'nam = "auroc_30"', "metrics, number 2"),
        ("[rules]", "[rules", "not TOML"),
        ('id = "diabetes_ml"', 'id = "diabetes_ml"\nfolder = "x"', "'folder' is unknown"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(copied, before, after, says):
    folder = copied()
    change(folder, before, after)
    with pytest.raises(ShdError, match=says) as error:
        read_challenge(folder)
    assert "\n" not in str(error.value)


def test_all_that_is_wrong_is_said_at_once(copied):
    folder = copied()
    change(folder, "test_size = 0.2", "")
    change(folder, 'title = "', 'tite = "')
    with pytest.raises(ShdError, match="test_size.*lacks 'title'"):
        read_challenge(folder)


def test_a_folder_without_a_challenge(tmp_path):
    with pytest.raises(ShdError, match=r"no challenge.toml in it"):
        read_challenge(tmp_path)


# shd.load reads the folder that people work in -------------------------------------------------------


def test_a_copy_loads_its_own_release_from_the_folder_and_from_below(copied, monkeypatch, capsys):
    folder = copied(rows=100)
    for place in (folder, folder / "data", folder / "data" / "release"):
        monkeypatch.chdir(place)
        assert len(shd.load("diabetes", source="synthetic")) == 100
        assert capsys.readouterr().err == "diabetes: the synthetic data of this folder.\n"
    monkeypatch.chdir(folder.parent)
    assert len(shd.load("diabetes", source="synthetic")) == 78_444
    assert capsys.readouterr().err == ""


def test_a_copy_loads_its_own_stand_in_and_says_so(copied, monkeypatch, capsys):
    folder = copied()
    table = folder / "data" / "stand-in.parquet"
    pd.read_parquet(table).head(50).to_parquet(table, index=False)
    monkeypatch.chdir(folder)
    assert len(shd.load("diabetes")) == 50
    assert "diabetes: the stand-in of this folder, as the real data are not on disk" in capsys.readouterr().err


def test_other_data_sets_stay_as_they_are(copied, monkeypatch, capsys):
    monkeypatch.chdir(copied(rows=100))
    assert len(shd.load("diabetes_cohort", source="synthetic")) == 55_978
    assert capsys.readouterr().err == ""


def test_a_notebook_that_runs_elsewhere_is_found_by_what_jupyter_says(copied, monkeypatch, tmp_path):
    folder = copied(rows=100)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JPY_SESSION_NAME", str(folder / "starter.ipynb"))
    assert len(shd.load("diabetes", source="synthetic")) == 100
    monkeypatch.setenv("JPY_SESSION_NAME", "elsewhere/diabetes_ml/data/work.ipynb")
    assert len(shd.load("diabetes", source="synthetic")) == 100


def test_challenges_of_an_organiser_are_read_where_nobody_works_in_one(copied, monkeypatch, tmp_path):
    folder = copied(rows=100)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHD_CHALLENGES", str(folder.parent))
    assert len(shd.load("diabetes", source="synthetic")) == 100


def test_a_copy_that_lost_its_data_says_what_to_do(copied, monkeypatch):
    folder = copied()
    (folder / "data" / "stand-in.parquet").unlink()
    monkeypatch.chdir(folder)
    with pytest.raises(ShdError, match="copy the challenge anew"):
        shd.load("diabetes", source="stand-in")
