"""Moments of a one-hot table as a loss: every pair of levels, within every class."""

import numpy as np
import torch
from torch.nn import functional as F

from shd.synthesizers._one_hot import OneHot

_LIMIT = 1024  # entries of the moment matrix; in wider tables neighbouring codes share one
_MOST_CLASSES = 64  # more than that leave too few records in each
_MOST_FLOATS = 3e7  # classes x entries squared, beyond which the moments are taken over all classes


class ClassMoments:
    """First and second moments of the one-hot table within each class, as a loss.

    Every code is centred and scaled by what it is in the real class, so that the second moments
    are correlations and a rare level counts as much as a common one. They are taken on the
    generator's probabilities: columns are independent given noise and condition, so that the
    product of two probabilities is exactly how often the two levels come together, without the
    noise of drawing them. A running average stands in for the whole generated table.
    """

    def __init__(self, columns: OneHot, codes: torch.Tensor, classes: torch.Tensor, n_classes: int):
        self.gather, owner = _moment_entries(columns)
        n_entries = len(owner)
        # many classes or a wide table: moments over all classes at once, to bound memory
        few = n_classes <= _MOST_CLASSES and n_classes * n_entries**2 <= _MOST_FLOATS
        self.n_groups = n_classes if few else 1
        self.across = (owner[:, None] != owner[None]).float()
        mean, second = torch.zeros(self.n_groups, n_entries), torch.zeros(self.n_groups, n_entries, n_entries)
        for group in range(self.n_groups):
            rows = codes[classes == group] if self.n_groups > 1 else codes
            for part in rows.split(4096):
                entries = self._entries(columns.encode(part))
                mean[group] += entries.sum(0) / len(rows)
                second[group] += entries.T @ entries / len(rows)
        self.mean, self.scale = mean, 1 / torch.sqrt(mean * (1 - mean) + 1e-3)
        centred = second - mean[:, :, None] * mean[:, None, :]
        self.target = centred * self.scale[:, :, None] * self.scale[:, None, :] * self.across
        self.second, self.first = self.target.clone(), torch.zeros_like(mean)

    def _entries(self, one_hot: torch.Tensor) -> torch.Tensor:
        return one_hot if self.gather is None else one_hot @ self.gather

    def loss(self, probabilities: torch.Tensor, classes: torch.Tensor, keep: float) -> torch.Tensor:
        """Squared distance from the real moments; its gradient goes through this batch alone.

        `keep`, from 0 to 1, is how much of the running average stays.
        """
        total = torch.zeros(())
        for group in classes.unique().tolist() if self.n_groups > 1 else [0]:
            rows = probabilities[classes == group] if self.n_groups > 1 else probabilities
            z = (self._entries(rows) - self.mean[group]) * self.scale[group]
            first, second = z.mean(0), z.T @ z / len(z)
            with torch.no_grad():
                self.first[group].mul_(keep).add_(first, alpha=1 - keep)
                self.second[group].mul_(keep).add_(second * self.across, alpha=1 - keep)
                pull_first, pull_second = self.first[group].clone(), self.second[group] - self.target[group]
            share = len(rows) / len(probabilities)
            total = total + share * ((second * pull_second).sum() + 2 * (first * pull_first).sum())
        return total


def _moment_entries(columns: OneHot) -> tuple[torch.Tensor | None, torch.Tensor]:
    """Which codes share an entry of the moment matrix, and the column each entry belongs to."""
    if columns.n_codes <= _LIMIT:
        return None, columns.of_code
    most = max(2, _LIMIT // len(columns.sizes))
    entry, owner = [], []
    for column, size in enumerate(columns.sizes):
        shared = np.arange(size) * min(size, most) // size
        entry.append(len(owner) + shared)
        owner += [column] * (int(shared[-1]) + 1)
    return F.one_hot(torch.tensor(np.concatenate(entry)), len(owner)).float(), torch.tensor(owner)
