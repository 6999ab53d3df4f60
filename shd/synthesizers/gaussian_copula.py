"""`GaussianCopula`: each column as it is, and all that columns have to do with each other in one correlation matrix.

How it works. Give every column a hidden normal number: where a value stands among all values of its column, from 0 to
1, is where the hidden number stands under the bell curve. A level takes the stretch of the curve that its share is wide
(levels without an order are put in the order of what they say about other columns). Then the hidden numbers are taken
to be normal together, which leaves one correlation for each pair. To sample is to draw correlated normal numbers and
to look up the values that stand there. What is not of this kind is lost: thresholds, U shapes, exact logic, and what
three columns say together. It is quick, needs few records, knows nobody by heart, and says in one picture all it knows.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import ndtr, ndtri

from shd.synthesizers._codes import is_ordered, profile
from shd.synthesizers._conditions import Conditions
from shd.synthesizers.base import check_whole
from shd.synthesizers.conditional import ConditionalSynthesizer

_EDGE = 1e-6  # the bell curve is cut there
_SWEEPS = 10  # of a Gibbs sampler, where several columns are asked for
_LEAST = 1e-4  # smallest eigenvalue of the correlation matrix
_MOST = 0.999  # largest correlation


@dataclass(eq=False, repr=False)
class GaussianCopula(ConditionalSynthesizer):
    """Gaussian copula for mixed tables.

    Parameters
    ----------
    condition : str or sequence of str, optional
        Columns that can be asked for in `sample`. Default: the target of the Dataset.
    max_levels : int
        Columns with more levels let rare neighbours share a code.
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same rows.

    Attributes
    ----------
    correlation_ : pandas.DataFrame, shape (n_columns, n_columns)
        Of the hidden normal numbers.

    References
    ----------
    Sklar (1959); Nelsen (2006), *An Introduction to Copulas*; Patki, Wedge, Veeramachaneni (2016), *The Synthetic Data
    Vault*, for tables. Correlations of levels are those of their mean scores, over the share of the variance that means
    keep: to first order the polychoric correlation (Olsson 1979, doi 10.1007/BF02296207). From memory.
    """

    max_bins = 200

    condition: str | tuple[str, ...] | None = None
    max_levels: int = 200
    min_people: int | None = None
    random_state: int = 0

    def _check_parameters(self) -> None:
        check_whole(self, "max_levels", 2)

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        self._learn_conditions(codes)
        self.ends_, self.rank_ = [], []
        scores = np.empty(codes.shape)
        for j, codec in enumerate(self.encoder_.columns_):
            rank = np.arange(codec.n_codes) if is_ordered(codec) else self._order(codes, j)
            count = np.bincount(rank[codes[:, j]], minlength=codec.n_codes)
            ends = np.clip(np.append(0, np.cumsum(count) / len(codes)), 0, 1)
            scores[:, j] = _means(ends)[rank[codes[:, j]]]
            self.rank_.append(rank)
            self.ends_.append(ends)
        kept = np.maximum(scores.var(axis=0), 1e-12)  # 1 for fine numbers, less for few levels
        related = np.cov(scores.T, bias=True).reshape(len(kept), -1) / np.outer(kept, kept)
        np.fill_diagonal(related, 1)
        self.correlation_ = _as_correlation(np.clip(related, -_MOST, _MOST), self.encoder_.names)

    def _order(self, codes: np.ndarray, j: int) -> np.ndarray:
        """Return a rank for each level by what it says of other columns."""
        sizes = self.encoder_.sizes
        said = [profile(codes[:, j], sizes[j], codes[:, b], sizes[b]) for b in range(len(sizes)) if b != j]
        if not said or sizes[j] < 3:
            return np.arange(sizes[j])
        left, size, _ = np.linalg.svd(np.hstack(said), full_matrices=False)
        weight = np.sqrt(np.bincount(codes[:, j], minlength=sizes[j]) + 1e-9)
        return np.argsort(np.argsort(left[:, 0] * size[0] / weight, kind="stable"), kind="stable")

    def _draw(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        told, free, n = self._condition_at, self._free_at, len(asked)
        related = self.correlation_.to_numpy()
        hidden = np.empty((n, len(related)))
        hidden[:, told] = self._hidden_of(asked, related, rng)
        slope = np.linalg.solve(related[np.ix_(told, told)], related[np.ix_(told, free)])
        left = related[np.ix_(free, free)] - related[np.ix_(free, told)] @ slope
        root = np.linalg.cholesky(left + 1e-9 * np.eye(len(free)))
        hidden[:, free] = hidden[:, told] @ slope + rng.standard_normal((n, len(free))) @ root.T
        codes = np.empty(hidden.shape, dtype=np.int32, order="F")
        codes[:, told] = asked
        for j in free:
            place = np.searchsorted(self.ends_[j][1:-1], ndtr(hidden[:, j]), side="right")
            codes[:, j] = np.argsort(self.rank_[j])[place]
        return codes

    def _hidden_of(self, asked: np.ndarray, related: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return hidden numbers of what is asked for: normal, within the stretches of its codes, and correlated."""
        at = self._condition_at
        ranks = [self.rank_[j][asked[:, k]] for k, j in enumerate(at)]
        low = np.column_stack(
            [self.ends_[j][rank] for j, rank in zip(at, ranks, strict=True)] or [np.empty((len(asked), 0))]
        )
        high = np.column_stack([self.ends_[j][rank + 1] for j, rank in zip(at, ranks, strict=True)] or [low])
        hidden = _normal_between(low, high, rng)
        own = related[np.ix_(at, at)]
        for _ in range(_SWEEPS if len(at) > 1 else 0):
            for k in range(len(at)):
                others = [i for i in range(len(at)) if i != k]
                slope = np.linalg.solve(own[np.ix_(others, others)], own[others, k])
                mean, spread = hidden[:, others] @ slope, np.sqrt(max(1 - own[k, others] @ slope, _LEAST))
                ends = [ndtr((ndtri(np.clip(end[:, k], _EDGE, 1 - _EDGE)) - mean) / spread) for end in (low, high)]
                hidden[:, k] = mean + spread * _normal_between(*ends, rng)
        return hidden

    def _log_score(self, codes: np.ndarray) -> np.ndarray:
        """Return the log of each code's share, and of the copula's density at the middle of the stretches."""
        scores, total = np.empty(codes.shape), np.zeros(len(codes))
        for j, ends in enumerate(self.ends_):
            rank = self.rank_[j][codes[:, j]]
            scores[:, j] = _means(ends)[rank]
            total += np.log(np.maximum(np.diff(ends)[rank], 1e-12))
        related = self.correlation_.to_numpy()
        inverse = np.linalg.inv(related)
        quadratic = np.einsum("ni,ij,nj->n", scores, inverse - np.eye(len(inverse)), scores)
        return total - 0.5 * (np.linalg.slogdet(related)[1] + quadratic)

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        tensors = {"correlation": self.correlation_.to_numpy(), "rank": np.concatenate(self.rank_)}
        return {**tensors, "ends": np.concatenate(self.ends_)}, self.conditions_.to_dict()

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self.conditions_, names = Conditions.from_dict(extra), self.encoder_.names
        cuts = np.cumsum(self.encoder_.sizes)[:-1]
        self.rank_ = np.split(tensors["rank"], cuts)
        self.ends_ = np.split(tensors["ends"], cuts + 1 + np.arange(len(cuts)))
        self.correlation_ = pd.DataFrame(tensors["correlation"], names, names)


def _means(ends: np.ndarray) -> np.ndarray:
    """Return the mean of a normal number within each stretch of its curve, shape (n_codes,); 0 where it is empty."""
    at = ndtri(np.clip(ends, _EDGE, 1 - _EDGE))
    height = np.exp(-0.5 * at**2) / np.sqrt(2 * np.pi)
    width = np.diff(ends)
    return np.where(width > 0, (height[:-1] - height[1:]) / np.maximum(width, 1e-12), 0.0)


def _normal_between(low: np.ndarray, high: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw normal numbers whose place under the curve is between two, 0 to 1."""
    return ndtri(np.clip(low + rng.random(low.shape) * (high - low), _EDGE, 1 - _EDGE))


def _as_correlation(related: np.ndarray, names: list[str]) -> pd.DataFrame:
    """Return the nearest matrix, or about it, that can be one of correlations."""
    size, direction = np.linalg.eigh((related + related.T) / 2)
    mended = (direction * np.maximum(size, _LEAST)) @ direction.T
    scale = np.sqrt(np.diag(mended))
    return pd.DataFrame(mended / np.outer(scale, scale), names, names)
