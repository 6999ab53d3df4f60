"""The two stages of `ImageCGAN`, and what each of them starts from.

The first draws pictures of half the size, where a network sees a whole head at once and a step costs
a quarter. The second starts from those, enlarged, and has only to sharpen them. The idea is that of
Denton et al. 2015, *Deep Generative Image Models using a Laplacian Pyramid of Adversarial Networks*,
arXiv 1506.05751.

A start answers three questions, all in pictures of its stage's size: `draw`, blurred pictures to begin
from; `project`, how it would see real ones; `means`, the mean pictures of classes and slices.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from shd.synthesizers._image_nets import Refiner, halved
from shd.synthesizers.slice_gaussian import SliceGaussian

_CHUNK = 1024


@dataclass(frozen=True)
class Plan:
    """How long a stage learns, how wide its networks are, and whether its pictures are those to be stored."""

    steps: int
    width: int
    is_last: bool


class SamplerStart:
    """The first stage starts from the statistical sampler.

    Parameters
    ----------
    sampler : SliceGaussian
        Fitted on pictures of the stage's size.
    """

    coarse, shift, mirrored = 8, 2, True  # see `ImageGame`

    def __init__(self, sampler: SliceGaussian):
        self.sampler = sampler

    def draw(self, normal: np.ndarray, classes: np.ndarray, levels: np.ndarray, rng: torch.Generator) -> np.ndarray:
        """Return blurred pictures, float32, 0 to 1, shape (n, height, width)."""
        return self.sampler.blurred(normal, classes, levels)

    def project(self, images: np.ndarray, classes: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return real pictures as they would be drawn, uint8, same shape."""
        return self.sampler.project(images, classes, levels)

    def means(self, classes: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return mean pictures, float32, 0 to 1, shape (n, height, width)."""
        return self.sampler.mean_[classes, levels]


class StageStart:
    """The second stage starts from what the first one draws, enlarged.

    Parameters
    ----------
    before : Stage
    """

    coarse, shift, mirrored = 2, 0, False

    def __init__(self, before: "Stage"):
        self.before = before

    def draw(self, normal: np.ndarray, classes: np.ndarray, levels: np.ndarray, rng: torch.Generator) -> np.ndarray:
        """Return blurred pictures, float32, 0 to 1, shape (n, height, width)."""
        return enlarged(self.before.draw(normal, classes, levels, rng).clamp(0, 1))

    def project(self, images: np.ndarray, classes: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return real pictures as they would be drawn, uint8, same shape."""
        seen = np.empty_like(images)
        for first in range(0, len(images), _CHUNK):
            rows = slice(first, first + _CHUNK)
            small = torch.from_numpy(reduced(images[rows]))[:, None].float() / 255
            seen[rows] = np.rint(255 * enlarged(small)).astype(np.uint8)
        return seen

    def means(self, classes: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return mean pictures, float32, 0 to 1, shape (n, height, width)."""
        return enlarged(torch.from_numpy(self.before.start.means(classes, levels))[:, None])


class Stage:
    """A start, and the network that refines what it draws.

    Parameters
    ----------
    start : SamplerStart or StageStart
    net : Refiner
    class_of : ndarray of int, shape (n_classes,)
        The class as which the network knows each class.
    precision : str
        See `ImageCGAN`.
    """

    def __init__(self, start: "SamplerStart | StageStart", net: Refiner, class_of: np.ndarray, precision: str):
        self.start, self.net, self.class_of, self.precision = start, net, class_of, precision

    @torch.no_grad()
    def draw(self, normal: np.ndarray, classes: np.ndarray, levels: np.ndarray, rng: torch.Generator) -> torch.Tensor:
        """Draw pictures.

        Parameters
        ----------
        normal : ndarray of float32, shape (n, components)
            What makes people differ; see `SliceGaussian.normals`.
        classes, levels : ndarray of int, shape (n,)
        rng : torch.Generator
            Of the noise.

        Returns
        -------
        tensor of float32, shape (n, 1, height, width)
            About 0 to 1, on the CPU.
        """
        device = next(self.net.parameters()).device
        given = (self.start.draw(normal, classes, levels, rng), self.start.means(classes, levels))
        blurred, mean = (torch.from_numpy(pictures)[:, None].to(device) for pictures in given)
        told = (torch.from_numpy(of).to(device) for of in (self.class_of[classes], levels))
        noise = self.net.draw_noise(len(blurred), *blurred.shape[2:], rng, device)
        with halved(self.precision, device):
            return self.net(blurred, mean, noise, *told).cpu()


def reduced(images: np.ndarray) -> np.ndarray:
    """Return pictures of half the size, uint8, shape (n, height / 2, width / 2): means of two by two pixels."""
    n, height, width = images.shape
    sums = images.reshape(n, height // 2, 2, width // 2, 2).sum(axis=(2, 4), dtype=np.uint16)
    return ((sums + 2) // 4).astype(np.uint8)


def enlarged(pictures: torch.Tensor) -> np.ndarray:
    """Return pictures of twice the size, float32, shape (n, 2 height, 2 width), from (n, 1, height, width)."""
    return F.interpolate(pictures, scale_factor=2, mode="bilinear")[:, 0].numpy()
