"""A map of all records: the two directions in which train varies most, with real and synthetic records on it."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy.ndimage import gaussian_filter
from sklearn.decomposition import PCA

from shd._errors import ShdError
from shd._parallel import one_thread
from shd._style import PALETTE, style, to_svg
from shd.compare.core.chance import generator, subsample
from shd.compare.core.models import LINEAR
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, align
from shd.dataset import Dataset

_ROWS, _POINTS = 20_000, 1500  # records that decide on the axes, and points of each source
_FEWEST = 3
_FLAT = 1e-9  # share of the variance below which an axis is none
_WHAT = "map"
_CELLS, _SMOOTH = 90, 2.5  # cells of the grid a side, and how many of them a point is smeared over
_HELD = (0.9, 0.6, 0.3)  # shares of the records inside the lines
_TAIL = 0.005  # of the points on each side may lie outside of the picture
_SIZE = (5.4, 4.2)


def principal_axes(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    rows: int = _POINTS,
    random_state: int = 0,
) -> pd.DataFrame:
    """Return records of both tables on the two axes along which train varies most.

    Numbers are standardised, levels become columns of 0 and 1, and the axes are the first two
    principal components of train.

    Parameters
    ----------
    train, synthetic : Dataset or DataFrame
    rows : int
        Most points of each table.
    random_state : int

    Returns
    -------
    DataFrame
        One row a point: x, y, source ("real" or "synthetic"), and how much of the variance of train
        the axes explain: x share, y share (0 to 1, the same in all rows).

    Raises
    ------
    ShdError
        Where train varies in fewer than two directions.

    References
    ----------
    Pearson (1901), *On Lines and Planes of Closest Fit to Systems of Points in Space*, Philosophical
    Magazine, doi 10.1080/14786440109462720.
    """
    (train, synthetic), _ = align(train, synthetic)
    frame = _map(train, {"real": train, "synthetic": synthetic}, rows, random_state)
    if frame is None:
        raise ShdError(f"train varies in fewer than two directions, or has fewer than {_FEWEST} records: no map of it.")
    return frame


def measure(sides: Sides) -> Answer:
    """Put held-out (else train) and synthetic records on the map; there is nothing to judge."""
    real = sides.train if sides.holdout is None else sides.holdout
    tables = {sides.word: real, "synthetic": sides.synthetic}
    frame = _map(sides.train, tables, _POINTS, sides.random_state)
    if frame is None:
        why = f"takes {_FEWEST} records, and columns that vary in two directions"
        return Answer(skipped=[Skipped(_WHAT, why)])
    return Answer(tables={"map": frame})


def draw(frame: pd.DataFrame, word: str) -> str:
    """Draw the frame ``map``: areas that hold the real records, lines that hold as many synthetic ones.

    Areas, not the points of single people.

    Parameters
    ----------
    frame : DataFrame
        See `principal_axes`.
    word : str
        What the reference is: "real" or "stand-in".

    Returns
    -------
    str
        SVG.
    """
    is_synthetic = frame["source"] == "synthetic"
    with style():
        figure = Figure(_SIZE, layout="constrained")
        axes = figure.subplots()
        limits = [_limits(frame[name].to_numpy()) for name in ("x", "y")]
        _areas(axes, frame[~is_synthetic], limits, PALETTE[word])
        _lines(axes, frame[is_synthetic], limits, PALETTE["synthetic"])
        axes.set_xlim(*limits[0])
        axes.set_ylim(*limits[1])
        axes.set_xlabel(f"first axis: {frame['x share'].iloc[0]:.0%} of the variance")
        axes.set_ylabel(f"second axis: {frame['y share'].iloc[0]:.0%} of the variance")
        _legend(axes, word)
    return to_svg(figure)


def _map(train: Coded, sides: dict[str, Coded], points: int, random_state: int) -> pd.DataFrame | None:
    """Return the points of each side on the axes of train; None where there are no two axes."""
    rng = generator(random_state, "map")
    train = train.take(subsample(len(train), _ROWS, rng))
    read = _reader(train)
    if read is None or len(train) < _FEWEST:
        return None
    x = read(train)
    if (np.ptp(x, axis=0) > 0).sum() < 2:
        return None
    parts = []
    with one_thread():
        pca = PCA(2, svd_solver="covariance_eigh").fit(x)
        if pca.explained_variance_ratio_[1] < _FLAT:
            return None
        for source, table in sides.items():
            at = pca.transform(read(table.take(subsample(len(table), points, rng))))
            parts.append(pd.DataFrame({"x": at[:, 0], "y": at[:, 1], "source": source}))
    shares = dict(zip(("x share", "y share"), pca.explained_variance_ratio_.astype(float), strict=True))
    return pd.concat(parts, ignore_index=True).assign(**shares)


def _reader(train: Coded) -> Callable[[Coded], np.ndarray] | None:
    """Return what turns a table into numbers, float64, shape (n, n_features); None where train knows no value."""
    values, categories = train.features()
    known = ~np.isnan(values).all(axis=0)
    if not known.any():
        return None
    read = LINEAR.read(values[:, known], categories[known])
    return lambda table: read(table.features()[0][:, known]).astype(float)


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


def _areas(axes: Axes, points: pd.DataFrame, limits: list, colour: str) -> None:
    x, y, density = _density(points, limits)
    for level, alpha in zip(_levels(density), (0.22, 0.3, 0.4), strict=False):
        axes.contourf(x, y, density, [level, np.inf], colors=[colour], alpha=alpha)


def _lines(axes: Axes, points: pd.DataFrame, limits: list, colour: str) -> None:
    x, y, density = _density(points, limits)
    for level, width in zip(_levels(density), (1.0, 1.4, 1.8), strict=False):
        axes.contour(x, y, density, [level], colors=[colour], linewidths=width)


def _legend(axes: Axes, word: str) -> None:
    held = ", ".join(f"{share:.0%}" for share in sorted(_HELD))
    handles = [
        Patch(facecolor=PALETTE[word], alpha=0.6, label=f"{word}: areas with {held} of the records"),
        Patch(facecolor="none", edgecolor=PALETTE["synthetic"], linewidth=1.4, label="synthetic: lines around as many"),
    ]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=1, fontsize=8, borderaxespad=0.2)


QUESTION = Question(
    name="map of all columns",
    chapter="fidelity",
    measure=measure,
    show="chapters.fidelity:principal_axes",
    weight=1,
    tables=("map",),
)
