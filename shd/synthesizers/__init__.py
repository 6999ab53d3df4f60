"""Synthesizers: one module a family, over one base class for tables and one for images."""

from shd.synthesizers.base import Synthesizer, load_synthesizer
from shd.synthesizers.registry import registry

__all__ = [
    "ADSGAN",
    "MST",
    "ActiveAppearance",
    "BayesianNetwork",
    "Choice",
    "FilteredTrees",
    "FlowMatching",
    "GaussianCopula",
    "ImageCGAN",
    "ImageSynthesizer",
    "Marginals",
    "MixtureCircuit",
    "PrivateMoments",
    "SequentialTrees",
    "SliceGaussian",
    "SmoothedBootstrap",
    "Synthesizer",
    "TabularAutoregressive",
    "TabularCGAN",
    "TabularDiffusion",
    "TabularVAE",
    "choose_family",
    "load_synthesizer",
]


def __getattr__(name: str) -> object:
    """Import a family when it is first used."""
    if name == "ImageSynthesizer":
        from shd.synthesizers.image_base import ImageSynthesizer

        return ImageSynthesizer
    if name in ("Choice", "choose_family"):
        from shd.synthesizers import choice

        return getattr(choice, name)
    if name in registry:
        return registry[name]
    raise AttributeError(f"module 'shd.synthesizers' has no attribute {name!r}")
