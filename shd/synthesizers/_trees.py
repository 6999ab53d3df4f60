"""Boosted trees that tell real from generated records: the second critic of `Filter`.

The trees are symmetric: all nodes of one level ask the same question, so that a tree is eight
questions and a table of 256 answers. The answers to the questions are the bits of a byte, and every
column sets its own bits: scoring a record is to add up one row of a table for each of its columns.
Each tree takes one Newton step of the logistic loss.

References
----------
Friedman (2001), *Greedy Function Approximation: A Gradient Boosting Machine*; (2002), *Stochastic
Gradient Boosting*. Chen and Guestrin (2016), *XGBoost*, arXiv 1603.02754: gain and answers from
gradients and curvatures. Prokhorenkova et al. (2018), *CatBoost*, arXiv 1706.09516: symmetric trees.
"""

import zlib
from collections.abc import Callable

import numpy as np
import torch

_DEPTH = 8  # questions a tree: its answers are numbered by one byte
_RATE = 0.07
_RIDGE = 5.0  # records without an opinion in every answer: rare combinations say little
_SHARE_OF_ROWS, _SHARE_OF_COLUMNS = 0.25, 0.3  # what one tree, and one question, looks at
_CHUNK = 256  # records scored at once: their bits stay in the processor's cache


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
    bits : ndarray of uint8, shape (sum of sizes, n_trees)
        What each code of each column adds to the number of a tree's answer: a bit for every
        question about that column which the code says yes to.
    answer : ndarray of float32, shape (n_trees, 256)
        What a tree adds to the log ratio.
    """

    name = "trees"

    def __init__(self, sizes: list[int], seed: int = 0):
        self.sizes = sizes
        self.first = np.cumsum([0, *sizes[:-1]])
        self.rng = np.random.default_rng(seed)

    def fit(
        self, real: np.ndarray, fake: np.ndarray, steps: int, tick: Callable[[], None] = lambda: None
    ) -> "TreeCritic":
        """Learn as many trees as steps, from codes of shape (n, n_columns); `tick` is called after each."""
        self.bits = np.zeros((sum(self.sizes), steps), dtype=np.uint8)
        self.answer = np.zeros((steps, 2**_DEPTH), dtype=np.float32)
        codes = np.ascontiguousarray(np.concatenate([real, fake]).T.astype(np.int32))
        is_real = np.repeat([1.0, 0.0], [len(real), len(fake)])
        weight = np.where(is_real > 0, 1 / len(real), 1 / len(fake)) * len(is_real) / 2  # both sides weigh the same
        score = np.zeros(len(is_real), dtype=np.float32)
        for tree in range(steps):
            rows = np.flatnonzero(self.rng.random(len(is_real)) < _SHARE_OF_ROWS)
            chance = 1 / (1 + np.exp(-score[rows]))
            slope, curve = weight[rows] * (is_real[rows] - chance), weight[rows] * chance * (1 - chance)
            asked = self._grow(tree, codes[:, rows], slope, curve)
            number = np.zeros(len(score), dtype=np.uint8)
            for j in asked:
                number += self.bits[self.first[j] : self.first[j] + self.sizes[j], tree][codes[j]]
            score += self.answer[tree][number]
            tick()
        return self

    def _grow(self, tree: int, codes: np.ndarray, slope: np.ndarray, curve: np.ndarray) -> set[int]:
        """Choose one question after the other, each the one that would lower the loss most; return their columns."""
        able = np.flatnonzero(np.array(self.sizes) > 1)
        chosen, number = set(), np.zeros(codes.shape[1], dtype=np.int64)
        for level in range(_DEPTH):
            best = 0.0, 0, np.zeros(self.sizes[0], dtype=bool)
            for j in self.rng.choice(able, max(1, round(_SHARE_OF_COLUMNS * len(able))), replace=False):
                at = number * self.sizes[j] + codes[j]
                shape = 2**level, self.sizes[j]
                table = [np.bincount(at, v, shape[0] * shape[1]).reshape(shape) for v in (slope, curve)]
                gain, yes = _best_question(*table)
                best = max(best, (gain, int(j), yes), key=lambda question: question[0])
            _, j, yes = best
            self.bits[self.first[j] : self.first[j] + self.sizes[j], tree] |= (yes << level).astype(np.uint8)
            number += yes[codes[j]].astype(np.int64) << level
            chosen.add(j)
        total_slope, total_curve = (np.bincount(number, v, 2**_DEPTH) for v in (slope, curve))
        self.answer[tree] = _RATE * total_slope / (total_curve + _RIDGE)
        return chosen

    def log_ratio(self, codes: np.ndarray) -> np.ndarray:
        """How much more often each record would come up in the real table, as a logarithm, shape (n,)."""
        ratio = np.empty(len(codes), dtype=np.float32)
        answers = self.answer.ravel()
        begin = np.arange(len(self.answer), dtype=np.int32) * 2**_DEPTH  # where the answers of each tree begin
        for first in range(0, len(codes), _CHUNK):
            part = codes[first : first + _CHUNK]
            number = np.zeros((len(part), len(self.answer)), dtype=np.uint8)
            for j, column in enumerate(self.first):
                number += self.bits.take(column + part[:, j], axis=0)
            ratio[first : first + _CHUNK] = answers.take(begin + number).sum(axis=1)
        return ratio

    def to_tensors(self) -> dict[str, torch.Tensor]:
        """Return the two tables; the bits compressed, as most questions are about few columns."""
        bits = np.frombuffer(zlib.compress(self.bits.tobytes(), 9), dtype=np.uint8)
        return {"bits": torch.tensor(bits), "answer": torch.tensor(self.answer)}

    def set_tensors(self, tensors: dict[str, torch.Tensor]) -> "TreeCritic":
        """Undo `to_tensors`."""
        self.answer = tensors["answer"].numpy()
        bits = np.frombuffer(zlib.decompress(tensors["bits"].numpy().tobytes()), dtype=np.uint8)
        self.bits = bits.reshape(sum(self.sizes), len(self.answer))
        return self


def _best_question(slope: np.ndarray, curve: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the gain of the best question about one column, and which of its codes say yes.

    Each code alone and all codes up to one are tried. (Sets of levels in any order fit chance: they
    came out worse on held-out records.) The gain is the sum over both sides, and over all answers
    so far, of slope squared / (curvature + ridge); `slope` and `curve` have shape (n_answers, size).
    """
    all_slope, all_curve = slope.sum(1, keepdims=True), curve.sum(1, keepdims=True)

    def gain(yes_slope: np.ndarray, yes_curve: np.ndarray) -> np.ndarray:
        no_slope, no_curve = all_slope - yes_slope, all_curve - yes_curve
        return (yes_slope**2 / (yes_curve + _RIDGE) + no_slope**2 / (no_curve + _RIDGE)).sum(0)

    alone, up_to = gain(slope, curve), gain(slope.cumsum(1), curve.cumsum(1))
    code = np.arange(slope.shape[1])
    if alone.max() >= up_to.max():
        return float(alone.max()), code == alone.argmax()
    return float(up_to.max()), code <= up_to.argmax()
