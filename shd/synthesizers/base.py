"""`Synthesizer`: what every family shares. Fit, sample, save and load, and clear errors."""

import json
import warnings
import zlib
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from sklearn.base import BaseEstimator

from shd._errors import ShdError, ShdWarning, ShdWorkError
from shd.dataset import Dataset, as_frame, describe_columns
from shd.synthesizers._dtypes import is_level
from shd.synthesizers.encoding import TableEncoder

_FORMAT = "shd-synthesizer-1"
_FEW_ROWS = 100  # fewer than this is said to be too few to learn from
_ID_SHARE = 0.9  # a text column with this share of distinct values identifies people

registry: dict[str, type["Synthesizer"]] = {}
"""Every family by its class name: `load_synthesizer` and the contract tests go through it."""


class Synthesizer(BaseEstimator):
    """Base of all families: ``fit`` learns a table, ``sample`` gives rows of the same kind.

    A family writes four short methods: `_fit`, `_sample`, `_get_state` and `_set_state`. The
    registry picks it up when its module is imported in ``shd/synthesizers/__init__.py``.

    Attributes
    ----------
    encoder_ : TableEncoder
        How columns become codes.
    n_rows_ : int
        Rows it was fitted on.
    """

    max_bins: ClassVar[int] = 40
    few_steps: ClassVar[int] = 1  # of a family that learns step by step: with fewer it has not learned much

    def __init_subclass__(cls, abstract: bool = False, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if not abstract:
            registry[cls.__name__] = cls

    def fit(self, data: Dataset | pd.DataFrame) -> "Synthesizer":
        """Learn from a table.

        Parameters
        ----------
        data : Dataset or pandas.DataFrame, shape (n, n_columns)
            The training records. Never give it the holdout.

        Returns
        -------
        self

        Raises
        ------
        ShdError
            Where the table is empty, a column identifies people or holds what cannot be encoded,
            or a constructor argument cannot work.

        Warns
        -----
        ShdWarning
            Of few rows, and of columns that are empty, constant or look like an id.
        """
        vars(self).pop("n_rows_", None)  # set last: a fit that failed leaves nothing that could be sampled
        _check_seed(self.random_state)
        self._check_parameters()
        frame = as_frame(data, "train")
        whole = self._condition_columns(data, frame)
        check_fittable(frame)
        self.encoder_ = self._learn_encoder(frame, people_of(data, frame), whole)
        self._fit(self.encoder_.transform(frame), np.random.default_rng(self.random_state))
        self.n_rows_ = len(frame)
        return self

    def sample(
        self, n: int, condition: dict | pd.DataFrame | None = None, random_state: int | None = None
    ) -> pd.DataFrame:
        """Give synthetic rows.

        Parameters
        ----------
        n : int
            How many.
        condition : dict or pandas.DataFrame, optional
            What is asked for, exactly: ``{"readmitted": "<30"}``, or a frame of `n` rows. Only for
            families that were fitted with a condition.
        random_state : int, optional
            The same seed gives the same rows. Default: that of the synthesizer, so that two calls
            give the same rows; pass another seed for others.

        Returns
        -------
        pandas.DataFrame, shape (n, n_columns)
            Same columns, dtypes and categories as the table that was fitted.

        Raises
        ------
        ShdError
            Where it was not fitted, or the condition cannot be met.
        """
        self._check_fitted()
        rng = self._check_sample(n, random_state)
        return self.encoder_.inverse(self._sample(int(n), condition, rng), rng)

    def save(self, path: str | Path) -> Path:
        """Write the model to one safetensors file (no pickle); see `load_synthesizer`.

        Returns
        -------
        pathlib.Path
            Where it is.
        """
        self._check_fitted()
        tensors, extra = self._get_state()
        header = {
            "format": _FORMAT,
            "class": type(self).__name__,
            "parameters": self.get_params(),
            "encoder": self.encoder_.to_dict(),
            "n_rows": self.n_rows_,
            "extra": extra,
        }
        text = json.dumps(header, default=_plain)
        path = Path(path)
        temporary = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(to_bytes({k: v.contiguous() for k, v in tensors.items()}, {"shd": text}))
            temporary.replace(path)
        except (OSError, SafetensorError) as error:
            if temporary.is_file():
                temporary.unlink()
            raise ShdWorkError(f"{path}: cannot write the model ({error}). Choose another place.") from None
        return path

    def log_score(self, data: Dataset | pd.DataFrame) -> np.ndarray | None:
        """Say what the fitted model itself makes of records: what an attacker learns who holds the file.

        Parameters
        ----------
        data : Dataset or pandas.DataFrame, shape (n, n_columns)

        Returns
        -------
        ndarray of float, shape (n,), or None
            A log likelihood, or a log ratio of one; higher for what the model takes for likelier, minus infinity for
            records with a level that it does not know. None where a family has nothing to say.

        Raises
        ------
        ShdError
            Where it was not fitted, or the table lacks a column that was learned.
        """
        self._check_fitted()
        frame = as_frame(data, "the table")
        absent = [name for name in self.encoder_.names if name not in frame.columns]
        if absent:
            raise ShdError(f"the table lacks the column {absent[0]!r}; give the columns that were learned.")
        known = self._knows(frame)
        score = np.full(len(frame), -np.inf)
        found = self._log_score(self.encoder_.transform(frame[known])) if known.any() else None
        if found is None:
            return None
        score[known] = found
        return score

    def _knows(self, frame: pd.DataFrame) -> np.ndarray:
        """Return which records have only levels that were learned, bool, shape (n,)."""
        known = np.ones(len(frame), dtype=bool)
        for codec in self.encoder_.columns_:
            values = frame[codec.name]
            absent = values.isna().to_numpy()
            known &= ~absent | bool(codec.missing)
            if codec.levels is not None:
                known &= absent | values.astype(object).isin(codec.levels).to_numpy()
        return known

    def _check_sample(self, n: int, random_state: int | None) -> np.random.Generator:
        """Check what `sample` is asked for, and return where its draws come from."""
        _check_seed(random_state)
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
            raise ShdError(f"n={n!r} must be a whole number of rows, 1 or more.")
        return np.random.default_rng(self.random_state if random_state is None else random_state)

    def _check_fitted(self) -> None:
        if not hasattr(self, "n_rows_"):
            raise ShdError(f"this {type(self).__name__} has learned nothing yet; call fit(train) first.")

    # What a family adds ------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        """Raise `ShdError` for constructor arguments that cannot work."""

    def _learn_encoder(self, frame: pd.DataFrame, people: np.ndarray, whole: tuple[str, ...]) -> TableEncoder:
        """Learn how columns become codes; `people` says whose each record is, int64, shape (n,)."""
        return TableEncoder(self.max_bins, getattr(self, "max_levels", 200), whole).fit(frame)

    def _condition_columns(self, data: Dataset | pd.DataFrame, frame: pd.DataFrame) -> tuple[str, ...]:
        """Return the columns that can be asked for; none unless a family says otherwise."""
        return ()

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        raise NotImplementedError

    def _sample(self, n: int, condition: dict | pd.DataFrame | None, rng: np.random.Generator) -> np.ndarray:
        raise NotImplementedError

    def _log_score(self, codes: np.ndarray) -> np.ndarray | None:
        """Return what the model makes of codes of shape (n, n_columns); None unless a family says otherwise."""

    def _get_state(self) -> tuple[dict[str, torch.Tensor], dict]:
        """Return what was learned, as tensors and as JSON-able extras."""
        raise NotImplementedError

    def _set_state(self, tensors: dict[str, torch.Tensor], extra: dict) -> None:
        raise NotImplementedError


def load_synthesizer(path: str | Path) -> Synthesizer:
    """Read a model that `Synthesizer.save` wrote.

    Parameters
    ----------
    path : str or pathlib.Path

    Returns
    -------
    Synthesizer
        Fitted, ready to sample.

    Raises
    ------
    ShdError
        Where there is no such file, or it is not a model of this package.
    """
    path = Path(path)
    if not path.is_file():
        raise ShdError(f"{path}: no such model file. Check the path.")
    try:
        with safe_open(path, "pt") as content:
            header = json.loads((content.metadata() or {}).get("shd", "{}"))
            tensors = {key: content.get_tensor(key) for key in content.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError):
        raise ShdError(f"{path}: not a model file. Give a .safetensors file that save() wrote.") from None
    unknown = ShdError(f"{path}: not a model of this version of shd. Give a file that save() wrote.")
    family = registry.get(header.get("class", ""))
    if header.get("format") != _FORMAT or family is None:
        raise unknown
    try:
        model = family(**{k: tuple(v) if isinstance(v, list) else v for k, v in header["parameters"].items()})
        model.encoder_ = TableEncoder.from_dict(header["encoder"])
        model._set_state(tensors, header["extra"])
        model.n_rows_ = header["n_rows"]
    except (KeyError, TypeError, ValueError, RuntimeError, zlib.error):  # written by another version
        raise unknown from None
    return model


def people_of(data: Dataset | pd.DataFrame, frame: pd.DataFrame) -> np.ndarray:
    """Return a number for the subject of each record, int64, shape (n,); without subjects each its own."""
    return pd.factorize(data.subjects)[0] if isinstance(data, Dataset) else np.arange(len(frame))


def refuse_condition(family: Synthesizer, condition: object) -> None:
    """Raise `ShdError` where a family that takes no condition is given one."""
    if condition is not None:
        raise ShdError(
            f"{type(family).__name__} cannot be asked for a condition; leave it out, or use "
            f"TabularCGAN(condition=...), which gives exactly what you ask for."
        )


def check_fittable(frame: pd.DataFrame) -> None:
    """Warn of what cannot be learned well, and refuse what would give people away.

    Raises
    ------
    ShdError
        Where a text column has nearly as many values as there are rows: it identifies people; or
        where cells hold lists.
    """
    n = len(frame)
    if frame.columns.nlevels > 1:
        raise ShdError("the table has several rows of column names; make each name one text.")
    for name in frame.columns:
        values = frame[name]
        if is_level(values):
            distinct = _distinct(values)
            if distinct >= 20 and distinct > _ID_SHARE * values.notna().sum():
                raise ShdError(
                    f"column {name!r} has {distinct:,} different values in {n:,} rows: it identifies people. "
                    f"Drop it, or name it as the subject."
                )
        elif pd.api.types.is_integer_dtype(values) and n > _FEW_ROWS and values.nunique() == n:
            _warn(f"column {name!r} has a different whole number in every row; if it is an id, drop it.")
    if n < _FEW_ROWS:
        _warn(f"{n} rows are too few to learn from: expect poor data, and rows near to real ones. Use {_FEW_ROWS} up.")
    empty = [c for c in frame.columns if frame[c].isna().all()]
    if empty:
        _warn(f"nothing but missing values in {describe_columns(empty)}: kept as they are; drop them if not needed.")
    constant = [c for c in frame.columns if c not in empty and frame[c].nunique(dropna=False) == 1]
    if constant:
        _warn(f"only one value in {describe_columns(constant)}: kept as they are; drop them if not needed.")


def _distinct(values: pd.Series) -> int:
    try:
        return values.nunique()
    except TypeError:  # lists and the like
        raise ShdError(
            f"column {values.name!r} holds lists or other nested values; make it one value a cell."
        ) from None


def _check_seed(seed: object) -> None:
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if seed is not None and not (whole and 0 <= seed < 2**62):
        raise ShdError(f"random_state={seed!r} must be a whole number, 0 or more, below 2**62.")


def _plain(value: object) -> object:
    """JSON for the numpy numbers that people pass as arguments."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _warn(message: str) -> None:
    warnings.warn(message, ShdWarning, stacklevel=4)
