"""What the text of a column means: numbers, dates, yes/no, levels, and words for a missing value."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from shd.tables import dates as _dates
from shd.tables import numbers as _numbers

MISSING = ("", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "-nan", "NULL", "null", "<NA>")
"""Words for a missing value. ``None`` is not among them: in health data it is a level."""

_NO_VALUE = {"none", "?", ".", "..", "-", "--", "---", "*", "unknown", "missing", "not available", "n.a.", "n. a."}
_NO_VALUE |= {"#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!"}
"""Words that mean nothing else among numbers or dates; among other words they are levels."""

_YES_NO = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
_ASKS = 0.8  # from this share of numbers or dates on, the others are asked about
_MANY = 10  # different numbers, below which a column with words is one of levels
_SHOWN = 3
_EXCHANGED = (
    "dates whose day and month may be exchanged were kept as text; say which comes first with --day-first or "
    "--month-first (day_first=True or False)"
)


@dataclass
class Notes:
    """What was decided beyond the plain reading, one line a kind, naming column and count."""

    found: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, column: str, count: int, shown: Iterable[str] = ()) -> None:
        """Note a decision on some cells of a column; `shown` are some of them."""
        some = list(dict.fromkeys(shown))
        more = " ..." if len(some) > _SHOWN else ""
        examples = f": {', '.join(map(repr, some[:_SHOWN]))}{more}" if some else ""
        self.found.setdefault(kind, []).append(f"{column!r} ({count:,}{examples})")

    def lines(self) -> list[str]:
        """Return the notes, at most six columns named in each."""
        return [
            f"{kind}: {', '.join(columns[:6])}{f' and {len(columns) - 6} more' if len(columns) > 6 else ''}"
            for kind, columns in self.found.items()
        ]


class Cells:
    """The different texts of one column, and how often each occurs."""

    def __init__(self, name: str, column: pd.Series, missing: Iterable[str], as_text: bool = False):
        self.name, self.as_text = name, as_text
        self.codes, distinct = pd.factorize(column)
        self.written = np.asarray(distinct, dtype=object)
        self.texts = self.written if as_text else np.array([text.strip() for text in self.written], dtype=object)
        self.count = np.bincount(self.codes, minlength=len(self.texts))
        self.known = ~np.isin(self.texts, [""] if as_text else [*missing, ""])

    def select(self, which: np.ndarray) -> tuple[list[str], np.ndarray]:
        """Return some of the texts, and how often they occur."""
        return self.texts[which].tolist(), self.count[which]

    def matches(self, pattern: str) -> np.ndarray:
        """Which known texts match a pattern in full, bool."""
        return self.known & pd.Series(self.texts, dtype="str").str.fullmatch(pattern).to_numpy(bool)

    def series(self, values: np.ndarray | pd.Series, which: np.ndarray) -> pd.Series:
        """Return the column, given the values of some of its texts; the others are missing."""
        at = np.full(len(self.texts), -1)
        at[which] = np.arange(int(which.sum()))
        rows = at[self.codes]
        values = pd.Series(values)
        if (rows >= 0).all():
            return values.take(rows).reset_index(drop=True)
        return values.reindex(np.where(rows < 0, len(values), rows)).reset_index(drop=True)


@dataclass(frozen=True)
class Customs:
    """How numbers and dates are written in a file, as far as it was said or some column tells; None where not.

    `likely` is the decimal mark where nothing tells.
    """

    decimal: str | None = None
    day_first: bool | None = None
    likely: str = "."


def read_cells(cells: list[Cells], said: Customs, notes: Notes) -> dict[str, pd.Series]:
    """Return every column as what its text means."""
    meanings = [_Meaning(one, notes) for one in cells]
    decimals = {mark for one in meanings if (mark := one.decimal())}
    orders = {order for one in meanings if one.dates and one.is_date(order := one.dates.order())}
    day_first = {"dmy": True, "mdy": False}.get(_only(orders - {"ymd"}))
    customs = replace(
        said,
        decimal=said.decimal or _only(decimals),
        day_first=day_first if said.day_first is None else said.day_first,
    )
    return {one.cells.name: one.read(customs) for one in meanings}


def _only(values: set) -> object:
    return next(iter(values)) if len(values) == 1 else None


class _Meaning:
    """What one column may be, before the file as a whole is known; `read` decides."""

    def __init__(self, cells: Cells, notes: Notes):
        self.cells, self.notes = cells, notes
        self.plain = np.zeros(len(cells.texts), dtype=bool) if cells.as_text else cells.matches(_numbers.PLAIN)
        no_value = np.array([text.lower() in _NO_VALUE for text in cells.texts], dtype=bool)
        rest = cells.known & ~no_value
        self.usable = cells.known & ~no_value  # what must be numbers or dates, if the column shall be of them
        self.is_plain = bool(rest.any()) and bool(self.plain[rest].all())
        self.dates = self.dressed = None
        if not (cells.as_text or self.is_plain) and rest.any():
            texts, count = cells.select(rest)
            self.dates = _dates.find_dates(texts, count)
            if self.dates is None:
                self.dressed = _numbers.undress(texts)

    def decimal(self) -> str | None:
        """Return the decimal mark that the column tells; None where it tells none."""
        if self.dressed is not None:
            marked = any(mark in body for body in self.dressed.bodies for mark in ".,")
            return self.dressed.decimal() if marked else None
        points = self.cells.matches(r"[+-]?\d*\.\d+") if self.is_plain else np.zeros(1, dtype=bool)
        return "." if points.any() and not _numbers.grouped(self.cells.texts[points], ",") else None

    def is_date(self, order: str | None) -> bool:
        """Whether nearly all cells are dates in this order."""
        return order is not None and self.dates.fit(order) >= _dates.NEARLY_ALL

    def read(self, customs: Customs) -> pd.Series:
        """Return the column."""
        cells = self.cells
        if not cells.as_text:
            if not cells.known.any():
                return pd.Series(np.nan, index=range(len(cells.codes)))
            if set(cells.texts[cells.known]) <= _YES_NO.keys():
                return self._yes_no()
            for attempt in (self._as_numbers, self._as_dates, self._as_dressed, self._as_lengths):
                values = attempt(customs)
                if values is not None:
                    return values
            self._ask()
        return self._levels()

    def _yes_no(self) -> pd.Series:
        values = np.array([_YES_NO[text] for text in self.cells.texts[self.cells.known]])
        whole = self.cells.known.all()
        return self.cells.series(pd.Series(values, dtype="bool" if whole else "boolean"), self.cells.known)

    def _as_numbers(self, customs: Customs) -> pd.Series | None:
        if not self.is_plain:
            return None
        texts, count = self.cells.select(self.usable)
        why = _numbers.why_code(texts)
        if why:
            self.notes.add(f"kept as text, {why}", self.cells.name, int(count.sum()))
            return None
        whole = self.cells.matches(_numbers.WHOLE)[self.usable].all()
        dates = _dates.dates_from_digits(texts, count) if _digits(texts) else None
        if dates is not None:
            return self._told(dates, texts, count)
        if customs.decimal == "," and _numbers.grouped(texts, ","):  # 93.508 in a file that writes 66,3
            return None
        self._drop_words()
        return self.cells.series(
            _whole(np.array(texts, dtype=object).astype(float), whole, self.cells, self.usable), self.usable
        )

    def _told(self, dates: _dates.Dates, texts: list[str], count: np.ndarray) -> pd.Series:
        """Return dates, and tell how they were read and what is none."""
        self._drop_words()
        none = dates.values.isna().to_numpy()
        if dates.how:
            self.notes.add(f"dates read {dates.how}", self.cells.name, int(count[~none].sum()))
        if none.any():
            strange = [text for text, n in zip(texts, none, strict=True) if n]
            self.notes.add("no dates, so read as missing", self.cells.name, int(count[none].sum()), strange)
        return self.cells.series(dates.values, self.usable)

    def _as_dates(self, customs: Customs) -> pd.Series | None:
        if self.dates is None:
            return None
        order = self.dates.order()
        if customs.day_first is not None and self.dates.shape == "numbers":
            asked = "dmy" if customs.day_first else "mdy"
            order = asked if order is None or self.is_date(asked) else order
        texts, count = self.cells.select(self.usable)
        if order is None and (self.is_date("dmy") or self.is_date("mdy")):
            self.notes.add(_EXCHANGED, self.cells.name, int(count.sum()), texts)
        if not self.is_date(order):
            return None
        dates = self.dates.dates(order)
        if dates is None:
            self.notes.add("times with and without a time zone were kept as text", self.cells.name, int(count.sum()))
            return None
        return self._told(dates, texts, count)

    def _as_dressed(self, customs: Customs) -> pd.Series | None:
        texts, count = self.cells.select(self.usable)
        if self.is_plain and customs.decimal == "," and _numbers.grouped(texts, ","):
            self.dressed = _numbers.undress(texts)
        if self.dressed is None:
            return None
        mark = self.dressed.decimal()
        if mark is None or (customs.decimal and self.dressed.fits(customs.decimal)):
            mark = customs.decimal or customs.likely
        if not mark:
            return None
        numbers = self.dressed.numbers(mark)
        whole = not any(mark in body for body in self.dressed.bodies) and not any(self.dressed.powers)
        self.notes.add(f"read as numbers{self.dressed.how(mark)}", self.cells.name, int(count.sum()), texts)
        self._drop_words()
        return self.cells.series(_whole(numbers, whole, self.cells, self.usable), self.usable)

    def _as_lengths(self, customs: Customs) -> pd.Series | None:
        texts, count = self.cells.select(self.usable)
        values = _dates.lengths_of_time(texts) if texts else None
        if values is None:
            return None
        if not texts[0].endswith("days") and "day" not in texts[0]:
            self.notes.add("times of day read as time since midnight", self.cells.name, int(count.sum()))
        self._drop_words()
        return self.cells.series(values, self.usable)

    def _drop_words(self) -> None:
        """Tell of words that were read as missing, as they mean nothing among numbers or dates."""
        words = self.cells.known & ~self.usable
        if words.any():
            texts, count = self.cells.select(words)
            self.notes.add("words read as missing", self.cells.name, int(count.sum()), texts)

    def _ask(self) -> None:
        """Tell of what is nearly a column of numbers or dates."""
        cells = self.cells
        total = cells.count[cells.known].sum()
        fits = {"numbers": self.plain}
        if self.dates is not None:
            ok = np.zeros(len(cells.texts), dtype=bool)
            ok[self.usable] = [part is not None for part in self.dates.parts]
            fits["dates"] = ok
        for what, which in fits.items():
            if which.sum() >= _MANY and _ASKS <= cells.count[which].sum() / total < 1:
                texts, count = cells.select(cells.known & ~which)
                kind = (
                    f"kept as text: most cells are {what}, these are not; name what stands for missing with --missing"
                )
                self.notes.add(f"{kind} (missing=)", cells.name, int(count.sum()), texts)

    def _levels(self) -> pd.Series:
        cells = self.cells
        words = ~cells.known & (cells.texts != "")
        if words.any():
            texts, count = cells.select(words)
            kind = "words read as missing; to keep them as levels name the column with --text (text=)"
            self.notes.add(kind, cells.name, int(count.sum()), texts)
        return cells.series(pd.Series(cells.written[cells.known], dtype="str"), cells.known)


def _digits(texts: list[str]) -> bool:
    return sum(len(text.removesuffix(".0")) in (8, 12, 14) for text in texts) >= _dates.NEARLY_ALL * len(texts)


def _whole(numbers: np.ndarray, whole: bool, cells: Cells, usable: np.ndarray) -> np.ndarray:
    """Return whole numbers as int64 where none is missing."""
    complete = cells.count[usable].sum() == cells.count.sum()
    return numbers.astype(np.int64) if whole and complete else numbers
