"""How far apart are two sets of pictures? Distances between their features, and nearest neighbours.

Features are rows of numbers, one row a picture, whatever computed them. Each function here is a
published measure, checked against cases whose answer is known.
"""

from dataclasses import dataclass

import numpy as np

from shd._errors import ShdError

NEIGHBOURS = 5


def frechet_distance(real: np.ndarray, other: np.ndarray) -> float:
    """Return the Fréchet distance between the Gaussians that fit two sets of features.

    The squared distance of the means plus what the covariances differ by. 0: same mean and spread;
    the scale is that of the features, so that it means nothing without a reference.

    Parameters
    ----------
    real, other : ndarray of float, shape (n, n_features)
        At least two rows each, and more than there are features to mean much.

    Returns
    -------
    float
        0 or more.

    Raises
    ------
    ShdError
        Where the sets are not two tables of finite numbers of the same width.

    References
    ----------
    Heusel et al. (2017), *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
    Equilibrium*, NeurIPS, arXiv 1706.08500.
    """
    real, other = _checked(real, other, 2)
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
    """Return the kernel distance (KID): the unbiased squared maximum mean discrepancy.

    With the polynomial kernel of degree three, (x.y / n_features + 1)^3. About 0 for two sets from
    one population, a little below by chance; unlike the Fréchet distance it does not grow because
    there are few pictures.

    Parameters
    ----------
    real, other : ndarray of float, shape (n, n_features)
        At least two rows each.

    Returns
    -------
    float

    Raises
    ------
    ShdError
        As `frechet_distance`.

    References
    ----------
    Bińkowski et al. (2018), *Demystifying MMD GANs*, ICLR, arXiv 1801.01401.
    """
    real, other = _checked(real, other, 2)
    return float(weighted_kernel_distance(*kernels(real, other), np.ones((1, len(real))), np.ones((1, len(other))))[0])


def kernels(real: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the kernel within real, within other (both 0 on the diagonal) and between them."""
    within, around, between = (
        (a @ b.T / a.shape[1] + 1) ** 3 for a, b in ((real, real), (other, other), (real, other))
    )
    np.fill_diagonal(within, 0)
    np.fill_diagonal(around, 0)
    return within, around, between


def weighted_kernel_distance(
    within: np.ndarray, around: np.ndarray, between: np.ndarray, real: np.ndarray, other: np.ndarray
) -> np.ndarray:
    """Return the kernel distance under bootstrap weights of the rows, shape (n_sets,); see `kernels`."""

    def mean(kernel: np.ndarray, w: np.ndarray) -> np.ndarray:
        pairs = w.sum(axis=1) ** 2 - (w**2).sum(axis=1)  # a picture makes no pair with itself
        return np.einsum("si,ij,sj->s", w, kernel, w, optimize=True) / pairs

    cross = np.einsum("si,ij,sj->s", real, between, other, optimize=True)
    return mean(within, real) + mean(around, other) - 2 * cross / (real.sum(axis=1) * other.sum(axis=1))


@dataclass(frozen=True, eq=False)
class Regions:
    """Which pictures lie in whose neighbourhood.

    Parameters
    ----------
    in_real, in_other : ndarray of bool, shape (n_real, n_other)
        Whether a picture of `other` lies in the ball of a real one, and the other way round.
    k : int
    """

    in_real: np.ndarray
    in_other: np.ndarray
    k: int

    @classmethod
    def of(cls, real: np.ndarray, other: np.ndarray, k: int = NEIGHBOURS) -> "Regions":
        """Find the neighbourhoods in two sets of features, each ball reaching to the k-th neighbour."""
        reach_real, reach_other = (np.sort(_between(x, x), axis=1)[:, k] for x in (real, other))  # 0 is x itself
        between = _between(real, other)
        return cls(between <= reach_real[:, None], between <= reach_other, k)

    def measure(self, real: np.ndarray | None = None, other: np.ndarray | None = None) -> dict[str, float]:
        """Return what `precision_recall` does, under bootstrap weights of the pictures; balls stay as they are."""
        real, other = (np.ones(n) if w is None else w for w, n in zip((real, other), self.in_real.shape, strict=True))
        seen_real, seen_other = real > 0, other > 0
        return {
            "precision": float(other @ self.in_real[seen_real].any(axis=0) / other.sum()),
            "recall": float(real @ self.in_other[:, seen_other].any(axis=1) / real.sum()),
            "density": float(real @ self.in_real @ other / (self.k * other.sum())),
            "coverage": float(real @ self.in_real[:, seen_other].any(axis=1) / real.sum()),
        }


def precision_recall(real: np.ndarray, other: np.ndarray, k: int = NEIGHBOURS) -> dict[str, float]:
    """Return precision, recall, density and coverage of a set of features.

    The region of a set is the union of balls, one around each of its pictures, that reach to its
    k-th neighbour in the set. ``precision``: share of `other` inside the region of `real`, are
    they plausible? ``recall``: share of `real` inside the region of `other`, is everything there?
    ``density``: how many real balls hold a picture of `other`, by k; above 1 where it keeps to the
    crowd. ``coverage``: share of real balls with a picture of `other` inside.

    Parameters
    ----------
    real, other : ndarray of float, shape (n, n_features)
        Equally many; more than k.
    k : int

    Returns
    -------
    dict of str to float
        0 to 1, but ``density`` 0 or more.

    Raises
    ------
    ShdError
        As `frechet_distance`, or where k is not between 1 and the number of rows less one.

    References
    ----------
    Kynkäänniemi et al. (2019), *Improved Precision and Recall Metric for Assessing Generative
    Models*, NeurIPS, arXiv 1904.06991. Naeem et al. (2020), *Reliable Fidelity and Diversity
    Metrics for Generative Models*, ICML, arXiv 2002.09797.
    """
    real, other = _checked(real, other, 2)
    most = min(len(real), len(other)) - 1
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= most:
        raise ShdError(f"k={k!r} must be a whole number from 1 to {most}, one less than the smaller set has rows.")
    return Regions.of(real, other, int(k)).measure()


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Euclidean distances between rows; those of a row to itself, or to an equal one, are 0 exactly."""
    centre = b.mean(axis=0)  # large means would eat the digits of small distances
    a, b = a - centre, b - centre
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    scale = max(float((a**2).sum(axis=1).max()), float((b**2).sum(axis=1).max()))
    return np.sqrt(np.where(squares <= 1e-12 * scale, 0.0, squares))


def _checked(real: np.ndarray, other: np.ndarray, least: int) -> tuple[np.ndarray, np.ndarray]:
    tables = []
    for what, table in (("real", real), ("other", other)):
        try:
            table = np.asarray(table, dtype=float)
        except (TypeError, ValueError):
            raise ShdError(f"{what}: features must be numbers, one row a picture.") from None
        if table.ndim != 2 or len(table) < least or not table.shape[1]:
            raise ShdError(f"{what}: features must be a table of {least} rows or more, not of shape {table.shape}.")
        if not np.isfinite(table).all():
            raise ShdError(f"{what}: features must be finite; drop the pictures whose features are not.")
        tables.append(table)
    if tables[0].shape[1] != tables[1].shape[1]:
        widths = " and ".join(str(table.shape[1]) for table in tables)
        raise ShdError(f"real and other have {widths} features; compute both by the same network.")
    return tuple(tables)
