"""Numbers as people write them: decimal commas, thousands, per cent, units, and codes that only look like numbers."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from shd.tables.types import LARGEST_WHOLE

PLAIN = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|Inf|INF|infinity|Infinity)"
WHOLE = r"[+-]?\d+"
_CODE = re.compile(r"[+-]?0\d.*|\+\d{7,}")  # leading zeros; telephone numbers
_POWER = re.compile(r"\d+[eE]\d+")  # 1E5: programs write a number as 1e+05
_SPACE = " \u00a0\u2009\u202f'’"  # between thousands
_UNIT = r"[%‰]|[a-zA-Zµμ°$€£¥][\w/°µμ²³%.*^-]{0,14}"
_DRESSED = re.compile(rf"([$€£¥]?)\s*([-+]?)\s*([$€£¥]?)\s*(\d[\d.,{_SPACE}]*|[.,]\d+)((?:[eE][+-]?\d+)?)\s*({_UNIT})?")
_GROUPED = {
    ".": re.compile(rf"[1-9]\d{{0,2}}(?:[,{_SPACE}]\d{{3}})+(?:\.\d*)?"),
    ",": re.compile(rf"[1-9]\d{{0,2}}(?:[.{_SPACE}]\d{{3}})+(?:,\d*)?"),
}
_SIMPLE = {".": re.compile(r"\d*(?:\.\d*)?"), ",": re.compile(r"\d*(?:,\d*)?")}


@dataclass(frozen=True)
class Dressed:
    """Different texts of a column, as numbers that are dressed."""

    signs: list[str]  # parts of each text
    bodies: list[str]
    powers: list[str]
    unit: str  # what stands with every one of them; empty for none

    def fits(self, decimal: str) -> bool:
        """Whether every text is a number with this decimal mark."""
        grouped = [bool(_GROUPED[decimal].fullmatch(body)) for body in self.bodies]
        if not all(g or _SIMPLE[decimal].fullmatch(b) for g, b in zip(grouped, self.bodies, strict=True)):
            return False
        mark = "," if decimal == "." else "."
        if not any(mark in body for body in self.bodies):
            return True
        # who separates thousands, does it in every number
        return not any(re.match(r"\d{4}", body) for body in self.bodies)

    def decimal(self) -> str | None:
        """Return the decimal mark; None where both would do and mean different numbers."""
        fitting = [mark for mark in (".", ",") if self.fits(mark)]
        if len(fitting) == 2 and not any(mark in body for body in self.bodies for mark in ".,"):
            return "."
        return fitting[0] if len(fitting) == 1 else None if fitting else ""

    def how(self, decimal: str) -> str:
        """Return in words what is dropped from the texts, with a space before it."""
        comma = any("," in body for body in self.bodies)
        point = any("." in body for body in self.bodies)
        how = " with a decimal comma" if decimal == "," and comma else " with commas between thousands" if comma else ""
        how += " with points between thousands" if decimal == "," and point else ""
        return how + (f" without {self.unit!r}" if self.unit else "")

    def numbers(self, decimal: str) -> np.ndarray:
        """Return the numbers, float64."""
        drop = str.maketrans("", "", _SPACE + ("," if decimal == "." else "."))
        bodies = (body.translate(drop).replace(decimal, ".") for body in self.bodies)
        parts = zip(self.signs, bodies, self.powers, strict=True)
        return np.array([float(sign + body + power) for sign, body, power in parts])


def undress(texts: list[str]) -> Dressed | None:
    """Take texts apart into sign, digits and unit; None where one is no number, or units differ."""
    signs, bodies, powers, units = [], [], [], set()
    for text in texts:
        text = text.replace("−", "-").replace("–", "-")  # as typists and programs write it
        negative = text.startswith("(") and text.endswith(")")
        if negative:
            text = text[1:-1].strip()
        if text.endswith("-"):  # 30-
            negative, text = True, text[:-1].strip()
        found = _DRESSED.fullmatch(text)
        if found is None:
            return None
        before, sign, after, body, power, unit = found.groups()
        body = body.rstrip(_SPACE)
        if re.match(r"0\d", body) or (negative and sign):
            return None
        signs.append("-" if negative else sign)
        bodies.append(body)
        powers.append(power)
        units.add((before or after or unit or "").lower())
    return Dressed(signs, bodies, powers, units.pop()) if len(units) == 1 else None


def grouped(texts: Iterable[str], decimal: str) -> bool:
    """Whether every text separates thousands, given the decimal mark."""
    return all(_GROUPED[decimal].fullmatch(text) for text in texts)


def why_code(texts: list[str]) -> str | None:
    """Return why texts that could be read as numbers are codes; None where they are numbers."""
    if any(_CODE.fullmatch(text) for text in texts):
        return "for leading zeros or a leading +"
    if any(len(text) > 15 and text.lstrip("+-").isdigit() and abs(int(text)) > LARGEST_WHOLE for text in texts):
        return "as whole numbers beyond 2**53 would lose digits"
    if all(_POWER.fullmatch(text) for text in texts):
        return "as codes such as 1E5 are not powers of ten"
    return None
