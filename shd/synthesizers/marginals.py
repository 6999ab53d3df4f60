"""`Marginals`: every column drawn alone. The floor that any other family has to beat."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd.synthesizers.base import Synthesizer, refuse_condition


@dataclass(eq=False, repr=False)
class Marginals(Synthesizer):
    """Draw every column by how often its values occurred, as if columns had nothing to do with each other.

    Single columns look right, and nothing else does: no pair, no logic, no prediction. What another
    family scores beyond it is what that family has learned.

    Parameters
    ----------
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same rows.

    Attributes
    ----------
    counts_ : list of ndarray of int64, shape (n_codes,)
        How often each code of each column occurred.
    """

    min_people: int | None = None
    random_state: int = 0

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        self.counts_ = [
            np.bincount(column, minlength=size) for column, size in zip(codes.T, self.encoder_.sizes, strict=True)
        ]

    def _sample(self, n: int, condition: dict | pd.DataFrame | None, rng: np.random.Generator) -> np.ndarray:
        refuse_condition(self, condition)
        codes = np.empty((n, len(self.counts_)), dtype=np.int32, order="F")  # filled and read column by column
        for j, counts in enumerate(self.counts_):
            codes[:, j] = np.searchsorted(np.cumsum(counts), rng.integers(counts.sum(), size=n), side="right")
        return codes

    def _log_score(self, codes: np.ndarray) -> np.ndarray:
        chances = ((counts + 0.5) / (counts.sum() + 0.5 * len(counts)) for counts in self.counts_)
        return np.sum([np.log(chance[own]) for chance, own in zip(chances, codes.T, strict=True)], axis=0)

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        return {"counts": np.concatenate(self.counts_)}, {}

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self.counts_ = np.split(tensors["counts"], np.cumsum(self.encoder_.sizes)[:-1])
