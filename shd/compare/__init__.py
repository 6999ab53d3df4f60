"""Compare synthetic with real records: are they alike, useful, safe, and so for everybody.

One module a question, in the rooms `fidelity`, `utility`, `privacy`, `fairness` and `images`; the list of them is
`shd.compare.ask.QUESTIONS`. `compare` asks them all, `ask` one of them by its name. `checks` says whether it was done
as it should be.
"""

import sys
from importlib import import_module
from inspect import signature
from types import ModuleType

from shd.compare.ask import ask, compare

_HOMES = {
    "Report": "report.report",
    "Score": "core.score",
    "Skipped": "core.question",
    "association_error": "fidelity.pairs",
    "association_matrix": "fidelity.pairs",
    "attribute_inference": "privacy.attributes",
    "augmentation_gain": "utility.augmentation",
    "broken_rules": "fidelity.broken_rules",
    "c2st": "fidelity.c2st",
    "calibration_error": "utility.calibration",
    "calibration_line": "utility.calibration",
    "column_distances": "fidelity.columns",
    "dcr_share": "privacy.distances",
    "exact_values": "privacy.exact_values",
    "explain": "checks",
    "giveaways": "fidelity.c2st",
    "group_dcr_shares": "fairness.groups_compared",
    "group_distances": "fairness.groups_compared",
    "group_shares": "fairness.groups_compared",
    "group_utility": "fairness.groups_compared",
    "identifiability_score": "privacy.identifiability",
    "importance_agreement": "utility.importance",
    "interval_overlap": "utility.regression",
    "k_anonymity": "privacy.anonymity",
    "k_map": "privacy.k_map",
    "linkability_risk": "privacy.linkability",
    "membership_inference": "privacy.membership",
    "missingness_distance": "fidelity.missingness",
    "near_copies": "privacy.near_copies",
    "nndr": "privacy.distances",
    "odds_differences": "fairness.groups_compared",
    "odds_ratios": "utility.regression",
    "outliers_at_risk": "privacy.at_risk",
    "permutation_importance": "utility.importance",
    "pmse_ratio": "fidelity.propensity",
    "ranking_agreement": "utility.ranking",
    "regression_agreement": "utility.regression",
    "relative_prediction_error": "utility.prediction",
    "singling_out_risk": "privacy.singling_out",
    "sra": "utility.ranking",
    "table_precision_recall": "fidelity.neighbourhoods",
    "triple_distance": "fidelity.triples",
    "trust_table": "fidelity.trust",
    "tstr": "utility.tstr",
    "verbatim_copies": "privacy.copies",
    "wasserstein_distances": "fidelity.columns",
    "weights_inference": "privacy.model_membership",
}
"""Where the other public names live; each is loaded when it is asked for, so that a light question stays light."""

__all__ = ["ask", "compare", *_HOMES]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'shd.compare' has no attribute {name!r}")
    value = getattr(import_module(f"shd.compare.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)


class _Package(ModuleType):
    """Lets ``shd.compare(train, synthetic)`` and ``shd.compare.c2st`` be had under one name."""

    __call__ = staticmethod(compare)


sys.modules[__name__].__class__ = _Package
__signature__ = signature(compare)  # what editors and notebooks show for shd.compare
