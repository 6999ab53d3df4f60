"""What the checks get to see."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from shd.compare.core.score import Inputs
from shd.dataset import Dataset

if TYPE_CHECKING:
    from shd.synthesizers import Synthesizer

SURE = 0.001
"""How seldom chance alone may make a check speak."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything known about a comparison.

    Parameters
    ----------
    given : dict of str to Dataset or DataFrame
        ``train``, ``synthetic`` and, perhaps, ``holdout``.
    inputs : Inputs, optional
        The tables coded together; None for pictures.
    synthesizer : Synthesizer, optional
        What made the synthetic data.
    random_state : int
    """

    given: dict[str, Dataset | pd.DataFrame]
    inputs: Inputs | None = None
    synthesizer: "Synthesizer | None" = None
    random_state: int = 0
    thumbnails: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def is_of_images(self) -> bool:
        """Whether pictures are compared."""
        return self.inputs is None

    def sides(self) -> list[Dataset]:
        """Return train and holdout where both are Datasets with subjects of their own, else nothing."""
        sides = [self.given.get(role) for role in ("train", "holdout")]
        return sides if all(has_subjects(side) for side in sides) else []

    def points(self, role: str) -> np.ndarray:
        """Return pictures of one role as points, 16 x 16 pixels less their mean; computed once."""
        from shd.compare.images.privacy import points_of

        if role not in self.thumbnails:
            self.thumbnails[role] = points_of(self.given[role].images)
        return self.thumbnails[role]


def has_subjects(data: object) -> bool:
    """Whether it is a Dataset that says who its people are.

    Record numbers are no ids: two tables without subjects share them, and no person.
    """
    return isinstance(data, Dataset) and not np.array_equal(data.subjects, np.arange(len(data)))


def exceeds(found: np.ndarray, chance: np.ndarray, by: float, level: float = SURE) -> bool:
    """Whether something is true of one group more often than of another, by a margin, and surely (Fisher's exact test).

    `found` and `chance` say of each member of the two groups whether it is true; bool, any length.
    """
    if not len(found) or not len(chance) or found.mean() <= chance.mean() + by:
        return False
    table = [[side.sum(), len(side) - side.sum()] for side in (found, chance)]
    return bool(fisher_exact(table, alternative="greater").pvalue < level)


def row_keys(values: np.ndarray) -> np.ndarray:
    """Return one key a record, the same for records that are equal in every column, missing values included."""
    values = np.ascontiguousarray(np.where(np.isnan(values), np.inf, values))
    return pd.util.hash_pandas_object(pd.DataFrame(values), index=False).to_numpy()
