"""What a picture is described by, before people are compared: its pixels, or its shape and its pixels.

A description is a row of numbers that may be averaged and added up, and drawn as a picture again.
"""

import numpy as np
import torch
from sklearn.decomposition import PCA

from shd.synthesizers._deformation import GRID, halves, register, unwarp, warp

INK = 16  # of 255: what is darker in every picture is background, and left black
_MODES = 40  # principal components of shape: four fifths of how people's shapes differ
_WEIGHT = 0.2  # of a displacement of a pixel: about what it changes in the pixels that share it
_BYTE = 127  # mean displacements and modes are saved as whole numbers up to this one, of either sign
_FINEST = 0.125  # pixels of a mean displacement that one of them stands for


class Pixels:
    """Pictures described by their grey values, but for pixels that are background in all of them.

    Attributes
    ----------
    size : tuple of int
        Height and width.
    inside : ndarray of bool, shape (height, width)
        Pixels that are not background in some picture; the others stay black.
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

    def to_tensors(self, means: np.ndarray) -> dict[str, torch.Tensor]:
        """Return what is saved: what was learned here, and mean descriptions of shape (..., n_features)."""
        pixels = np.rint(255 * means.clip(0, 1)).astype(np.uint8)  # a trend may lead beyond black or white
        return {"inside": torch.from_numpy(self.inside), "mean": torch.from_numpy(pixels)}

    def from_tensors(self, tensors: dict[str, torch.Tensor]) -> np.ndarray:
        """Undo `to_tensors`: return the means, float32."""
        self.inside = tensors["inside"].numpy()
        self.size = self.inside.shape
        return tensors["mean"].numpy() / np.float32(255)


class ShapeAndPixels(Pixels):
    """Pictures described by their shape, and by their pixels in the shape of a template.

    Attributes
    ----------
    template : ndarray of uint8, shape (n_levels, height / 2, width / 2)
        Mean picture of each slice, at half the size: pictures are brought into its shape.
    middle : ndarray of float32, shape (n_levels, n_displacements)
        Mean field of displacements of each slice, pixels; see `_deformation`.
    modes : ndarray of float32, shape (40, n_displacements)
        Principal components of the fields: all the shapes that there are.
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

    def to_tensors(self, means: np.ndarray) -> dict[str, torch.Tensor]:
        """Return what is saved, see `Pixels.to_tensors`."""
        shapes, pixels = np.split(means, [len(self.modes)], axis=-1)
        own = {"template": self.template, "middle": self._steps, "modes": self._rough, "mode_scale": self.scale}
        shape = torch.from_numpy(shapes.astype(np.float32)).half()
        return super().to_tensors(pixels) | {"shape": shape} | {k: torch.from_numpy(v) for k, v in own.items()}

    def from_tensors(self, tensors: dict[str, torch.Tensor]) -> np.ndarray:
        """Undo `to_tensors`."""
        self.template, self.scale = tensors["template"].numpy(), tensors["mode_scale"].numpy()
        self._steps, self._rough = tensors["middle"].numpy(), tensors["modes"].numpy()
        self._unpack()
        return np.concatenate([tensors["shape"].float().numpy(), super().from_tensors(tensors)], axis=-1)


def _level_means(rows: np.ndarray, levels: np.ndarray, n_levels: int) -> np.ndarray:
    """Return the mean of rows (n, ...) at every level, float32; that of all where a level never came."""
    everyone = rows.mean(axis=0, dtype=np.float32)
    here = (rows[levels == level] for level in range(n_levels))
    return np.stack([few.mean(axis=0, dtype=np.float32) if len(few) else everyone for few in here])
