import matplotlib.figure
import numpy as np
import pandas as pd
import pytest
import studies as times
from studies import figures_times as figures

from shd._errors import ShdError
from shd.dataset import Dataset

TERMS = ("exposed",)


def stays(n: int, seed: int, ratio: float = 1.5) -> pd.DataFrame:
    """Exponential stays, whose hazard is `ratio` times as high in the exposed."""
    rng = np.random.default_rng(seed)
    exposed = rng.integers(0, 2, n)
    return pd.DataFrame({"exposed": exposed, "time_in_hospital": rng.exponential(1 / ratio**exposed)})


def patients(n: int, seed: int) -> pd.DataFrame:
    """A table with the columns and levels of the diabetes table that the analyses take."""
    rng = np.random.default_rng(seed)
    insulin = rng.choice(["No", "Steady", "Up"], n)
    return pd.DataFrame(
        {
            "race": pd.Categorical(rng.choice(["Caucasian", "Asian", None], n, p=[0.6, 0.3, 0.1])),
            "gender": pd.Categorical(rng.choice(["Female", "Male"], n)),
            "age": pd.Categorical(rng.choice(["[20-30)", "[50-60)", "[70-80)"], n), ordered=True),
            "time_in_hospital": 1 + rng.binomial(13, np.where(insulin == "No", 0.2, 0.3)),
            "number_inpatient": rng.poisson(np.where(insulin == "No", 0.5, 1.0)),
            "number_diagnoses": rng.integers(1, 10, n),
            "diag_1": pd.Categorical(rng.choice(["250", "428", "786", "other skin"], n)),
            "A1Cresult": pd.Categorical(rng.choice(["not measured", "Norm", ">8"], n)),
            "insulin": pd.Categorical(insulin),
            "readmitted": pd.Categorical(rng.choice(["NO", "<30", ">30"], n, p=[0.6, 0.15, 0.25])),
        }
    )


def two_by_two(cells: dict[str, tuple[int, int, int, int]]) -> pd.DataFrame:
    """For each group: treated with and without the outcome, others with and without it."""
    parts = [
        pd.DataFrame({"group": group, "t": np.repeat([1, 1, 0, 0], n), "y": np.repeat([1, 0, 1, 0], n)})
        for group, n in cells.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_kaplan_meier_of_six_stays_by_hand():
    found = times.discharge_curves(pd.DataFrame({"time_in_hospital": [1, 2, 2, 3, 5, 5]}))
    assert found["day"].tolist() == [0, 1, 2, 3, 5]
    assert found["still in hospital"].tolist() == pytest.approx([1, 5 / 6, 1 / 2, 1 / 3, 0])
    assert found["n"].eq(6).all()
    # Wilson's interval of 3 of 6, with z = 1.96: (0.188, 0.812)
    assert found.loc[2, ["low", "high"]].tolist() == pytest.approx([0.188, 0.812], abs=1e-3)
    # that all six have left does not say that everybody has
    assert found.loc[4, "low"] == pytest.approx(0) and found.loc[4, "high"] == pytest.approx(
        1.96**2 / (6 + 1.96**2), 1e-3
    )


def test_curves_by_a_given_grouping_leave_out_records_without_a_group():
    table = pd.DataFrame({"time_in_hospital": [1, 1, 3, 4, 9]})
    found = times.discharge_curves(table, pd.Series(["a", "a", "b", "b", None]))
    assert found.groupby("group")["n"].first().to_dict() == {"a": 2, "b": 2}
    assert found.query("group == 'b' and day == 1")["still in hospital"].item() == 1


def test_stays_of_one_subject_count_as_what_they_are_worth():
    once = pd.DataFrame({"time_in_hospital": np.tile([1, 3], 50)})
    thrice = Dataset(pd.concat([once] * 3, ignore_index=True), subjects=np.tile(np.arange(100), 3))
    alone, repeated = times.discharge_curves(once), times.discharge_curves(thrice)
    pd.testing.assert_frame_equal(alone.drop(columns="n"), repeated.drop(columns="n"))


def test_logrank_tells_groups_apart_that_differ_and_no_others():
    table = stays(600, 0, ratio=2.0)
    apart = times.logrank(table, "exposed")
    assert apart.p < 1e-6 and apart.degrees == 1 and apart.n == 600
    alike = times.logrank(table, pd.Series(np.arange(600) % 2))
    assert alike.p > 0.05
    twin = pd.DataFrame({"time_in_hospital": [1, 2, 3, 4] * 2})
    assert times.logrank(twin, pd.Series([0] * 4 + [1] * 4)).statistic == pytest.approx(0)


def test_logrank_takes_the_first_stay_of_each_subject():
    table = stays(200, 1)
    twice = Dataset(pd.concat([table, table.assign(time_in_hospital=9.0)]), subjects=np.tile(np.arange(200), 2))
    assert times.logrank(twice, "exposed") == times.logrank(table, "exposed")


def test_logrank_says_why_it_cannot_tell():
    assert times.logrank(stays(50, 0).assign(exposed=1), "exposed").why_not == "there is one group only"
    same = times.logrank(pd.DataFrame({"time_in_hospital": [3] * 6}), pd.Series([0, 1] * 3))
    assert np.isnan(same.p) and "do not vary" in same.why_not


@pytest.mark.slow
def test_cox_finds_the_hazard_ratio_of_exponential_stays():
    (row,) = times.discharge_hazards(stays(6000, 3), TERMS).itertuples()
    assert row.low < 1.5 < row.high and row[2] == pytest.approx(1.5, rel=0.06)
    assert abs(row[6]) < 0.04 and row[7] > 0.01  # the hazards are proportional


def test_cox_by_hand_where_two_leave_one_after_the_other():
    # exposed leave on days 1 and 3, others on 2 and 4: the partial likelihood is r/(2r+2) * 1/(r+2) * r/(r+1)
    table = pd.DataFrame({"exposed": [1, 0, 1, 0] * 8, "time_in_hospital": np.arange(32) % 4 + 1.0})
    ratios = np.linspace(0.5, 8, 100_001)
    likely = np.zeros(len(ratios))  # eight of each, ties after Efron
    for t, r_left in enumerate([(16, 16), (8, 16), (8, 8), (0, 8)]):
        own = ratios if t % 2 == 0 else np.ones(len(ratios))
        for k in range(8):
            likely += np.log(own) - np.log(ratios * r_left[0] + r_left[1] - k * own)
    found = times.discharge_hazards(table, TERMS)["hazard ratio"].item()
    assert found == pytest.approx(ratios[likely.argmax()], abs=2e-4)


@pytest.mark.slow
def test_cox_intervals_and_its_check_are_right_as_often_as_they_say():
    held, doubted = 0, 0
    for seed in range(100):
        (row,) = times.discharge_hazards(stays(150, 100 + seed), TERMS).itertuples()
        held, doubted = held + (row.low < 1.5 < row.high), doubted + (row[7] < 0.05)
    assert held >= 89  # 95 expected; fewer than 89 has a chance of 1 %
    assert 1 <= doubted <= 11  # 5 expected


def test_hazards_that_change_with_time_are_seen():
    rng = np.random.default_rng(5)
    exposed = rng.integers(0, 2, 2000)
    # of the exposed some leave at once and the others late: their ratio falls with time
    days = np.where(exposed == 1, rng.weibull(0.6, 2000), rng.weibull(1.8, 2000))
    (row,) = times.discharge_hazards(pd.DataFrame({"exposed": exposed, "time_in_hospital": days}), TERMS).itertuples()
    assert row[6] < -0.1 and row[7] < 1e-6


def test_repeated_stays_widen_the_intervals_of_a_cox_model():
    table = stays(400, 6)
    twice = Dataset(pd.concat([table] * 2, ignore_index=True), subjects=np.tile(np.arange(400), 2))
    alone = times.discharge_hazards(pd.concat([table] * 2, ignore_index=True), TERMS)
    width = [np.log(found["high"] / found["low"]).item() for found in (times.discharge_hazards(twice, TERMS), alone)]
    assert width[0] / width[1] == pytest.approx(np.sqrt(2), rel=0.1)


def test_terms_that_cannot_be_estimated_say_why():
    table = stays(500, 7).assign(same=1, double=lambda t: 2 * t["exposed"], ward=["a"] * 490 + ["b"] * 10)
    found = times.discharge_hazards(table, ["exposed", "same", "double", "ward"]).set_index("term")["why not"]
    assert found.to_dict() == {
        "exposed": "",
        "same": "all records are alike",
        "double": "follows from other terms",
        "ward: b vs a": "fewer than 20 records",
    }


def test_separated_and_tiny_tables_give_no_traceback():
    apart = pd.DataFrame({"exposed": [1] * 30 + [0] * 30, "time_in_hospital": [1.0] * 30 + [2.0] * 30})
    (row,) = times.discharge_hazards(apart, TERMS).itertuples()
    assert np.isnan(row[2]) and row[-1] == "the fit has no end"
    (row,) = times.discharge_hazards(apart.iloc[:1], TERMS).itertuples()
    assert np.isnan(row[2]) and row[-1] == "all records are alike"


def test_subgroup_effects_by_hand():
    table = two_by_two({"a": (10, 20, 10, 40), "b": (20, 10, 20, 20)})
    found = times.subgroup_effects(table, "t", "y", ["group"]).set_index("level")
    assert found["odds ratio"].to_dict() == pytest.approx({"": (30 * 60) / (30 * 30), "a": 2.0, "b": 2.0})
    assert found.loc["a", ["n", "treated", "events"]].tolist() == [80, 30, 20]
    # Woolf's; the robust one is a little larger, by 80 / 78
    error = np.sqrt((1 / 10 + 1 / 20 + 1 / 10 + 1 / 40) * 80 / 78)
    assert np.log(found.loc["a", "high"] / found.loc["a", "low"]) == pytest.approx(2 * 1.96 * error, rel=1e-3)
    assert found.loc["a", "interaction p"] == pytest.approx(1)  # both are 2


def planted(n: int, seed: int) -> pd.DataFrame:
    """Treatment raises the log odds of the outcome by 1 in one group and lowers them by 0.5 in the other."""
    rng = np.random.default_rng(seed)
    t, group, ward = rng.integers(0, 2, n), rng.choice(["f", "m"], n), rng.choice(["a", "b", "c"], n)
    chance = 1 / (1 + np.exp(1.5 - t * np.where(group == "f", 1.0, -0.5)))
    return pd.DataFrame({"t": t, "group": group, "ward": ward, "y": (rng.random(n) < chance).astype(int)})


def test_a_planted_interaction_is_found_and_no_other():
    found = times.subgroup_effects(planted(6000, 9), "t", "y", ["group", "ward"])
    p = found.drop_duplicates("subgroup").set_index("subgroup")
    assert p.loc["group", "adjusted p"] < 1e-6 and p.loc["ward", "adjusted p"] > 0.05
    # of two p values the smaller one is doubled
    assert p.loc["group", "adjusted p"] == pytest.approx(2 * p.loc["group", "interaction p"])


def test_intervals_of_subgroups_hold_the_truth_as_often_as_they_say():
    held = 0
    for seed in range(100):
        found = times.subgroup_effects(planted(1000, seed), "t", "y", ["group"]).set_index("level").loc[["f", "m"]]
        held += ((found["low"] < np.exp([1.0, -0.5])) & (found["high"] > np.exp([1.0, -0.5]))).sum()
    assert 180 <= held <= 198  # 190 of 200 expected


def test_interactions_are_found_by_chance_as_often_as_they_say():
    found = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        table = pd.DataFrame({name: rng.integers(0, 2, 300) for name in ("t", "y", "group")})
        found.append(times.subgroup_effects(table, "t", "y", ["group"])["interaction p"].iloc[1])
    assert 0.01 <= np.mean(np.array(found) < 0.05) <= 0.1


def test_subgroups_that_are_too_small_say_so():
    found = times.subgroup_effects(two_by_two({"a": (10, 20, 10, 40), "b": (4, 10, 20, 20)}), "t", "y", ["group"])
    assert found["why not"].tolist()[:2] == ["", ""] and "fewer than 5" in found["why not"].iloc[2]
    assert found["interaction p"].isna().all()  # one level is left
    constant = times.subgroup_effects(two_by_two({"a": (0, 20, 0, 40)}), "t", "y", ["group"])
    assert constant["odds ratio"].isna().all()


def test_variables_of_both_tables():
    codes = pd.Series(["250", "786", "other circulatory", "other endocrine and metabolic", "V57", "other skin", None])
    groups = times.variable(pd.DataFrame({"diag_1": codes}), "main diagnosis")
    assert groups.tolist() == ["diabetes", "respiratory", "circulatory", *["other"] * 4]
    chapters = pd.DataFrame({"diag_1": ["endocrine and metabolic", "symptoms and signs", "injury and poisoning"]})
    assert times.variable(chapters, "main diagnosis").tolist() == ["endocrine and metabolic", "other", "injury"]
    ages = pd.DataFrame({"age": ["[0-10)", "[60-70)", "[30-40)"]})
    assert times.variable(ages, "age (10 years)").tolist() == [0.5, 6.5, 3.5]
    assert times.variable(ages, "age band").tolist() == ["<30", ">60", "30-60"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda t: times.discharge_curves(t.drop(columns="time_in_hospital")), "needs the column 'time_in_hospital'"),
        (lambda t: times.discharge_curves(t.assign(time_in_hospital=-1)), "numbers from 0 on"),
        (lambda t: times.discharge_curves(t, pd.Series([1])), "by has 1 entries for 300 records"),
        (lambda t: times.discharge_curves(t.assign(g=None), "g"), "no record has both"),
        (lambda t: times.discharge_hazards(t, ["days in hospital"]), "is the outcome itself"),
        (lambda t: times.discharge_hazards(t, []), "name at least one"),
        (lambda t: times.discharge_hazards(t.assign(c=[f"x{i}" for i in range(300)]), ["c"]), "has 300 levels"),
        (lambda t: times.discharge_hazards(t.assign(age="old")), "write ages as"),
        (lambda t: times.subgroup_effects(t, "race"), "must be 0 and 1"),
        (lambda t: times.subgroup_effects(t.assign(c=range(300)), subgroups=["c"]), "has 300 levels"),
        (lambda t: times.discharge_curves([1]), "must be a pandas DataFrame"),
    ],
)
def test_what_a_user_can_mend_is_said(call, said):
    with pytest.raises(ShdError, match=said) as caught:
        call(patients(300, 0))
    assert "\n" not in str(caught.value)


def test_every_analysis_and_figure_of_a_clinical_table():
    real, other = patients(1500, 1), patients(1500, 2)
    hazards = [times.discharge_hazards(table) for table in (real, other)]
    insulin = hazards[0].set_index("term").loc["insulin"]
    assert insulin["hazard ratio"] < 1 and insulin["p"] < 0.001  # it keeps people longer in this table
    curves = [times.discharge_curves(table, "main diagnosis") for table in (real, other)]
    effects = [times.subgroup_effects(table) for table in (real, other)]
    drawn = [
        figures.discharge_curves(*curves),
        figures.hazards(*hazards),
        figures.subgroup_effects(*effects),
    ]
    for figure in drawn:
        assert isinstance(figure, matplotlib.figure.Figure)
        figure.canvas.draw()
    assert drawn[0].legends[0].get_title().get_text().startswith("The curves are at most ")


def test_figures_without_anything_in_common_say_so():
    one, other = (times.discharge_curves(pd.DataFrame({"time_in_hospital": [1, 2], "g": g}), "g") for g in "ab")
    with pytest.raises(ShdError, match="no group in common"):
        figures.discharge_curves(one, other)
    nothing = times.discharge_hazards(stays(50, 0).assign(exposed=1), TERMS)
    with pytest.raises(ShdError, match="no term could be estimated"):
        figures.hazards(nothing, nothing)


@pytest.mark.parametrize("make", [times.discharge_hazards, times.subgroup_effects])
def test_the_same_table_gives_the_same_numbers(make):
    table = patients(400, 3)
    pd.testing.assert_frame_equal(make(table), make(table.copy()))
