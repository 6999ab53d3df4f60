"""Whether the model in a release is the one that its card tells of: people get it together with the data."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from shd._errors import ShdError
from shd._plain import plain
from shd.dataset import Dataset
from shd.releases.card import MODEL, has_model
from shd.releases.claims import NO, UNSURE, YES, Claim, mark
from shd.releases.model_file import of_weights
from shd.releases.release import Release

if TYPE_CHECKING:
    from shd.synthesizers import Synthesizer


def model_of(release: Release) -> "Synthesizer | None":
    """Load the model of a release; None where it was not handed on."""
    from shd.synthesizers import load_synthesizer

    return load_synthesizer(release.folder / MODEL) if has_model(release.card) else None


def readable_model(release: Release) -> "Synthesizer | None":
    """Load the model of a release; None where it was not handed on, or is broken, which `of_model` tells."""
    try:
        return model_of(release)
    except ShdError:
        return None


def of_model(release: Release, synthetic: Dataset, holdout: Dataset) -> Iterator[Claim]:
    """Load the model, lay its class and parameters beside the card's, and draw the records again.

    Pictures are not drawn again: that takes minutes, and many of them were drawn twice. Nor are records that parts of
    the model chose which its file lacks: there both C2STs of the card are measured again.
    """
    claimed = release.card["synthesizer"]
    if not has_model(release.card):
        yield Claim("model", claimed["class"], "not handed on", UNSURE, "its maker has it")
        return
    try:
        model = model_of(release)
    except ShdError as error:
        yield Claim("model", claimed["class"], "not readable", NO, str(error))
        return
    parameters = plain(model.get_params())
    differ = [name for name, value in claimed["parameters"].items() if parameters.get(name) != value]
    same = type(model).__name__ == claimed["class"] and not differ
    yield Claim("model", claimed["class"], type(model).__name__, mark(same), ", ".join(differ))
    if same and "weights" in claimed:
        yield from of_weights(claimed["weights"], model, synthetic, holdout)
    elif same and synthetic.images is None:
        kept = kept_rules(release.card)
        yield _of_records(model.sample(len(synthetic), keep_rules=kept), synthetic.frame)


def kept_rules(card: dict) -> bool:
    """Whether the records of a release were made to keep rules between columns; its card says so."""
    return (card["synthesizer"].get("rules") or {}).get("kept", False)


def _of_records(drawn: pd.DataFrame, released: pd.DataFrame) -> Claim:
    """Whether a model gives the records released; numbers may be rounded otherwise on another machine."""
    what = "records of the model"
    if list(drawn) != list(released):
        return Claim(what, "those released", "of other columns", NO)
    alike = float((drawn.astype(str) == released.astype(str)).to_numpy().mean())
    if drawn.astype(str).equals(released.astype(str)):
        return Claim(what, "those released", "the same", YES)
    why = "another machine, another seed, or another model, of which the scores say nothing"
    return Claim(what, "those released", f"{alike:.0%} of entries alike", UNSURE, why)
