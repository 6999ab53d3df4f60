"""What is sure beyond chance, and which records are equal: for the checks."""

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

SURE = 0.001
"""How seldom chance alone may make a check speak."""


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
