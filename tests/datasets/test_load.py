import pandas as pd
import pytest

from shd import _paths
from shd._errors import ShdError
from shd.datasets import DATASETS, add, diabetes, load


@pytest.fixture
def shipped(make_zip, folders):
    """The stand-in, with subjects, and the synthetic table, without, of the tiny archive's rows."""
    data = diabetes.build(make_zip())
    for source, frame in (("synthetic", data.frame), ("stand-in", data.frame.assign(subject=data.subjects))):
        path = folders[1] / diabetes.SHIPPED[source]
        path.parent.mkdir(parents=True, exist_ok=True)
        frame.to_parquet(path, index=False)
    return data


def test_without_the_real_data_the_stand_in_and_it_says_so(shipped, capsys):
    data = load("diabetes")
    assert data.source == "stand-in"
    assert data.subjects.tolist() == [10, 16, 10]
    assert "Stand-in" in data.card.notes[0]
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == ("diabetes: the stand-in, as the real data are not on disk (shd data fetch diabetes).\n")


def test_with_the_real_data_the_real_data_and_it_says_so(shipped, archive, capsys):
    add("diabetes", archive)
    capsys.readouterr()
    assert load("diabetes").source == "real"
    assert capsys.readouterr().err == "diabetes: the real data.\n"


@pytest.mark.parametrize("source", ["real", "synthetic", "stand-in"])
def test_a_named_source_is_given_in_silence(shipped, archive, capsys, source):
    add("diabetes", archive)
    capsys.readouterr()
    data = load("diabetes", source=source)
    assert data.source == source
    assert (data.target, data.counts, data.sensitive) == (shipped.target, shipped.counts, shipped.sensitive)
    assert data.card.licence == "CC BY 4.0"
    pd.testing.assert_frame_equal(data.frame, shipped.frame)
    assert capsys.readouterr().err == ""


def test_every_synthetic_record_is_its_own_subject(shipped):
    assert load("diabetes", source="synthetic").subjects.tolist() == [0, 1, 2]


def test_real_without_archive_names_the_command(folders):
    with pytest.raises(ShdError, match=r"run: shd data fetch diabetes$"):
        load("diabetes", source="real")


@pytest.mark.parametrize("source", ["synthetic", "stand-in", None])
def test_what_should_have_shipped_and_did_not(folders, source):
    with pytest.raises(ShdError, match="install shd again"):
        load("diabetes", source=source)


def test_unknown_names_and_sources(folders):
    with pytest.raises(ShdError, match="no data set 'nope'; known are"):
        load("nope")
    with pytest.raises(ShdError, match="not one of real, synthetic, stand-in"):
        load("diabetes", source="fake")


def test_a_broken_stand_in_is_refused(shipped, folders):
    (folders[1] / diabetes.SHIPPED["stand-in"]).write_bytes(b"PAR1 no more")
    with pytest.raises(ShdError, match="cannot be read as a table"):
        load("diabetes", source="stand-in")


@pytest.mark.parametrize("name", DATASETS)
def test_every_module_gives_what_the_registry_asks_for(name):
    recipe = DATASETS[name]
    assert recipe.NAME == name
    assert len(recipe.SHA256) == 64
    assert recipe.SIZE > 0
    assert recipe.URL.startswith("https://")
    assert set(recipe.SHIPPED) == {"synthetic", "stand-in"}
    assert recipe.CARD.licence != "unknown"
    assert recipe.CARD.licence_url
    assert recipe.CARD.citation
    assert callable(recipe.build)
    assert callable(recipe.read)


def test_the_data_folder_is_the_users_unless_named(monkeypatch, tmp_path):
    monkeypatch.setenv("SHD_DATA", str(tmp_path))
    assert _paths.data_dir() == tmp_path
    monkeypatch.setenv("SHD_DATA", "")
    assert _paths.data_dir().name == "shd"
    assert _paths.data_dir().is_absolute()


def test_the_challenges_are_beside_the_package_or_inside_it(monkeypatch, tmp_path):
    monkeypatch.delenv("SHD_CHALLENGES", raising=False)
    package = tmp_path / "shd"
    (package / "_challenges").mkdir(parents=True)
    monkeypatch.setattr(_paths, "__file__", str(package / "_paths.py"))
    assert _paths.challenges_dir() == package / "_challenges"
    (package / "_challenges").rmdir()
    assert _paths.challenges_dir() == tmp_path / "challenges"


@pytest.mark.slow
@pytest.mark.real_data
def test_the_real_table_by_name(capsys):
    assert len(load("diabetes")) == 98_052
    assert "the real data" in capsys.readouterr().err
