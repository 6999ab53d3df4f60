"""The owner's images: how many, of whom, and whether each is with its own people."""

import numpy as np
import pytest

from shd.datasets import alzheimers, load, verify
from shd.datasets.alzheimers import neighbour_margin


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
def test_the_real_archive_is_the_owners():
    assert verify("alzheimers").stat().st_size == alzheimers.SIZE


@pytest.mark.slow
@pytest.mark.real_data("alzheimers")
def test_the_real_images(real):
    data = real()
    assert data.images.shape == (6400, 128, 128)
    assert len(np.unique(data.subjects)) == 200
    assert data.frame["class"].value_counts(sort=False).tolist() == [3200, 2240, 896, 64]
    people = data.frame.assign(subject=data.subjects).groupby("subject", observed=True)
    assert (people["slice"].nunique() == 32).all()
    assert (people["class"].nunique() == 1).all()
    assert data.images[:, :10].max() < 30  # the frame around every brain is dark
    assert data.images[:, 40:88, 40:88].mean() > 120


@pytest.mark.real_data("alzheimers")
def test_real_images_are_with_their_people(real):
    pairs = neighbour_margin(real())
    assert len(pairs) == 200 * 31
    assert pairs["own"].min() > 0.84
    least = pairs.groupby("class", observed=True)["margin"].min()
    assert least.tolist() == pytest.approx([0.227, 0.207, 0.323, 0.680], abs=0.001)  # DESIGN asks for 0.13


@pytest.mark.real_data("alzheimers")
def test_two_real_images_with_the_wrong_people_are_noticed(real):
    rows = np.arange(6400)
    rows[[5, 37]] = [37, 5]  # slice 5 of the first two people
    data = real()
    wrong = type(data)(data.frame, target="class", subjects=data.subjects, images=data.images[rows])
    margin = neighbour_margin(wrong)["margin"]
    assert (margin < 0).sum() >= 4


@pytest.mark.real_data("alzheimers")
@pytest.mark.parametrize("seed", range(5))
def test_real_splits_share_nobody(real, seed):
    train, holdout = real().split(test_size=0.2, random_state=seed)
    assert not set(train.subjects) & set(holdout.subjects)
    assert len(train) + len(holdout) == 6400
    assert len(holdout) == 40 * 32
    for part, n_people in ((train, 160), (holdout, 40)):
        shares = part.frame["class"].value_counts(sort=False) / 32 / n_people
        assert shares.tolist() == pytest.approx([0.5, 0.35, 0.14, 0.01], abs=0.026)


@pytest.mark.real_data("alzheimers")
@pytest.mark.parametrize("seed", range(5))
def test_of_the_two_moderate_people_one_trains_and_one_tests(real, seed):
    for part in real().split(test_size=0.2, random_state=seed):
        assert len(np.unique(part.subjects[part.frame["class"] == "moderate"])) == 1
