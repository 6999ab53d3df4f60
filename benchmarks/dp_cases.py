"""Planted faults that an audit of differential privacy has to catch, each for any private family."""

import types
from fractions import Fraction

import numpy as np
import pandas as pd

from shd import Dataset, Dates, Domain, Levels, Numbers
from shd.synthesizers.dp.private import PrivateSynthesizer


class DomainReadOff(PrivateSynthesizer, abstract=True):
    """Levels, ranges and whether anything is missing are read off the records, for nothing."""

    def _domain(self, data: Dataset | pd.DataFrame, frame: pd.DataFrame) -> Domain:
        declared = {}
        for name, values in frame.items():
            missing, known = bool(values.isna().any()), values.dropna()
            if pd.api.types.is_datetime64_any_dtype(values):
                declared[name] = Dates(str(known.min()), str(known.max()), missing=missing)
            elif pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
                declared[name] = Numbers(known.min(), known.max(), missing=missing)
            else:
                declared[name] = Levels(sorted(known.unique()), missing=missing)
        return Domain(declared)


class RecordsNotBounded(PrivateSynthesizer, abstract=True):
    """Every record counts as a person of its own, and the promise is for subjects all the same."""

    def _subjects(self, data: Dataset | pd.DataFrame) -> tuple[np.ndarray, str]:
        return np.arange(len(data)), "subject"


class NoiseKnown(PrivateSynthesizer, abstract=True):
    """The noise is the same in every fit, as with a seed that stands in the file."""

    def fit(self, data: Dataset | pd.DataFrame) -> "NoiseKnown":
        """Learn with noise of seed 0."""
        self.noise_seed = 0
        return super().fit(data)


class NoiseTooSmall(PrivateSynthesizer, abstract=True):
    """Half of the noise that the claim needs: a person is taken to move counts by half of what one moves them."""

    factor = 2

    def _moved(self, m: int) -> Fraction:
        return Fraction(m, self.factor)


class NoiseFarTooSmall(NoiseTooSmall, abstract=True):
    """A hundredth of it: what the noisier book in epsilon shows at once."""

    factor = 100


class BallotsNotAddedUp(PrivateSynthesizer, abstract=True):
    """Of PATE-GAN: each query is paid for as if it were the only one, as where moments are not accumulated."""

    def _cost_of_ballot(self, share: Fraction) -> Fraction:
        return share * self.batch


ANY = (DomainReadOff, RecordsNotBounded, NoiseKnown, NoiseTooSmall)
"""Faults that any family can have."""


def planted(fault: type[PrivateSynthesizer], family: type[PrivateSynthesizer]) -> type[PrivateSynthesizer]:
    """Return a family with a fault; not registered."""
    return types.new_class(f"{fault.__name__}{family.__name__}", (fault, family), {"abstract": True})
