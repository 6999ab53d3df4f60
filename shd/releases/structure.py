"""`Structure`: draws what was declared of columns, and reads no record. Not a family: there is nothing to learn."""

from dataclasses import dataclass, replace

import numpy as np

from shd.dataset import Dataset
from shd.domain import Domain
from shd.synthesizers.base import Synthesizer, refuse_condition
from shd.synthesizers.dp.cells import fine_codec
from shd.synthesizers.encoding import ColumnCodec, TableEncoder

_GAPS = 0.1  # share of cells that are empty, where they can be


@dataclass(eq=False, repr=False)
class Structure(Synthesizer, abstract=True):
    """Each column evenly from its levels, or from the numbers or dates of its range."""

    domain: Domain
    random_state: int | None = 0

    def fit(self, data: Dataset | None = None) -> "Structure":
        """Take the domain; `data` are not looked at."""
        self.encoder_ = TableEncoder()
        self.encoder_.columns_ = [_even(name, declared) for name, declared in self.domain.columns.items()]
        self.rules_, self.fakes_, self.n_rows_ = (), [], 0
        return self

    def _sample(self, n: int, condition: object, rng: np.random.Generator) -> np.ndarray:
        refuse_condition(self, condition)
        return np.column_stack([(rng.random(n) < _GAPS) & codec.missing for codec in self.encoder_.columns_]).astype(
            int
        )


def _even(name: str, declared: object) -> ColumnCodec:
    """Return a codec with one code for all that a column can hold, and perhaps one for missing."""
    fine = fine_codec(name, declared, 1)
    weight = np.ones(len(fine.code))
    if fine.low is not None:  # a range counts for as many values as it holds
        weight = np.maximum(1, np.round((fine.high - fine.low) * 10.0 ** (fine.decimals or 0)))
    return replace(fine, code=np.zeros_like(fine.code), weight=weight, n_codes=1 + fine.missing)
