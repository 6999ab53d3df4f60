"""`ImageSynthesizer`: what every family of images shares. Conditions, checks, and Datasets of pictures."""

import json
from typing import NamedTuple

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import DataCard, Dataset
from shd.synthesizers._conditions import Conditions
from shd.synthesizers._protect import people_of
from shd.synthesizers.base import Synthesizer, plain_number
from shd.tables.identify import identify

INK = 16  # of 255: what is darker in every picture is background, and left black
_STEP = 8  # pixels: networks halve pictures up to three times, and JPEG files hold blocks of eight

LEVEL = "slice"
"""Column that says how high in the head a picture lies; a Dataset without it has one level."""


class Labels(NamedTuple):
    """Class and slice of some pictures, int64, shape (n,) each: they index what is learned of both."""

    classes: np.ndarray
    levels: np.ndarray

    def at(self, rows: slice | np.ndarray) -> "Labels":
        """Return those of some pictures."""
        return Labels(self.classes[rows], self.levels[rows])


class ImageSynthesizer(Synthesizer, abstract=True):
    """Base of all families of images: ``fit`` learns a Dataset with images, ``sample`` gives another.

    What can be asked for is the class (the target of the Dataset) and, where there is a column ``slice``, the slice. A
    family writes `_fit_images`, `_sampler`, `_render`, `_get_images_state` and `_set_images_state`.

    Attributes
    ----------
    size_ : tuple of int
        Height and width of the pictures, in pixels.
    box_ : tuple of int
        Top, bottom, left and right of what is learned and sampled: outside, all pictures are black.
        All four are multiples of eight pixels.
    n_classes_, n_levels_ : int
        Classes, and slices, that it was fitted with.
    """

    def fit(self, data: Dataset) -> "ImageSynthesizer":
        """Learn from pictures.

        Parameters
        ----------
        data : Dataset
            With images, a categorical target, and nothing but target and ``slice`` in its frame, and columns that
            identify people, such as file names: these are dropped, with a warning. Never give it the holdout.
        """
        _check_pictures(data)
        self._data = data
        try:
            super().fit(data)
        finally:
            del self._data  # a model keeps no pictures
        self.card_, self.name_, self.target_ = data.card, data.name, data.target
        self._become_the_file()
        return self

    def _become_the_file(self) -> None:
        """Take over what a model file would give back, to the last bit: JPEG turns the smallest into levels."""
        tensors, extra = self._get_state()
        tensors = {name: np.array(tensor, order="C") for name, tensor in tensors.items()}
        self._set_state(tensors, json.loads(json.dumps(extra, default=plain_number)))

    def _learn_rules(self, frame: pd.DataFrame, people: np.ndarray) -> tuple:
        return ()  # class and slice come as asked

    def sample(self, n: int, condition: dict | pd.DataFrame | None = None, random_state: int | None = None) -> Dataset:
        """Give synthetic pictures; see `Synthesizer.sample` for the arguments.

        Returns
        -------
        Dataset
            Source ``synthetic``; `images` is uint8 of shape (n, height, width), and the frame tells
            class and slice of each. Without a condition both come as often as in train.
        """
        self._check_fitted()
        rng = self._check_sample(n, random_state)
        codes = self.conditions_.draw(int(n), condition, self.encoder_, rng)
        labels = self._labels(codes)
        return self._dataset(labels, self._render(self._sampler().normals(len(codes), rng), labels, rng), rng)

    def log_score(self, data: Dataset) -> np.ndarray:
        """Say how likely pictures are to the sampler that the family starts from; see `Synthesizer.log_score`.

        A log density of what makes people differ, up to a constant, shape (n,).
        """
        self._check_fitted()
        names = [name for name in self.encoder_.names if name in data.frame]
        if len(names) < len(self.encoder_.names) or data.images is None or data.images.shape[1:] != self.size_:
            raise ShdError("the model can only be asked about pictures of the kind that it learned.")
        codes = self.encoder_.transform(data.frame[names])
        return self._sampler().log_density(self._inside(_padded(data.images)), self._labels(codes))

    def _dataset(self, labels: Labels, inside: np.ndarray, rng: np.random.Generator) -> Dataset:
        """Put what was drawn inside the box into whole pictures, and say what they are."""
        held = [labels.classes if name == self.target_ else labels.levels for name in self.encoder_.names]
        images = _padded(np.zeros((len(inside), *self.size_), dtype=np.uint8))
        self._inside(images)[:] = inside
        images = images[:, : self.size_[0], : self.size_[1]]
        roles = {"target": self.target_, "name": self.name_, "card": self.card_}
        return Dataset(self.encoder_.inverse(np.stack(held, axis=1), rng), source="synthetic", images=images, **roles)

    def _condition_columns(self, data: Dataset, frame: pd.DataFrame) -> tuple[str, ...]:
        return tuple(frame.columns)

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        self.target_, self.size_ = self._data.target, self._data.images.shape[1:]
        self.conditions_, _ = Conditions.learn(
            self.encoder_.whole, codes, self._people, self.protection_.done.min_people
        )
        self._count()
        images = _padded(self._data.images)
        self.box_ = _content(images)
        self._fit_images(self._inside(images), self._labels(codes), rng)

    def _inside(self, images: np.ndarray) -> np.ndarray:
        top, bottom, left, right = self.box_
        return images[:, top:bottom, left:right]

    def _count(self) -> None:
        sizes = dict(zip(self.encoder_.names, self.encoder_.sizes, strict=True))
        self.n_classes_, self.n_levels_ = sizes[self.target_], sizes.get(LEVEL, 1)

    def _labels(self, codes: np.ndarray) -> Labels:
        names = self.encoder_.names
        level = codes[:, names.index(LEVEL)] if LEVEL in names else np.zeros(len(codes), dtype=np.int64)
        return Labels(codes[:, names.index(self.target_)].astype(np.int64), level.astype(np.int64))

    def _get_state(self) -> tuple[dict, dict]:
        tensors, extra = self._get_images_state()
        known = {
            "target": self.target_,
            "name": self.name_,
            "card": vars(self.card_),
            "size": list(self.size_),
            "box": list(self.box_),
            **self.conditions_.to_dict(),
        }
        return tensors, {**known, "images": extra}

    def _set_state(self, tensors: dict, extra: dict) -> None:
        self.target_, self.name_, self.size_ = extra["target"], extra["name"], tuple(extra["size"])
        self.box_ = tuple(extra["box"])
        self.card_ = DataCard(**{**extra["card"], "notes": tuple(extra["card"]["notes"])})
        self.conditions_ = Conditions.from_dict(extra)
        self._count()
        self._set_images_state(tensors, extra["images"])

    # What a family adds ------------------------------------------------------------------------

    def _fit_images(self, images: np.ndarray, labels: Labels, rng: np.random.Generator) -> None:
        """Learn uint8 images (n, box height, box width) with their class and slice."""
        raise NotImplementedError

    def _sampler(self) -> "ImageSynthesizer":
        """Return the `SliceGaussian` that the family starts from, or is."""
        raise NotImplementedError

    def _render(self, normal: np.ndarray, labels: Labels, rng: np.random.Generator) -> np.ndarray:
        """Return uint8 images (n, box height, box width) from what makes people differ, see `SliceGaussian.normals`."""
        raise NotImplementedError

    def _get_images_state(self) -> tuple[dict, dict]:
        raise NotImplementedError

    def _set_images_state(self, tensors: dict, extra: dict) -> None:
        raise NotImplementedError


def _padded(images: np.ndarray) -> np.ndarray:
    """Return images with black below and to the right, up to whole steps."""
    return np.pad(images, [(0, 0), *((0, -side % _STEP) for side in images.shape[1:])])


def _content(images: np.ndarray) -> tuple[int, int, int, int]:
    """Return the smallest box, in steps, around everything that is not background in some picture."""
    inked = images.max(axis=0) > INK
    box = []
    for axis in (1, 0):
        where = np.flatnonzero(inked.any(axis=axis))
        first, last = (where[0], where[-1]) if len(where) else (0, inked.shape[1 - axis] - 1)
        box += [int(first) // _STEP * _STEP, (int(last) // _STEP + 1) * _STEP]
    return tuple(box)


def _check_pictures(data: Dataset) -> None:
    if not isinstance(data, Dataset) or data.images is None:
        raise ShdError("this family learns pictures, not tables: choose TabularCGAN, or give a Dataset with images.")
    if data.target is None:
        raise ShdError("the pictures have no class: name the column of their class as the target of the Dataset.")
    of_people = [one.column for one in identify(data.frame, people_of(data))]  # file names above all: they are dropped
    others = [column for column in data.frame.columns if column not in (data.target, LEVEL, *of_people)]
    if others:
        raise ShdError(f"column {others[0]!r}: pictures are learned by class and {LEVEL} alone; drop it.")
    frame = data.frame.drop(columns=[column for column in of_people if column in data.frame and column != data.target])
    if frame.isna().any(axis=None):
        column = frame.columns[frame.isna().any()][0]
        raise ShdError(f"column {column!r} has missing values; fill or drop those pictures.")
    if min(data.images.shape[1:]) < 16:
        height, width = data.images.shape[1:]
        raise ShdError(f"pictures of {height} x {width} pixels are too small to learn from; 16 x 16 at least.")
