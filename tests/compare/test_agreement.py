import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare.core.sides import look
from shd.compare.utility import importance as agreement
from shd.compare.utility.importance import (
    calibration_error,
    calibration_line,
    importance_agreement,
    permutation_importance,
)


def _measure(train, synthetic, holdout, target="sick", level="full"):
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    return agreement.measure(look(given, target, level))


def _swap(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(sick=table["sick"].map({"yes": "no", "no": "yes"}))


@pytest.fixture(scope="module")
def answer(people):
    return _measure(people(600, 1), people(600, 2), people(500, 3))


def _score(answer, metric):
    return next(score for score in answer.scores if score.metric == metric)


def test_columns_that_matter_fall_when_shuffled(people):
    found = permutation_importance(people(500, 1), people(500, 2), "sick")
    assert list(found.index) == ["age", "blood", "pills", "sex"]
    assert found["pills"] > 0.1 and found["age"] > 0.02 and abs(found["sex"]) < 0.01


def test_a_constant_column_matters_not_at_all(people):
    train, test = (people(200, seed).assign(k=1) for seed in (1, 2))
    assert permutation_importance(train, test, "sick")["k"] == 0


def test_importance_of_a_number(people):
    found = permutation_importance(people(400, 1), people(400, 2), "blood")
    assert found.idxmax() == "age" and found["age"] > 0.5


def test_equal_tables_agree_completely(people):
    first, again = (permutation_importance(people(200, 1), people(200, 2), "sick") for _ in range(2))
    assert importance_agreement(first, again) == 1


@pytest.mark.parametrize(
    "other, correlation",
    [
        ({"a": 9, "b": 5, "c": 1}, 1),
        ({"a": 1, "b": 5, "c": 9}, -1),
        ({"a": 5, "b": 9, "c": 1}, 0.5),  # 1 - 6 * (1 + 1 + 0) / (3 * 8)
        ({"c": 1, "b": 5, "a": 9}, 1),  # by name, not by place
    ],
)
def test_agreement_worked_out_by_hand(other, correlation):
    importance = pd.Series({"a": 0.3, "b": 0.2, "c": 0.1})
    assert importance_agreement(importance, pd.Series(other)) == pytest.approx(correlation)


def test_agreement_without_variation_is_unknown():
    importance = pd.Series({"a": 0.3, "b": 0.2, "c": 0.1})
    assert np.isnan(importance_agreement(importance, importance * 0))


def test_too_few_columns_to_rank_are_refused():
    with pytest.raises(ShdError, match="share 2 columns"):
        importance_agreement(pd.Series({"a": 1, "b": 2}), pd.Series({"a": 1, "b": 2, "c": 3}))


def test_the_top_is_counted_by_hand():
    first, second = np.array([[4.0], [3], [2], [1]]), np.array([[1.0], [4], [3], [2]])
    assert agreement._shared(first, second, top=2) == 0.5
    assert agreement._shared(first, first, top=2) == 1
    assert agreement._shared(first, 0 * first, top=2) == 0  # nothing matters to the other model


def test_calibration_error_by_hand():
    chance, outcome = np.repeat([0.2, 0.8], 5), [1, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    assert calibration_error(chance, outcome, n_bands=2) == pytest.approx(0)
    assert calibration_error(1 - chance, outcome, n_bands=2) == pytest.approx(0.6)
    assert calibration_error(np.full(4, 0.4), [1, 0, 0, 0]) == pytest.approx(0.15)  # one band: 0.4 against 0.25


def test_calibration_line_by_hand():
    """An outcome of odds 3 at chances of odds 9: half as steep, log 3 = log 9 / 2."""
    chance = np.repeat([0.1, 0.9], 4)
    assert calibration_line(chance, [1, 0, 0, 0, 1, 1, 1, 0]) == pytest.approx((0, 0.5))
    chance = np.repeat([0.25, 0.75], 4)
    assert calibration_line(chance, [1, 0, 0, 0, 1, 1, 1, 0]) == pytest.approx((0, 1))
    assert calibration_line(1 - chance, [1, 0, 0, 0, 1, 1, 1, 0]) == pytest.approx((0, -1))


def test_too_low_chances_have_an_intercept():
    rng = np.random.default_rng(0)
    log_odds = rng.normal(size=20_000)
    outcome = rng.random(20_000) < 1 / (1 + np.exp(-log_odds - 1))
    intercept, slope = calibration_line(1 / (1 + np.exp(-log_odds)), outcome)
    assert intercept == pytest.approx(1, abs=0.1) and slope == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    "chance, outcome",
    [
        ([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]),  # separated
        ([0.5, 0.5, 0.5, 0.5], [0, 1, 0, 1]),
        ([0.1, 0.9], [1, 1]),
        ([0.3], [1]),
    ],
)
def test_a_line_that_cannot_be_drawn_is_unknown(chance, outcome):
    assert np.isnan(calibration_line(chance, outcome)).all()


@pytest.mark.parametrize("chance, outcome", [([0.5], [0, 1]), ([1.5], [1]), ([np.nan], [1]), ([0.5], [2]), ([], [])])
def test_what_is_no_chance_is_refused(chance, outcome):
    for measured in (calibration_error, calibration_line):
        with pytest.raises(ShdError, match="chances"):
            measured(chance, outcome)


def test_a_fresh_sample_agrees(answer):
    assert {score.metric: score.verdict for score in answer.scores} == {
        "importance agreement": "green",
        "important columns shared": "green",
        "calibration error": "green",
        "calibration slope": "grey",
    }
    slope = _score(answer, "calibration slope")
    assert slope.low < slope.ceiling < slope.high  # 600 records: the interval holds what is right and what is red
    assert slope.rule.short(slope.high) > slope.rule.amber_to
    assert not answer.skipped


def test_frames(answer):
    assert list(answer.tables["importance"]) == ["column", "real", "synthetic"]
    curve, lines = answer.tables["calibration"], answer.tables["calibration lines"]
    assert list(curve) == ["target", "design", "chance band", "predicted", "observed", "records"]
    assert (curve.groupby("design")["records"].sum() == 500).all() and set(curve["design"]) == set(lines["design"])
    assert curve.loc[curve["design"] == "real", "predicted"].is_monotonic_increasing
    assert list(lines) == ["target", "design", "intercept", "slope", "error"]
    slope = lines.set_index("design")["slope"]
    assert slope["synthetic"] == _score(answer, "calibration slope").value
    assert slope["real"] == _score(answer, "calibration slope").ceiling


def test_a_swapped_label_is_found_out(people):
    """A model of the opposite gets better when a column that matters is shuffled."""
    swapped = _measure(people(600, 1), _swap(people(600, 2)), people(500, 3))
    assert {score.verdict for score in swapped.scores} == {"red"}
    assert _score(swapped, "importance agreement").value < 0
    assert _score(swapped, "calibration slope").value < -0.5
    assert _score(swapped, "calibration error").value > 0.3


def test_too_rare_an_outcome_is_miscalibrated(people):
    """Nine of ten sick people are missing: the order of chances is right, and the chances are not."""
    synthetic = people(2000, 2)
    rare = synthetic[(synthetic["sick"] == "no") | (np.arange(2000) % 10 == 0)]
    score = _score(_measure(people(600, 1), rare, people(500, 3), level="quick"), "calibration error")
    assert score.verdict == "red" and score.value > score.ceiling + 0.1


def test_a_shuffled_target_agrees_less(people, answer):
    rng = np.random.default_rng(0)
    loose = people(600, 2).assign(sick=lambda f: f["sick"].to_numpy()[rng.permutation(600)])
    low = _measure(people(600, 1), loose, people(500, 3))
    assert _score(low, "importance agreement").value < _score(answer, "importance agreement").value
    slope = _score(low, "calibration slope")  # of chances of nothing: every other draw has another
    assert slope.verdict != "green" and slope.value < 0.5
    assert slope.high - slope.low > 2 * (_score(answer, "calibration slope").high - slope.ceiling)


def test_quick_leaves_importance_out(people):
    answer = _measure(people(200, 1), people(200, 2), people(200, 3), level="quick")
    assert [score.metric for score in answer.scores] == ["calibration error", "calibration slope"]
    assert "quick" in answer.skipped[0].why and "importance" not in answer.tables


@pytest.mark.parametrize("seed", [1, 51])
def test_every_metric_is_scored_or_skipped_where_there_is_nothing_to_learn(people, answer, seed):
    rng = np.random.default_rng(seed)
    tables = [people(600, seed + k).assign(sick=rng.choice(["no", "yes"], 600)) for k in range(3)]
    coin = _measure(*tables)
    listed = {score.metric for score in coin.scores} | {note.what for note in coin.skipped}
    assert listed == {score.metric for score in answer.scores}
    assert {score.metric for score in coin.scores} == {"calibration error"}
    assert "red" not in {score.verdict for score in coin.scores}


def test_a_number_has_no_calibration(people):
    answer = _measure(people(200, 1), people(200, 2), people(200, 3), target="blood")
    assert [score.metric for score in answer.scores] == ["importance agreement", "important columns shared"]
    assert [note.what for note in answer.skipped] == ["calibration"]


def test_a_number_that_does_not_vary_in_the_holdout_has_no_importance(people):
    answer = _measure(people(200, 1), people(200, 2), people(200, 3).assign(blood=1.5), target="blood")
    assert not answer.scores and not answer.tables  # importances without a number cannot be drawn
    assert [note.what for note in answer.skipped][:2] == ["importance agreement", "important columns shared"]


def test_two_columns_cannot_be_ranked(people):
    train, synthetic, holdout = (people(200, seed)[["age", "sex", "sick"]] for seed in (1, 2, 3))
    answer = _measure(train, synthetic, holdout)
    assert [note.what for note in answer.skipped] == ["importance agreement"]


def test_too_many_columns_take_too_long(monkeypatch, people):
    monkeypatch.setattr(agreement, "_MOST_FEATURES", 3)
    answer = _measure(people(200, 1), people(200, 2), people(200, 3))
    assert answer.skipped[0].why == "takes 3 to 3 columns beside the target, and there are 4"
    assert [score.metric for score in answer.scores] == ["calibration error", "calibration slope"]


def test_the_same_seed_gives_the_same_numbers(people):
    first, again = (_measure(people(200, 1), people(200, 2), people(200, 3)) for _ in range(2))
    assert first.scores == again.scores
    for name, frame in first.tables.items():
        pd.testing.assert_frame_equal(frame, again.tables[name], check_exact=True)
