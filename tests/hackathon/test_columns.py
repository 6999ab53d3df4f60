import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shd.dataset import Dataset
from shd.domain import Domain, Numbers
from shd.hackathon.columns import expected, judge, match_names
from shd.hackathon.submission import match_ids


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
