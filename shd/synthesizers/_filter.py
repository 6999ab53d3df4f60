"""The filter of finished records: critics that judge them, and the loop that draws again.

A generator draws columns side by side, so some of its records break a rule that holds without
exception in the real table (a change of dose, and no drug). A classifier that has learned to tell
real from generated records knows how much more often a real record would look like this one.
Keeping records in proportion to that ratio mends the rules, and moves everything else closer to
the real table: Azadi et al. 2019, *Discriminator Rejection Sampling*, ICLR, arXiv 1810.06758.

Two critics come one after the other. A network learns the rules. Trees learn what records that
have passed the network still give away: rare combinations of three columns and more.
"""

from collections.abc import Callable

import numpy as np
import torch

from shd._parallel import in_parallel
from shd._progress import notice, progress
from shd.synthesizers._critic import BATCH, NetworkCritic
from shd.synthesizers._one_hot import OneHot
from shd.synthesizers._trees import TreeCritic

CAP = 2.5  # a record is asked for at most 2.5 times as often as drawn: two in five draws are kept
_ROUNDS = 20  # draws for one row before it is kept as it is
_ROWS_AT_ONCE = 25_000  # rows drawn at once: with fewer, a core would wait for others; with more, memory grows
_EPOCHS = 12  # times the network sees each record at most
_ROWS_A_TREE = 50  # real records that one tree takes at least
_FAKE_ROWS = 2, 200_000  # generated records that a critic learns from: twice the real ones, at most so many

Draw = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def at_most(rows: int, steps: int, trees: int) -> tuple[int, int]:
    """Return how many steps and trees a table of that many rows bears: it shall not be learned by heart."""
    return min(steps, _EPOCHS * rows // BATCH), min(trees, rows // _ROWS_A_TREE)


class Filter:
    """Critics, in the order they were learned in; each judges what those before it let through.

    Parameters
    ----------
    sizes : list of int
        Number of codes of each column of a whole record, the condition included.
    width : int
        Width of the network's hidden layers.
    """

    def __init__(self, sizes: list[int], width: int):
        self.sizes, self.width = sizes, width
        self.critics: list[NetworkCritic | TreeCritic] = []

    def learn(self, real: np.ndarray, draw: Callable[[int], np.ndarray], steps: int, trees: int, seed: int) -> None:
        """Train the critics; where Ctrl-C comes, those that are ready are kept.

        Parameters
        ----------
        real : ndarray of int, shape (n, n_columns)
            Codes of the real records that the generator learned from.
        draw : callable
            Gives codes of that many generated records, as far filtered as this filter goes by then.
        steps, trees : int
            Of the network and of the boosting, at most; small tables take fewer.
        seed : int
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
        """Draw records until each is accepted; parts of the table side by side, one a core.

        Parameters
        ----------
        asked : ndarray of int, shape (n, n_condition_columns)
            Condition of each row; a row that is sent back is drawn again under the same condition.
        draw : callable
            From conditions, shape (m, n_condition_columns), and a random generator to codes of whole
            records, (m, n_columns).
        rng : numpy.random.Generator

        Returns
        -------
        ndarray of int32, shape (n, n_columns)
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

    def to_tensors(self) -> dict[str, torch.Tensor]:
        """Return what the critics have learned."""
        return {f"{c.name}.{key}": value for c in self.critics for key, value in c.to_tensors().items()}

    def set_tensors(self, tensors: dict[str, torch.Tensor]) -> None:
        """Undo `to_tensors`."""
        for critic in (NetworkCritic(OneHot(self.sizes), self.width), TreeCritic(self.sizes)):
            if own := under(f"{critic.name}.", tensors):
                self.critics.append(critic.set_tensors(own))


def under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the entries whose key begins with `prefix`, without it."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
