import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from shd._errors import ShdError
from shd.compare import findings
from shd.compare.findings import cut, estimates, forest, lay_side_by_side, replicate, replication_rate
from shd.compare.findings.replication import expected_rate
from shd.dataset import Dataset


def shuffled(dataset: Dataset, seed: int = 9) -> Dataset:
    """Columns drawn alone, as `Marginals` does."""
    rng = np.random.default_rng(seed)
    return Dataset(dataset.frame.apply(rng.permutation), source="synthetic")


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


def test_a_table_replicates_itself_wholly_and_a_shuffled_one_hardly(made, known_findings):
    train = made(3000, 5)
    own = replicate(train, train, known_findings)
    assert own["counted"].tolist() == [True] * 5 + [False] * 2
    assert own["why not"].tolist()[5].startswith("train does not show it")
    assert own["why not"].tolist()[6] == "train: there is no column 'nobody has it'"
    assert replication_rate(own).value == 1
    assert own.loc[own["counted"], ["same sign", "same significance", "intervals overlap"]].all(axis=None)
    lost = replicate(train, shuffled(train), known_findings)
    assert replication_rate(lost).replicated == 1 and lost["replicated"].tolist()[4]  # a share is one column's


def test_links_that_are_not_there_are_not_found(made, known_findings):
    shown = estimates(made(3000, 6, linked=False), known_findings)["as expected"]
    assert shown.tolist() == [False] * 4 + [True] + [False] * 2


def test_estimates_of_a_table_and_of_its_variables_are_the_same(made, known_findings):
    table = made(1000, 7, people=300)
    found = estimates(table, known_findings)
    assert estimates(findings.Variables(table), known_findings).equals(found)
    assert estimates(table.frame, known_findings)["value"].equals(found["value"])  # each record its own subject
    assert (found["p"] > estimates(table.frame, known_findings)["p"]).any()


def test_the_other_table_is_cut_by_subject_with_a_seed(made, known_findings):
    table = made(1000, 6, people=500)
    part = cut(table, 501, 3)
    assert len(part) == 500  # whole patients of two stays
    assert (np.unique(part.subjects, return_counts=True)[1] == 2).all()
    assert part.subjects.tolist() == cut(table, 501, 3).subjects.tolist() != cut(table, 501, 4).subjects.tolist()
    assert cut(table, None) is cut(table, 5000) is table
    for records in (0, -5, "all", 1.5):
        with pytest.raises(ShdError, match="is no whole number from 1 on; leave it out"):
            replicate(table, table, known_findings, records=records)
    frame = replicate(table, table, known_findings, records=400)
    assert frame["other n"].max() <= 400 < frame["real n"].max()


def test_a_synthetic_table_that_lost_a_column_loses_its_findings(made, known_findings):
    train = made(3000, 5)
    poor = Dataset(train.frame.drop(columns="tired"))
    row = replicate(train, poor, known_findings).set_index("code").loc["T4"]
    assert row["why not"] == "there is no column 'tired'"
    assert row["counted"] and not row["replicated"]


@pytest.mark.parametrize("given", [None, findings, "strack", ["T1"]], ids=["none", "module", "text", "codes"])
def test_findings_are_given_as_a_list(made, given):
    with pytest.raises(ShdError, match="findings: give a list of findings, for example studies.FINDINGS"):
        estimates(made(50, 0), given)


def test_a_finding_expects_above_or_below(known_findings):
    with pytest.raises(ShdError, match="finding X: expected='up' is not one of above, below"):
        findings.declare("X", "l", "up", known_findings[0].estimate, "?", "e", theme="t", source="s")


def test_a_rate_is_taken_of_what_replicate_returns():
    with pytest.raises(ShdError, match=r"give what replicate\(\) returns"):
        replication_rate(pd.DataFrame({"a": [1]}))


def test_expected_rate_by_hand():
    real = pd.DataFrame({"as expected": [True, False], "p": [0.05, 0.9]})
    # as many records again: a finding at the border is found half of the time, and intervals nearly always overlap
    assert expected_rate(real, 1.0) == pytest.approx(0.5, abs=0.01)
    assert expected_rate(real.assign(p=1e-300), 0.25) == pytest.approx(0.992, abs=0.003)
    assert np.isnan(expected_rate(real.iloc[1:], 1.0))


@pytest.mark.parametrize("codes", [["T1", "T2", "T3", "T4", "T5", "T6"], ["T3"], ["T1"]])
def test_forest_draws_every_finding_with_words_for_its_fate(made, known_findings, tmp_path, codes):
    train = made(3000, 5)
    frame = replicate(train, shuffled(train), [one for one in known_findings if one.code in codes])
    figure = forest(frame, "real")
    assert isinstance(figure, Figure)
    labels = [label.get_text() for axes in figure.axes for label in axes.get_yticklabels()]
    assert sorted(labels) == sorted(frame["label"])
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert said.count("yes") == frame["replicated"].sum()
    assert said.count("no") == (frame["counted"] & ~frame["replicated"]).sum()
    counted = frame["counted"].sum()
    assert figure._suptitle.get_text().startswith(f"{frame['replicated'].sum()} of {counted} known findings")
    figure.savefig(tmp_path / "forest.png")
