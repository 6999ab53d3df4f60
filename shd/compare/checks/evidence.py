"""What is sure beyond chance: for the checks."""

import numpy as np

from shd.compare.core.chance import chance_of

SURE = 0.001
"""How seldom chance alone may make a check speak."""


def exceeds(found: np.ndarray, chance: np.ndarray, by: float, level: float = SURE) -> bool:
    """Whether something is true of one group more often than of another, by a margin, and surely (Fisher's exact test).

    `found` and `chance` say of each member of the two groups whether it is true; bool, any length.
    """
    if not len(found) or not len(chance) or found.mean() <= chance.mean() + by:
        return False
    return chance_of(found.sum(), len(found), chance.sum(), len(chance)) < level
