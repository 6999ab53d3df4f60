import json
import pickle

import numpy as np
import pandas as pd
import pytest

from shd import cli
from shd.hackathon.submission import Submission, check


def predictions(team):
    ids = pd.read_parquet(team / "data" / "predict.parquet")["id"]
    chance = np.random.default_rng(0).random(len(ids)).round(4)
    return pd.DataFrame({"id": ids, "chance_any": chance, "chance_30": chance / 2})


def synthetic(team):
    return pd.read_parquet(team / "data" / "release" / "synthetic.parquet")


def hand_in(team, predicted=None, made=None):
    predicted = predictions(team) if predicted is None else predicted
    made = synthetic(team) if made is None else made
    predicted.to_csv(team / "submission" / "predictions.csv", index=False)
    made.to_csv(team / "submission" / "synthetic.csv", index=False)


def said(team, track=None):
    return [one.sentence for one in check(team) if track in (None, one.track)]


def lost(team):
    return {one.track for one in check(team) if one.loses}


# Nothing wrong -----------------------------------------------------------------------------------------


def test_a_whole_submission_has_no_findings(team):
    hand_in(team)
    assert check(team) == []


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_every_format_gives_the_same_predictions(team, ending):
    predicted, path = predictions(team), team / "submission" / f"predictions.{ending}"
    shuffled = predicted.sample(frac=1, random_state=1)
    if ending == "json":
        path.write_text(shuffled.to_json(orient="records"))
    elif ending == "csv":
        shuffled.to_csv(path, index=False)
    else:
        shuffled.to_parquet(path)
    content = Submission(team).handed("predict").content
    pd.testing.assert_frame_equal(content, predicted.set_index("id"), check_names=False, check_index_type=False)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_every_format_gives_the_same_records(team, ending):
    made, path = synthetic(team), team / "submission" / f"synthetic.{ending}"
    made.to_csv(path, index=False) if ending == "csv" else made.to_parquet(path)
    handed = Submission(team).handed("synthesize")
    assert handed.is_whole and handed.content.source == "synthetic" and handed.content.target == "readmitted"
    frame = handed.content.frame
    assert frame.astype(str).equals(made[frame.columns].astype(str))
    assert frame["age"].cat.ordered and frame["time_in_hospital"].dtype == "int64"


# What would be lost ------------------------------------------------------------------------------------


def test_nothing_handed_in(team):
    assert lost(team) == {"predict", "synthesize"}
    assert said(team, "predict") == [
        "not handed in: submission/predictions with the ending .csv, .parquet, .json",
    ]


WRONG_PREDICTIONS = {
    "did you mean 'chance_30'? Rename it": lambda f: f.rename(columns={"chance_30": "chance30"}),
    "column 'chance_any' is missing: add it": lambda f: f.drop(columns="chance_any"),
    "column 'age' is unknown: drop it": lambda f: f.assign(age=3),
    "1 values are missing (NaN, or empty): fill them": lambda f: f.assign(chance_30=f["chance_30"].where(f.index > 0)),
    "2 numbers are out of range (0 to 1), for example 7": lambda f: f.assign(
        chance_any=f["chance_any"].where(f.index > 1, 7)
    ),
    "values are no numbers, for example 'high'": lambda f: f.assign(chance_any="high"),
    "numbers are out of range (0 to 1), for example inf": lambda f: f.assign(chance_any=np.inf),
    "ids have no row, for example": lambda f: f.iloc[3:],
    "1 ids are there twice": lambda f: pd.concat([f, f.iloc[:1]]),
    "1 ids were not asked about, for example 'p0'": lambda f: pd.concat([f, f.iloc[:1].assign(id="p0")]),
    "1 rows have no id": lambda f: f.assign(id=f["id"].where(f.index > 0)),
    "none of the": lambda f: f.assign(id=[f"q{i}" for i in range(len(f))]),
}


@pytest.mark.parametrize("sentence", WRONG_PREDICTIONS)
def test_wrong_predictions(team, sentence):
    hand_in(team, WRONG_PREDICTIONS[sentence](predictions(team)))
    assert lost(team) == {"predict"}
    assert any(sentence in one for one in said(team)), said(team)


WRONG_RECORDS = {
    "did you mean 'readmitted'? Rename it": lambda f: f.rename(columns={"readmitted": "readmited"}),
    "'num_lab_procedures' and 34 more) are missing: add them": None,
    "did you mean '[50-60)'?": lambda f: f.assign(age=f["age"].astype(str).replace("[50-60)", "50-60")),
    "level 'Martian'": lambda f: f.assign(race=f["race"].astype(str).replace("Asian", "Martian")),
    "known are": lambda f: f.assign(insulin=f["insulin"].astype(str).replace("No", "zzzzzz")),
    "values are missing": lambda f: f.assign(age=f["age"].astype(object).where(f.index > 1)),
    "out of range (1 to 14)": lambda f: f.assign(time_in_hospital=f["time_in_hospital"] + 10),
    "no whole numbers, for example 1.5": lambda f: f.assign(num_procedures=1.5),
    "no numbers, for example 'many'": lambda f: f.assign(num_procedures="many"),
    "999 records, 1,000 at least": lambda f: f.head(999),
    "every record has 'No'; among people": lambda f: f.assign(insulin="No"),
    "every record has '3'": lambda f: f.assign(num_procedures=3),
}


@pytest.mark.parametrize("sentence", WRONG_RECORDS)
def test_wrong_records(team, sentence):
    change = WRONG_RECORDS[sentence] or (lambda f: f[["readmitted", "number_inpatient", "num_medications"]])
    hand_in(team, made=change(synthetic(team)))
    assert lost(team) == {"synthesize"}
    assert any(sentence in one for one in said(team)), said(team)


def test_all_findings_come_at_once(team):
    predicted = predictions(team).rename(columns={"chance_30": "chance30"}).assign(chance_any=2).iloc[1:]
    made = synthetic(team).rename(columns={"readmitted": "readmited"}).assign(time_in_hospital=99, race="x")
    hand_in(team, predicted, made)
    (team / "team.toml").write_text('challenge = "cancer"\n')
    found = said(team)
    assert len(found) == 8
    assert lost(team) == {"team", "predict", "synthesize"}


def test_a_column_that_varies_little_among_people_may_be_the_same_for_all(team):
    made = synthetic(team)
    rare = [name for name in made if made[name].value_counts(normalize=True).iloc[0] > 0.999]
    assert rare
    hand_in(team, made=made.assign(**dict.fromkeys(rare, "No")))
    assert check(team) == []


def test_chances_that_order_nobody_cost_nothing(team):
    hand_in(team, predictions(team).assign(chance_30=0.1))
    (found,) = check(team)
    assert not found.loses and "orders nobody" in found.sentence


# Files -------------------------------------------------------------------------------------------------


class _Bomb:
    def __reduce__(self):
        return (open, ("opened.txt", "w"))


def test_pickles_are_refused_by_name_and_by_content_and_never_opened(team, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    hand_in(team)
    for name in ("model.pkl", "synthetic.pkl", "synthetic.data"):
        (team / "submission" / name).write_bytes(pickle.dumps(_Bomb()))
    (team / "submission" / "predictions.csv").write_bytes(pickle.dumps(_Bomb(), protocol=2))
    found = said(team)
    assert sum("a pickle, which can run code when it is opened" in one for one in found) == 4
    assert lost(team) == {"predict", "synthesize", "team"}
    assert not (tmp_path / "opened.txt").exists()


def test_a_link_is_not_followed(team):
    hand_in(team)
    file = team / "submission" / "predictions.csv"
    file.rename(team / "elsewhere.csv")
    file.symlink_to(team / "elsewhere.csv")
    assert said(team) == ["a link, or no file: put the file itself here"]
    file.unlink()
    file.symlink_to(team / "nowhere.csv")
    assert said(team) == ["a link, or no file: put the file itself here"]


def test_a_folder_that_is_a_link_is_not_followed(team, tmp_path):
    hand_in(team)
    (team / "submission").rename(tmp_path / "outside")
    (team / "submission").symlink_to(tmp_path / "outside")
    assert lost(team) == {"predict", "synthesize"}


def test_a_file_that_is_too_large(team):
    hand_in(team)
    with (team / "submission" / "predictions.csv").open("ab") as stream:
        stream.truncate(21_000_000)
    assert said(team) == ["too large: 21.0 MB, 20 MB at most"]


def test_two_files_for_one_track(team):
    hand_in(team)
    predictions(team).to_parquet(team / "submission" / "predictions.parquet")
    assert said(team) == ["predictions.csv and predictions.parquet are both there: keep the one that counts"]


def test_files_that_nobody_reads(team):
    hand_in(team)
    (team / "submission" / "prediction.csv").write_text("id\n")
    (team / "submission" / "synthetic.xlsx").write_text("x")
    (team / "submission" / "thesis.pdf").write_text("x")
    found = {one.file: one for one in check(team)}
    assert "did you mean 'predictions'? Rename it" in found["submission/prediction.csv"].sentence
    assert found["submission/synthetic.xlsx"].sentence == "in a format that is not read here; write .csv or .parquet"
    assert not found["submission/thesis.pdf"].loses


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "missing: nobody knows whose this is"),
        ("team = ", "not TOML"),
        ('team = "x"\nchallenge = "alzheimers_mri"', "is of the challenge 'alzheimers_mri', this one is 'diabetes_ml'"),
        ('team = ""\nchallenge = "diabetes_ml"', "names no team"),
        ('team = "x"\nchallenge = "diabetes_ml"\nmembers = "Ada"', "members must be a list"),
    ],
)
def test_team_toml(team, text, says):
    hand_in(team)
    file = team / "team.toml"
    file.unlink() if text is None else file.write_text(text)
    assert says in said(team, "team")[0]


@pytest.mark.parametrize("text", ["", "[]", '{"cells": 3}', '{"cells": [{}]}', "[" * 100_000])
def test_a_notebook_that_is_none(team, text):
    hand_in(team)
    (team / "starter.ipynb").write_text(text)
    assert lost(team) == {"notebook"}
    assert "not a notebook" in said(team)[0]


def test_cells_that_share_an_id_are_noted(team):
    hand_in(team)
    book = json.loads((team / "starter.ipynb").read_text())
    book["cells"].append(dict(book["cells"][0]))
    (team / "starter.ipynb").write_text(json.dumps(book))
    (found,) = check(team)
    assert not found.loses and "share an id" in found.sentence


def test_a_named_index_of_parquet_is_a_column(team):
    predictions(team).set_index("id").to_parquet(team / "submission" / "predictions.parquet")
    assert Submission(team).handed("predict").is_whole


# The command line --------------------------------------------------------------------------------------


def test_the_command_says_what_would_be_lost_and_ends_with_1(team, capsys):
    hand_in(team, predictions(team).iloc[1:])
    assert cli.main(["challenge", "check", str(team)]) == 1
    out = capsys.readouterr().out
    assert "lost  predict     submission/predictions.csv: 1 of" in out
    assert out.splitlines()[-1] == "Would be lost: predict. Mend it and check again."
    assert cli.main(["challenge", "check", str(team), "--json"]) == 1
    result = json.loads(capsys.readouterr().out)
    assert (result["whole"], result["findings"][0]["track"]) == (False, "predict")


def test_the_command_ends_with_0_where_nothing_would_be_lost(team, capsys):
    hand_in(team)
    assert cli.main(["challenge", "check", str(team)]) == 0
    assert capsys.readouterr().out == "Nothing would be lost.\n"


def test_the_command_ends_with_2_where_there_is_no_team(tmp_path, capsys):
    assert cli.main(["challenge", "check", str(tmp_path)]) == 2
    assert cli.main(["challenge", "check", str(tmp_path / "nowhere")]) == 2
    assert "no such folder" in capsys.readouterr().err
