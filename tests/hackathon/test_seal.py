import json
import shutil
import sys

import numpy as np
import pandas as pd
import pytest

from shd import cli
from shd._errors import ShdError, ShdWorkError
from shd.hackathon.bench import HALVES, hidden_bench, open_seal
from shd.hackathon.challenge import read_challenge
from shd.hackathon.people import ask_about, own_people, split, visible
from shd.hackathon.score import score
from shd.hackathon.seal import seal
from shd.hackathon.submission import check

SECRET = b"correct horse battery staple"


@pytest.fixture(scope="module")
def secret_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("secret") / "SECRET"
    file.write_bytes(SECRET)
    return file


@pytest.fixture(scope="module")
def sealed(template, secret_file, tmp_path_factory):
    return seal(template, secret_file, tmp_path_factory.mktemp("sealed") / "organiser", "stand-in")


@pytest.fixture
def organiser(sealed, tmp_path):
    """What an organiser keeps, which a test may change."""
    return shutil.copytree(sealed.folder, tmp_path / "organiser")


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def tables(folder):
    teams, secret = folder / "for-teams" / "data", folder / "secret"
    names = {"train": teams, "holdout": teams, "predict": teams, "hidden": secret, "labels": secret}
    return {name: pd.read_parquet(place / f"{name}.parquet") for name, place in names.items()}


def test_every_person_is_on_one_side_and_the_halves_share_nobody(sealed, template):
    found, whole = tables(sealed.folder), own_people(read_challenge(template))
    halves = {half: set(rows["subject"]) for half, rows in found["labels"].groupby("half")}
    sides = [set(found["train"]["subject"]), set(found["holdout"]["subject"]), *(halves[half] for half in HALVES)]
    assert set.union(*sides) == set(whole.subjects)
    assert sum(map(len, sides)) == len(set(whole.subjects))
    assert {name: len(side) for name, side in zip(sealed.people, sides, strict=True)} == sealed.people
    assert sum(sealed.records.values()) == len(whole)


def test_hidden_people_are_half_of_those_whom_the_release_did_not_learn_from(sealed, template):
    challenge = read_challenge(template)
    _, held = split(challenge, own_people(challenge))
    found = tables(sealed.folder)
    assert set(found["hidden"]["subject"]) | set(found["holdout"]["subject"]) == set(held.subjects)
    counts = sealed.people
    assert abs(counts["holdout"] - counts["public"] - counts["private"]) <= 2
    assert abs(counts["public"] - counts["private"]) <= 2


def test_the_classes_are_in_both_halves_as_often(sealed):
    labels = tables(sealed.folder)["labels"].drop_duplicates("subject")
    shares = pd.crosstab(labels["half"], labels["target"], normalize="index")
    assert (shares.loc["public"] - shares.loc["private"]).abs().max() < 0.1


def test_what_teams_get_tells_nothing_of_who_is_hidden(sealed):
    found = tables(sealed.folder)
    asked = found["predict"]
    assert not {"readmitted", "subject", "half"} & set(asked.columns)
    assert asked["id"].is_unique and asked["id"].is_monotonic_increasing
    assert set(asked["id"]) == set(found["labels"]["id"])
    # neither the people nor the halves lie together
    labels = found["labels"].set_index("id").loc[asked["id"]]
    runs = (labels["half"].to_numpy()[1:] != labels["half"].to_numpy()[:-1]).mean()
    assert 0.3 < runs < 0.7
    order = labels["subject"].rank().to_numpy()
    assert abs(np.corrcoef(order, np.arange(len(order)))[0, 1]) < 0.2


def test_the_secret_is_nowhere(sealed):
    for content in files_of(sealed.folder).values():
        assert SECRET not in content
    assert set(tables(sealed.folder)["hidden"].columns) >= {"subject", "readmitted"}


def test_the_same_secret_gives_the_same_bytes_and_another_one_other_people(sealed, template, secret_file, tmp_path):
    again = seal(template, secret_file, tmp_path / "again", "stand-in")
    assert files_of(again.folder) == files_of(sealed.folder)
    (tmp_path / "other").write_bytes(SECRET + b".")
    other = seal(template, tmp_path / "other", tmp_path / "organiser", "stand-in")
    one, two = (tables(folder) for folder in (sealed.folder, other.folder))
    assert set(one["labels"]["subject"]) != set(two["labels"]["subject"])
    assert not set(one["predict"]["id"]) & set(two["predict"]["id"])
    assert one["train"].equals(two["train"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_what_is_secret_is_for_its_owner_alone(sealed):
    secret = sealed.folder / "secret"
    assert {path.stat().st_mode & 0o777 for path in secret.iterdir()} == {0o600}
    assert secret.stat().st_mode & 0o777 == 0o700


def test_ids_depend_on_the_secret_and_are_text_to_every_program(template):
    people = own_people(read_challenge(template)).take(np.arange(50))
    one, other = (ask_about(people, secret) for secret in (b"one", b"other"))
    assert not set(one.ids) & set(other.ids)
    assert all(not name.replace("e", "").isdigit() for name in one.ids)


# Scoring on hidden people --------------------------------------------------------------------------------


def predict(team, organiser, chance):
    """Hand in, for the people whom the organiser asks about, what `chance` makes of their labels."""
    for file in (organiser / "for-teams" / "data").iterdir():
        shutil.copy(file, team / "data")
    labels = pd.read_parquet(organiser / "secret" / "labels.parquet")
    table = pd.DataFrame({"id": labels["id"], "chance_any": chance(labels), "chance_30": 0.5})
    table.sample(frac=1, random_state=0).to_csv(team / "submission" / "predictions.csv", index=False)


def test_a_team_is_scored_on_both_halves_apart(team, organiser):
    def chance(labels):  # right for the public half, wrong for the private one
        came = (labels["target"].astype(str) != "NO") == (labels["half"] == "public")
        return np.where(came, 0.9, 0.1)

    predict(team, organiser, chance)
    found = score(team, organiser, tracks=["predict"])
    by_half = {half: found.of("predict", half).parts[0].value for half in HALVES}
    assert by_half == {"public": 1.0, "private": 0.0}
    assert found.to_dict() == score(team, organiser, tracks=["predict"]).to_dict()
    assert not [one for one in check(team) if one.track == "predict" and one.loses]
    own = score(team, tracks=["predict"]).of("predict")
    assert own.value is None and "only the organiser" in own.why


def test_one_half_can_be_scored_while_teams_work(team, organiser):
    predict(team, organiser, lambda labels: 0.5)
    assert [one.people for one in score(team, organiser, tracks=["predict"], people="public").tracks] == ["public"]
    with pytest.raises(ShdError, match="public and a private half; 'secret'"):
        hidden_bench(organiser, people="secret")


def test_a_team_cannot_change_what_it_is_scored_by(team, organiser):
    predict(team, organiser, lambda labels: 0.5)
    toml = team / "challenge.toml"
    toml.write_text(toml.read_text().replace('positive = ["<30"]', 'positive = ["NO"]').replace("fewest", "most_"))
    found = score(team, organiser, tracks=["predict"])
    assert [part.name for part in found.of("predict", "private").parts] == ["auroc_any", "auroc_30"]


def test_rehearsed_predictions_are_not_taken_for_those_of_the_event(team, organiser):
    ids = pd.read_parquet(team / "data" / "predict.parquet")["id"]
    table = pd.DataFrame({"id": ids, "chance_any": 0.5, "chance_30": 0.5})
    table.to_csv(team / "submission" / "predictions.csv", index=False)
    found = score(team, organiser, tracks=["predict"]).of("predict", "private")
    assert found.value is None and "none of the" in found.why


def test_a_team_sees_the_people_that_were_handed_out(team, organiser):
    predict(team, organiser, lambda labels: 0.5)
    train, holdout = visible(read_challenge(team))
    found = tables(organiser)
    assert set(train.subjects) == set(found["train"]["subject"])
    assert set(holdout.subjects) == set(found["holdout"]["subject"])
    assert train.source == "stand-in" and train.target == "readmitted"


def test_synthetic_records_are_compared_with_hidden_people(organiser):
    bench = hidden_bench(organiser)
    labels = tables(organiser)["labels"]
    for half in HALVES:
        assert set(bench.held[half].subjects) == set(labels[labels["half"] == half]["subject"])
    assert len(bench.ids) == len(labels) and bench.train.source == "stand-in"


# Bad input -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["secret/labels.parquet", "for-teams/data/train.parquet", "challenge/challenge.toml"])
def test_what_was_changed_is_refused_in_one_line(organiser, team, name):
    file = organiser / name
    file.write_bytes(file.read_bytes() + b" ")
    with pytest.raises(ShdWorkError, match=r"changed since it was sealed, or lost") as error:
        score(team, organiser)
    assert "\n" not in str(error.value) and name.split("/")[-1] in str(error.value)


def test_what_is_missing_or_no_seal_is_refused(organiser, tmp_path):
    (organiser / "secret" / "hidden.parquet").unlink()
    with pytest.raises(ShdWorkError, match="or lost"):
        open_seal(organiser)
    (organiser / "seal.json").write_text("{}")
    with pytest.raises(ShdWorkError, match="broken"):
        open_seal(organiser)
    with pytest.raises(ShdError, match=r"no seal.json in it"):
        open_seal(tmp_path)


def test_a_secret_that_is_none(template, tmp_path):
    (tmp_path / "short").write_bytes(b"x" * 15)
    with pytest.raises(ShdError, match="15 bytes are no secret; 16 random ones at least"):
        seal(template, tmp_path / "short", tmp_path / "o", "stand-in")
    with pytest.raises(ShdError, match="cannot be read"):
        seal(template, tmp_path / "nowhere", tmp_path / "o", "stand-in")


def test_without_the_real_data_it_says_what_to_do(template, secret_file, tmp_path):
    with pytest.raises(ShdError, match=r"run: shd data fetch diabetes, or rehearse with the stand-in"):
        seal(template, secret_file, tmp_path / "o")
    with pytest.raises(ShdError, match="source='fake' is not one of real, stand-in"):
        seal(template, secret_file, tmp_path / "o", "fake")


def test_a_folder_that_holds_something_stays(template, secret_file, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ShdError, match="not empty"):
        seal(template, secret_file, tmp_path, "stand-in")


def test_too_few_people(team, secret_file, tmp_path):
    table = team / "data" / "stand-in.parquet"
    few = pd.read_parquet(table)
    few[few["subject"].isin(few["subject"].unique()[:20])].to_parquet(table, index=False)
    with pytest.raises(ShdError, match="people would be"):
        seal(team, secret_file, tmp_path / "o", "stand-in")


def test_the_command_line(template, secret_file, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = ["challenge", "seal", str(template), "--seed-file", str(secret_file), "-o", "organiser"]
    assert cli.main([*line, "--source", "stand-in"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "Organiser: organiser"
    assert cli.main([*line, "--source", "stand-in"]) == 2
    assert cli.main([*line[:-1], "other", "--source", "fake"]) == 2
    assert "--source 'fake'" in capsys.readouterr().err
    assert cli.main([*line[:-1], "other", "--source", "stand-in", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["source"] == "stand-in"
