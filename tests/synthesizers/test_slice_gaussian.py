from dataclasses import replace

import numpy as np
import pytest

from shd._errors import ShdError
from shd.synthesizers import SliceGaussian
from shd.synthesizers.image_base import Labels
from shd.synthesizers.slice_gaussian import _packed, _unpacked, class_means, root, spreads

pytestmark = pytest.mark.filterwarnings("ignore:.*too few to learn from")


def test_a_class_with_ten_pictures_lies_half_way_to_the_trend():
    x = np.r_[np.full((10, 1), 0.2), np.full((10, 1), 0.6)].astype(np.float32)
    means = class_means(x, np.repeat([0, 1], 10), np.zeros(20, dtype=int), 2, 1)
    # two classes lie on their own trend, so that nothing moves
    assert means[:, 0, 0] == pytest.approx([0.2, 0.6], abs=1e-6)
    x = np.r_[x, np.full((10, 1), 0.4)].astype(np.float32)
    means = class_means(x, np.repeat([0, 1, 2], 10), np.zeros(30, dtype=int), 3, 1)
    # the line through .2, .6, .4 is .3, .4, .5; each class is drawn half way to it
    assert means[:, 0, 0] == pytest.approx([0.25, 0.5, 0.45], abs=1e-6)


def test_the_mean_of_a_class_of_one_is_not_that_picture(heads):
    data = heads(n_people=21)
    classes = np.where(data.subjects == 20, 2, data.frame["class"].cat.codes)
    x = data.images.reshape(len(data), -1) / np.float32(255)
    means = class_means(x, classes, data.frame["slice"].to_numpy(), 3, 3)
    own = x[(classes == 2) & (data.frame["slice"] == 1)][0]
    trend = 2 * means[1, 1] - means[0, 1]
    assert np.abs(means[2, 1] - own).mean() > 2 * np.abs(means[2, 1] - trend).mean()


def test_a_class_that_never_came_at_a_level_has_a_mean_all_the_same():
    x = np.array([[0.0], [1.0]], dtype=np.float32)
    means = class_means(x, np.array([0, 1]), np.array([0, 0]), 2, 2)
    assert np.isfinite(means).all()


def test_brightness_is_that_of_real_pictures(heads):
    data = heads(n_people=40)
    drawn = SliceGaussian(components=8).fit(data).sample(120)
    share = np.linspace(0, 1, 21)
    real, synthetic = (np.quantile(images, share) for images in (data.images, drawn.images))
    assert np.abs(real - synthetic).mean() < 8


def test_projected_pictures_are_nearer_to_the_real_ones_than_means_are(heads):
    data = heads(n_people=40)
    model = SliceGaussian(components=8).fit(data)
    labels = Labels(data.frame["class"].cat.codes.to_numpy().astype(int), data.frame["slice"].to_numpy())
    top, bottom, left, right = model.box_
    real = data.images[:, top:bottom, left:right]
    seen = model.project(real, labels)
    assert seen.shape == real.shape and seen.dtype == np.uint8
    off = [np.abs(real.astype(float) - other).mean() for other in (seen, 255 * model.mean_[labels])]
    assert off[0] < 0.7 * off[1]


def test_slices_of_one_made_up_person_fit_together(heads):
    model = SliceGaussian(components=8).fit(heads(n_people=40))
    cohort = model.sample_people([0, 1, 1, 0] * 5)
    assert len(cohort) == 60 and cohort.frame["slice"].tolist() == [0, 1, 2] * 20
    assert cohort.subjects.tolist() == np.repeat(np.arange(20), 3).tolist()
    assert cohort.frame["class"].tolist()[:9] == ["well"] * 3 + ["ill"] * 6
    light = np.array([image[image > 80].mean() for image in cohort.images]).reshape(20, 3)
    within, between = light.std(axis=1).mean(), light.mean(axis=1).std()
    assert within < between / 2
    with pytest.raises(ShdError, match="call fit"):
        SliceGaussian().sample_people([0])


def test_two_small_numbers_fit_into_a_byte():
    steps = np.array([[-7, 7, 0], [1, -1, 3]], dtype=np.int8)
    assert _packed(steps).tolist() == [[1 * 16 + 15, 8 * 16], [9 * 16 + 7, 11 * 16]]
    assert _unpacked(_packed(steps[:0]), 3).shape == (0, 3)
    for width in (6, 7):
        steps = np.random.default_rng(0).integers(-7, 8, (5, width)).astype(np.int8)
        assert np.array_equal(_unpacked(_packed(steps), width), steps)


def test_shrinking_keeps_every_variance():
    rng = np.random.default_rng(0)
    scores = rng.standard_normal((40, 12)) * np.geomspace(10, 0.1, 12)
    factor = root(scores)
    assert np.allclose(factor, np.tril(factor))
    assert np.allclose((factor @ factor.T).diagonal(), (scores**2).mean(axis=0), rtol=1e-4)
    scores[:, 3] = 0  # always the same
    factor = root(scores)
    assert np.isfinite(np.linalg.inv(factor)).all()
    assert np.allclose((factor @ factor.T).diagonal()[4:], (scores[:, 4:] ** 2).mean(axis=0), rtol=1e-4)


def test_slices_of_too_few_pictures_vary_as_the_others_do(heads):
    """Of the slices 4 and 9 there is one picture each, of the slices between none."""
    data = heads(n_people=40, n_levels=2)
    levels = data.frame["slice"].to_numpy().copy()
    levels[[3, 7]] = 4, 9
    model = SliceGaussian(components=6, groups=2)
    labels = Labels(data.frame["class"].cat.codes.to_numpy().astype(int), levels)
    model.learn(data.images, labels, (2, 10), np.random.default_rng(0))
    assert np.array_equal(model.factor_[1], model.factor_[2])
    normal = model.normals_of(data.images, labels)
    assert np.isfinite(normal).all()
    assert model.blurred(normal[:9], Labels(labels.classes[:9], np.arange(9))).std(axis=0).max() > 0.1


def test_the_spread_of_a_class_of_forty_pictures_lies_half_way_to_that_of_all():
    scores = np.repeat([[1.0, 2.0], [4.0, 2.0]], 40, axis=0) * np.tile([[1], [-1]], (40, 1))
    everyone = np.sqrt((1 + 16) / 2)
    found = spreads(scores, np.repeat([0, 1], 40), 3)
    assert found[:, 1] == pytest.approx([2, 2, 2])
    assert found[:, 0] == pytest.approx([np.sqrt(everyone), np.sqrt(4 * everyone), everyone])  # the third never came
    assert spreads(scores[:0], np.zeros(0, dtype=int), 2).tolist() == [[1, 1], [1, 1]]


def test_classes_differ_by_as_much_as_theirs_do(heads):
    data = heads(n_people=100, n_levels=2)
    ill = data.frame["class"].cat.codes.to_numpy() == 1
    images = data.images.astype(float)
    images[ill] = images[ill].mean(axis=0) + (images[ill] - images[ill].mean(axis=0)) / 5
    model = SliceGaussian(components=6).fit(replace(data, images=images.astype(np.uint8)))
    drawn = model.sample(400, random_state=1)
    drawn = drawn.take(np.flatnonzero(drawn.frame["slice"] == 0))
    of_class = drawn.frame["class"].cat.codes.to_numpy()
    wide, narrow = (drawn.images[of_class == k].mean(axis=(1, 2)).std() for k in (0, 1))
    assert wide > 1.5 * narrow  # five times, drawn together by radius and by shrinking


def test_two_kinds_of_people_are_drawn_as_two_kinds(heads):
    """Three quarters lie at -1 and a quarter at 3: one Gaussian would put most between."""
    model = SliceGaussian(components=4, groups=2).fit(heads(n_people=100))
    rng = np.random.default_rng(0)
    people = 0.3 * rng.standard_normal((800, 4)) + np.where(np.arange(800) % 4, -1, 3)[:, None]
    model._learn_groups(people, rng)
    assert sorted(model.group_weight_) == pytest.approx([0.25, 0.75], abs=1e-3)
    drawn = model.normals(4000, rng)
    assert drawn.dtype == np.float32 and np.isfinite(drawn).all()
    assert (drawn[:, 0] > 1).mean() == pytest.approx(0.25, abs=0.03)
    assert (np.abs(drawn[:, 0] - 1) < 0.8).mean() < 0.01
    assert drawn[:, 0].std() == pytest.approx(people[:, 0].std(), rel=0.05)


def test_one_person_far_from_all_others_is_no_group(heads):
    model = SliceGaussian(components=4, groups=2).fit(heads(n_people=100))
    rng = np.random.default_rng(0)
    people = rng.standard_normal((800, 4))
    people[:32] += 9  # the slices of one
    model._learn_groups(people, rng)
    assert model.group_weight_.tolist() == [1] and (model.group_mean_ == 0).all()


def test_few_pictures_make_one_group(heads):
    model = SliceGaussian(components=4, groups=8).fit(heads(n_people=40))
    assert model.group_weight_.tolist() == [1] and (model.group_factor_[0] == np.eye(4)).all()


def test_many_components_are_kept_in_half_a_byte_and_what_is_always_black_in_none(heads, tmp_path):
    data = heads(n_people=60, size=(64, 64))  # all ink lies in the first 34 rows and columns
    model = SliceGaussian(components=90).fit(data)
    content = model.save(tmp_path / "model").stat().st_size
    inside = int(model.description_.inside.sum())
    assert inside < 24**2 and model.basis_.shape == (90, inside)
    assert (np.abs(np.rint(model.basis_ / model.scale_))[60:] <= 7).all()
    assert content < 6 * inside + 60 * inside + 15 * inside + 90 * 91 + 30_000
    drawn = model.sample(30).images
    top, bottom, left, right = model.box_
    assert drawn[:, top:bottom, left:right][:, ~model.description_.inside].max() == 0


def test_a_trend_that_leads_beyond_white_is_white():
    """Means of 100, 240 and, of one picture, 255: the line through them leads to about 380."""
    classes = np.repeat([0, 1, 2], [12, 12, 1])
    grey = np.array([100, 240, 255])[classes] - np.arange(25) % 3
    images = grey[:, None, None].repeat(16, 1).repeat(16, 2).astype(np.uint8)
    model = SliceGaussian(components=2)
    model.learn(images, Labels(classes, np.zeros(25, dtype=int)), (3, 1), np.random.default_rng(0))
    assert (model.mean_[2] == 1).all() and (model.mean_[1] < 0.95).all()
    assert (model._get_images_state()[0]["mean"][2] == 255).all()
