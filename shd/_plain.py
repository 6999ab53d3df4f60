"""Values as JSON knows them, and tables as a terminal shows them."""

import math
from collections.abc import Sequence


def plain(value: object) -> object:
    """Turn numpy values, and whatever else JSON does not know, into plain ones; what is not finite into None."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def in_columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows as lines of text, each column as wide as its longest cell."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
