"""The baseline of the track *predict*: what a plain model that has seen the synthetic release alone says of people."""

import numpy as np
import pandas as pd

from shd.compare.core.models import BOOSTING, fit
from shd.compare.core.tables import Coded, align
from shd.dataset import Dataset
from shd.hackathon.challenge import Challenge
from shd.hackathon.people import ID, Asked

_SIDE, _DECIMALS = 16, 4  # of a thumbnail; of a chance


def predictions(challenge: Challenge, learned: Dataset, asked: Asked) -> pd.DataFrame:
    """Predict the people who were asked about: boosted trees for tables, a regression on thumbnails for pictures."""
    track = challenge.tracks["predict"]
    chances = (_of_table if asked.data.images is None else _of_pictures)(learned, asked.data, track.columns)
    made = pd.DataFrame(chances)
    if track.is_whole:  # a model a class: their chances add up to about 1
        made = made.div(made.sum(axis=1), axis=0)
    made = made.round(_DECIMALS)
    made.insert(0, ID, asked.ids)
    return made


def _of_table(learned: Dataset, people: Dataset, columns: dict) -> dict[str, np.ndarray]:
    (train, test), _ = align(learned, people, names=["the release", "people"])
    x, categories = train.features(learned.target)
    seen = test.features(learned.target)[0]
    outcomes = {name: _outcome(train, learned.target, levels) for name, levels in columns.items()}
    return {name: fit(BOOSTING, x, outcome, categories)(seen) for name, outcome in outcomes.items()}


def _outcome(table: Coded, target: str, levels: list) -> np.ndarray:
    """Return whether the target is one of some levels, bool; a number as it is."""
    at = table.names.index(target)
    if not levels:
        return table.values[:, at]
    codes = [code for code, level in enumerate(table.columns[at].levels) if level in map(str, levels)]
    return np.isin(table.values[:, at], codes)


def _of_pictures(learned: Dataset, people: Dataset, columns: dict) -> dict[str, np.ndarray]:
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=0.01, max_iter=2000)
    model.fit(thumbnails(learned.images), learned.frame[learned.target].astype(str))
    found = dict(zip(model.classes_, model.predict_proba(thumbnails(people.images)).T, strict=True))
    none = np.zeros(len(people))
    return {name: sum((found.get(str(level), none) for level in levels), none) for name, levels in columns.items()}


def thumbnails(images: np.ndarray) -> np.ndarray:
    """Return small pictures as rows of numbers, 0 to 1; what does not divide evenly is cut off."""
    height, width = (max(1, side // _SIDE) for side in images.shape[1:])
    rows, columns = images.shape[1] // height, images.shape[2] // width
    cut = images[:, : rows * height, : columns * width]
    small = cut.reshape(len(images), rows, height, columns, width).mean(axis=(2, 4))
    return small.reshape(len(images), -1) / 255
