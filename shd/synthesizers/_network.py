"""Columns of a Bayesian network: views of a parent, joint counts with it, and the search where nothing is private."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from shd._progress import Bar
from shd.synthesizers._codes import draw_from_rows, mutual_information
from shd.synthesizers._few import distinct_people
from shd.synthesizers.encoding import ColumnCodec

_GROUPS = (16, 8, 4, 2)  # a parent may be seen with its codes merged into at most this many groups
_LEAST = 1e-9  # chance of what never came up
_PRIOR = 0.2  # rows' worth of the table with one parent fewer, mixed into every state of the parents

Pair = tuple[int, int, int]
"""A column, a parent, and which view of the parent."""


@dataclass
class Node:
    """One column of the network: its parents, and how likely each code is given theirs."""

    column: int
    parents: list[tuple[int, np.ndarray]]  # column of each, and the group that each of its codes counts as
    table: np.ndarray | None = None  # chance of each code in each joint state of the parents, (n_states, n_codes)

    def state(self, codes: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the joint state of the parents in each row of `codes`, and the number of states."""
        state, n_states = np.zeros(len(codes), dtype=np.int64), 1
        for column, groups in self.parents:
            n_groups = int(groups.max()) + 1
            state = state * n_groups + groups[codes[:, column]]
            n_states *= n_groups
        return state, n_states

    def counts(self, codes: np.ndarray, n_codes: int) -> np.ndarray:
        """Return how often each code occurs in each state, int64, shape (n_states, n_codes)."""
        return _joint(*self.state(codes), codes[:, self.column], n_codes)


@dataclass
class Counts:
    """Joint counts of columns with parents, in tables of at most `most_cells`."""

    codes: np.ndarray  # int, (n, n_columns)
    sizes: list[int]  # codes of each column
    views: list[list[np.ndarray]]  # of each column, see `views`
    most_cells: int

    def pairs(self, p: int) -> Iterator[tuple[Pair, np.ndarray]]:
        """Give every column with every view of one parent, and their joint counts."""
        for x, size in enumerate(self.sizes):
            fitting = [v for v, groups in enumerate(self.views[p]) if (groups.max() + 1) * size <= self.most_cells]
            if x == p or not fitting:
                continue
            joint = _joint(self.codes[:, p], self.sizes[p], self.codes[:, x], size)
            for v in fitting:
                groups = self.views[p][v]
                yield (x, p, v), np.eye(groups.max() + 1, dtype=np.int64)[groups].T @ joint

    def first(self, pair: Pair) -> Node:
        """Return a column with its first parent."""
        x, p, v = pair
        return Node(x, [(p, self.views[p][v])])

    def more(self, node: Node, taken: list[int]) -> Iterator[tuple[tuple[int, np.ndarray], np.ndarray]]:
        """Give every view of one parent more that a column may have, and joint counts with it."""
        x, (state, n_states) = node.column, node.state(self.codes)
        used = {column for column, _ in node.parents}
        for p in taken:
            for groups in self.views[p] if p not in used else ():
                n_groups = int(groups.max()) + 1
                if n_states * n_groups * self.sizes[x] <= self.most_cells:
                    own = state * n_groups + groups[self.codes[:, p]]
                    yield (p, groups), _joint(own, n_states * n_groups, self.codes[:, x], self.sizes[x])


def _joint(state: np.ndarray, n_states: int, codes: np.ndarray, n_codes: int) -> np.ndarray:
    """Return how often each code occurs in each state, int64, shape (n_states, n_codes)."""
    return np.bincount(state * n_codes + codes, minlength=n_states * n_codes).reshape(n_states, n_codes)


def views(counts: np.ndarray, codec: ColumnCodec) -> list[np.ndarray]:
    """Ways to see a column as a parent: its codes as they are, then merged into fewer groups; missing is one alone."""
    n_known = codec.n_codes - codec.missing
    known = counts[:n_known]
    found = [np.arange(codec.n_codes)]
    for n_groups in _GROUPS:
        if n_groups >= n_known:
            continue
        if codec.levels is None or codec.ordered:
            # cut where equal shares end
            middle = (np.cumsum(known) - known / 2) / max(1, known.sum())
            groups = np.minimum((middle * n_groups).astype(int), n_groups - 1)
        else:  # the commonest stay, the rest goes together
            groups = np.minimum(np.argsort(np.argsort(-known, kind="stable"), kind="stable"), n_groups - 1)
        groups = np.append(groups, [n_groups] * codec.missing)
        found.append(np.unique(groups, return_inverse=True)[1])
    return found


def search(
    codes: np.ndarray, codecs: list[ColumnCodec], degree: int, bar: Bar, before: Sequence[int] = ()
) -> list[Node]:
    """Order the columns, `before` first, and give each its parents: greedily, the strongest dependence first."""
    d = len(codecs)
    seen = [views(np.bincount(codes[:, j], minlength=c.n_codes), c) for j, c in enumerate(codecs)]
    counts = Counts(codes, [codec.n_codes for codec in codecs], seen, len(codes))
    scores: dict[Pair, float] = {}
    for p in range(d):
        scores |= {pair: _score(joint, len(codes)) for pair, joint in counts.pairs(p)} if degree else {}
        bar.advance()
    tells = np.zeros(d)  # how much each column tells about the others: begin with the one that tells most
    for (_, p, _), score in scores.items():
        tells[p] += max(score, 0) / len(seen[p])
    first = before[0] if before else int(np.argmax(tells))
    nodes, taken = [Node(first, [])], {first}
    while len(nodes) < d:
        left = [j for j in before if j not in taken] or [j for j in range(d) if j not in taken]
        open_pairs = [pair for pair in scores if pair[0] in left and pair[1] in taken]
        if open_pairs:
            best = max(open_pairs, key=scores.get)
            node = _grow(counts, best, scores[best], sorted(taken), degree)
        else:  # nothing fits, or nothing is wanted: a column of its own
            node = Node(left[0], [])
        nodes.append(node)
        taken.add(node.column)
        bar.advance()
    return nodes


def _grow(counts: Counts, pair: Pair, score: float, taken: list[int], degree: int) -> Node:
    """Give a column its first parent, then more for as long as they help and fit."""
    if score <= 0:
        return Node(pair[0], [])
    node = counts.first(pair)
    while len(node.parents) < degree:
        options = [(parent, _score(joint, len(counts.codes))) for parent, joint in counts.more(node, taken)]
        parent, found = max(options, key=lambda option: option[1], default=(None, score))
        if found <= score:
            break
        node.parents.append(parent)
        score = found
    return node


def _score(joint: np.ndarray, n: int) -> float:
    """Return the mutual information, less what as many cells would show by chance."""
    return mutual_information(joint) - (joint.shape[0] - 1) * (joint.shape[1] - 1) / n


def smooth_table(node: Node, codes: np.ndarray, n_codes: int, people: np.ndarray, min_people: int) -> np.ndarray:
    """Conditional probabilities; every state leans on the table with one parent fewer: of few people, wholly."""
    table = Node(node.column, []).counts(codes, n_codes).astype(float)
    for k in range(1, len(node.parents) + 1):
        part = Node(node.column, node.parents[:k])
        counts = part.counts(codes, n_codes).astype(float)
        state, n_states = part.state(codes)
        counts[distinct_people(state, people, n_states) < min_people] = 0
        fewer = table / table.sum(axis=1, keepdims=True)
        table = counts + _PRIOR * np.repeat(fewer, len(counts) // len(fewer), axis=0)
    return table / table.sum(axis=1, keepdims=True)


class Walked:
    """Families with `nodes_`: columns in the order they are drawn, each given others before it."""

    nodes_: list[Node]

    @property
    def parents_(self) -> dict[str, tuple[str, ...]]:
        """Names of the parents of each column, in the order the columns are drawn."""
        names = self.encoder_.names
        return {names[node.column]: tuple(names[p] for p, _ in node.parents) for node in self.nodes_}

    def _walk(self, codes: np.ndarray, nodes: Sequence[Node], rng: np.random.Generator) -> np.ndarray:
        """Draw the columns of some nodes into codes, (n, n_columns), where what they lean on stands already."""
        for node in nodes:
            codes[:, node.column] = draw_from_rows(node.table, node.state(codes)[0], rng)
        return codes

    def _log_score(self, codes: np.ndarray) -> np.ndarray:
        total = np.zeros(len(codes))
        for node in self.nodes_:
            total += np.log(np.maximum(node.table[node.state(codes)[0], codes[:, node.column]], _LEAST))
        return total

    def _network_state(self) -> tuple[dict[str, np.ndarray], dict]:
        tensors = {f"table_{node.column}": node.table for node in self.nodes_}
        parents = [[node.column, [[p, groups.tolist()] for p, groups in node.parents]] for node in self.nodes_]
        return tensors, {"parents": parents}

    def _set_network(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self.nodes_ = [
            Node(column, [(p, np.array(groups)) for p, groups in parents], tensors[f"table_{column}"])
            for column, parents in extra["parents"]
        ]
