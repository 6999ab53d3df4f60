import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from shd._errors import ShdError
from shd.datasets import alzheimers, list_datasets, load, verify
from shd.datasets._pictures import as_stored, decode, write_pictures
from shd.datasets._scans import _number

N_PEOPLE, N_SLICES = 3, 5  # of each class, in the tiny archives
FOLDERS = ["Non_Demented", "Very_Mild_Demented", "Mild_Demented", "Moderate_Demented"]
STEMS = ["non", "verymild", "mild", "moderate"]


def tiny_people() -> pd.DataFrame:
    """Three people a class with five slices each; numbers 1 to 3 are the last slice, as with the owner."""
    rows = [
        (level, f"{level[0]}{who}", at, who + 1 if at == N_SLICES - 1 else N_PEOPLE * (at + 1) + who + 1)
        for level in alzheimers.LEVELS
        for who in range(N_PEOPLE)
        for at in range(N_SLICES)
    ]
    table = pd.DataFrame(rows, columns=["class", "subject", "slice", "number"])
    return table.assign(**{"class": pd.Categorical(table["class"], categories=alzheimers.LEVELS, ordered=True)})


def tiny_scans(width=128, height=128) -> list[np.ndarray]:
    """A smooth picture for each row of `tiny_people`: what a person has is in every slice."""
    rng = np.random.default_rng(0)
    scans = []
    for _ in range(4 * N_PEOPLE):
        own = rng.integers(30, 225, (8, 8))
        for _ in range(N_SLICES):
            coarse = (own + rng.integers(-25, 26, (8, 8))).astype(np.uint8)
            scans.append(np.asarray(Image.fromarray(coarse).resize((width, height))))
    return scans


def jpeg(image: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(image).save(content, "JPEG", quality=90)
    return content.getvalue()


def numbered() -> dict[str, bytes]:
    """Return the files of the layout with numbers in their names."""
    table, files = tiny_people(), {}
    for code, number, scan in zip(table["class"].cat.codes, table["number"], tiny_scans(), strict=True):
        stem = STEMS[code] if number == 1 else f"{STEMS[code]}_{number}"
        files[f"Dataset/{FOLDERS[code]}/{stem}.jpg"] = jpeg(scan)
    return files


def parted() -> dict[str, bytes]:
    """Return the files of the layout with the folders train and test."""
    test = ["5 (2)", "5 (10)", "5"]  # the order that people see; 10 is after 2, and what has no number is last
    table, files = tiny_people(), {}
    for code, number, scan in zip(table["class"].cat.codes, table["number"], tiny_scans(176, 208), strict=True):
        part = f"test/{{}}/{test[number - 1]}" if number <= 3 else f"train/{{}}/{STEMS[code]}Dem{number - 4}"
        files[f"Alzheimer_s Dataset/{part.format(FOLDERS[code].replace('_', ''))}.jpg"] = jpeg(scan)
    return files


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A function that packs files into a zip or a folder; the people are the tiny ones."""
    monkeypatch.setattr(alzheimers, "people", tiny_people)

    def put(files, packed=True):
        if packed:
            with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
                for name, content in files.items():
                    archive.writestr(name, content)
            return tmp_path / "some.zip"
        for name, content in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return tmp_path / next(iter(files)).split("/")[0]

    return put


# Both layouts, packed and unpacked ---------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False])
def test_the_numbered_layout(place, packed, capsys):
    data = alzheimers.build(place(numbered(), packed))
    assert (data.name, data.source, data.target) == ("alzheimers", "real", "class")
    assert list(data.frame) == ["class", "slice"]
    assert data.frame["class"].cat.categories.tolist() == list(alzheimers.LEVELS)
    assert data.frame["class"].cat.ordered
    assert data.frame["slice"].dtype == "int64"
    assert data.frame["slice"].tolist() == [*range(N_SLICES)] * 12
    assert data.subjects.tolist() == tiny_people()["subject"].tolist()
    assert np.array_equal(data.images, np.stack([decode(jpeg(scan), "a scan")[0] for scan in tiny_scans()]))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("packed", [True, False])
def test_the_layout_with_train_and_test_gives_the_same(place, packed, capsys):
    path = place(parted(), packed)
    data = alzheimers.build(path)
    assert data.subjects.tolist() == tiny_people()["subject"].tolist()
    assert data.images.shape == (60, 128, 128)
    assert np.abs(data.images.astype(int) - np.stack(tiny_scans())).mean() < 3
    assert capsys.readouterr().err == f"{path.name}: 60 images of 176 x 208 pixels were brought to 128 x 128.\n"


def test_the_order_of_files_in_the_archive_does_not_matter(place):
    files = parted()
    first = alzheimers.build(place(files))
    second = alzheimers.build(place(dict(reversed(files.items()))))
    assert np.array_equal(first.images, second.images)
    assert first.subjects.tolist() == second.subjects.tolist()


def test_names_are_ordered_as_in_the_owners_layout(tmp_path):
    # the file without a number ends each slice; the train files follow those of the test
    names = ["26 (100)", "27", "26 (59)", "27 (2)", "26", "27 (10)"]
    files = [f"test/NonDemented/{name}.jpg" for name in names] + [f"train/NonDemented/nonDem{i}.jpg" for i in (10, 9)]
    files = [*files, *(f"train/{folder}/a1.jpg" for folder in ("MildDemented", "ModerateDemented"))]
    numbers = _number(tmp_path, files)
    found = [numbers["non-demented", number].rsplit("/", 1)[1] for number in range(1, 9)]
    shown = ["26 (59)", "26 (100)", "26", "27 (2)", "27 (10)", "27", "nonDem9", "nonDem10"]
    assert found == [f"{name}.jpg" for name in shown]


def test_what_systems_leave_behind_is_ignored(place):
    files = numbered()
    whole = alzheimers.build(place(files))
    litter = ["Dataset/.DS_Store", "Dataset/Mild_Demented/.DS_Store", "Dataset/Mild_Demented/Thumbs.db", "readme.txt"]
    litter += ["__MACOSX/Dataset/Mild_Demented/._mild.jpg", "__MACOSX/Dataset/Mild_Demented/mild.jpg"]
    again = alzheimers.build(place(files | dict.fromkeys(litter, b"x")))
    assert np.array_equal(whole.images, again.images)


def test_colour_is_made_grey_and_it_says_so_once(place, capsys):
    files = numbered()
    grey = alzheimers.build(place(files))
    for name in list(files)[:7]:
        scan = np.asarray(Image.open(io.BytesIO(files[name])))
        files[name] = jpeg(np.stack([scan] * 3, axis=2))
    data = alzheimers.build(place(files))
    assert np.abs(data.images.astype(int) - grey.images).max() <= 3
    assert capsys.readouterr().err == "some.zip: 7 images were in colour and have been made grey.\n"


# Bad input ---------------------------------------------------------------------------------------

MILD = "Dataset/Mild_Demented/"


def without(*ends):
    def change(files):
        return {name: content for name, content in files.items() if not name.startswith(ends)}

    return change


def with_(name, content):
    return lambda files: {**files, name: content}


def cut(files):
    return {**files, f"{MILD}mild_4.jpg": files[f"{MILD}mild_4.jpg"][:-200]}


def swap(files):
    return {
        **files,
        f"{MILD}mild_4.jpg": files[f"{MILD}mild_5.jpg"],
        f"{MILD}mild_5.jpg": files[f"{MILD}mild_4.jpg"],
    }


SMALL = jpeg(np.zeros((64, 64), dtype=np.uint8))
BAD = {
    "missing number": (without(f"{MILD}mild_7"), "'mild' has 14 images where 15 are known.* lacks number 7"),
    "unknown number": (with_(f"{MILD}mild_99.jpg", SMALL), "has 16 images where 15 are known.* has 99 too"),
    "number 0": (with_(f"{MILD}mild_0.jpg", SMALL), "has 0 too"),
    "double number": (with_(f"{MILD}mild_07.jpg", SMALL), "mild_7.jpg and .*mild_07.jpg are the same image; keep one"),
    "double without number": (with_(f"{MILD}mild_1.jpg", SMALL), "mild.jpg and .*mild_1.jpg are the same image"),
    "empty class": (without(MILD), "the class 'mild' is empty or missing"),
    "nothing": (without("Dataset"), "holds no folder of a class"),
    "another name": (with_(f"{MILD}notes.txt", b"x"), "Mild_Demented/notes.txt: not called as an image of this"),
    "not an image": (with_(f"{MILD}mild_4.jpg", b"<html>"), "some.zip, Dataset/Mild_Demented/mild_4.jpg: not an image"),
    "truncated": (cut, "some.zip, Dataset/Mild_Demented/mild_4.jpg: not an image, or a truncated one"),
    "size": (with_(f"{MILD}mild_4.jpg", SMALL), "mild_4.jpg: 64 x 64 pixels, not 128 x 128"),
    "both layouts": (with_("train/MildDemented/a.jpg", SMALL), "holds the data twice"),
    "renamed": (swap, "images do not fit the people: of 48 pairs .* 0 and 1 of m0"),
}


@pytest.mark.parametrize("which", BAD)
def test_bad_archives_are_refused_in_one_line(place, which):
    change, says = BAD[which]
    with pytest.raises(ShdError, match=says) as caught:
        alzheimers.build(place(change(numbered())))
    assert "\n" not in str(caught.value)


TRAIN = "Alzheimer_s Dataset/train/MildDemented/"


def shifted(files):
    """Give the first train file the last place: all that follow move on by one person."""
    files = dict(files)
    files[f"{TRAIN}mildDem99.jpg"] = files.pop(f"{TRAIN}mildDem0.jpg")
    return files


BAD_PARTED = {
    "missing file": (without(f"{TRAIN}mildDem3"), "'mild' has 14 images where 15 are known"),
    "file too many": (with_(f"{TRAIN}mildDem99.jpg", SMALL), "'mild' has 16 images where 15 are known"),
    "same file twice": (with_("again/" + TRAIN + "mildDem3.jpg", SMALL), "mildDem3.jpg and .* are the same image"),
    "another file": (with_(f"{TRAIN}notes.txt", b"x"), "notes.txt: not an image of this data set; take it out"),
    "no test": (without("Alzheimer_s Dataset/test"), "'non-demented' has 12 images where 15 are known"),
    "another order": (shifted, "images do not fit the people"),
}


@pytest.mark.parametrize("which", BAD_PARTED)
def test_bad_archives_with_train_and_test_are_refused(place, which):
    change, says = BAD_PARTED[which]
    with pytest.raises(ShdError, match=says) as caught:
        alzheimers.build(place(change(parted())))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"<html>", None, "absent"])
def test_broken_archives_are_refused(place, content):
    path = place(numbered())
    if content == "absent":
        path = path.with_name("nope.zip")
    else:
        path.write_bytes(path.read_bytes()[:-200] if content is None else content)
    with pytest.raises(ShdError, match="not the MRI archive, or a broken one .* shd data fetch alzheimers"):
        alzheimers.build(path)


def test_a_changed_byte_is_noticed(place):
    path = place(numbered())
    content = bytearray(path.read_bytes())
    content[1500] ^= 255
    path.write_bytes(content)
    with pytest.raises(ShdError, match="Bad CRC-32"):
        alzheimers.build(path)


# By name -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("files", [numbered, parted])
def test_an_unpacked_folder_counts_as_the_real_data(place, files, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("SHD_DATA", str(tmp_path))
    folder = place(files(), packed=False)
    data = load("alzheimers")
    assert data.source == "real"
    assert capsys.readouterr().err.startswith("alzheimers: the real data.\n")
    row = list_datasets().set_index("name").loc["alzheimers"]
    assert row["real"]
    assert row["where"] == str(folder)
    with pytest.raises(ShdError, match="unpacked, and the checksum is that of the archive"):
        verify("alzheimers")
    (tmp_path / alzheimers.FILE_NAME).write_bytes(b"the archive comes first")
    with pytest.raises(ShdError, match="not the MRI archive"):
        load("alzheimers")


def test_without_real_data(folders):
    with pytest.raises(ShdError, match=r"alzheimers, real: not on disk .* run: shd data fetch alzheimers$"):
        load("alzheimers", source="real")
    with pytest.raises(ShdError, match="install shd again"):
        load("alzheimers", source="synthetic")


def test_what_ships_is_read_as_what_is_built(place, folders):
    data = alzheimers.build(place(numbered()))
    write_pictures(folders[1] / alzheimers.SHIPPED["stand-in"], data)
    again = load("alzheimers")
    assert again.source == "stand-in"
    assert "Stand-in" in again.card.notes[0]
    pd.testing.assert_frame_equal(again.frame, data.frame)
    assert again.subjects.tolist() == data.subjects.tolist()
    assert np.array_equal(again.images, as_stored(data.images))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"class": "severe"}, "column 'class' has 'severe'"),
        ({"slice": 32}, "column 'slice' has 32, unknown"),
        ({"slice": 0.5}, "column 'slice' has 0.5, unknown"),
        (None, "its index lacks the column 'slice'"),
    ],
)
def test_other_pictures_are_refused(place, tmp_path, change, says):
    data = alzheimers.build(place(numbered()))
    frame = data.frame.assign(**change) if change else data.frame.drop(columns="slice")
    path = write_pictures(tmp_path / "x.zip", type(data)(frame, target="class", images=data.images))
    with pytest.raises(ShdError, match=says):
        alzheimers.read(path, "synthetic")


def test_the_table_of_people():
    table = alzheimers.people()
    assert table.shape == (6400, 4)
    assert list(table) == ["class", "subject", "slice", "number"]
    assert table.groupby("class", observed=True)["subject"].nunique().tolist() == [100, 70, 28, 2]
    assert (table.groupby("subject")["slice"].apply(list).map(lambda of: of == [*range(32)])).all()
    for _, rows in table.groupby("class", observed=True):
        assert sorted(rows["number"]) == [*range(1, len(rows) + 1)]
