"""`ImageCGAN`: a conditional GAN for pictures of few people, made for a small computer.

A statistical sampler (`ActiveAppearance`) draws a blurred picture of the class and slice that are asked for. A U-Net
adds what is missing: edges, folds, grain. A discriminator looks at each picture alone and at four of one class and
slice together, and learns to tell real from generated ones; the U-Net learns to fool it. Half of every batch begins
from real pictures as blurred as the sampler would draw them, and is drawn a little towards the real ones.

Where the parts come from:

* packs, which show the discriminator a lost variety: Lin et al. 2018, *PacGAN*;
* relativistic loss: Jolicoeur-Martineau 2018; with R1 and R2 penalties: Huang et al. 2024, *The GAN
  is dead; long live the GAN*;
* a network that adds to a blurred picture: Ledig et al. 2017, *SRGAN*; Isola et al. 2017, *pix2pix*;
* the same changes to real and generated pictures: Zhao et al. 2020, *Differentiable Augmentation*;
* averaged generator: Yazici et al. 2019, *The Unusual Effectiveness of Averaging in GAN Training*.
"""

import contextlib
import copy
import io
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from shd._errors import ShdError
from shd._processes import agree, check_device, join, rank
from shd._progress import notice, progress
from shd.dataset import Dataset
from shd.plot import save_grid
from shd.synthesizers._training import Checkpoint, Clock, fingerprint, seconds_per_call, under
from shd.synthesizers.active_appearance import ActiveAppearance
from shd.synthesizers.base import check_whole
from shd.synthesizers.image_base import ImageSynthesizer, Labels
from shd.synthesizers.image_game import ImageGame, Refiner, as_stored, halved

_FEWEST = 5  # pictures a slice, below which a class is learned together with its neighbour
_PREVIEWS = 20  # grids of samples a fit, at even distances
_GROUPS = 8  # groups of people that the sampler knows; about twenty people each of those of the MRI challenge
_CHUNK = 64  # pictures sampled at once
_TRIAL = 640  # pictures that `steps_for` tries a few steps with
_PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(eq=False, repr=False)
class ImageCGAN(ImageSynthesizer):
    """Conditional GAN for grey pictures, by class and slice.

    A class of fewer than five people is judged together with its neighbour: only its blurred
    pictures are its own, so that nobody's picture is learned by heart.

    Parameters
    ----------
    steps : int
        Training steps; `set_minutes` turns minutes into steps.
    width, components : int
        Channels of both networks at their finest grid; coarser ones have two, three and four times as many. And
        principal components of the sampler that it starts from.
    batch, pack : int
        Pictures a step, and pictures that the discriminator judges together.
    likeness_weight, shape_weight : float
        How strongly pictures that began from a real one are drawn towards it, and how strongly the
        others keep their coarse shape.
    gradient_penalty : float
        Weight of R1 and R2.
    learning_rate, average : float
        Of Adam, for both networks; it falls to zero over the last 40 % of the steps. And how much of the averaged
        generator stays at each step.
    jpeg_quality : int, optional
        Quality, 1 to 100, of the JPEG files that the real pictures come in; None where they do not.
    precision : {"auto", "float32", "bfloat16"}
        Of the networks. bfloat16 is twice as fast where the processor knows it, and ``"auto"`` takes it there.
    device : str
        ``"cpu"``, ``"cuda"``, or ``"auto"``: a GPU where there is one. Several processes started by
        ``torchrun`` share the work, on one machine or more; see `shd._processes`.
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same model on the same machine, and the same pictures.

    Attributes
    ----------
    start_ : ActiveAppearance
        The sampler of blurred pictures.
    class_of_ : ndarray of int, shape (n_classes,)
        The class as which the networks know each class.
    steps_, seconds_ : int, tuple of float
        Steps taken, and wall and CPU seconds of the fit, those before an interruption included.
    """

    few_steps = 100

    steps: int = 3000
    width: int = 32
    components: int = 300
    batch: int = 32
    pack: int = 4
    likeness_weight: float = 6.0
    shape_weight: float = 1.0
    gradient_penalty: float = 0.03
    learning_rate: float = 3e-4
    average: float = 0.998
    jpeg_quality: int | None = 90
    precision: str = "auto"
    device: str = "auto"
    min_people: int | None = None
    random_state: int = 0

    def fit(self, data: Dataset, checkpoint: str | Path | None = None, preview: str | Path | None = None):
        """Learn from pictures; Ctrl-C stops early and keeps what was learned.

        Parameters
        ----------
        data : Dataset
            See `ImageSynthesizer.fit`. Never give it the holdout.
        checkpoint : path, optional
            File to keep the training state in. If it is there, training goes on from it, and ends
            with the same model as without interruption. It holds no pictures.
        preview : path, optional
            PNG file that a grid of samples is written to, twenty times a fit.
        """
        self._checkpoint, self._preview = checkpoint, preview
        try:
            return super().fit(data)
        finally:
            del self._checkpoint, self._preview

    def _check_parameters(self) -> None:
        for name, least in {"steps": 1, "width": 4, "components": 1, "batch": 2, "pack": 1}.items():
            check_whole(self, name, least)
        if self.batch < 2 * self.pack:
            raise ShdError(f"batch={self.batch} must hold two packs of {self.pack} pictures; give {2 * self.pack} up.")
        check_device(self.device)
        if self.precision not in _PRECISIONS:
            raise ShdError(f"precision={self.precision!r} is not one of {', '.join(_PRECISIONS)}.")
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise ShdError(f"jpeg_quality={self.jpeg_quality!r} must be a whole number from 1 to 100, or None.")

    def _fit_images(self, images: np.ndarray, labels: Labels, rng: np.random.Generator) -> None:
        began = time.perf_counter()
        self._start(images, labels, rng)
        sizes = {"n_classes": self.n_classes_, "n_levels": self.n_levels_}
        settings = SimpleNamespace(**self.get_params(), **sizes, seed=self.seed_)
        game = ImageGame(
            settings, self.start_, images, Labels(self.class_of_[labels.classes], labels.levels), self.device_
        )
        self.seconds_to_start_, untouched = time.perf_counter() - began, copy.deepcopy(game.state())
        self.seconds_per_step_ = seconds_per_call(game.step, calls=3)
        notice(f"ImageCGAN: {self.steps:,} steps, about {self.steps * self.seconds_per_step_ / 60:.1f} minutes.")
        checkpoint = Checkpoint(self._checkpoint, fingerprint(self.get_params(), images, *labels))
        clock = Clock()
        saved = checkpoint.load()
        game.resume(untouched if saved is None else saved["game"])
        if saved is not None:
            clock = Clock(*saved["seconds"])
            notice(f"Going on at step {game.step_:,} of {self.steps:,} from {checkpoint.path}.")
        every = max(1, self.steps // _PREVIEWS)
        try:
            with progress(self.steps, "Fitting ImageCGAN") as bar:
                bar.advance(game.step_)
                while game.step_ < self.steps:
                    game.step()
                    bar.advance(1)
                    if game.step_ % every == 0:
                        self._show(game)
                    if rank() == 0 and (checkpoint.is_due() or game.step_ == self.steps):
                        checkpoint.save({"game": game.state(), "seconds": clock.read()})
        except KeyboardInterrupt:
            notice(f"Stopped at step {game.step_:,} of {self.steps:,}; what was learned so far is kept.")
        # rounded as it is saved, so that a model and its file give the same pictures
        self.generator_ = game.average.cpu().half().float()
        self.steps_, self.seconds_ = game.step_, clock.read()

    def _start(self, images: np.ndarray, labels: Labels, rng: np.random.Generator) -> None:
        """Fit the sampler that the game starts from."""
        # None means another model each time; what is drawn here is used all through
        self.seed_ = int(rng.integers(2**31)) if self.random_state is None else int(self.random_state)
        self.device_ = join(self.device)
        self.start_ = ActiveAppearance(self.components, _GROUPS)
        self.start_.learn(images, labels, (self.n_classes_, self.n_levels_), np.random.default_rng(self.seed_))
        self.class_of_ = _judged_as(*labels, self.n_classes_)

    def _show(self, game: ImageGame) -> None:
        """Write a grid: a row a class, slices from low to high."""
        if self._preview is None or rank():
            return
        self.generator_ = game.average
        levels = np.linspace(0, self.n_levels_ - 1, min(8, self.n_levels_)).round().astype(int)
        labels = Labels(*(side.ravel() for side in np.meshgrid(np.arange(self.n_classes_), levels, indexing="ij")))
        rng = np.random.default_rng(0)
        pictures = self._render(self.start_.normals(len(labels.classes), rng), labels, rng)
        save_grid(self._preview, pictures, self.n_classes_)

    def steps_for(self, data: Dataset, minutes: float) -> int:
        """Return how many steps this machine takes in that many minutes (it tries a few)."""
        rows = np.linspace(0, len(data) - 1, min(len(data), _TRIAL)).astype(int)
        trial, began = copy.deepcopy(self).set_params(steps=1), time.perf_counter()
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the fit itself will say all that
            trial.fit(data.take(rows))
        to_start = time.perf_counter() - began - 5 * trial.seconds_per_step_  # of that, most is for any number of rows
        to_start += trial.seconds_to_start_ * (len(data) / len(rows) - 1)
        return agree(max(1, int(0.95 * (60 * minutes - to_start) / trial.seconds_per_step_)))

    def _sampler(self) -> ActiveAppearance:
        return self.start_

    @torch.no_grad()
    def _render(self, normal: np.ndarray, labels: Labels, rng: np.random.Generator) -> np.ndarray:
        blurred = self.start_.blurred(normal, labels)
        noise_rng = torch.Generator().manual_seed(int(rng.integers(2**62)))
        device = next(self.generator_.parameters()).device
        pictures = np.empty(blurred.shape, dtype=np.uint8)
        for first in range(0, len(blurred), _CHUNK):
            rows = slice(first, first + _CHUNK)
            base = torch.from_numpy(blurred[rows])[:, None].to(device)
            mean = torch.from_numpy(self.start_.mean_[labels.at(rows)])[:, None].to(device)
            of_class = torch.from_numpy(self.class_of_[labels.classes[rows]]).to(device)
            noise = self.generator_.draw_noise(len(base), *base.shape[2:], noise_rng, device)
            with halved(self.precision, device):
                drawn = self.generator_(base, mean, noise, of_class, torch.from_numpy(labels.levels[rows]).to(device))
            drawn = as_stored(drawn, self.jpeg_quality) if self.jpeg_quality else drawn
            pictures[rows] = (drawn.clamp(0, 1) * 255).round().byte()[:, 0].cpu().numpy()
        return pictures

    def _get_images_state(self) -> tuple[dict, dict]:
        start, _ = self.start_._get_images_state()
        tensors = {f"generator.{k}": v.half().numpy() for k, v in self.generator_.state_dict().items()}
        extra = {"class_of": self.class_of_.tolist(), "steps": self.steps_, "seconds": list(self.seconds_)}
        return tensors | {f"start.{k}": v for k, v in start.items()}, extra

    def _set_images_state(self, tensors: dict, extra: dict) -> None:
        self.start_ = ActiveAppearance(self.components)
        self.start_._set_images_state(under("start.", tensors), {})
        self.class_of_, self.steps_ = np.array(extra["class_of"]), extra["steps"]
        self.seconds_ = tuple(extra["seconds"])
        self.generator_ = Refiner(self.n_classes_, self.n_levels_, self.width).requires_grad_(False)
        self.generator_.load_state_dict({k: torch.tensor(v).float() for k, v in under("generator.", tensors).items()})
        self.generator_.to(memory_format=torch.channels_last)


def _judged_as(classes: np.ndarray, levels: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the class as which each class is judged: itself, or its nearest neighbour of enough people."""
    n_levels = max(1, len(np.unique(levels)))
    enough = np.flatnonzero(np.bincount(classes, minlength=n_classes) >= _FEWEST * n_levels)
    if not len(enough):
        return np.zeros(n_classes, dtype=np.int64)
    return enough[np.abs(np.arange(n_classes)[:, None] - enough).argmin(axis=1)]
