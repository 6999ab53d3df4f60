"""The step of `compare` that counts how many known findings synthetic records replicate."""

import warnings

import numpy as np
import pandas as pd

from shd._errors import ShdWarning
from shd.compare.core.score import Answer, Inputs
from shd.compare.domain import replication
from shd.dataset import Dataset
from shd.synthesizers import Marginals


def measure(inputs: Inputs) -> Answer:
    """Return the replication rate between that of independent columns and that of held-out records.

    Empty where no library of findings belongs to the data set: `findings_for` goes by its name.
    """
    train = inputs.given["train"]
    if not isinstance(train, Dataset) or not replication.findings_for(train.name):
        return Answer()
    given = {role: _named(table, train.name) for role, table in inputs.given.items()}
    with warnings.catch_warnings():  # constant columns are no news here
        warnings.simplefilter("ignore", ShdWarning)
        drawn = Marginals(random_state=inputs.random_state).fit(train.frame).sample(len(given["synthetic"]))
    return replication.measure(given, _named(drawn, train.name), inputs.word, inputs.random_state)


def _named(table: Dataset | pd.DataFrame, name: str) -> Dataset:
    return table if isinstance(table, Dataset) else Dataset(table, subjects=np.arange(len(table)), name=name)
