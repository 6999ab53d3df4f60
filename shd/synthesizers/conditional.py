"""`ConditionalSynthesizer`: what families share that can be told the values of some columns."""

import numpy as np
import pandas as pd

from shd.dataset import Dataset
from shd.synthesizers._conditions import Conditions, condition_columns
from shd.synthesizers.base import Synthesizer


class ConditionalSynthesizer(Synthesizer, abstract=True):
    """Base of families that take `condition`, the columns that can be asked for in `sample`.

    A family calls `_learn_conditions` in its `_fit`, and writes `_draw` in place of `_sample`: from codes of the
    condition columns to codes of whole records. Condition columns keep every level and number of their own.

    Attributes
    ----------
    conditions_ : Conditions
        Combinations of the condition columns that came up, and how often.
    """

    condition: str | tuple[str, ...] | None
    max_levels: int

    def _condition_columns(self, data: Dataset | pd.DataFrame, frame: pd.DataFrame) -> tuple[str, ...]:
        """Return what was asked for; without a wish, the target of a Dataset."""
        target = data.target if isinstance(data, Dataset) else None
        return condition_columns(self.condition, target, frame, self.max_levels)

    def _learn_conditions(self, codes: np.ndarray) -> np.ndarray:
        """Learn the combinations that can be asked for; return the class of each record, int64, shape (n,)."""
        at = [self.encoder_.names.index(c) for c in self.encoder_.whole]
        least = self.protection_.done.min_people
        self.conditions_, classes = Conditions.learn(self.encoder_.whole, codes[:, at], self._people, least)
        return classes

    @property
    def _condition_at(self) -> list[int]:
        """Where the condition columns stand."""
        return [self.encoder_.names.index(c) for c in self.conditions_.columns]

    @property
    def _free_at(self) -> list[int]:
        """Where the other columns stand."""
        return [j for j, name in enumerate(self.encoder_.names) if name not in self.conditions_.columns]

    def _sample(self, n: int, condition: dict | pd.DataFrame | None, rng: np.random.Generator) -> np.ndarray:
        return self._draw(self.conditions_.draw(n, condition, self.encoder_, rng), rng)

    def _draw(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return codes of whole records, (n, n_columns), for codes of the condition columns, (n, n_conditions)."""
        raise NotImplementedError
