import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from shd.compare.findings import Estimate, NoEstimateError, dummies, estimators, logit, normal_estimate

A, B, C, D = 30, 70, 40, 260  # exposed with and without, others with and without the outcome


@pytest.fixture
def two_by_two() -> tuple[np.ndarray, np.ndarray]:
    outcome = np.repeat([1.0, 0.0, 1.0, 0.0], [A, B, C, D])
    exposure = np.repeat([1.0, 1.0, 0.0, 0.0], [A, B, C, D])
    return outcome, exposure


def test_odds_ratio_and_its_interval_are_those_of_a_two_by_two_table_by_hand(two_by_two):
    found = estimators.odds_ratio(*two_by_two)
    error = np.sqrt(1 / A + 1 / B + 1 / C + 1 / D)  # Woolf 1955
    assert found.value == pytest.approx(A * D / (B * C), rel=1e-6)
    assert np.log(found.high / found.low) == pytest.approx(2 * 1.95996 * error, rel=0.01)  # HC1 counts terms too
    assert (found.null, found.scale, found.n) == (1.0, "ratio", 400)
    assert found.p == pytest.approx(2 * norm.sf(np.log(found.value) / error), rel=0.2)


def test_rate_ratio_is_the_ratio_of_two_means_with_zou_s_interval(two_by_two):
    outcome, exposure = two_by_two
    found = estimators.rate_ratio(outcome, exposure)
    error = np.sqrt(1 / A - 1 / (A + B) + 1 / C - 1 / (C + D))  # of the log of a risk ratio
    assert found.value == pytest.approx((A / (A + B)) / (C / (C + D)), rel=1e-6)
    assert np.log(found.high / found.low) == pytest.approx(2 * 1.95996 * error, rel=0.01)


def test_share_beyond_a_reference_by_hand():
    found = estimators.share_beyond(np.repeat([1.0, 0.0], [20, 80]))
    assert found.value == pytest.approx(-0.3)
    assert found.high - found.value == pytest.approx(1.95996 * 0.04, rel=1e-4)
    assert found.shows("below")


def test_lift_by_hand(two_by_two):
    found = estimators.lift(*two_by_two)
    n, both, one, two = 400, A, A + C, A + B
    assert found.value == pytest.approx(both * n / (one * two))
    # the risk ratio against all records: 1/both - 1/one - 1/two + 1/n, with a covariance of what is shared
    rng = np.random.default_rng(0)
    draws = rng.multinomial(n, np.array([A, B, C, D]) / n, size=4000)
    again = np.log(draws[:, 0] * n / ((draws[:, 0] + draws[:, 2]) * (draws[:, 0] + draws[:, 1])))
    assert np.log(found.high / found.value) / 1.95996 == pytest.approx(again.std(), rel=0.06)


def test_two_things_never_together_have_a_small_lift_that_is_significant():
    first, second = np.repeat([1.0, 0.0, 0.0], [300, 300, 400]), np.repeat([0.0, 1.0, 0.0], [300, 300, 400])
    found = estimators.lift(first, second)
    assert found.value == pytest.approx(0.5 / 90)
    assert found.shows("below")


def test_rank_correlation_is_scipy_s_and_covers_the_truth():
    rng = np.random.default_rng(1)
    rho, inside = 0.5, 0
    truth = 6 / np.pi * np.arcsin(rho / 2)  # Spearman of a normal pair
    for _ in range(200):
        x = rng.normal(size=200)
        found = estimators.rank_correlation(x, rho * x + np.sqrt(1 - rho**2) * rng.normal(size=200))
        inside += found.low <= truth <= found.high
    assert 0.90 <= inside / 200 <= 0.99


def test_adjusting_removes_a_confounder_and_finds_the_truth():
    rng = np.random.default_rng(2)
    n = 20_000
    old = rng.random(n) < 0.5
    exposure = (rng.random(n) < 0.2 + 0.5 * old).astype(float)
    outcome = (rng.random(n) < 1 / (1 + np.exp(2 - 1.2 * old - 0.4 * exposure))).astype(float)
    raw = estimators.odds_ratio(outcome, exposure)
    adjusted = estimators.odds_ratio(outcome, exposure, pd.DataFrame({"old": old.astype(float)}))
    assert raw.low > np.exp(0.4)
    assert adjusted.low <= np.exp(0.4) <= adjusted.high


def test_intervals_of_repeated_subjects_are_wider_and_cover():
    rng = np.random.default_rng(3)
    inside = {"by subject": 0, "by record": 0}
    for _ in range(100):
        people = np.repeat(np.arange(150), 6)
        exposure = np.repeat(rng.integers(0, 2, 150), 6).astype(float)
        outcome = rng.poisson(np.repeat(rng.gamma(2, 2, 150), 6)).astype(float)
        for name, subjects in (("by subject", people), ("by record", None)):
            found = estimators.rate_ratio(outcome, exposure, None, subjects)
            inside[name] += found.low <= 1 <= found.high
    assert inside["by subject"] >= 88
    assert inside["by record"] <= 75


@pytest.mark.parametrize("method", ["odds_ratio", "rate_ratio", "lift"])
def test_a_table_written_twice_by_the_same_subjects_says_no_more(two_by_two, method):
    outcome, exposure = two_by_two
    once = getattr(estimators, method)(outcome, exposure)
    twice = getattr(estimators, method)(np.tile(outcome, 2), np.tile(exposure, 2), subjects=np.tile(np.arange(400), 2))
    assert twice.value == pytest.approx(once.value, rel=1e-6)
    assert twice.high == pytest.approx(once.high, rel=0.01)


def test_interaction_is_a_ratio_of_two_odds_ratios():
    cells = {(0, 0): (50, 200), (1, 0): (60, 120), (0, 1): (40, 160), (1, 1): (30, 150)}
    x, z, y = (np.array(values, dtype=float) for values in zip(
        *((a, b, outcome) for (a, b), counts in cells.items() for outcome, n in zip((1, 0), counts, strict=True)
          for _ in range(n)), strict=True))  # fmt: skip
    fit = logit(y, pd.DataFrame({"x": x, "z": z, "x and z": x * z}))
    without, within = (60 * 200) / (120 * 50), (30 * 160) / (150 * 40)
    assert fit.contrast("x and z").value == pytest.approx(within / without, rel=1e-5)
    assert fit.contrast("x", "x and z").value == pytest.approx(within, rel=1e-5)
    assert fit.contrast("x", less=("z",)).value == pytest.approx(without / (0.25 / 0.25), rel=1e-5)


def test_a_level_with_hardly_any_outcome_leaves_the_model_with_its_records(two_by_two):
    outcome, exposure = two_by_two
    design = pd.DataFrame({"exposure": np.append(exposure, np.zeros(50)), "none": np.repeat([0.0, 1.0], [400, 50])})
    fit = logit(np.append(outcome, np.zeros(50)), design)
    assert fit.found.nobs == 400
    assert fit.contrast("exposure").value == pytest.approx(A * D / (B * C), rel=1e-5)
    with pytest.raises(NoEstimateError, match="none: too few records"):
        fit.contrast("none")


def test_unknown_entries_leave_with_their_record(two_by_two):
    outcome, exposure = two_by_two
    more = estimators.odds_ratio(np.append(outcome, [np.nan, 1.0]), np.append(exposure, [1.0, np.nan]))
    assert more == estimators.odds_ratio(outcome, exposure)


_ONE = np.ones(100)
_HALF = np.tile([0.0, 1.0], 50)
_COPY = pd.DataFrame({"copy": _HALF})


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda: estimators.odds_ratio(_HALF[:20], _HALF[:20]), "20 records have all that it takes; 30"),
        (lambda: estimators.odds_ratio(_HALF, _HALF), "fewer than 5 records in a cell"),
        (lambda: estimators.odds_ratio(_HALF, _ONE), "the exposure is the same"),
        (lambda: estimators.odds_ratio((np.arange(100) > 50).astype(float), np.arange(100.0)), "cannot be fitted"),
        (lambda: estimators.odds_ratio(np.roll(np.repeat([0.0, 1.0], 50), 25), _HALF, _COPY), "cannot be fitted"),
        (lambda: estimators.rate_ratio(_ONE, _HALF), "the outcome is the same"),
        (lambda: normal_estimate(1.0, 0.0, 100), "standard error"),
        (lambda: estimators.rank_correlation(_ONE, np.arange(100)), "the first number is the same"),
        (lambda: estimators.lift(np.repeat([1.0, 0.0], [3, 97]), _HALF), "fewer than 10 records"),
        (lambda: estimators.lift(np.repeat([1.0, 0.0], [10, 90]), np.repeat([0.0, 1.0], [90, 10])), "fewer than 5"),
        (lambda: estimators.share_beyond(_ONE), "fewer than 5 records have the outcome"),
        (lambda: estimators.odds_ratio(np.full(100, np.nan), _HALF), "0 records"),
    ],
)
def test_what_cannot_be_estimated_is_said_in_words(call, why):
    with pytest.raises(NoEstimateError, match=why):
        call()


def test_dummies_leave_out_the_reference_and_pool_rare_levels():
    values = pd.Series(pd.Categorical(["a"] * 50 + ["b"] * 30 + ["c"] * 3 + [None] * 25), name="x")
    found = dummies(values)
    assert list(found.columns) == ["x: b", "x: unknown"]
    assert found.sum().to_list() == [30, 25]
    assert list(dummies(values, "b", least=1).columns) == ["x: a", "x: c", "x: unknown"]


def test_an_estimate_knows_its_side():
    assert Estimate(0.8, 0.7, 0.9, 0.001, 1.0, 10, "ratio").shows("below")
    assert not Estimate(0.8, 0.7, 1.1, 0.2, 1.0, 10, "ratio").shows("below")
    assert normal_estimate(0.0, 1.0, 10).side == ""
    assert normal_estimate(2000.0, 1.0, 10, "ratio").value < np.inf
