"""`SequentialTrees`: one decision tree a column, each drawn given the columns before it.

How it works. Put the columns in an order. The first is drawn as it occurs. For every other one a regression tree
(CART) asks questions about the columns before it, until a leaf holds few people; the record gets a value by the shares
of that leaf. Trees find thresholds, combinations and exact logic that no one told them about, which makes this the
family to beat on tables. It has two dangers: a leaf of one person hands out that person, and a chain of small leaves
repeats whole records. So no leaf holds fewer than `min_leaf` people; a question that tells hardly more than chance is
taken back; a leaf's shares lean on those of the node above it, and so on up to the root; and a value is a level or a
range that `min_people` people share. How much a question has to tell is found out on people held out: their records
have to be as near to the synthetic ones as the records learned from.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, fields

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeRegressor
from sklearn.tree._tree import Tree as SklearnTree

from shd._parallel import in_parallel
from shd._progress import progress
from shd.synthesizers._codes import PRIOR, dependence, draw_from_rows, in_order, is_ordered, places, profile
from shd.synthesizers._conditions import Conditions
from shd.synthesizers._cuts import Cuts
from shd.synthesizers.base import check_number, check_whole
from shd.synthesizers.conditional import ConditionalSynthesizer
from shd.synthesizers.encoding import ColumnCodec

_PENALTIES = (2, 4, 8, 12, 16, 24, 32, 48, 64)  # that are tried; the smallest that will do is taken
_ONE_HOT = 32  # columns of more levels are split by what tells their levels apart, in eight numbers
_DEPTH = 40
_NUMBERS = 8
_ROUNDING = 1e-6  # of a sum of weights
_LEAST = 1e-12  # chance of what never came up


@dataclass
class Tree:
    """Questions about earlier columns, and how often each code came up in each leaf."""

    rank: np.ndarray  # of each code of each column, by what it says of the column drawn: int32, (n_codes of all,)
    column: np.ndarray  # that each node asks about, -1 for a leaf: int32, (n_nodes,), as are the next three
    most: np.ndarray  # largest rank that goes left
    left: np.ndarray  # the node below, on either side
    right: np.ndarray
    cells: np.ndarray  # leaf, code and count, int32, shape (n_cells, 3)
    _chances: tuple[float, np.ndarray] | None = field(default=None, init=False, repr=False)

    def leaf(self, ranks: np.ndarray) -> np.ndarray:
        """Return the leaf of each record, for ranks of shape (n, n_columns)."""
        node = np.zeros(len(ranks), dtype=np.int64)
        going = np.flatnonzero(self.column[node] >= 0)
        while len(going):
            at = node[going]
            left = ranks[going, self.column[at]] <= self.most[at]
            node[going] = np.where(left, self.left[at], self.right[at])
            going = going[self.column[node[going]] >= 0]
        return node

    def chances(self, n_codes: int, smoothing: float) -> np.ndarray:
        """Return how likely each code is in each node, shape (n_nodes, n_codes), once worked out and then kept.

        A node with n records counts its own shares n times and those of the node above `smoothing` times.
        """
        if self._chances is None or self._chances[0] != smoothing:
            self._chances = smoothing, self._smooth(n_codes, smoothing)
        return self._chances[1]

    def _smooth(self, n_codes: int, smoothing: float) -> np.ndarray:
        n = len(self.column)
        count = np.zeros((n, n_codes))
        count[self.cells[:, 0], self.cells[:, 1]] = self.cells[:, 2]
        levels = self._levels()
        for inner in reversed(levels[:-1]):
            inner = inner[self.column[inner] >= 0]
            count[inner] = count[self.left[inner]] + count[self.right[inner]]
        total = count.sum(axis=1, keepdims=True)
        chance = count / total
        for inner in levels[:-1]:
            inner = inner[self.column[inner] >= 0]
            for below in (self.left[inner], self.right[inner]):
                chance[below] = (count[below] + smoothing * chance[inner]) / (total[below] + smoothing)
        return chance

    def _levels(self) -> list[np.ndarray]:
        """Return the nodes of each depth, from the root down."""
        levels = [np.zeros(1, dtype=np.int64)]
        while len(levels[-1]):
            inner = levels[-1][self.column[levels[-1]] >= 0]
            levels.append(np.concatenate([self.left[inner], self.right[inner]]).astype(np.int64))
        return levels[:-1]


_KEPT = tuple(entry.name for entry in fields(Tree) if entry.init)
"""What a file holds of a tree."""


@dataclass(eq=False, repr=False)
class SequentialTrees(ConditionalSynthesizer):
    """A chain of decision trees (CART), one a column, with smoothed leaves.

    Parameters
    ----------
    condition : str or sequence of str, optional
        Columns that can be asked for in `sample`: the first of the chain. Default: the target of the Dataset.
    min_leaf : int
        Fewest people of a leaf.
    penalty : float, optional
        How many times more a question has to tell than one record still loses after it; 0 keeps all. None: the
        smallest of 2, 4, 8 ... 64 with which synthetic records are no nearer to people learned from than to people held
        out.
    smoothing : float
        Records' worth of the node above that each node leans on, 0 or more.
    max_levels : int
        Columns with more levels let rare neighbours share a code.
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same model, and the same rows.

    Attributes
    ----------
    order_ : tuple of str
        The columns as they are drawn: the condition first, then always the one that depends most on those before it.
    penalty_ : float
        What a question had to tell.
    nearness_ : pandas.DataFrame
        What was tried: ``penalty``, and ``nearer``, the share of synthetic records nearer to a record learned from
        than to one held out (0.5 is ideal), with ``low`` and ``high``. Empty where `penalty` was given.

    References
    ----------
    Reiter (2005), *Using CART to generate partially synthetic public use microdata*, Journal of Official Statistics
    21(3); Nowok, Raab, Dibben (2016), *synthpop*, doi 10.18637/jss.v074.i11. Breiman et al. (1984), *Classification
    and Regression Trees*. What is taken back, shares that lean on the node above, and the choice by people held
    out are of this package.
    """

    max_bins = 200

    condition: str | tuple[str, ...] | None = None
    min_leaf: int = 10
    penalty: float | None = None
    smoothing: float = 1.0
    max_levels: int = 200
    min_people: int | None = None
    random_state: int = 0

    def _check_parameters(self) -> None:
        check_whole(self, "max_levels", 2)
        check_whole(self, "min_leaf", 1)
        check_number(self, "smoothing", 0, 1e6)
        if self.penalty is not None:
            check_number(self, "penalty", 0, 1e6)

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        self._learn_conditions(codes)
        self.columns_ = in_order(dependence(codes, self.encoder_.columns_), self._condition_at)
        seed = int(rng.integers(2**31))
        self.penalty_, self.nearness_ = self.penalty, pd.DataFrame(columns=["penalty", "nearer", "low", "high"])
        if self.penalty is None:
            self._choose_penalty(codes, seed)
        self.trees_ = self._grow_all(codes, self._people, self.penalty_, seed, "Growing a tree for each column")

    def _choose_penalty(self, codes: np.ndarray, seed: int) -> None:
        """Take the smallest penalty whose records are no nearer to people learned from than to others."""
        cuts, tried = Cuts(codes, self._people, self.encoder_.columns_, seed), []
        for penalty in _PENALTIES:

            def learn(rows: np.ndarray, n: int, penalty: float = penalty) -> np.ndarray:
                people = np.unique(self._people[rows], return_inverse=True)[1]
                self.trees_ = self._grow_all(codes[rows], people, penalty, seed, f"Trying a penalty of {penalty}")
                return self._sample(n, None, np.random.default_rng(seed))

            share = cuts.nearer(cuts.try_out(learn))
            tried.append((penalty, *share))
            if share.is_fair:
                break
        self.nearness_ = pd.DataFrame(tried, columns=self.nearness_.columns)
        self.penalty_ = tried[-1][0]

    def _grow_all(self, codes: np.ndarray, people: np.ndarray, penalty: float, seed: int, work: str) -> list[Tree]:
        weight = 1 / np.bincount(people)[people]
        begin = len(self.conditions_.columns)
        with progress(len(self.columns_) - begin, work) as bar:

            def grow(k: int) -> Tree:
                tree = self._grow(codes, k, weight, penalty, seed)
                bar.advance()
                return tree

            return in_parallel(grow, range(begin, len(self.columns_)))

    def _grow(self, codes: np.ndarray, k: int, weight: np.ndarray, penalty: float, seed: int) -> Tree:
        """Grow the tree of the k-th column of the chain; a person weighs one, however many records they have."""
        j, before = self.columns_[k], self.columns_[:k]
        codecs, first = self.encoder_.columns_, self._first
        rank = np.zeros(sum(self.encoder_.sizes), dtype=np.int32)
        answer = _sketch(codes, j, before, codecs)
        for b in before:
            rank[first[b] : first[b] + codecs[b].n_codes] = _order(codes[:, b], codecs[b], answer)
        asked = (
            rank[first[before] + codes[:, before]].astype(np.float32) if k else np.zeros((len(codes), 1), np.float32)
        )
        grown = DecisionTreeRegressor(
            max_depth=_DEPTH,
            min_weight_fraction_leaf=min(0.5, (self.min_leaf - _ROUNDING) / weight.sum()),
            random_state=seed + k,
        )
        tree = grown.fit(asked, answer, sample_weight=weight).tree_
        inner, home, number = _prune(tree, penalty)
        cells, counts = np.unique(home[tree.apply(asked)] * codecs[j].n_codes + codes[:, j], return_counts=True)
        return Tree(
            rank,
            np.where(inner, np.array([*before, -1])[np.maximum(tree.feature, 0)], -1)[number].astype(np.int32),
            np.where(inner, np.floor(tree.threshold), 0)[number].astype(np.int32),
            np.where(inner, home[tree.children_left], 0)[number].astype(np.int32),
            np.where(inner, home[tree.children_right], 0)[number].astype(np.int32),
            np.column_stack([cells // codecs[j].n_codes, cells % codecs[j].n_codes, counts]).astype(np.int32),
        )

    @property
    def _first(self) -> np.ndarray:
        """Where the codes of each column begin, int64, shape (n_columns,)."""
        return np.cumsum([0, *self.encoder_.sizes[:-1]])

    def _draw(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        codes = np.zeros((len(asked), len(self.columns_)), dtype=np.int32, order="F")
        codes[:, self._condition_at] = asked
        for j, tree in self._free():
            chance = tree.chances(self.encoder_.sizes[j], self.smoothing)
            codes[:, j] = draw_from_rows(chance, tree.leaf(self._ranks(tree, codes)), rng)
        return codes

    def _free(self) -> Iterator[tuple[int, Tree]]:
        """Give each column that is drawn, in order, with its tree."""
        return zip(self.columns_[len(self.columns_) - len(self.trees_) :], self.trees_, strict=True)

    def _ranks(self, tree: Tree, codes: np.ndarray) -> np.ndarray:
        """Return the rank of each code of the columns that a tree asks about, int32, shape (n, n_columns)."""
        ranks = np.zeros(codes.shape, dtype=np.int32, order="F")
        for b in np.unique(tree.column[tree.column >= 0]):
            ranks[:, b] = tree.rank[self._first[b] + codes[:, b]]
        return ranks

    def _log_score(self, codes: np.ndarray) -> np.ndarray:
        total = np.zeros(len(codes))
        for j, tree in self._free():
            chance = tree.chances(self.encoder_.sizes[j], self.smoothing)[tree.leaf(self._ranks(tree, codes))]
            total += np.log(np.maximum(chance[np.arange(len(codes)), codes[:, j]], _LEAST))
        return total

    @property
    def order_(self) -> tuple[str, ...]:
        """Names of the columns as they are drawn."""
        return tuple(self.encoder_.names[j] for j in self.columns_)

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        tensors = {f"{name}_{k}": getattr(tree, name) for k, tree in enumerate(self.trees_) for name in _KEPT}
        told = {"columns": self.columns_, "penalty": self.penalty_, "nearness": self.nearness_.to_dict("list")}
        return tensors, {**self.conditions_.to_dict(), "chain": told, "n_trees": len(self.trees_)}

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self.conditions_, told = Conditions.from_dict(extra), extra["chain"]
        self.columns_, self.penalty_ = told["columns"], told["penalty"]
        self.nearness_ = pd.DataFrame(told["nearness"])
        self.trees_ = [Tree(*(tensors[f"{name}_{k}"] for name in _KEPT)) for k in range(extra["n_trees"])]


def _prune(tree: SklearnTree, penalty: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take back questions that tell no more than chance would, from below.

    A question stays if the loss falls by more than `penalty` times what each record still loses after it: with no
    relation at all the best of many questions gains several times that (an F test, with a penalty for the search).

    Returns
    -------
    inner : ndarray of bool, shape (n_nodes,)
        Which nodes still ask.
    home : ndarray of int, shape (n_nodes,)
        The new number of the node that each node's records belong to.
    number : ndarray of int
        The nodes that are left, in the order of their new numbers.
    """
    left, right, n = tree.children_left, tree.children_right, tree.weighted_n_node_samples
    loss, inner = n * tree.impurity, left >= 0
    for node in np.flatnonzero(inner)[::-1]:  # a node comes after the one above it
        a, b = left[node], right[node]
        if not inner[a] and not inner[b]:
            rest = loss[a] + loss[b]
            inner[node] = (loss[node] - rest) * (n[node] - 2) > penalty * rest
    above, alive = np.arange(len(left)), np.ones(len(left), dtype=bool)
    for node in np.flatnonzero(left >= 0):
        for below in (left[node], right[node]):
            alive[below] = alive[node] and inner[node]
            above[below] = below if alive[below] else above[node]
    return inner & alive, (np.cumsum(alive) - 1)[above], np.flatnonzero(alive)


def _sketch(codes: np.ndarray, j: int, before: list[int], codecs: list[ColumnCodec]) -> np.ndarray:
    """Return what a tree shall tell apart, float, (n, n_numbers): two records are alike where their numbers are.

    A number is where it stands among all, 0 to 1, as two waves, so that its spread counts as well as its mean. A level
    is zeros and a one; levels by the hundred are what other columns say of them.
    """
    own, codec = codes[:, j], codecs[j]
    if is_ordered(codec):
        place = np.pi * places(own, codec)[own]
        known = own < codec.n_codes - codec.missing
        waves = [np.cos(place), 0.5 * np.cos(2 * place), np.where(known, 0.0, 1.0)]
        return np.column_stack([np.where(known, wave, 0.0) for wave in waves[:2]] + waves[2:])
    if codec.n_codes <= _ONE_HOT or not before:
        return np.eye(codec.n_codes)[own] if codec.n_codes <= _ONE_HOT else np.zeros((len(own), 1))
    said = [profile(own, codec.n_codes, codes[:, b], codecs[b].n_codes) for b in before]
    left, size, _ = np.linalg.svd(np.hstack(said), full_matrices=False)
    return (left[:, :_NUMBERS] * size[:_NUMBERS])[own]


def _order(own: np.ndarray, codec: ColumnCodec, answer: np.ndarray) -> np.ndarray:
    """Return a rank for each code of an earlier column: levels without an order get that of what they say."""
    if is_ordered(codec):
        return np.arange(codec.n_codes)
    count = np.bincount(own, minlength=codec.n_codes)
    away = answer - answer.mean(axis=0)
    mean = np.column_stack([np.bincount(own, wave, codec.n_codes) for wave in away.T]) / (count + PRIOR)[:, None]
    _, _, direction = np.linalg.svd(mean * np.sqrt(count)[:, None], full_matrices=False)
    return np.argsort(np.argsort(mean @ direction[0], kind="stable"), kind="stable")
