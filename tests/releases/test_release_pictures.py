import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from faker import Faker

from shd._errors import ShdError, ShdWarning, ShdWorkError
from shd.dataset import DataCard, Dataset
from shd.datasets._pictures import as_stored, read_pictures
from shd.releases.card import MODEL
from shd.releases.release import IMAGE_FILES, SUMS, make_release, open_release
from shd.releases.verify import verify
from shd.synthesizers import SliceGaussian, load_synthesizer

pytestmark = pytest.mark.filterwarnings("ignore::shd.ShdWarning")  # few pictures, and meant to be


@pytest.fixture
def report(stub_report):
    """A report that shows real people until they are taken out."""

    class OfPictures(stub_report):
        shows_people = True

        def without_persons(self):
            quiet = type(self)()
            quiet.shows_people = False
            return quiet

        def save(self, path):
            path.write_text("<html>real people</html>" if self.shows_people else "<html></html>")

    return OfPictures()


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"class": pd.Categorical(["a", "b"] * 60), "slice": np.arange(120) % 3})
    images = rng.integers(0, 255, (120, 16, 16)).astype(np.uint8)
    about = {"card": DataCard(title="Scans", licence="CC0 1.0"), "name": "scans"}
    data = Dataset(frame, target="class", subjects=np.arange(120) // 3, images=images, **about)
    train, holdout = data.split(0.2, 0)
    model = SliceGaussian(components=3).fit(train)
    return {"train": train, "holdout": holdout, "synthesizer": model, "synthetic": model.sample(12)}


def test_a_release_of_pictures_holds_a_zip_of_them_and_no_real_person(pictures, report, tmp_path):
    release = make_release(tmp_path / "out", **pictures, report=report, drawn_again=7)
    assert sorted(p.name for p in release.folder.iterdir()) == sorted([*IMAGE_FILES, SUMS])
    assert open_release(release.folder).card["data"]["pixels"] == [16, 16]
    assert release.card["title"] == "Synthetic pictures after: Scans"
    index, images = read_pictures(release.folder / "synthetic.zip")
    assert index["class"].tolist() == pictures["synthetic"].frame["class"].tolist()
    assert np.array_equal(images, as_stored(pictures["synthetic"].images))
    assert "real people" not in (release.folder / "report.html").read_text()
    page = (release.folder / "README.md").read_text()
    assert "12 synthetic pictures of 16 x 16 pixels" in page and "7 pictures were drawn again" in page
    assert load_synthesizer(release.folder / "model.safetensors").sample(3).images.shape == (3, 16, 16)
    (release.folder / "synthetic.zip").unlink()
    with pytest.raises(ShdWorkError, match="missing"):
        open_release(release.folder)


def test_other_pictures_give_another_checksum(pictures, report, tmp_path):
    sums = set()
    for light in (0, 1):
        train = replace(pictures["train"], images=pictures["train"].images // (1 + light))
        release = make_release(tmp_path / str(light), **{**pictures, "train": train}, report=report)
        sums.add(release.card["made_from"]["sha256"])
    assert len(sums) == 2


def test_names_in_file_names_and_beside_pictures_leave_with_nothing(pictures, report, tmp_path):
    faker = Faker("de_DE")
    faker.seed_instance(0)
    whole = pictures["train"]
    who = np.unique(whole.subjects, return_inverse=True)[1]
    names = [f"{faker.last_name()}_{faker.first_name()}" for _ in range(who.max() + 1)]
    files = [f"scans/{names[person]}_{1940 + person}-03-01_{row % 3}.png" for row, person in enumerate(who)]
    frame = whole.frame.assign(file=files, patient_name=[names[person] for person in who])
    train = replace(whole, frame=frame, subjects=np.array(names)[who])
    with pytest.warns(ShdWarning, match=r"'file' \(file name\), 'patient_name' \(name\)"):
        model = SliceGaussian(components=3).fit(train)
    sides = {"train": model.protection_.apply(train), "synthesizer": model, "synthetic": model.sample(12)}
    folder = make_release(tmp_path / "out", **{**pictures, **sides}, report=report).folder
    with zipfile.ZipFile(folder / "synthetic.zip") as archive:
        parts = [archive.read(name) + name.encode() for name in archive.namelist()]
    content = b"".join([*(path.read_bytes() for path in folder.iterdir()), *parts]).decode("latin-1")
    assert [name for name in names if name in content or name.split("_")[0] in content] == []
    assert "'file', 'patient_name'" in (folder / "README.md").read_text()
    with pytest.raises(ShdError, match="'ward': pictures are learned by class and slice alone"):
        SliceGaussian().fit(replace(train, frame=frame.assign(ward="a")))


def test_pictures_are_released_without_their_model(pictures, report, tmp_path):
    release = make_release(tmp_path / "out", **pictures, report=report, with_model=False)
    assert sorted(p.name for p in release.folder.iterdir()) == sorted({*IMAGE_FILES, SUMS} - {MODEL})
    assert "model was not handed on" in (release.folder / "README.md").read_text()
    page = (release.folder / "card.html").read_text()
    assert "model was not handed on" in page and "load_synthesizer" not in page
    found = verify(open_release(release.folder))
    assert found.holds
    whole = make_release(tmp_path / "whole", **pictures, report=report)
    (whole.folder / MODEL).unlink()  # a release that has one does not do without
    sums = (whole.folder / SUMS).read_text().splitlines(keepends=True)
    (whole.folder / SUMS).write_text("".join(line for line in sums if MODEL not in line))
    with pytest.raises(ShdWorkError, match=r"model.safetensors: missing"):
        open_release(whole.folder)
