"""The parts of TabularCGAN, each on a case whose answer is known."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shd._errors import ShdError
from shd.synthesizers._conditions import Conditions
from shd.synthesizers._training import Checkpoint, fingerprint, heldout_rows, heldout_score
from shd.synthesizers.encoding import TableEncoder
from shd.synthesizers.tabular_game import ClassMoments, OneHot


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# One-hot --------------------------------------------------------------------------------------


def test_codes_become_ones_in_their_own_column():
    got = OneHot([2, 3]).encode(torch.tensor([[1, 0], [0, 2]]))
    assert got.tolist() == [[0, 1, 1, 0, 0], [1, 0, 0, 0, 1]]


def test_softmax_is_that_of_each_column():
    logits = torch.tensor([[0.0, 0.0, 1.0, 2.0, 400.0]])  # large logits do not overflow
    got = OneHot([2, 3]).softmax(logits)
    assert got[0, :2].tolist() == [0.5, 0.5]
    assert torch.allclose(got[0, 2:], torch.softmax(logits[0, 2:], 0))


def test_shares_count_each_code():
    assert OneHot([2, 2]).shares(torch.tensor([[0, 1], [0, 0], [1, 1], [0, 1]])).tolist() == [0.75, 0.25, 0.25, 0.75]


def test_draws_follow_the_probabilities_and_carry_a_gradient():
    one_hot = OneHot([3])
    logits = torch.log(torch.tensor([[0.6, 0.3, 0.1]])).repeat(20_000, 1).requires_grad_()
    drawn = one_hot.draw(logits, 0.4, rng())
    assert set(drawn.detach().round(decimals=5).unique().tolist()) == {0.0, 1.0}
    assert drawn.detach().mean(0).numpy() == pytest.approx([0.6, 0.3, 0.1], abs=0.015)
    drawn[:, 0].sum().backward()
    assert logits.grad.abs().sum() > 0
    codes = one_hot.draw_codes(logits.detach().clone(), rng())
    assert np.bincount(codes[:, 0]) / 20_000 == pytest.approx([0.6, 0.3, 0.1], abs=0.015)


# Moments --------------------------------------------------------------------------------------

CODES = torch.tensor([[0, 0], [1, 1], [0, 0], [1, 1], [0, 1], [1, 0]])
CLASSES = torch.tensor([0, 0, 0, 0, 1, 1])


def moments() -> tuple[OneHot, ClassMoments]:
    one_hot = OneHot([2, 2])
    return one_hot, ClassMoments(one_hot, CODES, CLASSES, 2)


def test_the_target_is_the_correlation_within_each_class():
    _, both = moments()
    # class 0: the columns always agree, class 1: never; 0.25 + 0.001 stands in the denominator
    assert both.target[0, 0, 2].item() == pytest.approx(0.25 / 0.251)
    assert both.target[1, 0, 2].item() == pytest.approx(-0.25 / 0.251)
    assert both.target[0, 0, 1].item() == 0  # levels of one column are no pair


def test_the_real_table_has_no_loss_and_a_broken_pair_has():
    one_hot, both = moments()
    assert both.loss(one_hot.encode(CODES), CLASSES, keep=0.9).item() == pytest.approx(0, abs=1e-6)
    _, fresh = moments()
    shuffled = one_hot.encode(CODES[:, [0, 0]])  # agreement in class 1, where there is none
    assert fresh.loss(shuffled, CLASSES, keep=0.9).item() > 0.05


def test_a_wide_table_shares_entries_and_stays_small():
    one_hot = OneHot([500] * 5)
    wide = ClassMoments(one_hot, torch.randint(0, 500, (50, 5), generator=rng()), torch.zeros(50).long(), 1)
    assert wide.target.shape[1] <= 1024
    assert wide.loss(one_hot.softmax(torch.zeros(8, 2500)), torch.zeros(8).long(), keep=0.9).isfinite()


# Conditions -----------------------------------------------------------------------------------


def test_classes_are_the_combinations_that_occur():
    conditions, classes = Conditions.learn(("a", "b"), np.array([[0, 1], [1, 0], [0, 1]]))
    assert conditions.combinations.tolist() == [[0, 1], [1, 0]]
    assert conditions.counts.tolist() == [2, 1]
    assert classes.tolist() == [0, 1, 0]


def test_what_is_not_asked_for_follows_what_fits():
    frame = pd.DataFrame({"a": ["x", "x", "y"], "b": ["u", "v", "v"]}, dtype="category")
    encoder = TableEncoder().fit(frame)
    conditions, _ = Conditions.learn(("a", "b"), encoder.transform(frame))
    got = conditions.draw(50, {"b": "u"}, encoder, np.random.default_rng(0))
    assert (got == [0, 0]).all()
    never_seen = conditions.draw(5, {"a": "y", "b": "u"}, encoder, np.random.default_rng(0))
    assert (never_seen == [1, 0]).all()


# Training -------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 30), min_size=20, max_size=300), st.integers(0, 5))
def test_held_rows_are_whole_subjects_and_a_tenth_at_most(subjects, seed):
    subjects = np.array(subjects)
    held = heldout_rows(subjects, np.random.default_rng(seed))
    assert not set(subjects[held]) & set(subjects[~held])
    assert held.mean() <= 0.1 or len(set(subjects[held])) == 1
    assert held.any() == (len(set(subjects)) > 1)


def test_the_held_out_score_knows_real_from_wrong():
    real = np.random.default_rng(0).integers(0, 2, (4000, 1)) * np.ones((1, 3), dtype=int)
    independent = np.random.default_rng(1)
    wrong = heldout_score(real[:3000], real[3000:], lambda n: independent.integers(0, 2, (n, 3)))
    right = heldout_score(real[:3000], real[3000:], lambda n: independent.integers(0, 2, (n, 1)) * np.ones((1, 3)))
    assert wrong == pytest.approx(0.875, abs=0.03)  # three quarters are caught, the rest are even
    assert right == pytest.approx(0.5, abs=0.03)


def test_a_checkpoint_comes_back_and_belongs_to_its_data(tmp_path):
    codes = np.arange(6).reshape(3, 2)
    mine = Checkpoint(tmp_path / "a" / "b.ckpt", fingerprint({"steps": 3}, codes))
    assert mine.load() is None
    mine.save({"step": 2, "weights": torch.ones(2)})
    assert mine.load()["step"] == 2
    assert not list(tmp_path.rglob("*.part"))
    for other in (fingerprint({"steps": 4}, codes), fingerprint({"steps": 3}, codes + 1)):
        with pytest.raises(ShdError, match="other parameters or data"):
            Checkpoint(mine.path, other).load()
    Checkpoint(None, "x").save({})  # without a path nothing is kept
