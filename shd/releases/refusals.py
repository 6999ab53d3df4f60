"""Why a release is refused: red privacy, tables that tell of single people, data without a licence."""

from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pandas as pd

from shd._errors import ShdError
from shd.dataset import Dataset, describe_columns, is_numeric
from shd.tables.identify import identify

if TYPE_CHECKING:
    from shd.compare import Report
    from shd.releases.kind import Kind
    from shd.synthesizers import Synthesizer
    from shd.synthesizers._protect import Done

RED = "RED: not to be handed on. Its privacy is red: what it tells of single people is in the report."
"""First line of the card and of the report of a release that was written with ``force_red``."""
RED_REFUSED = (
    "privacy is red, so that no release was written: see the report on what tells of single people. Learn less (fewer "
    "steps, another family, a higher --min-people), or write it marked as red: --force-red (force_red=True)."
)
REAL_INSIDE = (
    "CONTAINS REAL RECORDS: not for release outside the safe setting. Values of single people stand in it: only those "
    "who may see the original may see it."
)
"""First line of the card and of the report of a kind of release that holds values of single people."""
_RED_MODEL = " Only the model file is red: --no-model (with_model=False) releases the data without it."
_MARK = "-RED-not-to-be-handed-on"


def is_red(report: "Report") -> bool:
    """Whether a report says that the data tell of single people."""
    return report.to_dict()["verdicts"].get("privacy") == "red"


def mark_of(report: "Report", synthetic: Dataset) -> str | None:
    """Return what a release is marked with, if it must not be handed on: real records inside, or red privacy."""
    if synthetic.kind is not None and synthetic.kind.holds_real:
        return REAL_INSIDE
    return RED if is_red(report) else None


def check_kind(kind: "Kind | None", force_red: bool) -> None:
    """Raise `ShdError` where values of single people will be in a release, and nobody said that it may be red."""
    if kind is not None and kind.holds_real and not force_red:
        raise ShdError(
            f"kind {kind.name} keeps values of single people, so that it is written for the safe setting alone, marked "
            f"as red: --force-red (force_red=True)."
        )


def refuse_red(report: "Report", folder: str | Path, checkpoint: Path | None) -> NoReturn:
    """Put the report of a release that is not written beside its folder, and say how to go on without a new fit."""
    path = report.save(Path(folder).with_name(f"{Path(folder).name}-report.html"))
    again = f" The fit is kept: the same command with --checkpoint {checkpoint} goes on from it." if checkpoint else ""
    raise ShdError(f"{RED_REFUSED}{why_red(report)}{again} The report: {path}")


def why_red(report: "Report") -> str:
    """Return how to go on where nothing but the model file tells of people; empty elsewhere."""
    scores = (score for score in report.to_dict()["scores"] if score["question"] == "privacy")
    red = [score["metric"] for score in scores if score["verdict"] == "red"]
    return _RED_MODEL if red and all(metric.endswith(": weights") for metric in red) else ""


def folder_marked_red(folder: str | Path) -> Path:
    """Return the name of the folder of a release whose privacy is red."""
    folder = Path(folder)
    return folder if folder.name.endswith(_MARK) else folder.with_name(folder.name + _MARK)


def check_safe(train: Dataset, holdout: Dataset, synthesizer: "Synthesizer", synthetic: Dataset) -> "Done":
    """Raise `ShdError` where a table or a model tells of single people; return what was taken out of train before.

    What `generate` returns passes. Others are protected first: ``synthesizer.protection_.apply(train)``.
    """
    from shd.synthesizers._protect import Protection, people_of

    least = synthesizer.least_people(train)
    again = Protection.fit(train, least)
    done = (getattr(synthesizer, "protection_", None) or again).done
    made_up = set(done.made_up)
    mark = {getattr(synthetic.kind, "mark", None)}  # the column that tells real from synthetic, say
    strangers = [name for name in synthetic.frame if name not in train.frame and str(name) not in made_up | mark]
    if strangers:
        raise ShdError(f"synthetic has {describe_columns(strangers)}, which train has not; drop it before the release.")
    for what, side in (("train", train), ("holdout", holdout)):
        if not again.apply(side).frame.equals(side.frame):
            raise ShdError(
                f"{what} tells of fewer than {least} people: compare and release what is left of it, "
                f"synthesizer.protection_.apply({what})."
            )
    drawn = synthetic.frame.drop(columns=[name for name in synthetic.frame if str(name) in made_up | mark])
    found = [one for one in identify(drawn, people_of(synthetic)) if one.column not in train.keep]
    if found:
        raise ShdError(
            f"synthetic identifies people: column {found[0].column!r} ({found[0].kind}); drop it before the release."
        )
    if getattr(synthesizer, "privacy_", None) is not None or not getattr(synthetic.kind, "learns", True):
        return done  # its levels were declared, or bought: none of them rests on single people
    rare = next((name for name in drawn if not _levels_of(drawn[name]) <= _levels_of(train.frame[name])), None)
    if rare is not None:
        raise ShdError(f"synthetic column {rare!r} has levels that train has not; draw it from the synthesizer again.")
    learned = [name for name in synthesizer.encoder_.names if name not in train.frame]
    if learned:
        raise ShdError(f"the synthesizer has learned {describe_columns(learned)}, which train has not; fit it again.")
    return done


def _levels_of(values: pd.Series) -> set[str]:
    """Return the levels of a column, those that its dtype names included; nothing of numbers and dates."""
    if is_numeric(values) or pd.api.types.is_datetime64_any_dtype(values) or pd.api.types.is_timedelta64_dtype(values):
        return set()
    named = values.cat.categories if isinstance(values.dtype, pd.CategoricalDtype) else values.dropna().unique()
    return set(map(str, named))


def check_licence(data: Dataset) -> None:
    """Raise `ShdError` where nobody knows under what terms the data may be used."""
    if data.card.licence.strip().lower() in ("", "unknown"):
        raise ShdError(
            f"{data.name}: no release without a licence. Say under what terms the data may be used: "
            f"--licence 'CC BY 4.0' (in Python: the licence of the Dataset's card)."
        )
