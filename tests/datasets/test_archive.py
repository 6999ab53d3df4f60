import errno
import functools
import gc
import hashlib
import http.server
import shutil
import threading
from pathlib import Path

import pytest

from shd._errors import ShdError
from shd.datasets import add, diabetes, fetch, list_datasets, verify


class Owner(http.server.BaseHTTPRequestHandler):
    """The owner's site, on this machine: /good, /other, /short, anything else is missing."""

    def __init__(self, content, *arguments):
        self.content = content
        super().__init__(*arguments)

    def do_GET(self):
        content = {"/good": self.content, "/other": b"another file", "/short": self.content}.get(self.path)
        self.send_response(200 if content else 404)
        self.send_header("Content-Length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write((content or b"")[: len(self.content) // 2 if self.path == "/short" else None])

    def log_message(self, *arguments):
        """Stay quiet."""


@pytest.fixture
def owner(archive, monkeypatch):
    """A function that points the data set at a page of the owner's site."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = functools.partial(Owner, archive.read_bytes())
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield lambda page: monkeypatch.setattr(diabetes, "URL", f"http://127.0.0.1:{server.server_port}/{page}")
        server.shutdown()
        thread.join()


def failing(code):
    """Return a function that fails as a disk does."""

    def fail(*_arguments, **_options):
        raise OSError(code, "no luck")

    return fail


def left_in(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_fetch_installs_the_archive_and_shows_licence_and_checksum(owner, folders, capsys):
    owner("good")
    path = fetch("diabetes")
    assert left_in(folders[0]) == [diabetes.FILE_NAME]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == diabetes.SHA256
    captured = capsys.readouterr()
    assert captured.out == ""
    for part in ("CC BY 4.0", "Clore", diabetes.SHA256, diabetes.URL, str(path)):
        assert part in captured.err


def test_fetch_again_does_nothing(owner, folders, capsys):
    owner("good")
    fetch("diabetes")
    owner("missing")
    fetch("diabetes")
    assert "already at" in capsys.readouterr().err


def test_fetch_mends_a_broken_archive(owner, folders):
    folders[0].mkdir()
    target = folders[0] / diabetes.FILE_NAME
    target.write_bytes(b"half of it")
    with pytest.raises(ShdError, match=r"its checksum differs; run: shd data fetch diabetes"):
        verify("diabetes")
    owner("good")
    assert fetch("diabetes") == verify("diabetes") == target


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # pooch leaves the answer open
@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("missing", "the owner's site answers with status 404"),
        ("other", "gave another or an incomplete file"),
        ("short", "cannot be reached|incomplete"),
    ],
)
def test_fetch_of_something_else_leaves_nothing(owner, folders, page, says):
    owner(page)
    with pytest.raises(ShdError, match=says) as caught:
        fetch("diabetes")
    message = str(caught.value)
    assert "shd data add diabetes FILE" in message
    assert "\n" not in message
    del caught
    gc.collect()  # the open answer goes here, and not in another test
    assert left_in(folders[0]) == []


def test_a_failed_fetch_keeps_what_was_there(owner, folders):
    folders[0].mkdir()
    (folders[0] / diabetes.FILE_NAME).write_bytes(b"old")
    owner("other")
    with pytest.raises(ShdError):
        fetch("diabetes")
    assert (folders[0] / diabetes.FILE_NAME).read_bytes() == b"old"


def test_fetch_offline_says_what_to_do_by_hand(archive, folders, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(diabetes, "URL", "http://127.0.0.1:9/nobody")  # the discard port: nobody listens
    with pytest.raises(ShdError, match="cannot be reached") as caught:
        fetch("diabetes")
    assert "by hand from http://127.0.0.1:9/nobody and run: shd data add diabetes FILE" in str(caught.value)
    assert left_in(folders[0]) == []


def test_interrupting_leaves_nothing(archive, folders, monkeypatch):
    def interrupted(_self, _url, part, _pooch):
        Path(part).write_bytes(b"some of it")
        raise KeyboardInterrupt

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch("diabetes")
    assert left_in(folders[0]) == []


def test_fetch_on_a_full_disk(archive, folders, monkeypatch):
    def full(_self, _url, part, _pooch):
        Path(part).write_bytes(b"as much as fits")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("pooch.HTTPDownloader.__call__", full)
    with pytest.raises(ShdError, match="no space left; free some, or set SHD_DATA"):
        fetch("diabetes")
    assert left_in(folders[0]) == []


def test_add_on_a_full_disk(archive, folders, monkeypatch):
    monkeypatch.setattr(shutil, "copyfile", failing(errno.ENOSPC))
    with pytest.raises(ShdError, match="no space left"):
        add("diabetes", archive)
    assert left_in(folders[0]) == []


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_a_read_only_folder(archive, folders, monkeypatch, code):
    # the administrator may write anywhere, so the refusal is acted
    monkeypatch.setattr(shutil, "copyfile", failing(code))
    monkeypatch.setattr(Path, "unlink", failing(code))
    with pytest.raises(ShdError, match="cannot be written to .* set SHD_DATA to a folder that can"):
        add("diabetes", archive)


def test_a_file_in_place_of_the_folder(archive, folders):
    folders[0].write_text("a file")
    with pytest.raises(ShdError, match="cannot be written to"):
        add("diabetes", archive)


def test_a_folder_in_place_of_the_archive(archive, folders):
    (folders[0] / diabetes.FILE_NAME).mkdir(parents=True)
    with pytest.raises(ShdError, match="a folder lies where the archive belongs"):
        add("diabetes", archive)


def test_add_takes_the_archive_under_any_name(archive, folders):
    path = add("diabetes", archive)
    assert path == folders[0] / diabetes.FILE_NAME
    assert left_in(folders[0]) == [diabetes.FILE_NAME]
    assert archive.exists()
    assert verify("diabetes") == path


def test_add_twice_and_add_in_place(archive, folders, capsys):
    path = add("diabetes", archive)
    assert add("diabetes", archive) == add("diabetes", path) == path
    assert capsys.readouterr().err.count("already at") == 2


@pytest.mark.parametrize("damage", ["truncated", "another", "unpacked", "absent"])
def test_add_refuses_what_is_not_the_archive(archive, folders, tmp_path, damage):
    path = tmp_path / "given.zip"
    if damage == "truncated":
        path.write_bytes(archive.read_bytes()[:-1])
    elif damage == "another":
        path.write_bytes(b"x")
    elif damage == "unpacked":
        path.mkdir()
    with pytest.raises(ShdError) as caught:
        add("diabetes", path)
    expected = {"unpacked": "a folder", "absent": "no such file"}.get(damage, "is not the archive of diabetes")
    assert expected in str(caught.value)
    assert left_in(folders[0]) == []


def test_an_archive_that_cannot_be_read(archive, folders, monkeypatch):
    monkeypatch.setattr(Path, "open", failing(errno.EACCES))
    with pytest.raises(ShdError, match="cannot be read .no luck.; check its permissions"):
        add("diabetes", archive)


def test_verify_without_archive(folders):
    with pytest.raises(ShdError, match="not on disk .* run: shd data fetch diabetes"):
        verify("diabetes")


@pytest.mark.parametrize("function", [fetch, verify, lambda name: add(name, "x")])
def test_unknown_names(function):
    with pytest.raises(ShdError, match="no data set 'nope'; known are diabetes"):
        function("nope")


def test_list_says_what_is_there(archive, folders):
    row = list_datasets().set_index("name").loc["diabetes"]
    assert not row[["real", "synthetic", "stand_in"]].any()
    add("diabetes", archive)
    (folders[1] / diabetes.SHIPPED["stand-in"]).parent.mkdir(parents=True)
    (folders[1] / diabetes.SHIPPED["stand-in"]).write_bytes(b"PAR1")
    row = list_datasets().set_index("name").loc["diabetes"]
    assert row["real"]
    assert row["stand_in"]
    assert not row["synthetic"]
    assert row["where"] == str(folders[0] / diabetes.FILE_NAME)
    assert row["licence"] == "CC BY 4.0"


@pytest.mark.real_data
def test_the_real_archive_is_the_owners():
    path = verify("diabetes")
    assert path.stat().st_size == diabetes.SIZE
