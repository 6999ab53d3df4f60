"""`FilteredTrees`: a chain of decision trees, and critics that send back what gives its records away.

How it works. `SequentialTrees` draws records in seconds, and loses what many columns say together, each a little. Two
critics then learn to tell its records from real ones, first a network, then boosted trees, and a record is kept in
proportion to how much more often a real one looks like it. What a chain of trees is weak at, sums of many small
effects, is what critics see best: columns with hundreds of levels gain most (``python -m benchmarks.field``).
"""

from dataclasses import dataclass

import numpy as np
import torch

from shd.synthesizers._training import under
from shd.synthesizers.filtered import Filtered
from shd.synthesizers.sequential_trees import SequentialTrees


@dataclass(eq=False, repr=False)
class FilteredTrees(Filtered, SequentialTrees):
    """`SequentialTrees` whose records pass critics.

    Parameters
    ----------
    condition, min_leaf, penalty, smoothing, max_levels, min_people, random_state
        See `SequentialTrees`.
    critic_steps, critic_trees : int
        Most training steps of the network, and most trees, that filter finished records; 0 for none.
        Small tables take fewer: the critics shall not learn the records by heart.
    width : int
        Width of the network that filters.

    References
    ----------
    Those of `SequentialTrees`, and Azadi et al. (2019), *Discriminator Rejection Sampling*, arXiv 1810.06758.
    """

    critic_steps: int = 3000
    critic_trees: int = 400
    width: int = 256

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        self._open_filter()
        super()._fit(codes, rng)
        self.seed_ = int(rng.integers(2**31))
        self._learn_filter(codes)
        self.filter_ = self.filter_.rounded()

    def _propose(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return SequentialTrees._draw(self, asked, rng)

    def _log_score(self, codes: np.ndarray) -> np.ndarray:
        judged = super()._log_score(codes)
        return SequentialTrees._log_score(self, codes) + (0.0 if judged is None else judged)

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        tensors, extra = super()._get_state()
        return {
            **tensors,
            **{f"filter.{key}": value.numpy() for key, value in self.filter_.to_tensors().items()},
        }, extra

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        super()._set_state(tensors, extra)
        self._open_filter()
        self.filter_.set_tensors({key: torch.tensor(value) for key, value in under("filter.", tensors).items()})
