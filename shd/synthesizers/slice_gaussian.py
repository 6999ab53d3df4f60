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
from dataclasses import dataclass, replace

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture

from shd.dataset import Dataset
from shd.synthesizers.base import check_whole
from shd.synthesizers.image_base import INK, ImageSynthesizer, Labels

_LEVELS_A_BIN = 4  # neighbouring slices that share a covariance
_FEWEST = 10  # pictures that can have one of their own
_LEADING, _LEAST_VARIANCE = 20, 0.05  # first components, in which groups of people differ
_A_GROUP = 160  # pictures that every group must have: five people with all their slices, so that none is one person
_CHUNK = 1024  # pictures at once, to bound memory
_QUANTILES = 1001  # points of the map of brightness
_GROUPS = ("group_weight", "group_mean", "group_factor")
_FINE, _FINE_STEPS, _ROUGH_STEPS = 60, 127, 7  # first components in a byte a pixel, the others in half a byte
_SHRINK = 10  # pictures a slice at which the mean of a class is believed half: "moderate" has one or two
_SHRINK_SPREAD = 40  # pictures of four slices at which the spread of a class is believed half


class Pixels:
    """Pictures described by their grey values, but for pixels that are background in all of them.

    A description is a row of numbers that may be averaged and added up, and drawn as a picture again.
    """

    def learn(self, images: np.ndarray, levels: np.ndarray, n_levels: int) -> np.ndarray:
        """Find out what is background in uint8 images (n, height, width), and describe them."""
        self._find_inside(images)
        return self.describe(images, levels)

    def _find_inside(self, *sets: np.ndarray) -> None:
        self.size = sets[0].shape[1:]
        self.inside = np.any([(images > INK).any(axis=0) for images in sets], axis=0)
        self.inside |= ~self.inside.any()

    def describe(self, images: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return the description of uint8 images (n, height, width) at levels (n,): float32 (n, n_features)."""
        return images[:, self.inside] / np.float32(255)

    def depict(self, features: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Undo `describe`: return pictures, about 0 to 1, float32 (n, height, width)."""
        pictures = np.zeros((len(features), *self.size), dtype=np.float32)
        pictures[:, self.inside] = features
        return pictures

    def to_tensors(self, means: np.ndarray) -> dict[str, np.ndarray]:
        """Return what is saved: what was learned here, and mean descriptions of shape (..., n_features)."""
        pixels = np.rint(255 * means.clip(0, 1)).astype(np.uint8)  # a trend may lead beyond black or white
        return {"inside": self.inside, "mean": pixels}

    def from_tensors(self, tensors: dict[str, np.ndarray]) -> np.ndarray:
        """Undo `to_tensors`: return the means, float32."""
        self.inside = tensors["inside"]
        self.size = self.inside.shape
        return tensors["mean"] / np.float32(255)


@dataclass(eq=False, repr=False)
class SliceGaussian(ImageSynthesizer):
    """Mean of class and slice plus Gaussian noise in the space of principal components.

    Parameters
    ----------
    components : int
        Principal components; at most one less than there are pictures.
    groups : int
        Groups of people that the first 20 components are drawn from, each a Gaussian of its own: a mixture (McLachlan
        and Peel 2000); 1 is a plain Gaussian. There are fewer where one would hold fewer than 160 pictures.
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same pictures.

    Attributes
    ----------
    center_, mean_ : ndarray of float32, shape (n_classes, n_levels, ...)
        Mean description, and as a picture, 0 to 1. Small classes are drawn towards the line through all classes, so
        that no mean is the picture of one person.
    basis_ : ndarray of float32, shape (components, n_features)
        Directions in which people differ, in whole steps of `scale_`, 255 of them for the first 60 components and 15
        for the others: a model file shall be small.
    factor_, spread_ : ndarray of float32, shape (n_bins, ...)
        Root of the correlation of the scores in each bin of slices, and their standard deviation in each class.
    group_weight_, group_mean_, group_factor_ : ndarray of float32
        The mixture, in numbers that are standard normal where there is one group.
    brightness_ : ndarray of float32, shape (2, 1001)
        Quantiles of the pixels as drawn, and of the real ones that they are mapped to.
    """

    _description = Pixels

    components: int = 160
    groups: int = 1
    min_people: int | None = None
    random_state: int = 0

    def _check_parameters(self) -> None:
        for name in ("components", "groups"):
            check_whole(self, name, 1)

    def _fit_images(self, images: np.ndarray, labels: Labels, rng: np.random.Generator) -> None:
        self.learn(images, labels, (self.n_classes_, self.n_levels_), rng)

    def learn(self, images: np.ndarray, labels: Labels, sizes: tuple[int, int], rng: np.random.Generator) -> None:
        """Learn uint8 images (n, height, width) of so many classes and levels; `fit` is for people."""
        self.description_ = self._description()
        x = self.description_.learn(images, labels.levels, sizes[1])
        means = class_means(x, *labels, *sizes)
        # rounded as they are saved, so that a model and its file give the same pictures
        self.center_ = self.description_.from_tensors(self.description_.to_tensors(means))
        rest = x - self.center_[labels]
        n_components = min(self.components, len(x) - 1, x.shape[1])
        pca = PCA(n_components, svd_solver="randomized", random_state=int(rng.integers(2**31))).fit(rest)
        self._round_basis(pca.components_)
        scores = rest @ self.basis_.T
        self._learn_differences(scores, labels, *sizes)
        self._learn_groups(self._normals(scores, labels)[:, :_LEADING], rng)
        self._learn_brightness(images[::4], labels.at(slice(None, None, 4)), rng)
        self._draw_means()

    def _round_basis(self, components: np.ndarray) -> None:
        steps = np.where(np.arange(len(components)) < _FINE, _FINE_STEPS, _ROUGH_STEPS)[:, None]
        self.scale_ = (np.abs(components).max(axis=1, keepdims=True) / steps).astype(np.float32)
        self.basis_ = np.rint(components / self.scale_).astype(np.float32) * self.scale_

    def _learn_differences(self, scores: np.ndarray, labels: Labels, n_classes: int, n_levels: int) -> None:
        """Learn how much the scores differ between people, and which of them together; both in 16 bits."""
        spread, factor = [], []
        for b in range(-(-n_levels // _LEVELS_A_BIN)):
            here = labels.levels // _LEVELS_A_BIN == b
            if here.sum() < _FEWEST:
                here = np.ones(len(scores), dtype=bool)  # as everywhere
            spread.append(spreads(scores[here], labels.classes[here], n_classes).astype(np.float16).astype(np.float32))
            factor.append(root(scores[here] / spread[b][labels.classes[here]]).astype(np.float16).astype(np.float32))
        self.spread_, self.factor_ = np.stack(spread), np.stack(factor)

    def _learn_groups(self, leading: np.ndarray, rng: np.random.Generator) -> None:
        """Fit the mixture to the leading normal numbers of real people, float32 (n, 20); in 16 bits."""
        seed = int(rng.integers(2**31))
        parts = np.ones(1), np.zeros((1, leading.shape[1])), np.eye(leading.shape[1])[None]
        for groups in range(min(self.groups, len(leading) // _A_GROUP), 1, -1):
            mixture = GaussianMixture(groups, reg_covar=_LEAST_VARIANCE, random_state=seed).fit(leading.astype(float))
            if mixture.weights_.min() * len(leading) >= _A_GROUP:
                parts = mixture.weights_, mixture.means_, np.linalg.cholesky(mixture.covariances_)
                break
        for name, part in zip(_GROUPS, parts, strict=True):
            setattr(self, f"{name}_", part.astype(np.float16).astype(np.float32))

    def _learn_brightness(self, images: np.ndarray, labels: Labels, rng: np.random.Generator) -> None:
        drawn = np.concatenate([part for _, part in self._draw(self.normals(len(images), rng), labels)])
        inside, share = self.description_.inside, np.linspace(0, 1, _QUANTILES)
        quantiles = [np.quantile(drawn[:, inside], share), np.quantile(images[:, inside] / np.float32(255), share)]
        self.brightness_ = np.stack(quantiles).astype(np.float32)

    def _draw_means(self) -> None:
        n_classes, n_levels, n_features = self.center_.shape
        levels = np.tile(np.arange(n_levels), n_classes)
        means = self.description_.depict(self.center_.reshape(-1, n_features), levels).clip(0, 1)
        self.mean_ = means.reshape(n_classes, n_levels, *means.shape[1:])

    def _lit(self, pictures: np.ndarray) -> np.ndarray:
        """Give pictures the brightness of real ones; float32, background black."""
        return np.interp(pictures, *self.brightness_).astype(np.float32) * self.description_.inside

    def _draw(self, normal: np.ndarray, labels: Labels) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield, part by part, which rows and their pictures before the map of brightness, float32 (m, h, w)."""
        for first in range(0, len(normal), _CHUNK):
            rows = slice(first, first + _CHUNK)
            here = labels.at(rows)
            features = self.center_[here] + self.scores(normal[rows], here) @ self.basis_
            yield rows, self.description_.depict(features, here.levels)

    def normals(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """Draw what makes n people differ: normal numbers, of a group each, float32 (n, components)."""
        normal = rng.standard_normal((n, len(self.basis_)), dtype=np.float32)
        if len(self.group_weight_) > 1:
            group = rng.choice(len(self.group_weight_), n, p=self.group_weight_ / self.group_weight_.sum(dtype=float))
            leading = np.einsum("nij,nj->ni", self.group_factor_[group], normal[:, :_LEADING])
            normal[:, :_LEADING] = self.group_mean_[group] + leading
        return normal

    def scores(self, normal: np.ndarray, labels: Labels) -> np.ndarray:
        """Turn standard normal numbers into scores of principal components, float32 (n, components)."""
        scores, bins = np.empty_like(normal), labels.levels // _LEVELS_A_BIN
        for b in np.unique(bins):
            scores[bins == b] = normal[bins == b] @ self.factor_[b].T
        return scores * self.spread_[bins, labels.classes]

    def normals_of(self, images: np.ndarray, labels: Labels) -> np.ndarray:
        """Undo `scores` for real pictures, uint8 (n, height, width): float32 (n, components)."""
        return self._normals(self._off_mean(images, labels) @ self.basis_.T, labels)

    def _off_mean(self, images: np.ndarray, labels: Labels) -> np.ndarray:
        return self.description_.describe(images, labels.levels) - self.center_[labels]

    def log_density(self, images: np.ndarray, labels: Labels) -> np.ndarray:
        """Return how likely uint8 pictures (n, height, width) are, up to a constant, float64 (n,).

        Along the directions of the model they are normal. What lies beside them is noise of unknown variance, and
        weighs as much: pictures learned from lie nearer to the directions that were laid through them.
        """
        rest = self._off_mean(images, labels)
        scores = rest @ self.basis_.T
        along = (self._normals(scores, labels).astype(float) ** 2).sum(axis=1)
        beside = ((rest - scores @ self.basis_).astype(float) ** 2).sum(axis=1)
        return -(along + len(self.basis_) * np.log(beside + 1e-9)) / 2

    def _normals(self, scores: np.ndarray, labels: Labels) -> np.ndarray:
        bins = labels.levels // _LEVELS_A_BIN
        normal = scores / self.spread_[bins, labels.classes]
        for b in np.unique(bins):
            normal[bins == b] = np.linalg.solve(self.factor_[b], normal[bins == b].T).T
        return normal

    def blurred(self, normal: np.ndarray, labels: Labels) -> np.ndarray:
        """Return pictures as floats, 0 to 1, shape (n, box height, box width): what `ImageCGAN` starts from."""
        pictures = np.empty((len(normal), *self.description_.size), dtype=np.float32)
        for rows, drawn in self._draw(normal, labels):
            pictures[rows] = self._lit(drawn)
        return pictures

    def project(self, images: np.ndarray, labels: Labels) -> np.ndarray:
        """Return real pictures as blurred as this sampler would draw them, uint8, same shape."""
        seen = np.empty(images.shape, dtype=np.uint8)
        for first in range(0, len(images), _CHUNK):
            rows = slice(first, first + _CHUNK)
            here = labels.at(rows)
            rest = self._off_mean(images[rows], here) @ self.basis_.T @ self.basis_
            pictures = self.description_.depict(self.center_[here] + rest, here.levels)
            seen[rows] = np.rint(255 * self._lit(pictures))
        return seen

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
        labels, rng = Labels(np.asarray(classes)[person], level), np.random.default_rng(random_state)
        inside = self._render(self.normals(len(classes), rng)[person], labels, rng)
        return replace(self._dataset(labels, inside, rng), subjects=person)

    def _sampler(self) -> "SliceGaussian":
        return self

    def _render(self, normal: np.ndarray, labels: Labels, rng: np.random.Generator) -> np.ndarray:
        return np.rint(255 * self.blurred(normal, labels)).astype(np.uint8)

    def _get_images_state(self) -> tuple[dict, dict]:
        steps = np.rint(self.basis_ / self.scale_).astype(np.int8)
        groups = {name: getattr(self, f"{name}_").astype(np.float16) for name in _GROUPS}
        tensors = groups | {
            "brightness": self.brightness_,
            "scale": self.scale_,
            "fine": steps[:_FINE],
            "rough": _packed(steps[_FINE:]),
            "factor": self.factor_[:, *np.tril_indices(self.factor_.shape[1])].astype(np.float16),
            "spread": self.spread_.astype(np.float16),
        }
        return tensors | self.description_.to_tensors(self.center_), {}

    def _set_images_state(self, tensors: dict, extra: dict) -> None:
        self.description_ = self._description()
        self.center_ = self.description_.from_tensors(tensors)
        for name in ("brightness", "scale"):
            setattr(self, f"{name}_", tensors[name])
        fine = tensors["fine"]
        steps = np.concatenate([fine, _unpacked(tensors["rough"], fine.shape[1])])
        self.basis_ = steps.astype(np.float32) * self.scale_
        half = tensors["factor"].astype(np.float32)
        self.factor_ = np.zeros((len(half), len(steps), len(steps)), dtype=np.float32)
        self.factor_[:, *np.tril_indices(len(steps))] = half
        for name in ("spread", *_GROUPS):
            setattr(self, f"{name}_", tensors[name].astype(np.float32))
        self._draw_means()


def class_means(x: np.ndarray, classes: np.ndarray, levels: np.ndarray, n_classes: int, n_levels: int) -> np.ndarray:
    """Return the mean of every class at every level, small classes drawn towards the trend.

    The trend is the line through the means of the classes of a level, in their order, weighted by
    how many pictures each has. A class with ten pictures at a level lies half way to it.
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
    """Return the standard deviation of every score in every class, small classes drawn towards that of all."""
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


def _packed(steps: np.ndarray) -> np.ndarray:
    """Put two whole numbers from -7 to 7 into a byte, along rows; uint8."""
    nibbles = np.pad((steps + 8).astype(np.uint8), [(0, 0), (0, steps.shape[1] % 2)])
    return nibbles[:, ::2] << 4 | nibbles[:, 1::2]


def _unpacked(packed: np.ndarray, width: int) -> np.ndarray:
    """Undo `_packed`, for rows of that width; int8."""
    nibbles = np.stack([packed >> 4, packed & 15], axis=2).reshape(len(packed), 2 * packed.shape[1])[:, :width]
    return nibbles.astype(np.int8) - 8
