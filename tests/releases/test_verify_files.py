import gzip
import hashlib

import pytest

from shd._errors import ShdWorkError
from shd.dataset import DataCard, Dataset
from shd.releases import make_release, open_release, original_of, verify
from shd.releases.card_page import as_json
from shd.releases.release import SCHEMA, SUMS
from shd.releases.verify import _check_files
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
    return wrong(_check_files(release, release.read_data()))


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
    (claim,) = [claim for claim in _check_files(release, release.read_data()) if claim.what == "records of the CSV"]
    assert (claim.agrees, claim.where) == ("not sure", "made before there was a schema beside it")


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
