"""Synthesizers: one module a family, over one base class."""

from shd.synthesizers.base import Synthesizer, load_synthesizer
from shd.synthesizers.marginals import Marginals

__all__ = ["Marginals", "Synthesizer", "load_synthesizer"]
