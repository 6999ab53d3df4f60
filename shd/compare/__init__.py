"""Compare synthetic with real records: are they alike, are they useful, are they safe.

One module a question: `columns`, `pairs`, `detection` (C2ST), `utility` (TSTR), `prediction`,
`privacy`. Each has its number as a plain function, and `compare` asks them all. Pictures have
questions of their own, in `shd.compare.images`.
"""

import sys
from inspect import signature
from types import ModuleType

from shd.compare._compare import compare
from shd.compare._schema import Score, Skipped
from shd.compare.columns import column_distances
from shd.compare.detection import c2st
from shd.compare.images import image_c2st, image_tstr, leakage_by_split
from shd.compare.pairs import association_error, association_matrix
from shd.compare.prediction import relative_prediction_error
from shd.compare.privacy import dcr_share, verbatim_copies
from shd.compare.report import Report
from shd.compare.utility import tstr

__all__ = [
    "Report",
    "Score",
    "Skipped",
    "association_error",
    "association_matrix",
    "c2st",
    "column_distances",
    "compare",
    "dcr_share",
    "image_c2st",
    "image_tstr",
    "leakage_by_split",
    "relative_prediction_error",
    "tstr",
    "verbatim_copies",
]


class _Package(ModuleType):
    """Lets ``shd.compare(train, synthetic)`` and ``shd.compare.c2st`` be had under one name."""

    __call__ = staticmethod(compare)


sys.modules[__name__].__class__ = _Package
__signature__ = signature(compare)  # what editors and notebooks show for shd.compare
