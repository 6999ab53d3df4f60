import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.sides import look
from shd.compare.utility import regression
from shd.compare.utility.regression import interval_overlap
from shd.dataset import Dataset


def two_by_two() -> pd.DataFrame:
    """Of 100 exposed 40 are ill, of 120 others 20."""
    exposed = np.repeat(["yes", "no"], [100, 120])
    ill = np.concatenate([np.repeat([1, 0], [40, 60]), np.repeat([1, 0], [20, 100])])
    return pd.DataFrame({"exposed": exposed, "ill": ill})


def patients(n: int, seed: int) -> pd.DataFrame:
    """Age, smoking and the ward matter; the day does not."""
    rng = np.random.default_rng(seed)
    age, ward = rng.normal(60, 12, n), rng.choice(["a", "b", "c", "d"], n, p=[0.4, 0.3, 0.2, 0.1])
    smokes = rng.choice(["yes", "no"], n, p=[0.3, 0.7])
    log_odds = (age - 60) / 12 + 0.8 * (smokes == "yes") - 0.7 * (ward == "b") + 0.7 * (ward == "c") - 0.5
    sick = rng.random(n) < 1 / (1 + np.exp(-log_odds))
    return pd.DataFrame(
        {
            "age": age,
            "pressure": age + rng.normal(60, 12, n),
            "smokes": smokes,
            "ward": ward,
            "day": rng.choice(["mo", "tu", "we"], n),
            "sick": np.where(sick, "yes", "no"),
        }
    )


def _measure(train, synthetic, holdout, target="sick", level="full"):
    return ask("regression", train, synthetic, holdout=holdout, target=target, level=level)


def effects(real, synthetic, target="sick") -> pd.DataFrame:
    """The effects of two tables side by side."""
    (frame,) = _measure(real, synthetic, real, target).tables.values()
    return frame


def odds_ratios(table, target=None) -> pd.DataFrame:
    """The odds ratios of one table."""
    found = effects(table, table, target)
    return found.rename(columns={"real": "odds ratio", "real low": "low", "real high": "high"})


def _swap(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(sick=table["sick"].map({"yes": "no", "no": "yes"}))


@pytest.fixture(scope="module")
def answer():
    return _measure(patients(1500, 1), patients(1500, 2), patients(1500, 3))


def test_odds_ratio_of_a_two_by_two_table():
    found = odds_ratios(two_by_two(), "ill")
    assert found["term"].tolist() == ["exposed: yes vs no"]  # the commoner one is the reference
    (row,) = found[["odds ratio", "low", "high"]].itertuples()
    assert row[1] == pytest.approx((40 / 60) / (20 / 100))
    # Woolf's standard error; the robust one is a little larger, by 220 / 218
    error = np.sqrt(1 / 40 + 1 / 60 + 1 / 20 + 1 / 100) * np.sqrt(220 / 218)
    assert np.log([row.low, row.high]) == pytest.approx(np.log(row[1]) + 1.95996 * error * np.array([-1, 1]), rel=1e-4)


def test_records_of_one_subject_are_not_counted_as_many():
    once = odds_ratios(two_by_two(), "ill")
    twice = pd.concat([two_by_two(), two_by_two()])
    subjects = np.tile(np.arange(220), 2)
    known = odds_ratios(Dataset(twice, target="ill", subjects=subjects))
    unknown = odds_ratios(twice, "ill")
    width = [np.log(found["high"] / found["low"])[0] for found in (once, known, unknown)]
    assert width[1] == pytest.approx(width[0], rel=0.01)
    assert width[2] == pytest.approx(width[0] / np.sqrt(2), rel=0.01)


def test_a_number_counts_by_its_standard_deviation():
    rng = np.random.default_rng(0)
    dose = rng.normal(50, 10, 20_000)
    ill = rng.random(20_000) < 1 / (1 + np.exp(-(dose - 50) / 10 * 0.7))
    found = odds_ratios(pd.DataFrame({"dose": dose, "ill": ill}), "ill")
    assert found["term"][0].startswith("dose (by 9.9") or found["term"][0].startswith("dose (by 10")
    assert abs(np.log(found["odds ratio"][0])) == pytest.approx(0.7, abs=0.05)


@pytest.mark.parametrize(
    "bounds, overlap",
    [
        ((0, 2, 1, 3), 0.5),  # half of each
        ((0, 4, 1, 2), 0.625),  # a quarter of the first, all of the second
        ((0, 1, 0, 1), 1),
        ((0, 1, 1, 2), 0),  # they touch
        ((0, 1, 5, 6), 0),
        ((0, 1, np.nan, np.nan), 0),
        ((1, 1, 0, 2), 0.5),  # a point inside an interval
        ((1, 1, 1, 1), 1),
    ],
)
def test_overlap_worked_out_by_hand(bounds, overlap):
    assert interval_overlap(*(np.array([bound]) for bound in bounds)) == [overlap]
    assert interval_overlap(*(np.array([bound]) for bound in (*bounds[2:], *bounds[:2]))) == [overlap]


def test_equal_tables_overlap_completely():
    found = effects(patients(300, 1), patients(300, 1))
    assert (found["overlap"] == 1).all() and found["same sign"].all() and found["same significance"].all()


def test_a_swapped_label_turns_every_effect_around():
    found = effects(patients(600, 1), _swap(patients(600, 1)))
    assert np.allclose(found["real"] * found["synthetic"], 1)
    assert not found["same sign"].any()


def test_a_shuffled_target_overlaps_less():
    rng = np.random.default_rng(0)
    loose = patients(600, 2).assign(sick=lambda f: f["sick"].to_numpy()[rng.permutation(600)])
    fresh, low = (effects(patients(600, 1), other) for other in (patients(600, 2), loose))
    assert low["overlap"].mean() + 0.2 < fresh["overlap"].mean()


def test_a_number_gets_coefficients():
    x = np.arange(100.0)
    table = pd.DataFrame({"x": x, "y": 3 * x + np.tile([1.0, -1.0], 50)})
    found = effects(table, table, "y")
    assert found["real"][0] == pytest.approx(3 * x.std(), rel=1e-3)
    assert found["real low"][0] < found["real"][0] < found["real high"][0]


def test_terms_are_as_many_as_the_outcomes_allow():
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(300, 6))).add_prefix("x").assign(ill=[1] * 25 + [0] * 275)
    assert len(odds_ratios(table, "ill")) == 2  # ten ill records each
    assert len(odds_ratios(table.assign(ill=[1] * 100 + [0] * 200), "ill")) == 6


def test_a_level_that_is_always_ill_does_not_join_the_reference():
    always = pd.DataFrame({"exposed": ["always"] * 30, "ill": [1] * 30})
    found = odds_ratios(pd.concat([two_by_two(), always]), "ill")
    assert found["term"].tolist() == ["exposed: yes vs no"]
    assert found["odds ratio"][0] == pytest.approx((40 / 60) / (20 / 100))


def test_terms_that_say_the_same_are_estimated_once():
    table = patients(300, 1).assign(years=lambda f: f["age"], months=lambda f: 12 * f["age"])
    labels = odds_ratios(table, "sick")["term"]
    assert sum(label.startswith(("age", "years", "months")) for label in labels) == 1


def test_what_separates_the_outcome_is_left_out():
    """The level of a category, and a number, that tell the outcome: their odds ratios have no end."""
    table = patients(300, 1).assign(treated=lambda f: f["sick"], score=lambda f: (f["sick"] == "yes") * 2.0 + 1)
    labels = odds_ratios(table, "sick")["term"].tolist()
    assert labels and not any(label.startswith(("treated", "score")) for label in labels)
    answer = _measure(table, table, table)
    assert any("cannot be estimated from real records" in note.why for note in answer.skipped)
    assert answer.scores[0].value == 1


def test_a_level_that_synthetic_records_lack_counts_as_no_overlap():
    synthetic = patients(600, 2)
    answer = _measure(patients(600, 1), synthetic[synthetic["ward"] != "b"], patients(600, 3))
    frame = answer.table("odds ratios").set_index("term")
    (lost,) = [term for term in frame.index if term.startswith("ward: b")]
    assert frame.loc[lost, "overlap"] == 0 and np.isnan(frame.loc[lost, "synthetic"])
    assert any(
        "cannot be estimated from synthetic records" in note.why and lost in note.what for note in answer.skipped
    )


def test_a_fresh_sample_is_as_good_as_other_real_records(answer):
    (score,) = answer.scores
    assert score.metric == "confidence interval overlap" and score.verdict == "green"
    assert score.floor < score.value and score.low <= score.value <= score.high
    assert "effects overlap by" in score.sentence and "same sign" in score.sentence


def test_frame(answer):
    frame = answer.table("odds ratios")
    assert list(frame) == [
        "target", "term", "real", "real low", "real high", "synthetic", "synthetic low", "synthetic high", "overlap",
        "same sign", "same significance",
    ]  # fmt: skip
    assert frame["overlap"].between(0, 1).all() and answer.scores[0].value == pytest.approx(frame["overlap"].mean())


def test_the_interval_is_that_of_refitting(monkeypatch):
    """The bootstrap adds up what each record moves; refitting on drawn records spreads the effects as much."""
    inputs = look({"train": patients(800, 1), "synthetic": patients(800, 2)}, "sick")
    (task,) = inputs.ready.tasks
    monkeypatch.setattr(regression, "_MOST_TERMS", 2)
    whole = regression._fit(inputs.train, task, regression._choose(inputs.train, task))
    rng = np.random.default_rng(0)
    drawn = [inputs.train.take(rng.integers(0, 800, 800)) for _ in range(150)]
    spread = np.std([regression._fit(table, task, whole.terms).estimate for table in drawn], axis=0)
    assert np.sqrt((whole.moves**2).sum(axis=0)) == pytest.approx(spread, rel=0.25)
    assert whole.error == pytest.approx(spread, rel=0.25)


def test_independent_columns_are_found_out():
    rng = np.random.default_rng(0)
    loose = patients(800, 2).apply(lambda column: column.to_numpy()[rng.permutation(800)])
    (score,) = _measure(patients(800, 1), loose, patients(800, 3)).scores
    assert score.verdict == "red" and score.value == pytest.approx(score.floor, abs=0.15)


def test_measure_of_a_number():
    tables = [patients(1000, seed) for seed in (1, 2, 3)]
    linked = [
        table.assign(
            pressure=table["pressure"]
            + 12 * (table["smokes"] == "yes")
            + 6 * (table["sick"] == "yes")
            + table["ward"].map({"a": 0, "b": 10, "c": -10, "d": 20})
            + table["day"].map({"mo": 0, "tu": 8, "we": -8})
        )
        for table in tables
    ]
    answer = _measure(*linked, target="pressure")
    assert list(answer.tables) == ["coefficients"] and answer.scores[0].verdict == "green"
    # of age alone the rest is not told: nearly all coefficients are none, and independent columns say so, too
    assert _measure(*tables, target="pressure").scores[0].verdict == "grey"


def test_the_same_seed_gives_the_same_numbers(answer):
    again = _measure(patients(1500, 1), patients(1500, 2), patients(1500, 3))
    assert again.scores == answer.scores
    pd.testing.assert_frame_equal(again.table("odds ratios"), answer.table("odds ratios"), check_exact=True)
