"""`TabularDiffusion`: records are dissolved into chance in small steps, and a network learns to take a step back.

How it works. Numbers are turned into normal scores, and dissolve as in a Gaussian diffusion: a bit of the number is
replaced by normal noise at each step, until nothing but noise is left. Levels dissolve as in a multinomial diffusion:
at each step a level is replaced, with a small chance, by one drawn as levels occur in the table. A network sees a
half dissolved record and the time, and says what it was: the noise in each number, and how likely each level is. To
sample is to begin with nothing but chance and to go all steps back; at each one a level is drawn from what the network
believes, so that columns which belong together find each other over many steps.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.special import ndtr
from torch import nn
from torch.nn import functional as F

from shd._progress import progress
from shd.synthesizers._conditions import Conditions
from shd.synthesizers.base import check_whole
from shd.synthesizers.neural import NeuralSynthesizer
from shd.synthesizers.tabular_game import OneHot

_ROWS = 8192  # drawn at once
_FEW_NUMBERS = 20  # columns of fewer numbers dissolve as levels do
_WAVES = 16  # sines and cosines that tell the network the time
_BLOCKS = 3


class _Restorer(nn.Module):
    """A half dissolved record, time and condition to noise in each number and logits of each code."""

    def __init__(self, n_in: int, n_condition: int, width: int, n_out: int):
        super().__init__()
        self.enter, self.told = nn.Linear(n_in, width), nn.Linear(2 * _WAVES + n_condition, width)
        self.blocks = nn.ModuleList(
            [
                nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, width))
                for _ in range(_BLOCKS)
            ]
        )
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.SiLU(), nn.Linear(width, n_out))
        self.register_buffer("frequency", torch.pi * 2 ** torch.linspace(-1, 6, _WAVES), persistent=False)

    def forward(self, x: torch.Tensor, time: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """Take records (n, n_in), times 0 to 1 (n, 1), and conditions as zeros and ones (n, n_condition)."""
        waves = torch.cat([torch.sin(time * self.frequency), torch.cos(time * self.frequency), condition], dim=1)
        h, told = self.enter(x), self.told(waves)
        for block in self.blocks:
            h = h + block(h + told)
        return self.leave(h)


@dataclass(eq=False, repr=False)
class TabularDiffusion(NeuralSynthesizer):
    """Conditional diffusion model for mixed tables: Gaussian for numbers, multinomial for levels.

    Parameters
    ----------
    condition : str or sequence of str, optional
        Columns that can be asked for in `sample`; they do not dissolve. Default: the target of the Dataset.
    steps : int, optional
        Most training steps; fewer where people held out no longer gain. None: by the number of records, 400 to 4,000.
    batch : int
        Records of a step.
    width : int
        Of the layers of the network.
    moves : int
        Steps in which a record dissolves, and is restored when sampling: more are more exact, and take longer.
    learning_rate : float
    patience : int
        Held-out losses in a row (of 20 in all) that are not lower than the lowest, before it stops.
    max_levels : int
        Columns with more levels let rare neighbours share a code.
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same model on the same machine, and the same rows.

    References
    ----------
    Kotelnikov et al. (2023), *TabDDPM: Modelling Tabular Data with Diffusion Models*, arXiv 2209.15421; Ho, Jain,
    Abbeel (2020), arXiv 2006.11239, for numbers; Hoogeboom et al. (2021), *Argmax Flows and Multinomial Diffusion*,
    arXiv 2102.05379, for levels; Nichol, Dhariwal (2021), arXiv 2102.09672, for the cosine schedule. Levels dissolve
    into how often they occur, as in Vignac et al. (2023), *DiGress*, arXiv 2209.14734.
    """

    max_bins = 100

    condition: str | tuple[str, ...] | None = None
    steps: int | None = None
    batch: int = 512
    width: int = 384
    moves: int = 50
    learning_rate: float = 1e-3
    patience: int = 6
    max_levels: int = 200
    min_people: int | None = None
    random_state: int = 0

    def _check_parameters(self) -> None:
        super()._check_parameters()
        check_whole(self, "moves", 2)

    # What dissolves how ------------------------------------------------------------------------

    def _learn_codes(self, codes: np.ndarray) -> None:
        """Learn how often each code occurs, and where each number stands."""
        columns = zip(codes.T, self.encoder_.columns_, strict=True)
        self.counts_ = [np.bincount(own, minlength=codec.n_codes) for own, codec in columns]
        self._lay_out()

    def _lay_out(self) -> None:
        codecs = self.encoder_.columns_
        self._numbers = [
            j
            for j in self._free_at
            if codecs[j].levels is None and codecs[j].n_codes - codecs[j].missing > _FEW_NUMBERS
        ]
        # a number that may be missing has a level beside it that says whether it is
        self._kinds = [j for j in self._free_at if j not in self._numbers or codecs[j].missing]
        sizes = [2 if j in self._numbers else codecs[j].n_codes for j in self._kinds]
        self._levels = OneHot(sizes)
        known = [self.counts_[j][: codecs[j].n_codes - codecs[j].missing] for j in self._numbers]
        self._ends = [torch.tensor(np.append(0, np.cumsum(count) / max(1, count.sum()))) for count in known]
        chances = [_with_missing(self.counts_[j]) if j in self._numbers else self.counts_[j] for j in self._kinds]
        self._chance = [torch.tensor((count + 1e-3) / (count + 1e-3).sum(), dtype=torch.float32) for count in chances]
        time = torch.linspace(0, 1, self.moves + 1)
        kept = torch.cos((time + 0.008) / 1.008 * torch.pi / 2).square()
        self._kept = (kept / kept[0]).clamp(1e-5, 1)  # of a record after each move, 1 to 0

    def _network(self) -> nn.Module:
        size = self._levels.n_codes + len(self._numbers)
        return _Restorer(size, self._n_told, self.width, size)

    def _split(self, codes: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Return numbers as normal scores, (n, n_numbers), and levels as codes, (n, n_kinds)."""
        codecs, numbers, levels = self.encoder_.columns_, [], []
        for j, ends in zip(self._numbers, self._ends, strict=True):
            missing = codes[:, j] >= len(ends) - 1
            at = torch.where(missing, 0, codes[:, j])
            # anywhere within its code, so that the column is a normal one as a whole; a missing one anywhere at all
            share = torch.rand(len(codes), generator=rng)
            place = torch.where(missing, share, ends[at] + share * (ends[at + 1] - ends[at]))
            numbers.append(torch.special.ndtri(place.clamp(1e-4, 1 - 1e-4)).float())
        for j in self._kinds:
            known = codecs[j].n_codes - codecs[j].missing
            levels.append((codes[:, j] >= known).long() if j in self._numbers else codes[:, j])
        empty = torch.zeros(len(codes), 0)
        stacked = torch.stack(levels, dim=1) if levels else empty.long()
        return torch.stack(numbers, dim=1) if numbers else empty, stacked

    def _losses(self, network: nn.Module, codes: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
        """Return how far off the network is about noise and levels, at times drawn by chance; summed over columns."""
        numbers, levels = self._split(codes, rng)
        move = torch.randint(1, self.moves + 1, (len(codes),), generator=rng)
        kept = self._kept[move, None]
        noise = torch.randn(numbers.shape, generator=rng)
        blurred = kept.sqrt() * numbers + (1 - kept).sqrt() * noise
        stays = torch.rand(levels.shape, generator=rng) < kept
        mixed = torch.where(stays, levels, self._by_chance(len(codes), rng))
        said_noise, logits = self._say(network, blurred, mixed, move, self._told(codes))
        misread = sum(F.cross_entropy(logits[k], levels[:, k], reduction="none") for k in range(levels.shape[1]))
        return misread + (said_noise - noise).square().sum(dim=1)

    def _by_chance(self, n: int, rng: torch.Generator) -> torch.Tensor:
        drawn = [torch.multinomial(chance, n, replacement=True, generator=rng) for chance in self._chance]
        return torch.stack(drawn, dim=1) if drawn else torch.zeros(n, 0, dtype=torch.long)

    def _say(
        self, network: nn.Module, numbers: torch.Tensor, levels: torch.Tensor, move: torch.Tensor, told: torch.Tensor
    ):
        """Return what the network says: noise in each number, (n, n_numbers), and logits of each kind of level."""
        x = torch.cat([numbers, self._levels.encode(levels)], dim=1)
        said = network(x, move[:, None] / self.moves, told)
        return said[:, : numbers.shape[1]], said[:, numbers.shape[1] :].split(self._levels.sizes, dim=1)

    # How it draws ------------------------------------------------------------------------------

    @torch.no_grad()
    def _draw(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        codes = np.zeros((len(asked), len(self.encoder_.sizes)), dtype=np.int32, order="F")
        codes[:, self._condition_at] = asked
        draw = torch.Generator().manual_seed(int(rng.integers(2**62)))
        starts = range(0, len(asked), _ROWS)
        with progress(len(starts) * self.moves, "Restoring records") as bar:
            for first in starts:
                part = slice(first, first + _ROWS)
                numbers, levels = self._restore(self._told(torch.tensor(codes[part], dtype=torch.int64)), draw, bar)
                self._put(codes[part], numbers.numpy(), levels.numpy())
        return codes

    def _restore(self, told: torch.Tensor, draw: torch.Generator, bar: object) -> tuple[torch.Tensor, torch.Tensor]:
        """Go all moves back, from nothing but chance."""
        n = len(told)
        numbers, levels = torch.randn(n, len(self._numbers), generator=draw), self._by_chance(n, draw)
        for move in range(self.moves, 0, -1):
            kept, before = self._kept[move], self._kept[move - 1]
            step = kept / before  # what this one move keeps
            noise, logits = self._say(self.network_, numbers, levels, torch.full((n,), move), told)
            whole = ((numbers - (1 - kept).sqrt() * noise) / kept.sqrt()).clamp(-4, 4)
            mean = (before.sqrt() * (1 - step) * whole + step.sqrt() * (1 - before) * numbers) / (1 - kept)
            spread = ((1 - step) * (1 - before) / (1 - kept)).sqrt()
            numbers = mean + spread * torch.randn(numbers.shape, generator=draw)
            believed = self._levels.draw_codes(torch.cat(logits, dim=1), draw) if levels.shape[1] else levels
            levels = self._levels_before(levels, torch.as_tensor(believed), float(step), float(before), draw)
            bar.advance()
        return numbers, levels

    def _levels_before(
        self, now: torch.Tensor, whole: torch.Tensor, step: float, before: float, draw: torch.Generator
    ) -> torch.Tensor:
        """Draw the levels one move earlier, given those of now and those believed to be whole.

        By Bayes: a level stood there either because it is the one of now and stayed, or because it is the whole one and
        had not yet dissolved, or by chance; the three weights follow from the two moves.
        """
        if not now.shape[1]:
            return now
        chance = torch.stack([p[level] for p, level in zip(self._chance, now.T, strict=True)], dim=1)
        stayed = step * (before * (now == whole) + (1 - before) * chance)
        restored, by_chance = (1 - step) * chance * before, (1 - step) * chance * (1 - before)
        at = torch.rand(now.shape, generator=draw) * (stayed + restored + by_chance)
        fresh = self._by_chance(len(now), draw)
        return torch.where(at < stayed, now, torch.where(at < stayed + restored, whole, fresh))

    def _put(self, codes: np.ndarray, numbers: np.ndarray, levels: np.ndarray) -> None:
        """Write what was restored into codes."""
        for k, j in enumerate(self._numbers):
            codes[:, j] = np.searchsorted(self._ends[k][1:-1].numpy(), ndtr(numbers[:, k]), side="right")
        for k, j in enumerate(self._kinds):
            if j in self._numbers:
                codes[levels[:, k] == 1, j] = self.encoder_.sizes[j] - 1
            else:
                codes[:, j] = levels[:, k]

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        tensors, extra = super()._get_state()
        return {**tensors, "counts": np.concatenate(self.counts_)}, extra

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self.conditions_ = Conditions.from_dict(extra)
        self.counts_ = np.split(tensors["counts"], np.cumsum(self.encoder_.sizes)[:-1])
        self._lay_out()
        super()._set_state(tensors, extra)


def _with_missing(count: np.ndarray) -> np.ndarray:
    """Return how many are known and how many are missing."""
    return np.array([count[:-1].sum(), count[-1]])
