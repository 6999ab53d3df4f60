"""`DPGAN`: a GAN whose judge learns by noisy gradients. A lesson in cost."""

import math
from dataclasses import KW_ONLY, dataclass
from fractions import Fraction

import numpy as np
import torch
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from shd._errors import ShdError
from shd._progress import progress
from shd.domain import Domain
from shd.synthesizers.dp.book import Budget, ConcentratedBudget
from shd.synthesizers.dp.columns import ColumnsFit
from shd.synthesizers.dp.gan import PrivateGan
from shd.synthesizers.dp.private import Records

_COLUMNS = Fraction(1, 4)  # share of epsilon, and half of delta, for columns and their shares
_ORDERS = np.array([*range(2, 33), 40, 48, 64, 96, 128, 256, 512])
_LOG_CHOOSE = np.array([[math.log(math.comb(int(n), k)) if k <= n else -np.inf for k in range(513)] for n in _ORDERS])
_LARGEST = 1e6  # noise, in lengths of a gradient


class _Book(Budget):
    needs_delta = True


@dataclass(eq=False, repr=False)
class DPGAN(PrivateGan):
    """A private GAN by stochastic gradient descent with noise (DP-SGD).

    The judge tells real records from generated ones. At each step every person takes part with probability q = `batch`
    / noisy number of people's records, whoever else does (Poisson sampling). The gradients of a person's records are
    added up and cut to length 1, all are added, and Gaussian noise of standard deviation sigma goes onto the sum. What
    generated records add to the gradient tells of nobody. The generator learns from the judge, which costs nothing.

    **The account.** Two tables are neighbours if one has one subject more, with all records. A quarter of epsilon and
    half of delta go into columns and their noisy shares (see `ColumnsFit`, by a book in rho). The rest is for training:
    sigma is the smallest for which the Renyi divergences of all steps of the sampled Gaussian mechanism add up to no
    more (`renyi`, `noise_for`). The two parts add up (basic composition).

    Every step costs, every weight gets noise, and small tables drown: compare with the same epsilon spent on counts.
    The noise is that of torch, from a seed that the operating system drew: floats, and so without the exactness of
    counts (Mironov 2012). There are no moments, no held-out score and no critics, which would have to be paid for.

    Parameters
    ----------
    epsilon, delta, domain, max_records, noise_seed
        See `PrivateSynthesizer`.
    steps, batch : int
        Of training, and records expected in each.
    width, noise : int
        Width of both networks, and number of noise dimensions.
    learning_rate : float
        Of Adam, for both networks.
    max_levels : int
        Most codes for a column of categories; rarer levels share codes.
    random_state : int or None
        The same seed gives the same rows. It is not the seed of the noise.

    Attributes
    ----------
    sigma_ : float
        Standard deviation of the noise, in lengths of a gradient.
    privacy_ : Privacy
        What is promised, and where the budget went.

    References
    ----------
    Abadi et al. (2016), *Deep Learning with Differential Privacy*, CCS, arXiv 1607.00133; Xie et al. (2018),
    *Differentially Private Generative Adversarial Network*, arXiv 1802.06739. All quoted from memory.
    """

    epsilon: float = 1.0
    delta: float = 1e-5
    steps: int = 500
    batch: int = 256
    width: int = 64
    noise: int = 16
    learning_rate: float = 2e-3
    max_levels: int = 200
    random_state: int | None = 0
    _: KW_ONLY
    domain: Domain | None = None
    max_records: int = 1
    noise_seed: int | None = None

    book = _Book
    quick = {"steps": 8, "batch": 16, "width": 8}  # noqa: RUF012 - told to all who audit it

    def _learn(self, records: Records) -> int:
        budget = records.budget
        epsilon, delta = budget.epsilon * _COLUMNS, budget.delta / 2
        budget.spend("columns and their shares, by a book in rho", epsilon, delta)
        budget.spend(f"{self.steps} steps with noisy gradients", budget.left, delta)
        records.budget = ConcentratedBudget(float(epsilon), float(delta), bool(budget.domain_delta))
        columns = ColumnsFit(records, self.max_bins, int(self.max_levels))
        columns.margins = Fraction(1)  # nothing else is paid for from this book
        columns._learn_columns()
        self._start(columns)
        people = torch.tensor(np.unique(records.people, return_inverse=True)[1])
        share = min(1.0, self.batch / columns.n)  # of a noisy number: the true one is told to nobody
        self.sigma_ = noise_for(float(budget.epsilon - epsilon), float(budget.delta - delta), share, self.steps)
        draws = torch.Generator().manual_seed(records.noise.below(2**62))
        codes = torch.tensor(columns.codes)
        with progress(self.steps, "Fitting DPGAN") as bar:
            for _ in range(self.steps):
                self._judge_step(codes, people, share, draws)
                self._generator_step(self.batch)
                bar.advance(1)
        self._end()
        return columns.n

    def _judge_step(self, codes: torch.Tensor, people: torch.Tensor, share: float, draws: torch.Generator) -> None:
        """Let the judge learn: noisy gradients of people who take part, and the gradient of generated records."""
        weights = dict(self.judge_.named_parameters())
        chosen = torch.rand(int(people.max()) + 1, generator=draws) < share
        rows = chosen[people]
        real = self._one_hot.encode(codes[rows])
        self._adam_j.zero_grad()
        F.softplus(self.judge_(self._fakes(self.batch).detach())).mean().backward()
        noisy = sum_of_clipped(self._gradients(weights, real), people[rows], len(chosen))
        for name, weight in weights.items():
            noise = self.sigma_ * torch.randn(weight.shape, generator=draws)
            weight.grad += (noisy[name] + noise) / self.batch
        self._adam_j.step()

    def _gradients(self, weights: dict, real: torch.Tensor) -> dict[str, torch.Tensor]:
        """Return the gradient of each real record's loss, shape (n, *weight.shape) a weight."""

        def loss(weights: dict, record: torch.Tensor) -> torch.Tensor:
            return F.softplus(-functional_call(self.judge_, weights, (record[None],))).sum()

        still = {name: weight.detach() for name, weight in weights.items()}
        return vmap(grad(loss), in_dims=(None, 0))(still, real)

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        tensors, extra = super()._get_state()
        return tensors, {**extra, "sigma": self.sigma_}

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        super()._set_state(tensors, extra)
        self.sigma_ = extra["sigma"]


def sum_of_clipped(gradients: dict[str, torch.Tensor], people: torch.Tensor, n: int) -> dict[str, torch.Tensor]:
    """Add up gradients, each person's (of `n`) cut to length 1 over all weights: what one person adds is 1 at most."""
    own = {name: torch.zeros(n, *g.shape[1:]).index_add_(0, people, g) for name, g in gradients.items()}
    length = sum(g.flatten(1).square().sum(1) for g in own.values()).sqrt()
    cut = 1 / length.clamp(min=1.0)
    return {name: torch.tensordot(cut, g, dims=1) for name, g in own.items()}


def renyi(share: float, sigma: float) -> np.ndarray:
    """Return the Renyi divergences of one step, float, shape of the orders (whole numbers from 2 to 512).

    The sampled Gaussian mechanism, for one subject more or less (Mironov, Talwar, Zhang 2019, *Renyi Differential
    Privacy of the Sampled Gaussian Mechanism*, arXiv 1908.10530, section 3.3).
    """
    if share == 1:
        return _ORDERS / (2 * sigma**2)
    k = np.arange(_ORDERS[-1] + 1)
    left = np.maximum(_ORDERS[:, None] - k, 0)
    logs = _LOG_CHOOSE + k * math.log(share) + left * math.log1p(-share) + k * (k - 1) / (2 * sigma**2)
    most = logs.max(axis=1)
    return (most + np.log(np.exp(logs - most[:, None]).sum(axis=1))) / (_ORDERS - 1)


def epsilon_for(share: float, sigma: float, steps: int, delta: float) -> float:
    """Return the epsilon of so many steps at a delta (Canonne, Kamath, Steinke 2020, arXiv 2004.00010)."""
    converted = np.log1p(-1 / _ORDERS) - (math.log(delta) + np.log(_ORDERS)) / (_ORDERS - 1)
    return float((steps * renyi(share, sigma) + converted).min())


def noise_for(epsilon: float, delta: float, share: float, steps: int) -> float:
    """Return the smallest noise that keeps (epsilon, delta), by halving; never less than that."""
    if epsilon_for(share, _LARGEST, steps, delta) > epsilon:
        raise ShdError(
            f"epsilon leaves {epsilon:.2g} for training, which no noise keeps; give more, or a larger delta."
        )
    low, high = 0.1, 1.0
    while epsilon_for(share, high, steps, delta) > epsilon:
        high *= 2
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if epsilon_for(share, middle, steps, delta) > epsilon else (low, middle)
    return high
