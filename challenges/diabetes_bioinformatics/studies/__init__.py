"""The clinical studies of the diabetes records: known findings, and what can be asked besides.

`FINDINGS` are what is known of these patients, each declared before anybody looked at synthetic ones: `strack` for the
study of them, `diabetology` for what any textbook says. A finding more is one entry more in one of the two files.
`shd.compare(..., findings=FINDINGS)` asks for them, `shd.compare.findings` estimates and replicates them.

Beside them stand analyses that are laid side by side for two tables: what the study published, networks of diseases
and medicines, kinds of patients, association rules, lengths of stay, and synthetic control arms. What the columns mean
is said in `variables`, once for all of them.
"""
# ruff: noqa: F401 - what is imported here is what notebooks use

from .control_arm import ADJUST, contrast, control_arm_experiment
from .diabetology import FINDINGS as _KNOWN
from .figures_networks import layout, plot_networks, plot_phenotypes
from .figures_times import contrasts as plot_contrasts
from .figures_times import discharge_curves as plot_discharge_curves
from .figures_times import hazards as plot_hazards
from .figures_times import subgroup_effects as plot_subgroup_effects
from .networks import comorbidity_network, compare_networks, prescription_network
from .phenotypes import compare_phenotypes, phenotypes
from .published import PUBLISHED, crude_odds_ratios, group_sizes
from .rules import association_rules, compare_rules
from .strack import FINDINGS as _OF_THE_STUDY
from .strack import adjusted_model
from .subgroups import subgroup_effects
from .times import discharge_curves, discharge_hazards, logrank
from .variables import VARIABLES, variable

FINDINGS = _OF_THE_STUDY + _KNOWN
