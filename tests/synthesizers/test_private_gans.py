"""Two private GANs: what a person can change, and what the accounts say of it."""

import numpy as np
import pandas as pd
import pytest
import torch

from shd import Dataset
from shd._errors import ShdError
from shd.synthesizers import registry
from shd.synthesizers.dp.neighbours import DOMAIN, pairs
from shd.synthesizers.dp.noise import Noise
from shd.synthesizers.dp_gan import DPGAN, epsilon_for, noise_for, renyi, sum_of_clipped
from shd.synthesizers.pategan import PATEGAN, Teachers
from shd.synthesizers.tabular_game import OneHot

PAIR = pairs()[1]
pytestmark = pytest.mark.filterwarnings("ignore:no guarantee")


def made(family, **told):
    given = {**family.quick, "domain": DOMAIN, "delta": 1e-5, "noise_seed": 0, **told}
    return family(**given).fit(PAIR.without)


# PATE-GAN ----------------------------------------------------------------------------------------


def test_every_subject_is_with_one_teacher():
    people = np.repeat(np.arange(40), 3)
    parts = PATEGAN()._parts(people, 5, Noise(0))
    assert sorted(np.concatenate(parts)) == list(range(120))
    taught = [set(people[part]) for part in parts]
    assert sum(map(len, taught)) == 40 and all(taught)


def test_one_person_moves_every_count_of_votes_by_one_at_most():
    one_hot, rng = OneHot([3, 2]), np.random.default_rng(0)
    codes = torch.tensor(np.column_stack([rng.integers(0, 3, 30), rng.integers(0, 2, 30)]))
    asked = one_hot.encode(torch.tensor([[a, b] for a in range(3) for b in range(2)]))
    votes = []
    for parts in ([*np.arange(20).reshape(4, 5), np.arange(20, 25)], [*np.arange(20).reshape(4, 5), np.arange(0)]):
        teachers = Teachers(one_hot, codes, parts, 0.1, torch.Generator().manual_seed(0))
        fakes = torch.Generator().manual_seed(1)
        for _ in range(3):
            teachers.learn(lambda fakes=fakes: one_hot.draw(torch.zeros(8, 5), 1.0, fakes))
        votes.append(teachers.votes(asked))
    assert np.abs(votes[0] - votes[1]).max() == 1  # only those of the last teacher


def test_the_ballots_cost_what_is_left_and_the_noise_follows(monkeypatch):
    variances = []
    gauss = Noise.gauss
    monkeypatch.setattr(Noise, "gauss", lambda *given: variances.append(given[2]) or gauss(*given))
    model = made(PATEGAN, steps=3, batch=8)
    book = {entry.what: entry.rho for entry in model.privacy_.spent}
    assert sum(book.values()) == pytest.approx(model.privacy_.rho)
    ballots = book["3 ballots of 16 teachers on 8 records each"]
    assert [float(variance) for variance in variances[-3:]] == pytest.approx([3 * 8 / (2 * ballots)] * 3)


# DP-SGD ------------------------------------------------------------------------------------------


def test_the_account_of_a_known_case():
    # 60 epochs of MNIST in batches of 256, noise 1.1, delta 1e-5: 2.60, as other accountants of Renyi divergences say
    assert epsilon_for(256 / 60_000, 1.1, 60 * 60_000 // 256, 1e-5) == pytest.approx(2.60, abs=0.01)


def test_whoever_takes_part_in_every_step_has_plain_gaussian_noise():
    assert renyi(1.0, 2.0)[0] == pytest.approx(2 / 8)
    assert renyi(1 - 1e-9, 2.0)[:10] == pytest.approx(renyi(1.0, 2.0)[:10], rel=1e-6)
    # two normal distributions at order 2, mixed by hand
    share, sigma = 0.3, 1.5
    by_hand = np.log((1 - share) ** 2 + 2 * share * (1 - share) + share**2 * np.exp(1 / sigma**2))
    assert renyi(share, sigma)[0] == pytest.approx(by_hand)


def test_the_noise_is_the_smallest_that_keeps_the_promise():
    sigma = noise_for(0.75, 5e-6, 0.05, 200)
    assert epsilon_for(0.05, sigma, 200, 5e-6) <= 0.75 < epsilon_for(0.05, 0.999 * sigma, 200, 5e-6)


def test_one_person_adds_a_gradient_of_length_one_at_most():
    torch.manual_seed(0)
    gradients = {"a": 5 * torch.randn(7, 3, 2), "b": 5 * torch.randn(7, 4)}
    people = torch.tensor([0, 1, 1, 1, 2, 2, 3])
    whole = sum_of_clipped(gradients, people, 5)
    for one in range(4):
        rest = people != one
        without = sum_of_clipped({name: g[rest] for name, g in gradients.items()}, people[rest], 5)
        moved = sum(float((whole[name] - without[name]).square().sum()) for name in whole) ** 0.5
        assert moved == pytest.approx(1.0, abs=1e-5)
    small = {"a": torch.full((1, 2), 0.1)}
    assert torch.equal(sum_of_clipped(small, torch.tensor([0]), 1)["a"], torch.full((2,), 0.1))  # short ones are kept


def test_gradients_of_records_are_those_of_each_alone():
    torch.manual_seed(0)
    model = DPGAN(**DPGAN.quick)
    model.judge_ = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.Tanh(), torch.nn.Linear(2, 1))
    real = torch.randn(4, 3)
    found = model._gradients(dict(model.judge_.named_parameters()), real)
    for k in range(4):
        model.judge_.zero_grad()
        torch.nn.functional.softplus(-model.judge_(real[k : k + 1])).sum().backward()
        for name, weight in model.judge_.named_parameters():
            assert torch.allclose(found[name][k], weight.grad, atol=1e-6)


def test_the_two_parts_add_up_to_the_promise():
    model = made(DPGAN, epsilon=2.0)
    assert sum(entry.epsilon for entry in model.privacy_.spent) == pytest.approx(2.0)
    assert sum(entry.delta for entry in model.privacy_.spent) == pytest.approx(1e-5)
    assert model.sigma_ > 1 and made(DPGAN, epsilon=0.5).sigma_ > model.sigma_


# Both --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", [PATEGAN, DPGAN])
def test_with_a_large_budget_something_is_learned_of_columns(family):
    rng = np.random.default_rng(0)
    ward = rng.choice(["north", "south", "island"], 400, p=[0.7, 0.2, 0.1])
    table = Dataset(pd.DataFrame({"ward": ward, "sick": ward == "south"}), subjects=np.arange(400))
    domain = type(DOMAIN)({name: DOMAIN.columns[name] for name in ("ward", "sick")})
    told = {**family.quick, "learning_rate": 2e-3}
    drawn = family(epsilon=20.0, delta=1e-5, domain=domain, noise_seed=0, **told).fit(table).sample(1000)
    assert 0.5 < (drawn["ward"] == "north").mean() < 0.9


@pytest.mark.parametrize("family", [PATEGAN, DPGAN])
@pytest.mark.parametrize(
    "told",
    [("steps", 0), ("width", 0), ("noise", 0), ("batch", 0), ("max_levels", 1), ("learning_rate", 0.0), ("delta", 0.0)],
)
def test_bad_arguments_are_told(family, told):
    with pytest.raises(ShdError, match=told[0]):
        made(family, **dict([told]))


def test_what_no_noise_can_keep_is_told():
    with pytest.raises(ShdError, match="teachers=0"):
        made(PATEGAN, teachers=0)
    with pytest.raises(ShdError, match="which no noise keeps"):
        made(DPGAN, epsilon=1e-4)


def test_both_are_known_by_name():
    assert registry["PATEGAN"] is PATEGAN and registry["DPGAN"] is DPGAN
