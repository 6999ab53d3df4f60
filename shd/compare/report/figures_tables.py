"""The figures of the report, as SVG to stand inside a page. Their titles are captions beside them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.dates import ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from shd._style import PALETTE, style, to_svg

_LEVEL_CHARACTERS = 20
_SMALL, _WIDE = (3.6, 2.4), (5.4, 2.6)
_SEQUENTIAL, _DIVERGING = "YlGnBu", "PuOr_r"

_YEAR = 365.2425  # days
_NEAR_1970 = 1900 * _YEAR  # matplotlib draws the years 1 to 9999, margins and ticks included, and no others


def distribution(bars: pd.DataFrame, word: str) -> str:
    """Draw one column: real beside synthetic; `bars` are the rows of that column in ``distributions``."""
    with style():
        draw = _draw_numbers if bars["left"].notna().any() else _draw_levels
        figure = Figure(_SMALL, layout="constrained")
        draw(figure.subplots(), bars, word)
    return to_svg(figure)


def _draw_levels(axes: Axes, bars: pd.DataFrame, word: str) -> None:
    at = np.arange(len(bars))[::-1]
    axes.barh(at + 0.2, bars["real"] * 100, 0.38, color=PALETTE[word], label=word)
    axes.barh(at - 0.2, bars["synthetic"] * 100, 0.38, color=PALETTE["synthetic"], label="synthetic")
    axes.set_yticks(at, [short(label) for label in bars["label"]], fontsize=8)
    axes.set_xlabel("% of records")


def _draw_numbers(axes: Axes, bars: pd.DataFrame, word: str) -> None:
    known = bars[bars["left"].notna()]
    edges = np.append(known["left"], known["right"].iloc[-1])
    for name, colour, width in (("real", PALETTE[word], 0), ("synthetic", PALETTE["synthetic"], 1.6)):
        shares = known[name] * 100
        axes.stairs(shares, edges, color=colour, fill=width == 0, alpha=0.75 if width == 0 else 1, linewidth=width)
    axes.set_ylabel("% of records")
    axes.margins(x=0.01)
    if known["date"].any() and (np.abs(axes.get_xlim()) > _NEAR_1970).any():
        axes.xaxis.set_major_formatter(lambda days, position: f"{1970 + days / _YEAR:.0f}")
    elif known["date"].any():  # days since 1970, as matplotlib counts them, too
        axes.xaxis_date()
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))


def short(label: object, most: int = _LEVEL_CHARACTERS) -> str:
    """Return a label that is at most so many characters long, as matplotlib takes it."""
    text = str(label).replace("$", r"\$")
    return text if len(text) <= most else text[: most - 1] + "…"


def associations(pairs: pd.DataFrame) -> dict[str, str]:
    """Draw three maps of all pairs: train, synthetic (strength, 0 to 1) and their difference."""
    names = _alike_together(pairs)
    most = max(0.1, float(pairs["difference"].abs().max()))
    # small associations matter, so that the scale spreads them out
    strength = {"cmap": _SEQUENTIAL, "norm": PowerNorm(0.5, 0, 1)}
    maps = {
        "train": _map(pairs, "train", names, absolute=True, **strength),
        "synthetic": _map(pairs, "synthetic", names, absolute=True, **strength),
        "difference": _map(pairs, "difference", names, absolute=False, cmap=_DIVERGING, vmin=-most, vmax=most),
    }
    return maps


def _matrix(pairs: pd.DataFrame, what: str, names: list) -> np.ndarray:
    at = {name: i for i, name in enumerate(names)}
    matrix = np.full((len(names), len(names)), np.nan)
    first, second = pairs["first"].map(at), pairs["second"].map(at)
    inside = (first.notna() & second.notna()).to_numpy()
    first, second = first[inside].astype(int), second[inside].astype(int)
    matrix[first, second] = matrix[second, first] = pairs.loc[inside, what]
    return matrix


def _alike_together(pairs: pd.DataFrame, most: int = 60) -> list:
    """Columns that hang together with something, strongest first, each followed by its closest neighbour."""
    strength = pairs[["train", "synthetic"]].abs().max(axis=1)
    ends = pd.concat([pairs["first"], pairs["second"]]).to_numpy()
    reach = pd.Series(np.tile(strength, 2)).groupby(ends, sort=False).max().sort_values(ascending=False, kind="stable")
    names = reach.index[: min(most, max(2, int((reach > 0.02).sum())))].tolist()
    matrix = np.nan_to_num(np.abs(_matrix(pairs.assign(strength=strength), "strength", names)))
    order, left = [0], set(range(1, len(names)))
    while left:
        following = max(sorted(left), key=lambda i: matrix[order[-1], i])
        order.append(following)
        left.remove(following)
    return [names[i] for i in order]


def _map(pairs: pd.DataFrame, what: str, names: list, *, absolute: bool, **colours: object) -> str:
    matrix = _matrix(pairs, what, names)
    with style():
        figure = Figure((5.4, 5.9), layout="compressed")
        axes = figure.subplots()
        # the cells are a small picture inside the SVG; the names around them stay text
        image = axes.imshow(np.abs(matrix) if absolute else matrix, interpolation="none", **colours)
        size = float(np.clip(230 / len(names), 3.5, 8))
        labels = [short(name) for name in names]
        axes.set_yticks(range(len(names)), labels, fontsize=size)
        axes.set_xticks(range(len(names)), labels, fontsize=size, rotation=90)
        axes.tick_params(length=0, pad=2)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(image, ax=axes, orientation="horizontal", shrink=0.6, pad=0.02, aspect=30)
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=7)
        if not absolute:
            bar.ax.xaxis.set_major_locator(MaxNLocator(4))
    return to_svg(figure)


def utility(rows: pd.DataFrame, word: str) -> str:
    """Draw TRTR, TSTR, TSTS, TRTS and the floor of one target level, with intervals."""
    drawn = {  # colour: what it was trained on; filled: tested on real records
        "TRTR": (PALETTE[word], f"TRTR  {word} to {word}", True),
        "TSTR": (PALETTE["synthetic"], f"TSTR  synthetic to {word}", True),
        "TSTS": (PALETTE["synthetic"], "TSTS  synthetic to synthetic", False),
        "TRTS": (PALETTE[word], f"TRTS  {word} to synthetic", False),
        "floor": (PALETTE["floor"], f"floor  to {word}", True),
    }
    with style():
        figure = Figure((3.9, 2.1), layout="constrained")
        axes = figure.subplots()
        rows = rows[rows["value"].notna()]
        at = np.arange(len(rows))[::-1]
        for y, row in zip(at, rows.itertuples(), strict=True):
            colour, _, filled = drawn[row.design]
            axes.errorbar(
                row.value, y, xerr=[[row.value - row.low], [row.high - row.value]], fmt="o", markersize=7,
                color=colour, markerfacecolor=colour if filled else "none", capsize=2,
            )  # fmt: skip
        axes.set_yticks(at, [drawn[design][1] for design in rows["design"]], fontsize=8)
        axes.set_ylim(-0.6, len(rows) - 0.4)
        guess = 0.5 if (rows["measure"] == "AUROC").all() else 0.0
        axes.axvline(guess, color=PALETTE["floor"], linewidth=0.8, linestyle=":")
        axes.set_xlabel("AUROC (0.5 is guessing)" if guess else "R2 (0 is guessing the mean)")
    return to_svg(figure)


def closeness(distances: pd.DataFrame, word: str) -> str:
    """Draw how far synthetic records lie from train and from the holdout: two curves that should be one."""
    rows = distances[distances["records"] == "synthetic"]
    most = float(np.quantile(rows[["to train", "to holdout"]], 0.995))
    edges = np.linspace(0, most if most > 0 else 1.0, 25)
    with style():
        figure = Figure(_WIDE, layout="constrained")
        axes = figure.subplots()
        for what, colour in (("to train", PALETTE[word]), ("to holdout", PALETTE["holdout"])):
            share = np.histogram(np.clip(rows[what], 0, edges[-1]), edges)[0] / len(rows) * 100
            axes.stairs(share, edges, color=colour, linewidth=1.8)
        axes.set_xlabel("distance to the closest record (0: a copy, 1: every column differs)")
        axes.set_ylabel("% of synthetic records")
        axes.margins(x=0.01)
    return to_svg(figure)
