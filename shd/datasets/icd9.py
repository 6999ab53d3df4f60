"""ICD-9-CM codes to chapters, from the public code ranges.

Source: World Health Organization, *International Classification of Diseases, Ninth Revision*;
the ranges are those of the tabular list of ICD-9-CM (US National Center for Health Statistics).
"""

import re

import pandas as pd

from shd._errors import ShdError

CHAPTERS: tuple[tuple[int, int, str], ...] = (
    (1, 139, "infectious and parasitic"),
    (140, 239, "neoplasms"),
    (240, 279, "endocrine and metabolic"),  # 250.xx is diabetes
    (280, 289, "blood"),
    (290, 319, "mental"),
    (320, 389, "nervous system and senses"),
    (390, 459, "circulatory"),
    (460, 519, "respiratory"),
    (520, 579, "digestive"),
    (580, 629, "genitourinary"),
    (630, 679, "pregnancy and childbirth"),
    (680, 709, "skin"),
    (710, 739, "musculoskeletal"),
    (740, 759, "congenital"),
    (760, 779, "perinatal"),
    (780, 799, "symptoms and signs"),  # 785 and 786 too: chapters go by number, not by organ
    (800, 999, "injury and poisoning"),
)
"""First code, last code (both included) and name of each numeric chapter."""

EXTERNAL = "external causes"  # E800-E999, and E000-E030 (activity and status)
SUPPLEMENTARY = "factors influencing health"  # V01-V91
LEVELS: tuple[str, ...] = (*(name for _, _, name in CHAPTERS), EXTERNAL, SUPPLEMENTARY)
"""Names of all chapters, in the order of the tabular list."""

# one to three digits, or E and three, or V and two; then up to two more behind a point
_CODE = re.compile(r"(E(?=\d{3})|V(?=\d{2}(?!\d))|)(\d{1,3})(?:\.\d{0,2})?", re.ASCII)


def chapter(code: str | float) -> str:
    """Return the chapter of one ICD-9-CM code with its point: ``"250.83"``, ``"8"`` (meaning 008) or ``"E909"``."""
    parts = _CODE.fullmatch(str(code).strip().upper())
    letter, number = (parts[1], int(parts[2])) if parts else ("", 0)
    if letter == "E" and (number <= 30 or number >= 800):
        return EXTERNAL
    if letter == "V" and 1 <= number <= 91:
        return SUPPLEMENTARY
    for first, last, name in CHAPTERS:
        if not letter and first <= number <= last:
            return name
    raise ShdError(
        f"{code!r} is not an ICD-9-CM code: expected 001-999, E000-E030, E800-E999 or V01-V91, with its point."
    )


def chapters(codes: pd.Series) -> pd.Series:
    """Return the chapter of every code as a category, with those `LEVELS` that occur; missing stays missing."""
    named = {code: chapter(code) for code in codes.dropna().unique()}
    present = set(named.values())
    levels = pd.Index([level for level in LEVELS if level in present], dtype="str")
    return pd.Series(pd.Categorical(codes.map(named), categories=levels), index=codes.index, name=codes.name)
