import io

import numpy as np
import pytest
import torch
from PIL import Image

from shd._errors import ShdError
from shd.plot import grid
from shd.synthesizers import ImageCGAN
from shd.synthesizers.image_cgan import _judged_as
from shd.synthesizers.image_game import ImageGame, Judge, Refiner, as_stored, quantization

pytestmark = pytest.mark.filterwarnings("ignore:.*too few to learn from")
QUICK = {"steps": 3, "width": 4, "components": 6, "batch": 8, "device": "cpu"}


def test_stored_as_pillow_stores_it():
    rng = np.random.default_rng(0)
    images = rng.integers(60, 200, (6, 4, 5)).repeat(8, 1).repeat(8, 2) + rng.integers(-20, 20, (6, 32, 40))
    for quality in (60, 90):
        ours = as_stored(torch.tensor(images[:, None] / 255, dtype=torch.float32), quality)[:, 0] * 255
        for image, stored in zip(images.astype(np.uint8), ours.numpy(), strict=True):
            file = io.BytesIO()
            Image.fromarray(image).save(file, "JPEG", quality=quality)
            theirs = np.asarray(Image.open(file)).astype(float)
            assert np.abs(theirs - stored).mean() < 0.2 * np.abs(theirs - image).mean()


def test_quantization_is_that_of_libjpeg():
    file = io.BytesIO()
    Image.new("L", (8, 8)).save(file, "JPEG", quality=90)
    theirs = Image.open(file).quantization[0]
    assert sorted(theirs) == sorted(quantization(90).flatten().int().tolist())
    assert (quantization(100) == 1).all()


def test_networks_map_pictures_to_pictures_and_packs_to_scores():
    pictures, classes, levels = torch.rand(8, 1, 24, 32), torch.zeros(8, dtype=int), torch.arange(8) % 3
    refiner, judge = Refiner(2, 3, 4), Judge(2, 3, 4, pack=4)
    noise = refiner.draw_noise(8, 24, 32, torch.Generator().manual_seed(0), torch.device("cpu"))
    drawn = refiner(pictures, pictures, noise, classes, levels)
    assert drawn.shape == pictures.shape
    assert (drawn - pictures).abs().mean() < 0.1  # it begins with what it is given
    alone, together = judge(drawn, pictures, classes, levels)
    assert alone.shape == (8,) and together.shape == (2,)


def test_a_pack_is_judged_as_a_whole():
    judge, pictures, zeros = Judge(2, 3, 4, pack=4), torch.rand(8, 1, 16, 16), torch.zeros(8, dtype=int)
    other = torch.cat([pictures[:7], torch.rand(1, 1, 16, 16)])
    (alone, together), (alone2, together2) = (judge(p, p, zeros, zeros) for p in (pictures, other))
    assert torch.equal(alone[:7], alone2[:7]) and not torch.equal(alone[7], alone2[7])
    assert torch.equal(together[0], together2[0]) and not torch.equal(together[1], together2[1])


def test_a_class_of_few_people_is_judged_with_its_neighbour():
    classes = np.repeat([0, 1, 2, 3], [20 * 4, 10 * 4, 6 * 4, 1 * 4])
    assert _judged_as(classes, np.arange(len(classes)) % 4, 4).tolist() == [0, 1, 2, 2]
    assert _judged_as(np.zeros(4, dtype=int), np.arange(4), 2).tolist() == [0, 0]


def test_a_fit_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch, heads):
    data, state, whole = heads(), tmp_path / "state.ckpt", ImageCGAN(**QUICK).set_params(steps=6)
    expected = whole.fit(data).sample(6).images
    step, stop_at = ImageGame.step, 3

    def stopping(game):
        if game.step_ == stop_at:
            raise KeyboardInterrupt
        step(game)

    monkeypatch.setattr("shd.synthesizers.image_cgan.seconds_per_call", lambda work, calls: 0.1)
    monkeypatch.setattr("shd.synthesizers._training._SECONDS_BETWEEN", -1)
    monkeypatch.setattr(ImageGame, "step", stopping)
    stopped = ImageCGAN(**QUICK).set_params(steps=6).fit(data, checkpoint=state)
    assert stopped.steps_ == 3
    assert stopped.sample(2).images.shape == (2, 40, 37)
    monkeypatch.setattr(ImageGame, "step", step)
    resumed = ImageCGAN(**QUICK).set_params(steps=6).fit(data, checkpoint=state)
    assert np.array_equal(resumed.sample(6).images, expected)
    with pytest.raises(ShdError, match="other parameters"):
        ImageCGAN(**QUICK).set_params(steps=7).fit(data, checkpoint=state)


def test_it_says_how_long_it_takes_and_shows_what_it_draws(tmp_path, capsys, heads):
    ImageCGAN(**QUICK).fit(heads(), preview=tmp_path / "grid.png")
    assert "ImageCGAN: 3 steps, about 0.0 minutes" in capsys.readouterr().err
    with Image.open(tmp_path / "grid.png") as shown:
        assert shown.size == (3 * 32, 2 * 32)


def test_minutes_become_steps(heads):
    few, many = (ImageCGAN(**QUICK).steps_for(heads(), minutes) for minutes in (0.05, 5))
    assert 1 <= few < many


def test_a_grid_is_read_like_text():
    pictures = np.arange(5, dtype=np.uint8)[:, None, None].repeat(2, 1).repeat(3, 2)
    whole = grid(pictures, rows=2)
    assert whole.shape == (4, 9)
    assert whole[::2, ::3].tolist() == [[0, 1, 2], [3, 4, 0]]


WRONG = {
    "steps=0": {"steps": 0},
    "batch=8 must hold two packs of 8": {"pack": 8},
    "precision='half'": {"precision": "half"},
    "jpeg_quality=0": {"jpeg_quality": 0},
}


@pytest.mark.parametrize("said", WRONG)
def test_arguments_that_cannot_work(said, heads):
    with pytest.raises(ShdError, match=said):
        ImageCGAN(**{**QUICK, **WRONG[said]}).fit(heads())
