"""`Dataset`: records, the roles of their columns, and where they come from."""

import html
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from shd._errors import ShdError, ShdWarning
from shd._splitting import held_out
from shd.domain import Domain
from shd.tables.frames import (
    check_frame,
    check_lengths,
    describe_columns,
    is_count,
    is_numeric,
    text_to_categories,
    warn_of_dates,
)
from shd.tables.reading import Reading, read_noted
from shd.tables.types import known_types

__all__ = ["DataCard", "Dataset", "as_frame", "check_frame", "describe_columns", "is_numeric", "role_of"]

SOURCES = ("real", "synthetic", "stand-in")
"""Where rows can come from; see `Dataset.source`."""

_SHOWN = 8  # pictures in a notebook


@dataclass(frozen=True)
class DataCard:
    """What a dataset says about itself, wherever it goes.

    Parameters
    ----------
    title, description : str
        In words a newcomer understands.
    licence, licence_url : str
        Under what terms the rows may be used.
    citation, url : str
        Whom to thank, and where the owner publishes the data.
    notes : tuple of str
        Known traps and harms, one sentence each.
    """

    title: str = ""
    description: str = ""
    licence: str = "unknown"
    licence_url: str = ""
    citation: str = ""
    url: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table, one row a record, with the roles of its columns.

    Parameters
    ----------
    frame : pandas.DataFrame, shape (n_records, n_columns)
        The records. The subject is not a column: it is never a feature.
    target : str, optional
        The column that is predicted.
    subjects : array-like, shape (n_records,), optional
        The patient each record belongs to. Without it every record is its own subject.
    sensitive, counts : sequence of str
        Columns that describe groups to be treated alike, and columns of whole numbers from 0.
    source : {"real", "synthetic", "stand-in"}
        Where the rows come from.
    name : str
        Short name, as in ``shd.load(name)``.
    card : DataCard
        Licence, citation and notes; they travel with every subset.
    images : numpy.ndarray, uint8, shape (n_records, height, width), optional
        One grey picture a record.
    levels_read : sequence of str
        Categories whose levels were read off the records, not declared: in `split` each side keeps its own, so that
        a release does not name what only people held out have.
    declared : sequence of str
        Categories whose levels stand in the description of the data set, so that they tell of nobody.
    keep, fake : sequence of str
        Columns that identify people and are kept knowingly, as categories; columns that are made up when records are
        drawn. Others that identify people are dropped before anything is learned.
    min_people : int, optional
        Fewest people who have to share what is learned, where the owner of the data has said so (published data
        without names, for example); a synthesizer may say otherwise.
    domain : Domain, optional
        What the columns can hold, declared without a look at the records: private synthesizers need it.
    kind : Kind, optional
        Of synthetic records: what of them is synthetic, and what that means; see `shd.releases.kinds`.

    Raises
    ------
    ShdError
        Where a role names a column that is not there, names repeat, lengths differ, an id of a
        subject is missing, or the images are not grey uint8 pictures.
    """

    frame: pd.DataFrame
    target: str | None = None
    subjects: np.ndarray | None = None
    sensitive: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()
    source: str = "real"
    name: str = "table"
    card: DataCard = field(default_factory=DataCard)
    images: np.ndarray | None = None
    levels_read: tuple = ()
    declared: tuple = ()
    keep: tuple = ()
    fake: tuple = ()
    min_people: int | None = None
    domain: Domain | None = None
    kind: object = None

    def __post_init__(self) -> None:
        check_frame(self.frame)
        object.__setattr__(self, "frame", known_types(self.frame))
        roles = {role: getattr(self, role) for role in ("sensitive", "counts", "keep", "fake")}
        for role, columns in {"target": [self.target], **roles}.items():
            for column in columns:
                if column is not None and column not in self.frame.columns:
                    known = ", ".join(map(str, self.frame.columns[:6]))
                    raise ShdError(f"{role}: there is no column {column!r}; the table has {known} ... Check the name.")
        if self.source not in SOURCES:
            raise ShdError(f"source={self.source!r} is not one of {', '.join(SOURCES)}.")
        subjects = np.arange(len(self.frame)) if self.subjects is None else np.asarray(self.subjects)
        check_lengths(self.frame, subjects, self.images)
        object.__setattr__(self, "subjects", subjects)
        object.__setattr__(self, "frame", self.frame.reset_index(drop=True))
        for role in (*roles, "declared"):
            object.__setattr__(self, role, tuple(getattr(self, role)))

    def __len__(self) -> int:
        return len(self.frame)

    def __getitem__(self, key: object) -> None:
        raise ShdError(
            f"a Dataset has no items; its records are a DataFrame: data.frame[{key!r}], and data.take(rows)."
        )

    def __getattr__(self, name: str) -> None:
        hint = "" if name.startswith("_") else f"; its records are a DataFrame: data.frame.{name}"
        raise AttributeError(f"a Dataset has no {name!r}{hint}")

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, *, target: str | None = None, subject: str | None = None, **roles):
        """Make a Dataset from anybody's table, inferring what is not said.

        Text becomes categories. A column of whole numbers from 0 on is a count. Dates, decimals and
        the like that are held as objects or by Arrow become what they are. The result shows its roles
        in a notebook (see `roles`); say them here to override.

        Parameters
        ----------
        frame : pandas.DataFrame, shape (n_records, n_columns)
        target, subject : str, optional
            Column to predict; column with the patient's id, which leaves the frame.
        **roles
            Any other argument of `Dataset`.

        Returns
        -------
        Dataset

        Raises
        ------
        ShdError
            Where a column named is not there, an id is missing, or a cell holds a list.

        Warns
        -----
        ShdWarning
            Of whole numbers that look like dates.
        """
        check_frame(frame)
        frame = known_types(frame)
        if subject is not None:
            if subject == target:
                raise ShdError(f"subject and target are both {subject!r}; the patient's id cannot be predicted.")
            if subject not in frame.columns:
                raise ShdError(f"subject: there is no column {subject!r} in the table. Check the name.")
            if frame[subject].isna().any():
                raise ShdError(f"subject: column {subject!r} has missing ids; fill or drop those records.")
            roles["subjects"] = frame[subject].to_numpy()
            frame = frame.drop(columns=subject)
        warn_of_dates(frame)
        typed = text_to_categories(frame)
        is_category = typed.dtypes == "category"
        roles["levels_read"] = tuple(typed.columns[is_category & (frame.dtypes != "category")])
        frame = typed
        if "counts" not in roles:
            roles["counts"] = tuple(c for c in frame.columns if is_count(frame[c]))
        return cls(frame, target=target, **roles)

    @classmethod
    def from_csv(
        cls,
        path: str | Path,
        *,
        target: str | None = None,
        subject: str | None = None,
        skip: int = 0,
        missing: Sequence[str] | None = None,
        text: Sequence[str] = (),
        day_first: bool | None = None,
        decimal: str | None = None,
        **roles,
    ):
        """Make a Dataset of a CSV (plain or compressed) or Parquet file.

        Where a schema lies beside a CSV (``synthetic.schema.json`` beside ``synthetic.csv.gz``, as in
        a release), the same records come back that were written, whatever else is given here. Else its
        text tells what a column is.

        Parameters
        ----------
        path : str or pathlib.Path
        target, subject, **roles
            As in `from_frame`.
        skip : int
            Lines above the row of names to leave out.
        missing : sequence of str, optional
            Words for a missing value, an empty field apart; default: NA, N/A, NaN, NULL and their like.
        text : sequence of str
            Columns to keep as they are written: no numbers, no dates, only an empty field is missing.
        day_first : bool, optional
            Whether 03/04/2020 is in April (True) or in March (False); where no column tells, such
            dates are kept as text.
        decimal : {".", ","}, optional
            Decimal mark of numbers such as 93,508, where no column tells.

        Raises
        ------
        ShdError
            Where the file is missing, empty or not a table.

        Warns
        -----
        ShdWarning
            Of what was decided beyond the plain reading, one line a kind, with column and count.
        """
        frame, notes = read_noted(path, Reading(skip, missing, text, day_first, decimal))
        for note in notes:
            warnings.warn(f"{Path(path).name}: {note}", ShdWarning, stacklevel=2)
        return cls.from_frame(frame, target=target, subject=subject, **{"name": Path(path).stem, **roles})

    @property
    def roles(self) -> pd.DataFrame:
        """One row a column: name, role, kind, number of levels, share missing (0 to 1)."""
        rows = []
        for column in self.frame.columns:
            values = self.frame[column]
            role = "target" if column == self.target else "sensitive" if column in self.sensitive else "feature"
            rows.append((column, role, self._kind(column), values.nunique(), float(values.isna().mean())))
        return pd.DataFrame(rows, columns=["column", "role", "kind", "levels", "missing"])

    def _kind(self, column: str) -> str:
        values = self.frame[column]
        if column in self.counts:
            return "count"
        if isinstance(values.dtype, pd.CategoricalDtype):
            return "ordered category" if values.cat.ordered else "category"
        if pd.api.types.is_datetime64_any_dtype(values):
            return "date"
        return "yes/no" if pd.api.types.is_bool_dtype(values) else "number" if is_numeric(values) else str(values.dtype)

    def take(self, rows: np.ndarray) -> "Dataset":
        """Return the records at `rows` (positions or a mask), roles and card unchanged."""
        rows = np.asarray(rows)
        images = None if self.images is None else self.images[rows]
        return replace(self, frame=self.frame.iloc[rows], subjects=self.subjects[rows], images=images)

    def split(self, test_size: float = 0.2, random_state: int = 0) -> tuple["Dataset", "Dataset"]:
        """Split by subject, stratified by target: no subject is on both sides.

        A subject with several records counts under the rarest class it ever has, so that rare
        classes are spread evenly. A class of two subjects or more is on both sides. A class of one
        cannot be: it is stratified together with the next rarest, and is on one side only.

        Parameters
        ----------
        test_size : float
            Share of the subjects held out, between 0 and 1.
        random_state : int
            The same seed gives the same split.

        Returns
        -------
        train, holdout : Dataset

        Raises
        ------
        ShdError
            Where there are too few subjects for `test_size` and the classes of the target.
        """
        classes = None if self.target is None else self.frame[self.target]
        in_holdout = held_out(self.subjects, classes, test_size, random_state)
        return self._side(~in_holdout), self._side(in_holdout)

    def _side(self, rows: np.ndarray) -> "Dataset":
        """Return the records at `rows`, without levels that were read off the others."""
        side = self.take(rows)
        frame = side.frame.copy(deep=False)
        for column in self.levels_read:
            frame[column] = frame[column].cat.remove_unused_categories()
        return replace(side, frame=frame)

    def __repr__(self) -> str:
        subjects = len(pd.unique(self.subjects))
        target = f", target {self.target!r}" if self.target else ""
        what = "records" if self.images is None else "pictures of {} x {} pixels".format(*self.images.shape[1:])
        return (
            f"Dataset {self.name!r}, {self.source}: {len(self):,} {what} of {subjects:,} subjects, "
            f"{self.frame.shape[1]} columns{target}"
        )

    def _repr_html_(self) -> str:
        licence = html.escape(f"Licence: {self.card.licence}. {self.card.citation}")
        roles = self.roles.assign(missing=self.roles["missing"].map("{:.1%}".format))
        return (
            f"<p><b>{html.escape(repr(self))}</b></p>{self._strip()}{self.frame.head(5).to_html(border=0)}"
            f"<details><summary>Roles of the columns</summary>{roles.to_html(index=False, border=0)}</details>"
            f"<p><small>{licence}</small></p>"
        )

    def _strip(self) -> str:
        """Return some pictures in a row, as HTML; nothing where there are none."""
        if self.images is None:
            return ""
        from shd.plot import data_uri, grid

        some = np.linspace(0, len(self) - 1, min(len(self), _SHOWN)).astype(int)
        said = f"{len(some)} of the pictures"
        return f'<img src="{data_uri(grid(self.images[some], 1))}" alt="{said}" style="max-width: 100%">'


def as_frame(data: "Dataset | pd.DataFrame", what: str = "data") -> pd.DataFrame:
    """Return the table of a Dataset or DataFrame, or say clearly that it is neither."""
    if isinstance(data, Dataset):
        return data.frame
    if isinstance(data, pd.DataFrame):
        check_frame(data, what)
        return data
    raise ShdError(f"{what} must be a Dataset or a pandas DataFrame, not {type(data).__name__}.")


def role_of(data: object, name: str, default: object = None) -> object:
    """Return a role of a Dataset, ``"target"`` for example; the default for anything else.

    A DataFrame may have a column of that name, which is no role.
    """
    return getattr(data, name) if isinstance(data, Dataset) else default
