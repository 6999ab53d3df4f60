"""A map of all records: the two directions in which train varies most, with real and synthetic records on it.

Numbers are standardised, levels become columns of 0 and 1, and the axes are the first two principal components of
train. Pearson (1901), *On Lines and Planes of Closest Fit to Systems of Points in Space*, doi
10.1080/14786440109462720.
"""

import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from shd._parallel import one_thread
from shd.compare.core.chance import generator, sample_records
from shd.compare.core.models import LINEAR, reader
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Skipped
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

_ROWS, _POINTS = 20_000, 1500  # records that decide on the axes, and points of each source
_FEWEST = 3
_FLAT = 1e-9  # share of the variance below which an axis is none
_WHAT = "map"


def measure(sides: Sides) -> Answer:
    """Put held-out (else train) and synthetic records on the map; there is nothing to judge."""
    real = sides.train if sides.holdout is None else sides.holdout
    tables = {sides.word: real, "synthetic": sides.synthetic}
    frame = _map(sides.train, tables, sides.random_state)
    if frame is None:
        return Answer(skipped=[Skipped(_WHAT, f"takes {_FEWEST} records, and columns that vary in two directions")])
    return Answer(tables={"map": frame})


def _map(train: Coded, sides: dict[str, Coded], random_state: int) -> pd.DataFrame | None:
    """Return the points of each side on the axes of train, and the variance they explain; None without two axes."""
    rng = generator(random_state, "map")
    train = sample_records(train, _ROWS, rng)
    read = reader(LINEAR, *train.features())
    if read is None or len(train) < _FEWEST:
        return None
    x = read(train.features()[0]).astype(float)
    if (np.ptp(x, axis=0) > 0).sum() < 2:
        return None
    parts = []
    with one_thread():
        pca = PCA(2, svd_solver="covariance_eigh").fit(x)
        if pca.explained_variance_ratio_[1] < _FLAT:
            return None
        for source, table in sides.items():
            at = pca.transform(read(sample_records(table, _POINTS, rng).features()[0]).astype(float))
            parts.append(pd.DataFrame({"x": at[:, 0], "y": at[:, 1], "source": source}))
    shares = dict(zip(("x share", "y share"), pca.explained_variance_ratio_.astype(float), strict=True))
    return pd.concat(parts, ignore_index=True).assign(**shares)


QUESTION = Question(
    name="map of all columns",
    chapter="fidelity",
    measure=measure,
    show="chapters.fidelity:principal_axes",
    tables=("map",),
)
