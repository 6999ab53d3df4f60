"""The figures of the report, each a figure of matplotlib. Their titles are captions beside them."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.dates import ConciseDateFormatter
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from shd.compare.core.score import Score
from shd.plot import PALETTE, VERDICT_COLOURS, VERDICT_MARKS, Figure, style

_LEVEL_CHARACTERS, _ROW_CHARACTERS = 20, 34
_WIDTH, _ROW = 4.6, 0.27  # inches
_SEQUENTIAL, _DIVERGING = "YlGnBu", "PuOr_r"
_MOST_COLUMNS = 60  # of a map of pairs
_HELD = (0.9, 0.6, 0.3)  # shares of the records inside the lines of a map of records
_TICKS = (0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 5, 10)
_YEAR = 365.2425  # days
_NEAR_1970 = 1900 * _YEAR  # matplotlib draws the years 1 to 9999, margins and ticks included, and no others


def short(label: object, most: int = _LEVEL_CHARACTERS) -> str:
    """Return a label that is at most so many characters long, as matplotlib takes it."""
    text = str(label)
    text = text if len(text) <= most else text[: most - 1] + "…"
    return text.replace("$", r"\$")


def _axes(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure((width, height), layout="constrained")
    return figure, figure.subplots()


def _legend(figure: Figure, columns: int = 2, handles: list | None = None) -> None:
    """Say above the axes what is what."""
    handles = handles or figure.axes[0].get_legend_handles_labels()[0]
    figure.legend(handles=handles, loc="outside upper left", ncols=columns, fontsize=8, handletextpad=0.4)


def trained_on(word: str) -> dict[str, str]:
    """Return how the sides of a figure about models are called."""
    return {"real": f"trained on {word}", "synthetic": "trained on synthetic", "floor": "floor"}


def row_plot(
    rows: pd.DataFrame,
    word: str,
    label: str,
    *,
    said: Mapping[str, str],
    guess: float | None = None,
    ratio: bool = False,
) -> Figure:
    """Draw markers with 95 % intervals, row by row; `rows` has row, side, value, and perhaps low, high, filled.

    `said` names the sides: "real", "synthetic", "floor". Those of one row stand one below the other; `guess` is a line.
    """
    names, sides = list(rows["row"].unique()), list(rows["side"].unique())
    many = rows["row"].duplicated().any()
    with style():
        figure, axes = _axes(_WIDTH, _ROW * (1.35 if many else 1) * len(names) + 0.9)
        at = pd.Series(np.arange(len(names))[::-1], index=names)
        for k, side in enumerate(sides):
            own = rows[rows["side"] == side]
            shift = 0.36 * ((len(sides) - 1) / 2 - k) / max(len(sides) - 1, 1) if many else 0.0
            _markers(axes, own, own["row"].map(at) + shift, side, said[side], word)
        axes.set_yticks(at, [short(name, _ROW_CHARACTERS) for name in names], fontsize=8)
        axes.set_ylim(-0.7, len(names) - 0.3)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(label)
        if ratio:
            _ratios(axes, rows[["value", "low", "high"]].to_numpy(dtype=float))
        if guess is not None:
            axes.axvline(guess, color=PALETTE["floor"], linewidth=0.8, linestyle=":")
        _legend(figure, min(len(sides), 2))
    return figure


def _markers(axes: Axes, rows: pd.DataFrame, at: pd.Series, side: str, label: str, word: str) -> None:
    colour = PALETTE[word if side == "real" else side]
    look = {"color": colour, "linestyle": "none", "marker": {"real": "D", "synthetic": "o"}.get(side, "s")}
    if "low" in rows:
        axes.hlines(at, rows["low"], rows["high"], color=colour, linewidth=1.3)
    filled = rows.get("filled", pd.Series(True, index=rows.index))
    for is_filled in filled.unique():
        face = colour if is_filled else "none"
        own = rows["value"][filled == is_filled], at[filled == is_filled]
        axes.plot(*own, markersize=6, markerfacecolor=face, label=label, **look)
        label = None


def _ratios(axes: Axes, numbers: np.ndarray) -> None:
    """Make the axis logarithmic, with round ratios so far apart that their labels do not touch, 1 among them."""
    axes.set_xscale("log")
    low, high = np.nanmin(numbers) / 1.1, np.nanmax(numbers) * 1.1
    kept = []
    for tick in sorted((tick for tick in _TICKS if low <= tick <= high), key=lambda tick: abs(np.log(tick))):
        if all(abs(np.log(tick / other)) > np.log(high / low) / 9 for other in kept):
            kept.append(tick)
    axes.set_xticks(kept, [f"{tick:g}" for tick in kept])
    axes.minorticks_off()


def bars(frame: pd.DataFrame, names: str, word: str, label: str, said: Mapping[str, str]) -> Figure:
    """Draw a bar for real and one for synthetic in each row; `frame` has those columns, and one of names."""
    with style():
        figure, axes = _axes(_WIDTH if len(frame) > 6 else 3.6, max(2.4, _ROW * len(frame) + 0.75))
        _draw_bars(axes, frame, names, word, label)
        handles = [Patch(color=PALETTE[colour], label=said[side]) for side, colour in _colours(word).items()]
        _legend(figure, handles=handles)
    return figure


def _colours(word: str) -> dict[str, str]:
    return {"real": word, "synthetic": "synthetic"}


def _draw_bars(axes: Axes, frame: pd.DataFrame, names: str, word: str, label: str) -> None:
    tall = frame.assign(row=range(len(frame))).melt("row", ["real", "synthetic"], "side")
    palette = {side: PALETTE[colour] for side, colour in _colours(word).items()}
    sns.barplot(
        tall, x="value", y="row", hue="side", palette=palette, saturation=1, orient="h", errorbar=None, width=0.76,
        legend=False, ax=axes,
    )  # fmt: skip
    axes.set_yticks(range(len(frame)), [short(name) for name in frame[names]], fontsize=8)
    axes.set(xlabel=label, ylabel="")


def distribution(shares: pd.DataFrame, word: str) -> Figure:
    """Draw one column, real beside synthetic; `shares` are the rows of that column in ``distributions``."""
    percent = shares.assign(real=shares["real"] * 100, synthetic=shares["synthetic"] * 100)
    with style():
        figure, axes = _axes(3.6, 2.4)
        if shares["left"].notna().any():
            _draw_numbers(axes, percent[percent["left"].notna()], word)
        else:
            _draw_bars(axes, percent, "label", word, "% of records")
    return figure


def _draw_numbers(axes: Axes, known: pd.DataFrame, word: str) -> None:
    edges = np.append(known["left"], known["right"].iloc[-1])
    axes.stairs(known["real"], edges, color=PALETTE[word], fill=True, alpha=0.75, linewidth=0)
    axes.stairs(known["synthetic"], edges, color=PALETTE["synthetic"], linewidth=1.6)
    axes.set_ylabel("% of records")
    axes.margins(x=0.01)
    if known["date"].any() and (np.abs(axes.get_xlim()) > _NEAR_1970).any():
        axes.xaxis.set_major_formatter(lambda days, position: f"{1970 + days / _YEAR:.0f}")
    elif known["date"].any():  # days since 1970, as matplotlib counts them, too
        axes.xaxis_date()
        axes.xaxis.set_major_formatter(ConciseDateFormatter(axes.xaxis.get_major_locator()))


def associations(pairs: pd.DataFrame) -> dict[str, Figure]:
    """Draw three maps of all pairs: train, synthetic (strength, 0 to 1) and their difference."""
    names = _alike_together(pairs)
    most = max(0.1, float(pairs["difference"].abs().max()))
    # small associations matter, so that the scale spreads them out
    strength = {"cmap": _SEQUENTIAL, "norm": PowerNorm(0.5, 0, 1)}
    return {
        "train": _map(_matrix(pairs, "train", names).abs(), **strength),
        "synthetic": _map(_matrix(pairs, "synthetic", names).abs(), **strength),
        "difference": _map(_matrix(pairs, "difference", names), cmap=_DIVERGING, vmin=-most, vmax=most),
    }


def _matrix(pairs: pd.DataFrame, what: str, names: Sequence) -> pd.DataFrame:
    """Return a table of what was found about each two of some columns, by their positions; none about one alone."""
    at = {name: k for k, name in enumerate(names)}
    known = pairs[pairs["first"].isin(at) & pairs["second"].isin(at)]
    first, second = (known[end].map(at).astype(int).to_numpy() for end in ("first", "second"))
    matrix = np.full((len(names), len(names)), np.nan)
    matrix[first, second] = matrix[second, first] = known[what]
    return pd.DataFrame(matrix, [short(name) for name in names], [short(name) for name in names])


def _alike_together(pairs: pd.DataFrame) -> list:
    """Columns that hang together with something, strongest first, each followed by its closest neighbour."""
    strength = pairs[["train", "synthetic"]].abs().max(axis=1)
    ends = pd.concat([pairs["first"], pairs["second"]]).to_numpy()
    reach = pd.Series(np.tile(strength, 2)).groupby(ends, sort=False).max().sort_values(ascending=False, kind="stable")
    names = reach.index[: min(_MOST_COLUMNS, max(2, int((reach > 0.02).sum())))].tolist()
    matrix = _matrix(pairs.assign(strength=strength), "strength", names).fillna(0).to_numpy()
    order, left = [0], set(range(1, len(names)))
    while left:
        following = max(sorted(left), key=lambda k: matrix[order[-1], k])
        order.append(following)
        left.remove(following)
    return [names[k] for k in order]


def _map(matrix: pd.DataFrame, **colours: object) -> Figure:
    with style():
        figure = Figure((5.4, 5.9), layout="compressed")
        axes = figure.subplots()
        # the cells are a small picture inside the SVG; the names around them stay text
        sns.heatmap(
            matrix, ax=axes, square=True, rasterized=True, xticklabels=True, yticklabels=True, cbar_kws={
                "orientation": "horizontal", "shrink": 0.6, "pad": 0.02, "aspect": 30, "ticks": MaxNLocator(4)
            }, **colours,
        )  # fmt: skip
        size = float(np.clip(230 / len(matrix), 3.5, 8))
        axes.tick_params(length=0, pad=2, labelsize=size)
        axes.tick_params(axis="x", rotation=90)
        axes.tick_params(axis="y", rotation=0)
        axes.collections[0].colorbar.ax.tick_params(length=0, labelsize=7)
    return figure


def principal_axes(points: pd.DataFrame, word: str) -> Figure:
    """Draw where the records of both tables lie on two axes: areas for real ones, lines for synthetic ones."""
    is_synthetic = points["source"] == "synthetic"
    levels = [1 - held for held in _HELD]
    with style():
        figure, axes = _axes(5.4, 4.2)
        look = {"x": "x", "y": "y", "gridsize": 80, "warn_singular": False, "ax": axes}
        sns.kdeplot(points[~is_synthetic], fill=True, levels=[*levels, 1], alpha=0.6, color=PALETTE[word], **look)
        sns.kdeplot(points[is_synthetic], levels=levels, color=PALETTE["synthetic"], linewidths=1.4, **look)
        for side, colour, marker in ((~is_synthetic, PALETTE[word], "D"), (is_synthetic, PALETTE["synthetic"], "o")):
            axes.plot(*points.loc[side, ["x", "y"]].mean(), marker, color=colour, markeredgecolor="white")
        axes.set_xlabel(f"first axis: {points['x share'].iloc[0]:.0%} of the variance")
        axes.set_ylabel(f"second axis: {points['y share'].iloc[0]:.0%} of the variance")
        held = ", ".join(f"{share:.0%}" for share in sorted(_HELD))
        said = f"{word}: areas with {held} of the records, and their centre", "synthetic: lines around as many"
        handles = [
            Patch(facecolor=PALETTE[word], alpha=0.6, label=said[0]),
            Patch(facecolor="none", edgecolor=PALETTE["synthetic"], linewidth=1.4, label=said[1]),
        ]
        _legend(figure, 1, handles)
    return figure


def closeness(distances: pd.DataFrame, word: str) -> Figure:
    """Draw how far synthetic records lie from train and from the holdout: two curves that should be one."""
    rows = distances.loc[distances["records"] == "synthetic", ["to train", "to holdout"]]
    most = float(np.quantile(rows, 0.995)) or 1.0
    palette = {"to train": PALETTE[word], "to holdout": PALETTE["holdout"]}
    tall = rows.clip(upper=most).melt(var_name="to", value_name="distance")
    with style():
        figure, axes = _axes(5.4, 2.6)
        sns.histplot(
            tall, x="distance", hue="to", palette=palette, bins=np.linspace(0, most, 25), stat="percent",
            common_norm=False, element="step", fill=False, linewidth=1.8, legend=False, ax=axes,
        )  # fmt: skip
        axes.set_xlabel("distance to the closest record (0: a copy, 1: every column differs)")
        axes.set_ylabel("% of synthetic records")
        axes.margins(x=0.01)
    return figure


def augmentation(rows: pd.DataFrame, word: str) -> Figure:
    """Draw how well models do that learn from few real records, with and without synthetic ones."""
    looks = {
        "real": (PALETTE[word], "D", f"{word} alone"),
        "real + synthetic": (PALETTE["synthetic"], "o", f"{word} and synthetic"),
    }
    with style():
        figure, axes = _axes(_WIDTH, 2.7)
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
        _legend(figure, 3)
    return figure


def calibration(frame: pd.DataFrame, word: str) -> Figure:
    """Draw predicted chances beside what came true, for the models of both tables."""
    most = 1.05 * max(frame["predicted"].max(), frame["observed"].max())
    with style():
        figure, axes = _axes(3.9, 3.3)
        axes.plot([0, most], [0, most], color=PALETTE["floor"], linestyle=":", linewidth=1)
        for design, name, marker in (("real", word, "D"), ("synthetic", "synthetic", "o")):
            own = frame[frame["design"] == design]
            look = {"color": PALETTE[name], "marker": marker, "label": f"trained on {name}"}
            axes.plot(own["predicted"], own["observed"], **look)
        axes.set_xlabel("chance that the model gives")
        axes.set_ylabel(f"share of {word} records that have it")
        axes.set(xlim=(0, most), ylim=(0, most))
        _legend(figure)
    return figure


def each(frame: pd.DataFrame, by: str, draw: Callable) -> list:
    """Return what is drawn of each group of rows, in their order; nothing of an empty table."""
    return [] if frame.empty else [draw(name, rows) for name, rows in frame.groupby(by, sort=False)]


def scores(found: Sequence[Score]) -> Figure:
    """Draw one row a score, each on a scale of its own.

    The dot is the synthetic table, the line its 95 % interval; the square is the floor, the diamond
    the ceiling (the same number for other real records).
    """
    with style():
        figure = Figure((7.0, 0.62 * len(found) + 0.5), layout="constrained", facecolor="white")
        rows = np.atleast_1d(figure.subplots(len(found), 1))
        for axes, score in zip(rows, found, strict=True):
            _draw_score(axes, score)
        handles, labels = rows[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=3, frameon=False, fontsize=8)
    return figure


def _draw_score(axes: Axes, score: Score) -> None:
    ends = {"floor": (score.floor, "s", "floor"), "ceiling": (score.ceiling, "D", "real")}
    known = [score.value, score.low, score.high, *(at for at, *_ in ends.values() if at is not None)]
    margin = 0.06 * (max(known) - min(known)) or 0.05
    axes.set_xlim(min(known) - margin, max(known) + margin)
    axes.set_ylim(-1, 1)
    axes.plot([score.low, score.high], [0, 0], color=PALETTE["synthetic"], linewidth=4, alpha=0.4)
    axes.plot(score.value, 0, "o", color=PALETTE["synthetic"], markersize=8, label="synthetic, with interval")
    for name, (at, marker, colour) in ends.items():
        at = np.nan if at is None else at
        axes.plot(at, 0, marker, color=PALETTE[colour], markersize=6, label=name, linestyle="none")
    axes.set_yticks([0], [f"{score.metric}  {score.write(score.value)}"], fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=7, pad=1)
    axes.spines[["left", "right", "top"]].set_visible(False)
    verdict, colour = f"{VERDICT_MARKS[score.verdict]} {score.verdict}", VERDICT_COLOURS[score.verdict]
    axes.text(1.01, 0, verdict, transform=axes.get_yaxis_transform(), va="center", fontsize=8, color=colour)
