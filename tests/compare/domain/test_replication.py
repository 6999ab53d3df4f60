import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from shd._errors import ShdError
from shd.compare.domain import estimates, findings_for, forest, replicate, replication_rate
from shd.compare.domain.replication import cut, expected_rate, lay_side_by_side, measure
from shd.dataset import Dataset


def shuffled(dataset: Dataset, seed: int = 9) -> Dataset:
    """Columns drawn alone, as `Marginals` does."""
    rng = np.random.default_rng(seed)
    frame = dataset.frame.apply(lambda column: column.iloc[rng.permutation(len(column))].to_numpy())
    return Dataset(frame.astype(dataset.frame.dtypes), source="synthetic", name=dataset.name)


def side(**numbers) -> pd.DataFrame:
    about = {"code": "X", "theme": "t", "label": "l", "question": "q?", "expected": "above", "scale": "ratio"}
    row = {"null": 1.0, "n": 100, "as expected": True, "why not": ""} | numbers
    return pd.DataFrame([about | row])


NOTHING = dict.fromkeys(("value", "low", "high", "p"), np.nan)
SHOWN = side(value=2.0, low=1.5, high=2.6, p=0.001)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (side(value=1.9, low=1.4, high=2.5, p=0.001), ""),
        (side(value=0.5, low=0.4, high=0.6, p=0.001), "points the other way"),
        (side(value=1.2, low=0.9, high=1.6, p=0.2), "not significant (p = 0.2)"),
        (side(value=1.2, low=1.1, high=1.3, p=0.001), "the intervals do not overlap"),
        (side(**NOTHING, **{"why not": "too few"}), "too few"),
    ],
)
def test_a_finding_is_replicated_on_the_same_side_significant_and_near(other, why):
    row = lay_side_by_side(SHOWN, other).iloc[0]
    assert row["counted"]
    assert row["replicated"] == (why == "")
    assert row["why not"] == why


@pytest.mark.parametrize(
    ("real", "why"),
    [
        (side(value=1.1, low=0.9, high=1.3, p=0.3, **{"as expected": False}), "train does not show it (p = 0.3)"),
        (side(value=0.5, low=0.4, high=0.6, p=0.001, **{"as expected": False}), "train shows the opposite"),
        (side(**NOTHING, **{"as expected": False, "why not": "few"}), "train: few"),
    ],
)
def test_what_train_does_not_show_is_listed_but_not_counted(real, why):
    frame = lay_side_by_side(real, SHOWN)
    assert not frame["counted"].any() and not frame["replicated"].any()
    assert frame["why not"].item() == why
    with pytest.raises(ShdError, match="train shows none"):
        replication_rate(frame)


def test_rate_and_wilson_s_interval_by_hand():
    rate = replication_rate(pd.DataFrame({"counted": [True] * 10 + [False], "replicated": [True] * 8 + [False] * 3}))
    z, p, n = 1.959964, 0.8, 10
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert (rate.replicated, rate.counted, rate.value) == (8, 10, 0.8)
    assert rate.low == pytest.approx((middle - half) / (1 + z**2 / n))
    assert rate.high == pytest.approx((middle + half) / (1 + z**2 / n))


def test_a_table_replicates_itself_wholly_and_a_shuffled_one_hardly(study):
    train = study(6000, 5)
    own = replicate(train, train)
    assert replication_rate(own).value == 1
    assert (own.loc[own["counted"], ["same sign", "same significance", "intervals overlap"]]).all().all()
    frame = replicate(train, shuffled(train))
    lost = frame[frame["counted"] & ~frame["replicated"]]
    assert replication_rate(frame).value < 0.4
    assert {"DF21", "DF31", "DF33"} <= set(lost["code"])
    assert list(frame["code"]) == [finding.code for finding in findings_for("diabetes_cohort")]


def test_the_other_table_is_cut_by_subject_with_a_seed(challenge):
    table = challenge(1000, 6)
    part = cut(table, 501, 3)
    assert len(part) == 500  # whole patients of two stays
    assert (np.unique(part.subjects, return_counts=True)[1] == 2).all()
    assert part.subjects.tolist() == cut(table, 501, 3).subjects.tolist() != cut(table, 501, 4).subjects.tolist()
    assert cut(table, None) is cut(table, 5000) is table
    with pytest.raises(ShdError, match="records=0 is no whole number from 1 on"):
        cut(table, 0)
    frame = replicate(table, table, records=400)
    assert frame["other n"].max() <= 400 < frame["real n"].max()


def test_findings_have_to_be_declared(study):
    strange = Dataset(study(200).frame, name="table")
    with pytest.raises(ShdError, match="no findings are declared for 'table'"):
        estimates(strange)
    with pytest.raises(ShdError, match="no findings are declared"):
        replicate(strange, strange)
    some = findings_for("diabetes")[13:15]
    assert len(estimates(strange, some)) == 2
    assert findings_for("table") == ()


def test_measure_lies_between_floor_and_ceiling(study):
    train, holdout = study(6000, 5), study(3000, 7)
    given = {"train": train, "synthetic": study(3500, 8), "holdout": holdout}
    answer = measure(given, shuffled(train), "real", 0)
    (score,) = answer.scores
    assert (score.question, score.metric, score.better, score.digits) == ("utility", "replication rate", "higher", 2)
    assert 0 <= score.floor < 0.5 < score.value <= 1 and score.ceiling > 0.5
    assert score.low <= score.value <= score.high
    assert "3,000 synthetic ones replicate" in score.sentence
    frame = answer.tables["findings"]
    assert {"synthetic", "synthetic low", "replicated by holdout", "replicated by floor"} <= set(frame.columns)
    assert frame["synthetic n"].max() == 3000
    again = measure(given, shuffled(train), "real", 0)
    pd.testing.assert_frame_equal(frame, again.tables["findings"])


def test_measure_without_holdout_judges_by_what_chance_allows(challenge):
    train = challenge(6000, 5)
    answer = measure({"train": train, "synthetic": challenge(6000, 6)}, shuffled(train), "stand-in", 1)
    (score,) = answer.scores
    assert score.ceiling is None
    assert "is to be expected of so many" in score.sentence and "stand-in records show" in score.sentence
    (note,) = answer.skipped
    assert note.what.startswith("33 of 72 known findings (DF03") and "there is no column 'discharged'" in note.why


def test_a_shuffled_table_is_red(study):
    train = study(6000, 5)
    given = {"train": train, "synthetic": shuffled(train, 1), "holdout": study(6000, 7)}
    assert measure(given, shuffled(train, 2), "real").scores[0].verdict == "red"


def test_measure_is_silent_where_nothing_is_known(study):
    other = Dataset(study(100).frame, name="table")
    empty = measure({"train": other, "synthetic": other}, other, "real")
    assert not empty.scores and not empty.tables and not empty.skipped
    few = study(40)
    answer = measure({"train": few, "synthetic": few}, few, "real")
    assert not answer.scores or answer.scores[0].value <= 1  # forty records end without an error


def test_a_synthetic_table_that_lost_a_column_loses_its_findings(study):
    train = study(6000, 5)
    poor = Dataset(train.frame.drop(columns="insulin"), name=train.name)
    frame = replicate(train, poor).set_index("code")
    assert frame.loc["DF51", "why not"] == "there is no column 'insulin'"
    assert frame.loc["DF51", "counted"] and not frame.loc["DF51", "replicated"]


def test_expected_rate_by_hand():
    real = pd.DataFrame({"as expected": [True, False], "p": [0.05, 0.9]})
    # as many records again: a finding at the border is found half of the time, and intervals nearly always overlap
    assert expected_rate(real, 1.0) == pytest.approx(0.5, abs=0.01)
    assert expected_rate(real.assign(p=1e-300), 0.25) == pytest.approx(0.992, abs=0.003)
    assert np.isnan(expected_rate(real.iloc[1:], 1.0))


@pytest.mark.filterwarnings("error")
def test_forest_draws_every_finding_with_words_for_its_fate(study, tmp_path):
    train = study(3000, 5)
    frame = replicate(train, shuffled(train))
    figure = forest(frame, "real")
    assert isinstance(figure, Figure)
    labels = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert sorted(labels) == sorted(frame.loc[frame["scale"] != "", "label"])
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert said.count("yes") == frame["replicated"].sum()
    assert said.count("no") == (frame["counted"] & ~frame["replicated"]).sum()
    counted = frame["counted"].sum()
    assert figure._suptitle.get_text().startswith(f"{frame['replicated'].sum()} of {counted} known findings")
    figure.savefig(tmp_path / "forest.png")


def test_forest_of_few_findings_and_of_one_scale(study, tmp_path):
    train = study(3000, 5)
    for codes in (["DF31"], ["DF21"], ["DF21", "DF31", "DF07"]):
        some = [f for f in findings_for(train.name) if f.code in codes]
        forest(replicate(train, train, some), "stand-in").savefig(tmp_path / "few.png")
