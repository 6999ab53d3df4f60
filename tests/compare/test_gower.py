import numpy as np
import pandas as pd
import pytest

from shd.compare.core.gower import Gower, smallest
from shd.compare.core.tables import align


@pytest.fixture(scope="module")
def tables():
    train = pd.DataFrame({"n": [0.0, 10.0, 4.0, np.nan], "c": ["a", "b", "a", None]})
    other = pd.DataFrame({"n": [2.0, np.nan], "c": ["b", "a"]})
    return align(train, other)[0]


def _all(gower, records, real):
    return np.concatenate(gower.map_blocks(records, real, lambda distance, _: distance.copy()))


def test_distances_by_hand(tables):
    train, other = tables
    # a level that differs counts 1, a number its difference over the range in train, 10; missing is a level
    expected = [[1.2, 0.8, 1.2, 2.0], [1.0, 2.0, 1.0, 1.0]]
    assert _all(Gower.of(train), other, train) == pytest.approx(np.array(expected))


def test_weights_count(tables):
    train, other = tables
    expected = [[0.2 * 3 + 0.5, 0.8 * 3, 0.2 * 3 + 0.5, 3.5], [3.0, 3.5, 3.0, 0.5]]
    assert _all(Gower.of(train, [3, 0.5]), other, train) == pytest.approx(np.array(expected))


def test_weights_are_rounded_so_that_a_copy_lies_at_no_distance(people):
    train = align(people(600, 1), people(600, 1))[0][0]
    weighted = Gower.of(train, [1 / 3, np.pi, 0.1, np.e, 10 / 7])
    assert weighted.nearest(train, train).max() == 0


def test_nearest_few_are_those_of_a_full_sort(people):
    (train, other), _ = align(people(700, 1), people(90, 2))
    gower = Gower.of(train)
    full = _all(gower, other, train)
    order = np.argsort(full, axis=1, kind="stable")[:, :4]
    distance, where = gower.nearest_few(other, train, 4)
    assert np.array_equal(where, order)
    assert np.array_equal(distance, np.take_along_axis(full, order, axis=1))


@pytest.mark.parametrize("width", [3, 64, 65, 400, 5000])
def test_smallest_keeps_order_and_the_first_of_ties(width):
    values = np.random.default_rng(0).integers(0, width // 8 + 3, (20, width)).astype(np.float32)
    found, where = smallest(values, 3)
    assert np.array_equal(where, np.argsort(values, axis=1, kind="stable")[:, :3])
    assert np.array_equal(found, np.sort(values, axis=1)[:, :3])


def test_the_second_person_is_another_person():
    real = pd.DataFrame({"n": [0.0, 1.0, 10.0]})
    (train, records), _ = align(real, pd.DataFrame({"n": [0.0]}))
    object.__setattr__(train, "subjects", np.array([7, 7, 8]))
    assert Gower.of(train).nearest_two_people(records, train).tolist() == [[0, 1]]  # 10 away, of a range of 10
    alone = train.take([0, 1])
    assert Gower.of(train).nearest_two_people(records, alone).tolist() == [[0, np.inf]]
