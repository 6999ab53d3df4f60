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

from shd.compare.ask import compare
from shd.compare.checks import explain
from shd.compare.core.score import Score, Skipped
from shd.compare.fairness.groups_compared import (
    group_dcr_shares,
    group_distances,
    group_shares,
    group_utility,
    odds_differences,
)
from shd.compare.fidelity.broken_rules import broken_rules
from shd.compare.fidelity.c2st import c2st, giveaways
from shd.compare.fidelity.columns import column_distances, wasserstein_distances
from shd.compare.fidelity.missingness import missingness_distance
from shd.compare.fidelity.neighbourhoods import table_precision_recall
from shd.compare.fidelity.pairs import association_error, association_matrix
from shd.compare.fidelity.propensity import pmse_ratio
from shd.compare.fidelity.triples import triple_distance
from shd.compare.fidelity.trust import trust_table
from shd.compare.images import image_c2st, image_tstr, leakage_by_split
from shd.compare.privacy.anonymity import k_anonymity, k_map
from shd.compare.privacy.attributes import attribute_inference
from shd.compare.privacy.copies import near_copies, verbatim_copies
from shd.compare.privacy.distances import dcr_share, nndr
from shd.compare.privacy.exact_values import exact_values
from shd.compare.privacy.identifiability import identifiability_score, outliers_at_risk
from shd.compare.privacy.linkability import linkability_risk
from shd.compare.privacy.membership import membership_inference
from shd.compare.privacy.model_membership import weights_inference
from shd.compare.privacy.singling_out import singling_out_risk
from shd.compare.report.report import Report
from shd.compare.utility.augmentation import augmentation_gain
from shd.compare.utility.importance import (
    calibration_error,
    calibration_line,
    importance_agreement,
    permutation_importance,
)
from shd.compare.utility.prediction import relative_prediction_error
from shd.compare.utility.ranking import ranking_agreement, sra
from shd.compare.utility.regression import interval_overlap, odds_ratios, regression_agreement
from shd.compare.utility.tstr import tstr

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
