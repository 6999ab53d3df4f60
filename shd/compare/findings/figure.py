"""The forest of known findings: every estimate of two tables side by side, theme by theme."""

from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from shd.plot import PALETTE, Figure, style

_WIDTH, _ROW, _MARGIN = 12.4, 0.205, 1.5  # inches: of the page, of a finding, for title, legend and axes
_FARTHEST = 16.0  # ratios beyond this, or its inverse, are drawn at the edge
_SHIFT = 0.17
_TICKS = (0.0625, 0.125, 0.25, 0.5, 1, 2, 4, 8, 16)
_GAP = 1.0  # rows above the first finding of a theme, for its name


def forest(frame: pd.DataFrame, word: str = "real", other_word: str = "synthetic") -> Figure:
    """Draw real and synthetic estimates side by side, in two columns, theme by theme.

    Parameters
    ----------
    frame : DataFrame
        As ``measure(...).frames["findings"]``, or as `replicate` gives it.
    word : {"real", "stand-in"}
        What the reference is; it gives the colour.
    other_word : str
        What the other records are called.

    Returns
    -------
    matplotlib.figure.Figure
        Ratios on a logarithmic axis; differences (of shares, and correlations) on one of their own below.
        Filled circles are replicated, empty ones not, and a word beside each row says so too.
    """
    other = "synthetic" if "synthetic" in frame else "other"
    known = frame[frame["scale"].isin(("ratio", "difference"))]
    by_theme = known.sort_values("theme", key=lambda themes: themes.map(_order(frame)), kind="stable")
    ratios, differences = (by_theme[by_theme["scale"] == scale] for scale in ("ratio", "difference"))
    left, right = _columns(ratios, len(differences) + 3 if len(differences) else 0)
    rows = max(_height(left), _height(right) + (_height(differences) + 3 if len(differences) else 0), 4)
    with style():
        figure = Figure((_WIDTH, _ROW * rows + _MARGIN))
        parts = [(left, 0, 0.0), (right, 1, 0.0)]
        if len(differences):
            parts.append((differences, 1, _height(right) + 3))
        for part, column, start in parts:
            if len(part):
                _panel(_place(figure, column, start, _height(part), rows), part, other, word, ratios)
        figure.suptitle(_title(known, other_word), x=0.02, y=1 - 0.12 / figure.get_figheight(), ha="left", va="top",
                        fontsize=12, fontweight="bold")  # fmt: skip
        figure.legend(handles=_handles(word, other_word), loc="upper left", ncols=4, fontsize=8.5,
                      bbox_to_anchor=(0.012, 1 - 0.36 / figure.get_figheight()))  # fmt: skip
    return figure


def _order(frame: pd.DataFrame) -> dict[str, int]:
    return {theme: i for i, theme in enumerate(dict.fromkeys(frame["theme"]))}


def _height(part: pd.DataFrame) -> float:
    return len(part) + _GAP * part["theme"].nunique()


def _columns(ratios: pd.DataFrame, below: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Deal the themes to two columns of like height; the right one has a panel below."""
    themes = list(dict.fromkeys(ratios["theme"]))
    sides = []
    for k in range(len(themes) + 1):
        own = ratios["theme"].isin(themes[:k])
        sides.append((max(_height(ratios[own]), _height(ratios[~own]) + below), k))
    first = themes[: min(sides)[1]]
    return ratios[ratios["theme"].isin(first)], ratios[~ratios["theme"].isin(first)]


def _place(figure: Figure, column: int, start: float, height: float, rows: float) -> Axes:
    """Return axes that stand `start` rows below the top of a column, and are `height` rows high."""
    inch = 1 / figure.get_figheight()
    top = 1 - (0.75 + start * _ROW) * inch
    return figure.add_axes((0.222 + 0.493 * column, top - height * _ROW * inch, 0.215, height * _ROW * inch))


def _panel(axes: Axes, part: pd.DataFrame, other: str, word: str, ratios: pd.DataFrame) -> None:
    at = _name_rows(axes, part)
    is_ratio = part["scale"].iloc[0] == "ratio"
    low, high = _limits(ratios, other) if is_ratio else _limits(part, other)
    sides = (("real", word, "D", _SHIFT), (other, "synthetic", "o", -_SHIFT))
    for side, colour, marker, shift in sides:
        filled = np.ones(len(part), dtype=bool) if side == "real" else part["replicated"].to_numpy(dtype=bool)
        for fill in (True, False):
            rows = part[filled == fill]
            if len(rows):
                _draw(axes, rows, side, at[filled == fill] + shift, (low, high), PALETTE[colour], marker, fill)
    axes.axvline(1 if is_ratio else 0, color=PALETTE["floor"], linewidth=0.9, linestyle=":", zorder=0)
    if is_ratio:
        axes.set_xscale("log")
        ticks = [tick for tick in _TICKS if low <= tick <= high]
        axes.set_xticks(ticks, [f"1/{round(1 / tick)}" if tick < 1 else f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
    axes.set_xlim(low, high)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel(_XLABEL[is_ratio], fontsize=8.5)
    axes.annotate("replicated?", (1.03, at[0] + _GAP), xycoords=("axes fraction", "data"), va="center", fontsize=7.5,
                  style="italic", annotation_clip=False)  # fmt: skip
    for y, row in zip(at, part.itertuples(), strict=True):
        said = "yes" if row.replicated else "no" if row.counted else "not counted"
        axes.annotate(said, (1.03, y), xycoords=("axes fraction", "data"), va="center", fontsize=7.5,
                      fontweight="bold" if said == "no" else "normal", annotation_clip=False)  # fmt: skip


_XLABEL = {
    True: "odds ratio, rate ratio or lift (1: no link)",
    False: "correlation, or difference of shares (0: no link)",
}


def _draw(
    axes: Axes, rows: pd.DataFrame, side: str, at: np.ndarray, limits: tuple, colour: str, marker: str, fill: bool
) -> None:
    """Draw values with intervals; what lies beyond the axis stands at its edge as an arrow."""
    value, low, high = (rows[name].to_numpy(dtype=float) for name in (side, f"{side} low", f"{side} high"))
    inside = np.isnan(value) | ((value >= limits[0]) & (value <= limits[1]))
    axes.hlines(at, np.clip(low, *limits), np.clip(high, *limits), color=colour, linewidth=1.3)
    look = {"color": colour, "linestyle": "none", "markersize": 4.6, "markeredgewidth": 1.1, "clip_on": False}
    look["markerfacecolor"] = colour if fill else "white"
    axes.plot(value[inside], at[inside], marker=marker, **look)
    for edge, beyond, arrow in ((limits[0], value < limits[0], "<"), (limits[1], value > limits[1], ">")):
        axes.plot(np.full(beyond.sum(), edge), at[beyond], marker=arrow, **look)


def _limits(part: pd.DataFrame, other: str) -> tuple[float, float]:
    """Return the ends of an axis that holds all intervals, ratios no farther than `_FARTHEST`."""
    bounds = part[["real low", "real high", f"{other} low", f"{other} high"]].to_numpy(dtype=float)
    if part["scale"].iloc[0] == "ratio":
        least, most = (float(np.clip(f(bounds), 1 / _FARTHEST, _FARTHEST)) for f in (np.nanmin, np.nanmax))
        return min(least / 1.1, 0.8), max(most * 1.1, 1.25)
    least, most = min(float(np.nanmin(bounds)), 0.0), max(float(np.nanmax(bounds)), 0.0)
    room = 0.06 * (most - least)
    return least - room, most + room


def _name_rows(axes: Axes, part: pd.DataFrame) -> np.ndarray:
    """Write the names of themes and findings from top to bottom, and return where the findings stand."""
    themes = part["theme"].to_list()
    new = np.array([True, *(a != b for a, b in pairwise(themes))])
    down = np.arange(len(part)) + _GAP * np.cumsum(new)
    at = down[-1] - down
    axes.set_ylim(-0.6, down[-1] + 0.4)
    axes.set_yticks(at, [str(label).replace("$", r"\$") for label in part["label"]], fontsize=8.5)
    axes.tick_params(axis="y", length=0)
    for y, theme in zip(at[new] + 0.95, np.array(themes)[new], strict=True):
        axes.annotate(theme, (-0.01, y), xycoords=("axes fraction", "data"), ha="right", va="center", fontsize=9,
                      fontweight="bold", annotation_clip=False)  # fmt: skip
    axes.grid(axis="y", color=PALETTE["floor"], linewidth=0.3, alpha=0.35)
    axes.set_axisbelow(True)
    return at


def _title(known: pd.DataFrame, other: str) -> str:
    counted, kept = int(known["counted"].sum()), int(known["replicated"].sum())
    return f"{kept} of {counted} known findings are replicated by {other} records"


def _handles(word: str, other: str) -> list[Line2D]:
    looks = (
        (word, PALETTE[word], "D", True),
        (f"{other}, replicated", PALETTE["synthetic"], "o", True),
        (f"{other}, not replicated", PALETTE["synthetic"], "o", False),
    )
    return [
        Line2D([], [], color=colour, marker=marker, markerfacecolor=colour if full else "white", markersize=5.5,
               linewidth=1.3, label=f"{label}, with 95 % interval" if label == word else label)
        for label, colour, marker, full in looks
    ]  # fmt: skip
