"""The look of every figure: one palette, safe for colour-blind readers, one matplotlib style, and many pictures as one.

>>> from shd.plot import PALETTE, style
>>> with style():  # doctest: +SKIP
...     axes.plot(x, y, color=PALETTE["synthetic"])
"""

import base64
import io
import re
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:  # matplotlib takes half a second, and most of what asks for a colour draws nothing
    from matplotlib.figure import Figure

__all__ = ["PALETTE", "VERDICT_COLOURS", "VERDICT_MARKS", "Figure", "data_uri", "grid", "save_grid", "style", "to_svg"]

PALETTE = {
    "real": "#0072b2",  # blue
    "synthetic": "#d55e00",  # vermilion
    "stand-in": "#009e73",  # bluish green
    "holdout": "#56b4e9",  # sky blue
    "floor": "#8c8c8c",  # grey: no structure
}
"""Okabe and Ito's colours; the same source has the same colour in every figure."""

VERDICT_COLOURS = {"grey": "#566270", "green": "#1a7f4b", "amber": "#9a6400", "red": "#b3261e"}
VERDICT_MARKS = {"grey": "○", "green": "●", "amber": "▲", "red": "■"}
"""Verdicts are never told by colour alone."""

_INK = "#123457"  # stands for the page's own text colour until the figure is written
_STYLE = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.linewidth": 0.6,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "svg.hashsalt": "shd",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


_DPI = 100  # dots an inch of a figure in a notebook


def __getattr__(name: str) -> type:
    """Make `Figure` when it is first asked for: a figure that shows itself in a notebook, without pyplot."""
    if name != "Figure":
        raise AttributeError(f"module 'shd.plot' has no attribute {name!r}")
    import matplotlib as mpl
    import matplotlib.figure

    class Figure(matplotlib.figure.Figure):
        def _repr_png_(self) -> bytes:
            stream = io.BytesIO()
            with mpl.rc_context(_STYLE):
                self.savefig(stream, format="png", dpi=_DPI, facecolor="white")
            return stream.getvalue()

    globals()["Figure"] = Figure
    return Figure


@contextmanager
def style() -> Iterator[None]:
    """Draw in the house style: ``with style(): ...``."""
    import matplotlib as mpl

    with mpl.rc_context(_STYLE):
        yield


def to_svg(figure: "Figure") -> str:
    """Return a figure drawn in `style` as SVG to stand inside a page.

    Text stays text, and takes the colour of the page around it, so that a figure can be read on
    light and dark ground. The same figure gives the same characters.
    """
    import matplotlib as mpl

    stream = io.StringIO()
    with mpl.rc_context(_STYLE), warnings.catch_warnings():
        # letters that matplotlib's own font lacks are drawn by the reader's browser
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(stream, format="svg", metadata={"Date": None})
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :].replace(_INK, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<(g|image)\b([^>]*?) id="[^"]*"', r"<\1\2", svg)  # nobody refers to these
    # the others must be there once in a page with several figures
    own = f"f{zlib.crc32(svg.encode()):08x}"
    svg = re.sub(r'( id="|url\(#|href="#)', rf"\g<1>{own}", svg)
    return re.sub(
        r'(<svg[^>]*?) width="[^"]*"', r"\1", re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1), count=1
    )


def grid(images: np.ndarray, rows: int) -> np.ndarray:
    """Return pictures, uint8 (n, height, width), as one picture of that many rows, read like text."""
    n, height, width = images.shape
    columns = -(-n // rows)
    whole = np.zeros((rows * columns, height, width), dtype=np.uint8)
    whole[:n] = images
    return whole.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)


def save_grid(path: str | Path, images: np.ndarray, rows: int) -> None:
    """Write `grid` as a PNG file."""
    Image.fromarray(grid(images, rows)).save(path, format="PNG")


def data_uri(image: np.ndarray) -> str:
    """Return one picture, uint8 (height, width), as text that a page can show without another file."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
