"""Releases: make synthetic data, judge them, hand them on with a card, verify and show what others handed on.

>>> from shd.releases import generate, make_release, make_synthesizer
>>> made = generate(data, make_synthesizer("TabularCGAN"), minutes=6)  # doctest: +SKIP
>>> release = make_release("release", **vars(made))  # doctest: +SKIP
"""

from shd.releases.catalog import Catalog, make_catalog
from shd.releases.generate import (
    Cost,
    Generated,
    Split,
    Steps,
    choose,
    find_family,
    generate,
    judge,
    make_synthesizer,
    sample_apart,
)
from shd.releases.pipeline import generate_release
from shd.releases.refusals import check_licence, refuse_red
from shd.releases.release import Release, check_folder, make_release, open_release
from shd.releases.verify import Verification, original_of, verify

__all__ = [
    "Catalog",
    "Cost",
    "Generated",
    "Release",
    "Split",
    "Steps",
    "Verification",
    "check_folder",
    "check_licence",
    "choose",
    "find_family",
    "generate",
    "generate_release",
    "judge",
    "make_catalog",
    "make_release",
    "make_synthesizer",
    "open_release",
    "original_of",
    "refuse_red",
    "sample_apart",
    "verify",
]
