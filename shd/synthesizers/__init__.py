"""Synthesizers: one module a family, over one base class for tables and one for images."""

from shd.synthesizers.active_appearance import ActiveAppearance
from shd.synthesizers.base import Synthesizer, load_synthesizer
from shd.synthesizers.bayesian_network import BayesianNetwork
from shd.synthesizers.flow_matching import FlowMatching
from shd.synthesizers.image_base import ImageSynthesizer
from shd.synthesizers.image_cgan import ImageCGAN
from shd.synthesizers.marginals import Marginals
from shd.synthesizers.slice_gaussian import SliceGaussian
from shd.synthesizers.tabular_cgan import TabularCGAN

__all__ = [
    "ActiveAppearance",
    "BayesianNetwork",
    "FlowMatching",
    "ImageCGAN",
    "ImageSynthesizer",
    "Marginals",
    "SliceGaussian",
    "Synthesizer",
    "TabularCGAN",
    "load_synthesizer",
]
