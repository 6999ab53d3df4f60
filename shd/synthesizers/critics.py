"""The filter of finished records: two critics that judge them, and the loop that draws again.

A generator draws columns side by side, so some of its records break a rule that holds without exception in the real
table (a change of dose, and no drug). A classifier that has learned to tell real from generated records knows how much
more often a real record would look like this one. Keeping records in proportion to that ratio mends the rules, and
moves everything else closer to the real table: Azadi et al. 2019, *Discriminator Rejection Sampling*, ICLR, arXiv
1810.06758.

Two critics come one after the other. A network learns the rules. Trees learn what records that have passed the network
still give away: rare combinations of three columns and more. The trees are symmetric: all nodes of one level ask the
same question, so that a tree is eight questions and a table of 256 answers. Each takes one Newton step of the logistic
loss.

References
----------
Friedman (2001), *Greedy Function Approximation: A Gradient Boosting Machine*; (2002), *Stochastic Gradient Boosting*.
Chen and Guestrin (2016), *XGBoost*, arXiv 1603.02754: gain and answers from gradients and curvatures. Prokhorenkova et
al. (2018), *CatBoost*, arXiv 1706.09516: symmetric trees.
"""

import zlib
from collections.abc import Callable

import numpy as np
import torch
from torch.nn import functional as F

from shd._parallel import in_parallel
from shd._progress import notice, progress
from shd.synthesizers._training import under
from shd.synthesizers.tabular_game import OneHot, judge

CAP = 2.5  # a record is asked for at most 2.5 times as often as drawn: two in five draws are kept
_ROUNDS = 20  # draws for one row before it is kept as it is
_ROWS_AT_ONCE = 25_000  # rows drawn at once: with fewer, a core would wait for others; with more, memory grows
_FAKE_ROWS = 2, 200_000  # generated records that a critic learns from: twice the real ones, at most so many

_BATCH, _EPOCHS = 256, 12  # records a step of the network, and times it sees each at most
_RATE, _WEIGHT_DECAY = 1e-3, 1.0  # a strong decay: the critic shall know rules, not records

_DEPTH = 8  # questions a tree: its answers are numbered by one byte
_TREE_RATE = 0.07
_RIDGE = 5.0  # records without an opinion in every answer: rare combinations say little
_SHARE_OF_ROWS, _SHARE_OF_COLUMNS = 0.25, 0.3  # what one tree, and one question, looks at
_ROWS_A_TREE = 50  # real records that one tree takes at least
_CHUNK = 256  # records scored at once: their bits stay in the processor's cache

Draw = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def at_most(rows: int, steps: int, trees: int) -> tuple[int, int]:
    """Return how many steps and trees a table of that many rows bears: it shall not be learned by heart."""
    return min(steps, _EPOCHS * rows // _BATCH), min(trees, rows // _ROWS_A_TREE)


class Filter:
    """Critics, in the order they were learned in; each judges what those before it let through."""

    def __init__(self, sizes: list[int], width: int):
        self.sizes, self.width = sizes, width
        self.critics: list[NetworkCritic | TreeCritic] = []

    def learn(self, real: np.ndarray, draw: Callable[[int], np.ndarray], steps: int, trees: int, seed: int) -> None:
        """Train the critics on codes `real`; `draw` gives as many records, as far filtered as this filter goes by then.

        Where Ctrl-C comes, those that are ready are kept.
        """
        critics = NetworkCritic(OneHot(self.sizes), self.width, seed), TreeCritic(self.sizes, seed)
        works = "Learning rules that hold", "Learning what else gives records away"
        try:
            for critic, n_steps, work in zip(critics, at_most(len(real), steps, trees), works, strict=True):
                if n_steps:
                    fake = draw(min(_FAKE_ROWS[0] * len(real), _FAKE_ROWS[1]))
                    with progress(n_steps, work) as bar:
                        self.critics.append(critic.fit(real, fake, n_steps, bar.advance))
        except KeyboardInterrupt:
            notice(f"Stopped before all critics were ready; records pass {len(self.critics)} of 2.")

    def ratio(self, codes: np.ndarray) -> np.ndarray:
        """How many times more often each record would come up in the real table, shape (n,)."""
        total = np.zeros(len(codes), dtype=np.float32)
        for critic in self.critics:
            total = np.minimum(total, np.log(CAP)) + critic.log_ratio(codes)
        return np.exp(total)

    def sample(self, asked: np.ndarray, draw: Draw, rng: np.random.Generator) -> np.ndarray:
        """Draw records until each is accepted, int32, (n, n_columns); parts of the table side by side, one a core.

        `draw` makes codes of whole records from conditions (m, n_condition_columns). A row that is sent back is drawn
        again under the same condition.
        """
        codes = np.empty((len(asked), len(self.sizes)), dtype=np.int32, order="F")
        starts = range(0, len(asked), _ROWS_AT_ONCE)

        def fill(first: int, rng: np.random.Generator) -> None:
            waiting = np.arange(first, min(first + _ROWS_AT_ONCE, len(asked)))
            for _ in range(_ROUNDS if self.critics else 1):
                drawn = draw(asked[waiting], rng)
                codes[waiting] = drawn
                waiting = waiting[rng.random(len(waiting)) * CAP >= self.ratio(drawn)]
                if not len(waiting):
                    break

        in_parallel(fill, starts, rng.spawn(len(starts)))
        return codes

    def rounded(self) -> "Filter":
        """Return this filter as a file will hold it, so that a model on file gives the same rows."""
        kept = Filter(self.sizes, self.width)
        kept.set_tensors(self.to_tensors())
        return kept

    def to_tensors(self) -> dict[str, torch.Tensor]:
        """Return what the critics have learned, in half precision: half the file, and scores that do not change."""
        found = {f"{c.name}.{key}": value for c in self.critics for key, value in c.to_tensors().items()}
        return {key: value.half() if value.is_floating_point() else value for key, value in found.items()}

    def set_tensors(self, tensors: dict[str, torch.Tensor]) -> None:
        """Undo `to_tensors`."""
        tensors = {key: value.float() if value.is_floating_point() else value for key, value in tensors.items()}
        for critic in (NetworkCritic(OneHot(self.sizes), self.width), TreeCritic(self.sizes)):
            if own := under(f"{critic.name}.", tensors):
                self.critics.append(critic.set_tensors(own))


class NetworkCritic:
    """Log density ratio of real to generated records, learned from both by a network."""

    name = "network"

    def __init__(self, one_hot: OneHot, width: int, seed: int = 0):
        self.one_hot = one_hot
        self.rng = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = judge(one_hot.n_codes, len(one_hot.sizes), width)

    def fit(
        self, real: np.ndarray, fake: np.ndarray, steps: int, tick: Callable[[], None] = lambda: None
    ) -> "NetworkCritic":
        """Learn to tell `real` from `fake`, codes of shape (n, n_columns); `tick` is called each step."""
        real, fake = (torch.tensor(codes, dtype=torch.int32) for codes in (real, fake))
        adam = torch.optim.AdamW(self.net.parameters(), weight_decay=_WEIGHT_DECAY, fused=True)
        for step in range(steps):
            adam.param_groups[0]["lr"] = _RATE * min(1.0, 2 * (steps - step) / steps)
            right = self.net(self._batch(real)), -self.net(self._batch(fake))
            loss = sum(F.softplus(-logit).mean() for logit in right)
            adam.zero_grad()
            loss.backward()
            adam.step()
            tick()
        self.net.requires_grad_(False)
        return self

    def _batch(self, codes: torch.Tensor) -> torch.Tensor:
        return self.one_hot.encode(codes[torch.randint(len(codes), (_BATCH,), generator=self.rng)])

    def log_ratio(self, codes: np.ndarray) -> np.ndarray:
        """How many times more often each record would come up in the real table, as a logarithm, shape (n,)."""
        with torch.no_grad():
            parts = torch.tensor(codes).split(self.one_hot.rows_at_once)
            return torch.cat([self.net(self.one_hot.encode(part)).squeeze(1) for part in parts]).numpy()

    def to_tensors(self) -> dict[str, torch.Tensor]:
        """Return the weights."""
        return self.net.state_dict()

    def set_tensors(self, tensors: dict[str, torch.Tensor]) -> "NetworkCritic":
        """Undo `to_tensors`."""
        self.net.requires_grad_(False).load_state_dict(tensors)
        return self


class TreeCritic:
    """Log density ratio of real to generated records as a sum of symmetric trees.

    The answers to a tree's questions are the bits of a byte, and every column sets its own: to score a record is to
    add up one row of `bits` (uint8, n_codes x n_trees) for each column, and to look that number up in `answer`
    (float32, n_trees x 256).
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
        self.answer[tree] = _TREE_RATE * total_slope / (total_curve + _RIDGE)
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
