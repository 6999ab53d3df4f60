"""`Mixture`: what families share whose model is kinds of patients, in each of which columns are independent."""

import numpy as np
from scipy.special import logsumexp

from shd.synthesizers._codes import draw_from_rows
from shd.synthesizers.filling import FillsIn

_ROWS = 8192  # records that are filled in at once
_LEAST = 1e-30  # chance of what cannot be


class Mixture(FillsIn):
    """Families with `weight_`, the share of each kind, and `chance_`, how likely each code is in each kind."""

    def _parts(self) -> list[np.ndarray]:
        """Return how likely each code of a column is in each kind, (n_codes, n_kinds), for each column."""
        return np.split(self.chance_, np.cumsum(self.encoder_.sizes)[:-1])

    def _log_kinds(self, codes: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return the log of each kind's share times how likely what is known is in it, (n, n_kinds)."""
        total = np.log(self.weight_)[None].repeat(len(codes), axis=0)
        for j, part in enumerate(self._parts()):
            rows = known[:, j]
            total[rows] += np.log(np.maximum(part, _LEAST))[codes[rows, j]]
        return total

    def _log_score(self, codes: np.ndarray) -> np.ndarray:
        parts = np.array_split(codes, max(1, len(codes) // _ROWS))
        return np.concatenate([logsumexp(self._log_kinds(c, np.ones(c.shape, bool)), axis=1) for c in parts])

    def _fill(self, codes: np.ndarray, known: np.ndarray, rng: np.random.Generator, missing: bool = True) -> np.ndarray:
        filled = np.array(codes, dtype=np.int32, order="F")
        for first in range(0, len(codes), _ROWS):
            part = slice(first, first + _ROWS)
            log = self._log_kinds(codes[part], known[part])
            of_kind = np.exp(log - log.max(axis=1, keepdims=True))
            rows = np.arange(len(of_kind))
            kind = draw_from_rows(of_kind / of_kind.sum(axis=1, keepdims=True), rows, rng)
            for j, chance in enumerate(self._parts()):
                free = ~known[part, j]
                codec = self.encoder_.columns_[j]
                table = chance.T
                if not missing and codec.missing and codec.n_codes > 1:
                    table = table[:, :-1] / table[:, :-1].sum(axis=1, keepdims=True)
                filled[first + rows[free], j] = draw_from_rows(table, kind[free], rng)
        return filled
