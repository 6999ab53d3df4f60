"""Pictures that a report shows: rows and columns with names."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Grid:
    """A table of pictures.

    Parameters
    ----------
    values : ndarray, shape (n_rows, n_columns, height, width)
        Grey values 0 to 255 (uint8), or anything to be drawn in colour (float32).
    rows, columns : tuple of str
        What stands beside and above.
    persons : tuple of bool
        Rows that show real persons one by one; none unless said.
    """

    values: np.ndarray
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    persons: tuple[bool, ...] = ()

    def without_persons(self) -> "Grid | None":
        """Return the grid without rows that show real persons; None where none is left."""
        if not any(self.persons):
            return self
        kept = [i for i, person in enumerate(self.persons) if not person]
        if not kept:
            return None
        return Grid(self.values[kept], tuple(self.rows[i] for i in kept), self.columns)
