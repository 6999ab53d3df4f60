"""The step of `compare` that counts how many known findings synthetic records replicate."""

import warnings

import numpy as np
import pandas as pd

from shd._errors import ShdWarning
from shd.compare.core.question import Answer, Question
from shd.compare.core.sides import Sides
from shd.compare.domain import replication
from shd.dataset import Dataset
from shd.synthesizers import Marginals


def measure(sides: Sides) -> Answer:
    """Return the replication rate between that of independent columns and that of held-out records.

    Empty where no library of findings belongs to the data set: `findings_for` goes by its name.
    """
    train = sides.given["train"]
    if not isinstance(train, Dataset) or not replication.findings_for(train.name):
        return Answer()
    given = {role: _named(table, train.name) for role, table in sides.given.items()}
    with warnings.catch_warnings():  # constant columns are no news here
        warnings.simplefilter("ignore", ShdWarning)
        drawn = Marginals(random_state=sides.random_state).fit(train.frame).sample(len(given["synthetic"]))
    return replication.measure(given, _named(drawn, train.name), sides.word, sides.random_state)


def _named(table: Dataset | pd.DataFrame, name: str) -> Dataset:
    return table if isinstance(table, Dataset) else Dataset(table, subjects=np.arange(len(table)), name=name)


QUESTION = Question(
    name="known findings",
    chapter="utility",
    measure=measure,
    show="chapters.utility:known_findings",
    weight=5,
    needs=("full level",),
    tables=("findings",),
    readme=("replication rate",),
    words={
        "replication rate": (
            "Of the known clinical findings that the real records show, the share that the synthetic ones show "
            "too: the same direction, not by chance, intervals that overlap. All tables are cut to as many "
            "records."
        ),
    },
)
