"""What every family of images promises. A new one is picked up by being registered."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.synthesizers import ImageSynthesizer, load_synthesizer
from shd.synthesizers.base import registry
from shd.synthesizers.slice_gaussian import Pixels

SETTINGS = {
    "ImageCGAN": {"steps": 3, "width": 4, "components": 6, "batch": 8, "device": "cpu"},
    "FlowMatching": {"steps": 20, "width": 8, "components": 6},
    "ActiveAppearance": {"components": 6},
    "SliceGaussian": {"components": 6},
}
"""Constructor arguments that make a family quick enough for a test."""


@pytest.fixture(scope="module")
def data(heads):
    return heads()


@pytest.fixture(scope="module", params=sorted(n for n, f in registry.items() if issubclass(f, ImageSynthesizer)))
def family(request):
    return registry[request.param](**SETTINGS.get(request.param, {}))


@pytest.fixture(scope="module")
def model(family, data):
    return clone(family).fit(data)


pytestmark = pytest.mark.filterwarnings("ignore:.*too few to learn from")


def test_a_dataset_of_the_same_kind_comes_back(model, data):
    drawn = model.sample(20)
    assert drawn.images.shape == (20, 40, 37) and drawn.images.dtype == np.uint8
    assert (drawn.source, drawn.target, drawn.name, drawn.card) == ("synthetic", "class", "heads", data.card)
    pd.testing.assert_series_equal(drawn.frame.dtypes, data.frame.dtypes)


def test_what_is_asked_for_is_what_comes(model):
    drawn = model.sample(30, condition={"class": "ill", "slice": 2})
    assert (drawn.frame["class"] == "ill").all() and (drawn.frame["slice"] == 2).all()
    asked = pd.DataFrame({"class": ["well", "ill"] * 5})
    assert model.sample(10, condition=asked).frame["class"].tolist() == asked["class"].tolist()


def test_pictures_show_their_class_and_slice(model):
    dark = {
        name: (model.sample(40, condition={"class": name, "slice": 0}).images[:, 17:24, 15:22] < 90).mean()
        for name in ("well", "ill")
    }
    assert dark["ill"] > 1.5 * dark["well"]
    low, high = (model.sample(40, condition={"slice": k}).images.mean() for k in (0, 2))
    assert low > 1.1 * high


def test_outside_the_heads_all_is_black(model):
    images = model.sample(20).images
    assert images[:, :, 34:].max() <= 16 and images[:, -2:].max() <= 16


def test_the_same_seed_gives_the_same_pictures(family, model, data):
    first = model.sample(9).images
    assert np.array_equal(first, model.sample(9).images)
    assert np.array_equal(first, clone(family).fit(data).sample(9).images)
    assert not np.array_equal(first, model.sample(9, random_state=1).images)


def test_no_two_pictures_are_the_same(model):
    images = model.sample(40, condition={"class": "well", "slice": 1}).images
    assert len(np.unique(images.reshape(40, -1), axis=0)) == 40


def test_a_saved_model_gives_the_same_pictures(model, tmp_path):
    again = load_synthesizer(model.save(tmp_path / "model.safetensors"))
    assert type(again) is type(model) and again.get_params() == model.get_params()
    ours, theirs = model.sample(12), again.sample(12)
    assert np.array_equal(ours.images, theirs.images)
    assert ours.card == theirs.card and ours.name == theirs.name
    pd.testing.assert_frame_equal(ours.frame, theirs.frame)
    json.dumps(model.get_params())


def test_a_model_holds_no_picture_of_anybody(model, data, tmp_path):
    content = model.save(tmp_path / "m").read_bytes()
    rows = data.images[:, 20, 8:32]
    assert not any(row.tobytes() in content for row in rows if len(np.unique(row)) > 1)
    assert not [name for name, value in vars(model).items() if isinstance(value, Dataset)]


def test_without_slices_there_is_one_level(family, data):
    model = clone(family).fit(replace(data, frame=data.frame[["class"]]))
    assert list(model.sample(5).frame.columns) == ["class"]
    assert model.n_levels_ == 1


WRONG = {
    "Dataset with images": lambda data: data.frame,
    "pictures have no class": lambda data: replace(data, target=None),
    "'ward'": lambda data: replace(data, frame=data.frame.assign(ward=1)),
    "'slice' has missing values": lambda data: replace(data, frame=data.frame.assign(slice=np.nan)),
    "too small to learn from": lambda data: replace(data, images=data.images[:, :8]),
}


@pytest.mark.parametrize("said", WRONG)
def test_what_cannot_be_learned_is_one_clear_line(family, data, said):
    with pytest.raises(ShdError, match=said):
        clone(family).fit(WRONG[said](data))


def test_what_cannot_be_asked_for_is_one_clear_line(family, model, data):
    with pytest.raises(ShdError, match="call fit"):
        clone(family).sample(3)
    with pytest.raises(ShdError, match="n=0"):
        model.sample(0)
    with pytest.raises(ShdError, match="no level 'sick'"):
        model.sample(3, condition={"class": "sick"})
    for level in (9, 1.5, -1, True, "9", "1.5", None):
        with pytest.raises(ShdError, match="column 'slice' had no missing" if level is None else f"no level {level!r}"):
            model.sample(3, condition={"slice": level})
    assert (model.sample(3, condition={"slice": "1"}).frame["slice"] == 1).all()  # the number that it writes
    with pytest.raises(ShdError, match="components=0"):
        clone(family).set_params(components=0).fit(data)


def no_heads(kind, n_people=16, n_levels=2, size=(40, 48)):
    """Pictures that are no slices of heads: noise, shades from edge to edge, discs of black and white, negatives."""
    rng = np.random.default_rng(0)
    person, level = np.divmod(np.arange(n_people * n_levels), n_levels)
    y, x = np.mgrid[: size[0], : size[1]]
    disc = (x - 24) ** 2 + (y - 20) ** 2 < (rng.uniform(6, 14, n_people)[person] + level)[:, None, None] ** 2
    images = {
        "noise": lambda: rng.integers(0, 256, disc.shape),
        "shades": lambda: 20 + rng.uniform(0, 60, n_people)[person][:, None, None] + 2 * x + y,
        "black and white": lambda: 255 * disc,
        "negative": lambda: 255 - 180 * disc - rng.integers(0, 30, disc.shape),
    }[kind]()
    frame = pd.DataFrame({"class": pd.Categorical(np.array(["a", "b"])[person % 2]), "slice": level.astype("int64")})
    return Dataset(frame, target="class", subjects=person, images=images.astype(np.uint8))


def learned(thing, path="model"):
    """Give every array and tensor that a model holds, by where it lies."""
    for name, value in vars(thing).items():
        where = f"{path}.{name}"
        if isinstance(value, np.ndarray):
            yield where, value
        elif isinstance(value, torch.nn.Module):
            yield from ((f"{where}.{key}", tensor.numpy()) for key, tensor in value.state_dict().items())
        elif isinstance(value, Pixels | ImageSynthesizer):
            yield from learned(value, where)


@pytest.mark.parametrize("kind", ["noise", "shades", "black and white", "negative"])
def test_a_model_on_file_gives_the_same_pictures_whatever_they_show(family, kind, tmp_path):
    """To the last bit, and in the same order in memory: sums in another order end in another last bit."""
    model = clone(family).fit(no_heads(kind))
    drawn = model.sample(40)
    again = load_synthesizer(model.save(tmp_path / "model"))
    np.testing.assert_array_equal(again.sample(40).images, drawn.images)
    theirs = dict(learned(again))
    for where, own in learned(model):
        if where in theirs:
            np.testing.assert_array_equal(own, theirs[where], where)
            assert own.strides == theirs[where].strides, where
