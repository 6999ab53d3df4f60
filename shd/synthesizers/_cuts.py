"""Learn a table again and again without some of its people, and see what a family makes of them."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from shd.synthesizers._codes import is_ordered, places
from shd.synthesizers.encoding import ColumnCodec

_CUTS = 5
_MANY = 5000  # a table of more people is cut once: how near records come depends on how many people are learned from
_HELD = 2500  # people that are held out then
_DRAWN = 1000, 4000  # synthetic records a cut, at least, and those whose nearest record is looked for, at most
_AIM = 0.52  # largest share that is fair; 0.5 is ideal
NEARER = 0.53
"""Largest share of records nearer to people learned from, unless chance explains more."""

Learn = Callable[[np.ndarray, int], np.ndarray]
"""From the rows to learn from, and a number, to as many synthetic records' codes."""


class Share(NamedTuple):
    """Share of synthetic records nearer to a record learned from than to one held out, and where it may lie."""

    nearer: float
    low: float
    high: float

    @property
    def is_fair(self) -> bool:
        """Whether nobody could tell by it who was learned from."""
        return self.nearer <= _AIM

    @property
    def knows_by_heart(self) -> bool:
        """Whether records are nearer to people learned from, and chance does not explain it."""
        return self.nearer > NEARER and self.low > 0.5


class Trial(NamedTuple):
    """Codes of records learned from, of records held out, and of synthetic ones."""

    train: np.ndarray
    held: np.ndarray
    drawn: np.ndarray


class Cuts:
    """Five cuts of a table by people: each part is held out once, and a family learns the others.

    Of a table of more than 5,000 people 2,500 are held out, once.

    Parameters
    ----------
    codes : ndarray of int, shape (n, n_columns)
    people : ndarray of int, shape (n,)
        Whose each record is: 0, 1, ...
    codecs : list of ColumnCodec
        What the codes stand for.
    seed : int
    """

    def __init__(self, codes: np.ndarray, people: np.ndarray, codecs: list[ColumnCodec], seed: int):
        self.codes, self.codecs, self.seed = codes, codecs, seed
        n_people = int(people.max()) + 1
        order, part = np.random.default_rng(seed).permutation(n_people), np.full(n_people, _CUTS)
        self.n_cuts = 1 if n_people > _MANY else _CUTS
        held = order[:_HELD] if n_people > _MANY else order
        part[held] = np.arange(len(held)) % self.n_cuts
        self.part = part[people]

    def try_out(self, learn: Learn) -> list[Trial]:
        """Return what comes of each cut."""
        trials = []
        for part in range(self.n_cuts):
            held, rows = self.part == part, np.flatnonzero(self.part != part)
            if held.any() and len(rows):
                drawn = learn(rows, max(_DRAWN[0], int(held.sum())))
                trials.append(Trial(self.codes[rows], self.codes[held], drawn))
        return trials

    def nearer(self, trials: list[Trial]) -> Share:
        """Return how many synthetic records are nearer to people learned from than to as many held out.

        The distance of two records is the sum over columns of what lies between their numbers, as a share of all
        records, and of 1 where levels differ (Gower 1971, with ranks for numbers).
        """
        rng, shares = np.random.default_rng(self.seed), []
        for train, held, drawn in trials:
            beside = train[rng.choice(len(train), min(len(train), len(held)), replace=False)]
            to_train, to_held = (self._distance(drawn[: _DRAWN[1]], real, train) for real in (beside, held))
            shares.append(np.mean(to_train < to_held) + np.mean(to_train == to_held) / 2)
        mean = float(np.mean(shares)) if shares else 0.5
        spread = (
            float(np.std(shares, ddof=1) / np.sqrt(len(shares)))
            if len(shares) > 1
            else 0.5 / len(trials[0].held) ** 0.5
            if shares
            else 0.25
        )
        return Share(mean, max(0.0, mean - 2 * spread), min(1.0, mean + 2 * spread))

    def _distance(self, drawn: np.ndarray, real: np.ndarray, train: np.ndarray) -> np.ndarray:
        """Return the distance of each record drawn to the nearest of `real`, rounded so that ties are ties."""
        total = np.zeros((len(drawn), len(real)), dtype=np.float32)
        for j, codec in enumerate(self.codecs):
            a, b = drawn[:, j, None], real[None, :, j]
            if is_ordered(codec):
                place = places(train[:, j], codec).astype(np.float32)
                missing = codec.n_codes - 1 if codec.missing else -1
                total += np.abs(place[a] - place[b])
                total += (a == missing) != (b == missing)
            else:
                total += a != b
        return total.min(axis=1).round(5)

    def told_apart(self, trials: list[Trial]) -> dict[str, float]:
        """Return the AUROC (0.5 is best) of judges that tell people held out from as many synthetic records."""
        real = np.concatenate([trial.held for trial in trials])
        fake = np.concatenate([trial.drawn[: len(trial.held)] for trial in trials])
        codes, truth = np.concatenate([real, fake]), np.repeat([1, 0], [len(real), len(fake)])
        judges = {
            "boosted trees": HistGradientBoostingClassifier(max_iter=60, random_state=self.seed),
            "logistic": make_pipeline(
                OneHotEncoder(handle_unknown="ignore"), LogisticRegression(C=0.1, max_iter=500, solver="liblinear")
            ),
        }
        mixed = np.random.default_rng(self.seed).permutation(len(truth))
        found = {}
        for name, judge in judges.items():
            chance = cross_val_predict(judge, codes[mixed], truth[mixed], cv=3, method="predict_proba")[:, 1]
            found[name] = float(roc_auc_score(truth[mixed], chance))
        return found

    def lost(self, trials: list[Trial], target: int) -> float:
        """Return how much worse the target is predicted for people held out by a model trained on synthetic records.

        The AUROC of a model trained on real records less that of one trained on synthetic ones, mean over classes and
        cuts; 0 where a cut has no two classes.
        """
        gaps = []
        for train, held, drawn in trials:
            real, fake = (_predicts(rows, held, target, self.seed) for rows in (train, drawn))
            gaps.append(real - fake)
        return float(np.mean(gaps)) if gaps else 0.0


def _predicts(rows: np.ndarray, held: np.ndarray, target: int, seed: int) -> float:
    """Return the AUROC of boosted trees that learn the target from `rows`, mean over the classes of `held`."""
    known = np.unique(rows[:, target])
    if len(known) < 2:
        return 0.5
    others = np.delete(np.arange(rows.shape[1]), target)
    model = HistGradientBoostingClassifier(max_iter=60, random_state=seed).fit(rows[:, others], rows[:, target])
    chance = dict(zip(model.classes_, model.predict_proba(held[:, others]).T, strict=True))
    scores = [
        roc_auc_score(held[:, target] == level, chance.get(level, np.zeros(len(held))))
        for level in np.unique(held[:, target])
        if 0 < np.sum(held[:, target] == level) < len(held)
    ]
    return float(np.mean(scores)) if scores else 0.5
