"""Files that strangers' code left: read without being led astray, and removed whatever they are."""

import os
import sys

import pytest

from shd._errors import ShdError
from shd.hackathon.sandbox import remove, safe_read

posix = pytest.mark.skipif(sys.platform == "win32", reason="making links is a privilege on Windows")


def test_a_file_is_read(private):
    (private / "out").mkdir()
    (private / "out" / "a.csv").write_bytes(b"a,b\r\n")
    assert safe_read(private, "out/a.csv", 5) == b"a,b\r\n"


def test_a_file_over_the_limit_is_not(private):
    (private / "a.csv").write_bytes(bytes(6))
    with pytest.raises(ShdError, match=r"a.csv has more than 5 bytes"):
        safe_read(private, "a.csv", 5)


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "../a", "out/../../a", "./a", "a//b", "C:/a", "a\\b", "a\0b", "a/"]
)
def test_a_name_that_leads_out_is_refused(private, name):
    (private.parent / "a").write_text("SECRET")
    with pytest.raises(ShdError, match="not one of the private folder"):
        safe_read(private, name, 100)


@posix
@pytest.mark.parametrize("name", ["link", "folder/a", "up/private/link"])
def test_no_part_is_a_link(private, name):
    outside = private.parent / "outside"
    outside.mkdir()
    (outside / "a").write_text("SECRET")
    (private / "link").symlink_to(outside / "a")
    (private / "folder").symlink_to(outside)
    (private / "up").symlink_to("..")
    with pytest.raises(ShdError, match="a part of its path is a link"):
        safe_read(private, name, 100)


@posix
def test_what_is_no_file_is_refused_without_waiting(private):
    os.mkfifo(private / "pipe")
    (private / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(ShdError, match="is no regular file"):
            safe_read(private, name, 100)


def test_a_missing_file_is_told(private):
    with pytest.raises(ShdError, match=r"out/a.csv is not there; the notebook did not write it"):
        safe_read(private, "out/a.csv", 100)


@posix
def test_a_folder_of_any_depth_is_removed_and_what_it_links_to_stays(private):
    outside = private.parent / "outside"
    outside.mkdir()
    (outside / "mine").write_text("mine")
    here = os.open(private, os.O_RDONLY)
    for _ in range(30):  # more than the 4,096 letters that a path may have
        os.mkdir("d" * 250, dir_fd=here)
        inner = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.symlink(outside, "link", dir_fd=here)
    os.close(here)
    (private / "locked").mkdir()
    (private / "locked" / "file").write_text("x")
    (private / "locked").chmod(0)
    (private / "link").symlink_to(outside)
    remove(private)
    assert not private.exists()
    assert (outside / "mine").read_text() == "mine"
    remove(private)
