import gzip
import hashlib
import json
from types import SimpleNamespace

import pytest

from shd._errors import ShdWorkError
from shd.dataset import DataCard, Dataset
from shd.releases import make_release, open_release, original_of, verify
from shd.releases.card_page import as_json, pages_of_card
from shd.releases.release import SCHEMA, SUMS
from shd.releases.verify import _check_words
from shd.releases.verify_files import check_files, check_pages
from shd.synthesizers import Marginals

pytestmark = pytest.mark.filterwarnings("ignore::shd.ShdWarning")  # sixty rows are few, and meant to be
FINDING = {"code": "SHD006", "title": "Few", "level": "warning", "sentence": "12 records.", "todo": "Give more."}


@pytest.fixture
def report(stub_report):
    return stub_report(findings=[FINDING])


@pytest.fixture
def release(table, report, tmp_path):
    card = DataCard(title="Stays", licence="CC0 1.0")
    train, holdout = Dataset.from_frame(table, target="sick", subject="patient", name="stays", card=card).split(0.2, 0)
    model = Marginals(random_state=0).fit(train)
    synthetic = Dataset(model.sample(30), target="sick", source="synthetic", name="stays")
    train, holdout = map(model.protection_.apply, (train, holdout))
    pieces = {"train": train, "holdout": holdout, "synthesizer": model, "synthetic": synthetic}
    make_release(tmp_path / "out", **pieces, report=report)
    return open_release(tmp_path / "out")


def signed(release, *names, **parts):
    """Return a release with another card, in which files that were changed stand with their new checksums."""
    card = {**release.card, **parts}
    for name in names:
        content = (release.folder / name).read_bytes()
        card["files"][name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (release.folder / "card.json").write_text(as_json(card), encoding="utf-8")
    names = [line.split("  ")[1] for line in (release.folder / SUMS).read_text().splitlines()]
    sums = [f"{hashlib.sha256((release.folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (release.folder / SUMS).write_text("".join(sums))
    return open_release(release.folder)


def wrong(claims) -> list[str]:
    return [claim.what for claim in claims if claim.agrees == "no"]


def files(release) -> list[str]:
    return wrong(check_files(release, release.read_data()))


# Files -------------------------------------------------------------------------------------------


def test_a_csv_of_other_records_is_found(release):
    assert files(release) == []
    path = release.folder / "synthetic.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    path.write_bytes(gzip.compress("".join([*lines[:-1], lines[1]]).encode()))  # the last record is the first again
    assert files(signed(release, "synthetic.csv.gz")) == ["records of the CSV"]
    path.write_text("sex,age")  # no gzip at all
    assert files(signed(release, "synthetic.csv.gz")) == ["records of the CSV"]


def test_a_csv_of_an_earlier_version_says_why_it_is_not_read(release):
    (release.folder / SCHEMA).unlink()
    (claim,) = [claim for claim in check_files(release, release.read_data()) if claim.what == "records of the CSV"]
    assert (claim.agrees, claim.where) == ("not sure", "made before there was a schema beside it")


def test_a_card_that_names_no_files_or_a_file_too_many_is_found(release):
    assert files(signed(release, files={})) == ["files of the card"]
    more = {**release.card["files"], "more.csv": {"bytes": 1, "sha256": "0" * 64}}
    assert files(signed(release, files=more)) == ["files of the card"]
    size = {**release.card["files"]["report.html"], "bytes": 1}
    assert files(signed(release, files={**release.card["files"], "report.html": size})) == ["files of the card"]


def test_other_files_are_counted_and_the_first_are_named(release):
    (release.folder / ".DS_Store").touch()  # the system puts it there
    assert verify(release).holds
    for name in "abcdef":
        (release.folder / f"{name}.csv").touch()
    (claim,) = [claim for claim in verify(release).claims if claim.agrees == "no"]
    assert (claim.what, claim.found, claim.where) == ("other files", "6", "a.csv, b.csv, c.csv, d.csv, e.csv ...")


def test_records_that_are_no_parquet_are_said_in_one_line(release):
    (release.folder / "synthetic.parquet").write_text("sex,age")
    with pytest.raises(ShdWorkError, match=r"synthetic.parquet: not a Parquet file. Get the release again."):
        verify(signed(release, "synthetic.parquet"))


BROKEN = [{"data": {}}, {"scores": [{}]}, {"verdicts": []}, {"environment": {}}, {"made_from": "stays"}]


@pytest.mark.parametrize("parts", BROKEN)
def test_a_card_that_is_not_as_shd_writes_it_is_said_in_one_line(release, parts):
    release = signed(release, **parts)
    for look in (verify, original_of):
        with pytest.raises(ShdWorkError, match=r"card.json: not as shd writes it. Get the release again."):
            look(release)


# Pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["card.html", "croissant.json", "README.md"])
def test_a_page_that_says_something_else_is_found(release, name):
    (release.folder / name).write_text("Approved by the ethics board.")
    found = verify(signed(release))
    assert not found.holds and wrong(found.claims) == [name]


def test_a_page_of_another_version_that_says_something_else_is_a_note(release):
    about = {**release.card["environment"], "commit": "of another day"}
    other = signed(release, environment=about)
    for name, text in pages_of_card(other.card).items():
        (release.folder / name).write_text(text, encoding="utf-8")
    (release.folder / "card.html").write_text("In other words.")
    found = verify(signed(other))
    marks = {claim.what: claim.agrees for claim in found.claims}
    assert found.holds and "card.html" not in marks and marks["README.md"] == "yes"
    assert found.notes[-1].endswith("another version of shd made it: card.html")


@pytest.mark.parametrize(
    ("name", "told"), [("risk", {"notice": "Perfectly anonymous."}), ("use", {"may": ["Anything at all."]})]
)
def test_risk_and_use_that_do_not_follow_from_the_scores_are_found(release, name, told):
    forged = signed(release, **{name: {**release.card[name], **told}})
    assert name in wrong(check_pages(forged, {}))


def test_a_card_of_an_earlier_version_tells_no_risk(release):
    del release.card["risk"]
    assert wrong(check_pages(release, {})) == []


# Words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "parts"),
    [
        ("method checks", {"checks": []}),
        ("method checks", {"checks": [{**FINDING, "sentence": "13 records."}]}),
        ("summary", {"summary": ["all green"]}),
    ],
)
def test_words_that_the_report_does_not_say_are_found(release, report, what, parts):
    assert wrong(_check_words(release, report)) == []
    assert wrong(_check_words(SimpleNamespace(card={**release.card, **parts}, folder=release.folder), report)) == [what]


def rescored(release, **parts):
    """Return a release whose last score says something else."""
    *others, last = release.card["scores"]
    return SimpleNamespace(card={**release.card, "scores": [*others, {**last, **parts}]}, folder=release.folder)


def test_words_are_compared_where_the_scores_have_the_same_digits(release, report):
    value = release.card["scores"][-1]["value"]
    assert release.card["scores"][-1]["sentence"] == "1 of 30."
    assert wrong(_check_words(rescored(release, sentence="0 of 30."), report)) == ["sentences of scores"]
    rounded = rescored(release, sentence="0 of 30.", value=value * 1.00001)  # on another processor
    assert list(_check_words(rounded, report)) == []


def test_another_page_of_the_report_is_found(release, report):
    (release.folder / "report.html").write_text("<h1>All green</h1>")
    assert wrong(_check_words(release, report)) == ["report.html"]


def test_a_card_of_an_earlier_version_tells_no_checks(release, report):
    card = json.loads(as_json({**release.card, "checks": None}))
    assert wrong(_check_words(SimpleNamespace(card=card, folder=release.folder), report)) == []
