from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import recall_score

from shd.compare.ask import ask as ask_one
from shd.compare.core.chance import generator
from shd.compare.core.sides import look
from shd.compare.core.tables import align
from shd.compare.core.tasks import Task
from shd.compare.fairness import groups as _groups
from shd.compare.fairness import models as _group_models
from shd.compare.fairness.distances import GroupDistance
from shd.compare.fairness.groups_of_people import measure
from shd.compare.fairness.models import ODDS, PARITY
from shd.dataset import Dataset

METRICS = {
    "group shares", "group fidelity", "group utility", "equalised odds difference", "demographic parity difference",
    "group DCR share", "group C2ST",
}  # fmt: skip

_WITHOUT_TARGET = {"group shares", "group fidelity", "group C2ST", "group DCR share"}


def ask(train, synthetic, holdout, sensitive=("sex",), target="sick", level="full"):
    train = Dataset(train, target=target, sensitive=sensitive)
    return ask_one("groups of people", train, synthetic, holdout=holdout, target=target, level=level)


def found(answer, metric):
    return next(score for score in answer.scores if score.metric == metric)


@pytest.fixture(scope="module")
def tables(people):
    return people(1500, 1), people(1500, 2), people(1500, 3)


@pytest.fixture(scope="module")
def clean(tables):
    return ask(*tables)


# --- measures by hand


def test_group_shares_by_hand():
    train = pd.DataFrame({"sex": ["f"] * 200 + ["m"] * 200})
    synthetic = pd.DataFrame({"sex": ["f"] * 30 + ["m"] * 10})
    frame = ask(train, synthetic, None, target=None).table("fairness")
    assert frame["share train"].tolist() == [0.5, 0.5] and frame["share synthetic"].tolist() == [0.75, 0.25]


def test_group_distances_by_hand():
    def side(f_yes, m_yes):
        return pd.DataFrame(
            {
                "sex": ["f"] * 100 + ["m"] * 100,
                "sick": ["yes"] * f_yes + ["no"] * (100 - f_yes) + ["yes"] * m_yes + ["no"] * (100 - m_yes),
            }
        )

    frame = ask(side(50, 20), side(80, 20), side(60, 20), target=None).table("fairness")
    assert frame["fidelity"].tolist() == pytest.approx([0.3, 0.0])
    assert frame["fidelity reference"].tolist() == pytest.approx([0.1, 0.0])


def test_the_gap_of_a_distance_leaves_chance_out():
    inside = {"synthetic": np.array([0.30]), "holdout": np.array([0.10])}
    outside = {"synthetic": np.array([0.20]), "holdout": np.array([0.15])}
    distance = GroupDistance(inside, outside)
    assert distance.gap("synthetic") == pytest.approx(0.2 - 0.05)  # beyond held-out people, here and among all
    alone = GroupDistance({"synthetic": np.array([0.30])}, {"synthetic": np.array([0.20])})
    assert alone.gap("synthetic") == pytest.approx(0.1) and np.isnan(alone.reference)


def test_group_dcr_shares_by_hand():
    n = 120
    numbers = np.arange(2.0 * n)
    train = pd.DataFrame({"sex": ["f"] * n + ["m"] * n, "x": numbers})
    holdout = pd.DataFrame({"sex": ["f"] * n + ["m"] * n, "x": numbers + 0.5})
    synthetic = train.copy()
    synthetic.loc[n:, "x"] += 0.5  # women are copied from train, men from the holdout
    frame = ask(train, synthetic, holdout, target=None).table("fairness")
    assert frame["DCR share"].tolist() == [1.0, 0.0]


def models_by_hand() -> _group_models.GroupModels:
    # of each sex 6 with and 6 without: women are found 4 of 6 and flagged 1 of 6, men 2 of 6 and 2 of 6
    sick = [1] * 6 + [0] * 6
    frame = pd.DataFrame({"sex": ["f"] * 12 + ["m"] * 12, "sick": sick * 2})
    (test,), _ = align(frame)
    groups = [_groups.Group("sex", label, 0, code, code) for code, label in enumerate("fm")]
    chance = np.array([0.9] * 4 + [0.1] * 2 + [0.8] + [0.2] * 5 + [0.7] * 2 + [0.1] * 4 + [0.7] * 2 + [0.1] * 4)
    weights = np.ones((1, 24))
    task = Task("sick", 1.0, "1")
    return _group_models.GroupModels(task, groups, test, {"TRTR": chance, "TSTR": 1 - chance}, 9 / 24, weights)


def test_odds_by_hand():
    models = models_by_hand()
    assert models.flagged["TRTR"].sum() == 9
    row = _group_models._differences_frame(models).iloc[0]
    assert row["equalised odds difference"] == pytest.approx(4 / 6 - 2 / 6)
    assert row["demographic parity difference"] == pytest.approx(5 / 12 - 4 / 12)
    frame = _group_models._rates_frame(models)
    assert frame.loc[frame["design"] == "TRTR", "FPR"].tolist() == pytest.approx([1 / 6, 2 / 6])


def test_rates_are_those_of_scikit_learn_also_when_drawn_again():
    rng = np.random.default_rng(0)
    n = 600
    frame = pd.DataFrame({"sex": rng.choice(list("fm"), n), "sick": rng.integers(0, 2, n)})
    (test,), _ = align(frame)
    groups = [_groups.Group("sex", label, 0, code, code) for code, label in enumerate("fm")]
    drawn = generator(0, "weights").multinomial(n, np.full(n, 1 / n), size=3)
    weights = np.vstack([np.ones(n), drawn]).astype(float)
    models = _group_models.GroupModels(Task("sick", 1.0, "1"), groups, test, {"TRTR": rng.random(n)}, 0.3, weights)
    flagged, differences = models.flagged["TRTR"], models.differences("TRTR")
    for k, weight in enumerate(weights):
        of_sex = [frame["sex"] == sex for sex in "fm"]
        tpr, fpr = (
            [recall_score(truth[own], flag[own], sample_weight=weight[own]) for own in of_sex]
            for truth, flag in ((frame["sick"] == 1, flagged), (frame["sick"] == 0, flagged))
        )
        share = [np.average(flagged[own], weights=weight[own]) for own in of_sex]
        assert differences[ODDS][k, 0] == pytest.approx(max(np.ptp(tpr), np.ptp(fpr)))
        assert differences[PARITY][k, 0] == pytest.approx(np.ptp(share))


# --- measure: known answers


def _shuffled(frame: pd.DataFrame, sex: str) -> pd.DataFrame:
    """Give the people of a group each other's target."""
    frame, own = frame.copy(), (frame["sex"] == sex).to_numpy()
    labels = frame["sick"].to_numpy(object)
    labels[own] = np.random.default_rng(0).permutation(labels[own])
    return frame.assign(sick=pd.Categorical(labels))


def test_a_fresh_sample_is_green(clean):
    assert {score.metric for score in clean.scores} == METRICS
    assert [score.metric for score in clean.scores if score.verdict in ("amber", "red")] == []
    assert clean.skipped == ()
    frame = clean.tables["fairness"]
    assert frame["group"].tolist() == ["f", "m"] and (frame["verdict"] == "green").all()
    assert {"records train", "records synthetic", "share train", "share synthetic", "fidelity", "fidelity reference",
            "TRTR", "TSTR", "low", "high", "DCR share"} <= set(frame)  # fmt: skip


def test_intervals_and_references(clean):
    for score in clean.scores:
        assert score.question == "fairness" and score.low <= score.value <= score.high
        assert np.isfinite([end for end in (score.floor, score.ceiling) if end is not None]).all()
        assert "sex" in score.sentence and "None" not in score.sentence


def test_shuffled_labels_of_one_group(tables):
    train, synthetic, holdout = tables
    answer = ask(train, _shuffled(synthetic, "f"), holdout)
    own = answer.table("fairness")
    assert own["TSTR"][0] < 0.7 < 0.8 < own["TSTR"][1]
    assert (own["low"] <= own["TSTR"]).all() and (own["TSTR"] <= own["high"]).all()
    score = found(answer, "group utility")
    assert score.verdict == "red" and "sex = f" in score.sentence and score.value > 0.05
    frame = answer.tables["fairness"].set_index("group")
    assert frame.loc["f", "verdict"] == "red" and frame.loc["m", "verdict"] == "green"
    assert {found(answer, name).verdict for name in ("group shares", "group fidelity")} <= {"green", "grey"}


def test_a_group_of_noise(tables):
    train, synthetic, holdout = tables
    rng, own = np.random.default_rng(0), synthetic["sex"] == "m"
    noise = synthetic.copy()
    noise.loc[own, "pills"] = rng.choice(["none", "some", "many"], own.sum(), p=[0.1, 0.1, 0.8])
    noise.loc[own, "age"] = rng.uniform(20, 100, own.sum()).round()
    answer = ask(train, noise, holdout)
    score = found(answer, "group fidelity")
    assert score.verdict == "red" and "sex = m" in score.sentence
    assert found(answer, "group shares").verdict in ("green", "grey")


def test_a_missing_group(tables):
    train, synthetic, holdout = tables
    answer = ask(train, synthetic[synthetic["sex"] == "f"], holdout)
    score = found(answer, "group shares")
    assert score.verdict == "red"
    gap = answer.tables["group gaps"].set_index(["measure", "group"]).loc[("group shares", "m")]
    assert gap["value"] == 1 and gap["low"] > 0.9 and gap["verdict"] == "red"
    assert any("sex = m" in note.what for note in answer.skipped)


def test_half_of_a_group(tables):
    train, synthetic, holdout = tables
    keep = (synthetic["sex"] == "f") | (np.arange(len(synthetic)) % 2 == 0)
    score = found(ask(train, synthetic[keep], holdout), "group shares")
    assert score.verdict == "red" and score.value == pytest.approx(1 / 3, abs=0.1)


def test_bias_that_real_records_do_not_have(tables):
    train, synthetic, holdout = tables
    biased = synthetic.copy()
    biased.loc[biased["sex"] == "f", "sick"] = "no"
    answer = ask(train, biased, holdout)
    for metric in ("equalised odds difference", "demographic parity difference"):
        score = found(answer, metric)
        assert score.verdict == "red" and score.low > 0.1 and "groups of sex" in score.sentence
    rates = answer.tables["group rates"].set_index(["design", "group"])["selection rate"]
    assert abs(rates["TSTR", "f"] - rates["TSTR", "m"]) > 0.2
    assert abs(rates["TRTR", "f"] - rates["TRTR", "m"]) < 0.1


def test_who_carries_the_risk(tables):
    train, synthetic, holdout = tables
    copied = pd.concat([train[train["sex"] == "m"], synthetic[synthetic["sex"] == "f"]])
    score = found(ask(train, copied, holdout), "group DCR share")
    assert score.verdict == "red" and "sex = m" in score.sentence and score.value > 0.8
    assert "no guarantee" in score.sentence


def test_the_same_inputs_give_the_same_numbers(tables, clean):
    again = ask(*tables)
    assert [(s.value, s.low, s.high) for s in again.scores] == [(s.value, s.low, s.high) for s in clean.scores]
    for name, frame in clean.tables.items():
        pd.testing.assert_frame_equal(frame, again.tables[name])


# --- what is lacking


def test_no_sensitive_column_says_how_to_declare_one(tables):
    answer = ask(*tables, sensitive=())
    assert answer.scores == () and 'sensitive=("sex",)' in answer.skipped[-1].why


def test_without_a_holdout(tables):
    answer = ask(*tables[:2], None)
    assert {score.metric for score in answer.scores} == METRICS - {"group DCR share"}
    assert found(answer, "group shares").ceiling is None and found(answer, "group fidelity").ceiling is None
    assert any(note.what == "group DCR share" for note in answer.skipped)


def test_without_a_target(tables):
    answer = ask(*tables, target=None)
    assert {score.metric for score in answer.scores} == _WITHOUT_TARGET


def test_a_numeric_target_has_no_odds(tables):
    answer = ask(*tables, target="blood")
    assert "R2" in found(answer, "group utility").sentence
    assert any("is a number" in note.why for note in answer.skipped)
    assert "equalised odds difference" not in {score.metric for score in answer.scores}


def test_a_sensitive_target_is_not_predicted(tables):
    answer = ask(*tables, target="sex")
    assert {score.metric for score in answer.scores} == _WITHOUT_TARGET
    assert any(note.what.startswith("utility") for note in answer.skipped)


def odd_tables():
    rng = np.random.default_rng(0)
    n = 300
    sex = rng.choice(["f", "m"], n)
    yield "one row", pd.DataFrame({"sex": ["f"], "sick": ["no"]})
    yield "one column", pd.DataFrame({"sex": sex})
    yield "constant", pd.DataFrame({"sex": sex, "x": 1, "sick": "no"})
    yield "missing", pd.DataFrame({"sex": sex, "x": np.full(n, np.nan), "sick": rng.choice(["no", "yes"], n)})
    yield "ages", pd.DataFrame({"sex": rng.normal(50, 10, n), "x": rng.normal(size=n), "sick": sex})
    yield "no missing age", pd.DataFrame({"sex": np.where(rng.random(n) < 0.5, np.nan, 1.0), "sick": sex})
    yield "wide", pd.DataFrame({"sex": sex, "sick": sex, **{f"c{j}": rng.integers(0, 3, n) for j in range(500)}})
    yield "all of one kind", pd.DataFrame({"sex": "f", "x": rng.normal(size=n), "sick": sex})


@pytest.mark.parametrize("frame", [pytest.param(frame, id=name) for name, frame in odd_tables()])
@pytest.mark.parametrize("held", [True, False])
def test_odd_tables(frame, held):
    target = "sick" if "sick" in frame else None
    answer = ask(frame, frame.sample(frac=1, random_state=0), frame.iloc[:60] if held else None, target=target)
    assert answer.scores or answer.skipped
    for score in answer.scores:
        assert score.low <= score.value <= score.high and score.verdict in ("grey", "green", "amber", "red")


def test_the_quick_level_looks_at_fewer(tables):
    full, quick = (ask(*tables, level=level) for level in ("full", "quick"))
    assert {score.metric for score in quick.scores} == METRICS
    assert found(full, "group DCR share").value != found(quick, "group DCR share").value


def test_synthetic_ids_are_no_subjects(tables):
    inputs = look(
        {"train": Dataset(tables[0], target="sick", sensitive=("sex",)), "synthetic": tables[1], "holdout": tables[2]}
    )
    moved = replace(inputs, synthetic=replace(inputs.synthetic, subjects=inputs.synthetic.subjects + 7))
    assert [s.value for s in measure(inputs).scores] == [s.value for s in measure(moved).scores]
