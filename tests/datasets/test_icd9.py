from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.datasets.icd9 import CHAPTERS, EXTERNAL, LEVELS, SUPPLEMENTARY, chapter, chapters


@pytest.mark.parametrize(("first", "last", "name"), CHAPTERS)
def test_every_border(first, last, name):
    assert chapter(str(first)) == name
    assert chapter(f"{last:03d}") == name
    assert chapter(f"{last}.99") == name


def test_chapters_cover_001_to_999_without_gap_or_overlap():
    borders = [(first, last) for first, last, _ in CHAPTERS]
    assert borders[0][0] == 1
    assert borders[-1][1] == 999
    assert all(before[1] + 1 == after[0] for before, after in pairwise(borders))
    assert len(set(LEVELS)) == 19


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("250", "endocrine and metabolic"),
        ("250.83", "endocrine and metabolic"),
        ("249.9", "endocrine and metabolic"),
        ("785", "symptoms and signs"),
        ("785.51", "symptoms and signs"),
        ("786", "symptoms and signs"),
        ("787.0", "symptoms and signs"),
        ("8", "infectious and parasitic"),
        ("008", "infectious and parasitic"),
        (" 428 ", "circulatory"),
        (428, "circulatory"),
        (428.0, "circulatory"),
        ("E800", EXTERNAL),
        ("e849.7", EXTERNAL),
        ("E999", EXTERNAL),
        ("E000", EXTERNAL),
        ("E030", EXTERNAL),
        ("V01", SUPPLEMENTARY),
        ("V57.89", SUPPLEMENTARY),
        ("V91", SUPPLEMENTARY),
    ],
)
def test_codes(code, expected):
    assert chapter(code) == expected


@pytest.mark.parametrize(
    "code",
    [
        *"0 000 0.5 1000 -5 E E8 E80 E799 E031 E1000 V V0 V00 V92 V571 VV1 EV1 250.123 250.8.1 25083 abc ? nan".split(),
        *("", None, 250.123, "250 x", "\u0662\u0665\u0660"),
    ],
)
def test_what_is_no_code(code):
    with pytest.raises(ShdError, match="not an ICD-9-CM code"):
        chapter(code)


def test_series_keeps_index_name_order_of_chapters_and_missing():
    codes = pd.Series(["V57", None, "250.1", "8"], index=[3, 1, 2, 0], name="diag_1")
    named = chapters(codes)
    assert named.index.tolist() == [3, 1, 2, 0]
    assert named.name == "diag_1"
    assert named.cat.categories.tolist() == ["infectious and parasitic", "endocrine and metabolic", SUPPLEMENTARY]
    assert named.tolist() == [SUPPLEMENTARY, np.nan, "endocrine and metabolic", "infectious and parasitic"]


def test_series_of_nothing_but_missing():
    assert chapters(pd.Series([None, None], dtype="str")).isna().all()
