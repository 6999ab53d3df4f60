"""Which family a table gets, and why."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import shd
from shd._errors import ShdError
from shd.synthesizers import choice
from shd.synthesizers._cuts import Share
from shd.synthesizers.choice import QUICK, choose_family


def bell(n=160, seed=0):
    """Return numbers that are normal together: what a Gaussian copula is made for."""
    rng = np.random.default_rng(seed)
    related = np.full((5, 5), 0.7) + 0.3 * np.eye(5)
    return pd.DataFrame(rng.multivariate_normal(np.zeros(5), related, n), columns=list("abcde"))


@pytest.mark.slow
def test_numbers_that_are_normal_together_get_the_gaussian_copula():
    chosen = choose_family(bell(300))
    assert chosen.family == "GaussianCopula"
    assert chosen.tried["family"].tolist() == list(QUICK)
    assert chosen.tried[["nearer", "boosted trees", "logistic", "worst"]].apply(lambda c: c.between(0, 1)).all().all()
    assert "most like those of people held out" in chosen.why and (chosen.tried["lost"] == 0).all()


def test_the_same_seed_gives_the_same_choice(monkeypatch):
    monkeypatch.setattr(choice, "QUICK", ("GaussianCopula", "MixtureCircuit"))
    first, again = (choose_family(bell(120), random_state=1) for _ in range(2))
    pd.testing.assert_frame_equal(first.tried, again.tried)


def test_exact_logic_does_not_get_the_gaussian_copula():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 4, 500), rng.integers(0, 4, 500)
    frame = pd.DataFrame({"a": a, "b": b, "c": (a * b) % 3, "d": (a + b) % 4}).astype("category")
    assert choose_family(frame).family in ("SequentialTrees", "BayesianNetwork")


def test_a_condition_leaves_families_that_take_one(monkeypatch):
    monkeypatch.setattr(choice, "QUICK", ("Marginals", "GaussianCopula"))
    assert choose_family(bell(), ("a",)).tried["family"].tolist() == ["GaussianCopula"]


def test_large_tables_and_pictures_get_networks_without_a_trial():
    many = pd.DataFrame({"a": np.zeros(20_000), "b": 1})
    assert choose_family(many).family == "TabularCGAN" and not len(choose_family(many).tried)
    assert choose_family(SimpleNamespace(images=np.zeros((2, 8, 8)))).family == "ImageCGAN"


def test_where_all_know_people_by_heart_the_least_bad_is_taken(monkeypatch):
    monkeypatch.setattr(choice, "QUICK", ("GaussianCopula", "BayesianNetwork"))
    by_heart = iter([Share(0.7, 0.6, 0.8), Share(0.6, 0.55, 0.65)])
    monkeypatch.setattr(choice.Cuts, "nearer", lambda self, trials: next(by_heart))
    chosen = choose_family(bell(120))
    assert chosen.family == chosen.tried.loc[chosen.tried["nearer"].idxmin(), "family"]
    assert "least near to people learned from" in chosen.why


def test_a_family_that_cannot_learn_a_table_is_left_out(monkeypatch):
    monkeypatch.setattr(choice, "QUICK", ("ImageCGAN", "GaussianCopula"))
    assert choose_family(bell(120)).tried["family"].tolist() == ["GaussianCopula"]
    monkeypatch.setattr(choice, "QUICK", ("ImageCGAN",))
    with pytest.raises(ShdError, match="no quick family can learn"):
        choose_family(bell(120))


def test_levels_that_few_people_share_do_not_stop_the_trial(monkeypatch):
    monkeypatch.setattr(choice, "QUICK", ("GaussianCopula", "BayesianNetwork"))
    frame = bell().assign(place=["a"] * 153 + ["rare"] * 7)
    data = shd.Dataset.from_frame(frame.astype({"place": "category"}), target="place")
    assert choose_family(data).family in QUICK


def test_the_trial_protects_as_the_fit_will(monkeypatch):
    asked = []
    fit = choice.Protection.fit
    monkeypatch.setattr(choice, "QUICK", ("GaussianCopula",))
    monkeypatch.setattr(choice.Protection, "fit", lambda data, least: asked.append(least) or fit(data, least))
    choose_family(bell(120), min_people=9)
    assert set(asked) == {9}
