import io
import json
import pickle
import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.numpy import save_file

from shd import cli
from shd._errors import ShdError
from shd.dataset import Dataset
from shd.domain import Domain, Numbers
from shd.hackathon.columns import Expected, expected, judge, match_names
from shd.hackathon.formats import Limits, is_pickle, read_stack, read_table, write_pngs
from shd.hackathon.submission import Submission, check, match_ids


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


@pytest.mark.parametrize(("name", "inside"), [("a.zip", "archive/data.pkl"), ("a.npz", "x.joblib")])
def test_a_pickle_in_a_zip_is_one(tmp_path, name, inside):
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr(inside, "x")
    assert is_pickle(tmp_path / name)


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


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", b"", "cannot be read as CSV"),
        ("t.csv", b"a,a\n1,2\n", "column 'a' is there twice"),
        ("t.csv", b"\xff\xfe\x00", "cannot be read as CSV"),
        ("t.csv", b"a\n1\n2\n3\n4\n5\n", "more than 3 records"),
        ("t.parquet", b"PAR1", "cannot be read as PARQUET"),
        ("t.json", b"3", "neither a list of records"),
        ("t.json", b'[{"a": [1]}]', "holds lists"),
        ("t.json", b"[" * 50_000, "cannot be read as JSON"),
        ("t.json", b'{"a": [1], "b": [1, 2]}', "cannot be read as JSON"),
    ],
)
def test_broken_tables(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ShdError, match=says):
        read_table(tmp_path / name, Limits(3))


def test_text_of_a_csv_stays_text(tmp_path):
    (tmp_path / "t.csv").write_text("\ufeffid,a\n001,NA\n1e5,\n", encoding="utf-8")
    frame = read_table(tmp_path / "t.csv", Limits(3))
    assert frame["id"].tolist() == ["001", "1e5"]
    assert frame["a"].iloc[0] == "NA" and frame["a"].isna().tolist() == [False, True]


def test_a_long_parquet_is_refused_before_it_is_read(tmp_path, monkeypatch):
    pd.DataFrame({"a": np.zeros(100_000)}).to_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr("pyarrow.parquet.read_table", None)
    with pytest.raises(ShdError, match="100,000 records, 3 at most"):
        read_table(tmp_path / "t.parquet", Limits(3))


def test_a_long_text_that_is_repeated_is_read_once(tmp_path):
    pd.DataFrame({"a": ["x" * 1_000_000] * 3_000}).to_parquet(tmp_path / "t.parquet")  # 3 GB as text
    frame = read_table(tmp_path / "t.parquet", Limits(3_000))
    assert len(frame) == 3_000 and frame["a"].dtype == "category"


def test_an_array_that_says_it_is_larger_than_it_is(tmp_path):
    np.savez(tmp_path / "s.npz", images=np.zeros((2, 20, 16), np.uint8))
    content = (tmp_path / "s.npz").read_bytes()
    (tmp_path / "s.npz").write_bytes(content.replace(b"(2, 20, 16)", b"(9999999999,)"[:11] + b""))
    with pytest.raises(ShdError, match="cannot be read"):
        read_stack(tmp_path / "s.npz", Limits(6, (20, 16)), ["well", "ill"], "class")


def test_columns_of_odd_kinds_are_said_to_be_wrong(tmp_path):
    odd = {
        "bytes": [b"x", b"y"],
        "decimals": [Decimal("7.5"), Decimal("1")],
        "dates": [pd.Timestamp("2020-01-01").date()] * 2,
        "times": pd.to_datetime(["2020-01-01", "2020-01-02"]),
        "spans": pd.to_timedelta([1, 2], unit="D"),
    }
    pd.DataFrame(odd).to_parquet(tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet", Limits(3))
    for name in odd:
        assert judge(frame[name], Expected(name, "number", low=0, high=1))[1], name
        assert judge(frame[name], Expected(name, "level", levels=("a", "b")))[1], name
        assert judge(frame[name], Expected(name, "yes/no"))[1], name
    pd.DataFrame({"nested": [[1], [2]]}).to_parquet(tmp_path / "n.parquet")
    with pytest.raises(ShdError, match="holds lists"):
        read_table(tmp_path / "n.parquet", Limits(3))


def test_a_named_index_of_parquet_is_a_column(team):
    predictions(team).set_index("id").to_parquet(team / "submission" / "predictions.parquet")
    assert Submission(team).handed("predict").is_whole


@pytest.mark.parametrize("text", ['[{"a": 1e999}]', '[{"a": %s}]' % ("9" * 400), '[{"a": null}]', '[{"a": "1_0"}]'])
def test_numbers_that_are_none(tmp_path, text):
    (tmp_path / "t.json").write_text(text)
    frame = read_table(tmp_path / "t.json", Limits(3))
    assert judge(frame["a"], Expected("a", "number", low=0, high=1))[1]


# Pictures ----------------------------------------------------------------------------------------------

SIZE, LEVELS = (20, 16), ["well", "ill"]


@pytest.fixture
def stack():
    images = np.random.default_rng(0).integers(0, 256, (6, *SIZE), dtype=np.uint8)
    return pd.DataFrame({"class": ["well", "ill"] * 3, "slice": range(6)}), images


def _write(path, frame, images):
    codes = frame["class"].map(LEVELS.index).to_numpy()
    if path.suffix == ".zip":
        write_pngs(path, frame, images, [f"{i}.png" for i in range(len(images))])
    elif path.suffix == ".npz":
        np.savez(path, images=images, **{"class": frame["class"].to_numpy(str), "slice": frame["slice"].to_numpy()})
    else:
        save_file({"images": images, "class": codes, "slice": frame["slice"].to_numpy()}, path)
    return path


@pytest.mark.parametrize("ending", ["zip", "npz", "safetensors"])
def test_pictures_come_back_from_every_format(tmp_path, stack, ending):
    path = _write(tmp_path / f"synthetic.{ending}", *stack)
    frame, images = read_stack(path, Limits(6, SIZE), LEVELS, "class")
    assert np.array_equal(images, stack[1])
    assert frame["class"].tolist() == stack[0]["class"].tolist()
    assert frame["slice"].astype(int).tolist() == list(range(6))


@pytest.mark.parametrize("ending", ["zip", "npz", "safetensors"])
def test_pictures_too_many_or_of_another_size(tmp_path, stack, ending):
    path = _write(tmp_path / f"synthetic.{ending}", *stack)
    for limits in (Limits(3, SIZE), Limits(6, (16, 20))):
        with pytest.raises(ShdError, match=r"at most|more than|20 x 16"):
            read_stack(path, limits, LEVELS, "class")


def test_the_same_pictures_give_the_same_bytes(tmp_path, stack):
    one, other = (_write(tmp_path / f"{name}.zip", *stack).read_bytes() for name in "ab")
    assert one == other


def test_arrays_of_objects_are_refused(tmp_path, stack):
    np.savez(tmp_path / "s.npz", images=stack[1], **{"class": np.array([_Bomb()] * 6, dtype=object)})
    with pytest.raises(ShdError, match="Object arrays cannot be loaded"):
        read_stack(tmp_path / "s.npz", Limits(6, SIZE), LEVELS, "class")


def _zip(path, **files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return path


def _png(height, width):
    content = io.BytesIO()
    Image.fromarray(np.zeros((height, width), np.uint8)).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a_png": _png(*SIZE)}, "lacks index.csv"),
        ({"index_csv": "class\nwell\n"}, "no column 'file'"),
        ({"index_csv": "file,class\na.png,well\n"}, "lacks 'a.png'"),
        ({"index_csv": "file,class\na.png,well\n", "a_png": b"GIF89a"}, "cannot be read"),
        ({"index_csv": "file,class\na.png,well\n", "a_png": _png(9, 9)}, "is 9 x 9 pixels, not 20 x 16"),
        ({"index_csv": "file\na.png\n", "a_png": b"\0" * 10_000_000}, "unpacks to 10,000,000 bytes"),
        ({"index_csv": "file,class\n" + "a.png,well\n" * 7, "a_png": _png(*SIZE)}, "7 records, 6 at most"),
    ],
)
def test_broken_zips_of_pictures(tmp_path, files, says):
    with pytest.raises(ShdError, match=says):
        read_stack(_zip(tmp_path / "s.zip", **files), Limits(6, SIZE), LEVELS, "class")


def test_a_picture_that_would_fill_the_memory_is_not_unpacked(tmp_path):
    header = _png(*SIZE)
    huge = header[:16] + (60_000).to_bytes(4, "big") * 2 + header[24:]  # width and height of the header
    path = _zip(tmp_path / "s.zip", index_csv="file,class\na.png,well\n", a_png=huge)
    with pytest.raises(ShdError, match="cannot be read"):
        read_stack(path, Limits(6, SIZE), LEVELS, "class")


def test_codes_of_classes_that_are_not_there(tmp_path, stack):
    save_file({"images": stack[1], "class": np.arange(6)}, tmp_path / "s.safetensors")
    with pytest.raises(ShdError, match=r"codes beyond 0 to 1 \(well, ill\)"):
        read_stack(tmp_path / "s.safetensors", Limits(6, SIZE), LEVELS, "class")


# Columns -----------------------------------------------------------------------------------------------


@pytest.fixture
def columns(table):
    data = Dataset.from_frame(table, target="sick", subject="patient")
    return {one.name: one for one in expected([data])}


def test_what_is_expected_of_each_kind_of_column(columns):
    kinds = {name: one.kind for name, one in columns.items()}
    assert kinds == {
        "sex": "level", "age": "level", "stays": "count", "weight": "number", "smoker": "yes/no",
        "admitted": "date", "sick": "level",
    }  # fmt: skip
    assert columns["age"].levels == ("young", "old")
    assert (columns["stays"].low, columns["stays"].high) == (0, 16)  # twice as far as people reach


def test_declared_ranges_count(table):
    data = Dataset(table[["weight"]], domain=Domain({"weight": Numbers(20, 300)}))
    assert (expected([data])[0].low, expected([data])[0].high) == (20, 300)


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("smoker", ["True", "perhaps"], "1 values are neither True nor False, for example 'perhaps'"),
        ("admitted", ["2020-11-14", "14th"], "1 values are no dates, for example '14th'"),
        ("stays", ["3", "-1"], "1 numbers are out of range (0 to 16), for example -1"),
        ("weight", ["70", None], "1 values are missing"),
    ],
)
def test_what_is_wrong_with_a_column(columns, column, values, says):
    _, found = judge(pd.Series(values), columns[column])
    assert len(found) == 1 and says in found[0]


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("smoker", ["True", "0"]),
        ("admitted", ["2020-11-14", "2020-12-01 10:00:00"]),
        ("stays", ["3", "1.0"]),
        ("weight", ["70.5", "1e2"]),
        ("age", ["old", "young"]),
    ],
)
def test_text_becomes_what_the_column_is(columns, column, values):
    made, found = judge(pd.Series(values), columns[column])
    assert found == []
    assert made.dtype.kind == columns[column].dtype.kind


names = st.lists(st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=1, max_size=6), unique=True)


@given(names, names)
@settings(max_examples=60, deadline=None)
def test_names_match_only_where_they_are_the_same(found, wanted):
    assert (match_names(found, wanted) == []) == (set(found) == set(wanted))


ids = st.lists(st.sampled_from("abcdef"), max_size=8)


@given(ids, st.sets(st.sampled_from("abcdef"), min_size=1))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_ids_match_only_where_each_is_there_once(found, wanted):
    is_right = sorted(found) == sorted(wanted)
    assert (match_ids(pd.Series(found, dtype=object), pd.Series(sorted(wanted), dtype=object)) == []) == is_right


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
