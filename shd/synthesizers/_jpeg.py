"""What storing a picture as JPEG does to it, in torch.

Real pictures often came as JPEG files, and carry its traces: a detector tells pictures without
them at once, for a reason that has nothing to do with medicine. So generated pictures go through
the same rounding before anybody judges them.

Reference: ITU-T T.81 (1992), *Digital compression and coding of continuous-tone still images*,
sections A.3 and K.1.
"""

import numpy as np
import torch

# luminance quantization of section K.1, by rows
_TABLE = [
    [16, 11, 10, 16, 24, 40, 51, 61],
    [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77],
    [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101],
    [72, 92, 95, 98, 112, 100, 103, 99],
]


def quantization(quality: int) -> torch.Tensor:
    """Return the steps that coefficients are rounded to, shape (8, 8), at a quality of 1 to 100 (as libjpeg scales)."""
    scale = 5000 / quality if quality < 50 else 200 - 2 * quality
    return ((torch.tensor(_TABLE) * scale + 50) / 100).floor().clamp(1, 255)


def _cosines() -> torch.Tensor:
    k, i = np.mgrid[:8, :8]
    waves = np.cos((2 * i + 1) * k * np.pi / 16) / 2
    waves[0] /= np.sqrt(2)
    return torch.tensor(waves, dtype=torch.float32)


@torch.no_grad()
def as_stored(pixels: torch.Tensor, quality: int) -> torch.Tensor:
    """Round pictures as a JPEG file does.

    Parameters
    ----------
    pixels : tensor of float32, shape (n, 1, height, width)
        0 to 1; both sides are multiples of eight, and the first pixel begins a block.
    quality : int
        1 to 100.

    Returns
    -------
    tensor of float32, same shape
        0 to 1, in steps of 1/255.
    """
    waves, steps = _cosines(), quantization(quality)[:, None]
    n, _, height, width = pixels.shape
    levels = (pixels.clamp(0, 1) * 255).round() - 128
    blocks = levels.reshape(n, height // 8, 8, width // 8, 8)
    coefficients = torch.einsum("ki,nhiwj,lj->nhkwl", waves, blocks, waves)
    coefficients = (coefficients / steps).round() * steps
    blocks = torch.einsum("ki,nhkwl,lj->nhiwj", waves, coefficients, waves)
    return ((blocks.reshape(pixels.shape) + 128).round().clamp(0, 255)) / 255
