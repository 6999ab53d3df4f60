"""`SequentialTrees`: logic is kept, leaves hold people and not records, and chances add up to one."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.synthesizers import SequentialTrees


def table(n=400, seed=0):
    """Return a table in which `drug` follows from `dose`, and `coin` from nothing."""
    rng = np.random.default_rng(seed)
    dose = rng.choice(["none", "low", "high"], n)
    sick = np.where(rng.random(n) < np.where(dose == "high", 0.8, 0.2), "yes", "no")
    return pd.DataFrame(
        {"sick": sick, "dose": dose, "drug": np.where(dose == "none", "no", "yes"), "coin": rng.choice(["a", "b"], n)}
    ).astype("category")


def test_exact_logic_and_shares_are_kept():
    frame = table(2000)
    drawn = SequentialTrees(penalty=8).fit(frame).sample(4000)
    assert ((drawn["dose"] == "none") == (drawn["drug"] == "no")).mean() > 0.99
    by_dose = (drawn["sick"] == "yes").groupby(drawn["dose"], observed=True).mean()
    assert by_dose["high"] == pytest.approx(0.8, abs=0.05) and by_dose["low"] == pytest.approx(0.2, abs=0.05)


def test_a_coin_gets_no_question_and_a_cause_gets_one():
    model = SequentialTrees(condition="dose", penalty=16).fit(table())
    trees = {model.encoder_.names[j]: tree for j, tree in model._free()}
    assert len(trees["coin"].column) == 1  # a leaf alone
    assert {model.encoder_.names[j] for j in trees["drug"].column if j >= 0} == {"dose"}


def test_chances_of_all_records_add_up_to_one():
    frame = table()
    model = SequentialTrees(penalty=4).fit(frame)
    levels = [frame[name].cat.categories for name in frame]
    every = pd.DataFrame(list(product(*levels)), columns=frame.columns)
    every = every.astype({name: frame[name].dtype for name in frame})
    assert np.exp(model.log_score(every)).sum() == pytest.approx(1, abs=1e-6)


def test_the_first_column_asked_for_is_the_condition_and_comes_as_asked():
    model = SequentialTrees(condition="drug", penalty=8).fit(table())
    assert model.order_[0] == "drug" and sorted(model.order_) == ["coin", "dose", "drug", "sick"]
    drawn = model.sample(200, condition={"drug": "no"})
    assert (drawn["drug"] == "no").all() and (drawn["dose"] == "none").mean() > 0.95


def test_a_leaf_holds_people_not_records():
    """Twelve people of fifty records each: no leaf of five people can hold fewer than 250 of them."""
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(12), 50)
    frame = pd.DataFrame({"a": people % 6 + rng.normal(0, 0.01, 600), "b": people % 6 + rng.normal(0, 0.01, 600)})
    model = SequentialTrees(min_leaf=5, penalty=0).fit(Dataset(frame, subjects=people))
    for j, tree in model._free():
        codes = model.encoder_.transform(model.protection_.apply(frame))
        leaf = tree.leaf(model._ranks(tree, codes))
        assert all(len(np.unique(people[leaf == one])) >= 5 for one in np.unique(leaf)), model.encoder_.names[j]


def test_a_node_leans_on_the_one_above_it():
    """By hand: 6 records of a leaf, all of one code, beside 1 record's worth of a parent with half of each."""
    model = SequentialTrees(penalty=0, min_leaf=5, smoothing=1.0, min_people=1, condition="a")
    frame = pd.DataFrame({"a": ["x"] * 6 + ["y"] * 6, "b": ["u"] * 6 + ["v"] * 6}).astype("category")
    with pytest.warns(UserWarning, match="too few"):
        model.fit(frame)
    ((_, tree),) = model._free()
    assert sorted(tree.chances(2, 1.0)[1]) == pytest.approx([0.5 / 7, 6.5 / 7])


def test_the_penalty_is_found_on_people_held_out():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 6)), columns=list("abcdef"))
    model = SequentialTrees().fit(frame)
    tried = model.nearness_
    assert model.penalty_ == tried["penalty"].iloc[-1] and tried["penalty"].is_monotonic_increasing
    assert tried["low"].le(tried["nearer"]).all() and tried["nearer"].le(tried["high"]).all()
    assert (tried["nearer"].iloc[:-1] > 0.52).all()  # it stopped at the first that was fair


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"min_leaf": 0}, "min_leaf=0"),
        ({"min_leaf": 2.5}, "min_leaf=2.5"),
        ({"penalty": -1}, "penalty=-1"),
        ({"smoothing": "much"}, "smoothing='much'"),
        ({"smoothing": float("nan")}, "smoothing=nan"),
        ({"max_levels": 1}, "max_levels=1"),
    ],
)
def test_bad_arguments_are_told(given, said):
    with pytest.raises(ShdError, match=said):
        SequentialTrees(**given).fit(table())


def test_levels_by_the_hundred():
    """A level of two hundred says which of two groups comes: the tree finds it without a question for each level."""
    rng = np.random.default_rng(0)
    code = rng.integers(0, 200, 6000)
    frame = pd.DataFrame({"code": [f"c{i:03}" for i in code], "group": np.where(code * 7 % 2 == 0, "even", "odd")})
    model = SequentialTrees(penalty=8).fit(frame.astype("category"))
    drawn = model.sample(3000)
    even = drawn["code"].astype(str).str[1:].astype(int) * 7 % 2 == 0
    assert (even == (drawn["group"] == "even")).mean() > 0.9
