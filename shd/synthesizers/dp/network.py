"""A Bayesian network learned under differential privacy. `BayesianNetwork` says what is spent on what, and why."""

from fractions import Fraction

import numpy as np

from shd.synthesizers._network import Counts, Node, views
from shd.synthesizers.dp.cells import CELLS, Column
from shd.synthesizers.dp.domain import learn_declared
from shd.synthesizers.dp.private import Records
from shd.synthesizers.encoding import TableEncoder

SIZE, DOMAIN, MARGINS, STRUCTURE = Fraction(1, 100), Fraction(3, 10), Fraction(1, 4), Fraction(1, 4)
"""Shares: of epsilon for the number of records, and for columns nobody declared (times their share of all columns);
of what is left then for single columns, and of the rest for the structure. All else goes into the tables."""
MOST_PARENTS = 2
"""More parents than this cost budget, and give tables that are noise."""
_THETA = 4  # the average cell of a table is at least this many times its noise
_WHOLE = 2**20  # shares of codes are whole numbers of so many parts: scores are computed without rounding
_RAKED = 10  # rounds of fitting a table to the margins


class PrivateFit:
    """One private fit; `run` gives the encoder, the nodes and the noisy number of records."""

    def __init__(self, records: Records, *, degree: int, max_bins: int, max_levels: int):
        self.frame, self.people, self.m = records.frame, records.people, records.m
        self.domain, self.budget, self.noise = records.domain, records.budget, records.noise
        self.degree, self.max_bins, self.max_levels = min(degree, MOST_PARENTS), max_bins, max_levels

    def run(self) -> tuple[TableEncoder, list[Node], int]:
        """Learn the columns, the structure and the tables, in that order."""
        columns = self._columns()
        codecs, codes = self._margins(columns)
        self.sizes = [codec.n_codes for codec in codecs]
        self.codes = np.asfortranarray(codes)
        seen = [views(margin * self.n, codec) for margin, codec in zip(self.margins, codecs, strict=True)]
        self.counts = Counts(self.codes, self.sizes, seen, self.most_cells)
        self.shares = [_in_parts(margin) for margin in self.margins]
        nodes = self._structure()
        self._fill(nodes)
        encoder = TableEncoder(self.max_bins, self.max_levels)
        encoder.columns_ = codecs
        return encoder, nodes, self.n

    def _columns(self) -> list[Column]:
        """Cut every column into cells; what is not declared is learned from its part of the budget."""
        share = self.budget.epsilon * SIZE
        self.budget.spend("number of records", share)
        self.n_rough = int(self.noise.blur(np.array(len(self.frame)), self.m / share))
        self.n_variance = float(self.m / share) ** 2
        names = list(self.frame.columns)
        open_ = [name for name in names if name not in self.domain.columns]
        epsilon = self.budget.epsilon * DOMAIN / len(names)
        delta = self.budget.domain_delta / max(1, len(open_))
        scale = self.m * len(names) / (self.budget.left - epsilon * len(open_)) / self._margins_share(len(names))
        n_cells = int(np.clip(self.n_rough / (_THETA * scale), *CELLS))  # a cell should hold more than its noise
        columns = []
        for name in names:
            declared = self.domain.columns.get(name)
            if declared is None:
                self.budget.spend(f"domain of {name}", epsilon, delta)
                declared = learn_declared(self.frame[name], self.people, self.m, epsilon, delta, self.noise)
            column = Column.of(self.frame[name], declared, n_cells, learned=name in open_)
            column.by_chance(self.noise)
            columns.append(column)
        return columns

    def _margins_share(self, n_columns: int) -> Fraction:
        return MARGINS if self.degree and n_columns > 1 else Fraction(1)

    def _margins(self, columns: list[Column]) -> tuple[list, np.ndarray]:
        """Count the cells of every column once, with noise; records, codes and weights all come from these counts."""
        share = self.budget.left * self._margins_share(len(columns))
        self.budget.spend(f"counts of {len(columns)} single columns", share)
        scale = self.m * len(columns) / share
        noisy = [self.noise.blur(np.bincount(c.cells, minlength=c.n_cells), scale) for c in columns]
        # every column counts the same records: the mean of all sums, each by how little noise it carries
        weights = np.array([1 / self.n_variance, *(1 / (len(counts) * float(scale) ** 2) for counts in noisy)])
        sums = [self.n_rough, *(counts.sum() for counts in noisy)]
        self.n = max(1, round(float(weights @ sums / weights.sum())))
        # a table takes as many cells as its noise allows; so a column gets at most the root of that many codes
        self.table_scale = self.m * max(1, len(columns) - 1) / (self.budget.left * (1 - STRUCTURE) or share)
        self.most_cells = int(self.n / (_THETA * self.table_scale))
        n_bins = int(np.clip(self.most_cells**0.5, 4, self.max_bins)) if self.degree else self.max_bins
        settled = [
            column.settle(
                to_total(counts, self.n),
                float(scale),
                self.max_levels if column.fine.levels is not None else n_bins,
                self.noise,
            )
            for column, counts in zip(columns, noisy, strict=True)
        ]
        codecs, self.margins, codes = zip(*settled, strict=True)
        self.margins = [np.maximum(margin, 1e-6) / np.maximum(margin, 1e-6).sum() for margin in self.margins]
        return list(codecs), np.column_stack(codes)

    def _structure(self) -> list[Node]:
        """Order the columns and give each its parents, one choice at a time."""
        d = len(self.sizes)
        first = max(range(d), key=lambda j: _entropy(self.margins[j]))  # from noisy counts: it costs nothing
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
                node = Node(max(rest, key=lambda j: _entropy(self.margins[j])), [])
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
        distance = int(np.abs(_WHOLE * joint - joint.sum(axis=1, keepdims=True) * self.shares[x]).sum())
        return distance - int(_WHOLE * self.table_scale * joint.size)

    def _choose(self, scores: list[int], epsilon: Fraction) -> int:
        return self.noise.choose(scores, epsilon, 2 * _WHOLE * self.m)

    def _fill(self, nodes: list[Node]) -> None:
        """Count every table that has parents once, with noise, from all that is left of the budget."""
        joined = [node for node in nodes if node.parents]
        if joined:
            left = self.budget.left
            self.budget.spend(f"counts of {len(joined)} tables", left)
            scale = self.m * len(joined) / left
        for node in nodes:
            margin = self.margins[node.column]
            if not node.parents:
                node.table = margin[None]
                continue
            noisy = self.noise.blur(node.counts(self.codes, len(margin)), scale)
            table = self._rake(to_total(noisy, self.n) + 1e-6 * margin, node)
            node.table = table / table.sum(axis=1, keepdims=True)

    def _rake(self, table: np.ndarray, node: Node) -> np.ndarray:
        """Fit a noisy table to the noisy shares of its column and its parents, which are known better."""
        targets = [np.bincount(groups, self.margins[p]) for p, groups in node.parents] + [self.margins[node.column]]
        cube = table.reshape([len(target) for target in targets])
        for _ in range(_RAKED):
            for axis, target in enumerate(targets):
                others = tuple(k for k in range(cube.ndim) if k != axis)
                shape = [-1 if k == axis else 1 for k in range(cube.ndim)]
                cube = cube * (target / cube.sum(axis=others)).reshape(shape)
        return cube.reshape(table.shape)


def to_total(noisy: np.ndarray, total: float) -> np.ndarray:
    """Return noisy counts, none below 0, that add up to a total (the nearest such counts).

    Clipping alone would add weight to every empty cell. So as much is taken off all cells as
    leaves, after clipping at 0, that total.
    """
    falling = np.sort(noisy.ravel())[::-1].astype(float)
    excess = (np.cumsum(falling) - total) / np.arange(1, falling.size + 1)
    return np.clip(noisy - excess[np.flatnonzero(falling > excess)[-1]], 0, None)


def _in_parts(margin: np.ndarray) -> np.ndarray:
    """Return shares as whole numbers that add up to `_WHOLE`."""
    parts = np.floor(margin / margin.sum() * _WHOLE).astype(np.int64)
    parts[np.argmax(parts)] += _WHOLE - parts.sum()
    return parts


def _entropy(share: np.ndarray) -> float:
    return float(-(share * np.log(share)).sum())
