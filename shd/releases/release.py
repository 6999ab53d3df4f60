"""A release: one folder with synthetic data, the model, its report, its card and checksums."""

import gzip
import hashlib
import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pandas as pd

from shd._errors import ShdError, ShdWorkError
from shd.dataset import Dataset, describe_columns, is_numeric
from shd.datasets._pictures import write_pictures
from shd.releases.card import FORMAT, MODEL, NEEDED, describe, has_model, readme
from shd.releases.card_page import page
from shd.releases.croissant import croissant
from shd.tables.identify import identify
from shd.tables.schema import write_csv

if TYPE_CHECKING:
    from shd.compare import Report
    from shd.releases.generate import Cost, Split
    from shd.synthesizers import Synthesizer
    from shd.synthesizers._protect import Done

SUMS = "SHA256SUMS"
_DATA = {"table": ("synthetic.csv.gz", "synthetic.parquet"), "images": ("synthetic.zip",)}
_FIRST = ("README.md", "card.json", "report.html")
_SINCE = ("card.html", "croissant.json")  # releases of earlier versions lack them
SCHEMA = "synthetic.schema.json"
"""What the columns of the CSV are; tables of earlier versions lack it, too."""
TABLE_FILES = tuple(sorted((*_FIRST, MODEL, *_SINCE, *_DATA["table"], SCHEMA)))
IMAGE_FILES = tuple(sorted((*_FIRST, MODEL, *_SINCE, *_DATA["images"])))
"""What stands in the checksums; a release has the files of its kind and `SUMS`, and no others."""
_OURS = {*TABLE_FILES, *IMAGE_FILES, SUMS}


RED = "RED: not to be handed on. Its privacy is red: what it tells of single people is in the report."
"""First line of the card and of the report of a release that was written with ``force_red``."""
RED_REFUSED = (
    "privacy is red, so that no release was written: see the report on what tells of single people. Learn less (fewer "
    "steps, another family, a higher --min-people), or write it marked as red: --force-red (force_red=True)."
)
_RED_MODEL = " Only the model file is red: --no-model (with_model=False) releases the data without it."
_MARK = "-RED-not-to-be-handed-on"


@dataclass(frozen=True)
class Release:
    """A release on disk.

    Parameters
    ----------
    folder : pathlib.Path
    card : dict
        What ``card.json`` holds.
    """

    folder: Path
    card: dict


def make_release(
    folder: str | Path,
    *,
    train: Dataset,
    holdout: Dataset,
    synthesizer: "Synthesizer",
    synthetic: Dataset,
    report: "Report",
    split: "Split | None" = None,
    cost: "Cost | None" = None,
    drawn_again: int | None = None,
    kept_rules: bool = False,
    with_model: bool = True,
    raw: str | Path | None = None,
    creator: str | None = None,
    force: bool = False,
    force_red: bool = False,
) -> Release:
    """Write a release, all or nothing: a stop on the way leaves the folder as it was.

    Parameters
    ----------
    folder : path
        Missing, empty, or an earlier release, which is replaced.
    train, holdout : Dataset
        What the synthesizer saw, and what it never saw.
    synthesizer : Synthesizer
        Fitted on `train`.
    synthetic : Dataset
        What it made.
    report : Report
        Of ``compare(train, synthetic, holdout=holdout)``.
    split : Split, optional
        How train and holdout were told apart.
    cost : Cost, optional
        What the fit took.
    drawn_again : int, optional
        Pictures that lay too near to a person learned from, and were drawn again.
    kept_rules : bool
        Whether records that break a rule between columns were drawn again.
    with_model : bool
        Whether the model is handed on, too. Who has it can ask it about people: the report says what it tells.
    raw : path, optional
        File that `train` and `holdout` were read from; its checksum goes onto the card. Without
        it, that of the two tables does.
    creator : str, optional
        Person or organisation that makes the release, to be named in its metadata.
    force : bool
        Write into a folder that holds other things. These stay.
    force_red : bool
        Write it although its privacy is red, marked as such: in the name of its folder, on its card and in the first
        line of its report.

    Returns
    -------
    Release

    Raises
    ------
    ShdError
        Where no licence is known, the folder holds other things, privacy is red, or one of the tables tells of
        single people: a column that identifies them, or what few of them have.
    ShdWorkError
        Where the disk refuses it.
    """
    red = _is_red(report)
    if red and not force_red:
        raise ShdError(RED_REFUSED + why_red(report))
    folder = marked(folder) if red else Path(folder)
    check_folder(folder, force)
    check_licence(train)
    done = check_safe(train, holdout, synthesizer, synthetic)
    described = describe(
        train=train,
        holdout=holdout,
        synthesizer=synthesizer,
        synthetic=synthetic,
        report=report,
        split=asdict(split) if split else None,
        cost=asdict(cost) if cost else None,
        drawn_again=drawn_again,
        kept_rules=kept_rules,
        with_model=with_model,
        raw=None if raw is None else Path(raw),
        creator=creator,
        done=done,
        mark=RED if red else None,
    )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent) as part:
            made = Path(part, "release")
            made.mkdir()
            _write(made, described, synthesizer if with_model else None, synthetic, report)
            _put(made, folder)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ShdWorkError(f"{folder}: the release cannot be written ({reason}). Free space or name another.") from None
    return Release(folder, described)


def verify_release(folder: str | Path) -> Release:
    """Compute every checksum of a release again.

    Returns
    -------
    Release

    Raises
    ------
    ShdError
        Where the folder is no release.
    ShdWorkError
        Where a file is missing or is not the one that was released, or the card is not whole.
    """
    folder = Path(folder)
    if not is_release(folder):
        raise ShdError(f"{folder}: not a release of shd. Give a folder with {SUMS} and card.json.")
    listed = checksums(folder)
    kind = "images" if "synthetic.zip" in listed else "table"
    newer = [name for name in (*_SINCE, SCHEMA) if (folder / name).exists()]  # what is there, must be listed
    for name in sorted({*_FIRST, *_DATA[kind], *newer, *listed}):
        if name not in listed or Path(name).name != name:
            raise ShdWorkError(f"{folder / name}: not as it should be in {SUMS}. Get the release again.")
        if not (folder / name).is_file():
            raise ShdWorkError(f"{folder / name}: missing. Get the release again.")
        if sha256(folder / name) != listed[name]:
            raise ShdWorkError(f"{folder / name}: changed since it was released. Get the release again.")
    card = json.loads(_read(folder / "card.json"))
    lacking = [name for name in NEEDED if name not in card]
    if lacking:
        raise ShdWorkError(f"{folder / 'card.json'}: lacks {describe_columns(lacking)}. Get the release again.")
    if has_model(card) and MODEL not in listed:
        raise ShdWorkError(f"{folder / MODEL}: missing. Get the release again.")
    return Release(folder, card)


def described_files(synthetic: Dataset, with_model: bool = True) -> tuple[str, ...]:
    """Return the names of the files whose sizes and checksums stand on the card."""
    model = (MODEL,) if with_model else ()
    return (*model, "report.html", *_DATA["table" if synthetic.images is None else "images"])


def checksums(folder: Path) -> dict[str, str]:
    """Return the checksum of each file of a release, as they are listed."""
    lines = _read(folder / SUMS).splitlines()
    return dict(reversed(line.split("  ", 1)) for line in lines if "  " in line)


def is_release(folder: Path) -> bool:
    """Whether a folder looks like a release, whole or not."""
    if not (folder / "card.json").is_file() or not (folder / SUMS).is_file():
        return False
    try:
        return json.loads((folder / "card.json").read_text(encoding="utf-8")).get("format") == FORMAT
    except (OSError, ValueError, AttributeError):
        return False


def check_folder(folder: str | Path, force: bool = False) -> None:
    """Raise `ShdError` where a release cannot be written without touching what is somebody else's."""
    folder = Path(folder)
    if folder.is_file():
        raise ShdError(f"{folder}: a file. Name a folder for the release.")
    if force or not folder.is_dir():
        return
    others = [path.name for path in folder.iterdir() if path.name not in _OURS]
    if others or (any(folder.iterdir()) and not is_release(folder)):
        held = f"holds {sorted(others)[0]!r}" if others else "holds files that are no release"
        raise ShdError(f"{folder}: {held}. Name an empty folder, or write into it with --force (force=True).")


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


def marked(folder: str | Path) -> Path:
    """Return the name of the folder of a release whose privacy is red."""
    folder = Path(folder)
    return folder if folder.name.endswith(_MARK) else folder.with_name(folder.name + _MARK)


def check_safe(train: Dataset, holdout: Dataset, synthesizer: "Synthesizer", synthetic: Dataset) -> "Done":
    """Raise `ShdError` where a table or a model tells of single people; return what was taken out of train before.

    What `shd.releases.generate.generate` returns passes. Others are protected first: ``synthesizer.protection_.apply(train)``.
    """
    from shd.synthesizers._protect import Protection, people_of

    least = synthesizer.least_people(train)
    again = Protection.fit(train, least)
    done = (getattr(synthesizer, "protection_", None) or again).done
    made_up = set(done.made_up)
    strangers = [name for name in synthetic.frame if name not in train.frame and str(name) not in made_up]
    if strangers:
        raise ShdError(f"synthetic has {describe_columns(strangers)}, which train has not; drop it before the release.")
    for what, side in (("train", train), ("holdout", holdout)):
        if not again.apply(side).frame.equals(side.frame):
            raise ShdError(
                f"{what} tells of fewer than {least} people: compare and release what is left of it, "
                f"synthesizer.protection_.apply({what})."
            )
    drawn = synthetic.frame.drop(columns=[name for name in synthetic.frame if str(name) in made_up])
    found = [one for one in identify(drawn, people_of(synthetic)) if one.column not in train.keep]
    if found:
        raise ShdError(
            f"synthetic identifies people: column {found[0].column!r} ({found[0].kind}); drop it before the release."
        )
    if getattr(synthesizer, "privacy_", None) is not None:
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


def _write(folder: Path, card: dict, synthesizer: "Synthesizer | None", synthetic: Dataset, report: "Report") -> None:
    kind = "table" if synthetic.images is None else "images"
    if synthetic.images is None:
        frame = synthetic.frame.rename(columns=str)
        frame.to_parquet(folder / "synthetic.parquet", compression="zstd", index=False)
        text, schema = write_csv(frame)
        _save_text(folder / SCHEMA, as_json(schema.to_dict()))
        (folder / "synthetic.csv.gz").write_bytes(gzip.compress(text, mtime=0))  # no time in it: same rows, same bytes
    else:
        write_pictures(folder / "synthetic.zip", synthetic)
    if synthesizer is not None:
        synthesizer.for_release().save(folder / MODEL)
    save_report(report, folder / "report.html")
    card["files"] = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)}
        for name in described_files(synthetic, synthesizer is not None)
    }
    _save_text(folder / "card.json", as_json(card))
    _save_text(folder / "card.html", page(card))
    _save_text(folder / "croissant.json", as_json(croissant(card)))
    _save_text(folder / "README.md", readme(card))
    files = (name for name in (TABLE_FILES if kind == "table" else IMAGE_FILES) if (folder / name).exists())
    _save_text(folder / SUMS, "".join(f"{sha256(folder / name)}  {name}\n" for name in files))


def save_report(report: "Report", path: Path) -> None:
    """Write the report of a release: it is handed on, without real people's pictures, and marked where it is red."""
    report.without_persons().save(path)
    if _is_red(report):
        text = path.read_text(encoding="utf-8")
        at = text.index(">", text.index("<body")) + 1 if "<body" in text else 0
        _save_text(path, f'{text[:at]}\n<p class="shd-banner" role="note"><b>{RED}</b></p>{text[at:]}')


def _is_red(report: "Report") -> bool:
    return report.to_dict()["verdicts"].get("privacy") == "red"


def as_json(content: dict) -> str:
    """Return plain values as the text of a file of a release."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _save_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _put(made: Path, folder: Path) -> None:
    """Move a finished folder into place in one step, or into a folder of other things file by file."""
    if folder.is_dir() and any(path.name not in _OURS for path in folder.iterdir()):
        for path in sorted(made.iterdir()):
            path.replace(folder / path.name)
        return
    swap(made, folder)


def swap(made: Path, folder: Path) -> None:
    """Put a finished folder into the place of another one, in one step; a failure leaves the other as it was."""
    before = made.with_name("before")
    if folder.is_dir():
        folder.replace(before)
    try:
        made.replace(folder)
    except BaseException:
        if before.is_dir():
            before.replace(folder)
        raise
    shutil.rmtree(before, ignore_errors=True)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ShdWorkError(f"{path}: cannot be read ({type(error).__name__}). Get the release again.") from None


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
