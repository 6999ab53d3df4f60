"""The kinds of release beside the fully synthetic one, one call each: ``Partial(["income"])(data, "MixtureCircuit")``.

>>> from shd.releases.kinds import Augment, Partial
>>> Partial(["income"])(train, "MixtureCircuit")  # doctest: +SKIP
>>> Augment({"readmitted": "<30"}, share=0.5)(train, "SequentialTrees")  # doctest: +SKIP
"""

from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import Dataset, describe_columns
from shd.domain import Domain
from shd.releases.generate import sample_as_many_as_train
from shd.releases.kind import STRUCTURAL, Kind, check_columns
from shd.releases.structure import Structure

if TYPE_CHECKING:
    from shd.synthesizers import Synthesizer

_FILLS_IN = "choose MixtureCircuit or TabularAutoregressive"


@dataclass(frozen=True)
class Full(Kind):
    """Every value is drawn from a model."""

    name, title = "full", "fully synthetic"
    what = "Every value was drawn from a model; no record is that of a person."
    check = "The privacy chapter of the report: a model may know people by heart."

    def make(self, train: Dataset, model: "Synthesizer") -> Dataset:
        """Draw as many records as train has."""
        return self._dataset(sample_as_many_as_train(model, train)[0].frame, train)


@dataclass(frozen=True)
class Partial(Kind):
    """Chosen columns are drawn anew, given the others (Little 1993; Reiter 2003, from memory).

    Families that fill in know any column given any others. Others are asked for the columns that stay, which then may
    have few levels only.
    """

    columns: tuple[str, ...]

    name, title, holds_real, family = "partial", "partially synthetic", True, "MixtureCircuit"
    what = "Each record is that of a person; the columns named were drawn anew, given the rest of it."
    check = "Whether the columns that were kept single anybody out; only what was drawn anew is protected at all."
    expect = "Records near to people learned from are expected: each has the other columns of one."

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", _names(self.columns, "columns"))

    def asks(self, data: Dataset) -> tuple[str, ...]:
        """Return the columns that stay."""
        check_columns(self.columns, data)
        kept = tuple(name for name in data.frame.columns if name not in self.columns)
        if not kept:
            raise ShdError("columns: every column is named, and none is left to be given; that is kind 'full'.")
        return kept

    def adapt(self, model: "Synthesizer", data: Dataset) -> "Synthesizer":
        """Let families that fill in learn as they are."""
        kept = self.asks(data)
        return model if hasattr(model, "redraw") or not kept else super().adapt(model, data)

    def make(self, train: Dataset, model: "Synthesizer") -> Dataset:
        """Draw the columns for each record of train."""
        kept = list(self.asks(train))
        if hasattr(model, "redraw"):
            frame = model.redraw(train, self.columns)
        else:
            drawn = model.sample(len(train), condition=train.frame[kept])
            frame = train.frame.assign(**{name: drawn[name] for name in self.columns})
        return self._dataset(frame, train, train.subjects)


@dataclass(frozen=True)
class Hybrid(Kind):
    """Each real record mixed with the synthetic one nearest to it, column by column.

    After Surendra and Mohan (2017), *A Review of Synthetic Data Generation Methods for Privacy Preserving Data
    Publishing*, from memory: for each real record the nearest synthetic one is chosen, and both are combined. `share`
    of the columns, 0 to 1, others for each record, come from the synthetic one.
    """

    share: float = 0.5

    name, title, holds_real = "hybrid", "hybrid", True
    what = "Each record is that of a person, with a share of its values taken from the synthetic record nearest to it."
    check = (
        "Everything: each record belongs to a person, and the nearest synthetic record differs from theirs in little."
    )
    expect = "Copies and records near to people learned from are expected: both parts of each record are near to one."

    def __post_init__(self) -> None:
        _check_share(self.share)

    def make(self, train: Dataset, model: "Synthesizer") -> Dataset:
        """Mix each record of train with its nearest among as many synthetic ones."""
        from shd.synthesizers._neighbours import Space, nearest

        drawn = model.sample(len(train))[list(train.frame.columns)]
        real, synthetic = (model.encoder_.transform(side) for side in (train.frame, drawn))
        space = Space.of(real, model.encoder_.columns_)
        drawn = drawn.iloc[nearest(space(real), space(synthetic))].reset_index(drop=True)
        n_taken = round(self.share * drawn.shape[1])
        order = _generator(model).random(drawn.shape).argsort(axis=1).argsort(axis=1)
        frame = pd.DataFrame(
            {name: train.frame[name].where(order[:, j] >= n_taken, drawn[name]) for j, name in enumerate(drawn)}
        )
        return self._dataset(frame, train, train.subjects)


@dataclass(frozen=True)
class Augment(Kind):
    """The real table, and synthetic records of a rare class or subgroup until these are a `share` of all.

    `level` says what is rare: ``{"readmitted": "<30"}``, or several columns. Give `number` instead of `share` for so
    many synthetic records. The column ``synthetic`` says which they are.
    """

    level: dict[str, object]
    share: float | None = None
    number: int | None = None

    name, title, holds_real, mark = "augment", "augmentation of a rare group", True, "synthetic"
    what = "All records learned from are in it as they are; records of a rare group were drawn and added."
    check = (
        "Nothing but the records marked as synthetic may leave the safe setting, and these after their own comparison."
    )
    expect = "Copies are expected: the real records are in it. So is another share of the group that was added."

    def __post_init__(self) -> None:
        if not isinstance(self.level, dict) or not self.level:
            raise ShdError(f"level={self.level!r} must say what is rare, for example {{'readmitted': '<30'}}.")
        if (self.share is None) == (self.number is None):
            raise ShdError("say how many records to add: share of all, or number; one of them.")
        if self.share is not None:
            _check_share(self.share)
        else:
            _check_count("number", self.number)

    def asks(self, data: Dataset) -> tuple[str, ...]:
        """Return the columns of the group."""
        return tuple(self.level)

    def make(self, train: Dataset, model: "Synthesizer") -> Dataset:
        """Add the fewest records with which the share is reached."""
        if self.mark in train.frame.columns:
            raise ShdError(f"the table has a column {self.mark!r} already, where the mark would stand; rename it.")
        asked = model.sample(1, condition=self.level).iloc[0]  # as the table writes the level
        inside = np.logical_and.reduce([(train.frame[name] == asked[name]).to_numpy() for name in self.level])
        n, has = len(train), int(inside.sum())
        number = self.number or int(np.ceil((self.share * n - has) / (1 - self.share) - 1e-9))
        if number < 1:
            raise ShdError(f"share={self.share:g}: {has:,} of {n:,} records are of that group already; ask for more.")
        drawn = model.sample(number, condition=self.level)[list(train.frame.columns)]
        frame = pd.concat([train.frame, drawn], ignore_index=True)
        people = pd.factorize(train.subjects)[0]
        subjects = np.concatenate([people, people.max() + 1 + np.arange(number)])
        return self._dataset(frame.assign(**{self.mark: np.arange(n + number) >= n}), train, subjects)


@dataclass(frozen=True)
class Impute(Kind):
    """The real table with its gaps filled by draws given all that is known of a record, `imputations` times.

    With more than one, the tables stand below each other, and the column ``imputation`` counts them from 1 (Rubin 1987:
    analyse each, then pool; from memory).
    """

    imputations: int = 1

    name, title, holds_real, mark, family = "impute", "imputation", True, "imputation", "MixtureCircuit"
    what = "All records learned from are in it; only what was missing was drawn, given what is known of the record."
    check = "Nothing is protected: it is the original, for work in the safe setting. Were gaps left by chance?"
    expect = "Copies are expected: the real records are in it. Gaps, and what they tell, are gone."

    def __post_init__(self) -> None:
        _check_count("imputations", self.imputations)

    def adapt(self, model: "Synthesizer", data: Dataset) -> "Synthesizer":
        """Take families that fill in."""
        if not hasattr(model, "impute"):
            raise ShdError(f"{type(model).__name__} cannot fill in what is missing; {_FILLS_IN}.")
        return model

    def make(self, train: Dataset, model: "Synthesizer") -> Dataset:
        """Fill every gap of train."""
        gaps = train.frame.columns[train.frame.isna().any()]
        if not len(gaps):
            raise ShdError("no value is missing in the table; there is nothing to fill in.")
        empty = [name for name in gaps if train.frame[name].isna().all()]
        if empty:
            raise ShdError(f"nothing is known in {describe_columns(empty)}, so it cannot be filled in; drop it.")
        first = model.random_state or 0
        frames = [model.impute(train, random_state=first + k) for k in range(self.imputations)]
        if self.imputations > 1:
            if self.mark in train.frame.columns:
                raise ShdError(f"the table has a column {self.mark!r} already, where the count would stand; rename it.")
            frames = [frame.assign(**{self.mark: k + 1}) for k, frame in enumerate(frames)]
        subjects = np.tile(train.subjects, self.imputations)
        return self._dataset(pd.concat(frames, ignore_index=True), train, subjects)


@dataclass(frozen=True)
class Fair(Kind):
    """The target independent of a protected column: every group has the target's levels as often as all people.

    Group and target are drawn apart from each other, and the rest of the record given both. Where a model has learned
    the rest given both, that is the reweighing of Kamiran and Calders (2012), *Data preprocessing techniques for
    classification without discrimination*, from memory. What other columns tell of the group is left as it is.
    """

    protect: str

    name, title = "fair", "fairness-aware"
    what = "Every value was drawn from a model; the target is as frequent in each group of the protected column."
    check = (
        "Whether other columns tell the group, and whether a model trained on it treats groups alike on real people."
    )
    expect = "What the target and the protected column have to do with each other in the original is gone."

    def asks(self, data: Dataset) -> tuple[str, ...]:
        """Return target and protected column."""
        if data.target is None:
            raise ShdError("no target is named, which the protected column could be independent of: --target COLUMN.")
        if self.protect == data.target:
            raise ShdError(f"protect={self.protect!r} is the target; name the column that describes groups.")
        check_columns((self.protect,), data)
        return data.target, self.protect

    def make(self, train: Dataset, model: "Synthesizer") -> Dataset:
        """Draw records for groups as large as in train, each with the target's shares to within one record."""
        wanted = train.frame[list(self.asks(train))]
        shares = wanted[train.target].value_counts(normalize=True, dropna=False)
        parts = []
        for group, size in wanted[self.protect].value_counts(dropna=False, sort=False).items():
            counts = _apportion(shares.to_numpy(), size)
            levels = shares.index.repeat(counts)
            parts.append(pd.DataFrame({train.target: levels, self.protect: [group] * size}))
        asked = pd.concat(parts, ignore_index=True).iloc[_generator(model).permutation(len(wanted))]
        asked = asked.reset_index(drop=True)
        frame = model.sample(len(asked), condition=asked)
        return self._dataset(frame, train)


@dataclass(frozen=True)
class Structural(Kind):
    """Names, types and limits alone: every cell is drawn evenly from what its column can hold.

    Nothing is read off a record, not even how many there are. `domain` has to come from a codebook or a form, never
    from the table. It can be called without one: ``Structural(domain)()``.
    """

    domain: Domain
    rows: int = 1000

    name, title, learns, family = "structural", "structural only", False, "Marginals"  # which is not used
    what = "Every cell was drawn evenly from what was declared of its column; no record was read."
    check = "Whether the declared levels and limits were taken from a codebook, and not from the records."
    expect = "Nothing but names and types is like the original."

    def __post_init__(self) -> None:
        domain = Domain.from_dict(self.domain) if isinstance(self.domain, dict) else self.domain
        if not isinstance(domain, Domain) or not domain.columns:
            raise ShdError("domain must say what each column can hold: Domain({'age': Numbers(0, 110)}).")
        object.__setattr__(self, "domain", domain)
        _check_count("rows", self.rows)

    def __call__(self, data: Dataset | None = None, synthesizer: object = None, random_state: int = 0) -> Dataset:
        """Draw the records; a Dataset tells its name and the roles of its columns."""
        model = Structure(self.domain, random_state).fit()
        return (
            Dataset(model.sample(self.rows), source="synthetic", kind=self) if data is None else self.make(data, model)
        )

    def adapt(self, model: "Synthesizer", data: Dataset) -> "Synthesizer":
        """Put what learns nothing into the place of any family."""
        check_columns(tuple(self.domain.columns), data)
        return Structure(self.domain, random_state=model.random_state)

    def make(self, train: Dataset, model: "Synthesizer") -> Dataset:
        """Draw `rows` records; of train only roles are looked at."""
        return self._dataset(model.sample(self.rows), train)

    def rung(self, family: str) -> str:
        """Return the lowest rung."""
        return STRUCTURAL


KINDS = {kind.name: kind for kind in (Full, Partial, Hybrid, Augment, Impute, Fair, Structural)}
"""Every kind of release by its name."""


def make_kind(name: str, **settings) -> Kind:
    """Return a kind by its name; settings that are None are not given.

    Raises
    ------
    ShdError
        Where there is no such kind, or it takes other settings.
    """
    if name not in KINDS:
        raise ShdError(f"there is no kind of release {name!r}; known are {', '.join(KINDS)}.")
    known = {field.name: field.default is MISSING for field in fields(KINDS[name])}
    given = {key: value for key, value in settings.items() if value is not None}
    if strange := [key for key in given if key not in known]:
        raise ShdError(f"kind {name!r} takes no {strange[0]}; leave --{strange[0]} out, or choose another kind.")
    if lacking := [key for key, needed in known.items() if needed and key not in given]:
        raise ShdError(f"kind {name!r} needs {lacking[0]}: --{lacking[0]}.")
    return KINDS[name](**given)


def kind_of_card(card: dict) -> Kind | None:
    """Return the kind of release that a card tells of; None for what is fully synthetic, and for older cards."""
    told = card.get("kind") or {"name": "full"}
    return None if told["name"] == "full" else make_kind(told["name"], **told["settings"])


def _generator(model: "Synthesizer") -> np.random.Generator:
    """Return random numbers of their own for what is not drawn from the model."""
    return np.random.default_rng([model.random_state or 0, 1])


def _apportion(shares: np.ndarray, size: int) -> np.ndarray:
    """Return whole numbers that add up to `size`, each within one of its share of it (largest remainders)."""
    exact = shares / shares.sum() * size
    counts = np.floor(exact + 1e-9).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: size - counts.sum()]] += 1
    return counts


def _names(columns: object, what: str) -> tuple[str, ...]:
    columns = (columns,) if isinstance(columns, str) else tuple(columns)
    if not columns or len(set(columns)) < len(columns):
        raise ShdError(f"{what}={list(columns)!r} must name one column at least, each once.")
    return columns


def _check_share(share: object) -> None:
    if not isinstance(share, (int, float)) or isinstance(share, bool) or not 0 < share < 1:
        raise ShdError(f"share={share!r} must be a number between 0 and 1, for example 0.5.")


def _check_count(name: str, count: object) -> None:
    if not isinstance(count, (int, np.integer)) or isinstance(count, bool) or count < 1:
        raise ShdError(f"{name}={count!r} must be a whole number, 1 or more.")
