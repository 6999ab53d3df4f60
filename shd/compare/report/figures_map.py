"""The map of all records, drawn: areas that hold the real ones, lines that hold as many synthetic ones.

Areas, not the points of single people.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy.ndimage import gaussian_filter

from shd._style import PALETTE, style, to_svg

_CELLS, _SMOOTH = 90, 2.5  # cells of the grid a side, and how many of them a point is smeared over
_HELD = (0.9, 0.6, 0.3)  # shares of the records inside the lines
_TAIL = 0.005  # of the points on each side may lie outside of the picture
_SIZE = (5.4, 4.2)


def records_map(frame: pd.DataFrame, word: str) -> str:
    """Draw the table ``map`` as SVG; `word` is what the reference is: "real" or "stand-in"."""
    is_synthetic = frame["source"] == "synthetic"
    with style():
        figure = Figure(_SIZE, layout="constrained")
        axes = figure.subplots()
        limits = [_limits(frame[name].to_numpy()) for name in ("x", "y")]
        x, y, density = _density(frame[~is_synthetic], limits)
        for level, alpha in zip(_levels(density), (0.22, 0.3, 0.4), strict=False):
            axes.contourf(x, y, density, [level, np.inf], colors=[PALETTE[word]], alpha=alpha)
        x, y, density = _density(frame[is_synthetic], limits)
        for level, width in zip(_levels(density), (1.0, 1.4, 1.8), strict=False):
            axes.contour(x, y, density, [level], colors=[PALETTE["synthetic"]], linewidths=width)
        axes.set_xlim(*limits[0])
        axes.set_ylim(*limits[1])
        axes.set_xlabel(f"first axis: {frame['x share'].iloc[0]:.0%} of the variance")
        axes.set_ylabel(f"second axis: {frame['y share'].iloc[0]:.0%} of the variance")
        _legend(axes, word)
    return to_svg(figure)


def _limits(numbers: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(numbers, [_TAIL, 1 - _TAIL])
    margin = 0.12 * (high - low) or 1.0
    return low - margin, high + margin


def _density(points: pd.DataFrame, limits: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the centres of a grid's cells, and how many of the points lie in each, smoothed."""
    count, *edges = np.histogram2d(points["x"], points["y"], _CELLS, limits)
    x, y = ((edge[:-1] + edge[1:]) / 2 for edge in edges)
    return x, y, gaussian_filter(count, _SMOOTH).T


def _levels(density: np.ndarray) -> list[float]:
    """Return the heights above which the shares `_HELD` of the records lie, lowest first."""
    heights = np.sort(density.ravel())[::-1]
    held = np.cumsum(heights) / max(heights.sum(), 1e-9)
    at = [heights[min(np.searchsorted(held, share), len(heights) - 1)] for share in _HELD]
    return np.unique([0.999 * height for height in at if height > 0]).tolist()  # a line at the very top is none


def _legend(axes: Axes, word: str) -> None:
    held = ", ".join(f"{share:.0%}" for share in sorted(_HELD))
    handles = [
        Patch(facecolor=PALETTE[word], alpha=0.6, label=f"{word}: areas with {held} of the records"),
        Patch(facecolor="none", edgecolor=PALETTE["synthetic"], linewidth=1.4, label="synthetic: lines around as many"),
    ]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=1, fontsize=8, borderaxespad=0.2)
