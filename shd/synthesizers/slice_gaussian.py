"""`SliceGaussian`: a mean picture for each class and slice, and Gaussian differences between people.

The honest baseline of the images, in seconds: what any network scores beyond it is what that
network has learned. Its pictures are blurred, as sums of many people are, but class, slice and the
large shapes are right, so that `ImageCGAN` starts from them.

Pictures of one class and slice differ from their mean in a few hundred principal components (Turk
and Pentland 1991, *Eigenfaces for Recognition*). How much, and which of them together, is a
Gaussian for every four neighbouring slices (covariance shrunk as in Ledoit and Wolf 2004). At the
end, a monotone map gives the pixels the brightness that real ones have.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import torch
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.synthesizers.image_base import ImageSynthesizer

_LEVELS_A_BIN = 4  # neighbouring slices that share a covariance
_SHRINK = 10  # pictures a slice at which a class is believed half: "moderate" has one or two
_CHUNK = 1024  # pictures at once, to bound memory
_QUANTILES = 1001  # points of the map of brightness
_INK = 16  # of 255: what is darker in every picture is background, and left black
_FINE, _FINE_STEPS, _ROUGH_STEPS = 60, 127, 7  # first components in a byte a pixel, the others in half a byte


class SliceGaussian(ImageSynthesizer):
    """Mean of class and slice plus Gaussian noise in the space of principal components.

    Parameters
    ----------
    components : int
        Principal components; at most one less than there are pictures.
    random_state : int
        The same seed gives the same pictures.

    Attributes
    ----------
    mean_ : ndarray of float32, shape (n_classes, n_levels, box height, box width)
        Mean picture, 0 to 1. Small classes are drawn towards the line through all classes, so that
        no mean is the picture of one person.
    inside_ : ndarray of bool, shape (box height * box width,)
        Pixels that are not background in some picture; the others stay black.
    basis_ : ndarray of float32, shape (components, pixels inside)
        Directions in which people differ, in whole steps of `scale_`, shape (components, 1), 255 of
        them for the first 60 components and 15 for the others: a model file shall be small.
    factor_ : ndarray of float32, shape (n_bins, components, components)
        Turns independent normal numbers into scores: the root of the covariance of each bin.
    brightness_ : ndarray of float32, shape (2, 1001)
        Quantiles of the pixels as drawn, and of the real ones that they are mapped to.
    """

    def __init__(self, components: int = 160, random_state: int = 0):
        self.components = components
        self.random_state = random_state

    def _check_parameters(self) -> None:
        check_whole(self, "components", 1)

    def _fit_images(
        self, images: np.ndarray, classes: np.ndarray, levels: np.ndarray, rng: np.random.Generator
    ) -> None:
        self.learn(images, classes, levels, self.n_classes_, self.n_levels_, rng)

    def learn(
        self,
        images: np.ndarray,
        classes: np.ndarray,
        levels: np.ndarray,
        n_classes: int,
        n_levels: int,
        rng: np.random.Generator,
    ) -> None:
        """Learn uint8 images (n, height, width) of int classes and levels (n,); `fit` is for people."""
        flat = images.reshape(len(images), -1)
        self.inside_ = (flat > _INK).any(axis=0)
        self.inside_ |= not self.inside_.any()
        x = flat[:, self.inside_].astype(np.float32) / 255
        means = np.zeros((n_classes, n_levels, flat.shape[1]), dtype=np.float32)
        # rounded as they are saved, so that a model and its file give the same pictures
        of_class = class_means(x, classes, levels, n_classes, n_levels).clip(0, 1)  # a trend may lead beyond black
        means[:, :, self.inside_] = np.rint(of_class * 255) / np.float32(255)
        self.mean_ = means.reshape(n_classes, n_levels, *images.shape[1:])
        rest = x - self._means(classes, levels)
        n_components = min(self.components, len(x) - 1, x.shape[1])
        pca = PCA(n_components, svd_solver="randomized", random_state=int(rng.integers(2**31))).fit(rest)
        steps = np.where(np.arange(n_components) < _FINE, _FINE_STEPS, _ROUGH_STEPS)[:, None]
        self.scale_ = (np.abs(pca.components_).max(axis=1, keepdims=True) / steps).astype(np.float32)
        self.basis_ = np.rint(pca.components_ / self.scale_).astype(np.float32) * self.scale_
        scores = rest @ self.basis_.T
        bins = range(-(-n_levels // _LEVELS_A_BIN))
        factor = np.stack([_root(scores[levels // _LEVELS_A_BIN == b]) for b in bins])
        self.factor_ = factor.astype(np.float16).astype(np.float32)
        few = slice(None, None, 4)
        drawn = np.concatenate(
            [part for _, part in self._draw(self.normals(len(x), rng)[few], classes[few], levels[few])]
        )
        share = np.linspace(0, 1, _QUANTILES)
        self.brightness_ = np.stack([np.quantile(drawn, share), np.quantile(x[::4], share)]).astype(np.float32)

    def _means(self, classes: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return mean pictures, pixels inside only, float32 (n, pixels)."""
        return self.mean_[classes, levels].reshape(len(classes), -1)[:, self.inside_]

    def _draw(self, normal: np.ndarray, classes: np.ndarray, levels: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield, part by part, which rows and their pixels before the map of brightness, float32 (m, pixels)."""
        for first in range(0, len(classes), _CHUNK):
            rows = slice(first, first + _CHUNK)
            scores = self.scores(normal[rows], levels[rows])
            yield rows, self._means(classes[rows], levels[rows]) + scores @ self.basis_

    def normals(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw what makes n people differ: independent standard normal numbers, float32 (n, components)."""
        return rng.standard_normal((n, len(self.basis_)), dtype=np.float32)

    def scores(self, normal: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Turn standard normal numbers into scores of principal components, float32 (n, components)."""
        scores, bins = np.empty_like(normal), levels // _LEVELS_A_BIN
        for b in np.unique(bins):
            scores[bins == b] = normal[bins == b] @ self.factor_[b].T
        return scores

    def normals_of(self, images: np.ndarray, classes: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Undo `scores` for real pictures, uint8 (n, height, width): float32 (n, components)."""
        rest = images.reshape(len(images), -1)[:, self.inside_] / np.float32(255) - self._means(classes, levels)
        scores, bins = rest @ self.basis_.T, levels // _LEVELS_A_BIN
        for b in np.unique(bins):
            scores[bins == b] = np.linalg.solve(self.factor_[b], scores[bins == b].T).T
        return scores

    def blurred(self, normal: np.ndarray, classes: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return pictures as floats, 0 to 1, shape (n, box height, box width): what `ImageCGAN` starts from."""
        pixels = np.zeros((len(classes), self.inside_.size), dtype=np.float32)
        for rows, drawn in self._draw(normal, classes, levels):
            pixels[rows, self.inside_] = np.interp(drawn, *self.brightness_)
        return pixels.reshape(-1, *self.mean_.shape[2:])

    def project(self, images: np.ndarray, classes: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return real pictures as blurred as this sampler would draw them, uint8, same shape."""
        flat, seen = images.reshape(len(images), -1), np.zeros((len(images), images[0].size), dtype=np.uint8)
        for first in range(0, len(images), _CHUNK):
            rows = slice(first, first + _CHUNK)
            means = self._means(classes[rows], levels[rows])
            rest = flat[rows][:, self.inside_] / np.float32(255) - means
            pixels = np.interp(means + rest @ self.basis_.T @ self.basis_, *self.brightness_)
            seen[rows, self.inside_] = np.rint(255 * pixels).astype(np.uint8)
        return seen.reshape(images.shape)

    def sample_people(self, classes: Sequence[int], random_state: int = 0) -> Dataset:
        """Give every slice of some made-up people, whose slices fit together.

        Parameters
        ----------
        classes : sequence of int, shape (n_people,)
            Class of each person, from 0.
        random_state : int

        Returns
        -------
        Dataset
            n_people x n_levels pictures; its subjects tell whose each is.
        """
        self._check_fitted()
        person, level = np.divmod(np.arange(len(classes) * self.n_levels_), self.n_levels_)
        of_class, rng = np.asarray(classes)[person], np.random.default_rng(random_state)
        inside = self._render(self.normals(len(classes), rng)[person], of_class, level, rng)
        return replace(self._dataset(of_class, level, inside, rng), subjects=person)

    def _sampler(self) -> "SliceGaussian":
        return self

    def _render(
        self, normal: np.ndarray, classes: np.ndarray, levels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        return np.rint(255 * self.blurred(normal, classes, levels)).astype(np.uint8)

    def _get_images_state(self) -> tuple[dict, dict]:
        steps = np.rint(self.basis_ / self.scale_).astype(np.int8)
        means = self.mean_.reshape(*self.mean_.shape[:2], -1)[:, :, self.inside_]
        whole = {name: torch.from_numpy(getattr(self, f"{name}_")) for name in ("brightness", "scale")}
        small = {
            "inside": torch.from_numpy(self.inside_.reshape(self.mean_.shape[2:])),
            "mean": torch.from_numpy(means).mul(255).round().byte(),
            "fine": torch.from_numpy(steps[:_FINE]),
            "rough": torch.from_numpy(_packed(steps[_FINE:])),
            "factor": torch.from_numpy(self.factor_[:, *np.tril_indices(self.factor_.shape[1])]).half(),
        }
        return whole | small, {}

    def _set_images_state(self, tensors: dict, extra: dict) -> None:
        for name in ("brightness", "scale"):
            setattr(self, f"{name}_", tensors[name].numpy())
        self.inside_, mean = tensors["inside"].numpy().ravel(), tensors["mean"].numpy()
        means = np.zeros((*mean.shape[:2], self.inside_.size), dtype=np.float32)
        means[:, :, self.inside_] = mean / np.float32(255)
        self.mean_ = means.reshape(*mean.shape[:2], *tensors["inside"].shape)
        steps = np.concatenate([tensors["fine"].numpy(), _unpacked(tensors["rough"].numpy(), mean.shape[2])])
        self.basis_ = steps.astype(np.float32) * self.scale_
        half = tensors["factor"].float().numpy()
        self.factor_ = np.zeros((len(half), len(steps), len(steps)), dtype=np.float32)
        self.factor_[:, *np.tril_indices(len(steps))] = half


def _packed(steps: np.ndarray) -> np.ndarray:
    """Put two whole numbers from -7 to 7 into a byte, along rows; uint8."""
    nibbles = np.pad((steps + 8).astype(np.uint8), [(0, 0), (0, steps.shape[1] % 2)])
    return nibbles[:, ::2] << 4 | nibbles[:, 1::2]


def _unpacked(packed: np.ndarray, width: int) -> np.ndarray:
    """Undo `_packed`, for rows of that width; int8."""
    nibbles = np.stack([packed >> 4, packed & 15], axis=2).reshape(len(packed), 2 * packed.shape[1])[:, :width]
    return nibbles.astype(np.int8) - 8


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


def _root(scores: np.ndarray) -> np.ndarray:
    """Return a root of the covariance of some scores, a lower triangle of shape (components, components).

    What is shrunk is the correlation: a covariance would be drawn towards equal variances, and the
    first components, brightness and ventricles among them, would vary less than they do.
    """
    if len(scores) < 2:
        return np.zeros((scores.shape[1], scores.shape[1]))
    spread = np.maximum(np.sqrt((scores**2).mean(axis=0)), 1e-9)
    correlation, _ = ledoit_wolf(scores / spread, assume_centered=True)
    return spread[:, None] * np.linalg.cholesky(correlation + 1e-6 * np.eye(len(correlation)))


def check_whole(model: ImageSynthesizer, name: str, least: int) -> None:
    """Raise `ShdError` for a constructor argument that is not a whole number from `least` on."""
    value = getattr(model, name)
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ShdError(f"{name}={value!r} must be a whole number, {least} or more.")
