"""Synthetic health data: load it, learn it, make it, judge it.

>>> import shd
>>> real = shd.load("diabetes")
>>> train, holdout = real.split(random_state=0)  # doctest: +SKIP
>>> gan = shd.TabularCGAN(condition="readmitted", random_state=0).fit(train)  # doctest: +SKIP
>>> report = shd.compare(train, gan.sample(len(train)), holdout=holdout)  # doctest: +SKIP
"""

from importlib import import_module
from typing import TYPE_CHECKING

from shd._errors import ShdError, ShdWarning

if TYPE_CHECKING:  # what editors read; at run time every name comes on first use (see `__getattr__`)
    from shd.compare import Report, compare
    from shd.dataset import DataCard, Dataset
    from shd.datasets import load
    from shd.domain import Dates, Domain, Levels, Numbers
    from shd.synthesizers import (
        ADSGAN,
        MST,
        ActiveAppearance,
        BayesianNetwork,
        FilteredTrees,
        FlowMatching,
        GaussianCopula,
        ImageCGAN,
        Marginals,
        MixtureCircuit,
        PrivateMoments,
        SequentialTrees,
        SliceGaussian,
        SmoothedBootstrap,
        TabularAutoregressive,
        TabularCGAN,
        TabularDiffusion,
        TabularVAE,
        choose_family,
        load_synthesizer,
    )
    from shd.synthesizers.rules import Rule

__version__ = "0.1.0"

__all__ = [  # noqa: RUF022 - in the order a reader meets them
    "load",
    "Dataset",
    "DataCard",
    "Domain",
    "Levels",
    "Numbers",
    "Dates",
    "TabularCGAN",
    "SequentialTrees",
    "FilteredTrees",
    "GaussianCopula",
    "BayesianNetwork",
    "MixtureCircuit",
    "TabularAutoregressive",
    "TabularDiffusion",
    "TabularVAE",
    "ADSGAN",
    "SmoothedBootstrap",
    "Marginals",
    "PrivateMoments",
    "MST",
    "choose_family",
    "ImageCGAN",
    "FlowMatching",
    "ActiveAppearance",
    "SliceGaussian",
    "load_synthesizer",
    "Rule",
    "compare",
    "Report",
    "ShdError",
    "ShdWarning",
    "__version__",
]

_HOMES = {
    "shd.datasets": "load",
    "shd.dataset": "Dataset DataCard",
    "shd.domain": "Domain Levels Numbers Dates",
    "shd.synthesizers": "TabularCGAN SequentialTrees FilteredTrees GaussianCopula BayesianNetwork MixtureCircuit "
    "TabularAutoregressive TabularDiffusion TabularVAE ADSGAN SmoothedBootstrap Marginals PrivateMoments MST "
    "choose_family "
    "ImageCGAN FlowMatching ActiveAppearance SliceGaussian load_synthesizer",
    "shd.synthesizers.rules": "Rule",
    "shd.compare": "Report",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: torch and scikit-learn take seconds."""
    if name == "compare":  # a package that can be called, so that shd.compare.c2st is there as well
        return import_module("shd.compare")
    home = next((module for module, names in _HOMES.items() if name in names.split()), None)
    if home is None:
        raise AttributeError(f"module 'shd' has no attribute {name!r}")
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
