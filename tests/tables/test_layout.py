"""How a CSV is laid out: lines that do not fit are read right, or named."""

import warnings

import pytest

from shd._errors import ShdError, ShdWarning
from shd.dataset import Dataset
from shd.tables.reading import Reading, read_noted


def read(folder, content, **options):
    path = folder / "t.csv"
    path.write_bytes(content.encode())
    return read_noted(path, Reading(**options))


THREE = "age,weight,sex\n"


@pytest.mark.parametrize(
    "text",
    [
        THREE + "20,60,f,\n21,61,m,\n",
        THREE + "20,60,f,,,\n21,61,m,,,\n",
        "age,weight,sex,\n20,60,f,\n21,61,m,\n",
        "age,weight,sex,\n20,60,f\n21,61,m\n",
        THREE + "20,60,f,\n21,61,m\n",
        "age;weight;sex\n20;60;f\n21;61;m\n",
        "age\tweight\tsex\n20\t60\tf\n21\t61\tm\n",
        "age|weight|sex\r\n20|60|f\r\n\r\n21|61|m\r\n",
        ",age,weight,sex\n0,20,60,f\n1,21,61,m\n",
        '"","age","weight","sex"\n"1",20,60,"f"\n"2",21,61,"m"\n',
    ],
)
def test_columns_stay_where_they_are(tmp_path, text):
    frame, _ = read(tmp_path, text)
    assert frame.to_dict("list") == {"age": [20, 21], "weight": [60, 61], "sex": ["f", "m"]}


def test_commas_at_the_end_are_told(tmp_path):
    _, notes = read(tmp_path, THREE + "20,60,f,\n21,61,m,\n")
    assert notes == ["empty fields at the end of 2 lines were left out"]


@pytest.mark.parametrize(
    ("above", "says", "skip"),
    [
        ("My study\n", "line 1 has 1 field and line 2 has 3", 1),
        ("sep=,\n", "line 1 has 1 field and line 2 has 3", 1),
        ("My study, 2020\n\n", "line 1 has 2 fields and line 3 has 3", 2),
        ("My study,,\n", "line 1 has 1 field and line 2 has 3", 1),
        ("# made by a machine\n# on a day\n", "line 1 has 1 field and line 3 has 3", 2),
    ],
)
def test_lines_above_the_names_are_named_and_can_be_skipped(tmp_path, above, says, skip):
    text = above + THREE + "20,60,f\n21,61,m\n22,62,m\n"
    with pytest.raises(ShdError, match=says) as caught:
        read(tmp_path, text)
    assert f"--skip {skip} (skip={skip})" in str(caught.value) and "\n" not in str(caught.value)
    assert list(read(tmp_path, text, skip=skip)[0]) == ["age", "weight", "sex"]


def test_a_directive_tells_the_separator_below_it(tmp_path):
    text = "sep=;\nage;weight\n20;66,3\n21;70,1\n"
    with pytest.raises(ShdError, match="line 1 has 1 field and line 2 has 2"):
        read(tmp_path, text)
    assert read(tmp_path, text, skip=1)[0]["weight"].tolist() == [66.3, 70.1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (THREE + "20,60,f\n21,61,m,x\n22,62,m\n", "line 3 has 4 fields and line 1, the row of names, has 3"),
        (THREE + "20,60,f\n21,61,m\nTotal: 2\n", "line 4 has 1 field and line 1, the row of names, has 3"),
        ("age,age\n1,2\n", "the column 'age' more than once; rename"),
        ("x,age,y,age\n1,2,3,4\n", "the column 'age' more than once; rename"),
    ],
)
def test_lines_that_do_not_fit_are_named(tmp_path, text, says):
    with pytest.raises(ShdError, match=says):
        read(tmp_path, text)


def test_lines_that_end_early_are_told(tmp_path):
    frame, notes = read(tmp_path, THREE + "20,60,f\n21,61\n22,62,m\n")
    assert frame["sex"].isna().tolist() == [False, True, False]
    assert notes == ["line 3 ended early: fields that are not there were read as missing"]


def test_fields_in_quotes_are_whole(tmp_path):
    frame, notes = read(tmp_path, 'a,b\n"he said ""no"", twice","x\ny"\n" pad ",z\n')
    assert frame["a"].tolist() == ['he said "no", twice', " pad "]
    assert frame["b"].tolist() == ["x\ny", "z"]
    assert notes == []


def test_a_dataset_tells_what_was_decided(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,x,\n2,y,\n")
    with pytest.warns(ShdWarning, match=r"t\.csv: empty fields at the end of 2 lines"):
        Dataset.from_csv(path)
    path.write_text("a,b\n1,x\n2,y\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Dataset.from_csv(path)


@pytest.mark.parametrize("options", [{"skip": -1}, {"skip": True}, {"decimal": ";"}, {"text": ["nope"]}])
def test_options_that_cannot_be_are_refused(tmp_path, options):
    with pytest.raises(ShdError, match=next(iter(options))):
        read(tmp_path, "a\n1\n", **options)
