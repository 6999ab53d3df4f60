"""How far do main effects tell synthetic from real records? The mean squared error of propensity scores, pMSE.

A logistic regression on main effects (numbers, and each common level) gives every record the chance that it is
synthetic; pMSE is the mean squared distance of these chances from one half. Here it is divided by its expectation for
two samples of one population. (The paper compares with the very records that were learned from, and expects half as
much.) It sees differences of single columns, not how they go together, and grows with the number of records. Snoke,
Raab, Nowok, Dibben, Slavković (2018), *General and Specific Utility Measures for Synthetic Data*, arXiv 1604.06651.
"""

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from shd._parallel import in_parallel, one_thread
from shd.compare.core.chance import equally_many, generator, interval, subject_weights
from shd.compare.core.models import LINEAR, reader
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, within
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

GREEN_TO, AMBER_TO = 3.0, 10.0  # times what chance gives, with some thousand records a side
_C = 1.0  # a light penalty: it keeps the fit finite where a level is on one side only
_ROUNDS = 200
_REPLICATES = 100
_FEWEST = 20  # records a side
_EQUAL = 1e-9  # means of both sides that differ by fewer standard deviations are equal
_WHAT = "pMSE ratio"


def measure(sides: Sides, rows: int = 8000) -> Answer:
    """Give held-out and synthetic records their propensity scores, and floor and ceiling, too."""
    real = sides.train if sides.holdout is None else sides.holdout
    rows, seed = sides.most(rows), sides.random_state
    if min(len(real), len(sides.synthetic)) < _FEWEST:
        return Answer(skipped=[Skipped(_WHAT, f"takes at least {_FEWEST} records a side")])
    tables = [sides.synthetic, sides.floor]
    if sides.holdout is not None and len(sides.train) >= _FEWEST:
        tables.append(sides.train)
    drawn = [_REPLICATES, *[0] * (len(tables) - 1)]
    found = in_parallel(lambda side, replicates: _ratios(real, side, rows, replicates, seed), tables, drawn)
    value, floor = float(found[0][0]), float(found[1][0])
    if not np.isfinite(value):
        return Answer(skipped=[Skipped(_WHAT, "no column varies")])
    ceiling = float(found[2][0]) if len(found) > 2 else None
    n = min(rows, len(real), len(sides.synthetic))
    other = f"; other {sides.word} records reach {ceiling:.1f}" if ceiling is not None else ""
    ends = interval(value, found[0][1:], 0)
    rule = within(max(ceiling or 1.0, 1.0), GREEN_TO - 1, AMBER_TO - 1, "lower", floor)
    sentence = (
        f"Weighing one column at a time, a regression tells synthetic from {sides.word} records {value:.1f} times "
        f"as well as chance alone would let it ({n:,} records a side; 1 is ideal){other}, independent columns "
        f"{floor:.1f}."
    )
    score = Score.of(_WHAT, value, ends, (floor, ceiling), verdict=rule, better="at 1", sentence=sentence, digits=2)
    return Answer([score])


def _ratios(real: Coded, synthetic: Coded, rows: int, replicates: int, random_state: int) -> np.ndarray:
    """Return the ratio, and the ratio with subjects drawn again; shape (1 + replicates,).

    Each time the fit moves by one step of Newton's, which takes no new fit.
    """
    rng = generator(random_state, "pmse")
    tables = equally_many((real, synthetic), rows, rng)
    x, rows = _design(tables), len(tables[0])
    if rows < _FEWEST or not x.shape[1]:
        return np.full(1 + replicates, np.nan)
    y = np.repeat([False, True], rows)
    with one_thread():
        at = _fit(x, y)
        chance = expit(at[0] + x @ at[1:])
        expected = _expected(x)
        ratio = ((chance - 0.5) ** 2).mean() / expected
        if not replicates:
            return np.array([ratio])
        weights = np.hstack([subject_weights(table.subjects, replicates, rng) for table in tables])
        moved = _moved(at, x, y, chance, weights)
    errors = (weights * (moved - 0.5) ** 2).sum(axis=1) / weights.sum(axis=1)
    return np.append(ratio, errors / expected)


def _design(tables: list[Coded]) -> np.ndarray:
    """Return main effects of both tables, float64, shape (n, n_effects), without columns that say nothing."""
    values, categories = np.concatenate([table.features()[0] for table in tables]), tables[0].features()[1]
    read = reader(LINEAR, values, categories)
    x = np.empty((len(values), 0)) if read is None else read(values).astype(float)
    return x[:, np.ptp(x, axis=0) > 0]


def _expected(x: np.ndarray) -> float:
    """Return the expectation of pMSE for two equally large samples of one population, under the penalty.

    Without a penalty it is c (1 - c) / N for each effect, with c = 1/2 the share of synthetic records;
    the penalty takes most from effects that only few records have.
    """
    centred = x - x.mean(axis=0)
    information = np.linalg.eigvalsh(centred.T @ centred).clip(0) / 4
    return float(((information / (information + 1 / _C)) ** 2).sum() / 4 / len(x))


def _fit(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return intercept and coefficients of the regression, float64, shape (1 + n_effects,)."""
    apart = np.abs(x[y].mean(axis=0) - x[~y].mean(axis=0)) / x.std(axis=0)
    if apart.max() < _EQUAL:  # the fit is 0, and a search for it finds nothing but rounding
        return np.zeros(1 + x.shape[1])
    model = LogisticRegression(C=_C, solver="newton-cholesky", max_iter=_ROUNDS).fit(x, y)
    return np.r_[model.intercept_, model.coef_[0]]


def _moved(at: np.ndarray, x: np.ndarray, y: np.ndarray, chance: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the chances under each set of record weights, one step of Newton's from the fit, shape (n_sets, n)."""
    wide = np.hstack([np.ones((len(x), 1)), x])
    penalty = np.r_[0.0, np.full(x.shape[1], 1 / _C)]
    curve = (wide.T * (chance * (1 - chance))) @ wide + np.diag(penalty)
    slope = (weights * (y - chance)) @ wide - penalty * at
    return expit((at + np.linalg.solve(curve, slope.T).T) @ wide.T)


QUESTION = Question(
    name="propensity score",
    chapter="fidelity",
    measure=measure,
    words={
        "pMSE ratio": (
            "How well a logistic regression on single columns tells synthetic from real records, as a multiple of "
            "what it would find by chance alone. 1 is ideal."
        ),
    },
)
