"""What `import shd` gives, in a fresh interpreter where it matters what was imported before."""

import subprocess
import sys

import pytest

import shd


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_help_imports_nothing_heavy():
    run_python(
        "import sys; from shd.cli import main; assert main(['--help']) == 0; "
        "heavy = {'torch', 'pandas', 'sklearn', 'matplotlib'} & set(sys.modules); assert not heavy, heavy"
    )


@pytest.mark.parametrize(
    "first",
    ["from shd.compare import Report; import shd.compare.fidelity.columns as columns", "from shd import compare"],
)
def test_compare_is_function_and_package_whatever_comes_first(first):
    run_python(
        f"import shd; {first}\n"
        "import inspect; assert callable(shd.compare)\n"
        "assert list(inspect.signature(shd.compare).parameters)[:3] == ['train', 'synthetic', 'holdout']\n"
        "assert shd.compare.c2st and shd.compare.Report is shd.Report"
    )


def test_the_public_face_is_complete():
    for name in shd.__all__:
        assert getattr(shd, name) is not None
    assert dir(shd) == sorted(shd.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = shd.nope


@pytest.mark.parametrize(
    ("modules", "heavy"),
    [
        ("shd", {"torch", "pandas", "sklearn", "matplotlib", "statsmodels"}),
        ("shd.dataset, shd.datasets", {"torch", "sklearn", "matplotlib", "statsmodels"}),
        ("shd.releases, shd.plot", {"torch", "matplotlib", "statsmodels"}),
    ],
)
def test_imports_are_light(modules, heavy):
    run_python(f"import sys, {modules}; found = {heavy} & set(sys.modules); assert not found, found")
