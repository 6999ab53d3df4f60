"""`TabularVAE`: a variational autoencoder. An encoder writes each record as a few numbers, a decoder reads them back.

How it works. The encoder gives each record not one point but a cloud: a mean and a spread for each of a few dozen
numbers, the latent. The decoder gets a point of the cloud, and says how likely each code of each column is. Two wishes
pull at the clouds: the decoder wants them apart, so that it can tell records from each other; and they shall together
fill one plain normal cloud, so that a point drawn from that cloud is like a record that could have been. To sample is
to draw such a point and to decode it. What a decoder cannot tell from a point it draws for each column on its own:
that is why exact logic between columns is the first thing that a VAE loses.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from shd.synthesizers.base import check_number, check_whole
from shd.synthesizers.neural import NeuralSynthesizer

_ROWS = 8192  # drawn at once


class _Coder(nn.Module):
    """Encoder and decoder."""

    def __init__(self, n_codes: int, n_condition: int, width: int, latent: int):
        super().__init__()
        self.latent = latent
        self.encoder = _layers(n_codes + n_condition, width, 2 * latent)
        self.decoder = _layers(latent + n_condition, width, n_codes)


def _layers(n_in: int, width: int, n_out: int) -> nn.Sequential:
    inner = [nn.Linear(n_in, width), nn.LayerNorm(width), nn.SiLU()]
    inner += [nn.Linear(width, width), nn.LayerNorm(width), nn.SiLU()]
    return nn.Sequential(*inner, nn.Linear(width, n_out))


@dataclass(eq=False, repr=False)
class TabularVAE(NeuralSynthesizer):
    """Conditional variational autoencoder for mixed tables.

    Parameters
    ----------
    condition : str or sequence of str, optional
        Columns that can be asked for in `sample`. Default: the target of the Dataset.
    steps : int, optional
        Most training steps; fewer where people held out no longer gain. None: by the number of records, 400 to 4,000.
    batch : int
        Records of a step.
    width, latent : int
        Width of the layers, and numbers that a record is written as.
    beta : float
        Weight of the wish that all clouds together are one normal cloud. Below 1 records are told apart better, and
        points between them are decoded worse.
    learning_rate : float
    patience : int
        Held-out losses in a row (of 20 in all) that are not lower than the lowest, before it stops.
    max_levels : int
        Columns with more levels let rare neighbours share a code.
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same model on the same machine, and the same rows.

    References
    ----------
    Kingma, Welling (2014), *Auto-Encoding Variational Bayes*, arXiv 1312.6114; Xu et al. (2019), *Modeling Tabular Data
    using Conditional GAN*, arXiv 1907.00503, whose TVAE it follows in outline; Higgins et al. (2017), *beta-VAE*.
    """

    condition: str | tuple[str, ...] | None = None
    steps: int | None = None
    batch: int = 512
    width: int = 256
    latent: int = 48
    beta: float = 1.0
    learning_rate: float = 2e-3
    patience: int = 4
    max_levels: int = 200
    min_people: int | None = None
    random_state: int = 0

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_whole(self, "latent", 1)
        check_number(self, "beta", 0, 100)

    def _network(self) -> nn.Module:
        return _Coder(self._one_hot.n_codes, self._n_told, self.width, self.latent)

    def _losses(self, network: nn.Module, codes: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Return the negative evidence lower bound, in nats."""
        told = self._told(codes)
        mean, log_spread = network.encoder(torch.cat([self._one_hot.encode(codes), told], dim=1)).chunk(2, dim=1)
        log_spread = log_spread.clamp(-8, 4)
        point = mean + torch.exp(log_spread) * torch.randn(mean.shape, generator=rng)
        logits = network.decoder(torch.cat([point, told], dim=1)).split(self.encoder_.sizes, dim=1)
        misread = sum(F.cross_entropy(logits[j], codes[:, j], reduction="none") for j in self._free_at)
        apart = 0.5 * (mean.square() + torch.exp(2 * log_spread) - 1) - log_spread  # KL from the normal cloud
        return misread + self.beta * apart.sum(dim=1)

    @torch.no_grad()
    def _draw(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        codes = np.zeros((len(asked), len(self.encoder_.sizes)), dtype=np.int32, order="F")
        codes[:, self._condition_at] = asked
        draw = torch.Generator().manual_seed(int(rng.integers(2**62)))
        for first in range(0, len(asked), _ROWS):
            part = torch.tensor(codes[first : first + _ROWS], dtype=torch.int64)
            point = torch.randn(len(part), self.latent, generator=draw)
            logits = self.network_.decoder(torch.cat([point, self._told(part)], dim=1))
            drawn = self._one_hot.draw_codes(logits, draw)
            codes[first : first + _ROWS, self._free_at] = drawn[:, self._free_at]
        return codes
