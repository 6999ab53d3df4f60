"""What a conditional generator is asked for: classes, how often they occur, and what a user asks."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import check_frame, describe_columns
from shd.synthesizers._few import distinct_people
from shd.synthesizers.encoding import ColumnCodec, TableEncoder


@dataclass
class Conditions:
    """The classes of a generator: every combination of levels that its condition columns had.

    Parameters
    ----------
    columns : tuple of str
        The condition columns.
    combinations : ndarray of int64, shape (n_classes, n_condition_columns)
        Codes of each class.
    counts : ndarray of int64, shape (n_classes,)
        How often each class occurred.
    """

    columns: tuple[str, ...]
    combinations: np.ndarray
    counts: np.ndarray

    @classmethod
    def learn(
        cls, columns: tuple[str, ...], codes: np.ndarray, people: np.ndarray | None = None, min_people: int = 1
    ) -> tuple["Conditions", np.ndarray]:
        """Return the classes of a table, and the class of each of its rows, shape (n,).

        A class of fewer than `min_people` people is none: its rows count as the commonest one that is most alike.
        """
        combinations, classes, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
        classes = classes.ravel()
        known = np.ones(len(counts), bool)
        if people is not None:
            known = distinct_people(classes, people, len(counts)) >= min_people
        if known.all():
            return cls(columns, combinations, counts), classes
        if not known.any():  # too many columns for so few people: only the commonest is left
            known[np.argmax(counts)] = True
        left, share = combinations[known], counts[known] / (counts.sum() + 1)
        alike = [np.argmax((left == combination).sum(axis=1) + share) for combination in combinations[~known]]
        home = np.cumsum(known) - 1
        home[~known] = alike
        classes = home[classes]
        return cls(columns, left, np.bincount(classes)), classes

    def draw(self, n: int, asked: dict | pd.DataFrame | None, encoder: TableEncoder, rng: np.random.Generator):
        """Return codes of the condition columns for `n` rows, int64, shape (n, n_condition_columns).

        What is asked for is what comes. Condition columns that are not asked for follow the real
        classes among those that fit.
        """
        if asked is None:
            return self.combinations[rng.choice(len(self.counts), n, p=self.counts / self.counts.sum())]
        wanted = self._codes_of(n, asked, encoder)
        codes = np.empty((n, len(self.columns)), dtype=np.int64)
        requests, request_of_row = np.unique(wanted, axis=0, return_inverse=True)
        for k, request in enumerate(requests):
            rows = np.flatnonzero(request_of_row.ravel() == k)
            free = request < 0
            fits = (free | (self.combinations == request)).all(axis=1)
            weight = np.where(fits, self.counts, 0) if fits.any() else self.counts  # a pair never seen together
            codes[rows] = self.combinations[rng.choice(len(weight), len(rows), p=weight / weight.sum())]
            codes[np.ix_(rows, ~free)] = request[~free]
        return codes

    def _codes_of(self, n: int, asked: dict | pd.DataFrame, encoder: TableEncoder) -> np.ndarray:
        """Codes asked for, shape (n, n_condition_columns); -1 where a column is left free."""
        if not isinstance(asked, (dict, pd.DataFrame)):
            raise ShdError(f"condition must be a dict or a DataFrame, not {type(asked).__name__}.")
        if isinstance(asked, pd.DataFrame):
            check_frame(asked, "condition")
        if isinstance(asked, pd.DataFrame) and len(asked) != n:
            raise ShdError(f"condition has {len(asked)} rows for {n} rows to sample; give one each.")
        strangers = [c for c in asked if c not in self.columns]
        if strangers:
            raise ShdError(
                f"column {strangers[0]!r} is not conditional: this model was fitted with "
                f"{describe_columns(self.columns)}. Fit again with condition={strangers[0]!r}."
            )
        wanted = np.full((n, len(self.columns)), -1, dtype=np.int64)
        for column in asked:
            at = self.columns.index(column)
            if isinstance(asked, dict):
                if not pd.api.types.is_scalar(asked[column]):
                    raise ShdError(f"condition {column!r}: give one level, or a DataFrame with a level for each row.")
                wanted[:, at] = encoder[column].code_of(asked[column])
                _check_known(encoder[column], [asked[column]])
            else:
                wanted[:, at] = encoder[column].transform(asked[column].astype(object))
                _check_known(encoder[column], asked[column])
        return wanted


def _check_known(codec: ColumnCodec, values: object) -> None:
    """Raise `ShdError` for a number that never occurred: an encoder alone would take the nearest."""
    numbers = pd.Series(values).dropna()
    if codec.levels is None and codec.low is not None and pd.api.types.is_numeric_dtype(numbers.infer_objects()):
        strange = numbers[~np.isin(numbers.astype(float), codec.low)]
        if len(strange):
            known = describe_columns([float(number) for number in np.unique(codec.low)])
            raise ShdError(f"column {codec.name!r} has no level {strange.iloc[0]:g}; it knows {known}.")
