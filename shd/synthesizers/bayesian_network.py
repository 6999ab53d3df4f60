"""`BayesianNetwork`: each column drawn given a few others. Seconds to fit, and private if asked."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from shd._errors import ShdError
from shd._progress import Bar, progress
from shd.synthesizers._few import distinct_people
from shd.synthesizers.base import Synthesizer, refuse_condition
from shd.synthesizers.encoding import ColumnCodec

_GROUPS = (16, 8, 4, 2)  # a parent may be seen with its codes merged into at most this many groups
_PRIOR = 0.2  # rows' worth of the table with one parent fewer, mixed into every state of the parents
_THETA = 4  # with epsilon, the average cell of a table is at least this many times its noise


@dataclass
class Node:
    """One column of the network: its parents, and how likely each code is given theirs.

    Parameters
    ----------
    column : int
        Position of the column in the table.
    parents : list of (int, ndarray of int)
        Column of each parent, and the group that each of its codes counts as.
    table : ndarray of float64, shape (n_states, n_codes)
        Probability of each code in each joint state of the parents; rows add up to 1.
    """

    column: int
    parents: list[tuple[int, np.ndarray]]
    table: np.ndarray | None = None

    def state(self, codes: np.ndarray) -> tuple[np.ndarray, int]:
        """Return the joint state of the parents in each row of `codes`, and the number of states."""
        state, n_states = np.zeros(len(codes), dtype=np.int64), 1
        for column, groups in self.parents:
            n_groups = int(groups.max()) + 1
            state = state * n_groups + groups[codes[:, column]]
            n_states *= n_groups
        return state, n_states


class BayesianNetwork(Synthesizer):
    """A discrete Bayesian network, learned greedily as in PrivBayes.

    Start with one column. Again and again, take the column most dependent on one already taken,
    and give it up to `degree` parents, the one that tells most about it first. A parent may be seen
    coarsely (its codes merged into 16, 8, 4 or 2 groups), so that tables stay dense: a sparse table
    is noise, or rows copied word for word. Sampling draws the columns in the same order.

    Without `epsilon`, dependence is mutual information less what as many cells would show by
    chance (Akaike's measure), and a column stops taking parents when that no longer grows.

    With `epsilon`, half the budget chooses the structure, by the exponential mechanism on the
    distance R of the paper (sensitivity 3/n + 2/n^2, far lower than that of mutual information);
    half goes into Laplace noise on the counts of the tables, which are then shifted and clipped
    to add up to the known number of rows. The first column is drawn at random.

    What `epsilon` protects, and what it does not:

    * it is per record: a patient with m records has m times `epsilon`;
    * two tables that differ in the content of one record count as neighbours; the number of rows
      is taken as known;
    * bins, levels, how codes share a bin or a group and how often, and decimals, are taken from
      the data as they are. The network is private given them; they themselves are not;
    * the noise comes from `random_state`, and whoever knows the seed can take the noise away: with
      `epsilon` give None, or a large number that is kept secret. `save` writes the seed into the
      file, and the exact weights of the encoding: share rows, not the model.

    Parameters
    ----------
    degree : int
        Most parents a column may have, 0 or more. With 0 columns are independent. With `epsilon`,
        2 is about right for a hundred thousand rows, 1 for small budgets.
    epsilon : float, optional
        Privacy budget, above 0; smaller is more private and noisier. None: no noise, no promise.
    max_levels : int
        Most codes for a column of categories; rarer levels share codes.
    min_people : int, optional
        See `Synthesizer`. What is known of states of the parents with fewer people is not learned.
    random_state : int or None
        The same seed gives the same rows. None: a fresh seed each time, told to nobody.

    Attributes
    ----------
    nodes_ : list of Node
        The columns in the order they are drawn.
    parents_ : dict of str to tuple of str
        Names of the parents of each column.

    References
    ----------
    Zhang, Cormode, Procopiuc, Srivastava, Xiao (2017). PrivBayes: Private Data Release via
    Bayesian Networks. ACM Transactions on Database Systems 42(4), doi 10.1145/3134428. There the
    best set of parents is sought among all sets; here it is grown one parent at a time. That
    keeps wide tables cheap, and misses parents that tell something only together (exclusive or).
    """

    def __init__(
        self,
        degree: int = 4,
        epsilon: float | None = None,
        max_levels: int = 200,
        min_people: int | None = None,
        random_state: int | None = 0,
    ):
        self.degree = degree
        self.epsilon = epsilon
        self.max_levels = max_levels
        self.min_people = min_people
        self.random_state = random_state

    @property
    def parents_(self) -> dict[str, tuple[str, ...]]:
        """Names of the parents of each column, in the order the columns are drawn."""
        names = self.encoder_.names
        return {names[node.column]: tuple(names[p] for p, _ in node.parents) for node in self.nodes_}

    def _check_parameters(self) -> None:
        if isinstance(self.degree, bool) or not isinstance(self.degree, (int, np.integer)) or self.degree < 0:
            raise ShdError(f"degree={self.degree!r} must be a whole number of parents, 0 or more.")
        if self.epsilon is not None and not (_is_number(self.epsilon) and 0 < self.epsilon < np.inf):
            raise ShdError(f"epsilon={self.epsilon!r} must be a number above 0, or None for no privacy noise.")
        if not isinstance(self.max_levels, (int, np.integer)) or self.max_levels < 2:
            raise ShdError(f"max_levels={self.max_levels!r} must be a whole number, 2 or more.")

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        codes = np.asfortranarray(codes)  # worked on column by column
        rng = rng.spawn(1)[0]  # apart from the stream that rows are drawn with: they must not tell of the noise
        with progress(2 * codes.shape[1], "Learning the network") as bar:
            search = _Search(codes, self.encoder_.columns_, self.degree, self.epsilon, rng)
            self.nodes_ = search.run(bar)
        for node in self.nodes_:
            n_codes = self.encoder_.sizes[node.column]
            if self.epsilon is None:
                node.table = _smooth_table(node, codes, n_codes, self._people, self.protection_.done.min_people)
            else:
                # every column has one table; replacing a record moves two of its counts by one
                scale = 2 * codes.shape[1] / (self.epsilon / 2)
                node.table = _noisy_table(_counts(node, codes, n_codes), scale, rng)

    def _sample(self, n: int, condition: dict | pd.DataFrame | None, rng: np.random.Generator) -> np.ndarray:
        refuse_condition(self, condition)
        codes = np.zeros((n, len(self.nodes_)), dtype=np.int32, order="F")
        for node in self.nodes_:
            state, _ = node.state(codes)
            # state s owns the stretch s..s+1 of one line: a single sorted search draws every row
            ends = np.cumsum(node.table, axis=1)
            ends[:, -1] = 1
            ends += np.arange(len(ends))[:, None]
            drawn = np.searchsorted(ends.ravel(), state + rng.random(n), side="right")
            codes[:, node.column] = np.minimum(drawn - state * ends.shape[1], ends.shape[1] - 1)
        return codes

    def _get_state(self) -> tuple[dict[str, torch.Tensor], dict]:
        tensors = {f"table_{node.column}": torch.from_numpy(node.table) for node in self.nodes_}
        parents = [[node.column, [[p, groups.tolist()] for p, groups in node.parents]] for node in self.nodes_]
        return tensors, {"parents": parents}

    def _set_state(self, tensors: dict[str, torch.Tensor], extra: dict) -> None:
        self.nodes_ = [
            Node(column, [(p, np.array(groups)) for p, groups in parents], tensors[f"table_{column}"].numpy())
            for column, parents in extra["parents"]
        ]


class _Search:
    """The greedy search for the structure; ``run`` gives the nodes in the order of drawing."""

    def __init__(
        self,
        codes: np.ndarray,
        codecs: list[ColumnCodec],
        degree: int,
        epsilon: float | None,
        rng: np.random.Generator,
    ):
        n, d = codes.shape
        self.codes, self.rng, self.degree = codes, rng, degree
        self.sizes = [codec.n_codes for codec in codecs]
        self.views = [_views(np.bincount(codes[:, j], minlength=c.n_codes), c) for j, c in enumerate(codecs)]
        self.private = epsilon is not None
        self.most_cells = n
        if self.private:
            self.most_cells = n * epsilon / (4 * d * _THETA)  # n / (theta * scale of the noise)
            sensitivity = 3 / n + 2 / n**2
            self.sharpness = epsilon / 2 / max(1, (d - 1) * degree) / (2 * sensitivity)

    def run(self, bar: Bar) -> list[Node]:
        """Order the columns and give each its parents."""
        scores = self._pair_scores(bar)  # (child, parent, view of the parent) -> dependence
        first = self._first(scores)
        nodes, taken = [Node(first, [])], {first}
        while len(nodes) < len(self.sizes):
            open_pairs = [pair for pair in scores if pair[0] not in taken and pair[1] in taken] if self.degree else []
            if open_pairs:
                chosen = self._choose([scores[pair] for pair in open_pairs])
                node = self._grow(open_pairs[chosen], scores[open_pairs[chosen]], sorted(taken))
            else:  # nothing fits, or nothing is wanted: a column of its own
                node = Node(next(j for j in range(len(self.sizes)) if j not in taken), [])
            nodes.append(node)
            taken.add(node.column)
            bar.advance()
        return nodes

    def _pair_scores(self, bar: Bar) -> dict[tuple[int, int, int], float]:
        scores = {}
        for p, views in enumerate(self.views):
            for x, size in enumerate(self.sizes):
                if x == p or not self.degree:
                    continue
                joint = self._joint(x, self.codes[:, p], self.sizes[p])
                for v, groups in enumerate(views):
                    if (groups.max() + 1) * size <= self.most_cells:
                        scores[x, p, v] = self._score(np.eye(groups.max() + 1)[groups].T @ joint)
            bar.advance()
        return scores

    def _first(self, scores: dict[tuple[int, int, int], float]) -> int:
        """Column to start with: the one that tells most about the others, or by chance if private."""
        if self.private:
            return int(self.rng.integers(len(self.sizes)))
        tells = np.zeros(len(self.sizes))
        for (_, p, _), score in scores.items():
            tells[p] += max(score, 0) / len(self.views[p])
        return int(np.argmax(tells))

    def _grow(self, pair: tuple[int, int, int], score: float, taken: list[int]) -> Node:
        """Give a column its first parent, then more for as long as they help and fit."""
        x, p, v = pair
        if score <= 0 and not self.private:
            return Node(x, [])
        node = Node(x, [(p, self.views[p][v])])
        while len(node.parents) < self.degree:
            state, n_states = node.state(self.codes)
            used = {column for column, _ in node.parents}
            options = [
                (p, groups)
                for p in taken
                for groups in self.views[p]
                if p not in used and n_states * (groups.max() + 1) * self.sizes[x] <= self.most_cells
            ]
            if not options:
                break
            scores = []
            for p, groups in options:
                n_groups = int(groups.max()) + 1
                joint = self._joint(x, state * n_groups + groups[self.codes[:, p]], n_states * n_groups)
                scores.append(self._score(joint))
            best = self._choose(scores)
            if scores[best] <= score and not self.private:
                break
            node.parents.append(options[best])
            score = scores[best]
        return node

    def _joint(self, x: int, state: np.ndarray, n_states: int) -> np.ndarray:
        size = self.sizes[x]
        return np.bincount(state * size + self.codes[:, x], minlength=n_states * size).reshape(n_states, size)

    def _score(self, joint: np.ndarray) -> float:
        if self.private:
            return distance_from_independence(joint)
        return mutual_information(joint) - (joint.shape[0] - 1) * (joint.shape[1] - 1) / len(self.codes)

    def _choose(self, scores: list[float]) -> int:
        """Position of the best score; if private, of one drawn by the exponential mechanism."""
        if not self.private:
            return int(np.argmax(scores))
        return int(np.argmax(np.array(scores) * self.sharpness + self.rng.gumbel(size=len(scores))))


def mutual_information(joint: np.ndarray) -> float:
    """Return what rows and columns of a table of counts tell about each other, in nats, 0 or more."""

    def entropy(counts: np.ndarray) -> float:
        share = counts[counts > 0] / counts.sum()
        return float(-(share * np.log(share)).sum())

    return max(0.0, entropy(joint.sum(axis=0)) + entropy(joint.sum(axis=1)) - entropy(joint.ravel()))


def distance_from_independence(joint: np.ndarray) -> float:
    """Return R: total variation between a table of counts and the product of its margins, 0 to 1."""
    share = joint / joint.sum()
    return float(np.abs(share - np.outer(share.sum(axis=1), share.sum(axis=0))).sum() / 2)


def _views(counts: np.ndarray, codec: ColumnCodec) -> list[np.ndarray]:
    """Ways to see a column as a parent: its codes as they are, then merged into fewer groups.

    Numbers and ordered categories are cut where equal shares end, other categories keep the
    commonest and put the rest together; missing stays a group of its own.
    """
    n_known = codec.n_codes - codec.missing
    known = counts[:n_known]
    views = [np.arange(codec.n_codes)]
    for n_groups in _GROUPS:
        if n_groups >= n_known:
            continue
        if codec.levels is None or codec.ordered:
            middle = (np.cumsum(known) - known / 2) / max(1, known.sum())
            groups = np.minimum((middle * n_groups).astype(int), n_groups - 1)
        else:
            groups = np.minimum(np.argsort(np.argsort(-known, kind="stable"), kind="stable"), n_groups - 1)
        groups = np.append(groups, [n_groups] * codec.missing)
        views.append(np.unique(groups, return_inverse=True)[1])
    return views


def _counts(node: Node, codes: np.ndarray, n_codes: int) -> np.ndarray:
    state, n_states = node.state(codes)
    cells = np.bincount(state * n_codes + codes[:, node.column], minlength=n_states * n_codes)
    return cells.reshape(n_states, n_codes).astype(float)


def _smooth_table(node: Node, codes: np.ndarray, n_codes: int, people: np.ndarray, min_people: int) -> np.ndarray:
    """Conditional probabilities; every state leans on the table with one parent fewer: of few people, wholly."""
    table = _counts(Node(node.column, []), codes, n_codes)
    for k in range(1, len(node.parents) + 1):
        part = Node(node.column, node.parents[:k])
        counts = _counts(part, codes, n_codes)
        state, n_states = part.state(codes)
        counts[distinct_people(state, people, n_states) < min_people] = 0
        fewer = table / table.sum(axis=1, keepdims=True)
        table = counts + _PRIOR * np.repeat(fewer, len(counts) // len(fewer), axis=0)
    return table / table.sum(axis=1, keepdims=True)


def _noisy_table(counts: np.ndarray, scale: float, rng: np.random.Generator) -> np.ndarray:
    """Conditional probabilities from counts with Laplace noise.

    Clipping alone would add weight to every empty cell. So as much is taken off all cells as
    leaves, after clipping at 0, the known number of rows.
    """
    noisy = counts + rng.laplace(scale=scale, size=counts.shape)
    falling = np.sort(noisy.ravel())[::-1]
    excess = (np.cumsum(falling) - counts.sum()) / np.arange(1, falling.size + 1)
    table = np.clip(noisy - excess[np.flatnonzero(falling > excess)[-1]], 0, None)
    overall = table.sum(axis=0) / table.sum()
    table += 1e-6 * overall  # states that are empty after the noise fall back on the column alone
    return table / table.sum(axis=1, keepdims=True)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
