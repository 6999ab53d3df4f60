"""`MixtureCircuit`: exact likelihoods, exact conditioning, and gaps filled by what is known."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.synthesizers import MixtureCircuit, TabularAutoregressive


def two_kinds(n=1500, seed=0):
    """Return two kinds of patients: the old and sick, and the young and well; half of each."""
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, 2, n)
    return pd.DataFrame(
        {
            "age": np.where(kind, rng.normal(70, 3, n), rng.normal(30, 3, n)).round(),
            "sick": pd.Categorical(np.where(rng.random(n) < np.where(kind, 0.9, 0.1), "yes", "no")),
            "ward": pd.Categorical(np.where(rng.random(n) < np.where(kind, 0.8, 0.2), "a", "b")),
        }
    )


@pytest.fixture(scope="module")
def model():
    return MixtureCircuit(kinds=2).fit(two_kinds())


def test_it_finds_the_kinds(model):
    assert model.weight_ == pytest.approx([0.5, 0.5], abs=0.05)
    drawn = model.sample(3000)
    old = drawn["age"] > 50
    assert (drawn["sick"][old] == "yes").mean() == pytest.approx(0.9, abs=0.05)
    assert (drawn["sick"][~old] == "yes").mean() == pytest.approx(0.1, abs=0.05)


def test_chances_of_all_records_add_up_to_one():
    frame = two_kinds()[["sick", "ward"]]
    model = MixtureCircuit(kinds=3).fit(frame)
    every = pd.DataFrame(list(product(["no", "yes"], ["a", "b"])), columns=["sick", "ward"])
    every = every.astype({name: frame[name].dtype for name in frame})
    chance = np.exp(model.log_score(every))
    assert chance.sum() == pytest.approx(1, abs=1e-6)
    # P(yes, a) = .5 x .9 x .8 + .5 x .1 x .2
    assert chance[2] == pytest.approx(0.37, abs=0.04)


def test_conditioning_is_that_of_bayes(model):
    drawn = model.sample(4000, condition={"ward": "a"})
    assert (drawn["ward"] == "a").all()
    # P(yes | a) = (.9 x .8 + .1 x .2) / (.8 + .2)
    assert (drawn["sick"] == "yes").mean() == pytest.approx(0.74, abs=0.04)


@pytest.mark.parametrize("family", [MixtureCircuit(kinds=2), TabularAutoregressive(steps=60, width=32, batch=128)])
def test_any_column_can_be_asked_for_and_gaps_are_filled(family):
    frame = two_kinds()
    family.fit(frame)
    for name, value in {"sick": "yes", "ward": "b", "age": frame["age"].mode()[0]}.items():
        assert (family.sample(20, condition={name: value})[name] == value).all()
    rows = family.sample(3, condition=pd.DataFrame({"sick": ["yes", "no", "yes"], "ward": ["a", "b", "b"]}))
    assert rows["sick"].tolist() == ["yes", "no", "yes"] and rows["ward"].tolist() == ["a", "b", "b"]

    gaps = frame.copy()
    gaps.loc[:99, "sick"] = None
    gaps.loc[50:149, "age"] = np.nan
    filled = family.impute(gaps)
    assert not filled.isna().any().any() and (filled.dtypes == frame.dtypes).all()
    for name in frame:
        known = gaps[name].notna()
        assert (filled[name][known] == frame[name][known]).all()
    pd.testing.assert_frame_equal(filled, family.impute(gaps))
    assert not filled.equals(family.impute(gaps, random_state=1))


def test_gaps_are_filled_by_what_is_known(model):
    frame = two_kinds(seed=1)
    gaps = frame.assign(sick=pd.Categorical([None] * len(frame), categories=["no", "yes"]))
    old = frame["age"] > 50
    filled = model.impute(gaps)["sick"] == "yes"
    assert filled[old].mean() == pytest.approx(0.9, abs=0.06) and filled[~old].mean() == pytest.approx(0.1, abs=0.06)


def test_a_column_that_had_gaps_is_filled_with_what_is_no_gap():
    frame = two_kinds()
    frame.loc[::3, "ward"] = None
    model = MixtureCircuit(kinds=2).fit(frame)
    assert model.sample(300)["ward"].isna().mean() == pytest.approx(1 / 3, abs=0.08)
    assert not model.impute(frame)["ward"].isna().any()


def test_kinds_are_doubled_for_as_long_as_people_held_out_gain():
    history = MixtureCircuit(most=16).fit(two_kinds()).history_
    assert history["kinds"].tolist() == [4, 8, 16][: len(history)] and history["heldout"].lt(0).all()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kinds": 0}, "kinds=0"),
        ({"most": 1.5}, "most=1.5"),
        ({"passes": True}, "passes=True"),
        ({"prior": 0}, "prior=0"),
    ],
)
def test_bad_arguments_are_told(given, said):
    with pytest.raises(ShdError, match=said):
        MixtureCircuit(**given).fit(two_kinds())


@pytest.mark.parametrize("given", [{"nobody": 1}, {"ward": "c"}, {"age": 30.5}, {"sick": ["yes"]}])
def test_what_cannot_be_asked_for_is_told(model, given):
    with pytest.raises(ShdError):
        model.sample(3, condition=given)


def test_gaps_of_a_table_that_lacks_a_column(model):
    with pytest.raises(ShdError, match="lacks the column 'sick'"):
        model.impute(two_kinds().drop(columns="sick"))


def test_columns_are_drawn_anew_given_the_others(model):
    frame = two_kinds(seed=1)
    made = model.redraw(frame, ("sick",))
    pd.testing.assert_frame_equal(made.drop(columns="sick"), frame.drop(columns="sick"))
    old = frame["age"] > 50
    sick = made["sick"] == "yes"
    assert sick[old].mean() == pytest.approx(0.9, abs=0.06) and sick[~old].mean() == pytest.approx(0.1, abs=0.06)
    with pytest.raises(ShdError, match="'nobody' was not learned"):
        model.redraw(frame, ("nobody",))
    with pytest.raises(ShdError, match="lacks the column 'ward'"):
        model.redraw(frame.drop(columns="ward"), ("sick",))


def test_what_is_missing_stays_missing_where_it_is_not_drawn():
    frame = two_kinds()
    frame.loc[::3, "ward"] = None
    made = MixtureCircuit(kinds=2).fit(frame).redraw(frame, ("sick",))
    pd.testing.assert_series_equal(made["ward"], frame["ward"])
