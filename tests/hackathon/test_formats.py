"""Files that are handed in: what is read, what is refused, and that nothing in them is ever run."""

import io
import zipfile
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from safetensors.numpy import save_file

from shd._errors import ShdError
from shd.hackathon.columns import Expected, judge
from shd.hackathon.formats import Limits, is_pickle, read_stack, read_table, write_pngs


class _Bomb:
    def __reduce__(self):
        return (open, ("opened.txt", "w"))


@pytest.mark.parametrize(("name", "inside"), [("a.zip", "archive/data.pkl"), ("a.npz", "x.joblib")])
def test_a_pickle_in_a_zip_is_one(tmp_path, name, inside):
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr(inside, "x")
    assert is_pickle(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", b"", "cannot be read as CSV"),
        ("t.csv", b"a,a\n1,2\n", "column 'a' is there twice"),
        ("t.csv", b"\xff\xfe\x00", "cannot be read as CSV"),
        ("t.csv", b"a\n1\n2\n3\n4\n5\n", "more than 3 records"),
        ("t.parquet", b"PAR1", "cannot be read as PARQUET"),
        ("t.json", b"3", "neither a list of records"),
        ("t.json", b'[{"a": [1]}]', "holds lists"),
        ("t.json", b"[" * 50_000, "cannot be read as JSON"),
        ("t.json", b'{"a": [1], "b": [1, 2]}', "cannot be read as JSON"),
    ],
)
def test_broken_tables(tmp_path, name, content, says):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ShdError, match=says):
        read_table(tmp_path / name, Limits(3))


def test_text_of_a_csv_stays_text(tmp_path):
    (tmp_path / "t.csv").write_text("\ufeffid,a\n001,NA\n1e5,\n", encoding="utf-8")
    frame = read_table(tmp_path / "t.csv", Limits(3))
    assert frame["id"].tolist() == ["001", "1e5"]
    assert frame["a"].iloc[0] == "NA" and frame["a"].isna().tolist() == [False, True]


def test_a_long_parquet_is_refused_before_it_is_read(tmp_path, monkeypatch):
    pd.DataFrame({"a": np.zeros(100_000)}).to_parquet(tmp_path / "t.parquet")
    monkeypatch.setattr("pyarrow.parquet.read_table", None)
    with pytest.raises(ShdError, match="100,000 records, 3 at most"):
        read_table(tmp_path / "t.parquet", Limits(3))


def test_a_long_text_that_is_repeated_is_read_once(tmp_path):
    texts = pa.DictionaryArray.from_arrays(np.zeros(3_000, np.int32), ["x" * 1_000_000])  # 3 GB, written out
    pq.write_table(pa.table({"a": texts}), tmp_path / "t.parquet", store_schema=False)
    assert (tmp_path / "t.parquet").stat().st_size < 100_000
    frame = read_table(tmp_path / "t.parquet", Limits(3_000))
    assert len(frame) == 3_000 and frame["a"].dtype == "category"


def test_an_array_that_says_it_is_larger_than_it_is(tmp_path):
    np.savez(tmp_path / "s.npz", images=np.zeros((2, 20, 16), np.uint8))
    content = (tmp_path / "s.npz").read_bytes()
    (tmp_path / "s.npz").write_bytes(content.replace(b"(2, 20, 16)", b"(9999999999,)"[:11] + b""))
    with pytest.raises(ShdError, match="cannot be read"):
        read_stack(tmp_path / "s.npz", Limits(6, (20, 16)), ["well", "ill"], "class")


def test_columns_of_odd_kinds_are_said_to_be_wrong(tmp_path):
    odd = {
        "bytes": [b"x", b"y"],
        "decimals": [Decimal("7.5"), Decimal("1")],
        "dates": [pd.Timestamp("2020-01-01").date()] * 2,
        "times": pd.to_datetime(["2020-01-01", "2020-01-02"]),
        "spans": pd.to_timedelta([1, 2], unit="D"),
    }
    pd.DataFrame(odd).to_parquet(tmp_path / "t.parquet")
    frame = read_table(tmp_path / "t.parquet", Limits(3))
    for name in odd:
        assert judge(frame[name], Expected(name, "number", low=0, high=1))[1], name
        assert judge(frame[name], Expected(name, "level", levels=("a", "b")))[1], name
        assert judge(frame[name], Expected(name, "yes/no"))[1], name
    pd.DataFrame({"nested": [[1], [2]]}).to_parquet(tmp_path / "n.parquet")
    with pytest.raises(ShdError, match="holds lists"):
        read_table(tmp_path / "n.parquet", Limits(3))


@pytest.mark.parametrize("text", ['[{"a": 1e999}]', '[{"a": %s}]' % ("9" * 400), '[{"a": null}]', '[{"a": "1_0"}]'])
def test_numbers_that_are_none(tmp_path, text):
    (tmp_path / "t.json").write_text(text)
    frame = read_table(tmp_path / "t.json", Limits(3))
    assert judge(frame["a"], Expected("a", "number", low=0, high=1))[1]


# Pictures ----------------------------------------------------------------------------------------------

SIZE, LEVELS = (20, 16), ["well", "ill"]


@pytest.fixture
def stack():
    images = np.random.default_rng(0).integers(0, 256, (6, *SIZE), dtype=np.uint8)
    return pd.DataFrame({"class": ["well", "ill"] * 3, "slice": range(6)}), images


def _write(path, frame, images):
    codes = frame["class"].map(LEVELS.index).to_numpy()
    if path.suffix == ".zip":
        write_pngs(path, frame, images, [f"{i}.png" for i in range(len(images))])
    elif path.suffix == ".npz":
        np.savez(path, images=images, **{"class": frame["class"].to_numpy(str), "slice": frame["slice"].to_numpy()})
    else:
        save_file({"images": images, "class": codes, "slice": frame["slice"].to_numpy()}, path)
    return path


@pytest.mark.parametrize("ending", ["zip", "npz", "safetensors"])
def test_pictures_come_back_from_every_format(tmp_path, stack, ending):
    path = _write(tmp_path / f"synthetic.{ending}", *stack)
    frame, images = read_stack(path, Limits(6, SIZE), LEVELS, "class")
    assert np.array_equal(images, stack[1])
    assert frame["class"].tolist() == stack[0]["class"].tolist()
    assert frame["slice"].astype(int).tolist() == list(range(6))


@pytest.mark.parametrize("ending", ["zip", "npz", "safetensors"])
def test_pictures_too_many_or_of_another_size(tmp_path, stack, ending):
    path = _write(tmp_path / f"synthetic.{ending}", *stack)
    for limits in (Limits(3, SIZE), Limits(6, (16, 20))):
        with pytest.raises(ShdError, match=r"at most|more than|20 x 16"):
            read_stack(path, limits, LEVELS, "class")


def test_the_same_pictures_give_the_same_bytes(tmp_path, stack):
    one, other = (_write(tmp_path / f"{name}.zip", *stack).read_bytes() for name in "ab")
    assert one == other


def test_arrays_of_objects_are_refused(tmp_path, stack):
    np.savez(tmp_path / "s.npz", images=stack[1], **{"class": np.array([_Bomb()] * 6, dtype=object)})
    with pytest.raises(ShdError, match="Object arrays cannot be loaded"):
        read_stack(tmp_path / "s.npz", Limits(6, SIZE), LEVELS, "class")


def _zip(path, **files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return path


def _png(height, width):
    content = io.BytesIO()
    Image.fromarray(np.zeros((height, width), np.uint8)).save(content, "PNG")
    return content.getvalue()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a_png": _png(*SIZE)}, "lacks index.csv"),
        ({"index_csv": "class\nwell\n"}, "no column 'file'"),
        ({"index_csv": "file,class\na.png,well\n"}, "lacks 'a.png'"),
        ({"index_csv": "file,class\na.png,well\n", "a_png": b"GIF89a"}, "cannot be read"),
        ({"index_csv": "file,class\na.png,well\n", "a_png": _png(9, 9)}, "is 9 x 9 pixels, not 20 x 16"),
        ({"index_csv": "file\na.png\n", "a_png": b"\0" * 10_000_000}, "unpacks to 10,000,000 bytes"),
        ({"index_csv": "file,class\n" + "a.png,well\n" * 7, "a_png": _png(*SIZE)}, "7 records, 6 at most"),
    ],
)
def test_broken_zips_of_pictures(tmp_path, files, says):
    with pytest.raises(ShdError, match=says):
        read_stack(_zip(tmp_path / "s.zip", **files), Limits(6, SIZE), LEVELS, "class")


def test_a_picture_that_would_fill_the_memory_is_not_unpacked(tmp_path):
    header = _png(*SIZE)
    huge = header[:16] + (60_000).to_bytes(4, "big") * 2 + header[24:]  # width and height of the header
    path = _zip(tmp_path / "s.zip", index_csv="file,class\na.png,well\n", a_png=huge)
    with pytest.raises(ShdError, match="cannot be read"):
        read_stack(path, Limits(6, SIZE), LEVELS, "class")


def test_codes_of_classes_that_are_not_there(tmp_path, stack):
    save_file({"images": stack[1], "class": np.arange(6)}, tmp_path / "s.safetensors")
    with pytest.raises(ShdError, match=r"codes beyond 0 to 1 \(well, ill\)"):
        read_stack(tmp_path / "s.safetensors", Limits(6, SIZE), LEVELS, "class")
