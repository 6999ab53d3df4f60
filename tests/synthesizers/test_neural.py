"""Families that train one network: the loop they share, and what each of them knows by hand."""

import numpy as np
import pandas as pd
import pytest
import torch

from shd._errors import ShdError
from shd.synthesizers import TabularAutoregressive, TabularDiffusion, TabularVAE

SMALL = {"width": 32, "batch": 128, "steps": 40}
FAMILIES = [TabularAutoregressive, TabularDiffusion, TabularVAE]


def linked(n=800, seed=0):
    """Return a table whose second column follows from its first, and whose third is a number about it."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 3, n)
    return pd.DataFrame({"a": a, "b": 2 - a, "c": a + rng.normal(0, 0.1, n)}).astype({"a": "category", "b": "category"})


@pytest.mark.parametrize("family", FAMILIES)
def test_it_learns_what_follows_from_what(family):
    frame = linked(3000)
    drawn = family(width=64, batch=256, steps=500).fit(frame).sample(1000)
    # exact logic is the first thing that a VAE loses
    assert (drawn["a"].astype(int) + drawn["b"].astype(int) == 2).mean() > (0.7 if family is TabularVAE else 0.9)
    assert drawn["a"].astype(int).corr(drawn["c"]) > (0.6 if family is TabularVAE else 0.85)


@pytest.mark.parametrize("family", FAMILIES)
def test_stopped_and_resumed_it_is_the_same_model(family, tmp_path, monkeypatch):
    whole = family(**SMALL).fit(linked())
    file, step = tmp_path / "state", family._step

    def stop(self, state, train):
        step(self, state, train)
        if state["step"] == 20 and hasattr(self, "_stops"):
            self._stops = False
            raise RuntimeError("the machine went down")

    monkeypatch.setattr(family, "_step", stop)
    broken = family(**SMALL)
    broken._stops = True
    with pytest.raises(RuntimeError):
        broken.fit(linked(), checkpoint=file)
    assert file.exists()
    monkeypatch.setattr(family, "_step", step)
    again = family(**SMALL).fit(linked(), checkpoint=file)
    pd.testing.assert_frame_equal(again.history_, whole.history_)
    pd.testing.assert_frame_equal(again.sample(100), whole.sample(100))
    with pytest.raises(ShdError, match="other parameters or data"):
        family(**SMALL, random_state=1).fit(linked(), checkpoint=file)


@pytest.mark.parametrize("family", FAMILIES)
def test_ctrl_c_keeps_what_was_learned(family, monkeypatch, capsys):
    step = family._step

    def stop(self, state, train):
        step(self, state, train)
        if state["step"] == 10 and self.steps == 40:
            raise KeyboardInterrupt

    monkeypatch.setattr(family, "_step", stop)
    model = family(**SMALL).fit(linked())
    assert model.steps_ == 10 and len(model.sample(10)) == 10
    assert "what was learned so far is kept" in capsys.readouterr().err


@pytest.mark.parametrize("family", FAMILIES)
def test_it_says_what_it_will_cost_and_fits_in_minutes(family, capsys):
    model = family(**SMALL).set_minutes(linked(), 0.01)
    assert 20 <= model.steps < 10_000
    family(**SMALL).fit(linked())
    assert f"{family.__name__}: at most 40 steps, about" in capsys.readouterr().err


def test_it_stops_where_people_held_out_gain_no_more():
    rng = np.random.default_rng(0)
    noise = pd.DataFrame(rng.integers(0, 4, (120, 5)), columns=list("abcde")).astype("category")
    model = TabularAutoregressive(width=128, batch=64, steps=2000, learning_rate=5e-3).fit(noise)
    assert model.steps_ < 2000 and model.history_["heldout_loss"].idxmin() < len(model.history_) - 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "given", [{"steps": 0}, {"width": 1.5}, {"batch": True}, {"learning_rate": 0}, {"patience": 0}]
)
def test_bad_arguments_are_told(family, given):
    with pytest.raises(ShdError, match=f"{next(iter(given))}="):
        family(**given).fit(linked())


@pytest.mark.parametrize(
    ("family", "given"),
    [(TabularVAE, {"latent": 0}), (TabularVAE, {"beta": -1}), (TabularDiffusion, {"moves": 1}),
     (TabularAutoregressive, {"depth": 0})],
)  # fmt: skip
def test_bad_arguments_of_their_own_are_told(family, given):
    with pytest.raises(ShdError, match=f"{next(iter(given))}="):
        family(**given).fit(linked())


def test_a_level_one_move_earlier_is_drawn_by_bayes():
    """Three levels; of each that can have been, the chance by Bayes' rule, and that of 20,000 draws."""
    model = TabularDiffusion(**SMALL).fit(linked())
    model._chance = [torch.tensor([0.5, 0.3, 0.2])]
    model._levels = type(model._levels)([3])
    step, before, now, whole, n = 0.7, 0.4, 1, 2, 20_000
    chance = model._chance[0].numpy()
    came = step * (np.arange(3) == now) + (1 - step) * chance[now]  # from each level to that of now
    was = before * (np.arange(3) == whole) + (1 - before) * chance  # each level, given the whole one
    by_hand = came * was / (came * was).sum()
    given = (torch.full((n, 1), level) for level in (now, whole))
    drawn = model._levels_before(*given, step, before, torch.Generator().manual_seed(0))
    assert np.bincount(drawn.flatten(), minlength=3) / n == pytest.approx(by_hand, abs=0.02)


def test_numbers_come_back_from_their_scores():
    """Each code goes to somewhere in its stretch of the bell curve, and from there back to itself."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"x": np.where(rng.random(900) < 0.2, np.nan, rng.normal(size=900)), "y": rng.normal(size=900)}
    )
    model = TabularDiffusion(**SMALL).fit(frame)
    codes = model.encoder_.transform(frame)
    numbers, levels = model._split(torch.tensor(codes), torch.Generator().manual_seed(0))
    back = np.zeros_like(codes)
    model._put(back, numbers.numpy(), levels.numpy())
    assert (back == codes).mean() > 0.99  # but for the outermost ends of the curve
    assert numbers.std(dim=0).numpy() == pytest.approx([1, 1], abs=0.08)


def test_hidden_columns_do_not_show():
    """What stands in a column that is not known changes nothing of what is drawn."""
    model = TabularAutoregressive(**SMALL).fit(linked())
    codes = model.encoder_.transform(linked())[:200]
    known = np.random.default_rng(0).random(codes.shape) < 0.5
    filled, again = (
        model._fill(given, known, np.random.default_rng(1)) for given in (codes, np.where(known, codes, 0))
    )
    assert (filled == again).all() and (filled[known] == codes[known]).all()
    assert sorted(model.columns_) == [0, 1, 2] and model.order_[0] == model.encoder_.names[model.columns_[0]]


@pytest.mark.parametrize("family", FAMILIES)
def test_records_that_cannot_be_are_less_likely(family):
    """What an attacker learns who holds the model: how likely it takes a record to be."""
    frame = linked(2000)
    model = family(width=64, batch=256, steps=300).fit(frame)
    odd = frame.assign(b=frame["b"].sample(frac=1, random_state=0).to_numpy())
    score, other = model.log_score(frame), model.log_score(odd)
    assert score.shape == (2000,) and np.isfinite(score).all()
    assert score.mean() > other.mean() + 0.1
    assert np.array_equal(score, model.log_score(frame))


def test_large_tables_take_more_steps(capsys):
    for rows, steps in ((300, "400"), (4000, "858")):
        TabularVAE(width=8, latent=2, batch=32).fit(linked(rows))
        assert f"at most {steps} steps" in capsys.readouterr().err
