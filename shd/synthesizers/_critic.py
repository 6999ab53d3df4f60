"""The network that tells real from generated records one by one: the first critic of `Filter`."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from shd.synthesizers._one_hot import OneHot

BATCH = 256
_RATE, _WEIGHT_DECAY = 1e-3, 1.0  # a strong decay: the critic shall know rules, not records


def judge(n_in: int, n_ones: int, width: int) -> nn.Sequential:
    """Return a small network from `n_in` zeros and ones, `n_ones` of them ones, to one score."""
    net = nn.Sequential(
        nn.Linear(n_in, width), nn.LeakyReLU(0.2), nn.Linear(width, width), nn.LeakyReLU(0.2), nn.Linear(width, 1)
    )
    # only the ones count for the scale of the first layer; PyTorch's default would whisper
    nn.init.normal_(net[0].weight, std=(2 / n_ones) ** 0.5)
    nn.init.kaiming_normal_(net[2].weight, 0.2)
    nn.init.kaiming_normal_(net[4].weight, 1.0)
    return net


class NetworkCritic:
    """Log density ratio of real to generated records, learned from both by a network.

    Parameters
    ----------
    one_hot : OneHot
        Layout of a whole record, the condition included.
    width : int
        Width of the two hidden layers.
    seed : int
        The same seed gives the same critic.
    """

    name = "network"

    def __init__(self, one_hot: OneHot, width: int, seed: int = 0):
        self.one_hot = one_hot
        self.rng = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = judge(one_hot.n_codes, len(one_hot.sizes), width)

    def fit(
        self, real: np.ndarray, fake: np.ndarray, steps: int, tick: Callable[[], None] = lambda: None
    ) -> "NetworkCritic":
        """Learn to tell `real` from `fake`, codes of shape (n, n_columns); `tick` is called each step."""
        real, fake = (torch.tensor(codes, dtype=torch.int32) for codes in (real, fake))
        adam = torch.optim.AdamW(self.net.parameters(), weight_decay=_WEIGHT_DECAY, fused=True)
        for step in range(steps):
            adam.param_groups[0]["lr"] = _RATE * min(1.0, 2 * (steps - step) / steps)
            right = self.net(self._batch(real)), -self.net(self._batch(fake))
            loss = sum(F.softplus(-logit).mean() for logit in right)
            adam.zero_grad()
            loss.backward()
            adam.step()
            tick()
        self.net.requires_grad_(False)
        return self

    def _batch(self, codes: torch.Tensor) -> torch.Tensor:
        return self.one_hot.encode(codes[torch.randint(len(codes), (BATCH,), generator=self.rng)])

    def log_ratio(self, codes: np.ndarray) -> np.ndarray:
        """How many times more often each record would come up in the real table, as a logarithm, shape (n,)."""
        with torch.no_grad():
            parts = torch.tensor(codes).split(self.one_hot.rows_at_once)
            return torch.cat([self.net(self.one_hot.encode(part)).squeeze(1) for part in parts]).numpy()

    def to_tensors(self) -> dict[str, torch.Tensor]:
        """Return the weights."""
        return self.net.state_dict()

    def set_tensors(self, tensors: dict[str, torch.Tensor]) -> "NetworkCritic":
        """Undo `to_tensors`."""
        self.net.requires_grad_(False).load_state_dict(tensors)
        return self
