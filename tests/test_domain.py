import numpy as np
import pandas as pd
import pytest

import shd
from shd import Dates, Domain, Levels, Numbers, ShdError


def test_dtypes_follow_from_what_is_declared():
    assert Levels(["a", "b"]).dtype == "category"
    assert Levels([False, True]).dtype == "bool" and Levels([False, True], missing=True).dtype == "boolean"
    assert Numbers(0, 9).dtype == "int64" and Numbers(0, 9, missing=True).dtype == "float64"
    assert Numbers(0, 9, decimals=1).dtype == "float64" and Dates("2020-01-01", "2021-01-01").dtype == "datetime64[us]"


def test_other_joins_the_levels():
    assert Levels(["a", "b"], other="rest").levels == ("a", "b", "rest")
    assert Levels(np.array([1, 2]), other=2).levels == (1, 2)


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda: Levels("abc"), "must be a list"),
        (lambda: Levels([]), "there is none"),
        (lambda: Levels(["a", "a"]), "there twice"),
        (lambda: Levels(["a", ["b"]]), "is none"),
        (lambda: Levels([1.0, float("nan")]), "is none"),
        (lambda: Levels([False, True], missing=True, dtype="bool"), "cannot be missing"),
        (lambda: Numbers(9, 0), "low not above high"),
        (lambda: Numbers(0, float("inf")), "low not above high"),
        (lambda: Numbers("0", 9), "must be numbers"),
        (lambda: Numbers(0, 9, decimals=7), "decimals=7"),
        (lambda: Numbers(0, 300, dtype="int8"), "cannot hold numbers from 0 to 300"),
        (lambda: Numbers(0, 9, missing=True, dtype="int64"), "cannot be missing"),
        (lambda: Numbers(0, 9, dtype="whatever"), "is no dtype"),
        (lambda: Dates("2021-01-01", "2020-01-01"), "first not after last"),
        (lambda: Dates("soon", "2020-01-01"), "must be dates"),
        (lambda: Dates("2020-01-01", "2021-01-01", unit="week"), "must be one of D, h, min, s, us"),
        (lambda: Domain(["a"]), "takes a dict"),
        (lambda: Domain({"a": (0, 1)}), "declared as tuple"),
    ],
)
def test_what_declares_nothing_is_refused_in_one_line(make, why):
    with pytest.raises(ShdError, match=why) as error:
        make()
    assert "\n" not in str(error.value)


def test_a_domain_is_written_and_read_back():
    domain = Domain(
        {
            "sex": Levels(["f", "m"], other="x"),
            1: Numbers(0, 1.5, decimals=1, missing=True),
            "day": Dates("2020-01-01", "2020-12-31", unit="h", dtype="datetime64[us, UTC]"),
            "stay": Dates("0 days", "9 days", dtype="timedelta64[us]"),
        }
    )
    assert Domain.from_dict(domain.to_dict()) == domain


def test_two_domains_together():
    both = Domain({"a": Numbers(0, 1), "b": Numbers(0, 1)}) | Domain({"b": Levels(["x"])})
    assert both.columns == {"a": Numbers(0, 1), "b": Levels(["x"])}


def test_categories_count_as_declared_only_where_somebody_says_so():
    frame = pd.DataFrame({"a": pd.Categorical(["x"], ["x", "y"], ordered=True), "b": [True], "t": ["text"]})
    assert Domain.of(frame, ["a", "b"]).columns == {"a": Levels(["x", "y"], ordered=True), "b": Levels([False, True])}
    with pytest.raises(ShdError, match="read off the records"):
        Domain.of(shd.Dataset.from_frame(frame), ["t"])
    for column in ("t", "nope"):
        with pytest.raises(ShdError, match="has no categories"):
            Domain.of(frame, [column])


def test_the_domain_of_the_diabetes_table_is_declared_and_holds_the_stand_in():
    data = shd.load("diabetes", source="stand-in")
    assert list(data.domain.columns) and set(data.domain.columns) == set(data.frame.columns)
    train, holdout = data.split()
    assert train.domain is holdout.domain is data.domain
    for name, values in data.frame.items():
        declared = data.domain.columns[name]
        if isinstance(declared, Numbers):
            assert declared.low <= values.min() and values.max() <= declared.high
        else:
            assert set(values.dropna()) <= set(declared.levels)


def test_a_domain_is_read_from_a_file(tmp_path):
    path = tmp_path / "domain.json"
    path.write_text(
        '{"sex": {"levels": ["f", "m"]}, "age": {"low": 0, "high": 110}, '
        '"day": {"first": "2020-01-01", "last": "2020-12-31"}}'
    )
    expected = {"sex": Levels(["f", "m"]), "age": Numbers(0, 110), "day": Dates("2020-01-01", "2020-12-31")}
    assert Domain.read(path) == Domain(expected)
    for text in ("{", "[1]", '{"age": 3}', '{"age": {"high": 3}}', '{"age": {"low": 0, "highest": 3}}'):
        path.write_text(text)
        with pytest.raises(ShdError, match=r"domain.json: declares no columns. It should be like"):
            Domain.read(path)
    path.write_text('{"age": {"low": 9, "high": 3}}')
    with pytest.raises(ShdError, match="low not above high"):
        Domain.read(path)
    with pytest.raises(ShdError, match=r"nope.json: cannot be read"):
        Domain.read(tmp_path / "nope.json")
