import matplotlib.figure
import numpy as np
import pandas as pd
import pytest
from studies import figures_times as figures
from studies.arms import lay_out
from studies.control_arm import ADJUST, METHODS, contrast, control_arm_experiment

from shd._errors import ShdError
from shd.dataset import Dataset

EFFECT = 0.5  # days, in everybody


def confounded(n: int, seed: int, level: bool = False) -> pd.DataFrame:
    """Those who are worse (`ill`, `ward`) are treated more often, and do worse: the raw contrast is too high.

    Treatment adds `EFFECT` to the number, or raises the log odds of the level by 0.8.
    """
    rng = np.random.default_rng(seed)
    ill, ward = rng.normal(0, 1, n), rng.choice(["a", "b"], n)
    t = (rng.random(n) < 1 / (1 + np.exp(0.5 - ill - (ward == "b")))).astype(int)
    risk = 0.8 * ill + 0.5 * (ward == "b")
    if level:
        y = (rng.random(n) < 1 / (1 + np.exp(1.5 - 0.8 * t - risk))).astype(int)
    else:
        y = 3 + EFFECT * t + risk + rng.normal(0, 1, n)
    return pd.DataFrame({"ill": ill, "ward": pd.Categorical(ward, ["a", "b"]), "t": t, "y": y})


def arms(table: pd.DataFrame) -> tuple[Dataset, Dataset]:
    data = Dataset(table)
    return data.take(table["t"] == 1), data.take(table["t"] == 0)


def two_by_two() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Of 40 treated in ward a 10 come back, of 60 in b 30; of controls 6 of 60 in a and 16 of 40 in b."""
    treated = pd.DataFrame({"ward": np.repeat(["a", "b"], [40, 60]), "y": np.repeat([1, 0, 1, 0], [10, 30, 30, 30])})
    control = pd.DataFrame({"ward": np.repeat(["a", "b"], [60, 40]), "y": np.repeat([1, 0, 1, 0], [6, 54, 16, 24])})
    return treated, control


def test_raw_contrast_by_hand():
    found = contrast(*two_by_two(), "y", ["ward"], "raw")
    assert (found.n_treated, found.n_control, found.worth) == (100, 100, 100)
    assert found.value == pytest.approx(0.40 - 0.22)
    error = np.sqrt(0.4 * 0.6 / 100 + 0.22 * 0.78 / 100)
    assert (found.high - found.low) / 2 == pytest.approx(1.95996 * error, rel=1e-4)


@pytest.mark.parametrize("method", ["weighting", "g-computation"])
def test_adjusted_contrasts_by_hand(method):
    # with one ward to adjust for, both give each ward the share of the treated: 0.4 * 0.1 + 0.6 * 0.4
    found = contrast(*two_by_two(), "y", ["ward"], method)
    assert found.value == pytest.approx(0.40 - (0.4 * 0.1 + 0.6 * 0.4), abs=1e-6)
    # the variance of a standardised difference: that of each ward's shares, and of how many treated are in b
    own = 0.4**2 * (0.25 * 0.75 / 40 + 0.1 * 0.9 / 60) + 0.6**2 * (0.25 / 60 + 0.4 * 0.6 / 40)
    wards = 0.4 * 0.6 / 100 * ((0.5 - 0.4) - (0.25 - 0.1)) ** 2
    assert (found.high - found.low) / 2 == pytest.approx(1.95996 * np.sqrt(own + wards), rel=1e-3)


def test_weighted_controls_count_as_fewer():
    found = contrast(*two_by_two(), "y", ["ward"], "weighting")
    weights = np.repeat([40 / 60, 60 / 40], [60, 40])  # the odds of being treated in each ward
    assert found.worth == pytest.approx(weights.sum() ** 2 / (weights**2).sum(), rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_confounding_misleads_the_raw_contrast_alone(method):
    found = contrast(*arms(confounded(4000, 1)), "y", ["ill", "ward"], method)
    if method == "raw":
        assert found.low > EFFECT + 0.3
    else:
        assert found.low < EFFECT < found.high and found.value == pytest.approx(EFFECT, abs=0.12)


@pytest.mark.parametrize(("method", "level"), [("weighting", False), ("g-computation", False), ("g-computation", True)])
def test_intervals_hold_the_truth_as_often_as_they_say(method, level):
    truth = EFFECT
    if level:  # what treatment changes in those who are treated, from very many of them
        many = confounded(400_000, 0, level=True).query("t == 1")
        risk = 0.8 * many["ill"] + 0.5 * (many["ward"] == "b") - 1.5
        truth = (1 / (1 + np.exp(-0.8 - risk)) - 1 / (1 + np.exp(-risk))).mean()
    held = 0
    for seed in range(100):
        found = contrast(*arms(confounded(800, 50 + seed, level)), "y", ["ill", "ward"], method)
        held += found.low < truth < found.high
    assert 89 <= held <= 99  # 95 expected


@pytest.mark.parametrize("method", METHODS)
def test_intervals_agree_with_a_bootstrap(method):
    table = confounded(600, 3, level=True)
    found = contrast(*arms(table), "y", ["ill", "ward"], method)
    rng = np.random.default_rng(0)
    drawn = [
        contrast(*arms(table.iloc[rng.integers(0, 600, 600)]), "y", ["ill", "ward"], method).value for _ in range(150)
    ]
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * np.std(drawn), rel=0.2)


@pytest.mark.parametrize("method", METHODS)
def test_repeated_records_of_subjects_teach_nothing_new(method):
    table = confounded(300, 4)
    once = contrast(*arms(table), "y", ["ill", "ward"], method)
    data = Dataset(pd.concat([table] * 2, ignore_index=True), subjects=np.tile(np.arange(300), 2))
    t = data.frame["t"] == 1
    twice = contrast(data.take(t), data.take(~t), "y", ["ill", "ward"], method)
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high), abs=1e-8)
    assert twice.n_treated == 2 * once.n_treated


def test_arms_that_a_term_tells_apart_cannot_be_weighted():
    table = confounded(400, 5)
    treated, control = table[table["t"] == 1], table[table["t"] == 0]
    treated = treated.assign(ill=treated["ill"] + 100)
    assert "no end" in contrast(treated, control, "y", ["ill"], "weighting").why_not
    assert np.isnan(contrast(treated, control, "y", ["ill"], "weighting").value)


@pytest.mark.parametrize("method", METHODS)
def test_what_cannot_be_estimated_says_why(method):
    treated, control = two_by_two()
    assert "does not vary" in contrast(treated, control.assign(y=0), "y", ["ward"], method).why_not
    assert "fewer than 10" in contrast(treated, control.iloc[:9], "y", ["ward"], method).why_not
    found = contrast(treated, control.assign(y=np.nan), "y", ["ward"], method)
    assert "fewer than 10" in found.why_not and found.n_control == 0 and np.isnan(found.value)


def test_rare_levels_are_not_adjusted_for():
    treated, control = two_by_two()
    rare = control.assign(ward=["c"] * 3 + control["ward"].tolist()[3:])
    assert lay_out(treated, rare, "y", ["ward"]).design.labels == ["ward: b vs a"]
    # nobody of ward a comes back: a regression has no end there, and does without the ward
    none = control.assign(y=np.where(control["ward"] == "a", 0, control["y"]))
    found = contrast(treated, none, "y", ["ward"], "g-computation")
    assert found.value == pytest.approx(0.4 - 0.16) and not found.why_not


def test_experiment_knows_controls_that_stand_in_from_those_that_do_not():
    train, alike = confounded(6000, 6), confounded(6000, 7)
    worse = confounded(6000, 8).assign(y=lambda t: t["y"] - 0.4)  # controls do better than they should
    found = control_arm_experiment(
        train, worse, holdout=alike, treatment="t", outcome="y", adjust=["ill", "ward"], few=200
    )
    bias = found.set_index(["controls", "method"])
    names = ["own controls", "few own controls", "held-out controls", "synthetic controls"]
    assert list(dict.fromkeys(found["controls"])) == names
    for method in METHODS:
        assert bias.loc[("own controls", method), "bias"] == 0
        low, high = bias.loc[("held-out controls", method), ["bias low", "bias high"]]
        assert low < 0 < high
        low, high = bias.loc[("synthetic controls", method), ["bias low", "bias high"]]
        assert 0 < low < 0.4 < high
    # few controls are right on average, and far less sure
    width = (bias["high"] - bias["low"]).xs("weighting", level="method")
    assert width["few own controls"] > 2 * width["held-out controls"]
    assert (found.query("controls == 'few own controls'")["n control"] == 200).all()


def test_intervals_of_the_bias_hold_nothing_as_often_as_they_say():
    held = dict.fromkeys(METHODS, 0)
    for seed in range(60):
        found = control_arm_experiment(
            confounded(500, 2 * seed), confounded(500, 2 * seed + 1), treatment="t", outcome="y", adjust=["ill"], few=60
        )
        for _, row in found[found["controls"] == "synthetic controls"].iterrows():
            held[row["method"]] += row["bias low"] < 0 < row["bias high"]
    assert all(51 <= n for n in held.values()), held  # 57 expected


def test_experiment_of_a_table_without_controls_or_outcomes():
    train = confounded(400, 9, level=True)
    given = {"treatment": "t", "outcome": "y", "adjust": ["ill", "ward"]}
    found = control_arm_experiment(train, train.assign(t=1), floor=train.assign(y=0), **given)
    last = found.set_index("controls")["why not"]
    assert last["synthetic controls"].eq("the table has no controls").all()
    assert last["controls of independent columns"].str.contains("does not vary").all()
    figure = figures.contrasts(found)
    figure.canvas.draw()
    assert "nothing can be estimated" in figure.get_suptitle()


def test_the_treatment_itself_is_not_adjusted_for():
    train = confounded(400, 10)
    given = {"treatment": "t", "outcome": "y"}
    with_it = control_arm_experiment(train, train, adjust=["ill", "t", "y"], **given)
    pd.testing.assert_frame_equal(with_it, control_arm_experiment(train, train, adjust=["ill"], **given))


def test_the_same_seed_gives_the_same_numbers_and_another_one_other_controls():
    train, other = confounded(500, 11), confounded(500, 12)
    first, again, another = (
        control_arm_experiment(train, other, treatment="t", outcome="y", adjust=["ill"], few=50, random_state=seed)
        for seed in (0, 0, 1)
    )
    pd.testing.assert_frame_equal(first, again)
    differ = first["controls"][(first["value"] != another["value"])].unique()
    assert differ.tolist() == ["few own controls"]


def test_tables_with_other_levels_and_text_meet():
    treated, control = two_by_two()
    category = control.assign(ward=pd.Categorical(control["ward"], ["b", "a", "c"]))
    texts, categories = (contrast(treated, c, "y", ["ward"], "weighting").value for c in (control, category))
    assert texts == pytest.approx(categories)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda t, c: contrast(t, c, "y", ["ward"], "magic"), "is not one of raw"),
        (lambda t, c: contrast(t, c, "nothing", ["ward"]), "needs the column 'nothing'"),
        (lambda t, c: contrast(t, c.drop(columns="ward"), "y", ["ward"]), "needs the column 'ward'"),
        (lambda t, c: contrast(t, c, "ward", ["y"]), "must be 0 and 1"),
        (lambda t, c: contrast(t, c, "y", []), "name at least one"),
        (lambda t, c: contrast(t, c.iloc[:0], "y", ["ward"]), "is empty"),
        (lambda t, c: control_arm_experiment(t.assign(t=1), c, treatment="t", outcome="y"), "nobody without it"),
        (lambda t, c: control_arm_experiment(t.assign(t=0), c, treatment="t", outcome="y"), "nobody with it"),
        (lambda t, c: control_arm_experiment(t, c, treatment="ward", outcome="y"), "must be 0 and 1"),
    ],
)
def test_what_a_user_can_mend_is_said(call, said):
    with pytest.raises(ShdError, match=said) as caught:
        call(*two_by_two())
    assert "\n" not in str(caught.value)


def test_figures():
    train = confounded(800, 13)
    found = control_arm_experiment(
        train, confounded(800, 14), holdout=confounded(800, 15), floor=confounded(800, 16),
        treatment="t", outcome="y", adjust=["ill", "ward"], few=100,
    )  # fmt: skip
    figure = figures.contrasts(found, "days", 1)
    assert isinstance(figure, matplotlib.figure.Figure)
    figure.canvas.draw()
    assert len(figure.axes) == len(METHODS)


def test_variables_to_adjust_for_are_in_both_shipped_tables():
    import shd

    data = shd.load("diabetes", source="synthetic")
    some = data.take(np.arange(0, len(data), 40))
    found = control_arm_experiment(some, some, adjust=ADJUST)
    assert found["why not"].eq("").all()
    own = found[found["controls"] == "synthetic controls"]
    assert own["bias"].abs().max() < 1e-9  # its own controls
