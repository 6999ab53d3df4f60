"""Pictures that a report shows: rows and columns with names."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Grid:
    """A table of pictures, shape (n_rows, n_columns, height, width), with what stands beside and above.

    Values are grey, 0 to 255, or anything to be drawn in colour; `persons` marks rows that show real persons.
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
