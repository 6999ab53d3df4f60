"""The ways in (pip, uv, conda, make) name the same versions, and none of them drifts."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import shd

ROOT = Path(__file__).resolve().parents[1]
PYTHON = "3.11"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["optional-dependencies"]
DIRECT = [Requirement(line) for group in (PROJECT["dependencies"], *EXTRAS.values()) for line in group]


def entries() -> dict[str, list[str]]:
    """Return name -> what the lock says of it, one text an entry (a package may have several, by marker)."""
    found = {}
    for block in re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE):
        if block.strip():
            found.setdefault(canonicalize_name(block.split("==")[0]), []).append(block)
    return found


def version_of(block: str) -> str:
    return re.match(r"[\w.-]+==([^\s;\\]+)", block).group(1)


@pytest.mark.parametrize("needed", DIRECT, ids=lambda r: r.name)
def test_lock_holds_every_direct_dependency_at_a_version_that_fits(needed):
    blocks = entries()[canonicalize_name(needed.name)]
    for block in blocks:
        assert version_of(block) in needed.specifier


def test_every_package_in_the_lock_is_pinned_by_hash():
    assert len(entries()) > 100
    for name, blocks in entries().items():
        for block in blocks:
            assert re.search(r"--hash=sha256:[0-9a-f]{64}", block), name
    for line in LOCK.splitlines():
        assert re.match(r"[\w.-]+==\S+|\s+--hash=|\s+#", line), line


def test_lock_names_no_place_to_download_from():
    assert not re.search(r"://|@ |--(index|extra-index|find-links|trusted)", LOCK)
    for name in ("Makefile", "environment.yml", ".ci/run", ".pre-commit-config.yaml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(r"https?://|--(index|extra-index|find-links|trusted)", text), name


def test_torch_and_torchvision_are_pinned_the_same_everywhere():
    for name in ("torch", "torchvision"):
        (pinned,) = [str(r.specifier) for r in DIRECT if r.name == name]
        assert pinned == f"=={version_of(entries()[name][0])}"


def test_python_is_the_same_everywhere():
    assert PROJECT["requires-python"] == f">={PYTHON}"
    assert f"python={PYTHON}" in CONDA["dependencies"]
    assert f"--python-version {PYTHON} " in MAKEFILE
    assert f"sys.version_info < {tuple(map(int, PYTHON.split('.')))}" in MAKEFILE
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]
    assert ruff["target-version"] == f"py{PYTHON.replace('.', '')}"


def test_every_way_in_installs_from_the_lock_with_hashes():
    (pip,) = [step["pip"] for step in CONDA["dependencies"] if isinstance(step, dict)]
    assert pip == ["--require-hashes", "-r requirements.lock"]
    assert "--require-hashes -r requirements.lock" in MAKEFILE
    installs = re.findall(r"pip install .*", MAKEFILE)
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation -e ." in line for line in installs)
    assert "pip install --no-deps --no-build-isolation -e ." in (ROOT / "environment.yml").read_text(encoding="utf-8")


def test_what_builds_the_package_is_locked_too():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    for name in (*build, "editables", "uv"):
        assert canonicalize_name(name) in entries()


def test_makefile_has_the_targets_that_design_names():
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, flags=re.MULTILINE))
    assert targets >= {"setup", "demo", "test", "lint", "bench", "lab"}


def test_version_is_the_same_everywhere():
    assert PROJECT["version"] == shd.__version__
