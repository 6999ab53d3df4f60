"""Does every column follow from the others as it does in real records? Relative prediction error.

Each column in turn is predicted from all others by a decision tree (depth 8, 20 records a leaf), and tested on
held-out records; in wide tables from those that are associated most with it among real records (15 of 500 columns,
with 2,000 records). The error is the squared one, for categories of the chances of their levels (Brier score), of
trees trained on synthetic records, relative to trees trained on real ones. The error of one record is added to both,
so that what happens once in a table does not decide.
"""

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeRegressor

from shd._parallel import in_parallel
from shd.compare.core.chance import (
    equally_many,
    generator,
    interval,
    mean_known,
    redrawn,
    sample_records,
    subject_weights,
    training_error,
)
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, between
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, Column
from shd.compare.fidelity.pairs import association_matrix

_DEPTH, _LEAF = 8, 20
_LEVELS = 20  # levels of a predicted column
_FEWEST = 2 * _LEAF
_LARGEST = 1e30  # trees read numbers as float32, and the square of a number has to fit, too
_CELLS, _FEWEST_OTHERS = 15e6, 10  # values that the trees of one table may look at, and columns each may
_REPLICATES = 200
_WHAT = "relative prediction error"
_WORST = 10.0  # a column that real records predict without error would else outweigh all others


def measure(sides: Sides, rows: int = 8000) -> Answer:
    """Predict every column from the others, trained on synthetic and on real records."""
    if min(len(sides.fit), len(sides.synthetic)) < _FEWEST or not len(sides.test):
        return Answer(skipped=[Skipped(_WHAT, f"takes at least {_FEWEST} records to train on")])
    tables = {"real": sides.fit, "synthetic": sides.synthetic, "floor": sides.floor}
    test, tables = _draw(sides.test, tables, sides.most(rows), sides.random_state)
    others = _others(tables["real"])
    errors = {name: _errors(table, test, others) for name, table in tables.items()}
    weights = subject_weights(test.subjects, _REPLICATES, generator(sides.random_state, "prediction weights"))
    ones = np.ones((1, len(test)))
    by_column = {name: _ratio(error, errors["real"], ones)[0] for name, error in errors.items()}
    if np.isnan(by_column["synthetic"]).all():
        return Answer(skipped=[Skipped(_WHAT, "no column has known values to test on")])
    value = float(mean_known(by_column["synthetic"]))
    replicates = _ratio(errors["synthetic"], errors["real"], weights)
    redraw = generator(sides.random_state, "prediction learning")

    def of_half(half: Coded) -> np.ndarray:
        of_columns = _ratio(_errors(half, test, others), errors["real"], ones)[0]
        return np.append(of_columns, mean_known(of_columns))

    # real records are as many, so that learning from them errs as much: twice the variance
    learning = np.sqrt(2) * training_error(of_half, tables["synthetic"], redraw, sides.splits)
    of_mean = redrawn(mean_known(replicates, axis=1), learning[-1], redraw)
    replicates = redrawn(replicates, learning[:-1], redraw)
    low, high = interval(by_column["synthetic"], replicates, 0, _WORST)
    frame = pd.DataFrame(
        {
            "column": pd.Series(sides.train.names, dtype=object),
            "relative error": by_column["synthetic"],
            "low": low,
            "high": high,
            "floor": by_column["floor"],
            "real reference": by_column.get("other real", np.nan),
            "lost": _lost(errors),
        }
    )
    return Answer([_score(sides, frame, value, interval(value, of_mean, 0))], {"prediction": frame})


def _score(sides: Sides, frame: pd.DataFrame, value: float, ends: tuple) -> Score:
    floor = float(frame["floor"].mean())
    hardest = frame.loc[frame["relative error"].idxmax()]
    rule = between(floor, 1.0, "lower")
    sentence = (
        f"Filling in one column from all others, models trained on synthetic records make {value:.2f} times the "
        f"error of models trained on {sides.word} ones (independent columns: {floor:.2f} times). The most is lost "
        f"for {hardest['column']}, {hardest['relative error']:.2f} times."
    )
    return Score.of(_WHAT, value, ends, (floor, 1), verdict=rule, sentence=sentence, digits=2)


def _draw(holdout: Coded, tables: dict[str, Coded], rows: int, random_state: int) -> tuple[Coded, dict[str, Coded]]:
    """Draw equally many records of every table, and, where there are enough, of other real people."""
    rng = generator(random_state, "prediction")
    test = sample_records(holdout, rows, rng)
    drawn = dict(zip(tables, equally_many(list(tables.values()), rows, rng), strict=True))
    n = len(drawn["real"])
    other = tables["real"].take(~np.isin(tables["real"].subjects, drawn["real"].subjects))
    if len(other) >= n:
        drawn["other real"] = sample_records(other, n, rng)
    return test, drawn


def _others(real: Coded) -> list[np.ndarray]:
    """Return which columns each column is predicted from: all others, or those it is associated with most."""
    n_columns = len(real.names)
    most = max(int(_CELLS / len(real) / n_columns), _FEWEST_OTHERS)
    if most >= n_columns - 1:
        return [np.delete(np.arange(n_columns), j) for j in range(n_columns)]
    strength = association_matrix(real).abs().to_numpy(copy=True)
    np.fill_diagonal(strength, -1)
    return [np.sort(np.argsort(-row, kind="stable")[:most]) for row in strength]


def _errors(train: Coded, test: Coded, others: list[np.ndarray]) -> np.ndarray:
    """Squared error of each test record for each column, shape (n + 1, n_columns); NaN where its true value is missing.

    The last row is no record: it is the error of missing one record by as much as they differ, and
    always counts. Without it a level that comes up once in the whole table would decide a column.
    """
    x_train, x_test = (table.pooled(_LEVELS).clip(-_LARGEST, _LARGEST) for table in (train, test))
    # a value below all others stands for a missing number: a tree can split it off
    features = [np.where(np.isnan(x), np.nanmin(x_train, initial=0) - 1, x) for x in (x_train, x_test)]

    def of_column(j: int) -> np.ndarray:
        error = np.full(len(x_test) + 1, np.nan)
        known, known_test = ~np.isnan(x_train[:, j]), ~np.isnan(x_test[:, j])
        if known.any() and known_test.any():
            tree = DecisionTreeRegressor(max_depth=_DEPTH, min_samples_leaf=_LEAF, random_state=0)
            column = train.columns[j]
            tree.fit(features[0][np.ix_(known, others[j])], _outcome(x_train[known, j], column))
            predicted = tree.predict(features[1][np.ix_(known_test, others[j])]).reshape(known_test.sum(), -1)
            truth = _outcome(x_test[known_test, j], column)
            error[:-1][known_test] = ((truth - predicted) ** 2).sum(axis=1)
            error[-1] = truth.var() if column.is_number else 1.0
        return error

    return np.column_stack(in_parallel(of_column, range(x_test.shape[1])))


def _outcome(values: np.ndarray, column: Column) -> np.ndarray:
    return values[:, None] if column.is_number else np.eye(min(len(column.levels), _LEVELS))[values.astype(int)]


def _lost(errors: dict[str, np.ndarray]) -> np.ndarray:
    """Return how much of what independent columns lose is lost, shape (n_columns,); NaN where they lose nothing.

    Without a cap: where real records make no error, a ratio says little.
    """
    synthetic, real, floor = (np.nansum(errors[name], axis=0) for name in ("synthetic", "real", "floor"))
    return np.divide(synthetic - real, floor - real, out=np.full(len(real), np.nan), where=floor - real > 1e-9)


def _ratio(errors: np.ndarray, reference: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Ratio of total errors under each set of record weights, shape (n_sets, n_columns)."""
    weights = np.column_stack([weights, np.ones(len(weights))])
    there = ~np.isnan(reference) & ~np.isnan(errors)
    above, below = (weights @ np.where(there, e, 0) for e in (errors, reference))
    ratio = np.divide(above, below, out=np.full(above.shape, np.inf), where=below > 0)
    ratio[(above <= 0) & (below <= 0)] = 1.0  # a constant column: nobody errs
    ratio[:, ~there.any(axis=0)] = np.nan
    return np.minimum(ratio, _WORST)


QUESTION = Question(
    name="predicting each column from the others",
    chapter="utility",
    measure=measure,
    show="chapters.utility:prediction",
    weight=5,
    needs=("two columns",),
    tables=("prediction",),
    readme=("relative prediction error",),
    words={
        "relative prediction error": (
            "Each column is predicted from all others by a small decision tree. The error of trees trained on "
            "synthetic records, divided by that of trees trained on real ones; 1 is as good, more is worse (10 at "
            "most)."
        ),
    },
)
