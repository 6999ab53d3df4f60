"""`Filtered`: what families share whose records pass critics before they are handed out."""

import copy

import numpy as np

from shd.synthesizers.base import check_whole
from shd.synthesizers.conditional import ConditionalSynthesizer
from shd.synthesizers.critics import Filter


class Filtered(ConditionalSynthesizer, abstract=True):
    """Base of families with a filter of critics; see ``critics.py``.

    A family writes `_propose` in place of `_draw`, calls `_open_filter` before it draws for the first time, and
    `_learn_filter` when all else is learned.
    """

    critic_steps: int
    critic_trees: int
    width: int | None

    def _check_parameters(self) -> None:
        super()._check_parameters()
        for name in ("critic_steps", "critic_trees"):
            check_whole(self, name, 0)

    def _propose(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return codes of whole records, (n, n_columns), for codes of the condition columns, (n, n_conditions)."""
        raise NotImplementedError

    def _draw(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return self.filter_.sample(asked, self._propose, rng)

    def _sample_unasked(self, n: int) -> np.ndarray:
        return self._sample(n, None, np.random.default_rng(self.seed_ + 1))

    def _open_filter(self) -> None:
        """Let every record pass."""
        self.filter_ = Filter(self.encoder_.sizes, self._critic_width)

    @property
    def _critic_width(self) -> int:
        return self.width

    def _learn_filter(self, real: np.ndarray) -> None:
        """Train critics on codes of real records and as many drawn."""
        self.filter_.learn(real, self._sample_unasked, self.critic_steps, self.critic_trees, self.seed_)

    def for_release(self) -> "Filtered":
        """Return a copy without the critics, which know the people learned from; the card tells what that costs."""
        self._check_fitted()
        if not self.critic_steps and not self.critic_trees:
            return self
        handed_on = copy.copy(self)
        handed_on._open_filter()
        return handed_on

    def _log_score(self, codes: np.ndarray) -> np.ndarray | None:
        """Ask the critics, where there are any: they were trained on the real records."""
        return np.log(self.filter_.ratio(codes.astype(np.int32))) if self.filter_.critics else None
