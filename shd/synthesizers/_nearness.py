"""Whether synthetic records are nearer to people learned from than to people held out: what a model knows by heart."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from shd.synthesizers._codes import is_ordered, places
from shd.synthesizers.encoding import ColumnCodec

_CUTS = 5
_MOST_PEOPLE = 5000  # of a table with more, so many are cut and learned from
_DRAWN = 1000  # synthetic records a cut
_AIM = 0.52  # largest share that is fair; 0.5 is ideal

Learn = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""From codes, whose each is, and a number to as many synthetic records' codes."""


class Share(NamedTuple):
    """Share of synthetic records nearer to a record learned from than to one held out, and where it may lie."""

    nearer: float
    low: float
    high: float

    @property
    def is_fair(self) -> bool:
        """Whether nobody could tell by it who was learned from."""
        return self.nearer <= _AIM


class Nearness:
    """Learns a table again and again without some people, and looks whom the synthetic records are near to.

    People are cut into five parts. Each part is held out once; its records stand beside as many of people learned from.
    The distance of two records is the sum over columns of what lies between their numbers, as a share of all records,
    and of 1 where levels differ (Gower 1971, with ranks for numbers).
    """

    def __init__(self, codes: np.ndarray, people: np.ndarray, codecs: list[ColumnCodec], seed: int):
        self.rng = np.random.default_rng(seed)
        chosen = self.rng.permutation(int(people.max()) + 1)[:_MOST_PEOPLE]
        rows = np.isin(people, chosen)
        self.codes, self.people = codes[rows], np.unique(people[rows], return_inverse=True)[1]
        self.part = self.rng.permutation(np.arange(self.people.max() + 1) % _CUTS)[self.people]
        self.codecs = codecs

    def of(self, learn: Learn) -> Share:
        """Return the share of `learn`, which gets codes, people (0, 1, ...) and how many records are wanted."""
        shares = []
        for part in range(_CUTS):
            held = self.part == part
            if held.any() and not held.all():
                people = np.unique(self.people[~held], return_inverse=True)[1]
                drawn = learn(self.codes[~held], people, _DRAWN)
                shares.append(self._share(drawn, self.codes[~held], self.codes[held]))
        mean, spread = np.mean(shares), np.std(shares, ddof=1) / np.sqrt(len(shares)) if len(shares) > 1 else 0.5
        return Share(float(mean), float(max(0, mean - 2 * spread)), float(min(1, mean + 2 * spread)))

    def _share(self, drawn: np.ndarray, train: np.ndarray, held: np.ndarray) -> float:
        beside = train[self.rng.choice(len(train), min(len(train), len(held)), replace=False)]
        to_train, to_held = (self._distance(drawn, real, train) for real in (beside, held))
        return float(np.mean(to_train < to_held) + np.mean(to_train == to_held) / 2)

    def _distance(self, drawn: np.ndarray, real: np.ndarray, train: np.ndarray) -> np.ndarray:
        """Return the distance of each record drawn to the nearest of `real`, rounded so that ties are ties."""
        total = np.zeros((len(drawn), len(real)), dtype=np.float32)
        for j, codec in enumerate(self.codecs):
            a, b = drawn[:, j, None], real[None, :, j]
            if is_ordered(codec):
                place = places(train[:, j], codec).astype(np.float32)
                total += np.abs(place[a] - place[b])
                missing = codec.n_codes - 1 if codec.missing else -1
                total += (a == missing) != (b == missing)
            else:
                total += a != b
        return total.min(axis=1).round(5)
