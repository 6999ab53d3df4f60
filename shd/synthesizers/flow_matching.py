"""`FlowMatching`: a small flow-matching model of pictures, in the space of principal components.

A network learns a velocity: where a point of Gaussian noise has to go to become a person. To sample
is to follow it from noise (time 0) to data (time 1). Diffusion models do the same on a curved way;
here the ways are straight lines (Lipman et al. 2023, *Flow Matching for Generative Modeling*, arXiv
2210.02747; Liu et al. 2023, *Flow Straight and Fast*, arXiv 2209.03003).

It starts where `SliceGaussian` ends: a velocity of zero gives that model's pictures, so that all it
learns is what is not Gaussian in how people differ. Its pictures stay as blurred as those, for they
have as many components: sharp ones would take a network over pixels, and days on a small computer.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from shd._progress import notice, progress
from shd.synthesizers._training import under
from shd.synthesizers.base import check_whole
from shd.synthesizers.image_base import ImageSynthesizer, Labels
from shd.synthesizers.slice_gaussian import SliceGaussian

_BATCH = 256
_RATE, _AVERAGE = 1e-3, 0.99
_WAVES = 16  # sines and cosines that tell the network the time
_NUDGE = 0.1  # noise on the data, so that no point is learned by heart


class _Velocity(nn.Module):
    """Velocity at a point and time, for a class and slice: three residual layers."""

    def __init__(self, components: int, n_classes: int, n_levels: int, width: int):
        super().__init__()
        self.of_class, self.of_level = nn.Embedding(n_classes, width), nn.Embedding(n_levels, width)
        self.of_time, self.enter = nn.Linear(2 * _WAVES, width), nn.Linear(components, width)
        self.layers = nn.ModuleList([nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width)) for _ in range(3)])
        self.leave = nn.Linear(width, components)
        nn.init.zeros_(self.leave.weight)  # begin as the Gaussian
        nn.init.zeros_(self.leave.bias)
        self.register_buffer("frequency", torch.pi * 2 ** torch.linspace(0, 6, _WAVES), persistent=False)

    def forward(self, x: torch.Tensor, time: torch.Tensor, classes: torch.Tensor, levels: torch.Tensor):
        """Points (n, components), times 0 to 1 (n, 1), classes and levels int (n,)."""
        waves = torch.cat([torch.sin(time * self.frequency), torch.cos(time * self.frequency)], dim=1)
        told = self.of_time(waves) + self.of_class(classes) + self.of_level(levels)
        h = self.enter(x)
        for layer in self.layers:
            h = h + F.silu(layer(h + told))
        return self.leave(h)


@dataclass(eq=False, repr=False)
class FlowMatching(ImageSynthesizer):
    """Flow matching from `SliceGaussian` to real people, in the space of principal components.

    Parameters
    ----------
    steps : int
        Training steps, of 256 pictures each.
    width, components : int
        Width of the network's layers, and number of principal components.
    moves : int
        Straight moves from noise to data when sampling: more are slower and more exact.
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same model on the same machine, and the same pictures.

    Attributes
    ----------
    start_ : SliceGaussian
    """

    steps: int = 3000
    width: int = 256
    components: int = 100
    moves: int = 16
    min_people: int | None = None
    random_state: int = 0

    def _check_parameters(self) -> None:
        for name in ("steps", "width", "components", "moves"):
            check_whole(self, name, 1)

    def _fit_images(self, images: np.ndarray, labels: Labels, rng: np.random.Generator) -> None:
        self.start_ = SliceGaussian(self.components)
        self.start_.learn(images, labels, (self.n_classes_, self.n_levels_), rng)
        people = torch.from_numpy(self.start_.normals_of(images, labels))
        told = [torch.from_numpy(of) for of in labels]
        seed = int(rng.integers(2**31))
        draw = torch.Generator().manual_seed(seed)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            net = self._net()
        adam = torch.optim.Adam(net.parameters(), fused=True)
        average = torch.optim.swa_utils.AveragedModel(
            net, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(_AVERAGE)
        )
        try:
            with progress(self.steps, "Fitting FlowMatching") as bar:
                for step in range(self.steps):
                    adam.param_groups[0]["lr"] = _RATE * min(1.0, 2 * (self.steps - step) / self.steps)
                    rows = torch.randint(len(people), (_BATCH,), generator=draw)
                    noise = torch.randn(_BATCH, people.shape[1], generator=draw)
                    goal = people[rows] + _NUDGE * torch.randn(noise.shape, generator=draw)
                    time = torch.rand(_BATCH, 1, generator=draw)
                    here = (1 - time) * noise + time * goal
                    loss = F.mse_loss(net(here, time, *(of[rows] for of in told)), goal - noise)
                    adam.zero_grad()
                    loss.backward()
                    adam.step()
                    average.update_parameters(net)
                    bar.advance(1)
        except KeyboardInterrupt:
            notice("Stopped early; what was learned so far is kept.")
        self.net_ = average.module.requires_grad_(False)

    def _net(self) -> _Velocity:
        return _Velocity(len(self.start_.basis_), self.n_classes_, self.n_levels_, self.width)

    def _sampler(self) -> SliceGaussian:
        return self.start_

    @torch.no_grad()
    def move(self, normal: np.ndarray, labels: Labels) -> np.ndarray:
        """Follow the velocity from standard normal numbers to people, float32 (n, components) both."""
        x, told = torch.from_numpy(normal), [torch.from_numpy(of) for of in labels]
        for move in range(self.moves):
            x = x + self.net_(x, torch.full((len(x), 1), move / self.moves), *told) / self.moves
        return x.numpy()

    def _render(self, normal: np.ndarray, labels: Labels, rng: np.random.Generator) -> np.ndarray:
        return np.rint(255 * self.start_.blurred(self.move(normal, labels), labels)).astype(np.uint8)

    def _get_images_state(self) -> tuple[dict, dict]:
        start, _ = self.start_._get_images_state()
        tensors = {f"net.{k}": v.numpy() for k, v in self.net_.state_dict().items()}
        return tensors | {f"start.{k}": v for k, v in start.items()}, {}

    def _set_images_state(self, tensors: dict, extra: dict) -> None:
        self.start_ = SliceGaussian(self.components)
        self.start_._set_images_state(under("start.", tensors), {})
        self.net_ = self._net().requires_grad_(False)
        self.net_.load_state_dict({k: torch.tensor(v) for k, v in under("net.", tensors).items()})
