"""Noisy counts of pairs of columns, and kinds of patients fitted to them: how `PrivateMoments` learns."""

import math
from fractions import Fraction

import numpy as np
import torch

from shd._progress import progress
from shd.synthesizers.dp.private import Records
from shd.synthesizers.dp.tree import PairsFit

TARGET, STRUCTURE = Fraction(1, 3), Fraction(1, 10)
"""Shares of what single columns leave: for pairs with the target, and of either part for the choice."""
_CLEAR, _CLEAR_OF_TARGET = 10.0, 80.0  # the average cell of a pair is at least this many times its noise
_FIRST, _LAST = 0.08, 0.004  # learning rate at the beginning and at the end of a fit
_SPREAD = 0.5  # of the logits at first


class MomentsFit(PairsFit):
    """One private fit; `run` gives how likely each code is in each kind."""

    margins = Fraction(1, 10)

    def __init__(self, records: Records, max_bins: int, max_levels: int, target: str | None):
        super().__init__(records, max_bins, max_levels)
        self.target = target

    def run(self, kinds: int, rounds: int, steps: int, seed: int) -> np.ndarray:
        """Learn the columns, then in rounds: choose pairs that the kinds get wrong, count them, fit the kinds again."""
        self._learn_columns()
        self.kinds = Kinds(self.shares, self.n / self.margin_noise, kinds, seed)
        open_ = [j for j, size in enumerate(self.sizes) if size > 1]  # a column with one code says nothing
        rest = [(i, j) for i in open_ for j in open_ if i < j]
        own = [pair for pair in rest if self.target in (self.encoder.names[j] for j in pair)]
        with progress((rounds + 1) * steps, "Fitting kinds to noisy counts") as bar:
            if own:
                rest = [pair for pair in rest if pair not in own]
                share = self.budget.left * (TARGET if rest else 1)
                self._round(own, *self._plan(own, 1, share, _CLEAR_OF_TARGET))
            self.kinds.fit(steps, bar)
            for n_pairs in self._plan(rest, rounds, self.budget.left, _CLEAR) if rest else ():
                rest = self._round(rest, n_pairs)
                self.kinds.fit(steps, bar)
        return self.kinds.chances()

    def _plan(self, rest: list[tuple[int, int]], rounds: int, share: Fraction, clear: float) -> list[int]:
        """Return how many pairs each round counts; each costs the same, whenever it is counted.

        So many pairs are counted as stand out from the noise: the fewer, the less noise on each.
        """
        cells = np.mean([self.sizes[i] * self.sizes[j] for i, j in rest])
        of_one = self.budget.deviation(share * (1 - STRUCTURE), self.m)
        total = max(1, int((self.n / cells / clear / of_one) ** 2))
        chosen = total < len(rest)
        total = total if chosen else len(rest)
        self.for_choice = share * STRUCTURE / total if chosen else Fraction(0)
        self.for_counts = share / total - self.for_choice
        parts = np.array_split(np.arange(total), rounds if chosen else 1)
        return [len(part) for part in parts if len(part)]

    def _round(self, rest: list[tuple[int, int]], n_pairs: int) -> list[tuple[int, int]]:
        """Count some pairs of the rest that the kinds get wrong; return what is still not counted."""
        left, chosen = list(range(len(rest))), []
        if self.for_choice:
            self.budget.spend(f"choice of {n_pairs} pairs", self.for_choice * n_pairs)
            to_come = self.budget.deviation(self.for_counts, self.m)
            joint = self.kinds.joint() * self.n
            scores = [self._score(i, j, self.kinds.block(joint, i, j), to_come) for i, j in rest]
            for _ in range(n_pairs):
                chosen.append(left.pop(self._pick([scores[k] for k in left], self.for_choice)))
        else:
            left, chosen = [], left
        self._take([rest[k] for k in chosen], self.for_counts * n_pairs, "chosen")
        return [rest[k] for k in left]

    def _take(self, pairs: list[tuple[int, int]], cost: Fraction, why: str) -> None:
        """Count pairs with noise, and let the kinds know."""
        self.budget.spend(f"counts of {len(pairs)} pairs {why}", cost)
        each = cost / len(pairs)
        deviation = self.budget.deviation(each, self.m)
        for (i, j), table in self._measure(pairs, each).items():
            shares, kept = _likely(table / self.n, self.shares[i], self.shares[j], deviation / self.n)
            self.kinds.told(i, j, shares)
            self.kinds.trust(i, j, self.n / deviation, kept)


class Kinds:
    """Kinds of patients, a row of logits each, in which columns are independent: their pairs are exact sums.

    What is fitted is the share of each code of each column and of each pair of codes that was counted, each weighted
    by how little noise it carries. A fit ends where what is left could be noise, so that the noise is not learned.
    """

    def __init__(self, shares: list[np.ndarray], sure: float, n_kinds: int, seed: int):
        self.sizes, self.rng = [len(share) for share in shares], torch.Generator().manual_seed(seed)
        self.first = np.cumsum([0, *self.sizes])
        self.share, self.sure = torch.tensor(np.concatenate(shares), dtype=torch.float32), sure
        spread = _SPREAD * torch.randn(n_kinds, len(self.share), generator=self.rng)
        self.logits = (torch.log(self.share + 1e-6) + spread).requires_grad_()
        self.goal, self.weight = torch.zeros(2, len(self.share), len(self.share))
        self.freedom = float(sum(self.sizes) - len(self.sizes))

    def told(self, i: int, j: int, shares: np.ndarray) -> None:
        """Take note of the shares of a pair, (n_codes of i, n_codes of j)."""
        self.block(self.goal, i, j)[:] = torch.tensor(shares, dtype=torch.float32)

    def trust(self, i: int, j: int, sure: float, kept: float = 1.0) -> None:
        """Weight a pair by one over the deviation of its noise, of which a share was kept."""
        self.block(self.weight, i, j)[:] = sure**2
        self.freedom += kept * (self.sizes[i] - 1) * (self.sizes[j] - 1)

    def block(self, table: torch.Tensor | np.ndarray, i: int, j: int) -> torch.Tensor | np.ndarray:
        """Return the part of a table of all codes by all codes that is about two columns."""
        return table[self.first[i] : self.first[i + 1], self.first[j] : self.first[j + 1]]

    def fit(self, steps: int, bar: object) -> None:
        """Take steps until what is left could be noise."""
        adam = torch.optim.Adam([self.logits])
        for step in range(steps):
            fall = 0.5 * (1 + math.cos(math.pi * step / steps))
            adam.param_groups[0]["lr"] = _LAST + (_FIRST - _LAST) * fall
            chance = self._chance()
            off = (self.weight * (chance.T @ chance / len(chance) - self.goal) ** 2).sum()
            off = off + self.sure**2 * ((chance.mean(dim=0) - self.share) ** 2).sum()
            bar.advance()
            if off.item() <= self.freedom:
                break
            adam.zero_grad()
            (off / self.freedom).backward()
            adam.step()

    def _chance(self) -> torch.Tensor:
        return torch.cat([part.softmax(dim=1) for part in self.logits.split(self.sizes, dim=1)], dim=1)

    @torch.no_grad()
    def joint(self) -> np.ndarray:
        """Return the share of each code together with each other, float64, (n_codes, n_codes)."""
        chance = self._chance().double()
        return (chance.T @ chance / len(chance)).numpy()

    @torch.no_grad()
    def chances(self) -> np.ndarray:
        """Return how likely each code is in each kind, float64, (n_codes, n_kinds)."""
        return self._chance().double().numpy().T.copy()


def _likely(table: np.ndarray, rows: np.ndarray, columns: np.ndarray, noise: float) -> tuple[np.ndarray, float]:
    """Return what is likely behind a noisy table of shares, and how much was kept of what it shows, 0 to 1.

    Its rows and columns get the sums that are known better. What is left of it beyond independence is shrunk by the
    part that noise alone would show (James, Stein 1961, *Estimation with Quadratic Loss*): all of it, where that is
    no more than noise.
    """
    table = table - ((table.sum(axis=1) - rows) / table.shape[1])[:, None]
    table = table - (table.sum(axis=0) - columns) / table.shape[0]
    apart = np.outer(rows, columns)
    shown, freedom = ((table - apart) ** 2).sum(), (len(rows) - 1) * (len(columns) - 1)
    kept = max(0.0, 1 - freedom * noise**2 / max(shown, 1e-30))
    return apart + kept * (table - apart), kept
