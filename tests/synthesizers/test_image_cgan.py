import io

import numpy as np
import pytest
import torch
from PIL import Image

from shd._errors import ShdError
from shd._grid import grid
from shd.synthesizers import ImageCGAN, load_synthesizer
from shd.synthesizers._image_game import ImageGame
from shd.synthesizers._image_nets import Judge, Refiner
from shd.synthesizers._image_stages import StageStart, enlarged, reduced
from shd.synthesizers._jpeg import as_stored, quantization
from shd.synthesizers.image_cgan import _judged_as

pytestmark = pytest.mark.filterwarnings("ignore:.*too few to learn from")
QUICK = {"steps": 3, "width": 4, "sharp_width": 5, "components": 6, "batch": 8, "device": "cpu"}


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


@pytest.fixture
def two_stages(monkeypatch):
    monkeypatch.setattr("shd.synthesizers.image_cgan._TWO_STAGES_FROM", 32)


def test_half_the_size_and_back():
    images = np.array([[[0, 4, 8, 8], [0, 8, 9, 8]]], dtype=np.uint8)
    assert reduced(images).tolist() == [[[3, 8]]]  # 12 / 4 and 33 / 4
    flat = torch.full((2, 1, 3, 4), 0.25)
    assert enlarged(flat).shape == (2, 6, 8) and (enlarged(flat) == 0.25).all()
    smooth = np.full((2, 6, 8), 77, dtype=np.uint8)
    assert np.array_equal(StageStart(None).project(smooth, None, None), smooth)


def test_networks_take_pictures_whose_quarter_is_odd():
    pictures, zeros = torch.rand(4, 1, 18, 26), torch.zeros(4, dtype=int)
    refiner, judge = Refiner(1, 1, 4), Judge(1, 1, 4, pack=2)
    noise = refiner.draw_noise(4, 18, 26, torch.Generator().manual_seed(0), torch.device("cpu"))
    assert refiner(pictures, pictures, noise, zeros, zeros).shape == pictures.shape
    assert judge(pictures, pictures, zeros, zeros)[0].shape == (4,)


def _stopping(monkeypatch, stage, at):
    """Press Ctrl-C before a step of a stage."""
    step = ImageGame.step

    def play(game):
        if game.step_ == at and isinstance(game.start, StageStart) == (stage == 2):
            raise KeyboardInterrupt
        step(game)

    monkeypatch.setattr(ImageGame, "step", play)
    return step


@pytest.mark.parametrize(("stage", "at"), [(1, 3), (2, 0), (2, 2)])
def test_a_fit_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch, heads, two_stages, stage, at):
    asked = {**QUICK, "steps": 6, "sharp_share": 0.7}
    data, state, whole = heads(), tmp_path / "state.ckpt", ImageCGAN(**asked)
    expected = whole.fit(data).sample(6).images
    assert whole.steps_ == 6 + 4
    monkeypatch.setattr(ImageCGAN, "_time", lambda self, plans, *_: [0.1] * len(plans))
    monkeypatch.setattr("shd.synthesizers._training._SECONDS_BETWEEN", -1)
    step = _stopping(monkeypatch, stage, at)
    stopped = ImageCGAN(**asked).fit(data, checkpoint=state)
    assert stopped.steps_ == 6 * (stage - 1) + at
    assert stopped.sample(2).images.shape == (2, 40, 37)
    monkeypatch.setattr(ImageGame, "step", step)
    resumed = ImageCGAN(**asked).fit(data, checkpoint=state)
    assert np.array_equal(resumed.sample(6).images, expected)
    with pytest.raises(ShdError, match="other parameters"):
        ImageCGAN(**asked).set_params(steps=7).fit(data, checkpoint=state)


def test_two_stages_are_saved_and_come_back(tmp_path, heads, two_stages):
    model = ImageCGAN(**QUICK).fit(heads())
    assert [stage.net.leave.in_channels for stage in model.stages_] == [4, 5]
    again = load_synthesizer(model.save(tmp_path / "model"))
    assert np.array_equal(again.sample(9).images, model.sample(9).images)
    assert not np.array_equal(model.sample(9).images, model.sample(9, random_state=1).images)


def test_it_says_how_long_it_takes_and_shows_what_it_draws(tmp_path, capsys, heads):
    ImageCGAN(**QUICK).fit(heads(), preview=tmp_path / "grid.png")
    assert "ImageCGAN: 3 steps, about 0.0 minutes" in capsys.readouterr().err
    with Image.open(tmp_path / "grid.png") as shown:
        assert shown.size == (3 * 32, 2 * 32)


def test_a_grid_is_shown_at_the_size_of_its_stage(tmp_path, monkeypatch, heads, two_stages):
    _stopping(monkeypatch, 2, 0)
    monkeypatch.setattr(ImageCGAN, "_time", lambda self, plans, *_: [0.1] * len(plans))
    ImageCGAN(**QUICK).fit(heads(), preview=tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as shown:
        assert shown.size == (3 * 16, 2 * 16)


def test_minutes_become_steps(heads, two_stages):
    few, many = (ImageCGAN(**QUICK).steps_for(heads(), minutes) for minutes in (0.05, 5))
    assert 1 <= few < many


def test_a_grid_is_read_like_text():
    pictures = np.arange(5, dtype=np.uint8)[:, None, None].repeat(2, 1).repeat(3, 2)
    whole = grid(pictures, rows=2)
    assert whole.shape == (4, 9)
    assert whole[::2, ::3].tolist() == [[0, 1, 2], [3, 4, 0]]


WRONG = {
    "steps=0": {"steps": 0},
    "sharp_share=0": {"sharp_share": 0},
    "batch=8 must hold two packs of 8": {"pack": 8},
    "precision='half'": {"precision": "half"},
    "jpeg_quality=0": {"jpeg_quality": 0},
}


@pytest.mark.parametrize("said", WRONG)
def test_arguments_that_cannot_work(said, heads):
    with pytest.raises(ShdError, match=said):
        ImageCGAN(**{**QUICK, **WRONG[said]}).fit(heads())
