"""A Bayesian network learned under differential privacy. `BayesianNetwork` says what is spent on what, and why."""

from fractions import Fraction

import numpy as np

from shd.synthesizers._network import Counts, Node, views
from shd.synthesizers.dp.columns import ColumnsFit, to_total
from shd.synthesizers.dp.private import Records
from shd.synthesizers.encoding import TableEncoder

STRUCTURE = Fraction(1, 4)
"""Share for the structure of what single columns leave; all else goes into the tables."""
MOST_PARENTS = 2
"""More parents than this cost budget, and give tables that are noise."""
_THETA = 4  # the average cell of a table is at least this many times its noise
_WHOLE = 2**20  # shares of codes are whole numbers of so many parts: scores are computed without rounding
_RAKED = 10  # rounds of fitting a table to the margins


class PrivateFit(ColumnsFit):
    """One private fit; `run` gives the encoder, the nodes and the noisy number of records."""

    def __init__(self, records: Records, *, degree: int, max_bins: int, max_levels: int):
        super().__init__(records, max_bins, max_levels)
        self.degree = min(degree, MOST_PARENTS)

    def run(self) -> tuple[TableEncoder, list[Node], int]:
        """Learn the columns, the structure and the tables, in that order."""
        self._learn_columns()
        codecs = self.encoder.columns_
        seen = [views(share * self.n, codec) for share, codec in zip(self.shares, codecs, strict=True)]
        self.counts = Counts(self.codes, self.sizes, seen, self.most_cells)
        self.parts = [_in_parts(share) for share in self.shares]
        nodes = self._structure()
        self._fill(nodes)
        return self.encoder, nodes, self.n

    def _share_of_margins(self, n_columns: int) -> Fraction:
        return super()._share_of_margins(n_columns) if self.degree else Fraction(1)

    def _most_bins(self, n_columns: int) -> int:
        # a table takes as many cells as its noise allows; so a column gets at most the root of that many codes
        tables = self.budget.left * (1 - STRUCTURE) / max(1, n_columns - 1)
        self.table_noise = self.budget.deviation(tables, self.m) if tables else self.margin_noise
        self.most_cells = int(self.n / (_THETA * self.table_noise))
        return int(np.clip(self.most_cells**0.5, 4, self.max_bins)) if self.degree else self.max_bins

    def _structure(self) -> list[Node]:
        """Order the columns and give each its parents, one choice at a time."""
        d = len(self.sizes)
        first = max(range(d), key=lambda j: _entropy(self.shares[j]))  # from noisy counts: it costs nothing
        nodes, taken = [Node(first, [])], {first}
        if not self.degree or d == 1:
            return nodes + [Node(j, []) for j in range(d) if j != first]
        share = self.budget.left * STRUCTURE
        step = share / ((d - 1) * self.degree)
        pairs = {pair: self._score(joint, pair[0]) for p in range(d) for pair, joint in self.counts.pairs(p)}
        n_choices = 0
        while len(nodes) < d:
            open_ = [pair for pair in pairs if pair[0] not in taken and pair[1] in taken]
            node = None
            if open_:
                n_choices += 1
                chosen = self._choose([0, *(pairs[pair] for pair in open_)], step)
                node = self.counts.first(open_[chosen - 1]) if chosen else None
            if node is not None and self.degree > 1:
                n_choices += self._second_parent(node, pairs[open_[chosen - 1]], sorted(taken), step)
            if node is None:  # no dependence stands out: a column that others may depend on
                rest = [j for j in range(d) if j not in taken]
                node = Node(max(rest, key=lambda j: _entropy(self.shares[j])), [])
            nodes.append(node)
            taken.add(node.column)
        self.budget.spend(f"structure, {n_choices} choices", step * n_choices)
        return nodes

    def _second_parent(self, node: Node, score: int, taken: list[int], step: Fraction) -> int:
        """Give a column a second parent if that stands out; return how many choices were made."""
        options = [(parent, self._score(joint, node.column)) for parent, joint in self.counts.more(node, taken)]
        chosen = self._choose([score, *(found for _, found in options)], step) if options else 0
        if chosen:
            node.parents.append(options[chosen - 1][0])
        return int(bool(options))

    def _score(self, joint: np.ndarray, x: int) -> int:
        """Return how far a column is from not depending on its parents, in parts of a record, less the noise to come.

        The score is the sum over states s and codes c of abs(W count[s, c] - count[s] share[c]), where share are
        the noisy shares of the codes, which add up to W and are known by now. One record more in state s with code c
        changes the row of s only, by 2 (W - share[c]) at most. So a subject with m records moves it by at most 2 W m.
        What is subtracted, the expected size of the noise, does not depend on the records.
        """
        distance = int(np.abs(_WHOLE * joint - joint.sum(axis=1, keepdims=True) * self.parts[x]).sum())
        return distance - int(_WHOLE * self.table_noise * joint.size)

    def _choose(self, scores: list[int], epsilon: Fraction) -> int:
        return self.noise.choose(scores, epsilon, 2 * _WHOLE * self.m)

    def _fill(self, nodes: list[Node]) -> None:
        """Count every table that has parents once, with noise, from all that is left of the budget."""
        joined = [node for node in nodes if node.parents]
        if joined:
            left = self.budget.left
            self.budget.spend(f"counts of {len(joined)} tables", left)
            cost = left / len(joined)
        for node in nodes:
            margin = self.shares[node.column]
            if not node.parents:
                node.table = margin[None]
                continue
            noisy = self.budget.blur(self.noise, node.counts(self.codes, len(margin)), cost, self.m)
            table = self._rake(to_total(noisy, self.n) + 1e-6 * margin, node)
            node.table = table / table.sum(axis=1, keepdims=True)

    def _rake(self, table: np.ndarray, node: Node) -> np.ndarray:
        """Fit a noisy table to the noisy shares of its column and its parents, which are known better."""
        targets = [np.bincount(groups, self.shares[p]) for p, groups in node.parents] + [self.shares[node.column]]
        cube = table.reshape([len(target) for target in targets])
        for _ in range(_RAKED):
            for axis, target in enumerate(targets):
                others = tuple(k for k in range(cube.ndim) if k != axis)
                shape = [-1 if k == axis else 1 for k in range(cube.ndim)]
                cube = cube * (target / cube.sum(axis=others)).reshape(shape)
        return cube.reshape(table.shape)


def _in_parts(margin: np.ndarray) -> np.ndarray:
    """Return shares as whole numbers that add up to `_WHOLE`."""
    parts = np.floor(margin / margin.sum() * _WHOLE).astype(np.int64)
    parts[np.argmax(parts)] += _WHOLE - parts.sum()
    return parts


def _entropy(share: np.ndarray) -> float:
    return float(-(share * np.log(share)).sum())
