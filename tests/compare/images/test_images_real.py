"""What is said about the real pictures in docstrings and in the report, checked on them."""

import numpy as np
import pytest

from shd.compare import ask
from shd.compare.core.models import auroc
from shd.compare.images.variety import ventricle_share
from shd.datasets import load


@pytest.fixture(scope="module")
def real():
    """The real images, built once; for tests marked ``real_data``."""
    built = {}

    def get():
        if not built:
            built["data"] = load("alzheimers", source="real")
        return built["data"]

    return get


@pytest.mark.real_data("alzheimers")
def test_ventricles_widen_with_dementia(real):
    scans = real()
    share = ventricle_share(scans.images)
    codes = scans.frame["class"].cat.codes.to_numpy()
    people, first = np.unique(scans.subjects, return_index=True)
    mean = np.array([share[scans.subjects == person].mean() for person in people])
    by_class = [mean[codes[first] == c].mean() for c in range(4)]
    assert np.allclose(by_class, [0.12, 0.17, 0.21, 0.21], atol=0.006)
    assert auroc(codes[first] > 0, mean)[0] == pytest.approx(0.75, abs=0.01)


@pytest.mark.slow
@pytest.mark.real_data("alzheimers")
def test_copies_of_real_people_are_red(real):
    scans = real()
    train, holdout = scans.split(0.2, 0)
    found = ask("copies and distances", train, train, holdout=holdout).score("nearer to train")
    assert found.value - found.ceiling > 0.2 and found.verdict == "red"
