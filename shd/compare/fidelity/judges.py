"""Three judges that differ tell one table from another; the worst of them counts.

A synthesizer may please one kind of judge, above all one that it was filtered or trained with. Boosted trees see
thresholds and their combinations, a regression on all pairs of values sees every link a little, and nearest
neighbours see places that are too empty or too full.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.kernel_ridge import KernelRidge
from sklearn.neighbors import KNeighborsClassifier

from shd._parallel import in_parallel, one_thread
from shd.compare.core.chance import deal, equally_many, generator, interval, mean_known, subject_weights
from shd.compare.core.models import BOOSTING, Family, auroc, fit, one_hot
from shd.compare.core.score import wider
from shd.compare.core.tables import Coded

FOLDS, FEWEST = 5, 20  # FEWEST records a side, below which five folds say nothing
_SLOW = 1500  # most records a side for a judge whose cost grows with their square
_REPLICATES = 200

PAIRS = Family(
    # the second power of a sum holds the product of every two terms
    "regression on pairs of values",
    lambda *_: KernelRidge(alpha=0.1, kernel="poly", degree=2, coef0=1.0),
    one_hot,
)
NEIGHBOURS = Family("nearest neighbours", lambda *_: KNeighborsClassifier(20), one_hot)
JUDGES = (BOOSTING, PAIRS, NEIGHBOURS)


@dataclass(frozen=True, eq=False)
class Fold:
    """A judge, and the records that it is tested on: features, which are synthetic, weights, an order."""

    predict: Callable[[np.ndarray], np.ndarray]
    x: np.ndarray
    is_synthetic: np.ndarray
    weights: np.ndarray
    order: np.ndarray

    def separated(self) -> np.ndarray:
        """AUROC under each set of weights; the first ones are all 1."""
        with one_thread():
            return auroc(self.is_synthetic, self.predict(self.x), self.weights)


@dataclass(frozen=True)
class Separated:
    """How well a judge tells two tables apart: AUROC with its 95 % interval."""

    judge: str
    value: float
    low: float
    high: float


def train_folds(real: Coded, synthetic: Coded, rows: int, random_state: int, judge: Family = BOOSTING) -> list[Fold]:
    """Train a judge for each fold, on equally many records a side; none with too few records."""
    rows = min(rows, len(real), len(synthetic), rows if judge is BOOSTING else _SLOW)
    if rows < FEWEST:
        return []
    rng = generator(random_state, "c2st")
    real, synthetic = equally_many((real, synthetic), rows, rng)
    fold = np.concatenate([deal(table.subjects, FOLDS, rng) for table in (real, synthetic)])
    x = np.concatenate([table.features()[0] for table in (real, synthetic)])
    categories = real.features()[1]
    is_synthetic = np.repeat([False, True], rows)
    # a synthetic record is a subject of its own, whatever its number
    subjects = np.concatenate([real.subjects, synthetic.subjects + real.subjects.max() + 1])

    def learn(k: int) -> Fold:
        test, rng = fold == k, generator(random_state, f"c2st fold {k}")
        y = is_synthetic[~test] - 0.5 if judge is PAIRS else is_synthetic[~test]
        with one_thread():
            predict = fit(judge, x[~test], y, categories)
        weights = subject_weights(subjects[test], _REPLICATES, rng)
        weights = np.vstack([np.ones(test.sum()), weights])
        return Fold(predict, x[test], is_synthetic[test], weights, rng.permutation(test.sum()))

    return in_parallel(learn, np.unique(fold))


def separated(folds: list[Fold]) -> np.ndarray:
    """Return the AUROC, mean over the folds, and then replicates of it, shape (1 + n_replicates,); NaN without folds.

    Only test records are drawn again. What other training records would do is added by the rule of
    Nadeau and Bengio (2003, doi 10.1023/A:1024068626366): to the variance 1 / k of a mean over k folds
    comes that of test by training records of a fold, 1 / (k - 1).
    """
    if not folds:
        return np.full(2, np.nan)
    found = mean_known(np.array(in_parallel(Fold.separated, folds)))
    further = np.sqrt(1 + len(folds) / (len(folds) - 1)) if len(folds) > 1 else 1.0
    return np.append(found[0], found[0] + (found[1:] - mean_known(found[1:])) * further)


def worst_judge(found: dict[str, np.ndarray]) -> Separated:
    """Return the judge that surely tells most, with an interval that allows for having asked all; see `separated`."""
    judged = []
    for name, drawn in found.items():
        _, high = interval(drawn[0], drawn[1:])
        half = (high - drawn[0]) * wider(len(found))
        low, high = np.clip([drawn[0] - half, drawn[0] + half], 0, 1)
        judged.append(Separated(name, float(drawn[0]), float(low), float(high)))
    return max(judged, key=lambda one: (one.low, one.value))
