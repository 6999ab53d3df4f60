import numpy as np
import pandas as pd
import pytest
from studies import PUBLISHED, adjusted_model, crude_odds_ratios, group_sizes
from studies.published import N_PUBLISHED

from shd import load
from shd._errors import ShdError
from shd.dataset import Dataset

WHOLE = ("HbA1c", "sex", "discharged", "admitted from", "age")  # every level of these is quoted


def cohort(study, n: int, **columns) -> Dataset:
    dataset = study(n)
    return Dataset(dataset.frame.assign(**columns), name=dataset.name, source="synthetic")


def test_what_is_quoted_adds_up():
    for group in WHOLE:
        assert sum(level.patients for level in PUBLISHED[group].values()) == N_PUBLISHED
        assert sum(level.readmitted for level in PUBLISHED[group].values()) == 6_459


def test_group_sizes_of_half_a_cohort_are_scaled(study):
    table = group_sizes(study(1000))
    assert set(table["group"]) == set(PUBLISHED)
    sexes = table[table["group"] == "sex"]
    assert sexes["here"].sum() == 1000
    np.testing.assert_allclose(sexes["difference"], sexes["here"] * 69.984 / sexes["published"] - 1)


def test_rates_and_odds_ratios_are_those_of_the_counts(study):
    sex = pd.Categorical(["Female"] * 100 + ["Male"] * 100, categories=["Female", "Male"])
    back = pd.Categorical((["<30"] * 10 + ["NO"] * 90) + (["<30"] * 20 + [">30"] * 80), ["NO", ">30", "<30"])
    table = cohort(study, 200, gender=sex, readmitted=back)
    rates = group_sizes(table).set_index("level")
    assert rates.loc["Female", "rate"] == pytest.approx(0.1)
    assert rates.loc["Male", "rate"] == pytest.approx(0.2)
    assert rates.loc["Female", "published rate"] == pytest.approx(3_462 / 37_251)
    assert np.isnan(rates.loc["circulatory", "published rate"])
    odds = crude_odds_ratios(table).set_index("level")
    assert odds.loc["Male", "against"] == "Female"
    assert odds.loc["Male", "here"] == pytest.approx((20 / 80) / (10 / 90))
    error = np.sqrt(1 / 20 + 1 / 80 + 1 / 10 + 1 / 90)  # Woolf's, of the logarithm
    assert np.log(odds.loc["Male", ["low", "high"]].tolist()) == pytest.approx(
        np.log(2.25) + 1.96 * error * np.array([-1, 1]), abs=1e-3
    )
    assert odds.loc["Male", "published"] == pytest.approx((2_997 / 29_736) / (3_462 / 33_789))
    assert odds.loc["Male", "same direction"]  # the study cannot tell its .98 from 1: nothing points elsewhere
    assert not odds.loc["Male", "within"]


def test_an_effect_turned_round_is_seen(study):
    where = pd.Categorical(["home"] * 100 + ["elsewhere"] * 100, categories=["home", "elsewhere"])
    back = pd.Categorical((["<30"] * 20 + ["NO"] * 80) + (["<30"] * 10 + [">30"] * 90), ["NO", ">30", "<30"])
    odds = crude_odds_ratios(cohort(study, 200, discharged=where, readmitted=back)).set_index(["group", "level"])
    found = odds.loc[("discharged", "elsewhere")]
    assert found["here"] < 1 < found["published"]
    assert not found["same direction"]
    assert not found["within"]


def test_where_nobody_comes_back_there_are_no_odds(study):
    nobody = pd.Categorical(["NO"] * 300, categories=["NO", ">30", "<30"])
    odds = crude_odds_ratios(cohort(study, 300, readmitted=nobody))
    assert odds[["here", "low", "high"]].isna().all(axis=None)
    assert not odds[["same direction", "within"]].any(axis=None)
    assert (group_sizes(cohort(study, 300, readmitted=nobody))["rate"].dropna() == 0).all()


@pytest.mark.parametrize("function", [group_sizes, crude_odds_ratios, adjusted_model])
def test_the_study_s_functions_take_the_cohort_only(challenge, function):
    with pytest.raises(ShdError, match="there is no column 'discharged'; give the study cohort"):
        function(challenge(100))


@pytest.mark.real_data("diabetes_cohort")
def test_group_sizes_of_the_real_cohort_are_those_published():
    cohort = load("diabetes_cohort", source="real")
    assert (len(cohort), int((cohort.frame["readmitted"] == "<30").sum())) == (69_973, 6_277)  # as the help says
    table = group_sizes(cohort)
    assert (table["difference"].abs() < 0.01).all()
    near = table[table["group"].isin(["age", "race", "sex", "discharged"])]
    assert (near["difference"].abs() < 0.002).all()
    assert (table.loc[table["group"] == "main diagnosis", "difference"].abs() < 0.003).all()
    quoted = table.dropna(subset="published rate")
    assert (quoted["rate"] - quoted["published rate"]).between(-0.005, 0.0001).all()


@pytest.mark.real_data("diabetes_cohort")
def test_crude_odds_ratios_of_the_real_cohort_lie_within_the_published_intervals():
    table = crude_odds_ratios(load("diabetes_cohort", source="real"))
    assert len(table) == 14
    assert table["same direction"].all()
    assert table["within"].all()
