import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.datasets.alzheimers import neighbour_margin


def make(subjects, slices, images, classes=None):
    frame = pd.DataFrame({"class": classes or ["x"] * len(slices), "slice": slices})
    return Dataset(frame, target="class", subjects=subjects, images=np.asarray(images, dtype=np.uint8))


def test_worked_by_hand():
    # without what all share, a is the negative of b at both levels
    left, right = [[90, 10], [90, 10]], [[10, 90], [10, 90]]
    pairs = neighbour_margin(make(["a", "b", "a", "b"], [0, 0, 1, 1], [left, right, left, right]))
    assert pairs["subject"].tolist() == ["a", "b"]
    assert pairs["slice"].tolist() == [0, 0]
    assert pairs["own"].tolist() == pytest.approx([1, 1])
    assert pairs["stranger"].tolist() == pytest.approx([-1, -1])
    assert pairs["margin"].tolist() == pytest.approx([2, 2])
    swapped = neighbour_margin(make(["a", "b", "b", "a"], [0, 0, 1, 1], [left, right, left, right]))
    assert swapped["margin"].tolist() == pytest.approx([-2, -2])


def test_strangers_are_of_the_same_class_and_neighbours_are_next_to_each_other():
    images = np.random.default_rng(0).integers(0, 255, (7, 64, 64))
    data = make(["a", "a", "b", "b", "c", "c", "d"], [0, 1, 0, 1, 3, 5, 4], images, ["x"] * 4 + ["y"] * 3)
    pairs = neighbour_margin(data)
    assert pairs[["class", "subject", "slice"]].to_numpy().tolist() == [["x", "a", 0], ["x", "b", 0]]
    alone = neighbour_margin(data.take([0, 1]))
    assert alone["margin"].isna().all()


def test_what_cannot_be_compared():
    images = np.zeros((2, 4, 4))
    with pytest.raises(ShdError, match="no subject has two neighbouring slices"):
        neighbour_margin(make(["a", "b"], [0, 1], images))
    with pytest.raises(ShdError, match="need images and a column 'slice'"):
        neighbour_margin(Dataset(pd.DataFrame({"slice": [0, 1]})))
    with pytest.raises(ShdError, match="need images and a column 'slice'"):
        neighbour_margin(Dataset(pd.DataFrame({"a": [0, 1]}), images=images.astype(np.uint8)))
