"""`Synthesizer`: what every family shares. Fit, sample, save and load, and clear errors."""

import json
import warnings
import zlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes
from sklearn.base import BaseEstimator

from shd._errors import ShdError, ShdWarning, ShdWorkError
from shd._progress import notice
from shd.dataset import Dataset, as_frame, describe_columns, role_of
from shd.synthesizers._fakes import FakeColumn
from shd.synthesizers._protect import MIN_PEOPLE, Protection, people_of
from shd.synthesizers.encoding import TableEncoder
from shd.synthesizers.registry import registry
from shd.synthesizers.rules import Rule, as_rules, check_columns, draw_keeping, find_rules, rule_from_dict
from shd.tables.types import known_types

_FORMAT = "shd-synthesizer-1"
_FEW_ROWS = 100  # fewer than this is said to be too few to learn from


class Synthesizer(BaseEstimator):
    """Base of all families: ``fit`` learns a table, ``sample`` gives rows of the same kind.

    A family writes four short methods: `_fit`, `_sample`, `_get_state` and `_set_state`, and has a line in
    ``shd/synthesizers/registry.py``.

    Every family takes `min_people`: fewest people who have to share what is learned. Columns that identify people are
    dropped, rarer levels are merged, and numbers beyond that many people are cut (see `Protection`). None: what the
    Dataset declares, else 5. With 1 nothing is merged or cut.

    Attributes
    ----------
    encoder_ : TableEncoder
        How columns become codes.
    protection_ : Protection
        What was dropped, merged and cut before anything was learned; a model from a file has none.
    rules_ : tuple of Rule
        Rules between columns that every record of train keeps; see `find_rules`.
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
        """Learn from a table; warns of few rows, and of columns that are empty, constant or look like an id.

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
            Where the table or a constructor argument cannot work.
        """
        vars(self).pop("n_rows_", None)  # set last: a fit that failed leaves nothing that could be sampled
        check_seed(self.random_state)
        if getattr(self, "min_people", None) is not None:
            check_whole(self, "min_people", 1)
        self._check_parameters()
        given = as_frame(data, "train")
        self._people = people_of(data)
        try:
            data = self._protect(data)
            if self.protection_.done.sentence:
                _warn(self.protection_.done.sentence)
            frame = as_frame(data)
            whole = self._condition_columns(data, frame)
            check_fittable(frame)
            # merged levels and cut numbers keep no sum and no order; what a rule stores is held by enough people itself
            self.rules_ = self._learn_rules(known_types(given)[frame.columns], self._people)
            self.encoder_ = self._learn_encoder(frame, self._people, whole)
            self.encoder_.give_back(given)
            self._fit(self.encoder_.transform(frame), np.random.default_rng(self.random_state))
            self.fakes_ = self._learn_fakes(given)
        finally:
            del self._people  # a model does not know whose a record was
        self.n_rows_ = len(frame)
        return self

    def sample(
        self,
        n: int,
        condition: dict | pd.DataFrame | None = None,
        random_state: int | None = None,
        keep_rules: bool | Sequence[Rule | Callable] = False,
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
        keep_rules : bool or sequence of Rule
            True: no row breaks one of `rules_`. Or the rules to keep: ``[*gan.rules_, mine]``, made with `shd.Rule`,
            or functions that say of each row of a frame whether they hold.

        Returns
        -------
        pandas.DataFrame, shape (n, n_columns)
            Same columns, dtypes and categories as the table that was fitted.
        """
        self._check_fitted()
        rng = self._check_sample(n, random_state)
        rules = as_rules(keep_rules, self.rules_)
        check_columns(rules, self.encoder_.names)

        def draw(rows: int, asked: dict | pd.DataFrame | None) -> pd.DataFrame:
            return self.encoder_.inverse(self._sample(rows, asked, rng), rng)

        drawn = draw_keeping(draw, int(n), condition, rules, rng) if rules else draw(int(n), condition)
        return self._with_fakes(drawn, self.random_state if random_state is None else random_state)

    def save(self, path: str | Path) -> Path:
        """Write the model to one safetensors file (no pickle), and return its path; see `load_synthesizer`."""
        self._check_fitted()
        tensors, extra = self._get_state()
        header = {
            "format": _FORMAT,
            "class": type(self).__name__,
            "parameters": self.get_params(),
            "encoder": self.encoder_.to_dict(),
            "rules": [rule.to_dict() for rule in self.rules_],
            "n_rows": self.n_rows_,
            "fakes": [asdict(fake) for fake in self.fakes_],
            "extra": extra,
        }
        text = json.dumps(header, default=plain_number)
        path = Path(path)
        temporary = path.with_name(path.name + ".part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(to_bytes({k: np.asarray(v, order="C") for k, v in tensors.items()}, {"shd": text}))
            temporary.replace(path)
        except (OSError, SafetensorError) as error:
            if temporary.is_file():
                temporary.unlink()
            raise ShdWorkError(f"{path}: cannot write the model ({error}). Choose another place.") from None
        return path

    def set_minutes(self, data: Dataset | pd.DataFrame, minutes: float, steps: int | None = None) -> "Synthesizer":
        """Set how long `fit` may take, for families that learn step by step.

        Parameters
        ----------
        data : Dataset or pandas.DataFrame
            What will be learned: a few steps are tried on it.
        minutes : float
        steps : int, optional
            What an earlier call found, for a fit that goes on from a checkpoint: then nothing is tried.

        Returns
        -------
        self
        """
        if not minutes > 0:
            raise ShdError(f"minutes={minutes} must be more than 0, for example 6.")
        if not hasattr(self, "steps_for"):
            raise ShdError(f"{type(self).__name__} does not learn step by step; leave minutes out.")
        self.set_params(steps=self.steps_for(data, minutes) if steps is None else steps)
        if steps is None and self.steps < self.few_steps:
            notice(
                f"{minutes:g} minutes are {self.steps} steps here and now: too few to learn much. "
                "Close other programs, or give more minutes."
            )
        return self

    def for_release(self) -> "Synthesizer":
        """Return the model as it may be handed on: without parts that know the records learned from by heart."""
        self._check_fitted()
        return self

    def log_score(self, data: Dataset | pd.DataFrame) -> np.ndarray | None:
        """Say what the fitted model itself makes of records: what an attacker learns who holds the file.

        Parameters
        ----------
        data : Dataset or pandas.DataFrame, shape (n, n_columns)

        Returns
        -------
        ndarray of float, shape (n,), or None
            A log likelihood, or a log ratio of one; minus infinity for records with a level that it does not know.
            None where a family has nothing to say.
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
            known &= codec.knows(values) | (values.isna().to_numpy() & codec.missing)
        return known

    def _learn_fakes(self, original: pd.DataFrame) -> list[FakeColumn]:
        """Learn the form of each column that is made up; nothing of its values."""
        asked = {one.column: one for one in self.protection_.done.dropped if one.made_up}
        return [
            FakeColumn.learn(original[name], asked[name], at, len(original), self.random_state or 0)
            for at, name in enumerate(original.columns)
            if name in asked
        ]

    def _with_fakes(self, drawn: pd.DataFrame, seed: int | None) -> pd.DataFrame:
        for fake in self.fakes_:
            drawn.insert(min(fake.at, drawn.shape[1]), fake.name, fake.draw(len(drawn), seed or 0))
        return drawn

    def _check_sample(self, n: int, random_state: int | None) -> np.random.Generator:
        """Check what `sample` is asked for, and return where its draws come from."""
        check_seed(random_state)
        if not isinstance(n, (int, np.integer)) or isinstance(n, bool) or n < 1:
            raise ShdError(f"n={n!r} must be a whole number of rows, 1 or more.")
        return np.random.default_rng(self.random_state if random_state is None else random_state)

    def _check_fitted(self) -> None:
        if not hasattr(self, "n_rows_"):
            raise ShdError(f"this {type(self).__name__} has learned nothing yet; call fit(train) first.")

    # What a family adds ------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        """Raise `ShdError` for constructor arguments that cannot work."""

    def _protect(self, data: Dataset | pd.DataFrame) -> Dataset | pd.DataFrame:
        """Return what is learned from: no column that identifies people, and nothing that few of them have."""
        data = data if isinstance(data, Dataset) else known_types(as_frame(data, "train"))
        self.protection_ = Protection.fit(data, self.least_people(data))
        return self.protection_.apply(data)

    def least_people(self, data: Dataset | pd.DataFrame) -> int:
        """Return how many people have to share what is learned."""
        declared = role_of(data, "min_people")
        return next(n for n in (getattr(self, "min_people", None), declared, MIN_PEOPLE) if n is not None)

    def _learn_encoder(self, frame: pd.DataFrame, people: np.ndarray, whole: tuple[str, ...]) -> TableEncoder:
        """Learn how columns become codes; `people` says whose each record is, int64, shape (n,)."""
        encoder = TableEncoder(self._bins(len(frame)), getattr(self, "max_levels", 200), whole)
        return encoder.fit(frame, people, self.protection_.done.min_people)

    def _bins(self, n_rows: int) -> int:
        """Return how many bins a column of numbers is cut into, at most."""
        return self.max_bins

    def _learn_rules(self, frame: pd.DataFrame, people: np.ndarray) -> tuple[Rule, ...]:
        """Find rules that as many people show as have to share what is learned."""
        return find_rules(frame, people, self.protection_.done.min_people)

    def _condition_columns(self, data: Dataset | pd.DataFrame, frame: pd.DataFrame) -> tuple[str, ...]:
        """Return the columns that can be asked for; none unless a family says otherwise."""
        return ()

    def _fit(self, codes: np.ndarray, rng: np.random.Generator) -> None:
        raise NotImplementedError

    def _sample(self, n: int, condition: dict | pd.DataFrame | None, rng: np.random.Generator) -> np.ndarray:
        raise NotImplementedError

    def _log_score(self, codes: np.ndarray) -> np.ndarray | None:
        """Return what the model makes of codes of shape (n, n_columns); None unless a family says otherwise."""

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        """Return what was learned, as arrays and as JSON-able extras."""
        raise NotImplementedError

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
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
    """
    path = Path(path)
    if not path.is_file():
        raise ShdError(f"{path}: no such model file. Check the path.")
    try:
        with safe_open(path, "np") as content:
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
        model.rules_ = tuple(rule_from_dict(rule) for rule in header.get("rules", ()))  # none in older files
        model._set_state(tensors, header["extra"])
        model.fakes_ = [FakeColumn(**fake) for fake in header.get("fakes", ())]
        model.n_rows_ = header["n_rows"]
    except (KeyError, TypeError, ValueError, RuntimeError, zlib.error):  # written by another version
        raise unknown from None
    return model


def refuse_condition(family: Synthesizer, condition: object) -> None:
    """Raise `ShdError` where a family that takes no condition is given one."""
    if condition is not None:
        raise ShdError(
            f"{type(family).__name__} cannot be asked for a condition; leave it out, or use "
            f"TabularCGAN(condition=...), which gives exactly what you ask for."
        )


def check_fittable(frame: pd.DataFrame) -> None:
    """Warn of what cannot be learned well."""
    n = len(frame)
    if n < _FEW_ROWS:
        _warn(f"{n} rows are too few to learn from: expect poor data, and rows near to real ones. Use {_FEW_ROWS} up.")
    empty = [c for c in frame.columns if frame[c].isna().all()]
    if empty:
        _warn(f"nothing but missing values in {describe_columns(empty)}: kept as they are; drop them if not needed.")
    constant = [c for c in frame.columns if c not in empty and frame[c].nunique(dropna=False) == 1]
    if constant:
        _warn(f"only one value in {describe_columns(constant)}: kept as they are; drop them if not needed.")


def check_seed(seed: object, name: str = "random_state") -> None:
    """Raise `ShdError` for what is no seed."""
    whole = isinstance(seed, (int, np.integer)) and not isinstance(seed, bool)
    if seed is not None and not (whole and 0 <= seed < 2**62):
        raise ShdError(f"{name}={seed!r} must be a whole number, 0 or more, below 2**62.")


def check_whole(model: Synthesizer, name: str, least: int) -> None:
    """Raise `ShdError` for a constructor argument that is not a whole number from `least` on."""
    value = getattr(model, name)
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < least:
        raise ShdError(f"{name}={value!r} must be a whole number, {least} or more.")


def check_number(model: Synthesizer, name: str, low: float, high: float) -> None:
    """Raise `ShdError` for a constructor argument that is not a number within limits."""
    value = getattr(model, name)
    if not isinstance(value, (int, float, np.number)) or isinstance(value, bool) or not low <= value <= high:
        raise ShdError(f"{name}={value!r} must be a number from {low:g} to {high:g}.")


def plain_number(value: object) -> object:
    """JSON for the numpy numbers, and the declarations, that people pass as arguments."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _warn(message: str) -> None:
    warnings.warn(message, ShdWarning, stacklevel=4)
