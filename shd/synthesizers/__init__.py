"""Synthesizers: one module a family, over one base class."""

from shd.synthesizers.base import Synthesizer, load_synthesizer
from shd.synthesizers.bayesian_network import BayesianNetwork
from shd.synthesizers.marginals import Marginals
from shd.synthesizers.tabular_cgan import TabularCGAN

__all__ = ["BayesianNetwork", "Marginals", "Synthesizer", "TabularCGAN", "load_synthesizer"]
