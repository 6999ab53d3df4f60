"""`SmoothedBootstrap`: real records drawn again, each blurred with those of its nearest people. A lesson in leaking.

How it works. Draw a real record (that is the bootstrap). Each of its columns then comes from it or from one of the
people nearest to it, by chance; numbers are moved a little along the order of all records (that is the kernel). It
learns nothing, takes no time, and the records are good: they stay where real ones are. That is what is wrong with it.
Each of them lies beside the person it was made from, so that synthetic records are nearer to people learned from than
to others, an attacker finds out who was in the table, and a rare combination comes back nearly as it was. A wider
kernel hides more and spoils more. And the model *is* the table: it cannot be handed on, and `for_release` refuses.
"""

from dataclasses import dataclass

import numpy as np

from shd._errors import ShdError
from shd.synthesizers._codes import is_ordered, places
from shd.synthesizers._conditions import Conditions
from shd.synthesizers._neighbours import Space, squared_distances
from shd.synthesizers.base import check_number, check_whole
from shd.synthesizers.conditional import ConditionalSynthesizer


@dataclass(eq=False, repr=False)
class SmoothedBootstrap(ConditionalSynthesizer):
    """Kernel-smoothed resampling. It leaks by design: to teach with, never to hand on real people's data with.

    Parameters
    ----------
    condition : str or sequence of str, optional
        Columns that can be asked for in `sample`. Default: the target of the Dataset.
    neighbours : int
        Nearest records of other people whose values are mixed into a record; 0 for none.
    width : float
        Standard deviation by which numbers are moved, as a share of all records, 0 to 1.
    max_levels : int
        Columns with more levels let rare neighbours share a code.
    min_people, random_state : int
        See `Synthesizer`. The same seed gives the same rows.

    Attributes
    ----------
    records_ : ndarray of int, shape (n, n_columns)
        The codes of all records learned from.
    nearest_ : ndarray of int, shape (n, 1 + neighbours)
        Each record, and those nearest to it.

    References
    ----------
    Silverman, Young (1987), *The bootstrap: to smooth or not to smooth?*, Biometrika 74(3); Menardi, Torelli (2014),
    *Training and assessing classification rules with imbalanced data* (ROSE), doi 10.1007/s10618-012-0295-5; Chawla et
    al. (2002), *SMOTE*, for values between neighbours. From memory.
    """

    max_bins = 200

    condition: str | tuple[str, ...] | None = None
    neighbours: int = 5
    width: float = 0.05
    max_levels: int = 200
    min_people: int | None = None
    random_state: int = 0

    def _check_parameters(self) -> None:
        check_whole(self, "max_levels", 2)
        check_whole(self, "neighbours", 0)
        check_number(self, "width", 0, 1)

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        self.class_ = self._learn_conditions(codes)
        self.records_ = codes.astype(np.int32)
        points = Space.of(codes, self.encoder_.columns_)(codes)
        few = min(self.neighbours, len(codes) - 1)
        self.nearest_ = np.arange(len(codes))[:, None].repeat(1 + few, axis=1)
        for part, distance in squared_distances(points, points) if few else ():
            distance[self._people[part, None] == self._people] = np.inf
            found = np.argpartition(distance, few - 1, axis=1)[:, :few]
            far = np.isinf(np.take_along_axis(distance, found, axis=1))  # too few other people: the record itself
            self.nearest_[part, 1:] = np.where(far, self.nearest_[part, :1], found)

    def _draw(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        near = self.nearest_[self._records_of(asked, rng)]
        rows = np.arange(len(asked))
        codes = np.empty((len(asked), self.records_.shape[1]), dtype=np.int32, order="F")
        for j, codec in enumerate(self.encoder_.columns_):
            codes[:, j] = self.records_[near[rows, rng.integers(near.shape[1], size=len(rows))], j]
            known = codes[:, j] < codec.n_codes - codec.missing
            if is_ordered(codec) and known.any():
                place = places(self.records_[:, j], codec)[: codec.n_codes - codec.missing]
                moved = place[codes[known, j]] + self.width * rng.normal(size=int(known.sum()))
                moved = 1 - np.abs(1 - np.abs(moved) % 2)  # what leaves an end comes back from it
                codes[known, j] = np.searchsorted((place[1:] + place[:-1]) / 2, moved)
        codes[:, self._condition_at] = asked
        return codes

    def _records_of(self, asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw a real record for each condition asked for: of its class, else of the one that is most like it."""
        alike = (asked[:, None] == self.conditions_.combinations).sum(axis=2)
        wanted, picked = alike.argmax(axis=1), np.empty(len(asked), dtype=np.int64)
        for one in np.unique(wanted):
            rows = wanted == one
            picked[rows] = rng.choice(np.flatnonzero(self.class_ == one), int(rows.sum()))
        return picked

    def for_release(self) -> "SmoothedBootstrap":
        """Refuse: what would be handed on are the records learned from."""
        self._check_fitted()
        raise ShdError(
            "SmoothedBootstrap holds the records learned from, so that its model is not handed on: --no-model "
            "(with_model=False)."
        )

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        tensors = {"records": self.records_, "nearest": self.nearest_, "class": self.class_}
        return tensors, self.conditions_.to_dict()

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self.conditions_ = Conditions.from_dict(extra)
        self.records_, self.nearest_, self.class_ = (tensors[name] for name in ("records", "nearest", "class"))
