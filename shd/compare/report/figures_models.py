"""Figures about models: families, augmentation, importance, calibration, odds ratios, groups of people. All as SVG."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shd._style import PALETTE, style, to_svg
from shd.compare.report.figures_tables import short

_WIDTH, _ROW = 5.2, 0.27  # inches
_MOST = 10  # columns whose importance is drawn


def _rows(n: int, more: float = 0.75) -> tuple[Figure, Axes]:
    """Return a figure with room for n rows of text."""
    figure = Figure((_WIDTH, _ROW * n + more), layout="constrained")
    return figure, figure.subplots()


def _legend(axes: Axes, n: int = 2) -> None:
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=n, fontsize=8, borderaxespad=0.2, handletextpad=0.4)


def _name_rows(axes: Axes, names: list) -> np.ndarray:
    """Write names from top to bottom, and return where they stand."""
    at = np.arange(len(names))[::-1]
    axes.set_yticks(at, [short(name, 34) for name in names], fontsize=8)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.tick_params(axis="y", length=0)
    return at


def _span(axes: Axes, low: pd.Series, value: pd.Series, high: pd.Series, at: np.ndarray, **look: object) -> None:
    axes.errorbar(value, at, xerr=np.abs([value - low, high - value]), capsize=2, linestyle="none", **look)


def model_families(rows: pd.DataFrame, word: str) -> str:
    """Draw TRTR and TSTR of each family of models for one target; `rows` are those of the frame ``models``."""
    with style():
        names = list(rows["model"].unique())
        figure, axes = _rows(len(names))
        at = pd.Series(_name_rows(axes, names), index=names)
        for design, colour, marker, shift in (("TRTR", word, "D", 0.12), ("TSTR", "synthetic", "o", -0.12)):
            own = rows[rows["design"] == design].set_index("model").reindex(names)
            look = {"fmt": marker, "color": PALETTE[colour], "markersize": 6, "label": f"trained on {colour}"}
            _span(axes, own["low"], own["value"], own["high"], at + shift, **look)
        measure = rows["measure"].iloc[0]
        axes.set_xlabel(f"{measure} on {word} records ({'0.5 is guessing' if measure == 'AUROC' else '0: the mean'})")
        _legend(axes)
    return to_svg(figure)


def augmentation(rows: pd.DataFrame, word: str) -> str:
    """Draw how well models do that learn from few real records, with and without synthetic ones."""
    looks = {
        "real": (PALETTE[word], "D", f"{word} alone"),
        "real + synthetic": (PALETTE["synthetic"], "o", f"{word} and synthetic"),
    }
    with style():
        figure = Figure((_WIDTH, 2.7), layout="constrained")
        axes = figure.subplots()
        for design, (colour, marker, label) in looks.items():
            own = rows[rows["design"] == design].sort_values("records")
            axes.plot(own["records"], own["value"], color=colour, marker=marker, markersize=5, label=label)
            axes.fill_between(own["records"], own["low"], own["high"], color=colour, alpha=0.18, linewidth=0)
        alone = rows[rows["design"] == "synthetic"]
        if len(alone):
            axes.axhline(alone["value"].iloc[0], color=PALETTE["synthetic"], linestyle=":", label="synthetic alone")
        axes.set_xscale("log")
        sizes = sorted(rows.loc[rows["design"] == "real", "records"].unique())
        axes.set_xticks(sizes, [f"{n:,}" for n in sizes])
        axes.minorticks_off()
        axes.set_xlabel(f"{word} records to learn from")
        axes.set_ylabel(f"{rows['measure'].iloc[0] if 'measure' in rows else 'AUROC'} on {word} records")
        _legend(axes, 3)
    return to_svg(figure)


def importance(frame: pd.DataFrame, word: str) -> str:
    """Draw what models of both tables rely on: the columns that matter most to either."""
    top = frame.loc[frame[["real", "synthetic"]].max(axis=1).nlargest(_MOST).index]
    with style():
        figure, axes = _rows(len(top))
        at = _name_rows(axes, list(top["column"]))
        axes.barh(at + 0.19, top["real"], 0.36, color=PALETTE[word], label=f"trained on {word}")
        axes.barh(at - 0.19, top["synthetic"], 0.36, color=PALETTE["synthetic"], label="trained on synthetic")
        axes.set_xlabel("what the score loses when the column is shuffled")
        _legend(axes)
    return to_svg(figure)


def calibration(frame: pd.DataFrame, word: str) -> str:
    """Draw predicted chances beside what came true, for the models of both tables."""
    looks = {"real": (PALETTE[word], "D", word), "synthetic": (PALETTE["synthetic"], "o", "synthetic")}
    with style():
        figure = Figure((3.9, 3.3), layout="constrained")
        axes = figure.subplots()
        most = 1.05 * max(frame["predicted"].max(), frame["observed"].max())
        axes.plot([0, most], [0, most], color=PALETTE["floor"], linestyle=":", linewidth=1)
        for design, (colour, marker, name) in looks.items():
            own = frame[frame["design"] == design]
            axes.plot(own["predicted"], own["observed"], color=colour, marker=marker, label=f"trained on {name}")
        axes.set_xlabel("chance that the model gives")
        axes.set_ylabel(f"share of {word} records that have it")
        axes.set_xlim(0, most)
        axes.set_ylim(0, most)
        _legend(axes)
    return to_svg(figure)


def _ticks(low: float, high: float) -> list[float]:
    """Return round ratios between two bounds, 1 among them, so far apart that their labels do not touch."""
    inside = [t for t in (0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10) if low <= t <= high]
    room, kept = np.log(high / low) / 9, []
    for tick in sorted(inside, key=lambda t: abs(np.log(t))):
        if all(abs(np.log(tick / other)) > room for other in kept):
            kept.append(tick)
    return sorted(kept)


def odds_ratios(frame: pd.DataFrame, word: str) -> str:
    """Draw a forest: each term's ratio from real and from synthetic records, with intervals."""
    with style():
        figure, axes = _rows(len(frame))
        at = _name_rows(axes, list(frame["term"]))
        for side, colour, marker, shift in (("real", word, "D", 0.17), ("synthetic", "synthetic", "o", -0.17)):
            look = {"fmt": marker, "color": PALETTE[colour], "markersize": 5, "label": colour}
            _span(axes, frame[f"{side} low"], frame[side], frame[f"{side} high"], at + shift, **look)
        axes.axvline(1, color=PALETTE["floor"], linewidth=0.8, linestyle=":")
        axes.set_xscale("log")
        low, high = (
            f(frame[["real low", "real high", "synthetic low", "synthetic high"]].to_numpy())
            for f in (np.nanmin, np.nanmax)
        )
        ticks = _ticks(low / 1.1, high * 1.1)
        axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axes.minorticks_off()
        axes.set_xlabel("odds ratio (1: no link)")
        _legend(axes)
    return to_svg(figure)


def groups(rows: pd.DataFrame, word: str) -> str:
    """Draw how well models serve each group of one column; `rows` are those of the frame ``fairness``."""
    with style():
        figure, axes = _rows(len(rows))
        at = _name_rows(axes, list(rows["group"]))
        look = {"markersize": 6, "linestyle": "none"}
        axes.plot(rows["TRTR"], at + 0.12, "D", color=PALETTE[word], label=f"trained on {word}", **look)
        axes.plot(rows["TSTR"], at - 0.12, "o", color=PALETTE["synthetic"], label="trained on synthetic", **look)
        axes.set_xlabel(f"AUROC on {word} people of the group (0.5 is guessing)")
        _legend(axes)
    return to_svg(figure)
