"""Figures of networks and kinds of patients: real beside another table, nodes in the same places."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from shd import ShdError
from shd.datasets.diabetes_cohort import title
from shd.plot import PALETTE, Figure, style

from .networks import TOGETHER, log_lift, match_links
from .phenotypes import PhenotypeComparison

_FONT, _LETTER, _LINE = 7.5, 0.063, 0.125  # of a label: points, and inches a letter and a line
_WRAP = 17  # letters a line
_PANEL = (5.3, 5.4)  # inches
_LEAST_RADIUS, _MORE_RADIUS = 0.05, 0.13  # inches: of a node without records, and what the largest has beyond
_LEAST_WIDTH, _MORE_WIDTH, _MOST_LIFT = 0.5, 0.9, 3.5  # points: of a line, more for each log lift, up to this one
_BETWEEN, _ABOVE, _BELOW = 0.3, 0.85, 0.35  # inches around the panels
_KEPT, _DOTS, _DASHES = "#4d4d4d", (0, (1, 2)), (0, (5, 2))
_MOST_SHADE, _VARIABLES = 2.0, 12  # of a heat map: the last shade, most columns


def layout(edges: pd.DataFrame, seed: int = 0, most: int = 25) -> pd.DataFrame:
    """Place the ends of a network's surest links so that linked ones are near and no label covers another.

    One row a node: node, label (in words, in lines), x, y (its centre, inches from the panel's lower left corner),
    radius, width, height (inches; of node and label, which stands below it, together), largest (records of the largest
    node).

    Only links "together" draw. `most` are 2 to 25 nodes: more cannot be read. Those of the least sure links are left
    out where labels are so long that they find no room.
    """
    if not 1 < most <= 25:
        raise ShdError(f"most={most}: between 2 and 25 nodes can be drawn and read.")
    strong = edges[edges["link"] == TOGETHER].assign(weight=log_lift)
    strong = strong.assign(sure=strong["records"] - strong["expected"])
    strong = strong.sort_values(["p", "sure"], ascending=[True, False], kind="stable")
    nodes: dict[str, int] = {}
    for row in strong[["first", "second", "first records", "second records"]].itertuples(index=False):
        new = {row[0]: row[2], row[1]: row[3]}
        if len(nodes | new) <= most:
            nodes |= new
    if not nodes:
        raise ShdError("no two stand together more often than chance, so there is nothing to draw.")
    frame = pd.DataFrame({"node": list(nodes), "label": [in_lines(name) for name in nodes]})
    frame["radius"] = _LEAST_RADIUS + _MORE_RADIUS * np.sqrt(np.array([*nodes.values()]) / max(nodes.values()))
    lines = frame["label"].str.split("\n")
    frame["width"] = np.maximum(lines.map(lambda own: max(map(len, own))) * _LETTER, 2 * frame["radius"]) + 0.06
    frame["height"] = 2 * frame["radius"] + lines.map(len) * _LINE + 0.06
    boxes = frame[["width", "height"]].to_numpy()
    middle, clear = _apart(_springs(list(nodes), strong, seed), boxes)
    if not clear and most > 2:
        return layout(edges, seed, most - 1)
    frame["largest"] = max(nodes.values())
    return frame.assign(x=middle[:, 0], y=middle[:, 1] + boxes[:, 1] / 2 - frame["radius"] - 0.02)


def in_lines(level: str) -> str:
    """Return a level in words, in short lines."""
    return "\n".join(textwrap.wrap(title(str(level)), _WRAP))


def _springs(nodes: list[str], strong: pd.DataFrame, seed: int) -> np.ndarray:
    """Return places by springs along the links, inches, shape (n, 2): Fruchterman and Reingold (1991).

    They are moved half of the way to where all distances across are the same, so that labels find room.
    """
    import networkx as nx

    graph = nx.from_pandas_edgelist(strong, "first", "second", "weight").subgraph(nodes)
    found = nx.spring_layout(graph, method="force", iterations=200, seed=seed)
    places = np.array([found[name] for name in nodes])
    places = (places - places.min(axis=0)) / np.ptp(places, axis=0).clip(1e-9)
    even = places.argsort(axis=0).argsort(axis=0) / max(len(nodes) - 1, 1)
    return (places + even) / 2 * np.array(_PANEL)


def _apart(places: np.ndarray, boxes: np.ndarray, steps: int = 1500) -> tuple[np.ndarray, bool]:
    """Push boxes, shape (n, 2), apart inside the panel, by the shorter way or else the other.

    Returns their middles, inches, shape (n, 2), and whether none overlaps.
    """
    panel = np.array(_PANEL)
    places = places.clip(boxes / 2, panel - boxes / 2)
    need = (boxes[:, None] + boxes[None, :]) / 2
    away = np.where(np.arange(len(places))[:, None] < np.arange(len(places))[None, :], -1.0, 1.0)
    for step in range(steps):
        gap = places[:, None] - places[None, :]
        lack = need - np.abs(gap)
        clash = (lack > 0).all(axis=2)
        np.fill_diagonal(clash, False)
        if not clash.any():
            return places, True
        sign = np.where(gap == 0, away[:, :, None], np.sign(gap))
        # the shorter way may be barred by the edge of the panel
        way = (lack.argmin(axis=2) + (step % 4 == 3)) % 2
        chosen = way[:, :, None] == np.arange(2)
        move = np.where(chosen & clash[:, :, None], sign * (lack / 2 + 1e-3), 0).sum(axis=1)
        places = (places + 0.6 * move).clip(boxes / 2, panel - boxes / 2)
    return places, False


def plot_networks(
    real_edges: pd.DataFrame,
    other_edges: pd.DataFrame,
    word: str = "real",
    other_word: str = "synthetic",
    what: str = "diagnoses",
    seed: int = 0,
    most: int = 25,
) -> Figure:
    """Draw the links "together" of two networks in one layout, that of the real one.

    A node grows with its records in the table of its panel, a line with the log lift. In the other panel links
    that survive are drawn through, lost ones dotted and grey, invented ones dashed in that table's colour. The edges
    are `real` and `other` of a `NetworkComparison`; the words are names of `PALETTE`, `what` says what the nodes are.
    """
    nodes = layout(real_edges, seed, most).set_index("node")
    links = match_links(real_edges, other_edges)
    links = links[links["link"] == TOGETHER]
    drawn = links[links["first"].isin(nodes.index) & links["second"].isin(nodes.index)]
    with style():
        width, height = 2 * _PANEL[0] + _BETWEEN, _PANEL[1] + _ABOVE + _BELOW
        figure = Figure((width, height))
        sides = ((0.0, "real", word, real_edges), (_PANEL[0] + _BETWEEN, "other", other_word, other_edges))
        for left, side, name, edges in sides:
            axes = figure.add_axes((left / width, _BELOW / height, _PANEL[0] / width, _PANEL[1] / height))
            _draw_links(axes, nodes, drawn, side, other_word)
            _draw_nodes(axes, nodes, edges, PALETTE[name])
            axes.set(xlim=(0, _PANEL[0]), ylim=(0, _PANEL[1]))
            axes.set_axis_off()
            axes.text(0.1, _PANEL[1] + 0.05, name, fontsize=11, fontweight="bold")
        found = f"{_survive(links)} between {what} survive, {_invented(links)} invented"
        whole = (
            f"Drawn are the {len(nodes)} {what} with the surest links, of which {_survive(drawn)} survive and "
            f"{_invented(drawn)} invented. The larger a dot, the more records."
        )
        figure.text(0.01, 1 - 0.08 / height, found, fontsize=13, va="top")
        figure.text(0.01, 1 - 0.36 / height, whole, va="top")
        _network_legend(figure, word, other_word)
    return figure


def _survive(links: pd.DataFrame) -> str:
    kept, lost = ((links["status"] == status).sum() for status in ("kept", "lost"))
    return f"{kept} of {kept + lost} links"


def _invented(links: pd.DataFrame) -> str:
    n = (links["status"] == "invented").sum()
    return f"{n} is" if n == 1 else f"{n} are"


def _draw_links(axes: Axes, nodes: pd.DataFrame, links: pd.DataFrame, side: str, other_word: str) -> None:
    """Draw the links of one panel: all real ones as they are, in the other one by what became of them."""
    import networkx as nx

    looks = {"kept": (_KEPT, "-"), "lost": (PALETTE["floor"], _DOTS), "invented": (PALETTE[other_word], _DASHES)}
    if side == "real":
        looks = {"kept": (_KEPT, "-"), "lost": (_KEPT, "-")}
    for status, (colour, dashes) in looks.items():
        own = links[links["status"] == status]
        lift = own["real log lift" if status == "lost" else f"{side} log lift"]
        nx.draw_networkx_edges(
            nx.from_pandas_edgelist(own, "first", "second"),
            nodes[["x", "y"]].T.to_dict("list"),
            edgelist=own[["first", "second"]].to_numpy().tolist(),
            width=_LEAST_WIDTH + _MORE_WIDTH * lift.clip(0, _MOST_LIFT).to_numpy(),
            edge_color=colour,
            style=dashes,
            alpha=0.85,
            ax=axes,
        )


def _draw_nodes(axes: Axes, nodes: pd.DataFrame, edges: pd.DataFrame, colour: str) -> None:
    """Draw nodes by their records in the panel's own table, and their labels below."""
    import networkx as nx

    graph, places = nx.Graph(), nodes[["x", "y"]].T.to_dict("list")
    graph.add_nodes_from(nodes.index)
    ends = [edges[[end, f"{end} records"]].set_axis(["node", "n"], axis=1) for end in ("first", "second")]
    records = pd.concat(ends).drop_duplicates("node").set_index("node")["n"].reindex(nodes.index, fill_value=0)
    # areas in both panels by the same scale, which ends where the layout left room
    radius = np.minimum(_LEAST_RADIUS + _MORE_RADIUS * np.sqrt(records / nodes["largest"]), nodes["radius"] + 0.03)
    area = (2 * 72 * radius) ** 2  # of the square around it, in points
    nx.draw_networkx_nodes(graph, places, node_size=area.to_numpy(), node_color=colour, linewidths=0, ax=axes)
    below = (nodes["y"] - nodes["radius"] - 0.03).to_dict()
    labels = nx.draw_networkx_labels(
        graph,
        {name: (x, below[name]) for name, (x, _) in places.items()},
        nodes["label"].to_dict(),
        font_size=_FONT,
        verticalalignment="top",
        ax=axes,
    )
    for label in labels.values():  # a link that passes behind a label leaves it readable
        label.set(linespacing=1.05, path_effects=[withStroke(linewidth=2.5, foreground="white")])


def _network_legend(figure: Figure, word: str, other_word: str) -> None:
    kinds = [
        (_KEPT, "-", 1.5, f"link in {word} records"),
        (PALETTE["floor"], _DOTS, 1.5, f"lost in {other_word} records"),
        (PALETTE[other_word], _DASHES, 1.5, f"invented by {other_word} records"),
        *((_KEPT, "-", _LEAST_WIDTH + _MORE_WIDTH * np.log(lift), f"{lift} times chance") for lift in (2, 10)),
    ]
    lines = [Line2D([], [], color=c, linestyle=s, linewidth=w, label=label) for c, s, w, label in kinds]
    figure.legend(handles=lines, loc="lower center", ncols=len(lines), fontsize=8.5, handlelength=3)


def plot_phenotypes(comparison: PhenotypeComparison, word: str = "real", other_word: str = "synthetic") -> Figure:
    """Draw how common each kind of patient is in two tables, and what it is like in either.

    Bars with 95 % intervals, and two heat maps: distances from the average real patient, in standard deviations, of the
    variables that tell the kinds apart.
    """
    shares = comparison.shares
    telling = comparison.profiles.groupby("variable", sort=False)["real scaled"].std().nlargest(_VARIABLES).index
    names = [name for name in comparison.profiles["variable"].unique() if name in telling]
    with style():
        figure = Figure((11.2, 1.75 + 0.62 * len(shares)), layout="constrained")
        axes = figure.subplots(1, 3, width_ratios=(1.5, 2.2, 2.6))
        _draw_shares(axes[0], shares, word, other_word)
        for panel, side, name in ((axes[1], "real", word), (axes[2], "other", other_word)):
            table = comparison.profiles.pivot(index="cluster", columns="variable", values=f"{side} scaled")[names]
            _draw_profile(panel, table, name, with_scale=side == "other")
        moved = f"{comparison.moved:.1%} of patients would have to change their kind for the shares to agree; "
        figure.suptitle(f"{moved}profiles differ by {comparison.off:.2f} standard deviations", x=0.01, ha="left")
    return figure


def _draw_shares(axes: Axes, shares: pd.DataFrame, word: str, other_word: str) -> None:
    at = np.arange(len(shares)) + 0.5  # as the rows of a heat map, from the top
    for side, name, shift, hatch in (("real", word, -0.19, None), ("other", other_word, 0.19, "////")):
        value = 100 * shares[side]
        error = np.abs([value - 100 * shares[f"{side} low"], 100 * shares[f"{side} high"] - value])
        look = {"color": PALETTE[name]} if hatch is None else {"facecolor": "none", "edgecolor": PALETTE[name]}
        axes.barh(at + shift, value, 0.36, hatch=hatch, label=name, **look)
        axes.errorbar(value, at + shift, xerr=error, linestyle="none", color=_KEPT, capsize=2, linewidth=1)
    labels = [f"{c}: " + w for c, w in shares[["cluster", "words"]].itertuples(index=False)]
    axes.set_yticks(at, ["\n".join(textwrap.wrap(label, 34)) for label in labels], fontsize=7.5)
    axes.set_ylim(len(shares), 0)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("% of patients")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, fontsize=8.5)


def _draw_profile(axes: Axes, table: pd.DataFrame, name: str, with_scale: bool) -> None:
    """Draw one heat map with its numbers; an empty cluster stays empty."""
    import seaborn as sns

    said = table.map(lambda value: f"{value:+.1f}".replace("-", "−") if abs(value) >= 0.05 else "0")
    brief = [name.replace("main diagnosis", "main").replace("medication changed", "changed") for name in table]
    scale = {"label": "standard deviations\nfrom the average", "shrink": 0.8, "pad": 0.02, "extend": "both"}
    shades = {"cmap": "PuOr_r", "vmin": -_MOST_SHADE, "vmax": _MOST_SHADE, "cbar": with_scale, "cbar_kws": scale}
    sns.heatmap(table, ax=axes, annot=said, fmt="", annot_kws={"fontsize": 6.5}, yticklabels=False, **shades)
    axes.set_xticks(np.arange(len(brief)) + 0.5, brief, fontsize=8, rotation=60, ha="right", rotation_mode="anchor")
    axes.tick_params(length=0)
    axes.set(xlabel="", ylabel="")
    axes.set_title(f"{name} patients of each kind", fontsize=9, loc="left")
