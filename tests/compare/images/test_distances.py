import numpy as np
import pytest

from shd.compare.core.neighbourhoods import Regions, frechet_distance, kernel_distance

RNG = np.random.default_rng(0)
CLOUD = RNG.normal(size=(200, 3))


def precision_recall(real: np.ndarray, other: np.ndarray, k: int = 5) -> dict[str, float]:
    return Regions.of(real, other, k).measure()


def exactly(mean: np.ndarray, spread: np.ndarray, n: int = 400) -> np.ndarray:
    """Return numbers whose mean and covariance (spread squared, diagonal) are exactly these."""
    x = np.random.default_rng(1).normal(size=(n, len(mean)))
    x -= x.mean(axis=0)
    white = x @ np.linalg.inv(np.linalg.cholesky(np.cov(x.T)).T)
    return white * spread + mean


def test_frechet_distance_of_two_gaussians_is_the_closed_form():
    first, second = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 0.5])
    a, b = exactly(np.zeros(3), first), exactly(np.array([3.0, 0.0, 4.0]), second)
    assert frechet_distance(a, b) == pytest.approx(25 + ((first - second) ** 2).sum())


def test_frechet_distance_with_covariances_that_do_not_commute():
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    a, b = exactly(np.zeros(2), np.array([1.0, 3.0])), exactly(np.zeros(2), np.array([2.0, 1.0])) @ turn.T
    first, second = np.cov(a.T), np.cov(b.T)
    root = np.linalg.eigvals(first @ second)
    expected = np.trace(first) + np.trace(second) - 2 * np.sqrt(root).sum()
    assert frechet_distance(a, b) == pytest.approx(expected) and expected > 0.1


def test_a_set_is_at_no_distance_from_itself():
    assert frechet_distance(CLOUD, CLOUD) == pytest.approx(0, abs=1e-9)
    assert kernel_distance(CLOUD, CLOUD[::-1]) <= 0
    alike = precision_recall(CLOUD, CLOUD)
    assert alike["precision"] == alike["recall"] == alike["coverage"] == 1
    assert alike["density"] == pytest.approx(1.2, abs=0.05)  # each is also its own neighbour


def test_one_feature_is_enough():
    assert frechet_distance(CLOUD[:, :1], CLOUD[:, :1] + 2) == pytest.approx(4)


def test_distances_grow_with_a_shift():
    shifts = (0.0, 0.5, 1.0, 2.0)
    for distance in (frechet_distance, kernel_distance):
        found = [distance(CLOUD, CLOUD + shift) for shift in shifts]
        assert found == sorted(found) and found[-1] > found[1]


def test_kernel_distance_by_hand():
    a, b = np.array([[0.0], [1.0]]), np.array([[2.0], [3.0]])
    # (xy + 1)^3: within a 1, within b 343, between 1, 1, 27, 64
    assert kernel_distance(a, b) == pytest.approx(1 + 343 - 2 * (1 + 1 + 27 + 64) / 4)


def test_kernel_distance_is_unbiased():
    rng = np.random.default_rng(3)
    found = [kernel_distance(rng.normal(size=(30, 4)), rng.normal(size=(30, 4))) for _ in range(300)]
    assert abs(np.mean(found)) < 3 * np.std(found) / np.sqrt(300)
    assert min(found) < 0


def test_sets_far_apart_share_nothing():
    apart = precision_recall(CLOUD, CLOUD + 100)
    assert apart == {"precision": 0, "recall": 0, "density": 0, "coverage": 0}


def test_one_picture_again_and_again_is_precise_and_covers_nothing():
    one = np.repeat(CLOUD[:1], 200, axis=0)
    found = precision_recall(CLOUD, one)
    assert found["precision"] == 1
    assert found["recall"] <= 0.01 and found["coverage"] < 0.1


def test_precision_and_recall_by_hand():
    real, other = np.array([[0.0], [1.0], [2.0], [10.0]]), np.array([[0.5], [1.5], [30.0], [31.0]])
    found = precision_recall(real, other, k=1)  # real reach 1, 1, 1, 8: up to 3 and from 2 to 18
    assert found == {"precision": 0.5, "recall": 0.75, "density": 1.0, "coverage": 0.75}
