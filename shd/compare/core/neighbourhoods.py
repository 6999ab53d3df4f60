"""How far apart are two sets of pictures? Distances between their features, and nearest neighbours.

Features are rows of numbers, one row a picture or record, whatever computed them. Fréchet distance: Heusel et al.
(2017), *GANs Trained by a Two Time-Scale Update Rule*, NeurIPS, arXiv 1706.08500. Kernel distance: Bińkowski et al.
(2018), *Demystifying MMD GANs*, ICLR, arXiv 1801.01401. Precision and recall: Kynkäänniemi et al. (2019), *Improved
Precision and Recall Metric*, NeurIPS, arXiv 1904.06991. Density and coverage: Naeem et al. (2020), *Reliable Fidelity
and Diversity Metrics*, ICML, arXiv 2002.09797.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd._parallel import in_parallel
from shd.compare.core.chance import interval
from shd.compare.core.score import Score, between

NEIGHBOURS = 5


def frechet_distance(real: np.ndarray, other: np.ndarray) -> float:
    """Return the Fréchet distance between the Gaussians that fit two sets of features, 0 or more.

    The squared distance of the means plus what the covariances differ by; its scale is that of the features.
    """
    first, second = (np.cov(x, rowvar=False).reshape(x.shape[1], x.shape[1]) for x in (real, other))
    root = _root(first)
    # trace of (first second)^1/2, from a symmetric matrix with the same eigenvalues
    both = np.sqrt(np.clip(np.linalg.eigvalsh(root @ second @ root), 0, None)).sum()
    apart = ((real.mean(axis=0) - other.mean(axis=0)) ** 2).sum()
    return float(max(apart + np.trace(first) + np.trace(second) - 2 * both, 0.0))


def _root(covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T


def kernel_distance(real: np.ndarray, other: np.ndarray) -> float:
    """Return the kernel distance (KID): the unbiased squared maximum mean discrepancy, about 0 for one population.

    With the polynomial kernel of degree three; unlike the Fréchet distance it does not grow where pictures are few.
    """
    return float(weighted_kernel_distance(*kernels(real, other), np.ones((1, len(real))), np.ones((1, len(other))))[0])


def kernels(real: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the kernel within real, within other (both 0 on the diagonal) and between them."""
    within, around, across = ((a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((real, real), (other, other), (real, other)))
    np.fill_diagonal(within, 0)
    np.fill_diagonal(around, 0)
    return within, around, across


def weighted_kernel_distance(
    within: np.ndarray, around: np.ndarray, across: np.ndarray, real: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """Return the kernel distance under bootstrap weights of the rows, shape (n_sets,); see `kernels`."""

    def mean(kernel: np.ndarray, w: np.ndarray) -> np.ndarray:
        pairs = w.sum(axis=1) ** 2 - (w**2).sum(axis=1)  # a picture makes no pair with itself
        return np.einsum("si,ij,sj->s", w, kernel, w, optimize=True) / pairs

    cross = np.einsum("si,ij,sj->s", real, across, other, optimize=True)
    return mean(within, real) + mean(around, other) - 2 * cross / (real.sum(axis=1) * other.sum(axis=1))


@dataclass(frozen=True, eq=False)
class Regions:
    """Which pictures lie in whose neighbourhood: a ball around each that reaches to the k-th neighbour in its own set.

    `in_real` and `in_other`, bool, shape (n_real, n_other): whether a picture of `other` lies in the ball of a real
    one, and the other way round.
    """

    in_real: np.ndarray
    in_other: np.ndarray
    k: int

    @classmethod
    def of(cls, real: np.ndarray, other: np.ndarray, k: int = NEIGHBOURS) -> "Regions":
        """Find the neighbourhoods in two sets of features, each ball reaching to the k-th neighbour."""
        reach_real, reach_other = (np.sort(_between(x, x), axis=1)[:, k] for x in (real, other))  # 0 is x itself
        distance = _between(real, other)
        return cls(distance <= reach_real[:, None], distance <= reach_other, k)

    def measure(self, real: np.ndarray | None = None, other: np.ndarray | None = None) -> dict[str, float]:
        """Return precision, recall, density and coverage under bootstrap weights; balls stay as they are.

        Precision: share of `other` inside balls of real ones. Recall: share of real ones inside balls of `other`.
        Density: how many real balls hold a picture of `other`, by k. Coverage: real balls with one of `other` inside.
        """
        real, other = (np.ones(n) if w is None else w for w, n in zip((real, other), self.in_real.shape, strict=True))
        seen_real, seen_other = real > 0, other > 0
        return {
            "precision": float(other @ self.in_real[seen_real].any(axis=0) / other.sum()),
            "recall": float(real @ self.in_other[:, seen_other].any(axis=1) / real.sum()),
            "density": float(real @ self.in_real @ other / (self.k * other.sum())),
            "coverage": float(real @ self.in_real[:, seen_other].any(axis=1) / real.sum()),
        }


def score_regions(
    regions: dict[str, Regions], weights: Sequence[np.ndarray], said: dict[str, str], beside: str, word: str
) -> list[Score]:
    """Score what is `said` of the regions of synthetic, floor and ceiling, with bootstrap weights of both sets."""
    found = {name: region.measure() for name, region in regions.items()}
    drawn, scores = pd.DataFrame(in_parallel(regions["synthetic"].measure, *weights)), []
    for metric, sentence in said.items():
        value, floor, ceiling = (found[name][metric] for name in ("synthetic", "floor", "ceiling"))
        most, unit = (np.inf, ".2f") if metric == "density" else (1, ".0%")
        ends, rule = interval(value, drawn[metric].to_numpy(), 0, most), between(floor, ceiling, "higher")
        told = sentence.format(value=value, word=word)
        told += beside.format(word=word, floor=format(floor, unit), ceiling=format(ceiling, unit))
        scores.append(Score.of(metric, value, ends, (floor, ceiling), verdict=rule, better="higher", sentence=told))
    return scores


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances between rows; those of a row to itself, or to an equal one, are 0 exactly."""
    centre = b.mean(axis=0)  # large means would eat the digits of small distances
    a, b = a - centre, b - centre
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    scale = max(float((a**2).sum(axis=1).max()), float((b**2).sum(axis=1).max()))
    return np.sqrt(np.where(squares <= 1e-12 * scale, 0.0, squares))
