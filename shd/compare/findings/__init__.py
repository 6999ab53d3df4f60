"""Does what is known survive? Findings of experts, computed on real and on synthetic records side by side.

Each finding is declared before anybody looks: question, population, estimand, method, expected side, source. The
findings of a table live in its challenge, in a folder that `load` reads. `replicate` estimates them on two tables,
`replication_rate` counts, `forest` draws. What they are about is a `Variable`: a function of the frame.
"""

from shd._parallel import one_thread
from shd.compare.core.chance import generator, subsample
from shd.compare.core.models import effects
from shd.compare.findings.estimators import Fit, dummies, fit, logit
from shd.compare.findings.figure import forest
from shd.compare.findings.finding import (
    Estimate,
    Finding,
    Need,
    NoEstimateError,
    Variable,
    Variables,
    needs,
    normal_estimate,
    prepare,
)
from shd.compare.findings.load import Studies, load, of_card, of_dataset
from shd.compare.findings.recipes import Recipe, declare, odds, ranks, rates, share, terms, together
from shd.compare.findings.replication import (
    ReplicationRate,
    check,
    cut,
    estimates,
    lay_side_by_side,
    mean_rate,
    measure,
    replicate,
    replication_rate,
)

__all__ = [
    "Estimate",
    "Finding",
    "Fit",
    "Need",
    "NoEstimateError",
    "Recipe",
    "ReplicationRate",
    "Studies",
    "Variable",
    "Variables",
    "check",
    "cut",
    "declare",
    "dummies",
    "effects",
    "estimates",
    "fit",
    "forest",
    "generator",
    "lay_side_by_side",
    "load",
    "logit",
    "mean_rate",
    "measure",
    "needs",
    "normal_estimate",
    "odds",
    "of_card",
    "of_dataset",
    "one_thread",
    "prepare",
    "ranks",
    "rates",
    "replicate",
    "replication_rate",
    "share",
    "subsample",
    "terms",
    "together",
]
