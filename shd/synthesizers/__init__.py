"""Synthesizers: one module a family, over one base class."""

from shd.synthesizers.base import Synthesizer, load_synthesizer
from shd.synthesizers.bayesian_network import BayesianNetwork
from shd.synthesizers.marginals import Marginals

__all__ = ["BayesianNetwork", "Marginals", "Synthesizer", "load_synthesizer"]
