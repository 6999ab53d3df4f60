"""Made-up values of the form of a real column: names, e-mails, telephones, addresses, dates and numbers of nobody.

What is kept of the real column is its form alone: its kind, the shape that most entries have, their language, and how
many are missing. The values are drawn from a seed when records are; at fit a seed is sought whose values are in no
real record.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd.tables.identify import ADDRESS, BORN, MAIL, NAME, PHONE, TEXT, Identified

if TYPE_CHECKING:
    from faker import Faker

_TRIES = 50  # seeds tried until no made-up value is a real one
_LOCALES = {"de_DE": r"[äöüß]|str\.|straße", "fr_FR": r"[èêçà]|\brue\b", "es_ES": r"[ñáíóú]|\bcalle\b"}


@dataclass(frozen=True)
class FakeColumn:
    """How one column is made up."""

    name: str
    kind: str  # see `shd.tables.identify`
    dtype: str
    at: int  # place among the columns
    shape: str  # of numbers of people: A and a stand for letters, 9 for digits; of names: one or two words
    locale: str
    missing: float  # share, 0 to 1
    seed: int = 0  # added to the seed of the sample

    @classmethod
    def learn(cls, values: pd.Series, found: Identified, at: int, n: int, random_state: int) -> "FakeColumn":
        """Learn the form of a column, and a seed whose first `n` values are not in it."""
        kind = MAIL if found.kind == "" and values.astype(str).str.contains("@").mean() > 0.5 else found.kind
        text = values.dropna().astype(str)
        dates = pd.api.types.is_datetime64_any_dtype(values)
        shapes = text.map(lambda entry: re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "9", entry))))
        shape = shapes.mode().iloc[0] if len(shapes) else "999999"
        several = text.str.split().str.len().median() > 1 if len(text) else True
        shape = ("two" if several else "one") if kind == NAME else shape
        locale = next(
            (key for key, sign in _LOCALES.items() if text.str.contains(sign, case=False).mean() > 0.1), "en_GB"
        )
        missing = round(float(values.isna().mean()), 2)
        dtype = str(values.dtype) if dates or pd.api.types.is_numeric_dtype(values) else "str"
        form = cls(str(values.name), BORN if dates else kind, dtype, at, shape, locale, missing)
        real = set(values.dropna().astype(str).tolist())
        for seed in range(_TRIES):
            tried = replace(form, seed=seed)
            if form.kind == BORN or not real & set(tried.draw(n, random_state).dropna().astype(str)):
                return tried
        raise ShdError(f"column {values.name!r} leaves no form that is nobody's own; drop it instead of --fake.")

    def draw(self, n: int, random_state: int) -> pd.Series:
        """Return `n` made-up values; the same seed gives the same."""
        from faker import Faker  # takes a while, and few tables need it

        seed = [random_state, self.seed, self.at]
        rng, faker = np.random.default_rng(seed), Faker(self.locale)
        faker.seed_instance(int(rng.integers(2**31)))
        if self.kind == BORN:
            days = pd.Timestamp("1935-01-01") + pd.to_timedelta(rng.integers(0, 29_000, n), unit="D")
            dates = pd.Series(days, name=self.name)
            values = dates.astype(self.dtype) if self.dtype.startswith("date") else dates.dt.strftime("%Y-%m-%d")
        else:
            make = self._maker(faker, rng)
            values = pd.Series([make() for _ in range(n)], name=self.name, dtype="str")
            values = values if self.dtype == "str" else pd.to_numeric(values).astype(self.dtype)
        return values.mask(rng.random(n) < self.missing) if self.missing else values

    def _maker(self, faker: "Faker", rng: np.random.Generator) -> Callable[[], str]:
        if self.kind == NAME:
            two = self.shape == "two"
            return lambda: (
                f"{faker.first_name()} {faker.last_name()}" if two else f"{faker.last_name()}-{faker.last_name()}"
            )
        if self.kind == MAIL:  # a domain that is nobody's: RFC 2606
            return lambda: f"{faker.user_name()}{rng.integers(10**6)}@example.com"
        if self.kind == PHONE and not self.shape.isdigit():
            return faker.phone_number
        if self.kind == ADDRESS:
            return lambda: faker.address().replace("\n", ", ")
        if self.kind == TEXT:
            return lambda: "(made up)"
        return lambda: _like(self.shape, rng)


def _like(shape: str, rng: np.random.Generator) -> str:
    """Return letters and digits in the shape of a real entry."""
    digits, upper, lower = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz"
    drawn = [{"9": digits, "A": upper, "a": lower}.get(sign, sign) for sign in shape]
    text = "".join(signs[int(rng.integers(len(signs)))] for signs in drawn)
    return re.sub(r"^0", lambda _: str(rng.integers(1, 10)), text) if shape.isdigit() else text
