from dataclasses import replace

import numpy as np
import pytest

from shd._errors import ShdError
from shd.compare import ask
from shd.compare.images.attention import agreement
from shd.compare.images.means import mean_image_error
from shd.compare.images.pictures import Pictures, like, reduced, shared_counts, some_of
from shd.compare.images.variety import _band, brightness, ventricle_share


def pictures(classes, levels, seed=0) -> Pictures:
    images = np.random.default_rng(seed).integers(0, 255, (len(classes), 8, 8)).astype(np.uint8)
    return Pictures(images, np.array(classes), np.array(levels), np.arange(len(classes)))


def test_brightness_leaves_the_background_out():
    images = np.zeros((2, 4, 4), dtype=np.uint8)
    images[0, :2] = 100
    images[0, 2] = 10  # noise of the background
    assert brightness(images).tolist() == [100, 0]


def test_ventricles_are_what_is_dark_in_the_middle():
    images = np.full((2, 8, 8), 200, dtype=np.uint8)
    images[0, 3:5, 3:5] = 20
    images[1, 0] = 0  # outside
    assert ventricle_share(images).tolist() == [4 / 16, 0]


def test_ventricles_widen_with_the_class(heads):
    data = heads(6, 5)
    share = [
        ventricle_share(data.images[(data.frame["class"] == c).to_numpy()]).mean() for c in ("none", "some", "much")
    ]
    assert share == sorted(share) and share[2] > 1.5 * share[0]


def test_mean_image_error_is_in_grey_levels():
    images = np.full((3, 4, 4), 100, dtype=np.uint8)
    assert mean_image_error(images, images + 7) == 7
    assert mean_image_error(images, np.concatenate([images - 50, images + 50])) == 0


def test_reducing_averages():
    image = np.zeros((1, 4, 4), dtype=np.uint8)
    image[0, :2, :2] = [[10, 20], [30, 40]]
    assert reduced(image, 2).tolist() == [[[25, 0], [0, 0]]]


def test_equal_sets_have_the_same_classes_and_slices():
    wanted = pictures([0, 0, 0, 1, 1], [1, 1, 2, 1, 5])
    pool = pictures([0] * 6 + [1] * 3, [1, 1, 1, 2, 2, 3, 1, 4, 9])
    found = like(wanted, pool, np.random.default_rng(0))
    assert found.classes.tolist() == [0, 0, 0, 1, 1]
    assert sorted(found.levels[:3]) == [1, 1, 2]
    assert sorted(found.levels[3:]) == [1, 4]  # no slice 5: the nearest one
    assert len(np.unique(found.subjects)) == 5


def test_a_class_that_runs_out_gives_fewer():
    wanted, pool = pictures([0, 0, 1], [0, 0, 0]), pictures([0, 1, 1], [0, 0, 0])
    assert like(wanted, pool, np.random.default_rng(0)).classes.tolist() == [0, 1]
    counts = shared_counts([wanted, pool], 2)
    assert counts.tolist() == [1, 1]
    assert some_of(wanted, counts, np.random.default_rng(0)).classes.tolist() == [0, 1]


def test_agreement_of_maps():
    maps = np.random.default_rng(0).random((3, 8, 8))
    flat = np.ones((3, 8, 8))
    assert np.allclose(agreement(maps, 2 * maps + 1), 1) and np.allclose(agreement(maps, -maps), -1)
    assert np.isnan(agreement(maps, flat)).all()


def test_verdicts_on_a_ratio():
    assert _band(1.1, 1.05, 1.15, 1.0) == "green" and _band(0.7, 0.6, 0.8, 1.0) == "amber"
    assert _band(0.0, 0.0, 0.0, 1.0) == "red" and _band(2.0, 1.9, 2.1, 1.0) == "red"
    assert _band(0.7, 0.4, 1.1, 1.0) == "green"  # chance explains it
    assert _band(2.0, 1.9, 2.1, 2.2) == "green"  # the people held out are all alike: others differ as much


def near(train, synthetic, holdout):
    """Return exact copies, and the share nearer to train with that of other real people."""
    found = ask("copies and distances", train, synthetic, holdout=holdout)
    nearer = found.score("nearer to train")
    return found.score("exact copies").value, nearer.value, nearer.ceiling


def test_copies_are_counted_and_memory_shows_against_the_reference(heads):
    train, holdout, fresh = heads(12, 1), heads(6, 2), heads(12, 3)
    copies, share, reference = near(train, train, holdout)
    assert copies == len(train) and share - reference > 0.2
    copies, share, same = near(train, fresh, holdout)
    assert copies == 0 and abs(share - same) < 0.15 and same == reference
    some = fresh.images.copy()
    some[:5] = train.images[:5]
    assert near(train, replace(fresh, images=some), holdout)[0] == 5


def test_one_class_is_refused(heads):
    train = heads(1, 1)
    one = train.take(np.flatnonzero(train.frame["class"] == "none"))
    with pytest.raises(ShdError, match="one class only"):
        ask("copies and distances", one, train, holdout=train)
