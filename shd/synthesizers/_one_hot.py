"""One-hot records in torch: softmax and draws, column by column, all columns at once."""

import numpy as np
import torch
from torch.nn import functional as F

_MOST_ROWS, _MOST_FLOATS = 16_384, 2**23  # of one-hot records held at once: 32 MB, however wide the table


class OneHot:
    """Where each column's codes stand in a one-hot record, and softmax and draws column by column."""

    def __init__(self, sizes: list[int]):
        self.sizes = sizes
        self.n_codes = sum(sizes)
        self.rows_at_once = max(1, min(_MOST_ROWS, _MOST_FLOATS // max(1, self.n_codes)))
        self.first = torch.tensor(np.cumsum([0, *sizes])[:-1])
        self.of_code = torch.tensor(np.repeat(np.arange(len(sizes)), sizes))
        self.membership = F.one_hot(self.of_code, max(1, len(sizes))).float()  # there may be no column

    def encode(self, codes: torch.Tensor) -> torch.Tensor:
        """Codes, int, shape (n, n_columns), to zeros and ones, float, shape (n, n_codes)."""
        return torch.zeros(len(codes), self.n_codes).scatter_(1, codes.long() + self.first, 1.0)

    def shares(self, codes: torch.Tensor) -> torch.Tensor:
        """How often each code occurs in its column, 0 to 1, shape (n_codes,)."""
        counts = torch.bincount((codes.long() + self.first).flatten(), minlength=self.n_codes)
        return counts / len(codes)

    def _largest(self, values: torch.Tensor) -> torch.Tensor:
        lowest = torch.full((len(values), len(self.sizes)), -torch.inf)
        index = self.of_code.expand(len(values), -1)
        return lowest.scatter_reduce(1, index, values.detach(), "amax")[:, self.of_code]

    def softmax(self, logits: torch.Tensor) -> torch.Tensor:
        """Probabilities that sum to one within each column, same shape."""
        powers = torch.exp(logits - self._largest(logits))
        return powers / ((powers @ self.membership) @ self.membership.T)

    def draw(self, logits: torch.Tensor, temperature: float, rng: torch.Generator) -> torch.Tensor:
        """One-hot draws whose gradient is that of the softened draw (straight-through Gumbel)."""
        noisy = logits + _gumbel(logits.shape, rng)
        soft = self.softmax(noisy / temperature)
        hard = (noisy.detach() == self._largest(noisy)).float()
        return hard + soft - soft.detach()

    def draw_codes(self, logits: torch.Tensor, rng: torch.Generator) -> np.ndarray:
        """Codes drawn from the logits, int64, shape (n, n_columns)."""
        noisy = logits.add_(_gumbel(logits.shape, rng))
        return np.column_stack([part.argmax(1).numpy() for part in noisy.split(self.sizes, dim=1)])


def _gumbel(shape: torch.Size, rng: torch.Generator) -> torch.Tensor:
    return -torch.log(-torch.log(torch.rand(shape, generator=rng).clamp_(1e-7, 1 - 1e-7)))
