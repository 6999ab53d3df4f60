"""Make a second cohort of patients out of independent rows: who has how many stays."""

import numpy as np
import pandas as pd


def group_into_subjects(
    frame: pd.DataFrame, stays: np.ndarray, same: list[str], rng: np.random.Generator
) -> np.ndarray:
    """Give rows to made-up subjects, so that a stand-in has patients with several stays.

    Rows of one subject agree in the columns `same`; else they have nothing to do with each other.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n, n_columns)
        Synthetic rows.
    stays : ndarray of int
        Stays of each real subject: the numbers of stays are drawn from these.
    same : list of str
        Columns that do not change from stay to stay.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of int64, shape (n,)
        Subject of each row, numbered from 0.
    """
    subjects = np.empty(len(frame), dtype=np.int64)
    next_subject = 0
    for rows in frame.groupby(same, observed=True, dropna=False).indices.values():
        rows = rng.permutation(rows)
        drawn = rng.choice(stays, len(rows))  # more than enough: nobody has fewer than one stay
        owner = np.repeat(np.arange(len(rows)), drawn)[: len(rows)]
        subjects[rows] = next_subject + owner
        next_subject += int(owner[-1]) + 1
    return rng.permutation(next_subject)[subjects]
