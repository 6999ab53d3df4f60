import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.models import bands, calibration_gap, calibration_lines


def _measure(train, synthetic, holdout, target="sick", level="full"):
    return ask("calibration", train, synthetic, holdout=holdout, target=target, level=level)


@pytest.fixture(scope="module")
def answer(people):
    return _measure(people(600, 1), people(600, 2), people(500, 3))


def calibration_error(chance, outcome, n_bands=10):
    return calibration_gap(bands(chance, n_bands), chance, np.array(outcome))[0]


def calibration_line(chance, outcome):
    return tuple(calibration_lines(np.array(chance), np.array(outcome))[0])


def test_calibration_error_by_hand():
    chance, outcome = np.repeat([0.2, 0.8], 5), [1, 0, 0, 0, 0, 1, 1, 1, 1, 0]
    assert calibration_error(chance, outcome, 2) == pytest.approx(0)
    assert calibration_error(1 - chance, outcome, 2) == pytest.approx(0.6)
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


def test_a_fresh_sample_is_calibrated(answer):
    assert {score.metric: score.verdict for score in answer.scores} == {
        "calibration error": "green",
        "calibration slope": "grey",
    }
    slope = answer.score("calibration slope")
    assert slope.low < slope.ceiling < slope.high  # 600 records: the interval holds what is right and what is red
    assert slope.rule.short(slope.high) > slope.rule.amber_to
    assert not answer.skipped


def test_frames(answer):
    curve, lines = answer.table("calibration"), answer.table("calibration lines")
    assert list(curve) == ["target", "design", "chance band", "predicted", "observed", "records"]
    assert (curve.groupby("design")["records"].sum() == 500).all() and set(curve["design"]) == set(lines["design"])
    assert curve.loc[curve["design"] == "real", "predicted"].is_monotonic_increasing
    assert list(lines) == ["target", "design", "intercept", "slope", "error"]
    slope = lines.set_index("design")["slope"]
    assert slope["synthetic"] == answer.score("calibration slope").value
    assert slope["real"] == answer.score("calibration slope").ceiling


def test_a_swapped_label_is_found_out(people):
    swapped = people(600, 2).assign(sick=lambda f: f["sick"].map({"yes": "no", "no": "yes"}))
    found = _measure(people(600, 1), swapped, people(500, 3))
    assert {score.verdict for score in found.scores} == {"red"}
    assert found.score("calibration slope").value < -0.5 and found.score("calibration error").value > 0.3


def test_too_rare_an_outcome_is_miscalibrated(people):
    """Nine of ten sick people are missing: the order of chances is right, and the chances are not."""
    synthetic = people(2000, 2)
    rare = synthetic[(synthetic["sick"] == "no") | (np.arange(2000) % 10 == 0)]
    score = _measure(people(600, 1), rare, people(500, 3), level="quick").score("calibration error")
    assert score.verdict == "red" and score.value > score.ceiling + 0.1


def test_chances_of_a_shuffled_target_have_another_slope_in_every_draw(people, answer):
    rng = np.random.default_rng(0)
    loose = people(600, 2).assign(sick=lambda f: f["sick"].to_numpy()[rng.permutation(600)])
    slope, fresh = (
        found.score("calibration slope") for found in (_measure(people(600, 1), loose, people(500, 3)), answer)
    )
    assert slope.verdict != "green" and slope.value < 0.5
    assert slope.high - slope.low > 2 * (fresh.high - fresh.ceiling)


@pytest.mark.parametrize("seed", [1, 51])
def test_the_slope_is_skipped_where_there_is_nothing_to_learn(people, seed):
    rng = np.random.default_rng(seed)
    coin = _measure(*(people(600, seed + k).assign(sick=rng.choice(["no", "yes"], 600)) for k in range(3)))
    assert [score.metric for score in coin.scores] == ["calibration error"] and coin.scores[0].verdict != "red"
    assert [note.what for note in coin.skipped] == ["calibration slope"]


def test_a_number_has_no_calibration(people):
    found = _measure(people(200, 1), people(200, 2), people(200, 3), target="blood")
    assert not found.scores and [note.what for note in found.skipped] == ["calibration"]


def test_the_same_seed_gives_the_same_numbers(people, answer):
    again = _measure(people(600, 1), people(600, 2), people(500, 3))
    assert answer.scores == again.scores
    for name, frame in answer.tables.items():
        pd.testing.assert_frame_equal(frame, again.table(name), check_exact=True)
