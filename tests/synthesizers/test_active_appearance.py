import numpy as np
import pytest

from shd.synthesizers import ActiveAppearance, SliceGaussian
from shd.synthesizers.active_appearance import ShapeAndPixels, halves, register, unwarp, warp
from shd.synthesizers.slice_gaussian import Pixels

pytestmark = pytest.mark.filterwarnings("ignore:.*too few to learn from")


def disc(down=32.0, right=32.0, radius=16.0, size=64):
    """A bright disc with soft edges, float32 (1, size, size)."""
    y, x = np.mgrid[:size, :size]
    off = np.hypot(y - down, x - right)
    return (1 / (1 + np.exp(off - radius)))[None].astype(np.float32)


def test_a_disc_that_moved_is_found_where_it_went():
    picture, template = disc(35, 30), disc()
    field = register(picture, halves(template))
    assert field.shape == (1, 2, 16, 16) and field.dtype == np.float32
    # the picture shows at x what the template shows at x + field: three up, two to the right
    rim = (np.hypot(*(np.mgrid[:16, :16] * 4 + 1.5 - np.array([35, 30])[:, None, None])) - 16).__abs__() < 3
    down, right = field[0][:, rim]
    assert down.mean() == pytest.approx(-3, abs=0.7) and right.mean() == pytest.approx(2, abs=0.7)
    before, after = np.abs(picture - template).mean(), np.abs(picture - warp(template, field)).mean()
    assert after < 0.2 * before


def test_a_disc_that_grew_is_found_larger():
    picture, template = disc(radius=20), disc(radius=16)
    moved = warp(template, register(picture, halves(template)))
    assert moved.sum() == pytest.approx(picture.sum(), rel=0.05)


def test_equal_pictures_need_no_field():
    assert register(disc(), halves(disc())) == pytest.approx(0, abs=1e-5)  # pixels


def test_a_field_of_one_number_moves_everything_by_it():
    picture = disc(30, 34)
    field = np.zeros((1, 2, 16, 16), dtype=np.float32)
    field[:, 0], field[:, 1] = 2, -3
    assert warp(picture, field)[0, 10:50, 10:50] == pytest.approx(picture[0, 12:52, 7:47], abs=1e-4)


def test_unwarp_undoes_warp():
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:16, :16] / 16
    field = np.stack([2 * np.sin(3 * x + 5 * y), 3 * np.cos(4 * x)])[None].astype(np.float32)
    picture = disc(*rng.uniform(28, 36, 2))
    assert np.abs(unwarp(warp(picture, field), field) - picture).max() < 0.12
    assert np.abs(warp(picture, field) - picture).max() > 0.4


def test_half_a_pixel_does_not_blur_fine_structure():
    """Between two pixels a wave of four keeps .71 of its height if they are averaged, and .88 by a cubic."""
    wave = np.cos(np.arange(64) * np.pi / 2)[None, None].repeat(64, 1).astype(np.float32)
    moved = warp(wave, np.full((1, 2, 16, 16), 0.5, dtype=np.float32))[0, 10:50, 10:50]
    assert 0.82 < moved.std() / wave[0, 10:50, 10:50].std() < 1


def test_halves_are_means_of_four_pixels():
    assert halves(np.arange(16, dtype=np.float32).reshape(1, 4, 4)).tolist() == [[[2.5, 4.5], [10.5, 12.5]]]


@pytest.mark.parametrize("kind", [Pixels, ShapeAndPixels])
def test_a_description_can_be_drawn_again(heads, kind):
    data = heads(n_people=20, size=(40, 40))
    levels = data.frame["slice"].to_numpy()
    description = kind()
    features = description.learn(data.images, levels, 3)
    again = 255 * description.depict(features, levels)
    assert again.shape == data.images.shape and again.dtype == np.float32
    off = np.abs(again - data.images).mean()
    assert off < (1e-4 if kind is Pixels else 4)
    assert np.abs(data.images.mean(axis=0) - data.images).mean() > 12
    features[:, -description.inside.sum() :].clip(0, 1, out=features[:, -description.inside.sum() :])
    means = features[:6].reshape(2, 3, -1)
    other = kind()
    assert np.abs(other.from_tensors(description.to_tensors(means)) - means).max() < 0.02
    assert np.array_equal(other.inside, description.inside) and other.size == description.size


def test_a_slice_that_never_came_has_the_template_of_all(heads):
    data = heads(n_people=6, size=(40, 40))
    description = ShapeAndPixels()
    description.learn(data.images, np.zeros(len(data), dtype=int), 2)
    assert np.array_equal(description.template[0], description.template[1])


def test_the_mean_of_a_small_and_a_large_disc_is_one_between_and_has_an_edge():
    images = np.concatenate([disc(radius=r) for r in (12, 14, 16, 18, 20)])
    images, levels = np.rint(255 * images).astype(np.uint8), np.zeros(5, dtype=int)
    grey = {}
    for kind in (Pixels, ShapeAndPixels):
        description = kind()
        features = description.learn(images, levels, 1)
        (between,) = description.depict(features[[0, 4]].mean(axis=0, keepdims=True), levels[:1])
        grey[kind] = ((between > 0.2) & (between < 0.8)).sum()
        assert between.sum() == pytest.approx(disc(radius=16).sum(), rel=0.1)
    sharp = ((disc(radius=16) > 0.2) & (disc(radius=16) < 0.8)).sum()
    assert grey[Pixels] > 2.5 * sharp and grey[ShapeAndPixels] < 1.4 * sharp


def test_the_mean_picture_is_that_of_the_mean_description(heads):
    model = ActiveAppearance(components=6).fit(heads(n_people=30))
    assert isinstance(model, SliceGaussian) and model.mean_.shape[:2] == (2, 3)
    drawn = model.description_.depict(model.center_[1, 2:], np.array([2]))[0].clip(0, 1)
    assert model.mean_[1, 2] == pytest.approx(drawn, abs=1e-5)
