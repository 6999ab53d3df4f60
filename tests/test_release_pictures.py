from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdWorkError
from shd.dataset import DataCard, Dataset
from shd.datasets._pictures import as_stored, read_pictures
from shd.release import IMAGE_FILES, SUMS, make_release, verify_release
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
    assert verify_release(release.folder).card["data"]["pixels"] == [16, 16]
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
        verify_release(release.folder)


def test_other_pictures_give_another_checksum(pictures, report, tmp_path):
    sums = set()
    for light in (0, 1):
        train = replace(pictures["train"], images=pictures["train"].images // (1 + light))
        release = make_release(tmp_path / str(light), **{**pictures, "train": train}, report=report)
        sums.add(release.card["made_from"]["sha256"])
    assert len(sums) == 2
