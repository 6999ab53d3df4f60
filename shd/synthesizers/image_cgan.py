"""`ImageCGAN`: a conditional GAN for pictures of few people, made for a small computer.

A statistical sampler (`SliceGaussian`) draws a blurred picture of the class and slice that are
asked for. A U-Net adds what is missing: edges, folds, grain. A discriminator looks at each picture
alone and at four of one class and slice together, and learns to tell real from generated ones; the
U-Net learns to fool it. Half of every batch begins from real pictures as blurred as the sampler
would draw them, and is drawn a little towards the real ones.

This game is played twice: at half the size, where most is decided and a step is cheap, and then at
full size, where the pictures of the first game, enlarged, are sharpened.

Where the parts come from:

* a pyramid of two sizes: Denton et al. 2015, *Deep Generative Image Models using a Laplacian Pyramid*;
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
from pathlib import Path

import numpy as np
import torch

from shd._errors import ShdError
from shd._grid import save_grid
from shd._processes import agree, join, rank
from shd._progress import notice, progress
from shd.dataset import Dataset
from shd.synthesizers._filter import under
from shd.synthesizers._image_game import ImageGame
from shd.synthesizers._image_nets import Refiner
from shd.synthesizers._image_stages import Plan, SamplerStart, Stage, StageStart, reduced
from shd.synthesizers._jpeg import as_stored
from shd.synthesizers._training import Checkpoint, Clock, fingerprint, seconds_per_call
from shd.synthesizers.image_base import ImageSynthesizer
from shd.synthesizers.slice_gaussian import SliceGaussian, check_whole

_FEWEST = 5  # pictures a slice, below which a class is learned together with its neighbour
_PREVIEWS = 20  # grids of samples a fit, at even distances
_CHUNK = 64  # pictures sampled at once
_TRIAL, _TRIED = 640, 4  # pictures that `steps_for` tries a few steps with, and steps tried of each stage
_TWO_STAGES_FROM = 64  # pixels a side: smaller pictures are drawn at once
_PRECISIONS = ("auto", "float32", "bfloat16")


class ImageCGAN(ImageSynthesizer):
    """Conditional GAN for grey pictures, by class and slice.

    A class of fewer than five people is judged together with its neighbour: only its blurred
    pictures are its own, so that nobody's picture is learned by heart.

    Parameters
    ----------
    steps : int
        Training steps at half the size; `steps_for` turns minutes into steps.
    width : int
        Channels of both networks at their finest grid; coarser ones have two, three and four times as many.
    sharp_share : float
        Steps at full size, as a share of `steps`. Pictures below 64 pixels a side are learned at full
        size only, in `steps` steps.
    sharp_width : int
        As `width`, at full size.
    components : int
        Principal components of the sampler that it starts from.
    batch, pack : int
        Pictures a step, and pictures that the discriminator judges together.
    likeness_weight, shape_weight : float
        How strongly pictures that began from a real one are drawn towards it, and how strongly the
        others keep their coarse shape.
    gradient_penalty : float
        Weight of R1 and R2.
    learning_rate : float
        Of Adam, for both networks; it falls to zero over the last 40 % of the steps.
    average : float
        How much of the averaged generator stays at each step.
    jpeg_quality : int, optional
        Quality, 1 to 100, of the JPEG files that the real pictures come in; None where they do not.
    precision : {"auto", "float32", "bfloat16"}
        Of the networks. bfloat16 is twice as fast where the processor knows it, and ``"auto"`` takes it
        there.
    device : str
        ``"cpu"``, ``"cuda"``, or ``"auto"``: a GPU where there is one. Several processes started by
        ``torchrun`` share the work, on one machine or more; see `shd._processes`.
    random_state : int
        The same seed gives the same model on the same machine, and the same pictures.

    Attributes
    ----------
    start_ : SliceGaussian
        The sampler of blurred pictures, at the size of the first stage.
    stages_ : list of Stage
        What draws: each stage starts from the one before, the first from `start_`.
    class_of_ : ndarray of int, shape (n_classes,)
        The class as which the networks know each class.
    steps_ : int
        Steps taken, in all stages.
    seconds_a_step_ : list of float
        Of each stage, as tried before the fit.
    seconds_ : tuple of float
        Wall and CPU seconds of the fit, those before an interruption included.
    """

    few_steps = 100

    def __init__(
        self,
        steps: int = 3000,
        width: int = 48,
        sharp_share: float = 0.3,
        sharp_width: int = 24,
        components: int = 100,
        batch: int = 32,
        pack: int = 4,
        likeness_weight: float = 6.0,
        shape_weight: float = 1.0,
        gradient_penalty: float = 0.2,
        learning_rate: float = 3e-4,
        average: float = 0.998,
        jpeg_quality: int | None = 90,
        precision: str = "auto",
        device: str = "auto",
        random_state: int = 0,
    ):
        self.steps = steps
        self.width = width
        self.sharp_share = sharp_share
        self.sharp_width = sharp_width
        self.components = components
        self.batch = batch
        self.pack = pack
        self.likeness_weight = likeness_weight
        self.shape_weight = shape_weight
        self.gradient_penalty = gradient_penalty
        self.learning_rate = learning_rate
        self.average = average
        self.jpeg_quality = jpeg_quality
        self.precision = precision
        self.device = device
        self.random_state = random_state

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

        Returns
        -------
        self
        """
        self._checkpoint, self._preview = checkpoint, preview
        try:
            return super().fit(data)
        finally:
            del self._checkpoint, self._preview

    def _check_parameters(self) -> None:
        for name, least in {"steps": 1, "width": 4, "sharp_width": 4, "components": 1, "batch": 2, "pack": 1}.items():
            check_whole(self, name, least)
        if self.batch < 2 * self.pack:
            raise ShdError(f"batch={self.batch} must hold two packs of {self.pack} pictures; give {2 * self.pack} up.")
        if not 0 < self.sharp_share <= 10:
            raise ShdError(f"sharp_share={self.sharp_share!r} must be more than 0, for example 0.3, and 10 at most.")
        if self.precision not in _PRECISIONS:
            raise ShdError(f"precision={self.precision!r} is not one of {', '.join(_PRECISIONS)}.")
        if self.jpeg_quality is not None and not 1 <= self.jpeg_quality <= 100:
            raise ShdError(f"jpeg_quality={self.jpeg_quality!r} must be a whole number from 1 to 100, or None.")

    def _fit_images(
        self, images: np.ndarray, classes: np.ndarray, levels: np.ndarray, rng: np.random.Generator
    ) -> None:
        plans = self._plans(images.shape[1:])
        sizes = [reduced(images), images][-len(plans) :]
        self._begin(sizes[0], classes, levels, rng)
        seconds = self.seconds_a_step_ = self._time(plans, sizes, classes, levels)
        whole = sum(plan.steps * of_stage for plan, of_stage in zip(plans, seconds, strict=True))
        notice(f"ImageCGAN: {' + '.join(f'{plan.steps:,}' for plan in plans)} steps, about {whole / 60:.1f} minutes.")
        checkpoint = Checkpoint(self._checkpoint, fingerprint(self.get_params(), images, classes, levels))
        saved = checkpoint.load() or {"games": [], "seconds": (0.0, 0.0)}
        clock, states, stopped = Clock(*saved["seconds"]), saved["games"], False
        with progress(whole, "Fitting ImageCGAN") as bar:
            for k, (plan, pictures) in enumerate(zip(plans, sizes, strict=True)):
                game = self._game(plan, pictures, classes, levels)
                if k < len(states):
                    game.resume(states[k])
                    notice(f"Going on at step {game.step_:,} of {plan.steps:,} from {checkpoint.path}.")
                every = max(1, plan.steps // _PREVIEWS)
                try:
                    bar.advance(game.step_ * seconds[k], note=f"stage {k + 1} of {len(plans)}")
                    while game.step_ < plan.steps and not stopped:
                        game.step()
                        bar.advance(seconds[k])
                        if game.step_ % every == 0:
                            self._show(game)
                        if rank() == 0 and (checkpoint.is_due() or game.step_ == plan.steps):
                            states[k:] = [game.state()]
                            checkpoint.save({"games": states, "seconds": clock.read()})
                except KeyboardInterrupt:
                    stopped = True
                    notice(f"Stopped at step {game.step_:,} of {plan.steps:,}; what was learned so far is kept.")
                self.stages_.append(self._stage(game))
                self.steps_ += game.step_
        for stage in self.stages_:
            stage.net.cpu()
        self.seconds_ = clock.read()

    def _plans(self, size: tuple[int, int]) -> list[Plan]:
        """Return one plan a stage; small pictures are drawn in one."""
        if min(size) < _TWO_STAGES_FROM:
            return [Plan(self.steps, self.width, True)]
        sharpening = max(1, round(self.sharp_share * self.steps))
        return [Plan(self.steps, self.width, False), Plan(sharpening, self.sharp_width, True)]

    def _begin(self, images: np.ndarray, classes: np.ndarray, levels: np.ndarray, rng: np.random.Generator) -> None:
        """Fit the sampler that the first stage starts from."""
        # None means another model each time; what is drawn here is used all through
        self.seed_ = int(rng.integers(2**31)) if self.random_state is None else int(self.random_state)
        self.device_, self.stages_, self.steps_ = join(self.device), [], 0
        self.start_ = SliceGaussian(self.components)
        self.start_.learn(images, classes, levels, self.n_classes_, self.n_levels_, np.random.default_rng(self.seed_))
        self.class_of_ = _judged_as(classes, levels, self.n_classes_)

    def _game(self, plan: Plan, images: np.ndarray, classes: np.ndarray, levels: np.ndarray) -> ImageGame:
        """Return the game of the stage that comes after those that are finished."""
        start = StageStart(self.stages_[-1]) if self.stages_ else SamplerStart(self.start_)
        return ImageGame(self, start, plan, images, self.class_of_[classes], levels)

    def _stage(self, game: ImageGame) -> Stage:
        """Return what a game has taught, rounded as it is saved: a model and its file give the same pictures."""
        return Stage(game.start, copy.deepcopy(game.average).half().float(), self.class_of_, self.precision)

    def _time(self, plans: list[Plan], sizes: list[np.ndarray], classes: np.ndarray, levels: np.ndarray) -> list[float]:
        """Try a few steps of each stage; return the seconds of one."""
        seconds, trial = [], copy.copy(self)
        trial.stages_ = []
        for plan, images in zip(plans, sizes, strict=True):
            game = trial._game(plan, images, classes, levels)
            seconds.append(seconds_per_call(game.step, calls=_TRIED - 1))
            trial.stages_.append(trial._stage(game))
        return seconds

    def _show(self, game: ImageGame) -> None:
        """Write a grid: a row a class, slices from low to high."""
        if self._preview is None or rank():
            return
        levels = np.linspace(0, self.n_levels_ - 1, min(8, self.n_levels_)).round().astype(int)
        classes, levels = (side.ravel() for side in np.meshgrid(np.arange(self.n_classes_), levels, indexing="ij"))
        normal = self.start_.normals(len(classes), np.random.default_rng(0))
        drawn = self._stage(game).draw(normal, classes, levels, torch.Generator().manual_seed(0))
        save_grid(self._preview, as_bytes(drawn), self.n_classes_)

    def steps_for(self, data: Dataset, minutes: float) -> int:
        """Return how many steps of the first stage this machine takes in that many minutes, with those of the second.

        It tries a few of each.
        """
        rows = np.linspace(0, len(data) - 1, min(len(data), _TRIAL)).astype(int)
        trial, began = copy.deepcopy(self).set_params(steps=1), time.perf_counter()
        with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the fit itself will say all that
            trial.fit(data.take(rows))
        tried = (_TRIED + 1) * sum(trial.seconds_a_step_)
        to_start = (time.perf_counter() - began - tried) * len(data) / len(rows)
        shares = [1.0, self.sharp_share][: len(trial.seconds_a_step_)]
        a_step = sum(share * seconds for share, seconds in zip(shares, trial.seconds_a_step_, strict=True))
        return agree(max(1, int(0.95 * (60 * minutes - to_start) / a_step)))

    def _sampler(self) -> SliceGaussian:
        return self.start_

    def _render(
        self, normal: np.ndarray, classes: np.ndarray, levels: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        noise_rng, parts = torch.Generator().manual_seed(int(rng.integers(2**62))), []
        for first in range(0, len(normal), _CHUNK):
            rows = slice(first, first + _CHUNK)
            drawn = self.stages_[-1].draw(normal[rows], classes[rows], levels[rows], noise_rng)
            parts.append(as_bytes(as_stored(drawn, self.jpeg_quality) if self.jpeg_quality else drawn))
        return np.concatenate(parts)

    def _get_images_state(self) -> tuple[dict, dict]:
        start, _ = self.start_._get_images_state()
        tensors = {f"start.{k}": v for k, v in start.items()}
        for k, stage in enumerate(self.stages_, 1):
            tensors |= {f"stage {k}.{name}": v.half() for name, v in stage.net.state_dict().items()}
        extra = {"class_of": self.class_of_.tolist(), "steps": self.steps_, "seconds": list(self.seconds_)}
        return tensors, extra

    def _set_images_state(self, tensors: dict, extra: dict) -> None:
        self.start_ = SliceGaussian(self.components)
        self.start_._set_images_state(under("start.", tensors), {})
        self.class_of_, self.steps_ = np.array(extra["class_of"]), extra["steps"]
        self.seconds_ = tuple(extra["seconds"])
        self.stages_, start = [], SamplerStart(self.start_)
        for k, plan in enumerate(self._plans(tuple(b - a for a, b in (self.box_[:2], self.box_[2:]))), 1):
            net = Refiner(self.n_classes_, self.n_levels_, plan.width).requires_grad_(False)
            net.load_state_dict({name: v.float() for name, v in under(f"stage {k}.", tensors).items()})
            net.to(memory_format=torch.channels_last)
            self.stages_.append(Stage(start, net, self.class_of_, self.precision))
            start = StageStart(self.stages_[-1])


def as_bytes(drawn: torch.Tensor) -> np.ndarray:
    """Return pictures, 0 to 1, shape (n, 1, height, width), as uint8 of shape (n, height, width)."""
    return (drawn.clamp(0, 1) * 255).round().byte()[:, 0].numpy()


def _judged_as(classes: np.ndarray, levels: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the class as which each class is judged: itself, or its nearest neighbour of enough people."""
    n_levels = max(1, len(np.unique(levels)))
    enough = np.flatnonzero(np.bincount(classes, minlength=n_classes) >= _FEWEST * n_levels)
    if not len(enough):
        return np.zeros(n_classes, dtype=np.int64)
    return enough[np.abs(np.arange(n_classes)[:, None] - enough).argmin(axis=1)]
