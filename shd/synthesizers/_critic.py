"""A critic that looks at finished records and sends back what no real record would be.

A generator draws columns side by side, so some of its records break a rule that holds without
exception in the real table (a change of dose, and no drug). A classifier that has learned to tell
real from generated records knows how much more often a real record would look like this one.
Keeping records in proportion to that ratio mends the rules, and moves everything else closer to
the real table: Azadi et al. 2019, *Discriminator Rejection Sampling*, ICLR, arXiv 1810.06758.
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from shd.synthesizers._one_hot import OneHot

BATCH = 256
_RATE, _WEIGHT_DECAY = 1e-3, 1.0  # a strong decay: the critic shall know rules, not records
_CAP = 2.5  # a record is asked for at most 2.5 times as often as drawn: two in five draws are kept
_ROUNDS = 20  # draws for one row before it is kept as it is
_CHUNK = 16_384  # records judged at once, to bound memory


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


class Critic:
    """Density ratio of real to generated records, learned from both.

    Parameters
    ----------
    one_hot : OneHot
        Layout of a whole record, the condition included.
    width : int
        Width of the two hidden layers.
    seed : int
        The same seed gives the same critic.
    """

    def __init__(self, one_hot: OneHot, width: int, seed: int = 0):
        self.one_hot = one_hot
        self.rng = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = judge(one_hot.n_codes, len(one_hot.sizes), width)

    def fit(self, real: np.ndarray, fake: np.ndarray, steps: int, tick: Callable[[], None] = lambda: None) -> "Critic":
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

    def ratio(self, codes: np.ndarray) -> np.ndarray:
        """How many times more often each record would come up in the real table, shape (n,)."""
        with torch.no_grad():
            parts = torch.tensor(codes).split(_CHUNK)
            return torch.cat([self.net(self.one_hot.encode(part)).squeeze(1) for part in parts]).exp().numpy()

    def filter(
        self, asked: np.ndarray, draw: Callable[[np.ndarray], np.ndarray], rng: np.random.Generator
    ) -> np.ndarray:
        """Draw records until each is accepted.

        Parameters
        ----------
        asked : ndarray of int, shape (n, n_condition_columns)
            Condition of each row; a row that is sent back is drawn again under the same condition.
        draw : callable
            From conditions, shape (m, n_condition_columns), to codes of whole records, (m, n_columns).
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of int32, shape (n, n_columns)
        """
        codes = np.empty((len(asked), len(self.one_hot.sizes)), dtype=np.int32, order="F")
        waiting = np.arange(len(asked))
        for _ in range(_ROUNDS):
            drawn = draw(asked[waiting])
            codes[waiting] = drawn
            waiting = waiting[rng.random(len(waiting)) * _CAP >= self.ratio(drawn)]
            if not len(waiting):
                break
        return codes
