"""The clinical studies of the diabetes records: known findings, and what can be asked besides.

`FINDINGS` are what is known of these patients, each declared before anybody looked at synthetic ones: `strack` for the
study of them, `diabetology` for what any textbook says. A finding more is one entry more in one of the two files.
`shd.compare(..., findings=FINDINGS)` asks for them, `shd.compare.findings` estimates and replicates them.

Beside them stand analyses that are laid side by side for two tables: what the study published, networks of diseases
and medicines, kinds of patients, association rules, lengths of stay, and synthetic control arms. What the columns mean
is said in `variables`, once for all of them.
"""

from .control_arm import ADJUST, balance, contrast, control_arm_experiment
from .diabetology import FINDINGS as _KNOWN
from .figures_networks import layout, plot_networks, plot_phenotypes
from .figures_times import contrasts as plot_contrasts
from .figures_times import discharge_curves as plot_discharge_curves
from .figures_times import hazards as plot_hazards
from .figures_times import love as plot_balance
from .figures_times import subgroup_effects as plot_subgroup_effects
from .networks import comorbidity_network, compare_networks, prescription_network
from .phenotypes import compare_phenotypes, phenotypes
from .published import PUBLISHED, crude_odds_ratios, group_sizes
from .rules import association_rules, compare_rules
from .strack import FINDINGS as _OF_THE_STUDY
from .strack import adjusted_model
from .subgroups import subgroup_effects
from .times import discharge_curves, discharge_hazards, logrank, readmission_rates, visit_rates
from .variables import VARIABLES, variable

FINDINGS = _OF_THE_STUDY + _KNOWN

__all__ = [
    "ADJUST",
    "FINDINGS",
    "PUBLISHED",
    "VARIABLES",
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
    "group_sizes",
    "layout",
    "logrank",
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
    "subgroup_effects",
    "variable",
    "visit_rates",
]
