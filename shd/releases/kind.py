"""`Kind`: what of a release is synthetic, which rung of the ladder it stands on, and what that means for people.

The ladder is that of the UK Office for National Statistics (Bates, Spakulova, Dove, Mealor 2018, *Synthetic data
pilot*, ONS methodology working paper series 16, from memory): the more of the original a table keeps, the more it is
worth, and the more it can tell of the people behind it.
"""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.dataset import Dataset, describe_columns
from shd.domain import Domain
from shd.synthesizers.registry import registry

if TYPE_CHECKING:
    from shd.synthesizers import Synthesizer

STRUCTURAL, VALID, PLAUSIBLE, LOOSE, DETAILED, REPLICA = (
    "structural",
    "valid",
    "plausible",
    "multivariate plausible",
    "multivariate detailed",
    "replica",
)
LADDER = {
    STRUCTURAL: "Minimal: names, types and limits of columns, and nothing that was read off a record.",
    VALID: "Minimal: values that can occur together, and nothing of how often they do.",
    PLAUSIBLE: "Low, to be looked at: single columns are like the original, so that a rare level tells of somebody.",
    LOOSE: "To be judged case by case: columns go together roughly as in the original.",
    DETAILED: "High unless shown otherwise: columns go together as in the original, which a model may have by heart.",
    REPLICA: "Very high: records are those of people, in whole or in part. For the safe setting of the original only.",
}
"""Rungs from the lowest to the highest, and the disclosure risk of each."""

_RUNGS = {"Marginals": PLAUSIBLE, "GaussianCopula": LOOSE, "BayesianNetwork": LOOSE, "SmoothedBootstrap": REPLICA}
"""Of families whose records are wholly synthetic; others keep detail."""


@dataclass(frozen=True)
class Kind:
    """A kind of release, with its settings as fields. Call it: ``Partial(["income"])(data, "MixtureCircuit")``.

    A kind writes `make`; its words are class attributes.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    what: ClassVar[str]
    """What the records are, in a sentence."""
    check: ClassVar[str]
    """What to look at before it is handed on."""
    expect: ClassVar[str] = ""
    """What a comparison with the original shows of this kind whoever made it."""
    holds_real: ClassVar[bool] = False
    """Whether real records, or values of single people, are in it."""
    learns: ClassVar[bool] = True
    """Whether records are learned from."""
    family: ClassVar[str | None] = None
    """Family that is taken where none is named."""

    def __call__(self, data: Dataset, synthesizer: "str | Synthesizer", random_state: int = 0) -> Dataset:
        """Make this kind of release of a Dataset.

        Parameters
        ----------
        data : Dataset, n records
            The records to learn from. Never give it the holdout.
        synthesizer : str or Synthesizer
            A family by name, or a synthesizer; one that is not fitted learns `data` first.
        random_state : int
            Of a family given by name.

        Returns
        -------
        Dataset
            With the source ``synthetic`` and this kind as its `kind`. Where rows come from people, it has their
            subjects: split it by these.

        Raises
        ------
        ShdError
            Where the settings do not fit the table, or the family cannot make this kind.
        """
        if isinstance(synthesizer, str):
            synthesizer = registry.find(synthesizer)(random_state=random_state)
        if not hasattr(synthesizer, "n_rows_"):
            synthesizer = self.adapt(synthesizer, data).fit(data)
        protection = getattr(synthesizer, "protection_", None)
        return self.make(data if protection is None else protection.apply(data), synthesizer)

    def make(self, train: Dataset, model: "Synthesizer") -> Dataset:
        """Return the release, from what was learned from and a fitted synthesizer; the same seed gives the same."""
        raise NotImplementedError

    def asks(self, data: Dataset) -> tuple[str, ...]:
        """Return the columns that the synthesizer has to be asked for."""
        return ()

    def adapt(self, model: "Synthesizer", data: Dataset) -> "Synthesizer":
        """Return the synthesizer, not fitted, so that it can be asked for what this kind needs."""
        asked = self.asks(data)
        if not asked:
            return model
        check_columns(asked, data)
        if "condition" not in model.get_params():
            raise ShdError(
                f"{type(model).__name__} cannot be asked for {describe_columns(asked)}; choose another family, "
                "for example SequentialTrees."
            )
        from sklearn.base import clone  # takes a second

        return model if model.condition is not None else clone(model).set_params(condition=tuple(asked))

    def rung(self, family: str) -> str:
        """Return the rung of the ladder, for records drawn from a family."""
        return REPLICA if self.holds_real else _RUNGS.get(family, DETAILED)

    def describe(self, family: str) -> dict:
        """Return what the card says, as plain values."""
        rung = self.rung(family)
        words = {
            word: getattr(self, word) for word in ("name", "title", "what", "check", "expect", "holds_real", "learns")
        }
        return {**words, "rung": rung, "risk": LADDER[rung], "settings": self.settings}

    @property
    def settings(self) -> dict:
        """Return the fields as plain values, as `make_kind` takes them."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value.to_dict() if isinstance(value, Domain) else value for name, value in values.items()}

    def _dataset(self, frame: pd.DataFrame, train: Dataset, subjects: np.ndarray | None = None) -> Dataset:
        """Return records with the roles that they have in train, and with this kind as their mark."""
        there = list(frame.columns)
        roles = {role: tuple(c for c in getattr(train, role) if c in there) for role in ("sensitive", "counts")}
        target = train.target if train.target in there else None
        told = {"name": train.name, "card": train.card, "target": target, **roles}
        return Dataset(frame, source="synthetic", subjects=subjects, kind=self, **told)


def check_columns(columns: tuple[str, ...], data: Dataset) -> None:
    """Raise `ShdError` where a column is not there."""
    absent = [column for column in columns if column not in data.frame.columns]
    if absent:
        raise ShdError(f"there is no column {absent[0]!r}; the table has {describe_columns(data.frame.columns)}.")
