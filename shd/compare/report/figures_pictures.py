"""The figures of a comparison of pictures: small grey PNGs, and maps in colour."""

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from shd.compare.images.picture_grid import Grid
from shd.plot import Figure, style

_DIVERGING, _SEQUENTIAL = "PuOr_r", "viridis"
_TILE = 1.35  # inches a picture


def content(images: np.ndarray, ink: int = 16) -> tuple[slice, slice]:
    """Return the rows and columns that some picture, of the last two axes, has anything on."""
    inked = images.reshape(-1, *images.shape[-2:]).max(axis=0) > ink
    box = []
    for axis in (1, 0):
        where = np.flatnonzero(inked.any(axis=axis))
        box.append(slice(where[0], where[-1] + 1) if len(where) else slice(None))
    return tuple(box)


def means(grid: Grid) -> Figure:
    """Draw the mean pictures of each class, real and synthetic, and below them their difference."""
    values = grid.values[(..., *content(grid.values[:2]))]
    most = max(5.0, float(np.abs(values[2]).max()))
    grey = {"cmap": "gray", "vmin": 0, "vmax": 255}
    looks = [grey, grey, {"cmap": _DIVERGING, "vmin": -most, "vmax": most}]
    with style():
        figure, axes = _table(values.shape[:2], grid)
        for i, look in enumerate(looks):
            drawn = [axes[i, j].imshow(values[i, j], interpolation="none", **look) for j in range(values.shape[1])]
        _bar(figure, axes[2], drawn[-1], "too dark (-) or too bright (+), grey levels")
    return figure


def attention(grid: Grid) -> Figure:
    """Draw where each network looks, over the mean picture of the class."""
    values = grid.values[(..., *content(grid.values[:1]))]
    colours = ScalarMappable(Normalize(0, 1), _SEQUENTIAL)
    with style():
        figure, axes = _table(values.shape[:2], grid)
        for i, j in np.ndindex(values.shape[:2]):
            grey = np.repeat(values[0, j, :, :, None] / 255, 3, axis=-1)
            # mixed here and not by the browser: the page then holds one small picture each
            strength = 0.7 * np.sqrt(np.clip(values[i, j, :, :, None], 0, 1)) if i else 0.0
            mixed = grey * (1 - strength) + colours.to_rgba(values[i, j])[..., :3] * strength
            axes[i, j].imshow(mixed, interpolation="none")
        _bar(figure, axes[-1], colours, "speaks for the class (1: most in the map)")
    return figure


def _table(shape: tuple[int, int], grid: Grid) -> tuple[Figure, np.ndarray]:
    rows, columns = shape
    figure = Figure((_TILE * columns + 1.1, _TILE * rows + 0.9), layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
    for axis, name in zip(axes[:, 0], grid.rows, strict=True):
        axis.set_ylabel(name, fontsize=9)
    for axis, name in zip(axes[0], grid.columns, strict=True):
        axis.set_title(name, fontsize=9)
    return figure, axes


def _bar(figure: Figure, axes: np.ndarray, drawn: object, label: str) -> None:
    bar = figure.colorbar(drawn, ax=list(axes), orientation="horizontal", shrink=0.7, pad=0.06, aspect=30)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, labelsize=8)
    bar.set_label(label, fontsize=8)
