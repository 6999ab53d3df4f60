"""Whether the files of a release are those of its card, and its pages say what the card says."""

from collections.abc import Iterator
from pathlib import Path

from shd._errors import ShdError, ShdWorkError
from shd.dataset import Dataset
from shd.releases.card import has_model, risk_of, sha256, use_of
from shd.releases.card_page import BROKEN_CARD, complete_card, pages_of_card
from shd.releases.claims import UNSURE, YES, Claim, agree_if
from shd.releases.release import IMAGE_FILES, SCHEMA, SUMS, TABLE_FILES, Release, checksums, described_files
from shd.tables.reading import read_table
from shd.tables.schema import same_records

_NAMED = 5  # files
_OF_THE_SYSTEM = {".DS_Store", ".gitattributes", ".gitignore", ".gitkeep"}  # may lie beside the files of a release


def made_pages(release: Release) -> dict[str, str]:
    """Return the pages of a card; `ShdWorkError` where it is not as shd writes it: they take all that it must hold."""
    try:
        return pages_of_card(release.card)
    except BROKEN_CARD:
        raise ShdWorkError(f"{release.folder / 'card.json'}: not as shd writes it. Get the release again.") from None


def check_files(release: Release, synthetic: Dataset) -> Iterator[Claim]:
    """Whether checksums, files, records and columns are those of the card."""
    verified = f"{len(checksums(release.folder))}"
    yield Claim("checksums", verified, verified, YES)  # else there were no release
    files, data = release.card["files"], release.card["data"]
    expected = described_files(synthetic, has_model(release.card))
    same = [name for name in expected if name in files and _as_described(release.folder / name, files[name])]
    yield Claim(
        "files of the card", f"{len(files)}", f"{len(same)}", agree_if(set(same) == set(expected) == set(files))
    )
    records = data["records"], len(synthetic)
    yield Claim("records", *(f"{count:,}" for count in records), agree_if(records[0] == records[1]))
    names = [column["name"] for column in data["columns"]], [str(name) for name in synthetic.frame]
    yield Claim("columns", *(f"{len(side)}" for side in names), agree_if(names[0] == names[1]))
    if synthetic.images is None:
        yield _check_csv(release.folder, synthetic)


def _as_described(path: Path, file: dict) -> bool:
    return path.stat().st_size == file["bytes"] and sha256(path) == file["sha256"]


def check_other_files(release: Release, synthetic: Dataset) -> Claim:
    """Whether nothing else lies in the folder: it would be handed on, too."""
    ours = {SUMS, *(TABLE_FILES if synthetic.images is None else IMAGE_FILES)}
    there = (path.name for path in release.folder.iterdir())
    others = sorted(name for name in there if name not in ours | _OF_THE_SYSTEM)
    where = ", ".join(others[:_NAMED]) + (" ..." if len(others) > _NAMED else "")
    return Claim("other files", "0", f"{len(others)}", agree_if(not others), where)


def _check_csv(folder: Path, synthetic: Dataset) -> Claim:
    """Whether the CSV, as its schema says to read it, holds the very records of the Parquet."""
    what = "records of the CSV", "those of the Parquet"
    if not (folder / SCHEMA).is_file():
        return Claim(*what, "not read", UNSURE, "made before there was a schema beside it")
    try:
        same = same_records(read_table(folder / "synthetic.csv.gz"), synthetic.frame)
    except ShdError:
        same = False
    return Claim(*what, "the same" if same else "others", agree_if(same))


def check_pages(release: Release, pages: dict[str, str]) -> Iterator[Claim]:
    """Whether risk and use follow from the rest of the card, and the pages say what it says."""
    card = complete_card(release.card)
    for name, found in (("risk", risk_of(card["scores"], card["verdicts"])), ("use", use_of(card))):
        yield derived_claim(name, "from the scores", card[name] == found, "told otherwise")
    for name, text in pages.items():
        if (release.folder / name).is_file():  # else of an earlier version
            yield derived_claim(
                name, "made from the card", (release.folder / name).read_bytes() == text.encode(), "other words"
            )


def derived_claim(what: str, claimed: str, same: bool, otherwise: str) -> Claim:
    """Return the claim that something follows from something else."""
    return Claim(what, claimed, "so it is" if same else otherwise, agree_if(same))
