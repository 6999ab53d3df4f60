"""A part of the page: what a question shows of itself beside its scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure of matplotlib, and what it shows in one sentence."""

    title: str
    figure: Any
    verdict: str | None = None


@dataclass(frozen=True, eq=False)
class Part:
    """A heading, one paragraph, figures, pictures, and a table."""

    heading: str
    text: str = ""  # plain, or `markupsafe.Markup`
    figures: Sequence[Drawing] = ()
    key: Mapping[str, str] = field(default_factory=dict)  # colours of the figures by name, and what each stands for
    pictures: Any = None  # a Grid, see `shd.compare.images.picture_grid`
    table: pd.DataFrame | None = None  # its columns are the headings; a column of verdicts is shown as such
    formats: Mapping[str, str] = field(default_factory=dict)  # of the numbers in a column: ".3f", ".1%"
    more: str = ""  # a sentence below the table
    is_secret: bool = False  # for the steward alone: it names single people
