"""Scores as a figure: each number with its interval, between its floor and its ceiling."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from shd._style import PALETTE, VERDICT_COLOURS, VERDICT_MARKS, Figure, style
from shd.compare.core.score import Score

_WIDTH, _ROW = 7.0, 0.62  # inches


def draw_scores(scores: Sequence[Score]) -> Figure:
    """Draw one row a score, each on a scale of its own.

    The dot is the synthetic table, the line its 95 % interval; the square is the floor, the diamond
    the ceiling (the same number for other real records).
    """
    with style():
        figure = Figure((_WIDTH, _ROW * len(scores) + 0.5), layout="constrained", facecolor="white")
        rows = np.atleast_1d(figure.subplots(len(scores), 1))
        for axes, score in zip(rows, scores, strict=True):
            _draw(axes, score)
        handles, labels = rows[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=3, frameon=False, fontsize=8)
    return figure


def _draw(axes: Axes, score: Score) -> None:
    known = [v for v in (score.value, score.low, score.high, score.floor, score.ceiling) if v is not None]
    known = [v for v in known if np.isfinite(v)]
    margin = 0.06 * (max(known) - min(known)) or 0.05
    axes.set_xlim(min(known) - margin, max(known) + margin)
    axes.set_ylim(-1, 1)
    axes.plot([score.low, score.high], [0, 0], color=PALETTE["synthetic"], linewidth=4, alpha=0.4)
    axes.plot(score.value, 0, "o", color=PALETTE["synthetic"], markersize=8, label="synthetic, with interval")
    for name, at, marker, colour in (
        ("floor", score.floor, "s", PALETTE["floor"]),
        ("ceiling", score.ceiling, "D", PALETTE["real"]),
    ):
        at = np.nan if at is None else at
        axes.plot(at, 0, marker, color=colour, markersize=6, label=name, linestyle="none")
    axes.set_yticks([0], [f"{score.metric}  {score.write(score.value)}"], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=7, pad=1)
    axes.spines[["left", "right", "top"]].set_visible(False)
    verdict = f"{VERDICT_MARKS[score.verdict]} {score.verdict}"
    axes.text(
        1.01,
        0,
        verdict,
        transform=axes.get_yaxis_transform(),
        va="center",
        fontsize=8,
        color=VERDICT_COLOURS[score.verdict],
    )
