import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.datasets._pictures import as_stored, decode, read_pictures, write_pictures


@pytest.fixture
def data():
    """Six smooth pictures of three people, in two classes."""
    ramp = np.add.outer(np.arange(24), np.arange(32))
    images = np.stack([(ramp * (2 + row) // 3).astype(np.uint8) for row in range(6)])
    frame = pd.DataFrame(
        {"class": ["very mild", "mild", "very mild", "mild", "mild", "mild"], "slice": [0, 0, 1, 1, 0, 1]}
    )
    return Dataset(frame, target="class", subjects=["a", "b", "a", "b", "c", "c"], images=images, name="tiny")


def saved(image, kind="JPEG", **options) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, kind, **options)
    return content.getvalue()


def rewritten(path, change):
    """Write a zip again, with its content (name to bytes) changed."""
    with zipfile.ZipFile(path) as archive:
        content = {name: archive.read(name) for name in archive.namelist()}
    change(content)
    with zipfile.ZipFile(path, "w") as archive:
        for name, part in content.items():
            archive.writestr(name, part)
    return path


def test_what_is_written_is_what_as_stored_says(data, tmp_path):
    index, images = read_pictures(write_pictures(tmp_path / "new" / "some.zip", data))
    assert list(index) == ["class", "slice", "subject"]
    pd.testing.assert_frame_equal(index[["class", "slice"]], data.frame)
    assert index["subject"].tolist() == data.subjects.tolist()
    assert images.dtype == np.uint8
    assert np.array_equal(images, as_stored(data.images))
    assert 0 < np.abs(images.astype(int) - data.images).max() <= 3


def test_the_zip_holds_a_folder_a_class_and_an_index(data, tmp_path):
    with zipfile.ZipFile(write_pictures(tmp_path / "some.zip", data)) as archive:
        names = archive.namelist()
        index = archive.read("index.csv").decode().splitlines()
        table = Image.open(io.BytesIO(archive.read("mild/0001.jpg"))).quantization[0]
    files = ["very-mild/0001.jpg", "mild/0001.jpg", "very-mild/0002.jpg", "mild/0002.jpg", "mild/0003.jpg"]
    assert names == ["index.csv", *files, "mild/0004.jpg"]
    assert index[:2] == ["file,class,slice,subject", "very-mild/0001.jpg,very mild,0,a"]
    assert list(table[:8]) == [3, 2, 2, 3, 5, 8, 10, 12]  # as in the owner's files: quality 90


def test_the_same_dataset_gives_the_same_bytes(data, tmp_path):
    first = write_pictures(tmp_path / "first.zip", data).read_bytes()
    assert write_pictures(tmp_path / "second.zip", data).read_bytes() == first
    with zipfile.ZipFile(tmp_path / "first.zip") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_subjects_that_say_nothing_are_not_written(data, tmp_path):
    alone = Dataset(data.frame, target="class", images=data.images)
    index, _ = read_pictures(write_pictures(tmp_path / "some.zip", alone))
    assert list(index) == ["class", "slice"]


@pytest.mark.parametrize("lacks", [{"images": None}, {"target": None}])
def test_nothing_to_write(data, tmp_path, lacks):
    parts = {"target": "class", "images": data.images} | lacks
    with pytest.raises(ShdError, match="need a dataset with images and a target"):
        write_pictures(tmp_path / "some.zip", Dataset(data.frame, **parts))
    assert not list(tmp_path.iterdir())


def cut(content):
    content["mild/0002.jpg"] = content["mild/0002.jpg"][:-80]


def resize(content):
    content["mild/0002.jpg"] = saved(np.zeros((8, 8), dtype=np.uint8))


DAMAGES = {
    "no index": (lambda content: content.pop("index.csv"), "lacks index.csv"),
    "empty index": (lambda content: content.update({"index.csv": b""}), "index.csv cannot be read"),
    "index without rows": (lambda content: content.update({"index.csv": b"file,class\n"}), "names no files"),
    "index without files": (lambda content: content.update({"index.csv": b"class\nmild\n"}), "names no files"),
    "index not text": (lambda content: content.update({"index.csv": b"\xff\xfe\x00"}), "index.csv cannot be read"),
    "no image": (lambda content: content.pop("mild/0003.jpg"), "lacks the images 'mild/0003.jpg'"),
    "not an image": (lambda content: content.update({"mild/0001.jpg": b"x"}), "mild/0001.jpg: not an image"),
    "truncated image": (cut, "mild/0002.jpg: not an image, or a truncated one"),
    "another size": (resize, "differ in size .8 x 8 and 32 x 24"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_zips_are_refused_in_one_line(data, tmp_path, damage):
    change, says = DAMAGES[damage]
    path = rewritten(write_pictures(tmp_path / "some.zip", data), change)
    with pytest.raises(ShdError, match=says) as caught:
        read_pictures(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", None])
def test_what_is_no_zip_is_refused(data, tmp_path, content):
    path = tmp_path / "some.zip"
    if content is None:
        content = write_pictures(path, data).read_bytes()[:-30]
    path.write_bytes(content)
    with pytest.raises(ShdError, match="not a zip of pictures, or a broken one"):
        read_pictures(path)


def test_decode_makes_colour_grey_and_refuses_more_than_8_bits():
    grey = np.full((4, 4), 90, dtype=np.uint8)
    picture, coloured = decode(saved(grey), "a.jpg")
    assert (np.asarray(picture) == 90).all()
    assert not coloured
    picture, coloured = decode(saved(np.stack([grey] * 3, axis=2), "PNG"), "a.png")
    assert (np.asarray(picture) == 90).all()
    assert coloured
    with pytest.raises(ShdError, match=r"a.png: an image of kind I;16"):
        decode(saved(grey.astype(np.uint16), "PNG"), "a.png")


def test_what_was_read_is_written_as_the_same_files(tmp_path):
    """Whoever describes a release again must not change its pictures."""
    smooth = np.add.outer(np.arange(32), np.arange(32))[None] * np.arange(1, 5)[:, None, None]
    images = (smooth + np.random.default_rng(0).normal(0, 20, (4, 32, 32))).clip(0, 255).astype(np.uint8)
    frame = pd.DataFrame({"class": list("abab")})
    first = write_pictures(tmp_path / "first.zip", Dataset(frame, target="class", images=images))
    _, read = read_pictures(first)
    assert np.array_equal(read, as_stored(images)) and np.array_equal(read, as_stored(read))
    again = write_pictures(tmp_path / "again.zip", Dataset(frame, target="class", images=read))
    assert again.read_bytes() == first.read_bytes()
