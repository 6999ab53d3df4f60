"""Means, spreads and correlations of few people, drawn towards what many share."""

import numpy as np
from sklearn.covariance import ledoit_wolf

_SHRINK = 10  # pictures a slice at which the mean of a class is believed half: "moderate" has one or two
_SHRINK_SPREAD = 40  # pictures of four slices at which the spread of a class is believed half


def class_means(x: np.ndarray, classes: np.ndarray, levels: np.ndarray, n_classes: int, n_levels: int) -> np.ndarray:
    """Return the mean of every class at every level, small classes drawn towards the trend.

    The trend is the line through the means of the classes of a level, in their order, weighted by
    how many pictures each has. A class with ten pictures at a level lies half way to it.

    Parameters
    ----------
    x : ndarray of float32, shape (n, n_pixels)
    classes, levels : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of float32, shape (n_classes, n_levels, n_pixels)
    """
    overall = x.mean(0)
    means = np.empty((n_classes, n_levels, x.shape[1]), dtype=np.float32)
    for level in range(n_levels):
        here = levels == level
        count = np.bincount(classes[here], minlength=n_classes).astype(np.float32)
        own = np.stack([x[here & (classes == c)].mean(0) if count[c] else overall for c in range(n_classes)])
        if not count.any():
            means[:, level] = overall
            continue
        middle = count @ np.arange(n_classes) / count.sum()
        off = np.arange(n_classes) - middle
        at = count @ own / count.sum()
        slope = (count * off) @ own / max(count @ off**2, 1e-9)
        trend = at + off[:, None] * slope
        believed = (count / (count + _SHRINK))[:, None]
        means[:, level] = believed * own + (1 - believed) * trend
    return means


def spreads(scores: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the standard deviation of every score in every class, small classes drawn towards that of all.

    Parameters
    ----------
    scores : ndarray of float32, shape (n, components)
    classes : ndarray of int, shape (n,)

    Returns
    -------
    ndarray of float32, shape (n_classes, components)
        A class of forty pictures (ten people) lies half way to the others, on a scale of ratios.
    """
    everyone = np.sqrt((scores**2).mean(axis=0)).clip(1e-6) if len(scores) else np.ones(scores.shape[1])
    spread = np.tile(everyone, (n_classes, 1))
    for of_class, count in enumerate(np.bincount(classes, minlength=n_classes)):
        if count:
            own = np.sqrt((scores[classes == of_class] ** 2).mean(axis=0)).clip(1e-6)
            spread[of_class] *= (own / everyone) ** (count / (count + _SHRINK_SPREAD))
    return spread.astype(np.float32)


def root(scores: np.ndarray) -> np.ndarray:
    """Return a root of the covariance of some scores, a lower triangle of shape (components, components).

    What is shrunk is the correlation: a covariance would be drawn towards equal variances, and the
    first components, brightness and ventricles among them, would vary less than they do. A score
    that is always 0 is given the variance 1, so that the root has an inverse.
    """
    spread = np.sqrt((scores**2).mean(axis=0))
    spread = np.where(spread > 1e-6, spread, 1.0)
    correlation, _ = ledoit_wolf(scores / spread, assume_centered=True)
    np.fill_diagonal(correlation, 1 + 1e-6)
    return spread[:, None] * np.linalg.cholesky(correlation)
