"""A release: one folder with synthetic data, the model, its report, its card and checksums."""

import gzip
import json
import shutil
import tempfile
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shd._errors import ShdError, ShdWorkError
from shd.dataset import Dataset, describe_columns
from shd.datasets._pictures import read_pictures, write_pictures
from shd.releases.card import FORMAT, MODEL, NEEDED, describe, has_model, sha256
from shd.releases.card_page import as_json, pages_of_card
from shd.releases.generate import Generated
from shd.releases.refusals import (
    RED_REFUSED,
    check_kind,
    check_licence,
    check_safe,
    folder_marked_red,
    is_red,
    mark_of,
    why_red,
)
from shd.tables.reading import read_table
from shd.tables.schema import write_csv

if TYPE_CHECKING:
    from shd.compare import Report
    from shd.synthesizers import Synthesizer

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


@dataclass(frozen=True)
class Release:
    """A release on disk."""

    folder: Path
    card: dict

    @property
    def keeps_rules(self) -> bool:
        """Whether its records were made to keep rules between columns, as the card says."""
        return (self.card["synthesizer"].get("rules") or {}).get("kept", False)

    def load_model(self) -> "Synthesizer | None":
        """Load the model; None where it was not handed on."""
        from shd.synthesizers import load_synthesizer

        return load_synthesizer(self.folder / MODEL) if has_model(self.card) else None

    def read_data(self) -> Dataset:
        """Read the synthetic data, with the roles that the card gives the columns."""
        columns = self.card["data"]["columns"]
        roles = {
            "target": self.card["data"]["target"],
            "sensitive": [column["name"] for column in columns if column["role"] == "sensitive"],
            "name": self.card["made_from"]["name"],
            "source": "synthetic",
        }
        if (self.folder / "synthetic.zip").is_file():
            frame, images = read_pictures(self.folder / "synthetic.zip")
            return Dataset(frame.filter([column["name"] for column in columns]), images=images, **roles)
        counts = [column["name"] for column in columns if column["kind"] == "count"]
        path = self.folder / "synthetic.parquet"
        try:
            return Dataset(read_table(path), counts=counts, **roles)
        except ShdError:
            raise ShdWorkError(f"{path}: not a Parquet file. Get the release again.") from None


def make_release(
    folder: str | Path,
    *,
    raw: str | Path | None = None,  # the file of the original, for its checksum; else that of the rows is taken
    creator: str | None = None,  # who makes the release, for its metadata
    force: bool = False,  # write into a folder that holds other things; these stay
    force_red: bool = False,  # write it although its privacy is red, marked as such
    **made,
) -> Release:
    """Write a release, all or nothing: a stop on the way leaves the folder as it was.

    It takes what `generate` gives: ``make_release(folder, **vars(made))``. `ShdError` where no licence is known, the
    folder holds other things, privacy is red, or a table tells of single people: a column that identifies them, or what
    few of them have. A kind of release that holds real values is red by nature.
    """
    made = Generated(**made)
    check_kind(made.synthetic.kind, force_red)
    if is_red(made.report) and not force_red:
        raise ShdError(RED_REFUSED + why_red(made.report))
    mark = mark_of(made.report, made.synthetic)
    folder = folder_marked_red(folder) if mark else Path(folder)
    check_folder(folder, force)
    check_licence(made.train)
    done = check_safe(made.train, made.holdout, made.synthesizer, made.synthetic)
    raw = None if raw is None else Path(raw)
    described = describe(made, raw=raw, creator=creator, done=done, mark=mark)
    with all_or_nothing(folder, "the release") as part:
        _write(part, described, made)
    return Release(folder, described)


def open_release(folder: str | Path) -> Release:
    """Open a release whose files are, by their checksums, those that were released."""
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


def _write(folder: Path, card: dict, made: Generated) -> None:
    synthetic = made.synthetic
    kind = "table" if synthetic.images is None else "images"
    if synthetic.images is None:
        frame = synthetic.frame.rename(columns=str)
        frame.to_parquet(folder / "synthetic.parquet", compression="zstd", index=False)
        text, schema = write_csv(frame)
        save_text(folder / SCHEMA, as_json(schema.to_dict()))
        (folder / "synthetic.csv.gz").write_bytes(gzip.compress(text, mtime=0))  # no time in it: same rows, same bytes
    else:
        write_pictures(folder / "synthetic.zip", synthetic)
    if made.with_model:
        made.synthesizer.for_release().save(folder / MODEL)
    save_report(made.report, folder / "report.html", card.get("mark"))
    card["files"] = {
        name: {"bytes": (folder / name).stat().st_size, "sha256": sha256(folder / name)}
        for name in described_files(synthetic, made.with_model)
    }
    save_text(folder / "card.json", as_json(card))
    for name, text in pages_of_card(card).items():
        save_text(folder / name, text)
    files = (name for name in (TABLE_FILES if kind == "table" else IMAGE_FILES) if (folder / name).exists())
    save_text(folder / SUMS, "".join(f"{sha256(folder / name)}  {name}\n" for name in files))


def save_report(report: "Report", path: Path, mark: str | None = None) -> None:
    """Write the report of a release: it is handed on, without real people's pictures, and with the mark of the card."""
    report.without_persons().save(path)
    if mark:
        text = path.read_text(encoding="utf-8")
        at = text.index(">", text.index("<body")) + 1 if "<body" in text else 0
        save_text(path, f'{text[:at]}\n<p class="shd-banner" role="note"><b>{mark}</b></p>{text[at:]}')


def save_text(path: Path, text: str) -> None:
    """Write a file that is the same on every system."""
    path.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def all_or_nothing(folder: Path, what: str, ours: Set[str] = frozenset(_OURS)) -> Iterator[Path]:
    """Give a folder to write into; when all is written it takes the place of `folder`, or what is in it goes there.

    It goes there file by file where others than `ours` lie there, which stay. `ShdWorkError` where the disk refuses.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent) as part:
            made = Path(part, "made")
            made.mkdir()
            yield made
            if folder.is_dir() and any(path.name not in ours for path in folder.iterdir()):
                for path in sorted(made.iterdir()):
                    path.replace(folder / path.name)
            else:
                _swap(made, folder)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ShdWorkError(f"{folder}: {what} cannot be written ({reason}). Free space or name another.") from None


def _swap(made: Path, folder: Path) -> None:
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
