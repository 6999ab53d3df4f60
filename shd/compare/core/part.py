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
    """A heading, one paragraph, figures, pictures, and a table.

    Parameters
    ----------
    heading, text : str
        The text is plain, or `markupsafe.Markup`.
    figures : sequence of Drawing
    key : mapping of str to str
        Colours of the figures, by their names in the palette, and what each stands for.
    pictures : Grid, optional
        See `shd.compare.images.picture_grid`.
    table : DataFrame, optional
        Its columns are the headings; a column of verdicts is shown as such.
    formats : mapping of str to str
        How numbers of a column are written, as ``".3f"`` or ``".1%"``.
    more : str
        A sentence below the table.
    is_secret : bool
        For the steward alone: it names single people.
    """

    heading: str
    text: str = ""
    figures: Sequence[Drawing] = ()
    key: Mapping[str, str] = field(default_factory=dict)
    pictures: Any = None
    table: pd.DataFrame | None = None
    formats: Mapping[str, str] = field(default_factory=dict)
    more: str = ""
    is_secret: bool = False
