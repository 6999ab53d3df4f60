"""`ActiveAppearance`: shape and brightness of people, both Gaussian, drawn together.

Where people's ventricles are of different sizes, a mean picture is grey along their edges, and a sum
of pictures has ghosts instead of edges. Here every picture is first brought into the shape of a
template, by the deformation that fits best; this deformation, and the picture without it, are what
is learned as `SliceGaussian` learns. So what is drawn has edges, where its own deformation puts them.

From Cootes, Edwards, Taylor 1998, *Active Appearance Models*, with deformations that are found instead of marked by
hand: by the demons of Thirion 1998, *Image matching as a diffusion process*, with the symmetric forces of Vercauteren
et al. 2009, *Diffeomorphic demons*. Where picture and warped template differ, the edges of both pull the template
towards the picture, and the pulls of neighbours are averaged after every move; on a quarter of the size first, then on
half of it. A field of displacements has shape (n, 2, height / 4, width / 4), float32, in pixels: down, then right. A
picture at x shows what the template shows at x + field.
"""

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch.nn import functional as F

from shd.synthesizers.slice_gaussian import Pixels, SliceGaussian

_MODES = 40  # principal components of shape: four fifths of how people's shapes differ
_WEIGHT = 0.2  # of a displacement of a pixel: about what it changes in the pixels that share it
_BYTE = 127  # mean displacements and modes are saved as whole numbers up to this one, of either sign
_FINEST = 0.125  # pixels of a mean displacement that one of them stands for

GRID = 4  # pixels a side that share a displacement
_MOVES = {4: 20, 2: 15}  # pixels averaged into one, and moves at that size
_LONGEST = 1.0  # pixels of that size, of one move
_FLAT = 1e-4  # below this squared slope nothing pulls
_TURNS = 8  # of the fixed-point search for an inverse
_CHUNK = 64  # pictures at once: they stay in the processor's cache


class ShapeAndPixels(Pixels):
    """Pictures described by their shape, and by their pixels in the shape of a template.

    `template` (uint8, half the size) is the mean picture of each slice, `middle` its mean field of displacements in
    pixels, and `modes` are the principal components of the fields: all the shapes that there are.
    """

    def learn(self, images: np.ndarray, levels: np.ndarray, n_levels: int) -> np.ndarray:
        """Find template, shapes and background of uint8 images (n, height, width), and describe them."""
        self.template = np.rint(halves(_level_means(images, levels, n_levels))).astype(np.uint8)
        fields = self._fields(images, levels)
        middle = _level_means(fields, levels, n_levels)
        self._steps = np.rint(middle / _FINEST).clip(-_BYTE, _BYTE).astype(np.int8)
        rest = fields - self._steps[levels] * np.float32(_FINEST)
        pca = PCA(min(_MODES, len(rest) - 1, rest.shape[1]), svd_solver="covariance_eigh").fit(rest)
        self.scale = (np.abs(pca.components_).max(axis=1, keepdims=True) / _BYTE).clip(1e-9).astype(np.float32)
        self._rough = np.rint(pca.components_ / self.scale).astype(np.int8)
        self._unpack()
        shapes, still = self._part(images, levels, fields)
        self._find_inside(images, 255 * still)
        return np.concatenate([shapes, still[:, self.inside]], axis=1)

    def _unpack(self) -> None:
        """Turn the bytes that are saved into numbers: a model and its file give the same pictures."""
        self.middle, self.modes = self._steps * np.float32(_FINEST), self._rough * self.scale

    def describe(self, images: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Return scores of the modes, weighed, then pixels; float32 (n, n_features)."""
        shapes, still = self._part(images, levels, self._fields(images, levels))
        return np.concatenate([shapes, still[:, self.inside]], axis=1)

    def _fields(self, images: np.ndarray, levels: np.ndarray) -> np.ndarray:
        fields = register(images / np.float32(255), self.template[levels] / np.float32(255))
        return fields.reshape(len(fields), -1)

    def _part(self, images: np.ndarray, levels: np.ndarray, fields: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the shapes, and the pictures without them, 0 to 1."""
        shapes = _WEIGHT * (fields - self.middle[levels]) @ self.modes.T
        pictures = images / np.float32(255)
        return shapes, unwarp(pictures, self._of_shape(shapes, levels, pictures.shape[1:]))

    def _of_shape(self, shapes: np.ndarray, levels: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
        fields = self.middle[levels] + shapes @ self.modes / np.float32(_WEIGHT)
        return fields.reshape(len(fields), 2, *(side // GRID for side in size))

    def depict(self, features: np.ndarray, levels: np.ndarray) -> np.ndarray:
        """Draw the pixels and deform them: float32 (n, height, width)."""
        shapes, pixels = np.split(features, [len(self.modes)], axis=-1)
        return warp(super().depict(pixels, levels), self._of_shape(shapes, levels, self.size))

    def to_tensors(self, means: np.ndarray) -> dict[str, np.ndarray]:
        """Return what is saved, see `Pixels.to_tensors`."""
        shapes, pixels = np.split(means, [len(self.modes)], axis=-1)
        own = {"template": self.template, "middle": self._steps, "modes": self._rough, "mode_scale": self.scale}
        shape = shapes.astype(np.float32).astype(np.float16)
        return super().to_tensors(pixels) | {"shape": shape} | own

    def from_tensors(self, tensors: dict[str, np.ndarray]) -> np.ndarray:
        """Undo `to_tensors`."""
        self.template, self.scale = tensors["template"], tensors["mode_scale"]
        self._steps, self._rough = tensors["middle"], tensors["modes"]
        self._unpack()
        return np.concatenate([tensors["shape"].astype(np.float32), super().from_tensors(tensors)], axis=-1)


class ActiveAppearance(SliceGaussian):
    """Deformations, and pictures in one shape, together Gaussian in principal components.

    `ImageCGAN` starts from it. Parameters and attributes are those of `SliceGaussian`; a
    description is forty scores of shape, then the pixels.
    """

    _description = ShapeAndPixels


def _level_means(rows: np.ndarray, levels: np.ndarray, n_levels: int) -> np.ndarray:
    """Return the mean of rows (n, ...) at every level, float32; that of all where a level never came."""
    everyone = rows.mean(axis=0, dtype=np.float32)
    here = (rows[levels == level] for level in range(n_levels))
    return np.stack([few.mean(axis=0, dtype=np.float32) if len(few) else everyone for few in here])


# Deformations -----------------------------------------------------------------------------------


def register(images: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """Return the fields that turn templates into pictures."""
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
