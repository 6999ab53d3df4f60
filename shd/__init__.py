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
        ActiveAppearance,
        BayesianNetwork,
        FlowMatching,
        ImageCGAN,
        Marginals,
        SliceGaussian,
        TabularCGAN,
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
    "BayesianNetwork",
    "Marginals",
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
    "load": "shd.datasets",
    "Dataset": "shd.dataset",
    "DataCard": "shd.dataset",
    "Domain": "shd.domain",
    "Levels": "shd.domain",
    "Numbers": "shd.domain",
    "Dates": "shd.domain",
    "TabularCGAN": "shd.synthesizers",
    "BayesianNetwork": "shd.synthesizers",
    "Marginals": "shd.synthesizers",
    "ImageCGAN": "shd.synthesizers",
    "FlowMatching": "shd.synthesizers",
    "ActiveAppearance": "shd.synthesizers",
    "SliceGaussian": "shd.synthesizers",
    "load_synthesizer": "shd.synthesizers",
    "Rule": "shd.synthesizers.rules",
    "Report": "shd.compare",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used: torch and scikit-learn take seconds."""
    if name == "compare":  # a package that can be called, so that shd.compare.c2st is there as well
        return import_module("shd.compare")
    if name not in _HOMES:
        raise AttributeError(f"module 'shd' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
