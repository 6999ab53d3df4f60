"""Can a classifier tell synthetic from real records, and by what? The classifier two-sample test, C2ST.

Three judges that differ are asked, and the best of them counts: a synthesizer may please one kind, above all one that
it was filtered or trained with. Boosted trees see thresholds and their combinations, a regression on all pairs of
values sees every link a little, and nearest neighbours see places that are too empty or too full.

What gives records away to boosted trees is measured by how much their AUROC falls when a column of the test records is
shuffled (Breiman 2001, *Random Forests*, doi 10.1023/A:1010933404324). Of two columns that say the same neither may
matter, for the other remains.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from sklearn.kernel_ridge import KernelRidge
from sklearn.neighbors import KNeighborsClassifier

from shd._parallel import in_parallel, one_thread
from shd.compare.core.chance import deal, equally_many, generator, interval, mean_known, subject_weights
from shd.compare.core.models import BOOSTING, Family, auroc, fit, one_hot
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, between, wider
from shd.compare.core.sides import Sides
from shd.compare.core.tables import MISSING, Coded, Column, align
from shd.dataset import Dataset

FOLDS, FEWEST = 5, 20  # FEWEST records a side, below which five folds say nothing
_SLOW = 1500  # most records a side for a judge whose cost grows with their square
_REPLICATES = 200
_SHUFFLED, _DRAWN = 1000, 40  # test records a fold that are shuffled, and how often they are drawn again
_STACKED = 8000  # records whose chances are asked for at once
_MOST = 60  # columns shuffled in every fold; of more, the first fold says which
_CLEAR = 0.01  # an importance worth a sentence, and a difference of shares worth a name
_BINS = 8

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


def best_judge(found: dict[str, np.ndarray]) -> Separated:
    """Return the judge that surely tells most, with an interval that allows for having asked all; see `separated`."""
    judged = []
    for name, drawn in found.items():
        _, high = interval(drawn[0], drawn[1:])
        half = (high - drawn[0]) * wider(len(found))
        low, high = np.clip([drawn[0] - half, drawn[0] + half], 0, 1)
        judged.append(Separated(name, float(drawn[0]), float(low), float(high)))
    return max(judged, key=lambda one: (one.low, one.value))


def c2st(
    real: Dataset | pd.DataFrame, synthetic: Dataset | pd.DataFrame, rows: int = 8000, random_state: int = 0
) -> float:
    """Return the AUROC of the best of three classifiers that tell synthetic from real records, five-fold.

    Boosted trees, a regression on all pairs of values, and nearest neighbours (the last two on at most 1,500 records
    a side): what pleases one need not please another. Best is whose AUROC is surely highest. Equally many records a
    side, and no subject on both sides of a fold. 0.5: cannot be told apart; 1: every record gives itself away.

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
    return best_judge(_asked(real, synthetic, rows, random_state)).value


def judged(
    real: Dataset | pd.DataFrame, synthetic: Dataset | pd.DataFrame, rows: int = 8000, random_state: int = 0
) -> dict[str, float]:
    """Return the AUROC of each judge of `c2st` by its name; NaN with fewer than 20 records a side."""
    (real, synthetic), _ = align(real, synthetic, names=["real", "synthetic"])
    return {name: float(drawn[0]) for name, drawn in _asked(real, synthetic, rows, random_state).items()}


def measure(sides: Sides, rows: int = 8000) -> Answer:
    """Tell synthetic from held-out records, between floor and ceiling, and find out by what."""
    real, rows = sides.train if sides.holdout is None else sides.holdout, sides.most(rows)
    if min(len(real), len(sides.synthetic)) < FEWEST:
        return Answer(skipped=[Skipped("C2ST", f"takes at least {FEWEST} records a side")])
    folds = train_folds(real, sides.synthetic, rows, sides.random_state)
    if not np.isfinite(separated(folds)[0]):
        return Answer(skipped=[Skipped("C2ST", "takes several subjects")])
    frame = _ranked(real, sides.synthetic, folds)
    synthetic = _asked(real, sides.synthetic, rows, sides.random_state, folds)
    floor = best_judge(_asked(real, sides.floor, rows, sides.random_state)).value
    ceiling, reference = None, np.nan
    if sides.holdout is not None and len(sides.train) >= FEWEST:
        folds = train_folds(real, sides.train, rows, sides.random_state)
        ceiling = best_judge(_asked(real, sides.train, rows, sides.random_state, folds)).value
        at = [sides.train.names.index(name) for name in frame["column"]]
        reference = _falls(folds, at)[:, 0]
    frame.insert(4, "real reference", reference)
    score = _score(synthetic, floor, ceiling, sides.word, _named(frame))
    return Answer([score], {"giveaways": frame, "judges": _judge_frame(synthetic)})


def _asked(
    real: Coded, other: Coded, rows: int, random_state: int, boosted: list[Fold] | None = None
) -> dict[str, np.ndarray]:
    """Ask every judge; what boosted trees have learned may be known already."""
    folds = {judge.name: train_folds(real, other, rows, random_state, judge) for judge in JUDGES if judge != BOOSTING}
    boosted = boosted or train_folds(real, other, rows, random_state)
    return {name: separated(own) for name, own in {BOOSTING.name: boosted, **folds}.items()}


def _score(found: dict[str, np.ndarray], floor: float, ceiling: float | None, word: str, named: str) -> Score:
    best = best_judge(found)
    other = f"; between two groups of {word} records it is right {ceiling:.0%}" if ceiling is not None else ""
    rule = between(floor, 0.5 if ceiling is None else max(ceiling, 0.5), "lower")
    sentence = (
        f"Shown one {word} and one synthetic record, the best of {len(found)} classifiers ({best.judge}) picks "
        f"the synthetic one {best.value:.0%} of the time (guessing: 50%){other}, and with independent columns "
        f"{floor:.0%}.{named}"
    )
    value, ends = best.value, (best.low, best.high)
    return Score.of("C2ST", value, ends, (floor, ceiling), verdict=rule, better="at 0.5", sentence=sentence)


def _judge_frame(found: dict[str, np.ndarray]) -> pd.DataFrame:
    """Return one row a judge: its AUROC with an interval of its own."""
    rows = [(name, drawn[0], *interval(drawn[0], drawn[1:], 0, 1)) for name, drawn in found.items()]
    return pd.DataFrame(rows, columns=["judge", "AUROC", "low", "high"]).astype({"low": float, "high": float})


def _fall(fold: Fold, columns: list[int]) -> np.ndarray:
    """By how much the AUROC of one fold falls when a column is shuffled, shape (n_columns, 1 + _DRAWN)."""
    step = -(-len(fold.x) // _SHUFFLED)
    x, is_synthetic, weights = fold.x[::step], fold.is_synthetic[::step], fold.weights[: 1 + _DRAWN, ::step]
    order = np.argsort(fold.order[::step])
    whole = auroc(is_synthetic, fold.predict(x), weights)
    falls = np.zeros((len(columns), len(weights)))
    changed = [i for i, j in enumerate(columns) if not np.array_equal(x[order, j], x[:, j], equal_nan=True)]
    at_once = max(1, _STACKED // len(x))  # a call costs as much as a thousand records
    for start in range(0, len(changed), at_once):
        part = changed[start : start + at_once]
        stacked = np.tile(x, (len(part), 1, 1))
        for copy, i in zip(stacked, part, strict=True):
            copy[:, columns[i]] = x[order, columns[i]]
        chances = fold.predict(stacked.reshape(-1, x.shape[1])).reshape(len(part), -1)
        falls[part] = [whole - auroc(is_synthetic, chance, weights) for chance in chances]
    return falls


def _falls(folds: list[Fold], columns: list[int]) -> np.ndarray:
    """Fall of the AUROC for each column, mean over the folds, shape (n_columns, 1 + _DRAWN)."""
    return mean_known(np.array(in_parallel(lambda fold: _fall(fold, columns), folds)))


def _ranked(real: Coded, synthetic: Coded, folds: list[Fold]) -> pd.DataFrame:
    """Return columns by importance, those 60 of more that tell most in the first fold, and what they tell."""
    columns = list(range(len(real.names)))
    if len(columns) > _MOST:
        first = _fall(folds[0], columns)[:, 0]
        columns = np.sort(np.argsort(-first, kind="stable")[:_MOST]).tolist()
    falls = _falls(folds, columns)
    low, high = interval(falls[:, 0], falls[:, 1:].T)
    frame = pd.DataFrame({"column": pd.Series([real.names[j] for j in columns], dtype=object)})
    frame = frame.assign(importance=falls[:, 0], low=low, high=high)
    tells = [_tell(real.columns[j], real.values[:, j], synthetic.values[:, j]) for j in columns]
    frame["tell"] = pd.Series(tells, dtype=object)
    return frame.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def _tell(column: Column, real: np.ndarray, synthetic: np.ndarray) -> str:
    """Say of which values synthetic records have too many or too few."""
    codes, labels = _binned(column, real, synthetic)
    share, own = (np.bincount(code, minlength=len(labels)) / len(code) for code in codes)
    at = int(np.argmax(np.abs(own - share)))
    if abs(own[at] - share[at]) < _CLEAR:
        return "alone it looks right; what tells is how it goes with other columns"
    much = "many" if own[at] > share[at] else "few"
    return f"too {much} {labels[at]} ({own[at]:.1%}, should be {share[at]:.1%})"


def _binned(column: Column, *tables: np.ndarray) -> tuple[list[np.ndarray], tuple[str, ...]]:
    """Codes of levels, or of bins of numbers between quantiles of the first table; and what they are called."""
    if not column.is_number:
        return [values.astype(int) for values in tables], column.levels
    known = tables[0][~np.isnan(tables[0])]
    cuts = np.arange(1, _BINS) / _BINS
    edges = np.unique(np.quantile(known, cuts, method="nearest")) if len(known) else np.zeros(1)
    written = [str(np.datetime64(int(edge // 1), "D")) if column.date else f"{edge:,.6g}" for edge in edges]
    between = (f"from {a} to below {b}" for a, b in pairwise(written))
    labels = (f"below {written[0]}", *between, f"from {written[-1]} on", MISSING)
    codes = [np.where(np.isnan(v), len(labels) - 1, np.searchsorted(edges, v, side="right")) for v in tables]
    return codes, labels


def _named(frame: pd.DataFrame) -> str:
    """Name the most telling column, where one is clear."""
    first = frame.iloc[0]
    if not first["low"] > 0 or first["importance"] < _CLEAR:
        return ""
    return f" What gives synthetic records away most is {first['column']}: {first['tell']}."


QUESTION = Question(
    name="C2ST: telling real from synthetic",
    chapter="fidelity",
    measure=measure,
    show="chapters.fidelity:giveaways",
    weight=13,
    tables=("giveaways", "judges"),
    readme=("C2ST",),
    words={
        "C2ST": (
            "Classifier two-sample test: the AUROC of the best of three classifiers (boosted trees, a regression "
            "on pairs of values, nearest neighbours) that try to tell synthetic from real records. 0.5 means that "
            "none of them can. Within a group of people it is held against as many of all people."
        ),
    },
)
