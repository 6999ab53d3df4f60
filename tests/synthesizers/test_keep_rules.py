"""Sampling that keeps rules: every family, every kind of rule, every condition."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import shd
import shd.synthesizers
from shd.synthesizers import BayesianNetwork, ImageSynthesizer, Marginals, load_synthesizer
from shd.synthesizers.base import registry
from shd.synthesizers.rules import find_rules

SMALL = {"condition": "sex", "steps": 8, "width": 16, "batch": 64}
SETTINGS = {
    "ADSGAN": {**SMALL, "critic_steps": 8, "identifiability": 0.5},
    "MixtureCircuit": {"kinds": 4, "passes": 5},
    "SequentialTrees": {"penalty": 8},
    "TabularAutoregressive": SMALL,
    "TabularCGAN": {**SMALL, "critic_steps": 8},
    "TabularDiffusion": {**SMALL, "moves": 5},
    "TabularVAE": SMALL,
}


@pytest.fixture(scope="module")
def stays(planted):
    return planted(400)


def _learns_rules(name):
    """Whether a family is of tables, and reads rules off the records: a private one does not."""
    return not issubclass(registry[name], ImageSynthesizer) and getattr(registry[name](), "epsilon", None) is None


@pytest.fixture(scope="module", params=sorted(filter(_learns_rules, registry)))
def model(request, stays):
    # nobody is protected: to merge rare counts and cut ends, each column alone, breaks sums and ratios of several
    return registry[request.param](min_people=1, **SETTINGS.get(request.param, {})).fit(stays)


def broken(frame, rules):
    return {rule.words: int(rule.broken(frame).sum()) for rule in rules if rule.broken(frame).any()}


def test_no_record_breaks_a_rule(model, stays):
    assert len(model.rules_) >= 8
    assert broken(model.sample(120), model.rules_)
    kept = model.sample(120, keep_rules=True)
    assert broken(kept, model.rules_) == {}
    pd.testing.assert_series_equal(kept.dtypes, stays.dtypes)
    assert list(kept) == list(stays) and len(kept) == 120
    assert kept.index.equals(pd.RangeIndex(120))


def test_the_same_seed_gives_the_same_rows(model, tmp_path):
    kept = model.sample(60, keep_rules=True)
    pd.testing.assert_frame_equal(model.sample(60, keep_rules=True), kept)
    assert not model.sample(60, keep_rules=True, random_state=1).equals(kept)
    again = load_synthesizer(model.save(tmp_path / "model"))
    assert again.rules_ == model.rules_
    pd.testing.assert_frame_equal(again.sample(60, keep_rules=True), kept)


def test_without_rules_rows_are_as_before(model):
    pd.testing.assert_frame_equal(model.sample(60, keep_rules=[]), model.sample(60))


def test_records_are_not_made_twice(model):
    assert not model.sample(120, keep_rules=True).duplicated().any()


def test_own_rules_are_kept_too(model):
    def old_enough(frame):
        return frame["age"] >= 30

    rules = [*model.rules_, shd.Rule.own("is tall", lambda frame: frame["height"] > 1.6), old_enough]
    kept = model.sample(80, keep_rules=rules)
    assert (kept["height"] > 1.6).all() and (kept["age"] >= 30).all()
    assert broken(kept, model.rules_) == {}


def test_what_is_asked_for_is_what_comes(stays):
    asked = {"condition": ("sex", "total", "died"), "min_people": 1}
    gan = registry["TabularCGAN"](**{**SETTINGS["TabularCGAN"], **asked}).fit(stays)
    kept = gan.sample(100, {"sex": "male", "died": "yes"}, keep_rules=True)
    assert (kept["sex"] == "male").all() and (kept["died"] == "yes").all() and kept["death"].notna().all()
    assert broken(kept, gan.rules_) == {}
    asked = stays[["total", "sex"]].iloc[:100].reset_index(drop=True)
    kept = gan.sample(100, asked, keep_rules=True)
    pd.testing.assert_frame_equal(kept[["total", "sex"]], asked)  # a part of the sum gives way
    assert broken(kept, gan.rules_) == {}


def test_differential_privacy_is_not_spent_on_rules(stays):
    private = BayesianNetwork(degree=0, epsilon=100, delta=1e-6).fit(stays[["sex", "pregnant", "died"]])
    assert private.rules_ == ()
    assert Marginals().fit(stays[["sex", "pregnant", "died"]]).rules_


@pytest.mark.filterwarnings("ignore:only one value")  # a column may be made constant by chance
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_table_any_rule(data):
    """Whatever the table, and whatever is found in it, no sampled record breaks it."""
    seed = data.draw(st.integers(0, 10_000))
    rng = np.random.default_rng(seed)
    n = data.draw(st.integers(100, 140))
    base = rng.integers(0, data.draw(st.integers(3, 60)), n)
    more = rng.integers(0, data.draw(st.integers(2, 30)), n)
    makers = {
        "order": lambda: base + more,
        "sum": lambda: base + more,
        "fixed": lambda: pd.Categorical([f"group {value % 3}" for value in base]),
        "missing": lambda: pd.Series(rng.normal(size=n).round(2)).where(base % 2 == 0),
        "ratio": lambda: ((base + 1) / (more + 1)).round(2),
        "flag": lambda: (more > np.median(more)) & (base % 2 == 0),
        "date": lambda: pd.Timestamp("2024-02-28") + pd.to_timedelta(base + more, unit="D"),
        "small": lambda: (base % 100).astype("int8"),
        "nullable": lambda: pd.array(np.where(more % 2 == 0, None, base), dtype="Int64"),
        "text": lambda: pd.Series([f"level {value % 4}" for value in more], dtype="str"),
    }
    chosen = data.draw(st.lists(st.sampled_from(sorted(makers)), min_size=1, max_size=4, unique=True))
    frame = pd.DataFrame({"base": base, "more": more, **{name: makers[name]() for name in chosen}})
    rules = find_rules(frame)
    model = Marginals(min_people=1, random_state=seed).fit(frame)
    kept = model.sample(40, keep_rules=rules)
    assert broken(kept, rules) == {}
    pd.testing.assert_series_equal(kept.dtypes, frame.dtypes)
