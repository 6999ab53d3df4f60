import json

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare import compare
from shd.compare._schema import QUESTIONS, judge, worst
from shd.dataset import Dataset


def test_every_number_stands_between_floor_and_ceiling(fresh):
    assert fresh.scores.columns.tolist() == [
        "question", "metric", "value", "low", "high", "floor", "real reference", "better", "verdict", "sentence",
    ]  # fmt: skip
    numbers = fresh.scores[["value", "low", "high", "floor", "real reference"]]
    assert numbers.notna().all().all()
    assert (fresh.scores["low"] <= fresh.scores["value"]).all() and (
        fresh.scores["value"] <= fresh.scores["high"]
    ).all()
    assert set(fresh.scores["question"]) == {"fidelity", "utility", "privacy", "fairness"}
    assert fresh.skipped["what"].str.contains("odds ratios|missingness|singling out|k-map").all()


def test_the_best_and_the_floor_get_their_verdicts(fresh, scrambled):
    assert fresh.verdicts["utility"] != "red"  # 700 records: chance alone may make one of many scores amber
    assert {**fresh.verdicts, "utility": "green"} == dict.fromkeys(QUESTIONS, "green")
    assert scrambled.verdicts == {"fidelity": "red", "utility": "red", "privacy": "green", "fairness": "red"}


def test_identical_tables_are_the_same_in_everything(people):
    train = people(200, 1)
    report = compare(train, train)
    assert report.score("column distance").value == 0
    assert report.score("association error").value == pytest.approx(0, abs=1e-12)
    assert report.score("verbatim copies").value == 200


def test_the_same_seed_gives_the_same_digits(cohort, fresh):
    train, synthetic, holdout = cohort
    again = compare(train, synthetic, holdout=holdout)
    assert json.dumps(again.to_dict()) == json.dumps(fresh.to_dict())
    assert again.to_html() == fresh.to_html()


def test_without_a_holdout_it_says_what_cannot_be_judged(people):
    report = compare(people(200, 1), people(200, 2), target="sick")
    assert np.isnan(report.score("C2ST").ceiling or np.nan)
    assert report.score("DCR share") is None
    skipped = report.skipped.set_index("what")["why"]
    assert skipped["comparison with records never seen"].startswith("no holdout was given")
    assert skipped["membership inference"].startswith("takes a holdout")
    assert any("No holdout" in line for line in report.summary().splitlines())
    assert any(s.metric.startswith("TSTR") for s in report.results)


def test_without_a_target_utility_is_judged_by_prediction_alone(people):
    report = compare(people(100, 1), people(100, 2))
    assert report.utility.empty and "no target was named" in report.skipped["why"].to_string()
    assert report.verdicts["utility"] is not None


def test_a_stand_in_says_so(people):
    report = compare(Dataset(people(60, 1), source="stand-in"), people(60, 2), holdout=people(60, 3))
    assert "stand-in cohort, not real patients" in report.summary()
    assert "stand-in cohort, not real patients" in report.to_html()
    assert not report.scores["sentence"].str.contains("real records").any()


def test_subjects_on_both_sides_are_noticed(cohort):
    train, synthetic, _ = cohort
    report = compare(train, synthetic, holdout=train.take(np.arange(100)))
    (found,) = (finding for finding in report.findings if finding.code == "SHD001")
    assert found.level == "error" and "50 subjects" in found.sentence
    assert "SHD001: 50 subjects" in report.summary() and "50 subjects" in report.to_html()


def test_columns_that_cannot_be_compared_are_listed(people):
    train, synthetic = people(60, 1), people(60, 2)
    train = train.assign(only=1, n=1.0, infinite=np.where(np.arange(60) == 3, np.inf, 1))
    synthetic = synthetic.assign(n="text", infinite=1.0, other=2)
    report = compare(train, synthetic)
    skipped = report.skipped.set_index("what")["why"]
    assert "only in train" in skipped["'only'"] and "only in synthetic" in skipped["'other'"]
    assert "something else" in skipped["column n"] and "infinite" in skipped["column infinite"]


def test_free_text_is_left_out(people):
    train = people(300, 1).assign(id=[f"patient {i}" for i in range(300)])
    assert "identifier" in compare(train, train).skipped["why"].to_string()


AWKWARD = {
    "one row": pd.DataFrame({"a": [1], "b": ["x"]}),
    "one column": pd.DataFrame({"a": [1.0, 2.0, 3.0] * 20}),
    "constant": pd.DataFrame({"a": [1] * 50, "b": ["x"] * 50}),
    "all missing": pd.DataFrame({"a": [np.nan] * 50, "b": [None] * 50, "c": range(50)}),
    "types": pd.DataFrame(
        {
            "flag": pd.array([True, False, None, True, False] * 10, dtype="boolean"),
            "whole": pd.array([1, 2, None, 4, 5] * 10, dtype="Int64"),
            "date": pd.date_range("2020-01-01", periods=50, tz="UTC"),
            "span": pd.to_timedelta(range(50), unit="h"),
            "text": ["<b>&", "$x$", "名前", "_a", "b"] * 10,
            7: range(50),
        }
    ),
}


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("with_holdout", [False, True])
def test_awkward_tables_give_a_report(name, with_holdout):
    people = AWKWARD[name]
    report = compare(people, people, holdout=people if with_holdout else None, target=people.columns[0])
    assert report.score("column distance").value == 0
    json.dumps(report.to_dict(), allow_nan=False)
    assert "<b>&" not in report.to_html()
    assert len(report.summary().splitlines()) == 6
    assert report._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train.csv", AWKWARD["types"]), "train must be a Dataset"),
        ((AWKWARD["types"], None), "synthetic must be a Dataset"),
        ((AWKWARD["types"], AWKWARD["types"].iloc[:0]), "synthetic is empty"),
        ((AWKWARD["one row"], AWKWARD["types"]), "share no column"),
    ],
)
def test_bad_tables_are_refused(arguments, message):
    with pytest.raises(ShdError, match=message):
        compare(*arguments)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"holdout": 3}, "holdout must be a Dataset"),
        ({"target": "no such"}, "target='no such' is not a column"),
        ({"random_state": -1}, "random_state=-1"),
        ({"random_state": None}, "random_state=None"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ShdError, match=message):
        compare(AWKWARD["types"], AWKWARD["types"], **options)


@pytest.mark.parametrize(
    ("value", "interval", "verdict"),
    [
        (0.02, 0.001, "green"),  # beyond the ceiling
        (0.12, 0.001, "green"),  # nine tenths of the way from .5 to .1 and more
        (0.20, 0.001, "amber"),
        (0.30, 0.001, "red"),
        (0.20, 0.15, "green"),  # chance explains it
        (0.30, 0.30, "amber"),  # chance explains everything, the floor too
    ],
)
def test_verdicts(value, interval, verdict):
    assert judge(value, value - interval, value + interval, 0.5, 0.1, "lower") == verdict


def test_verdicts_where_the_floor_is_as_good_as_the_ceiling():
    assert judge(0.3, 0.29, 0.31, 0.1, 0.1, "lower") == "red"
    assert judge(0.105, 0.09, 0.12, 0.1, 0.1, "lower") == "green"


def test_a_question_is_as_good_as_its_worst_score():
    assert worst(["green", "red", "amber"]) == "red"
    assert worst([]) is None
