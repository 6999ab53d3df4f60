"""Deformations between pictures: how far each point of a picture lies from its place in a template.

The demons of Thirion 1998, *Image matching as a diffusion process*, with the symmetric forces of
Vercauteren et al. 2009, *Diffeomorphic demons*: where picture and warped template differ, the edges
of both pull the template towards the picture, and the pulls of neighbours are averaged after every
move. It is done on a quarter of the size first, then on half of it.

A field of displacements has shape (n, 2, height / 4, width / 4), float32, in pixels: down, then
right. A picture at x shows what the template shows at x + field.
"""

import numpy as np
import torch
from torch.nn import functional as F

GRID = 4  # pixels a side that share a displacement
_MOVES = {4: 20, 2: 15}  # pixels averaged into one, and moves at that size
_LONGEST = 1.0  # pixels of that size, of one move
_FLAT = 1e-4  # below this squared slope nothing pulls
_TURNS = 8  # of the fixed-point search for an inverse
_CHUNK = 64  # pictures at once: they stay in the processor's cache


def register(images: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """Return the fields that turn templates into pictures.

    Parameters
    ----------
    images : ndarray of float32, shape (n, height, width)
        From 0 to 1; height and width are multiples of eight.
    templates : ndarray of float32, shape (n, height / 2, width / 2)
        One for each picture; see `halves`.

    Returns
    -------
    ndarray of float32, shape (n, 2, height / 4, width / 4)
        Pixels.
    """
    return _in_chunks(_register, images[:, None], templates[:, None])


def warp(images: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """Return what pictures (n, height, width) show at x + field, float32, same shape."""
    return _in_chunks(_warp_finely, images[:, None], fields)[:, 0]


def unwarp(images: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """Undo `warp`: return pictures (n, height, width) brought into the shape of the template, float32."""
    return _in_chunks(_unwarp_finely, images[:, None], fields)[:, 0]


def halves(images: np.ndarray) -> np.ndarray:
    """Return pictures (n, height, width) at half the size, float32."""
    return _in_chunks(lambda picture: F.avg_pool2d(picture, 2), images[:, None])[:, 0]


@torch.no_grad()
def _in_chunks(work, *arrays: np.ndarray) -> np.ndarray:
    parts = []
    for first in range(0, len(arrays[0]), _CHUNK):
        few = (torch.from_numpy(array[first : first + _CHUNK]).float() for array in arrays)
        parts.append(work(*few).numpy())
    return np.concatenate(parts)


def _register(images: torch.Tensor, templates: torch.Tensor) -> torch.Tensor:
    field = None
    for size, moves in _MOVES.items():
        picture, template = _blur(F.avg_pool2d(images, size)), _blur(F.avg_pool2d(templates, size // 2))
        field = picture.new_zeros(len(picture), 2, *picture.shape[2:]) if field is None else 2 * _grown(field, 2)
        slope = _slopes(picture)
        for _ in range(moves):
            warped = _warp(template, field)
            off, pull = picture - warped, (slope + _slopes(warped)) / 2
            move = off * pull / ((pull**2).sum(dim=1, keepdim=True) + off**2 + _FLAT)
            field = _blur(field + move.clamp(-_LONGEST, _LONGEST))
    return size * F.avg_pool2d(field, GRID // size)


def _warp_finely(pictures: torch.Tensor, fields: torch.Tensor) -> torch.Tensor:
    return _warp(pictures, _grown(fields, GRID), "bicubic")  # bilinear would blur twice, there and back


def _unwarp_finely(pictures: torch.Tensor, fields: torch.Tensor) -> torch.Tensor:
    return _warp(pictures, _inverse(_grown(fields, GRID)), "bicubic")


def _warp(pictures: torch.Tensor, fields: torch.Tensor, mode: str = "bilinear") -> torch.Tensor:
    """Return pictures (n, c, h, w) at x + field, fields (n, 2, h, w); beyond the edge the edge goes on."""
    height, width = pictures.shape[2:]
    down, right = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    places = torch.stack(
        [2 * (right + fields[:, 1]) / (width - 1) - 1, 2 * (down + fields[:, 0]) / (height - 1) - 1], dim=-1
    )
    return F.grid_sample(pictures, places, mode, padding_mode="border", align_corners=True)


def _inverse(fields: torch.Tensor) -> torch.Tensor:
    """Return the fields that lead back, (n, 2, h, w) both (Chen et al. 2008, fixed-point inversion)."""
    back = torch.zeros_like(fields)
    for _ in range(_TURNS):
        back = -_warp(fields, back)
    return back


def _grown(fields: torch.Tensor, times: int) -> torch.Tensor:
    return F.interpolate(fields, scale_factor=times, mode="bilinear")


def _blur(pictures: torch.Tensor) -> torch.Tensor:
    """Average every pixel with its eight neighbours."""
    return F.avg_pool2d(F.pad(pictures, (1, 1, 1, 1), mode="replicate"), 3, stride=1)


def _slopes(pictures: torch.Tensor) -> torch.Tensor:
    """Return how steeply pictures (n, 1, h, w) rise, down and right, (n, 2, h, w)."""
    wide = F.pad(pictures, (1, 1, 1, 1), mode="replicate")
    down, right = wide[:, :, 2:, 1:-1] - wide[:, :, :-2, 1:-1], wide[:, :, 1:-1, 2:] - wide[:, :, 1:-1, :-2]
    return torch.cat([down, right], dim=1) / 2
