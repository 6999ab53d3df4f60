"""What a team hands in is opened into one folder, and nothing planted in it gets out, twice, or too much."""

import os
import stat
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shd._errors import ShdError
from shd.hackathon.unpack import unpack, wrong_name

LIMITS = {"limit_bytes": 100_000, "limit_files": 20}


def entry(name: str, *, mode: int = 0, **changed: object) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo("x")
    made.filename, made.external_attr = name, mode << 16  # set afterwards: the constructor mends names
    for key, value in changed.items():
        setattr(made, key, value)
    return made


def planted(folder: Path, *entries: zipfile.ZipInfo | str, content: bytes = b"id,risk\n1,0.5\n") -> Path:
    archive = folder / "in.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for one in entries:
            made.writestr(entry(one) if isinstance(one, str) else one, b"" if str(one).endswith("/") else content)
    return archive


def refused(folder: Path, archive: Path, **limits: int) -> str:
    """Unpack what is to be refused, and return the line that says why; nothing is left, inside or outside."""
    into = folder / "into" / "here"
    with pytest.raises(ShdError) as told:
        unpack(archive, into, **{**LIMITS, **limits})
    assert not into.exists()
    assert sorted(path.name for path in folder.iterdir()) == sorted({archive.name, "into"} - {"into"} | _made(folder))
    message = str(told.value)
    assert len(message.splitlines()) == 1
    assert message.isprintable()
    return message


def _made(folder: Path) -> set[str]:
    return {"into"} if (folder / "into").exists() else set()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/etc/passwd", "no relative path"),
        ("../out.csv", "leads out of the folder"),
        ("a/../../out.csv", "leads out of the folder"),
        ("C:/out.csv", "no relative path"),
        ("c:out.csv", "no relative path"),
        ("\\\\host\\share\\out.csv", "not every system allows"),
        ("a\\..\\out.csv", "not every system allows"),
        ("a//b.csv", "not every system allows"),
        ("./b.csv", "not every system allows"),
        ("nul", "not every system allows"),
        ("out/con.csv", "not every system allows"),
        ("trailing.", "not every system allows"),
        ("name:stream", "not every system allows"),
        ("n" * 201, "more than 200 characters"),
        ("é" * 101, "more than 200 characters"),
        ("line\nbreak.csv", "cannot be seen"),
        ("bell\x07.csv", "cannot be seen"),
        ("left\u202eright.csv", "cannot be seen"),
    ],
)
def test_a_name_that_leads_astray_is_refused_by_name(tmp_path, name, why):
    message = refused(tmp_path, planted(tmp_path, "good.csv", name))
    assert why in message
    assert ascii(name)[1:20] in message


def test_a_name_that_hides_its_end_behind_a_zero_is_refused(tmp_path):
    archive = planted(tmp_path, "good.csvXtail")
    archive.write_bytes(archive.read_bytes().replace(b"good.csvXtail", b"good.csv\0tail"))
    assert "cannot be seen" in refused(tmp_path, archive)


@pytest.mark.parametrize(
    ("mode", "what"),
    [(stat.S_IFLNK | 0o777, "is a link"), (stat.S_IFIFO, "no regular file"), (stat.S_IFBLK, "no regular file"),
     (stat.S_IFCHR, "no regular file"), (stat.S_IFSOCK, "no regular file"), (stat.S_IFDIR, "no regular file")],
)  # fmt: skip
def test_links_and_devices_are_refused(tmp_path, mode, what):
    assert what in refused(tmp_path, planted(tmp_path, "good.csv", entry("odd", mode=mode), content=b"/etc/passwd"))


@pytest.mark.parametrize("second", ["a.csv", "A.csv", "A.CSV"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_that_comes_twice_is_refused_also_by_case(tmp_path, second):
    assert "comes twice" in refused(tmp_path, planted(tmp_path, "a.csv", second))


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("é.csv", "e\u0301.csv"), "comes twice"),
        (("out/a.csv", "OUT/b.csv"), "comes twice"),
        (("out", "out/a.csv"), "which is a file"),
        (("Out", "out/a.csv"), "which is a file"),
        (("out/", "out"), "comes twice"),
    ],
)
def test_two_names_of_one_place_are_refused(tmp_path, names, why):
    assert why in refused(tmp_path, planted(tmp_path, *names))


def test_an_encrypted_archive_is_refused(tmp_path):
    archive = planted(tmp_path, "a.csv")
    raw = bytearray(archive.read_bytes())
    raw[raw.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(raw)
    assert "is encrypted" in refused(tmp_path, archive)


def test_a_rare_method_is_refused(tmp_path):
    assert "rare method" in refused(tmp_path, planted(tmp_path, entry("a.csv", compress_type=zipfile.ZIP_LZMA)))


def test_more_files_than_the_limit_are_refused(tmp_path):
    assert "more than 20 files" in refused(tmp_path, planted(tmp_path, *(f"{n}.csv" for n in range(21))))


def test_a_list_of_entries_that_is_itself_a_bomb_is_not_read(tmp_path):
    archive = planted(tmp_path, *(entry(f"{n:05}", comment=b"x" * 60_000) for n in range(3)), content=b"")
    assert "The list of entries" in refused(tmp_path, archive, limit_files=2)


def bomb(folder: Path, claimed: int) -> Path:
    """Pack a megabyte of nothing that says it were `claimed` bytes."""
    archive = folder / "in.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("small.csv", b"a")
        made.writestr("nothing.csv", bytes(1_000_000))
    raw = archive.read_bytes().replace(struct.pack("<L", 1_000_000), struct.pack("<L", claimed))
    archive.write_bytes(raw)
    return archive


def test_a_bomb_is_refused_at_the_limit(tmp_path):
    message = refused(tmp_path, bomb(tmp_path, 1_000_000))
    assert "'nothing.csv'" in message
    assert "100,000 bytes" in message


def test_a_bomb_that_lies_about_its_size_never_writes_more_than_it_said(tmp_path):
    assert "'nothing.csv' cannot be read" in refused(tmp_path, bomb(tmp_path, 500))


def test_the_limit_is_of_all_entries_together(tmp_path):
    names = [f"{n}.csv" for n in range(5)]
    assert "'4.csv'" in refused(tmp_path, planted(tmp_path, *names, content=bytes(22_000)))
    assert len(unpack(planted(tmp_path, *names, content=bytes(20_000)), tmp_path / "in", **LIMITS)) == 5


def test_entries_that_share_bytes_are_refused(tmp_path):
    archive = planted(tmp_path, "a.csv", "b.csv")
    raw = archive.read_bytes()
    second = raw.index(b"PK\x01\x02", raw.index(b"PK\x01\x02") + 4)
    offset = second + 42
    archive.write_bytes(raw[:offset] + struct.pack("<L", 0) + raw[offset + 4 :])
    assert "overlaps" in refused(tmp_path, archive)


def test_an_entry_that_reaches_into_the_list_is_refused(tmp_path):
    archive = planted(tmp_path, "a.csv")
    raw = bytearray(archive.read_bytes())
    listed = raw.index(b"PK\x01\x02")
    struct.pack_into("<L", raw, listed + 20, 5_000)
    archive.write_bytes(raw)
    assert "overlaps the list" in refused(tmp_path, archive)


@pytest.mark.parametrize("content", [b"", b"PK", b"no archive at all", b"PK\x05\x06" + bytes(18 - 1)])
def test_what_is_no_archive_is_refused(tmp_path, content):
    archive = tmp_path / "in.zip"
    archive.write_bytes(content)
    assert "is not a ZIP" in refused(tmp_path, archive)


def test_a_damaged_entry_is_refused(tmp_path):
    archive = planted(tmp_path, "a.csv", content=b"0123456789")
    archive.write_bytes(archive.read_bytes().replace(b"0123456789", b"0123456780"))
    assert "cannot be read" in refused(tmp_path, archive)


def test_a_missing_archive_is_refused(tmp_path):
    with pytest.raises(ShdError, match="cannot be read"):
        unpack(tmp_path / "no.zip", tmp_path / "in", **LIMITS)
    assert not (tmp_path / "in").exists()


def test_nested_archives_stay_closed(tmp_path):
    inner = planted(tmp_path, "../out.csv").read_bytes()
    files = unpack(planted(tmp_path, "inner.zip", content=inner), tmp_path / "in", **LIMITS)
    assert [file.read_bytes() for file in files] == [inner]


def test_one_folder_that_wraps_all_is_stepped_into(tmp_path):
    files = unpack(
        planted(tmp_path, "team/", "team/a.csv", "team/deep/b.csv", "__MACOSX/team/._a.csv"), tmp_path / "in", **LIMITS
    )
    assert [file.relative_to(tmp_path / "in").as_posix() for file in files] == ["a.csv", "deep/b.csv"]


def test_two_folders_are_left_as_they_are(tmp_path):
    files = unpack(planted(tmp_path, "one/a.csv", "two/a.csv"), tmp_path / "in", **LIMITS)
    assert [file.relative_to(tmp_path / "in").as_posix() for file in files] == ["one/a.csv", "two/a.csv"]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["submission/a.csv"], ["submission/a.csv"]),
        (["submission/submission/a.csv"], ["submission/a.csv"]),
        (["submission/team.toml", "submission/a.csv"], ["a.csv", "team.toml"]),
        (["submission/starter.ipynb"], ["starter.ipynb"]),
        (["owls/submission/a.csv"], ["submission/a.csv"]),
    ],
)
def test_a_folder_that_is_handed_in_is_no_wrapping(tmp_path, names, expected):
    files = unpack(planted(tmp_path, *names), tmp_path / "in", **LIMITS, keep="submission")
    assert [file.relative_to(tmp_path / "in").as_posix() for file in files] == expected


def test_a_place_that_is_in_use_is_left_alone(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "mine.txt").write_text("mine")
    with pytest.raises(ShdError, match="not an empty folder"):
        unpack(planted(tmp_path, "a.csv"), tmp_path / "in", **LIMITS)
    assert (tmp_path / "in" / "mine.txt").read_text() == "mine"


def test_an_empty_folder_stays_when_an_archive_is_refused(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(ShdError):
        unpack(planted(tmp_path, "a.csv", content=bytes(200_000)), tmp_path / "in", **LIMITS)
    assert list((tmp_path / "in").iterdir()) == []


@pytest.mark.parametrize(
    "limits", [{"limit_bytes": 0}, {"limit_files": -1}, {"limit_bytes": 1.5}, {"limit_files": True}]
)
def test_a_limit_is_a_number_above_zero(tmp_path, limits):
    with pytest.raises(ShdError, match="above zero"):
        unpack(planted(tmp_path, "a.csv"), tmp_path / "in", **{**LIMITS, **limits})


@given(st.text(max_size=30))
def test_a_name_that_is_let_through_stays_below_its_folder(name):
    if wrong_name(name) is None:
        path = os.path.normpath(f"/top/{name}")
        assert path == f"/top/{name.removesuffix('/')}"
        assert len(name.splitlines()) == 1
        assert all(letter.isprintable() or letter.isspace() for letter in name)
