"""`TabularAutoregressive`: one network that says what any column may hold, given any others.

How it works. Take a record, hide some of its columns, and let a network say what each hidden one may be. Every record
hides a different set, from one column to all. A network that can do this can draw a record column by column, in any
order: the first from nothing, each next one given those drawn before. It can begin anywhere, too: from what a user asks
for, or from a record with gaps, which it fills in.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from shd._progress import progress
from shd.synthesizers.base import check_whole
from shd.synthesizers.filling import FillsIn
from shd.synthesizers.neural import NeuralSynthesizer

_ROWS = 4096  # drawn at once, in one order


class _Guesser(nn.Module):
    """Known codes as zeros and ones, and which columns are known, to logits of every code."""

    def __init__(self, n_codes: int, n_columns: int, width: int, depth: int):
        super().__init__()
        self.enter = nn.Linear(n_codes + n_columns, width)
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
                for _ in range(depth)
            ]
        )
        self.norm, self.leave = nn.LayerNorm(width), nn.Linear(width, n_codes)

    def hidden(self, x: torch.Tensor) -> torch.Tensor:
        """Return what the last layer reads."""
        h = self.enter(x)
        for block in self.blocks:
            h = h + block(h)
        return F.silu(self.norm(h))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.leave(self.hidden(x))


@dataclass(eq=False, repr=False)
class TabularAutoregressive(FillsIn, NeuralSynthesizer):
    """Any column given any others, by a network that learned from records with hidden columns.

    Parameters
    ----------
    condition : str or sequence of str, optional
        Columns that keep every level of their own. Any column can be asked for.
    steps : int, optional
        Most training steps; fewer where people held out no longer gain. None: by the number of records, 400 to 4,000.
    batch : int
        Records of a step.
    width, depth : int
        Width of the layers, and number of residual blocks.
    learning_rate : float
    patience : int
        Held-out losses in a row (of 20 in all) that are not lower than the lowest, before it stops.
    max_levels : int
        Columns with more levels let rare neighbours share a code.
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same model on the same machine, and the same rows.

    References
    ----------
    Uria, Murray, Larochelle (2014), *A Deep and Tractable Density Estimator*, arXiv 1310.1757, which learns all orders
    at once; Germain et al. (2015), *MADE*, arXiv 1502.03509; Tiwald et al. (2025), *TabularARGN*, arXiv 2501.12012,
    for tables.
    """

    max_bins = 60

    condition: str | tuple[str, ...] | None = None
    steps: int | None = None
    batch: int = 512
    width: int = 384
    depth: int = 2
    learning_rate: float = 2e-3
    patience: int = 6
    max_levels: int = 200
    min_people: int | None = None
    random_state: int = 0

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_whole(self, "depth", 1)

    def _network(self) -> nn.Module:
        return _Guesser(self._one_hot.n_codes, len(self.encoder_.sizes), self.width, self.depth)

    def _input(self, codes: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
        """Return known codes as zeros and ones, and which columns are known."""
        one_hot = self._one_hot
        told = known.float()
        ones = torch.zeros(len(codes), one_hot.n_codes).scatter_(1, codes.long() + one_hot.first, told)
        return torch.cat([ones, told], dim=1)

    def _losses(self, network: nn.Module, codes: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Return how unlikely hidden columns are, in nats a column; each record hides from one to all of its own."""
        n, d = codes.shape
        order = torch.rand(n, d, generator=rng).argsort(dim=1).argsort(dim=1)
        n_known = torch.randint(0, d, (n, 1), generator=rng)
        known = order < n_known
        logits = network(self._input(codes, known)).split(self.encoder_.sizes, dim=1)
        lost = torch.stack([F.cross_entropy(logit, codes[:, j], reduction="none") for j, logit in enumerate(logits)], 1)
        return (lost * ~known / (d - n_known)).sum(dim=1)

    @torch.no_grad()
    def _fill(self, codes: np.ndarray, known: np.ndarray, rng: np.random.Generator, missing: bool = True) -> np.ndarray:
        filled = np.array(codes, dtype=np.int32, order="F")
        draw = torch.Generator().manual_seed(int(rng.integers(2**62)))
        starts = range(0, len(codes), _ROWS)
        with progress(len(starts), "Drawing columns") as bar:
            for first in starts:
                part = slice(first, first + _ROWS)
                order = torch.randperm(codes.shape[1], generator=draw).tolist()
                filled[part] = self._fill_part(
                    torch.tensor(filled[part]), torch.tensor(known[part]), order, draw, missing
                )
                bar.advance()
        return filled

    def _fill_part(
        self, codes: torch.Tensor, known: torch.Tensor, order: list[int], draw: torch.Generator, missing: bool
    ) -> np.ndarray:
        """Draw the columns that are not known, one after another."""
        leave, first = self.network_.leave, self._one_hot.first.tolist()
        for j in order:
            if (free := ~known[:, j]).any():
                codec = self.encoder_.columns_[j]
                n_codes = codec.n_codes - (not missing and codec.missing and codec.n_codes > 1)
                rows = slice(first[j], first[j] + n_codes)
                hidden = self.network_.hidden(self._input(codes[free], known[free]))
                chance = torch.softmax(F.linear(hidden, leave.weight[rows], leave.bias[rows]), dim=1)
                codes[free, j] = torch.multinomial(chance, 1, generator=draw).squeeze(1).int()
                known[:, j] = True
        return codes.numpy()
