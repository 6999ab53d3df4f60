import json

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare import ask, compare
from shd.compare.core.score import CHAPTERS, between, worst
from shd.compare.core.tables import align
from shd.dataset import Dataset


def test_every_number_stands_between_floor_and_ceiling(fresh):
    assert fresh.scores.columns.tolist() == [
        "question", "metric", "value", "low", "high", "floor", "real reference", "better", "verdict", "sentence",
    ]  # fmt: skip
    numbers = fresh.scores[["value", "low", "high", "floor", "real reference"]]
    right = ~fresh.scores["metric"].isin(["variables off", "group C2ST"])  # of which independent columns are no floor
    assert numbers[right].drop(columns="floor").notna().all().all() and numbers["floor"].notna().mean() > 0.7
    assert (fresh.scores["low"] <= fresh.scores["value"]).all() and (
        fresh.scores["value"] <= fresh.scores["high"]
    ).all()
    assert set(fresh.scores["question"]) == {"fidelity", "utility", "privacy", "fairness"}
    needs = "odds ratios|missingness|singling out|k-map|hits at 0.1 %|from the model|rare levels"  # more, or a model
    assert fresh.skipped["what"].str.contains(needs).all()


def test_the_best_and_the_floor_get_their_verdicts(fresh, scrambled):
    assert fresh.verdicts["utility"] != "red"  # 700 records: chance alone may make one of many scores amber
    assert {**fresh.verdicts, "utility": "green"} == dict.fromkeys(CHAPTERS, "green")
    # sex goes with nothing in the real records: there is no link to lose that one sex would suffer from
    assert scrambled.verdicts == {"fidelity": "red", "utility": "red", "privacy": "green", "fairness": "green"}


def test_identical_tables_are_the_same_in_everything(people):
    train = people(200, 1)
    report = compare(train, train)
    assert report.score("column distance").value == 0
    assert report.score("association error").value == pytest.approx(0, abs=1e-12)
    assert report.score("verbatim copies").value == 200


@pytest.mark.slow
def test_the_same_seed_gives_the_same_digits(people):
    tables = [people(150, seed) for seed in (1, 2, 3)]
    first, again = (compare(*tables[:2], holdout=tables[2], target="sick") for _ in range(2))
    assert json.dumps(again.to_dict()) == json.dumps(first.to_dict())
    assert again.to_html() == first.to_html()


def test_without_a_holdout_it_says_what_cannot_be_judged(people):
    report = compare(people(200, 1), people(200, 2), target="sick")
    assert np.isnan(report.score("C2ST").ceiling or np.nan)
    assert report.score("DCR share") is None
    skipped = report.skipped.set_index("what")["why"]
    assert skipped["comparison with people never seen"].startswith("no holdout was given")
    assert skipped["membership inference"].startswith("takes a holdout")
    assert any("No holdout" in line for line in report.summary().splitlines())
    assert any(s.metric.startswith("TSTR") for s in report.results)


def test_without_a_target_utility_is_judged_by_prediction_alone(people):
    report = compare(people(100, 1), people(100, 2))
    assert "utility" not in report.result.tables and "no target was named" in report.skipped["why"].to_string()
    assert report.verdicts["utility"] is not None


def test_a_stand_in_says_so(people):
    report = compare(Dataset(people(60, 1), source="stand-in"), people(60, 2), holdout=people(60, 3))
    assert "stand-in cohort, not real patients" in report.summary()
    assert "stand-in cohort, not real patients" in report.to_html()
    assert not report.scores["sentence"].str.contains("real records").any()


def test_subjects_on_both_sides_are_noticed(people):
    train = Dataset(people(120, 1), subjects=np.arange(120) // 2)
    report = compare(train, people(60, 2), holdout=train.take(np.arange(100)), level="quick")
    (found,) = (finding for finding in report.findings if finding.code == "SHD001")
    assert found.level == "error" and "50 subjects" in found.sentence
    assert "SHD001: 50 subjects" in report.summary() and "50 subjects" in report.to_html()


def test_columns_that_cannot_be_compared_are_listed(people):
    train, synthetic = people(60, 1), people(60, 2)
    train = train.assign(only=1, n=1.0, infinite=np.where(np.arange(60) == 3, np.inf, 1))
    synthetic = synthetic.assign(n="text", infinite=1.0, other=2)
    report = compare(train, synthetic)
    skipped = report.skipped.set_index("what")["why"]
    assert skipped["column only"] == "only in train" and skipped["column other"] == "only in synthetic"
    assert "something else" in skipped["column n"] and "infinite" in skipped["column infinite"]


def test_every_column_that_is_not_shared_is_listed_once(people):
    more = {f"extra{k}": 1 for k in range(8)}
    report = compare(people(60, 1).assign(**more), people(60, 2), holdout=people(60, 3).assign(extra0=2), level="quick")
    why = report.skipped.set_index("what")["why"]
    assert why["column extra0"] == "not in synthetic" and why["column extra7"] == "only in train"
    assert report.table("trust").set_index("column").loc[list(more), "verdict"].tolist() == ["grey"] * 8
    assert report.table("trust")["column"].is_unique
    page = report.to_html()  # a page says it shorter
    assert "7 columns (&#39;extra1&#39;, &#39;extra2&#39;" in page and "and 2 more)" in page


def test_numbers_too_large_to_compute_with_are_missing(people):
    tables = [people(60, k).assign(vast=[1.7e308, -1.7e308, 1.0] * 20) for k in (1, 2, 3)]
    report = compare(tables[0], tables[1], holdout=tables[2], target="sick", level="quick")
    assert report.skipped.set_index("what")["why"]["column vast"].startswith("120 infinite values (or beyond 1e+100)")
    assert report.to_html() and "vast" in report.table("columns")["column"].tolist()


def test_free_text_is_left_out(people):
    train = people(300, 1).assign(id=[f"patient {i}" for i in range(300)])
    assert "identifies people" in compare(train, train, level="quick").skipped["why"].to_string()


def test_text_of_few_people_is_left_out_too(people):
    names = [f"Person {i}" for i in range(150)]
    skipped = compare(people(150, 1).assign(who=names), people(150, 2).assign(who="x"), level="quick").skipped
    assert "150 different entries" in skipped.set_index("what")["why"]["column who"]
    often = people(900, 1).assign(who=np.repeat([f"Person {i}" for i in range(300)], 3))  # three visits each
    assert "column who" in compare(often, people(300, 2).assign(who="x"), level="quick").skipped["what"].tolist()


def test_entries_of_people_are_left_out_however_often_they_come(people):
    who = np.arange(900) // 10  # ninety people, ten stays each
    train = people(900, 1).assign(name=[f"Person {k}" for k in who], ward=[f"Ward {k % 15}" for k in who])
    made = people(300, 2).assign(name="x", ward="Ward 1")
    _, skipped = align(Dataset(train, subjects=who), made)
    assert [note.what for note in skipped] == ["column name"]
    assert align(train, made)[1] == []  # ten records a level: without subjects nobody can tell


@pytest.mark.parametrize(("n", "distinct", "left_out"), [(31, 27, True), (22, 19, False), (40, 30, True)])
def test_text_that_is_missing_in_some_rows_makes_no_trouble(people, n, distinct, left_out):
    who = [f"p{k}" for k in range(distinct)] + [f"p{k}" for k in range(n - 1 - distinct)] + [None]
    report = compare(people(n, 1).assign(who=who), people(n, 2).assign(who="x"), level="quick")
    assert ("column who" in report.skipped["what"].tolist()) == left_out  # from twenty entries on


def test_rare_levels_are_not_named_in_what_is_handed_on(people):
    train = people(300, 1).assign(place=["Ostrava"] * 3 + ["Brno"] * 297)
    report = compare(train, people(300, 2).assign(place="Brno"), level="quick")
    assert "Ostrava" in report.result.tables["distributions"]["label"].tolist()
    assert "Ostrava" not in report.without_persons().result.tables["distributions"]["label"].tolist()
    assert "Brno" in report.without_persons().result.tables["distributions"]["label"].tolist()


@pytest.mark.parametrize("column", ["name", "target", "sensitive", "images"])
def test_columns_may_be_called_as_roles_are(people, column):
    train, synthetic, holdout = (people(120, seed).rename(columns={"sex": column}) for seed in (1, 2, 3))
    report = compare(train, synthetic, holdout=holdout, target="sick", level="quick")
    assert column in report.table("columns")["column"].tolist()


def test_a_sensitive_column_that_is_not_shared_is_listed(people):
    train = Dataset(people(120, 1), target="sick", sensitive=("sex", "pills"))
    report = compare(train, people(120, 2).drop(columns="pills"), level="quick")
    why = report.skipped.set_index("what")["why"]
    assert why["fairness by pills"] == "it is declared sensitive, but was not compared: only in train"
    alone = compare(Dataset(people(120, 1), sensitive=("pills",)), people(120, 2).drop(columns="pills"), level="quick")
    why = alone.skipped.set_index("what")["why"]["groups of people"]
    assert why == "none of the sensitive columns was compared: 'pills'"


def test_a_declared_target_that_is_not_shared_is_not_denied(people):
    report = compare(Dataset(people(120, 1), target="sick"), people(120, 2).drop(columns="sick"), level="quick")
    why = report.skipped.set_index("what")["why"]
    assert why["target sick"] == "it is declared, but was not compared: only in train"
    assert why["TRTR, TSTR, TSTS, TRTS"] == "the target sick was not compared: only in train"
    assert not report.skipped["why"].str.startswith("no target was named").any()


def test_only_one_side_names_subjects(people):
    train = Dataset(people(60, 1), subjects=np.arange(60) // 2)
    report = compare(train, people(60, 2), holdout=people(60, 3), level="quick")
    why = report.skipped.set_index("what")["why"]["people on both sides of the split"]
    assert why == "holdout names no subjects"


def test_units_do_not_matter(people):
    tables = [people(300, seed) for seed in (1, 2, 3)]
    small = [table.assign(blood=table["blood"] * 1e-9) for table in tables]
    gain = "few real records and synthetic ones"
    ours, same = (
        ask(gain, *t[:2], holdout=t[2], target="blood").score("augmentation gain").value for t in (tables, small)
    )
    assert same == pytest.approx(ours, abs=0.02)
    tiny = [table.head(100) for table in small]
    scores = compare(*tiny[:2], holdout=tiny[2], target="blood", level="quick").scores
    assert "TSTR R2: blood" in scores["metric"].tolist() and scores["value"].notna().all()


@pytest.mark.parametrize("cell", [[1], {"a": 1}, np.zeros(2)])
def test_nested_cells_are_refused(people, cell):
    nested = people(60, 1).assign(odd=[cell] * 59 + [None])
    with pytest.raises(ShdError, match="column 'odd' holds lists"):
        compare(people(60, 1).assign(odd=1), nested)


def test_a_target_that_identifies_people_is_refused_for_what_it_is(people):
    tables = [people(60, k).assign(who=[f"p{k}" for k in range(60)]) for k in (1, 2)]
    with pytest.raises(ShdError, match="'who' was not compared: identifies people: name"):
        compare(*tables, target="who")


def test_a_table_with_an_unnamed_column_is_refused(people):
    table = people(60, 1).rename(columns={"sex": np.nan})
    with pytest.raises(ShdError, match="a column without a name"):
        compare(table, table)


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


@pytest.mark.slow
def test_five_hundred_columns_give_a_report():
    tables = [pd.DataFrame(np.random.default_rng(seed).integers(0, 9, (50, 500))).add_prefix("c") for seed in range(3)]
    report = compare(tables[0], tables[1], holdout=tables[2], target="c0", level="quick")
    assert len(report.table("columns")) == len(report.table("trust")) == 500
    assert {question for question, verdict in report.verdicts.items() if verdict} == {"fidelity", "utility", "privacy"}
    assert len(report.to_html()) < 5e6


@pytest.mark.parametrize("level", ["quick", "full"])
def test_levels_that_train_never_had(people, level):
    train, synthetic, holdout = (people(200, seed) for seed in (1, 2, 3))
    strange = synthetic.copy()
    strange["sick"] = "perhaps"
    strange.loc[:99, "sick"] = "yes"
    report = compare(train, strange, holdout=holdout, target="sick", level=level)
    json.dumps(report.to_dict(), allow_nan=False)
    column = report.table("columns").set_index("column").loc["sick"]
    assert column["verdict"] == "red" and column["distance"] >= 0.5
    assert report.table("trust").set_index("column").loc["sick", "verdict"] == "red"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train.csv", AWKWARD["types"]), "train must be a Dataset"),
        ((AWKWARD["types"], None), "synthetic must be a Dataset"),
        ((AWKWARD["types"], AWKWARD["types"].iloc[:0]), "synthetic is empty"),
        ((AWKWARD["one row"], AWKWARD["types"]), "share no column"),
        ((AWKWARD["types"].set_axis(list("aabcde"), axis=1), AWKWARD["types"]), "column 'a' more than once"),
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


def judge(*numbers, scores=1):
    value, low, high, floor, ceiling, better = numbers
    return between(floor, ceiling, better).verdict(value, low, high, scores)


@pytest.mark.parametrize(
    ("value", "interval", "verdict"),
    [
        (0.02, 0.001, "green"),  # beyond the ceiling
        (0.12, 0.001, "green"),  # nine tenths of the way from .5 to .1 and more
        (0.20, 0.001, "amber"),
        (0.30, 0.001, "red"),
        (0.20, 0.15, "green"),  # chance explains it
        (0.30, 0.30, "grey"),  # chance explains everything, the floor too
    ],
)
def test_verdicts(value, interval, verdict):
    assert judge(value, value - interval, value + interval, 0.5, 0.1, "lower") == verdict


def test_chance_is_judged_for_a_dozen_scores_at_once():
    rng = np.random.default_rng(0)
    value, error = 0.1 + rng.normal(0, 0.05, (1000, 12)), 0.05
    low, high = value - 1.96 * error, value + 1.96 * error
    rows = [zip(*row, strict=True) for row in zip(value, low, high, strict=True)]
    green = [[judge(*numbers, 0.5, 0.1, "lower", scores=12) == "green" for numbers in row] for row in rows]
    assert np.all(green, axis=1).mean() > 0.95  # fresh samples, twelve scores each


def test_verdicts_where_the_floor_is_as_good_as_the_ceiling():
    assert judge(0.3, 0.29, 0.31, 0.1, 0.1, "lower") == "red"
    assert judge(0.105, 0.09, 0.12, 0.1, 0.1, "lower") == "grey"


def test_a_question_is_as_good_as_its_worst_score():
    assert worst(["green", "red", "amber"]) == "red"
    assert worst([]) is None
