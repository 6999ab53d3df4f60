"""`FillsIn`: what families share that know any column given any others."""

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import Dataset, as_frame
from shd.synthesizers._conditions import codes_requested


class FillsIn:
    """Families that can be asked for any column, and can fill in what is missing.

    A family writes `_fill`: from codes, and which of them are known, to codes of whole records.
    """

    def impute(self, data: Dataset | pd.DataFrame, random_state: int | None = None) -> pd.DataFrame:
        """Fill in missing values by draws from what the model knows, given all that is known of a record.

        Parameters
        ----------
        data : Dataset or pandas.DataFrame
            Records with the columns learned; missing values in any of them. A value that was never learned (a level
            that was too rare, say) counts as unknown, and is left as it is.
        random_state : int, optional
            The same seed gives the same values. Draw with several seeds for multiple imputation.

        Returns
        -------
        pandas.DataFrame
            The records, known values untouched, no value missing.

        Raises
        ------
        ShdError
            Where a column is absent that was learned.
        """
        frame = as_frame(data, "the table")
        drawn = self._drawn_given(frame, (), random_state, missing=False)
        filled = frame.copy()
        for name in self.encoder_.names:
            empty = frame[name].isna().to_numpy()
            if empty.any():
                filled[name] = filled[name].where(~empty, drawn[name].set_axis(frame.index))
        return filled

    def redraw(
        self, data: Dataset | pd.DataFrame, columns: tuple[str, ...], random_state: int | None = None
    ) -> pd.DataFrame:
        """Draw some columns anew, given the other columns of each record.

        Parameters
        ----------
        data : Dataset or pandas.DataFrame
            Records with the columns learned.
        columns : tuple of str
            Columns that are replaced. Of the others every value stays, and what is missing stays missing.
        random_state : int, optional
            The same seed gives the same values.

        Returns
        -------
        pandas.DataFrame

        Raises
        ------
        ShdError
            Where a column is absent that was learned, or is to be drawn and was not.
        """
        frame = as_frame(data, "the table")
        drawn = self._drawn_given(frame, columns, random_state)
        strangers = [name for name in columns if name not in self.encoder_.names]
        if strangers:
            raise ShdError(f"column {strangers[0]!r} was not learned, so it cannot be drawn; leave it out.")
        return frame.assign(**{name: drawn[name].set_axis(frame.index) for name in columns})

    def _drawn_given(
        self, frame: pd.DataFrame, free: tuple[str, ...], random_state: int | None, missing: bool = True
    ) -> pd.DataFrame:
        """Draw what is not known of each record, and the `free` columns, given all else; see `_fill` for `missing`."""
        self._check_fitted()
        rng = self._check_sample(1, random_state)
        absent = [name for name in self.encoder_.names if name not in frame.columns]
        if absent:
            raise ShdError(f"the table lacks the column {absent[0]!r}; give the columns that were learned.")
        codes = np.zeros((len(frame), len(self.encoder_.names)), dtype=np.int32, order="F")
        known = np.zeros(codes.shape, dtype=bool, order="F")
        for j, codec in enumerate(self.encoder_.columns_):
            values = frame[codec.name]
            known[:, j] = (codec.knows(values) | (missing & codec.missing & values.isna())) & (codec.name not in free)
            if known[:, j].any():
                codes[known[:, j], j] = codec.transform(values[known[:, j]])
        return self.encoder_.inverse(self._fill(codes, known, rng, missing), rng)

    def _sample(self, n: int, condition: dict | pd.DataFrame | None, rng: np.random.Generator) -> np.ndarray:
        names = tuple(self.encoder_.names)
        wanted = np.full((n, len(names)), -1)
        if condition is not None:
            wanted = codes_requested(names, n, condition, self.encoder_)
        return self._fill(np.where(wanted < 0, 0, wanted), wanted >= 0, rng)

    def _fill(self, codes: np.ndarray, known: np.ndarray, rng: np.random.Generator, missing: bool = True) -> np.ndarray:
        """Return codes, int, (n, n_columns), with those that are not `known` drawn given the others.

        Without `missing` no code for missing is drawn, unless a column has no other.
        """
        raise NotImplementedError
