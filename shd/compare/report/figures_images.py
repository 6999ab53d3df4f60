"""The figures of a comparison of pictures: small grey PNGs, and maps in colour as SVG."""

import base64
import io

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from PIL import Image

from shd._style import PALETTE, style, to_svg
from shd.compare.images.picture_grid import Grid

_DIVERGING, _SEQUENTIAL = "PuOr_r", "viridis"
_TILE = 1.35  # inches a picture


def png(image: np.ndarray) -> str:
    """Return a grey picture, uint8 (height, width), as the address of a PNG that holds itself."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")


def content(images: np.ndarray, ink: int = 16) -> tuple[slice, slice]:
    """Return the rows and columns that some picture, of the last two axes, has anything on."""
    inked = images.reshape(-1, *images.shape[-2:]).max(axis=0) > ink
    box = []
    for axis in (1, 0):
        where = np.flatnonzero(inked.any(axis=axis))
        box.append(slice(where[0], where[-1] + 1) if len(where) else slice(None))
    return tuple(box)


def means(grid: Grid) -> str:
    """Draw the mean pictures of each class, real and synthetic, and below them their difference."""
    values = grid.values[(..., *content(grid.values[:2]))]
    most = max(5.0, float(np.abs(values[2]).max()))
    grey = {"cmap": "gray", "vmin": 0, "vmax": 255}
    looks = [grey, grey, {"cmap": _DIVERGING, "vmin": -most, "vmax": most}]
    with style():
        figure, axes = _table(values.shape[:2], grid)
        for i, look in enumerate(looks):
            drawn = [axes[i, j].imshow(values[i, j], interpolation="none", **look) for j in range(values.shape[1])]
        _bar(figure, axes[2], drawn[-1], "grey levels too bright (orange) or too dark (purple)")
    return to_svg(figure)


def attention(grid: Grid) -> str:
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
        _bar(figure, axes[-1], colours, "how much the place speaks for the class, each map by itself (1: most)")
    return to_svg(figure)


def _table(shape: tuple[int, int], grid: Grid) -> tuple[Figure, np.ndarray]:
    rows, columns = shape
    figure = Figure((_TILE * columns + 1.1, _TILE * rows + 0.9), layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
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


def variety(rows: pd.DataFrame, word: str) -> str:
    """Draw the ratio of spreads of each class, synthetic beside other real people, for one measure."""
    at = np.arange(len(rows))[::-1]
    with style():
        figure = Figure((3.9, 0.55 + 0.42 * len(rows)), layout="constrained")
        axes = figure.subplots()
        axes.axvline(1, color=PALETTE["floor"], linewidth=0.8, linestyle=":")
        for (side, colour, mark), shift in zip(
            (("ratio", PALETTE["synthetic"], "o"), ("real reference", PALETTE[word], "D")), (0.12, -0.12), strict=True
        ):
            axes.plot(rows[side], at + shift, mark, color=colour, markersize=6, markerfacecolor=colour)
        axes.hlines(at + 0.12, rows["low"], rows["high"], color=PALETTE["synthetic"], linewidth=1.2)
        axes.set_yticks(at, rows["class"], fontsize=8)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.set_xlim(0, max(2.0, float(rows[["high", "ratio", "real reference"]].max().max()) * 1.05))
        axes.set_xlabel("times the variety of people held out (1 is right)")
    return to_svg(figure)


def utility(rows: pd.DataFrame, word: str) -> str:
    """Draw every way to train and test of one task, with intervals; filled: tested on real people."""
    drawn = {
        "TRTR": (PALETTE[word], f"TRTR  {word} to {word}", True),
        "TSTR": (PALETTE["synthetic"], f"TSTR  synthetic to {word}", True),
        "real + synthetic": (PALETTE["synthetic"], f"{word} + synthetic to {word}", True),
        "TSTS": (PALETTE["synthetic"], "TSTS  synthetic to synthetic", False),
        "TRTS": (PALETTE[word], f"TRTS  {word} to synthetic", False),
    }
    return _dots(rows, [drawn[design] for design in rows["design"]], "AUROC (0.5 is guessing)")


def leakage(rows: pd.DataFrame, word: str) -> str:
    """Draw the scores of both splits of one task."""
    colour = {"by image": PALETTE["floor"], "by subject": PALETTE[word]}
    looks = [(colour[row.split], f"{row.metric}, {row.split}", row.split == "by subject") for row in rows.itertuples()]
    return _dots(rows, looks, "score on the test part")


def _dots(rows: pd.DataFrame, looks: list[tuple[str, str, bool]], label: str) -> str:
    at = np.arange(len(rows))[::-1]
    with style():
        figure = Figure((3.9, 0.6 + 0.3 * len(rows)), layout="constrained")
        axes = figure.subplots()
        for y, row, (colour, _, filled) in zip(at, rows.itertuples(), looks, strict=True):
            axes.errorbar(
                row.value, y, xerr=[[row.value - row.low], [row.high - row.value]], fmt="o", markersize=7,
                color=colour, markerfacecolor=colour if filled else "none", capsize=2,
            )  # fmt: skip
        axes.set_yticks(at, [name for _, name, _ in looks], fontsize=8)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.axvline(0.5, color=PALETTE["floor"], linewidth=0.8, linestyle=":")
        axes.set_xlabel(label)
    return to_svg(figure)
