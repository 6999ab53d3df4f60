"""The adversarial game of `TabularCGAN`: the two networks, the losses, and one step of play."""

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from shd.synthesizers._critic import judge
from shd.synthesizers._moments import ClassMoments
from shd.synthesizers._one_hot import OneHot

if TYPE_CHECKING:
    from shd.synthesizers.tabular_cgan import TabularCGAN

_PENALTY_EVERY = 8  # steps between two gradient penalties: they cost a second backward pass
_MOMENTS_OF_A_STEP = 0.1  # how much a step counts in the running moments, while the learning rate is whole
_LEARNERS = ("generator", "discriminator", "average", "adam_g", "adam_d")


class _Block(nn.Module):
    """Residual block: h + W2 f(W1 f(norm(h)))."""

    def __init__(self, width: int):
        super().__init__()
        self.norm, self.inner, self.outer = nn.LayerNorm(width), nn.Linear(width, width), nn.Linear(width, width)

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        return h + self.outer(F.leaky_relu(self.inner(F.leaky_relu(self.norm(h), 0.2)), 0.2))


def generator(n_noise: int, n_condition: int, width: int, n_codes: int) -> nn.Sequential:
    """Noise and condition, shape (n, n_noise + n_condition), to logits, shape (n, n_codes)."""
    return nn.Sequential(
        nn.Linear(n_noise + n_condition, width),
        _Block(width),
        _Block(width),
        nn.LayerNorm(width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, n_codes),
    )


class Game:
    """The two players, what they play with, and one step of the game."""

    def __init__(self, model: "TabularCGAN", one_hot: OneHot, codes: np.ndarray, classes: np.ndarray, condition):
        self.model, self.one_hot = model, one_hot
        self.rng = torch.Generator().manual_seed(model.seed_)
        order = np.argsort(classes, kind="stable")  # rows of one class stand together
        self.codes, sorted_classes = torch.tensor(codes[order], dtype=torch.int32), torch.tensor(classes[order])
        self.count = torch.bincount(sorted_classes)
        self.start = self.count.cumsum(0) - self.count
        self.condition = condition  # one-hot condition of each class, shape (n_classes, n_condition)
        n_condition = condition.shape[1]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(model.seed_)
            self.generator = generator(model.noise, n_condition, model.width, one_hot.n_codes)
            n_in = model.pack * one_hot.n_codes + n_condition
            self.discriminator = judge(n_in, model.pack * len(one_hot.sizes), model.width)
        share = one_hot.shares(self.codes)
        self.generator[-1].bias.data.copy_(torch.log(share + 1e-4))  # start from the marginals
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.moments = ClassMoments(one_hot, self.codes, sorted_classes, len(self.count))
        self.adam_g = torch.optim.Adam(self.generator.parameters(), betas=(0.5, 0.99), fused=True)
        self.adam_d = torch.optim.Adam(self.discriminator.parameters(), betas=(0.0, 0.99), fused=True)
        self.step_ = 0

    def step(self) -> None:
        """Let both players learn once, from packs of real and generated records of the same classes."""
        model, n_packs = self.model, self.model.batch // self.model.pack
        share = min(1.0, (model.steps - self.step_) / (0.4 * model.steps))
        for adam in (self.adam_g, self.adam_d):
            adam.param_groups[0]["lr"] = model.learning_rate * max(share, 0.01)
        # rare classes come more often than they occur, by the square root of their frequency
        pack_class = torch.multinomial(self.count.sqrt(), n_packs, replacement=True, generator=self.rng)
        classes = pack_class.repeat_interleave(model.pack)
        pick = (torch.rand(len(classes), generator=self.rng) * self.count[classes]).long()
        real = self.one_hot.encode(self.codes[self.start[classes] + pick])
        logits = self.generator(self._input(classes))
        fake = self.one_hot.draw(logits, model.temperature, self.rng)

        self._discriminator_step(real, fake.detach(), pack_class)
        self.discriminator.requires_grad_(False)
        with torch.no_grad():
            judged_real = self._judge(real, pack_class)
        loss = F.softplus(judged_real - self._judge(fake, pack_class)).mean()
        # as steps get smaller, moments can be averaged over more of them: less noise, which bears a larger weight
        share = max(share, 1 / model.moment_growth)
        apart = self.moments.loss(self.one_hot.softmax(logits), classes, keep=1 - _MOMENTS_OF_A_STEP * share)
        loss = loss + model.moment_weight / share * apart
        self.adam_g.zero_grad()
        loss.backward()
        self.adam_g.step()
        self.discriminator.requires_grad_(True)
        self.step_ += 1
        keep = min(model.average, (1 + self.step_) / (10 + self.step_))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.generator.parameters()), 1 - keep)

    def _discriminator_step(self, real: torch.Tensor, fake: torch.Tensor, pack_class: torch.Tensor) -> None:
        penalised = self.step_ % _PENALTY_EVERY == 0
        real, fake = real.detach().requires_grad_(penalised), fake.requires_grad_(penalised)
        judged_real, judged_fake = self._judge(real, pack_class), self._judge(fake, pack_class)
        loss = F.softplus(judged_fake - judged_real).mean()
        if penalised:  # R1 and R2: flat around real and around generated packs
            slopes = torch.autograd.grad((judged_real + judged_fake).sum(), [real, fake], create_graph=True)
            loss = loss + self.model.gradient_penalty * sum(s.square().sum() for s in slopes) / len(pack_class)
        self.adam_d.zero_grad()
        loss.backward()
        self.adam_d.step()

    def _judge(self, records: torch.Tensor, pack_class: torch.Tensor) -> torch.Tensor:
        packs = records.reshape(len(pack_class), -1)
        return self.discriminator(torch.cat([packs, self.condition[pack_class]], dim=1))

    def _input(self, classes: torch.Tensor) -> torch.Tensor:
        noise = torch.randn(len(classes), self.model.noise, generator=self.rng)
        return torch.cat([noise, self.condition[classes]], dim=1)

    def state(self) -> dict:
        """Everything needed to go on as if nothing had happened."""
        return {
            **{name: getattr(self, name).state_dict() for name in _LEARNERS},
            "moments": [self.moments.first, self.moments.second],
            "rng": self.rng.get_state(),
            "step": self.step_,
        }

    def resume(self, state: dict) -> None:
        """Undo `state`."""
        for name in _LEARNERS:
            getattr(self, name).load_state_dict(state[name])
        self.moments.first, self.moments.second = state["moments"]
        self.rng.set_state(state["rng"])
        self.step_ = state["step"]
