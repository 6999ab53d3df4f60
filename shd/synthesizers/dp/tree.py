"""A spanning tree of columns learned under differential privacy. `MST` says what is spent on what, and why."""

from fractions import Fraction

import numpy as np

from shd.synthesizers._network import Node
from shd.synthesizers.dp.columns import ColumnsFit, to_total

STRUCTURE = Fraction(1, 5)
"""Share of what single columns leave that the choice of the pairs takes; their counts take the rest."""
RARE = 8.0
"""A code has at least this many times the noise of its count in records; rarer ones share a code."""
_RAKED = 50  # rounds of fitting a pair to its columns
_NORMAL = (2 / np.pi) ** 0.5  # mean distance of a normal number from 0, in deviations


class PairsFit(ColumnsFit):
    """Base of what measures pairs of columns with Gaussian noise."""

    margins = Fraction(1, 5)

    def _least(self) -> float:
        return RARE * self.margin_noise

    def _count(self, i: int, j: int) -> np.ndarray:
        """Return how many records have each code of one column and each of another: not for eyes without noise."""
        at = self.codes[:, i].astype(np.int64) * self.sizes[j] + self.codes[:, j]
        return np.bincount(at, minlength=self.sizes[i] * self.sizes[j]).reshape(self.sizes[i], self.sizes[j])

    def _score(self, i: int, j: int, expected: np.ndarray, noise: float) -> int:
        """Return how many records a pair differs by from what is expected, less what noise alone would show.

        What is expected comes from noisy counts and is rounded to whole records. So one subject with at most m records
        moves the sum of the distances by at most m.
        """
        distance = np.abs(self._count(i, j) - np.rint(expected).astype(np.int64)).sum()
        return int(distance) - int(_NORMAL * noise * expected.size)

    def _pick(self, scores: list[int], cost: Fraction) -> int:
        """Choose one of the scores by the exponential mechanism."""
        return self.noise.pick(scores, self.budget.bounded(cost), self.m)

    def _measure(self, pairs: list[tuple[int, int]], cost: Fraction) -> dict[tuple[int, int], np.ndarray]:
        """Count pairs with noise, at so much each."""
        return {(i, j): self.budget.blur(self.noise, self._count(i, j), cost, self.m) for i, j in pairs}


class TreeFit(PairsFit):
    """One private fit; `run` gives the nodes."""

    def run(self) -> list[Node]:
        """Learn the columns, choose the pairs, count them, and turn them into a tree to draw from."""
        self._learn_columns()
        edges = self._tree()
        noisy, deviation = {}, 1.0
        if edges:
            cost = self.budget.left / len(edges)
            self.budget.spend(f"counts of {len(edges)} pairs", self.budget.left)
            noisy, deviation = self._measure(edges, cost), self.budget.deviation(cost, self.m)
        shares = self._agreed(noisy, deviation)
        return self._nodes(noisy, shares)

    def _tree(self) -> list[tuple[int, int]]:
        """Choose pairs one at a time, each between two columns that no path joins yet, as Kruskal does."""
        d = len(self.sizes)
        if d == 1:
            return []
        cost = self.budget.left * STRUCTURE / (d - 1)
        to_come = self.budget.deviation(self.budget.left * (1 - STRUCTURE) / (d - 1), self.m)
        scores = {
            (i, j): self._score(i, j, np.outer(self.shares[i], self.shares[j]) * self.n, to_come)
            for i in range(d)
            for j in range(i + 1, d)
        }
        part, edges = list(range(d)), []
        while len(edges) < d - 1:
            open_ = [pair for pair in scores if part[pair[0]] != part[pair[1]]]
            self.budget.spend(f"choice of pair {len(edges) + 1}", cost)
            i, j = open_[self._pick([scores[pair] for pair in open_], cost)]
            edges.append((i, j))
            part = [part[i] if own == part[j] else own for own in part]
        return edges

    def _agreed(self, noisy: dict, deviation: float) -> list[np.ndarray]:
        """Return the share of each code from all counts that tell of it, each by how little noise it carries.

        A column is counted alone, and once more by the sums of every pair that it is in.
        """
        agreed = []
        for j, share in enumerate(self.shares):
            counts, weights = [share * self.n], [1 / self.margin_noise**2]
            for pair, table in noisy.items():
                if j in pair:
                    across = 1 - pair.index(j)
                    counts.append(table.sum(axis=across))
                    weights.append(1 / (table.shape[across] * deviation**2))
            known = to_total(np.average(counts, axis=0, weights=weights), self.n)
            agreed.append(np.maximum(known, 1e-6) / np.maximum(known, 1e-6).sum())
        return agreed

    def _nodes(self, noisy: dict, shares: list[np.ndarray]) -> list[Node]:
        """Hang the tree up at its most entangled column, and give each column its table given the one above."""
        d = len(shares)
        joined = [sum(j in pair for pair in noisy) for j in range(d)]
        nodes, taken = [], []
        while len(taken) < d:
            below = [(p, j) for p in taken for j in range(d) if j not in taken and tuple(sorted((p, j))) in noisy]
            if not below:
                first = max(range(d), key=lambda j: joined[j])
                nodes.append(Node(first, [], shares[first][None]))
                taken.append(first)
            for p, j in below:
                table = noisy[min(p, j), max(p, j)]
                table = raked(to_total(table if p < j else table.T, self.n), shares[p], shares[j])
                nodes.append(Node(j, [(p, np.arange(len(shares[p])))], table / table.sum(axis=1, keepdims=True)))
                taken.append(j)
        return nodes


def raked(table: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return the table nearest to one (in relative entropy) with these sums of its rows and columns."""
    table = table / table.sum() + 1e-9 * np.outer(rows, columns)
    for _ in range(_RAKED):
        table = table * (rows / table.sum(axis=1))[:, None]
        table = table * (columns / table.sum(axis=0))
    return table
