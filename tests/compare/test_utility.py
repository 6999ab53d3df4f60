import numpy as np
import pytest

from shd._errors import ShdError
from shd.compare import compare, relative_prediction_error, tstr


def test_a_level_is_learned_from_a_fresh_sample(people):
    found = tstr(people(600, 1), people(600, 2), "sick")
    assert list(found) == ["yes"] or list(found) == ["no"]  # two levels mirror each other
    assert 0.8 < next(iter(found.values())) < 1


def test_every_common_level_gets_a_model(people):
    assert set(tstr(people(300, 1), people(300, 2), "pills")) == {"none", "some", "many"}


def test_a_number_gets_r2(people):
    found = tstr(people(400, 1), people(400, 2), "blood")
    assert 0.6 < found["R2"] < 1


def test_a_number_of_few_values_is_a_set_of_levels(people):
    frame = people(300, 1).assign(sick=lambda f: (f["sick"] == "yes").astype(int))
    assert list(tstr(frame, frame, "sick")) in (["1"], ["0"])


def test_a_level_that_synthetic_records_lack_cannot_be_learned(people):
    without = people(300, 1)
    assert tstr(without[without["pills"] != "many"], people(300, 2), "pills")["many"] == 0.5


@pytest.mark.parametrize("target", [None, "no such column"])
def test_an_unknown_target_is_refused(people, target):
    with pytest.raises(ShdError, match="is not a column that both tables have"):
        tstr(people(30, 1), people(30, 2), target)


def test_a_constant_target_is_refused(people):
    frame = people(30, 1).assign(sick="yes")
    with pytest.raises(ShdError, match="single level"):
        tstr(frame, frame, "sick")


def test_scores(fresh, scrambled):
    (good,), (bad,) = ([s for s in r.results if s.metric.startswith("TSTR")] for r in (fresh, scrambled))
    assert good.verdict == "green" and good.value == pytest.approx(1, abs=0.05)
    assert bad.verdict == "red" and bad.value == pytest.approx(bad.floor, abs=0.1)
    assert fresh.utility["design"].tolist() == ["TRTR", "TSTR", "TSTS", "TRTS", "floor"]


def test_relative_prediction_error(people):
    train, holdout = people(600, 1), people(600, 2)
    assert np.allclose(relative_prediction_error(train, train, holdout), 1)
    rng = np.random.default_rng(0)
    loose = train.assign(blood=rng.permutation(train["blood"]))
    assert relative_prediction_error(train, loose, holdout)["blood"] > 2


def test_a_level_that_comes_up_once_does_not_decide_a_column(people):
    """Real records never err about it, and synthetic ones by next to nothing: that is no tenfold error."""
    train = people(400, 1).assign(rare="no")
    once = people(400, 3).assign(rare=["yes", *["no"] * 399])
    assert relative_prediction_error(train, once, train)["rare"] == pytest.approx(1, abs=0.3)
    often = people(400, 3).assign(rare=["yes", "no"] * 200)
    assert relative_prediction_error(train, often, train)["rare"] == 10


def test_relative_prediction_error_of_a_constant_column_is_one(people):
    train = people(100, 1).assign(k=1)
    assert relative_prediction_error(train, train, train)["k"] == 1


def test_prediction_scores(fresh, scrambled):
    assert fresh.score("relative prediction error").verdict == "green"
    assert scrambled.score("relative prediction error").verdict == "red"


def test_a_level_too_rare_to_test_is_listed(people):
    train, holdout = people(200, 1), people(200, 2)
    rare = holdout.assign(pills=holdout["pills"].where(holdout["pills"] != "many", "some"))
    report = compare(train, train, holdout=rare, target="pills")
    assert "target level many" in report.skipped["what"].tolist()


@pytest.mark.real_data
def test_readmission_is_as_hard_as_it_is_known_to_be(real_diabetes):
    """Anything near 0.9 would be leakage."""
    train, holdout = real_diabetes.split(random_state=0)
    found = tstr(train, holdout)
    assert found["NO"] == pytest.approx(0.675, abs=0.02)
    assert found["<30"] == pytest.approx(0.65, abs=0.02)
