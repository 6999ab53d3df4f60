"""Can a classifier tell synthetic from real records? The classifier two-sample test, C2ST."""

import numpy as np
import pandas as pd

from shd._parallel import in_parallel
from shd.compare._coded import Coded, align
from shd.compare._models import auroc, boosted_chance
from shd.compare._resample import deal, generator, interval, mean_known, subject_weights, subsample
from shd.compare._schema import Answer, Inputs, Score, Skipped, judge
from shd.dataset import Dataset

_FOLDS, _REPLICATES = 5, 200
_FEWEST = 20  # records a side, below which five folds say nothing


def c2st(
    real: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    rows: int = 8000,
    random_state: int = 0,
) -> float:
    """Return the AUROC of gradient boosting that tells synthetic from real records, five-fold.

    Equally many records a side, and no subject on both sides of a fold. 0.5: cannot be told
    apart; 1: every record gives itself away.

    Parameters
    ----------
    real, synthetic : Dataset or DataFrame
        Real records should be ones that the synthesizer has not seen.
    rows : int
        Most records a side.
    random_state : int

    Returns
    -------
    float
        0 to 1; NaN with fewer than 20 records a side.

    References
    ----------
    Lopez-Paz and Oquab (2017), *Revisiting Classifier Two-Sample Tests*, ICLR, arXiv 1610.06545.
    """
    (real, synthetic), _ = align(real, synthetic, names=["real", "synthetic"])
    return _detect(real, synthetic, rows, random_state)[0]


def measure(inputs: Inputs, rows: int = 8000) -> Answer:
    """Tell synthetic from held-out records, and between floor and ceiling."""
    real = inputs.train if inputs.holdout is None else inputs.holdout
    if min(len(real), len(inputs.synthetic)) < _FEWEST:
        return Answer(skipped=[Skipped("C2ST", f"takes at least {_FEWEST} records a side")])
    value, low, high = _detect(real, inputs.synthetic, rows, inputs.random_state)
    if not np.isfinite(value):
        return Answer(skipped=[Skipped("C2ST", "takes several subjects")])
    floor = _detect(real, inputs.floor, rows, inputs.random_state)[0]
    ceiling = None
    if inputs.holdout is not None and len(inputs.train) >= _FEWEST:
        ceiling = _detect(real, inputs.train, rows, inputs.random_state)[0]
    other = f"; between two groups of {inputs.word} records it is right {ceiling:.0%}" if ceiling is not None else ""
    sentence = (
        f"Shown one {inputs.word} and one synthetic record, a classifier picks the synthetic one {value:.0%} of the "
        f"time (guessing: 50%){other}, and with independent columns {floor:.0%}."
    )
    verdict = judge(value, low, high, floor, 0.5 if ceiling is None else max(ceiling, 0.5), "lower")
    return Answer([Score("fidelity", "C2ST", value, low, high, floor, ceiling, verdict, "at 0.5", sentence)])


def _detect(real: Coded, synthetic: Coded, rows: int, random_state: int) -> tuple[float, float, float]:
    """AUROC, mean over the folds, with its 95 % interval."""
    rows = min(rows, len(real), len(synthetic))
    if rows < _FEWEST:
        return float("nan"), float("nan"), float("nan")
    rng = generator(random_state, "c2st")
    real, synthetic = (table.take(subsample(len(table), rows, rng)) for table in (real, synthetic))
    fold = np.concatenate([deal(table.subjects, _FOLDS, rng) for table in (real, synthetic)])
    x = np.concatenate([table.features()[0] for table in (real, synthetic)])
    categories = real.features()[1]
    is_synthetic = np.repeat([False, True], rows)
    # a synthetic record is a subject of its own, whatever its number
    subjects = np.concatenate([real.subjects, synthetic.subjects + real.subjects.max() + 1])

    def score(k: int) -> tuple[float, np.ndarray]:
        test = fold == k
        (chance,) = boosted_chance(x[~test], is_synthetic[~test], [x[test]], categories)
        weights = subject_weights(subjects[test], _REPLICATES, generator(random_state, f"c2st fold {k}"))
        return float(auroc(is_synthetic[test], chance)[0]), auroc(is_synthetic[test], chance, weights)

    value, replicates = zip(*in_parallel(score, np.unique(fold)), strict=True)
    value = float(mean_known(np.array(value)))
    low, high = interval(value, mean_known(np.array(replicates)), 0, 1)
    return value, float(low), float(high)
