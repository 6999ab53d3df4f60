"""Dates as people write them: which format fits nearly all texts of a column, and which texts are none."""

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd

NEARLY_ALL = 0.95
"""Share of the known cells that one format must fit; the others are named and made missing."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_TIME = r"(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([ap]m)?)?"
_OFFSET = r"\s*(z|utc|gmt|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
_SHAPES = {
    "year first": re.compile(rf"(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}}){_TIME}{_OFFSET}", re.I),
    "numbers": re.compile(rf"(\d{{1,2}})([-/.])(\d{{1,2}})\2(\d{{4}}|\d{{2}}){_TIME}{_OFFSET}", re.I),
    "day month": re.compile(rf"(\d{{1,2}})([-. ]?)\s*({_MONTH})[-., ]*(\d{{4}}|\d{{2}}){_TIME}{_OFFSET}", re.I),
    "month day": re.compile(rf"({_MONTH})([-. ])\s*(\d{{1,2}})(?:st|nd|rd|th)?[, ]+\s*(\d{{4}}){_TIME}{_OFFSET}", re.I),
}
_COMPACT = re.compile(r"(?!0000)(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?(?:\.0)?")  # there is no year 0
_FEW = 5  # different whole numbers that are no dates by chance are fewer
_PLAUSIBLE = (1850, 2150)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d(?:\.\d{1,6})?))?(?:\s*([ap])\.?m\.?)?", re.I)
_LENGTH = re.compile(r"-?\d+ days?(?:,? [+-]?\d{1,2}:\d{2}:\d{2}(?:\.\d+)?)?")


@dataclass
class Dates:
    """What a column is as dates."""

    values: pd.Series  # datetime64, one for each text; missing where it is none
    how: str = ""  # the format in words; empty where there is nothing to tell


@dataclass
class Found:
    """Texts taken apart by the one shape that most of them have."""

    shape: str
    mark: str
    parts: list[tuple | None]
    weight: np.ndarray
    orders: dict[str, list] = field(default_factory=dict)

    def fit(self, order: str) -> float:
        """Return the share of cells that are dates when read in this order."""
        if order not in self.orders:
            self.orders[order] = [None if part is None else _iso(part, order) for part in self.parts]
        return float(self.weight[[iso is not None for iso in self.orders[order]]].sum() / self.weight.sum())

    def order(self) -> str | None:
        """Return the order of day, month and year that the texts tell; None where two fit equally well."""
        if self.shape == "year first":
            return "ymd"
        if self.shape != "numbers":
            return "dmy" if self.shape == "day month" else "mdy"
        day, month = self.fit("dmy"), self.fit("mdy")
        if self.two_digits() and self.mark == "-":  # the year may stand first
            return None
        if day == month:
            return "dmy" if self.mark == "." else None
        return "dmy" if day > month else "mdy"

    def two_digits(self) -> bool:
        """Whether years have two digits."""
        return self.shape != "year first" and any(part is not None and len(part[3]) == 2 for part in self.parts)

    def dates(self, order: str) -> Dates | None:
        """Return the dates; None where some have an offset and others have none."""
        self.fit(order)
        texts, offsets = [], set()
        for iso in self.orders[order]:
            texts.append(None if iso is None else iso[0] + iso[1])
            if iso is not None:
                offsets.add(iso[1])
        if "" in offsets and len(offsets) > 1:
            return None
        several = len(offsets) > 1
        values = pd.to_datetime(pd.Series(texts, dtype="str"), format="ISO8601", errors="coerce", utc=several)
        return Dates(values, self._how(order, several))

    def _how(self, order: str, several: bool) -> str:
        words = {"d": "day", "m": "month", "y": "year"}
        how = [] if self.shape == "year first" else ["as " + self.mark.join(words[letter] for letter in order)]
        if self.two_digits():
            how.append(f"with years from {date.today().year - 99} to {date.today().year}")
        if several:
            how.append("in UTC, as their offsets differ")
        return " ".join(how)


def find_dates(texts: list[str], weight: np.ndarray) -> Found | None:
    """Take texts apart by the shape of most; None where hardly any is a date.

    `weight` says how often each text occurs.
    """
    shapes, matches = Counter(), []
    for text, n in zip(texts, weight, strict=True):
        match = next(((name, m) for name, shape in _SHAPES.items() if (m := shape.fullmatch(text))), None)
        matches.append(match)
        if match:
            shapes[match[0], match[1][2]] += int(n)
    if not shapes:
        return None
    (shape, mark), _ = shapes.most_common(1)[0]
    same = [m.groups() if (name, m[2]) == (shape, mark) else None for name, m in (m or ("", "   ") for m in matches)]
    return Found(shape, mark, same, np.asarray(weight, dtype=float))


def _iso(part: tuple, order: str) -> tuple[str, str] | None:
    """Return date and time as ISO 8601, and the offset; None where there is no such day or time."""
    first, _, second, third, hour, minute, second_of, fraction, half, offset = part
    year, month, day = {"ymd": (first, second, third), "dmy": (third, second, first), "mdy": (third, first, second)}[
        order
    ]
    month = month if month.isdigit() else str(_MONTHS.index(month[:3].lower()) + 1)
    year = int(year)
    if len(third) == 2 and order != "ymd":  # the last hundred years: records are seldom of days to come
        year += 2000 if 2000 + year <= date.today().year else 1900
    hours = int(hour or 0)
    if half:
        if not 1 <= hours <= 12:
            return None
        hours = hours % 12 + 12 * (half.lower() == "pm")
    try:
        date(year, int(month), int(day))
    except ValueError:
        return None
    if hours > 23 or int(minute or 0) > 59 or int(second_of or 0) > 59:
        return None
    clock = f"T{hours:02}:{minute}:{second_of or '00'}.{fraction or '0'}" if hour else ""
    zone = "" if offset is None else "+00:00" if offset[0] not in "+-" else _colon(offset)
    if zone and not clock:
        return None
    return f"{year:04}-{int(month):02}-{int(day):02}{clock}", zone


def _colon(offset: str) -> str:
    digits = offset[1:].replace(":", "").ljust(4, "0")
    return f"{offset[0]}{digits[:2]}:{digits[2:]}"


def dates_from_digits(texts: list[str], weight: np.ndarray) -> Dates | None:
    """Read whole numbers such as 20200314 as dates; None where they are others."""
    matches = [_COMPACT.fullmatch(text) for text in texts]
    if not any(matches):
        return None
    iso = [None if m is None else "{}-{}-{}T{}:{}:{}".format(*m.groups("00")) for m in matches]
    values = pd.to_datetime(pd.Series(iso, dtype="str"), format="ISO8601", errors="coerce")
    weight, plausible = np.asarray(weight, dtype=float), values.dt.year.between(*_PLAUSIBLE).to_numpy()
    if plausible.sum() < _FEW or weight[plausible].sum() < NEARLY_ALL * weight.sum():
        return None
    return Dates(values, "as yearmonthday")


def lengths_of_time(texts: list[str]) -> pd.Series | None:
    """Read times of day, or lengths such as ``2 days 10:30:00``, as timedelta64; None where one is neither."""
    if all(_LENGTH.fullmatch(text) for text in texts):
        return pd.Series(pd.to_timedelta(texts, errors="coerce")).dt.as_unit("us")
    clock = [_CLOCK.fullmatch(text) for text in texts]
    if not all(clock):
        return None
    if any(m[4] and not 1 <= int(m[1]) <= 12 for m in clock):
        return None
    hours = [int(m[1]) % 12 + 12 * (m[4] in "pP") if m[4] else int(m[1]) for m in clock]
    seconds = [3600 * h + 60 * int(m[2]) + float(m[3] or 0) for h, m in zip(hours, clock, strict=True)]
    return pd.Series((np.round(np.array(seconds) * 1e6)).astype("m8[us]"))
