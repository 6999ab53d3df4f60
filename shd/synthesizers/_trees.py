"""Boosted trees that tell real from generated records, for the critic of finished records.

The trees are symmetric: all nodes of one level ask the same question, so that a tree is eight
questions and a table of 256 answers, a record finds its answer by eight comparisons, and the
whole model is four small arrays. Each tree takes one Newton step of the logistic loss.

References
----------
Friedman (2001), *Greedy Function Approximation: A Gradient Boosting Machine*; (2002), *Stochastic
Gradient Boosting*. Chen and Guestrin (2016), *XGBoost*, arXiv 1603.02754: gain and answers from
gradients and curvatures. Prokhorenkova et al. (2018), *CatBoost*, arXiv 1706.09516: symmetric trees.
"""

from collections.abc import Callable

import numpy as np
import torch

_DEPTH = 8  # questions a tree; an answer's number fits one byte
_RATE = 0.07
_RIDGE = 5.0  # records without an opinion in every answer: rare combinations say little
_SHARE_OF_ROWS, _SHARE_OF_COLUMNS = 0.25, 0.3  # what one tree, and one question, looks at
_CHUNK = 16_384  # records scored at once: their questions stay in the processor's cache


class TreeCritic:
    """Log density ratio of real to generated records as a sum of symmetric trees.

    Parameters
    ----------
    sizes : list of int
        Number of codes of each column.
    seed : int
        The same seed gives the same trees.

    Attributes
    ----------
    column : ndarray of int64, shape (n_trees, 8)
        Which column each question is about.
    low, high : ndarray of int64, shape (n_trees, 8)
        The question: is the code from `low` to `high`? Either one code, or all up to one.
    answer : ndarray of float32, shape (n_trees, 256)
        What a tree adds to the log ratio; the first question is the highest bit.
    """

    name = "trees"

    def __init__(self, sizes: list[int], seed: int = 0):
        self.sizes = sizes
        self.rng = np.random.default_rng(seed)

    def fit(
        self, real: np.ndarray, fake: np.ndarray, steps: int, tick: Callable[[], None] = lambda: None
    ) -> "TreeCritic":
        """Learn as many trees as steps, from codes of shape (n, n_columns); `tick` is called after each."""
        self.column, self.low, self.high = (np.zeros((steps, _DEPTH), dtype=np.int64) for _ in range(3))
        self.answer = np.zeros((steps, 2**_DEPTH), dtype=np.float32)
        codes = self._columns(np.concatenate([real, fake]))
        is_real = np.repeat([1.0, 0.0], [len(real), len(fake)])
        weight = np.where(is_real > 0, 1 / len(real), 1 / len(fake)) * len(is_real) / 2  # both sides weigh the same
        score = np.zeros(len(is_real), dtype=np.float32)
        for tree in range(steps):
            rows = np.flatnonzero(self.rng.random(len(is_real)) < _SHARE_OF_ROWS)
            chance = 1 / (1 + np.exp(-score[rows]))
            slope, curve = weight[rows] * (is_real[rows] - chance), weight[rows] * chance * (1 - chance)
            self._grow(tree, codes[:, rows], slope, curve)
            score += self.answer[tree][self._leaf(tree, codes)]
            tick()
        return self

    def _grow(self, tree: int, codes: np.ndarray, slope: np.ndarray, curve: np.ndarray) -> None:
        """Choose one question after the other, each the one that would lower the loss most."""
        able = np.flatnonzero(np.array(self.sizes) > 1)
        n_asked = max(1, round(_SHARE_OF_COLUMNS * len(able)))
        leaf = np.zeros(codes.shape[1], dtype=np.int64)
        for level in range(_DEPTH):
            asked = self.rng.choice(able, n_asked, replace=False)
            each = [(*_best_question(leaf, 2**level, codes[j], self.sizes[j], slope, curve), j) for j in asked]
            _, low, high, j = max(each)
            self.column[tree, level], self.low[tree, level], self.high[tree, level] = j, low, high
            leaf = 2 * leaf + ((codes[j] >= low) & (codes[j] <= high))
        total_slope, total_curve = (np.bincount(leaf, v, 2**_DEPTH) for v in (slope, curve))
        self.answer[tree] = _RATE * total_slope / (total_curve + _RIDGE)

    def _leaf(self, tree: int, codes: np.ndarray) -> np.ndarray:
        """Which answer each record gets, uint8, shape (n,); codes have a row a column."""
        leaf = np.zeros(codes.shape[1], dtype=np.uint8)
        for j, low, high in zip(self.column[tree], self.low[tree], self.high[tree], strict=True):
            leaf += leaf
            leaf += _is_between(codes[j], low, high)
        return leaf

    def log_ratio(self, codes: np.ndarray) -> np.ndarray:
        """How much more often each record would come up in the real table, as a logarithm, shape (n,)."""
        asked = np.stack([self.column, self.low, self.high], axis=-1)
        questions, which = np.unique(asked.reshape(-1, 3), axis=0, return_inverse=True)
        which = which.reshape(asked.shape[:2])  # trees ask the same few hundred questions again and again
        ratio = np.zeros(len(codes), dtype=np.float32)
        for first in range(0, len(codes), _CHUNK):
            part = self._columns(codes[first : first + _CHUNK])
            yes = np.stack([_is_between(part[j], low, high) for j, low, high in questions])
            total = ratio[first : first + _CHUNK]
            for tree, numbers in enumerate(which):
                leaf = np.zeros(part.shape[1], dtype=np.uint8)
                for number in numbers:
                    leaf += leaf
                    leaf += yes[number]
                total += self.answer[tree][leaf]
        return ratio

    def to_tensors(self) -> dict[str, torch.Tensor]:
        """Return the four arrays."""
        questions = {name: torch.tensor(getattr(self, name).astype(np.int32)) for name in ("column", "low", "high")}
        return {**questions, "answer": torch.tensor(self.answer)}

    def set_tensors(self, tensors: dict[str, torch.Tensor]) -> "TreeCritic":
        """Undo `to_tensors`."""
        self.answer = tensors["answer"].numpy()
        self.column, self.low, self.high = (tensors[k].numpy().astype(np.int64) for k in ("column", "low", "high"))
        return self

    def _columns(self, codes: np.ndarray) -> np.ndarray:
        """One row a column, in the smallest type: comparisons run as fast as memory."""
        return np.ascontiguousarray(codes.T.astype(np.min_scalar_type(max(self.sizes) - 1)))


def _is_between(codes: np.ndarray, low: int, high: int) -> np.ndarray:
    """Whether low <= code <= high, as 0 or 1; below low, the difference wraps around to a large number."""
    return (codes - codes.dtype.type(low) <= codes.dtype.type(high - low)).view(np.uint8)


def _best_question(
    leaf: np.ndarray, n_leaves: int, codes: np.ndarray, size: int, slope: np.ndarray, curve: np.ndarray
) -> tuple:
    """Return gain, lowest and highest code of the best question about one column.

    The gain of a split is the sum over its two sides of slope squared / (curvature + ridge).
    """
    at = leaf * size + codes
    slope, curve = (np.bincount(at, v, n_leaves * size).reshape(n_leaves, size) for v in (slope, curve))

    def gain(inside_slope: np.ndarray, inside_curve: np.ndarray) -> np.ndarray:
        outside_slope, outside_curve = all_slope - inside_slope, all_curve - inside_curve
        return (inside_slope**2 / (inside_curve + _RIDGE) + outside_slope**2 / (outside_curve + _RIDGE)).sum(0)

    all_slope, all_curve = slope.sum(1, keepdims=True), curve.sum(1, keepdims=True)
    one, up_to = gain(slope, curve), gain(slope.cumsum(1), curve.cumsum(1))
    k, m = int(one.argmax()), int(up_to.argmax())
    return (float(one[k]), k, k) if one[k] >= up_to[m] else (float(up_to[m]), 0, m)
