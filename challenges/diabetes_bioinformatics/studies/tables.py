"""Tables as the studies take them: subjects, columns, levels."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from shd import Dataset, ShdError
from shd.compare.findings import generator, subsample
from shd.dataset import as_frame, describe_columns


def as_dataset(data: Dataset | pd.DataFrame) -> Dataset:
    """Return a Dataset; of a DataFrame each record is its own subject."""
    return data if isinstance(data, Dataset) else Dataset(data)


def first_records(data: Dataset | pd.DataFrame, what: str = "dataset") -> pd.DataFrame:
    """Return the first record of each subject: records of one patient are no independent witnesses."""
    frame = as_frame(data, what)
    if isinstance(data, Dataset):
        frame = frame[~pd.Series(data.subjects).duplicated().to_numpy()]
    return frame.reset_index(drop=True)


def same_size(
    real: Dataset | pd.DataFrame, other: Dataset | pd.DataFrame, records: int | None, random_state: int, purpose: str
) -> list[pd.DataFrame]:
    """Return the first records of both tables' subjects, cut to so many, or to the smaller table."""
    tables = [first_records(real, "real"), first_records(other, "other")]
    n = min(map(len, tables)) if records is None else min(records, *map(len, tables))
    rng = generator(random_state, purpose)
    return [table.iloc[subsample(len(table), n, rng)].reset_index(drop=True) for table in tables]


def need_columns(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Return the frame where it has all of the columns."""
    lacking = [column for column in columns if column not in frame.columns]
    if lacking:
        raise ShdError(f"the table lacks {describe_columns(lacking)}; give one with the columns of the diabetes data.")
    return frame


def need_list(names: object, what: str) -> None:
    """Refuse one text where a list of names is asked for: it would be read letter by letter."""
    if isinstance(names, str):
        raise ShdError(f"{what}: give a list of names, [{names!r}], not one text.")


def levels_of(values: pd.Series) -> tuple[list[str], np.ndarray]:
    """Return the levels of a column as text, and the code of each record: -1 for a missing one."""
    if not isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype("category")
    return [str(level) for level in values.cat.categories], values.cat.codes.to_numpy()


def category(codes: np.ndarray, levels: tuple[str, ...], name: str) -> pd.Series:
    """Return a category from the code of each record; -1 is missing."""
    return pd.Series(pd.Categorical.from_codes(codes, list(levels)), name=name)
