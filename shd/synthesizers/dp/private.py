"""`PrivateSynthesizer`: what every private fit does before and after the learning itself."""

import warnings
from dataclasses import dataclass
from fractions import Fraction
from typing import ClassVar

import numpy as np
import pandas as pd

from shd._errors import ShdError, ShdWarning
from shd.dataset import Dataset, as_frame, describe_columns, role_of
from shd.domain import Domain
from shd.synthesizers.base import Synthesizer, check_seed, check_whole
from shd.synthesizers.dp.book import Budget, ConcentratedBudget, Privacy
from shd.synthesizers.dp.domain import OTHER
from shd.synthesizers.dp.noise import Noise

_SMALLEST = 1e-9  # an epsilon below it asks for noise beyond what whole numbers hold
_SEED_KNOWN = "the seed of the noise was given (noise_seed), so whoever knows it can take the noise away"


@dataclass
class Records:
    """What a private fit learns from, and what it has to keep to."""

    frame: pd.DataFrame  # at most m records of each subject
    people: np.ndarray  # whose each is, int64, shape (n,)
    m: int | Fraction  # how far one subject moves any histogram of them
    domain: Domain  # what was declared; columns that it lacks have to be paid for
    budget: Budget
    noise: Noise
    target: str | None = None  # the column that somebody said will be predicted


class PrivateSynthesizer(Synthesizer, abstract=True):
    """Base of families with differential privacy for subjects.

    Two tables are neighbours if one has one subject more, with all their records. At most m = `max_records` of each
    subject are used, chosen by chance; nobody's choice depends on anybody else. So one subject moves every histogram
    by at most m: in sum, and in the Euclidean norm.

    A family writes `_learn`, with the fields `epsilon`, `delta`, `domain`, `max_records` and `noise_seed`. It sees
    `Records` and nothing else, spends from their budget before it looks, and draws noise from theirs only.

    Parameters
    ----------
    epsilon : float
        Privacy budget, 1e-9 and above; smaller is more private and noisier.
    delta : float
        Chance above 0 and below 1 that the promise fails; far below one in the number of subjects.
    domain : Domain, optional
        What columns can hold, written down by somebody who did not look at the records. Default: that of the Dataset,
        where it has one; columns without are learned from a part of the budget.
    max_records : int
        Most records of one subject that are learned from; noise grows in proportion.
    noise_seed : int, optional
        A seed for the noise: for lessons and tests only. It ends the promise.

    Attributes
    ----------
    privacy_ : Privacy
        What is promised, on what assumptions, and where the budget went.
    """

    book: ClassVar[type[Budget]] = ConcentratedBudget
    quick: ClassVar[dict] = {}  # arguments that make a fit quick, for an audit, which takes thousands
    always: ClassVar[bool] = True  # private; otherwise epsilon=None means without noise, and without a promise

    def fit(self, data: Dataset | pd.DataFrame) -> "PrivateSynthesizer":
        """Learn from a table, and keep the promise that stands above; never warns of what a cell holds.

        Parameters
        ----------
        data : Dataset or pandas.DataFrame, shape (n, n_columns)
            The training records. Without a Dataset every record counts as a person.

        Returns
        -------
        self

        Raises
        ------
        ShdError
            Where a constructor argument cannot work, or a column is not declared and there is no delta for it.
        """
        self.privacy_ = None
        if self.epsilon is None and not self.always:
            return super().fit(data)
        vars(self).pop("n_rows_", None)  # set last: a fit that failed leaves nothing that could be sampled
        self.rules_, self.fakes_, self.protection_ = (), [], None  # they would be read off the records for nothing
        check_seed(self.random_state)
        self._check_parameters()
        frame = as_frame(data, "train")
        domain = self._domain(data, frame)
        people, unit = self._subjects(data)
        # without subjects every record is its own: the sensitivity is 1, whatever max_records says
        m = int(self.max_records) if unit == "subject" else 1
        noise, budget = Noise(self.noise_seed), self._budget(any(name not in domain.columns for name in frame))
        rows = self._rows(people, m, noise)
        n_rows = self._learn(
            Records(frame.iloc[rows], people[rows], self._moved(m), domain, budget, noise, role_of(data, "target"))
        )
        known = self.noise_seed is not None
        self.privacy_ = Privacy(
            float(self.epsilon),
            float(self.delta),
            unit,
            m,
            not known,
            _SEED_KNOWN if known else "",
            budget.spent(),
            rho=budget.rho,
            composition=budget.composition,
        )
        self._warn_of_loss(known)
        self.n_rows_ = n_rows
        return self

    def _learn(self, records: Records) -> int:
        """Learn everything, `encoder_` too, and return a private number of records."""
        raise NotImplementedError

    # Steps that the promise rests on, each on its own: a test plants a fault by writing one anew ----------

    def _domain(self, data: Dataset | pd.DataFrame, frame: pd.DataFrame) -> Domain:
        """Return what is declared; `ShdError` where a column is neither declared nor can be learned."""
        if self.domain is not None:
            domain = self.domain
            absent = [name for name in domain.columns if name not in frame.columns]
            if absent:
                raise ShdError(f"domain: the table has no column {absent[0]!r}. Check the name.")
        else:
            domain = getattr(data, "domain", None) if isinstance(data, Dataset) else None
            domain = Domain({}) if domain is None else domain
        open_ = [name for name in frame.columns if name not in domain.columns]
        if open_ and not self.delta:
            raise ShdError(
                f"epsilon needs a domain: {describe_columns(open_)} have none. Declare levels and ranges in "
                f"domain=Domain(...), or give delta=1e-6 to learn them from a part of epsilon."
            )
        return domain

    def _subjects(self, data: Dataset | pd.DataFrame) -> tuple[np.ndarray, str]:
        """Return whose each record is, and who is protected; declared, as what is found is told for nothing."""
        if isinstance(data, Dataset):
            return pd.factorize(data.subjects)[0], "subject"
        return np.arange(len(data)), "record"

    def _budget(self, learns_domain: bool) -> Budget:
        """Return the book."""
        return self.book(self.epsilon, self.delta, learns_domain)

    def _rows(self, people: np.ndarray, m: int, noise: Noise) -> np.ndarray:
        """Return positions of the records that are learned from."""
        return keep_records(people, m, noise)

    def _moved(self, m: int) -> int | Fraction:
        """Return how far one subject with at most m records moves a histogram."""
        return m

    # The rest ----------------------------------------------------------------------------------

    def _check_parameters(self) -> None:
        check_whole(self, "max_records", 1)
        if self.epsilon is None and not self.always:
            if (self.domain, self.delta, self.noise_seed) != (None, 0, None):
                raise ShdError("domain, delta and noise_seed are for private fits: give epsilon, or leave them out.")
            return
        if not (_is_number(self.epsilon) and _SMALLEST <= self.epsilon < np.inf):
            none = "" if self.always else ", or None for no noise"
            raise ShdError(f"epsilon={self.epsilon!r} must be a number above 0 (from 1e-9 on){none}.")
        if self.domain is not None and not isinstance(self.domain, Domain):
            raise ShdError(
                f"domain must be a Domain, not {type(self.domain).__name__}: Domain({{'age': Numbers(0, 110)}})."
            )
        if not (_is_number(self.delta) and 0 <= self.delta < 1):
            raise ShdError(f"delta={self.delta!r} must be a number from 0 to below 1, for example 1e-6.")
        if self.book.needs_delta and not self.delta:
            raise ShdError("delta=0 is a promise that Gaussian noise cannot keep; give a number above 0, such as 1e-6.")
        check_seed(self.noise_seed, "noise_seed")

    def _warn_of_loss(self, known: bool) -> None:
        """Warn of what can be told from the model and the arguments alone, so that it tells no more."""
        lost = [codec.name for codec in self.encoder_.columns_ if codec.levels == [OTHER]]
        if lost:
            why = (
                f"{describe_columns(lost)}: the budget was too small to name any level. Declare them, or raise epsilon."
            )
            warnings.warn(why, ShdWarning, stacklevel=3)
        if known:
            warnings.warn(f"no guarantee: {_SEED_KNOWN}. Leave noise_seed out.", ShdWarning, stacklevel=3)

    def _get_state(self) -> tuple[dict[str, np.ndarray], dict]:
        privacy = getattr(self, "privacy_", None)
        return {}, {"privacy": None if privacy is None else privacy.to_dict()}

    def _set_state(self, tensors: dict[str, np.ndarray], extra: dict) -> None:
        self.privacy_ = None if extra.get("privacy") is None else Privacy.from_dict(extra["privacy"])
        self.domain = None if self.domain is None else Domain.from_dict(self.domain)  # read from JSON


def keep_records(people: np.ndarray, m: int, noise: Noise) -> np.ndarray:
    """Return positions of at most m records of each subject, chosen by chance; int64, in order.

    What is chosen of one subject does not depend on anybody else. So one subject more in the table means at most m
    records more here.
    """
    order = np.argsort(people, kind="stable")
    starts = np.flatnonzero(np.diff(people[order], prepend=-1))
    kept = [own if len(own) <= m else np.array(noise.some(own, m)) for own in np.split(order, starts[1:]) if len(own)]
    return np.sort(np.concatenate(kept))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
