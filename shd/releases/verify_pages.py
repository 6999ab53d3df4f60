"""Whether the files and the words of a release are those of its card."""

import gzip
import re
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import UndefinedError

from shd._errors import ShdError, ShdWorkError
from shd.dataset import Dataset
from shd.releases.card import has_model, readme, risk_of, use_of
from shd.releases.card_page import complete, page
from shd.releases.claims import YES, Claim, mark, same_number
from shd.releases.croissant import croissant
from shd.releases.release import (
    IMAGE_FILES,
    SCHEMA,
    SUMS,
    TABLE_FILES,
    Release,
    as_json,
    checksums,
    described_files,
    save_report,
    sha256,
)
from shd.tables.reading import read_table
from shd.tables.schema import same_records

if TYPE_CHECKING:
    from shd.compare import Report

_BROKEN_CARD = (KeyError, TypeError, ValueError, AttributeError, IndexError, UndefinedError)
_NUMBER = re.compile(r"\d(?:[\d,]*\d)?(?:\.\d+)?")
_OF_THE_MACHINE = "not on this machine"  # why a report judges less here than elsewhere, or more
_SHOWN = 5  # files named
_OF_THE_SYSTEM = {".DS_Store", ".gitattributes", ".gitignore", ".gitkeep"}  # may lie beside the files of a release


def made_pages(release: Release) -> dict[str, str]:
    """Return the pages and the metadata that shd makes of a card, by the names of their files.

    Raises
    ------
    ShdWorkError
        Where the card is not as shd writes it: the pages take all that it must hold.
    """
    try:
        card = complete(release.card)
        return {"card.html": page(card), "croissant.json": as_json(croissant(card)), "README.md": readme(card)}
    except _BROKEN_CARD:
        raise ShdWorkError(f"{release.folder / 'card.json'}: not as shd writes it. Get the release again.") from None


def of_files(release: Release, synthetic: Dataset) -> Iterator[Claim]:
    """Whether checksums, files, records and columns are those of the card."""
    verified = f"{len(checksums(release.folder))}"
    yield Claim("checksums", verified, verified, YES)  # else there were no release
    files, data = release.card["files"], release.card["data"]
    expected = described_files(synthetic, has_model(release.card))
    same = [name for name in expected if name in files and _as_described(release.folder / name, files[name])]
    yield Claim("files of the card", f"{len(files)}", f"{len(same)}", mark(set(same) == set(expected) == set(files)))
    records = data["records"], len(synthetic)
    yield Claim("records", *(f"{count:,}" for count in records), mark(records[0] == records[1]))
    names = [column["name"] for column in data["columns"]], [str(name) for name in synthetic.frame]
    yield Claim("columns", *(f"{len(side)}" for side in names), mark(names[0] == names[1]))
    if synthetic.images is None:
        same = _same_csv(release.folder, synthetic)
        yield Claim("records of the CSV", "those of the Parquet", "the same" if same else "others", mark(same))


def _as_described(path: Path, file: dict) -> bool:
    return path.stat().st_size == file["bytes"] and sha256(path) == file["sha256"]


def of_others(release: Release, synthetic: Dataset) -> Claim:
    """Whether nothing else lies in the folder: it would be handed on, too."""
    ours = {SUMS, *(TABLE_FILES if synthetic.images is None else IMAGE_FILES)}
    there = (path.name for path in release.folder.iterdir())
    others = sorted(name for name in there if name not in ours | _OF_THE_SYSTEM)
    where = ", ".join(others[:_SHOWN]) + (" ..." if len(others) > _SHOWN else "")
    return Claim("other files", "0", f"{len(others)}", mark(not others), where)


def _same_csv(folder: Path, synthetic: Dataset) -> bool:
    """Whether the CSV, as its schema says to read it, holds the very records of the Parquet."""
    path = folder / "synthetic.csv.gz"
    if (folder / SCHEMA).is_file():
        try:
            return same_records(read_table(path), synthetic.frame)
        except ShdError:
            return False
    try:  # of an earlier version: the very text that it wrote
        text = gzip.decompress(path.read_bytes()).decode()
    except (OSError, EOFError, UnicodeDecodeError, zlib.error):
        return False
    return text == synthetic.frame.to_csv(index=False, lineterminator="\n")


def of_pages(release: Release, pages: dict[str, str]) -> Iterator[Claim]:
    """Whether risk and use follow from the rest of the card, and the pages say what it says."""
    card = complete(release.card)
    follows = {
        "risk": (card["risk"], risk_of(card["scores"], card["verdicts"])),
        "use": (card["use"], use_of(card)),
    }
    for name, (claimed, found) in follows.items():
        same = claimed == found
        yield Claim(name, "from the scores", "so it is" if same else "told otherwise", mark(same))
    for name, text in pages.items():
        path = release.folder / name
        if not path.is_file():  # of an earlier version
            continue
        same = path.read_bytes() == text.encode()
        yield Claim(name, "made from the card", "so it is" if same else "other words", mark(same))


def of_words(release: Release, report: "Report") -> Iterator[Claim]:
    """Whether the card and the page of the report say what the report says that was measured again.

    Words are the same, and so are the numbers in them where all scores are the same to the last digit.
    """
    card, told = release.card, report.to_dict()
    found = {(score["question"], score["metric"]): score for score in told["scores"]}
    both = [(one, found[key]) for one in card["scores"] if (key := (one["question"], one["metric"])) in found]
    exact = len(both) == len(card["scores"]) == len(told["scores"]) and all(
        one["value"] == other["value"] for one, other in both
    )
    words = str if exact else _without_numbers
    alike = [(one, other) for one, other in both if exact or same_number(one["value"], other["value"])]
    same = sum(words(one["sentence"]) == words(other["sentence"]) for one, other in alike)
    yield Claim("sentences of scores", f"{len(alike)}", f"{same}", mark(same == len(alike)))
    for what, claimed, now in (
        ("method checks", card.get("checks"), told["findings"]),
        ("not judged", _of_any_machine(card["not_judged"]), _of_any_machine(told["skipped"])),
        ("summary", card["summary"], report.summary().splitlines()),
    ):
        if claimed is not None:  # releases of earlier versions know no checks
            same = [words(str(one)) for one in claimed] == [words(str(one)) for one in now]
            yield Claim(what, f"{len(claimed)}", f"{len(now)}", mark(same))
    if exact:  # other digits give other figures
        same = _page_of(report) == (release.folder / "report.html").read_bytes()
        yield Claim("report.html", "of these scores", "so it is" if same else "another page", mark(same))


def _without_numbers(text: str) -> str:
    return _NUMBER.sub("#", text)


def _of_any_machine(notes: list[dict]) -> list[dict]:
    return [note for note in notes if _OF_THE_MACHINE not in note["why"]]


def _page_of(report: "Report") -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "report.html")
        save_report(report, path)
        return path.read_bytes()
