"""Compare synthetic with real records: are they alike, useful, safe, and so for everybody.

One module a question, each with its number as a plain function; `compare` asks them all.

* fidelity: `columns`, `pairs`, `triples`, `missingness`, `rules`, `detection` (C2ST), `propensity`,
  `neighbourhoods`, `map`; `trust` sums up what was found about each variable;
* utility: `utility` (TSTR), `prediction`, `ranking`, `agreement`, `augmentation`, `regression`;
* privacy: `privacy`, `exact_values`, `membership`, `weights`, `attributes`, `singling_out`, `linkability`,
  `identifiability`, `anonymity`;
* fairness: `fairness`;
* whether it was done as it should be: `checks`.

Pictures have questions of their own, in `shd.compare.images`.
"""

import sys
from inspect import signature
from types import ModuleType

from shd.compare._compare import compare
from shd.compare._schema import Score, Skipped
from shd.compare.agreement import calibration_error, calibration_line, importance_agreement, permutation_importance
from shd.compare.anonymity import k_anonymity, k_map
from shd.compare.attributes import attribute_inference
from shd.compare.augmentation import augmentation_gain
from shd.compare.checks import explain
from shd.compare.columns import column_distances, wasserstein_distances
from shd.compare.copies import near_copies, verbatim_copies
from shd.compare.detection import c2st, giveaways
from shd.compare.exact_values import exact_values
from shd.compare.fairness import group_dcr_shares, group_distances, group_shares, group_utility, odds_differences
from shd.compare.identifiability import identifiability_score, outliers_at_risk
from shd.compare.images import image_c2st, image_tstr, leakage_by_split
from shd.compare.linkability import linkability_risk
from shd.compare.membership import membership_inference
from shd.compare.missingness import missingness_distance
from shd.compare.neighbourhoods import table_precision_recall
from shd.compare.pairs import association_error, association_matrix
from shd.compare.prediction import relative_prediction_error
from shd.compare.privacy import dcr_share, nndr
from shd.compare.propensity import pmse_ratio
from shd.compare.ranking import ranking_agreement, sra
from shd.compare.regression import interval_overlap, odds_ratios, regression_agreement
from shd.compare.report import Report
from shd.compare.rules import broken_rules
from shd.compare.singling_out import singling_out_risk
from shd.compare.triples import triple_distance
from shd.compare.trust import trust_table
from shd.compare.utility import tstr
from shd.compare.weights import weights_inference

__all__ = [
    "Report",
    "Score",
    "Skipped",
    "association_error",
    "association_matrix",
    "attribute_inference",
    "augmentation_gain",
    "broken_rules",
    "c2st",
    "calibration_error",
    "calibration_line",
    "column_distances",
    "compare",
    "dcr_share",
    "exact_values",
    "explain",
    "giveaways",
    "group_dcr_shares",
    "group_distances",
    "group_shares",
    "group_utility",
    "identifiability_score",
    "image_c2st",
    "image_tstr",
    "importance_agreement",
    "interval_overlap",
    "k_anonymity",
    "k_map",
    "leakage_by_split",
    "linkability_risk",
    "membership_inference",
    "missingness_distance",
    "near_copies",
    "nndr",
    "odds_differences",
    "odds_ratios",
    "outliers_at_risk",
    "permutation_importance",
    "pmse_ratio",
    "ranking_agreement",
    "regression_agreement",
    "relative_prediction_error",
    "singling_out_risk",
    "sra",
    "table_precision_recall",
    "triple_distance",
    "trust_table",
    "tstr",
    "verbatim_copies",
    "wasserstein_distances",
    "weights_inference",
]


class _Package(ModuleType):
    """Lets ``shd.compare(train, synthetic)`` and ``shd.compare.c2st`` be had under one name."""

    __call__ = staticmethod(compare)


sys.modules[__name__].__class__ = _Package
__signature__ = signature(compare)  # what editors and notebooks show for shd.compare
