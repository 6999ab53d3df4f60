"""What the tests of a sandbox share: each set of walls that this machine has, and a private folder."""

import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from shd.hackathon.sandbox import Limits, Sandbox, available, remove

MB = 10**6
SMALL = Limits(seconds=20, memory=300 * MB, processes=20, output=MB, file_size=5 * MB, disk=20 * MB)
STRANGERS = {
    "all": None,
    "bubblewrap alone": ["bubblewrap"],
    "unshare and landlock": ["unshare", "landlock", "seccomp"],
    "landlock and seccomp": ["landlock", "seccomp"],
}
TRUSTED = {"limits alone": []}


@pytest.fixture
def private(tmp_path: Path) -> Iterator[Path]:
    """Give a private folder, apart from whatever else a test makes, and sweep it: nothing else can remove some."""
    folder = tmp_path / "private"
    folder.mkdir()
    yield folder
    remove(folder)


def maker(private: Path, layers: list[str] | None) -> Callable[..., Sandbox]:
    """Return what makes a sandbox of these walls, with small limits; skip where the machine has them not."""
    there = {layer.name for layer in available()}
    if missing := set(layers or ()) - there:
        pytest.skip(f"this system has no {' and '.join(sorted(missing))}")
    if layers is None and not {"bubblewrap", "landlock"} & there:
        pytest.skip("this system has no walls that keep strangers inside")

    def make(**given: object) -> Sandbox:
        return Sandbox(private, **{"limits": SMALL, "layers": layers, "trusted": layers == [], **given})

    return make


def _marked(names: Iterable[str]) -> list:
    """Mark the walls as slow that are used only where a system has no better ones."""
    return [name if name == "all" else pytest.param(name, marks=pytest.mark.slow) for name in names]


@pytest.fixture(params=_marked(STRANGERS))
def strangers(request: pytest.FixtureRequest, private: Path) -> Callable[..., Sandbox]:
    """Make sandboxes for code of strangers, of every set of walls."""
    return maker(private, STRANGERS[request.param])


@pytest.fixture(params=_marked([*STRANGERS, *TRUSTED]))
def everybody(request: pytest.FixtureRequest, private: Path) -> Callable[..., Sandbox]:
    """Make sandboxes of every set of walls, and one that has limits only."""
    if sys.platform == "win32":
        pytest.skip("Windows has no limits for processes")
    return maker(private, {**STRANGERS, **TRUSTED}[request.param])
