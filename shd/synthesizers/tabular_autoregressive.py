"""`TabularAutoregressive`: one network that says what any column may hold, given any others.

How it works. Put the columns in an order, and let a network say what each may hold given those before it. The network
reads the sum of what the columns before it tell, a row of numbers for each level, so that it need not know how many
there are: levels by the hundred cost a row each. Half of the records are learned in one good order, the order in which
records are drawn; the other half each in an order of its own, by chance. So the network knows any column given any
others: it can begin with what a user asks for, or with a record with gaps, which it fills in.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from shd._progress import progress
from shd.synthesizers._codes import dependence, in_order
from shd.synthesizers.base import check_number, check_whole
from shd.synthesizers.filling import FillsIn
from shd.synthesizers.neural import NeuralSynthesizer

_ROWS = 8192  # drawn at once
_SPREAD = 0.3  # of the numbers that a level tells, to begin with


class _Guesser(nn.Module):
    """The sum of what is known, and the column asked for, to what that column may hold."""

    def __init__(self, n_codes: int, n_columns: int, width: int, depth: int, dropout: float):
        super().__init__()
        self.tells = nn.Parameter(_SPREAD * torch.randn(n_codes, width))
        self.asks = nn.Parameter(_SPREAD * torch.randn(n_columns, width))
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(
                    nn.LayerNorm(width),
                    nn.Linear(width, width),
                    nn.SiLU(),
                    nn.Dropout(dropout),
                    nn.Linear(width, width),
                )
                for _ in range(depth)
            ]
        )
        self.norm, self.leave = nn.LayerNorm(width), nn.Linear(width, n_codes)

    def forward(self, h: torch.Tensor, codes: slice) -> torch.Tensor:
        """Return logits of the codes of a column, (n, n_codes), for what is known and asked for, (n, width)."""
        for block in self.blocks:
            h = h + block(h)
        return F.linear(F.silu(self.norm(h)), self.leave.weight[codes], self.leave.bias[codes])


@dataclass(eq=False, repr=False)
class TabularAutoregressive(FillsIn, NeuralSynthesizer):
    """Any column given any others, by a network that learned records in many orders.

    Parameters
    ----------
    condition : str or sequence of str, optional
        Columns that keep every level of their own. Any column can be asked for.
    steps : int, optional
        Most training steps; fewer where people held out no longer gain. None: by the number of records, 400 to 4,000.
    batch : int
        Records of a step.
    width, depth : int
        Numbers that a level tells, and residual blocks.
    dropout : float
        Share of the numbers within a block that are left out at each step, 0 to 0.9: with more, fewer records are
        learned by heart.
    learning_rate : float
    patience : int
        Held-out losses in a row (of 20 in all) that are not lower than the lowest, before it stops.
    max_levels : int
        Columns with more levels let rare neighbours share a code.
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same model on the same machine, and the same rows.

    Attributes
    ----------
    order_ : tuple of str
        The columns as they are drawn.

    References
    ----------
    Uria, Murray, Larochelle (2014), *A Deep and Tractable Density Estimator*, arXiv 1310.1757, which learns all orders
    at once; Larochelle, Murray (2011), *The Neural Autoregressive Distribution Estimator*, AISTATS, whose columns add
    up what those before them tell; Tiwald et al. (2025), *TabularARGN*, arXiv 2501.12012, for tables.
    """

    max_bins = 60
    steps_a_root = 3.0  # each step learns every column, given as many before it as there are

    condition: str | tuple[str, ...] | None = None
    steps: int | None = None
    batch: int = 256
    width: int = 128
    depth: int = 2
    dropout: float = 0.2
    learning_rate: float = 2e-3
    patience: int = 6
    max_levels: int = 200
    min_people: int | None = None
    random_state: int = 0

    @property
    def order_(self) -> tuple[str, ...]:
        """Names of the columns as they are drawn."""
        return tuple(self.encoder_.names[j] for j in self.columns_)

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_whole(self, "depth", 1)
        check_number(self, "dropout", 0, 0.9)

    def _learn_codes(self, codes: np.ndarray) -> None:
        self.columns_ = in_order(dependence(codes, self.encoder_.columns_), self._condition_at)
        count = np.concatenate([np.bincount(own, minlength=n) for own, n in zip(codes.T, self._sizes, strict=True)])
        self._log_share = torch.tensor(np.log((count + 0.5) / len(codes)), dtype=torch.float32)

    @property
    def _sizes(self) -> list[int]:
        return self.encoder_.sizes

    def _network(self) -> nn.Module:
        network = _Guesser(sum(self._sizes), len(self._sizes), self.width, self.depth, self.dropout)
        if hasattr(self, "_log_share"):
            network.leave.bias.data.copy_(self._log_share)  # start from the marginals
        return network

    def _losses(self, network: nn.Module, codes: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Return how unlikely each column is given those before it, mean over columns, in nats."""
        n, d = codes.shape
        place = torch.rand(n, d, generator=rng).argsort(dim=1)  # of each column, in an order by chance
        place[::2] = torch.tensor(self.columns_).argsort()  # and in the order of drawing
        before = (place[:, :, None] > place[:, None, :]).float()
        first = self._one_hot.first
        known = before @ network.tells[codes + first] + network.asks
        lost = [
            F.cross_entropy(network(known[:, j], slice(first[j], first[j] + size)), codes[:, j], reduction="none")
            for j, size in enumerate(self._sizes)
        ]
        return torch.stack(lost).mean(dim=0)

    @torch.no_grad()
    def _fill(self, codes: np.ndarray, known: np.ndarray, rng: np.random.Generator, missing: bool = True) -> np.ndarray:
        filled = np.array(codes, dtype=np.int32, order="F")
        draw = torch.Generator().manual_seed(int(rng.integers(2**62)))
        starts = range(0, len(codes), _ROWS)
        with progress(len(starts), "Drawing columns") as bar:
            for start in starts:
                part = slice(start, start + _ROWS)
                filled[part] = self._fill_part(torch.tensor(filled[part]), torch.tensor(known[part]), draw, missing)
                bar.advance()
        return filled

    def _fill_part(self, codes: torch.Tensor, known: torch.Tensor, draw: torch.Generator, missing: bool) -> np.ndarray:
        """Draw the columns that are not known, one after another."""
        network, first = self.network_, self._one_hot.first
        told = torch.zeros(len(codes), self.width)
        for j in range(len(self._sizes)):
            told[known[:, j]] += network.tells[codes[known[:, j], j] + first[j]]
        for j in self.columns_:
            free = ~known[:, j]
            if free.any():
                codec = self.encoder_.columns_[j]
                n_codes = codec.n_codes - (not missing and codec.missing and codec.n_codes > 1)
                logits = network(told[free] + network.asks[j], slice(first[j], first[j] + n_codes))
                codes[free, j] = torch.multinomial(logits.softmax(1), 1, generator=draw).squeeze(1).int()
                told[free] += network.tells[codes[free, j] + first[j]]
        return codes.numpy()

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        tensors, extra = super()._get_state()
        return tensors, {**extra, "order": self.columns_}

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self.columns_ = extra["order"]
        super()._set_state(tensors, extra)
