import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.fidelity.propensity import _fit
from shd.synthesizers import Marginals


def pmse_ratio(real, synthetic):
    return ask("propensity score", real, synthetic).score("pMSE ratio").value


def noise(seed: int, n: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    levels = {f"c{i}": rng.choice(list("abcd"), n, p=[0.6, 0.2, 0.15, 0.05]) for i in range(8)}
    return pd.DataFrame({**{f"n{i}": rng.normal(size=n) for i in range(8)}, **levels})


def test_by_hand():
    # yes: 50 of 100 real, 80 of 100 synthetic; propensities 80/130 and 20/70
    real, synthetic = (pd.DataFrame({"x": ["yes"] * n + ["no"] * (100 - n)}) for n in (50, 80))
    pmse = (130 * (80 / 130 - 0.5) ** 2 + 70 * (20 / 70 - 0.5) ** 2) / 200
    assert pmse_ratio(real, synthetic) == pytest.approx(pmse / (0.25 / 200), rel=0.03)


def test_without_a_difference_it_is_one_on_average():
    ratios = [pmse_ratio(noise(2 * seed, 500), noise(2 * seed + 1, 500)) for seed in range(10)]
    assert np.mean(ratios) == pytest.approx(1, abs=0.15)


def test_the_same_records_are_too_near(people):
    assert pmse_ratio(people(300, 1), people(300, 1)) < 1e-6


def test_one_column_too_high_is_seen(people):
    other = people(500, 2)
    other["blood"] += 3
    assert pmse_ratio(people(500, 1), other) > 10


def test_a_level_on_one_side_only_is_no_obstacle(people):
    real = people(200, 1)
    assert pmse_ratio(real, real.assign(sex="x")) > 10


def test_it_does_not_see_links(people):
    train = people(1000, 1)
    drawn = Marginals(random_state=0).fit(train).sample(1000)
    assert pmse_ratio(people(1000, 3), drawn) < 5 < pmse_ratio(people(1000, 3), train.assign(sex="f"))


def test_too_few_records_or_nothing_to_see_are_not_judged(people):
    for tables, why in (
        ((people(19, 1), people(300, 2)), "takes at least 20 records a side"),
        ((pd.DataFrame({"x": [1] * 30}), pd.DataFrame({"x": [1] * 30})), "no column varies"),
    ):
        found = ask("propensity score", *tables)
        assert not found.scores and found.skipped[-1].why == why


def test_the_interval_is_as_wide_as_other_samples_spread(people):
    real, other = people(400, 1), people(400, 2).assign(sex="f")
    (score,) = ask("propensity score", people(400, 3), other, holdout=real).scores
    again = [pmse_ratio(people(400, 10 + seed), people(400, 40 + seed).assign(sex="f")) for seed in range(20)]
    assert (score.high - score.low) / 2 == pytest.approx(1.96 * np.std(again), rel=0.6)
    assert score.verdict == "red" and (score.floor or 0) < 3 and score.ceiling < 3


@pytest.mark.parametrize("columns", [1, 3])
def test_the_same_records_in_another_order_are_not_told_apart(columns):
    """On some processors the search for a fit that is 0 ends in a warning, which is an error here."""
    for seed in range(200):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(int(rng.integers(20, 200)), columns))
        both = np.vstack([x, rng.permutation(x)])
        assert (_fit(both, np.repeat([False, True], len(x))) == 0).all()
