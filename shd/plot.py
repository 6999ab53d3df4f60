"""The look of every figure, for notebooks: colours, one style, and many pictures as one.

>>> from shd.plot import PALETTE, style
>>> with style():  # doctest: +SKIP
...     axes.plot(x, y, color=PALETTE["synthetic"])
"""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from shd._style import PALETTE, VERDICT_COLOURS, VERDICT_MARKS, style, to_svg

__all__ = ["PALETTE", "VERDICT_COLOURS", "VERDICT_MARKS", "Figure", "data_uri", "grid", "save_grid", "style", "to_svg"]  # noqa: F822 (see __getattr__)


def __getattr__(name: str) -> type:
    """Give `Figure`, which shows itself in a notebook, without loading matplotlib before somebody draws."""
    if name != "Figure":
        raise AttributeError(f"module 'shd.plot' has no attribute {name!r}")
    from shd._style import Figure

    return Figure


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
