"""Figures about times, subgroups and control arms: real beside other records, on the same axes."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from shd import ShdError
from shd.plot import PALETTE, Figure, style

_ROW = 0.27  # inches
_TICKS = (0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10)
_LOOKS = {  # palette, marker, filled: controls are told apart without colour, too
    "own controls": ("real", "D", True),
    "few own controls": ("real", "D", False),
    "held-out controls": ("holdout", "s", True),
    "synthetic controls": ("synthetic", "o", True),
    "controls of independent columns": ("floor", "^", True),
}


def discharge_curves(real: pd.DataFrame, other: pd.DataFrame, word: str = "real", name: str = "synthetic") -> Figure:
    """Draw who is still in hospital on each day, one panel a group; both tables come from `times.discharge_curves`.

    `word` and `name` say what the tables are: names of colours in `PALETTE`.
    """
    groups = [group for group in real["group"].unique() if (other["group"] == group).any()]
    if not groups:
        raise ShdError("the two tables of curves have no group in common; make both with the same grouping.")
    both = real.merge(other, on=["group", "day"], suffixes=("", " other"))
    gap = (both["still in hospital"] - both["still in hospital other"]).abs()
    worst = both.loc[gap.idxmax()]
    with style():
        across = min(3, len(groups))
        down = -(-len(groups) // across)
        size = (5.2, 3.4) if len(groups) == 1 else (2.35 * across + 0.5, 1.65 * down + 1.0)
        figure = Figure(size, layout="constrained")
        panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        for axes, group in zip(panels.flat, groups, strict=False):
            for table, key, line in ((real, word, "-"), (other, name, "--")):
                _curve(axes, table[table["group"] == group], PALETTE[key], line, _called(key))
            if len(groups) > 1:
                axes.set_title(_short(group, 26), fontsize=9, loc="left")
        for axes in list(panels.flat)[len(groups) :]:
            axes.set_visible(False)
        for column in range(across):  # the days stand below the lowest panel of each column
            lowest = panels[max(row for row in range(down) if row * across + column < len(groups)), column]
            lowest.tick_params(labelbottom=True)
        figure.supxlabel("days in hospital", fontsize=9)
        figure.supylabel("still in hospital (%)", fontsize=9)
        where = "" if len(groups) == 1 else f" ({worst['group']})"
        title = f"The curves are at most {100 * gap.max():.1f} points apart, on day {worst['day']:g}{where}"
        _head(figure, title, panels.flat[0])
    return figure


def hazards(real: pd.DataFrame, other: pd.DataFrame, word: str = "real", name: str = "synthetic") -> Figure:
    """Draw hazard ratios of discharge of both tables; see `times.discharge_hazards`."""
    kind = "hazard ratio"
    both = real.merge(other, on="term", how="left", suffixes=("", " other"))
    both = both[both[kind].notna()].reset_index(drop=True)
    title = f"{_agreement(both, kind)} terms agree: the intervals overlap, and no effect points elsewhere"
    return _forest(
        both, list(both["term"]), kind, "hazard ratio of discharge (above 1: leaves sooner)", title, (word, name)
    )


def subgroup_effects(real: pd.DataFrame, other: pd.DataFrame, word: str = "real", name: str = "synthetic") -> Figure:
    """Draw the odds ratio in each subgroup of both tables, with the p of interaction; see `times.subgroup_effects`."""
    both = real.merge(other, on=["subgroup", "level"], how="left", suffixes=("", " other"))
    both = both[both["odds ratio"].notna()].reset_index(drop=True)
    names = (both["subgroup"] + ": " + both["level"]).str.removesuffix(": ").to_list()
    title = f"{_agreement(both, 'odds ratio')} odds ratios agree: the intervals overlap, and no effect points elsewhere"
    figure = _forest(both, names, "odds ratio", "odds ratio, not adjusted (1: no difference)", title, (word, name))
    heading = f"adjusted p of a difference:\n{_called(word)} / {_called(name)}"
    with style():
        _interactions(figure.axes[0], both, heading)
    return figure


def contrasts(frame: pd.DataFrame, unit: str = "percentage points", scale: float = 100.0, word: str = "real") -> Figure:
    """Draw the contrast with each control group, one panel a method; see `control_arm.control_arm_experiment`.

    `unit` and `scale` say how values are written: shares in percentage points, days as ``("days", 1)``. `word` says
    what the first table is (a colour in `PALETTE`).
    """
    methods, controls = list(frame["method"].unique()), list(frame["controls"].unique())
    with style():
        figure = Figure((2.1 * len(methods) + 1.9, 0.3 * len(controls) + 1.25), layout="constrained")
        panels = figure.subplots(1, len(methods), sharex=True, sharey=True, squeeze=False)[0]
        at = dict(zip(controls, np.arange(len(controls))[::-1], strict=True))
        for axes, method in zip(panels, methods, strict=True):
            for _, row in frame[frame["method"] == method].iterrows():
                _contrast(axes, row, at[row["controls"]], scale, word)
            axes.axvline(0, color=PALETTE["floor"], linewidth=0.8)
            axes.set_title(method, fontsize=9, loc="left")
            axes.set_yticks(list(at.values()), list(at), fontsize=8)
            axes.set_ylim(-0.6, len(controls) - 0.4)
            axes.tick_params(axis="y", length=0)
        figure.supxlabel(f"treated minus controls ({unit})", fontsize=9)
        figure.suptitle(_verdict(frame, unit, scale), x=0.01, ha="left", fontsize=10)
    return figure


def _contrast(axes: Axes, row: pd.Series, at: float, scale: float, word: str) -> None:
    colour, marker, filled = _LOOKS.get(row["controls"], ("floor", "o", True))
    colour = word if colour == "real" else colour
    if not np.isfinite(row["value"]):
        axes.text(
            0.5, at, "not estimable", transform=axes.get_yaxis_transform(), fontsize=7.5, ha="center", va="center"
        )
        return
    spread = scale * np.array([[row["value"] - row["low"]], [row["high"] - row["value"]]])
    face = PALETTE[colour] if filled else "white"
    look = {"color": PALETTE[colour], "fmt": marker, "markerfacecolor": face, "capsize": 2, "markersize": 5}
    axes.errorbar(scale * row["value"], at, xerr=spread, **look)
    if row["controls"] == "own controls":  # what others are to agree with
        axes.axvspan(scale * row["low"], scale * row["high"], color=PALETTE[colour], alpha=0.12, linewidth=0)


def _verdict(frame: pd.DataFrame, unit: str, scale: float) -> str:
    own = frame[(frame["controls"] == "synthetic controls") & frame["bias"].notna()]
    if own.empty:
        return "With synthetic controls nothing can be estimated"
    far = own.loc[own["bias"].abs().idxmax()]
    off = int(((own["bias low"] > 0) | (own["bias high"] < 0)).sum())
    said = (
        "no method finds a bias beyond chance" if off == 0 else f"{off} of {len(own)} methods find a bias beyond chance"
    )
    return f"Synthetic controls: {said}\n(largest: {scale * far['bias']:+.2g} {unit}, {far['method']})"


def _interactions(axes: Axes, both: pd.DataFrame, heading: str) -> None:
    """Part the blocks of a forest of subgroups, and write beside each whether its levels differ."""
    look = {"transform": axes.get_yaxis_transform(), "fontsize": 8}
    axes.text(1.02, len(both) - 0.6, heading, va="top", **look)
    for at in np.flatnonzero(both["subgroup"] != both["subgroup"].shift(1))[1:]:
        row, height = both.loc[at], len(both) - 1 - at
        axes.axhline(height + 0.5, color=PALETTE["floor"], linewidth=0.4)
        said = f"{_p(row['adjusted p'])} / {_p(row['adjusted p other'])}"
        axes.text(1.02, height, said, va="center", **look)


def _curve(axes: Axes, rows: pd.DataFrame, colour: str, line: str, label: str) -> None:
    look = {"where": "post", "color": colour}
    axes.step(rows["day"], 100 * rows["still in hospital"], linestyle=line, linewidth=1.5, label=label, **look)
    axes.fill_between(
        rows["day"], 100 * rows["low"], 100 * rows["high"], step="post", color=colour, alpha=0.18, linewidth=0
    )
    axes.set_ylim(0, 103)
    axes.set_xlim(0, None)


def _forest(
    both: pd.DataFrame, names: Sequence[str], kind: str, label: str, title: str, words: tuple[str, str]
) -> Figure:
    """Draw ratios of two tables with intervals, one row a term; those of the second have columns ending in other."""
    if both.empty:
        raise ShdError("no term could be estimated in the real table; see its column 'why not'.")
    with style():
        figure, axes, at = _rows(names)
        for key, suffix, marker, line, shift in (
            (words[0], "", "D", "-", 0.17),
            (words[1], " other", "o", "--", -0.17),
        ):
            value, low, high = (both[column + suffix] for column in (kind, "low", "high"))
            look = {"color": PALETTE[key], "capsize": 2, "markersize": 4.5, "label": _called(key)}
            bars = axes.errorbar(value, at + shift, xerr=np.abs([value - low, high - value]), fmt=marker, **look)
            bars[2][0].set_linestyle(line)
        axes.axvline(1, color=PALETTE["floor"], linewidth=0.8, linestyle=":")
        axes.set_xscale("log")
        bounds = both[["low", "high", "low other", "high other"]].to_numpy(float)
        low, high = np.nanmin(bounds) / 1.03, np.nanmax(bounds) * 1.03
        ticks = [tick for tick in _TICKS if low <= tick <= high]
        if high / low > 3:
            ticks = [tick for tick in ticks if tick not in (0.67, 0.9, 1.1, 1.25)]
        axes.set_xlim(low, high)
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.set_xlabel(label)
        for height in at[both[f"{kind} other"].isna()]:
            axes.text(1, height - 0.17, f"{words[1]}: not estimable", fontsize=7, va="center", ha="center")
        _head(figure, title, axes)
    return figure


def _agreement(both: pd.DataFrame, kind: str) -> str:
    """Count the terms whose intervals overlap, and whose signs are equal where the first table can tell its own."""
    same = np.sign(np.log(both[kind])) == np.sign(np.log(both[f"{kind} other"]))
    unknown = (both["low"] <= 1) & (both["high"] >= 1)
    overlap = (both["low"] <= both["high other"]) & (both["low other"] <= both["high"])
    return f"{int(((same | unknown) & overlap).sum())} of {len(both)}"


def _rows(names: Sequence[str]) -> tuple[Figure, Axes, np.ndarray]:
    """Return a figure with a row of text for each name, and where the rows stand."""
    figure = Figure((7.2, _ROW * len(names) + 1.2), layout="constrained")
    axes, at = figure.subplots(), np.arange(len(names))[::-1]
    axes.set_yticks(at, [_short(name, 56) for name in names], fontsize=8)
    axes.set_ylim(-0.7, len(names) - 0.3)
    axes.tick_params(axis="y", length=0)
    return figure, axes, at


def _head(figure: Figure, title: str, axes: Axes) -> None:
    """Write the finding above, and below it the legend of one of the panels."""
    handles, labels = axes.get_legend_handles_labels()
    look = {"title": title, "title_fontsize": 10, "alignment": "left", "fontsize": 8}  # two headings would overlap
    figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), **look)


def _called(key: str) -> str:
    return {"holdout": "held-out", "floor": "independent columns"}.get(key, key)


def _p(value: float) -> str:
    if not np.isfinite(value):
        return "–"
    return "<.001" if value < 0.001 else f"{value:.2f}" if value >= 0.01 else f"{value:.3f}"


def _short(label: object, most: int) -> str:
    """Return a label that is at most so many characters long, as matplotlib takes it."""
    text = str(label).replace("$", r"\$")
    return text if len(text) <= most else text[: most - 1] + "…"
