"""Does the biology survive? Known clinical findings, computed on real and on synthetic records side by side.

Each finding is declared before anybody looks: question, population, estimand, method, expected side,
source (`strack` for the study of these patients, `diabetology` for what is known besides). `replicate`
estimates them on two tables, `replication_rate` counts, `forest` draws. A finding more is one entry more
in one of the two files.
"""

from shd.compare.domain import networks, times
from shd.compare.domain._figures import forest
from shd.compare.domain._figures_networks import layout, plot_networks, plot_phenotypes
from shd.compare.domain._figures_times import contrasts as plot_contrasts
from shd.compare.domain._figures_times import discharge_curves as plot_discharge_curves
from shd.compare.domain._figures_times import hazards as plot_hazards
from shd.compare.domain._figures_times import love as plot_balance
from shd.compare.domain._figures_times import subgroup_effects as plot_subgroup_effects
from shd.compare.domain._finding import Estimate, Finding, Need, NoEstimateError
from shd.compare.domain._phenotypes import compare_phenotypes, phenotypes
from shd.compare.domain._rules import association_rules, compare_rules
from shd.compare.domain._step import measure
from shd.compare.domain.control_arm import balance, contrast, control_arm_experiment
from shd.compare.domain.networks import comorbidity_network, compare_networks, prescription_network
from shd.compare.domain.published import PUBLISHED, Published, crude_odds_ratios, group_sizes
from shd.compare.domain.replication import (
    ReplicationRate,
    estimates,
    findings_for,
    replicate,
    replication_rate,
)
from shd.compare.domain.strack import adjusted_model
from shd.compare.domain.times import (
    discharge_curves,
    discharge_hazards,
    logrank,
    readmission_rates,
    subgroup_effects,
    visit_rates,
)

__all__ = [
    "PUBLISHED",
    "Estimate",
    "Finding",
    "Need",
    "NoEstimateError",
    "Published",
    "ReplicationRate",
    "adjusted_model",
    "association_rules",
    "balance",
    "comorbidity_network",
    "compare_networks",
    "compare_phenotypes",
    "compare_rules",
    "contrast",
    "control_arm_experiment",
    "crude_odds_ratios",
    "discharge_curves",
    "discharge_hazards",
    "estimates",
    "findings_for",
    "forest",
    "group_sizes",
    "layout",
    "logrank",
    "measure",
    "networks",
    "phenotypes",
    "plot_balance",
    "plot_contrasts",
    "plot_discharge_curves",
    "plot_hazards",
    "plot_networks",
    "plot_phenotypes",
    "plot_subgroup_effects",
    "prescription_network",
    "readmission_rates",
    "replicate",
    "replication_rate",
    "subgroup_effects",
    "times",
    "visit_rates",
]
