from dataclasses import replace

import numpy as np
import pytest
import torch

from shd._errors import ShdError
from shd.compare import image_c2st, image_tstr, leakage_by_split
from shd.compare.images import grad_cam
from shd.compare.images import imagenet as _imagenet
from shd.compare.images.networks import Classifier, Detector, build, features, train_classifier
from shd.compare.images.pictures import Pictures
from shd.dataset import Dataset


def test_networks_have_the_size_they_are_said_to_have():
    sizes = [sum(p.numel() for p in network.parameters()) for network in (Classifier(4), Detector(128, 128))]
    assert sizes[0] == pytest.approx(168_000, abs=500) and 150_000 < sizes[1] < 200_000


@pytest.mark.parametrize(("height", "width"), [(32, 32), (50, 41), (128, 128), (208, 176)])
def test_the_detector_takes_any_size(height, width):
    detector = build(lambda: Detector(height, width), 0).eval()
    assert detector(torch.rand(3, 1, height, width)).shape == (3,)


def test_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first, again, other = (build(lambda: Classifier(2), seed).head.weight for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_classifier_learns_and_gives_the_same_digits_again(heads):
    train, test = heads(10, 1), heads(6, 2)
    first = image_tstr(train, test, steps=40)
    assert first == image_tstr(train, test, steps=40)
    assert set(first) == {"two classes", "all classes"} and first["two classes"] > 0.8


def test_two_classes_are_one_question(heads):
    train, test = (data.take(data.frame["class"] != "some") for data in (heads(8, 1), heads(6, 2)))
    assert set(image_tstr(train, test, steps=5)) == {"two classes"}


def test_a_detector_finds_what_is_foreign(heads):
    train, made, holdout = heads(12, 1), heads(12, 3), heads(6, 2)
    odd = made.images.copy()
    odd[:, ::2, ::2] //= 2
    assert image_c2st(train, replace(made, images=odd), holdout, steps=40) > 0.9
    assert image_c2st(train, made, holdout, steps=40) == pytest.approx(0.5, abs=0.25)


def test_features_come_from_before_the_last_layer(heads):
    data = heads(4, 1)
    pictures = Pictures(
        data.images, data.frame["class"].cat.codes.to_numpy().astype(int), np.zeros(36, int), data.subjects
    )
    network = train_classifier(pictures, 3, 0, steps=3)
    assert features(network, pictures).shape == (36, 64)
    maps = grad_cam(network, pictures.small, pictures.classes)
    assert maps.shape == (36, 8, 8) and (maps >= 0).all()


def test_a_split_by_image_scores_higher(heads):
    frame = leakage_by_split(heads(8, 1), steps=20)
    assert frame.columns.tolist() == ["split", "task", "metric", "value", "low", "high"]
    assert len(frame) == 8 and set(frame["split"]) == {"by image", "by subject"}
    assert frame.equals(leakage_by_split(heads(8, 1), steps=20))
    assert ((frame["low"] <= frame["value"]) & (frame["value"] <= frame["high"])).all()


def test_people_that_differ_at_random_are_known_again():
    """The class says nothing, so that only who it is can be learned."""
    rng = np.random.default_rng(0)
    people = rng.integers(0, 255, (30, 16, 16))
    images = np.repeat(people, 6, axis=0) + rng.integers(-5, 6, (180, 16, 16))
    frame = replace_frame(np.repeat(rng.permutation(np.arange(30) % 2), 6))
    data = Dataset(
        frame, target="class", subjects=np.repeat(np.arange(30), 6), images=np.clip(images, 0, 255).astype(np.uint8)
    )
    scores = leakage_by_split(data, steps=40).query("metric == 'AUROC'").set_index("split")["value"]
    assert scores["by image"] > 0.9 and scores["by subject"] < 0.8


def replace_frame(classes: np.ndarray):
    import pandas as pd

    return pd.DataFrame({"class": pd.Categorical.from_codes(classes, ["a", "b"])})


def test_bad_input_is_refused(heads):
    data = heads(4, 1)
    table = Dataset(data.frame, target="class")
    for call in (
        lambda: image_tstr(table, data),
        lambda: image_c2st(data, data, table),
        lambda: leakage_by_split(table),
    ):
        with pytest.raises(ShdError, match="images"):
            call()
    with pytest.raises(ShdError, match="several subjects"):
        leakage_by_split(replace(data, subjects=None))
    with pytest.raises(ShdError, match="pictures a side or more"):
        image_tstr(data, data.take(np.arange(3)))
    with pytest.raises(ShdError, match="at least 12 pictures"):
        image_c2st(data, data, data.take(np.arange(3)))


def test_imagenet_is_used_only_where_its_weights_are(heads, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    network, why = _imagenet.from_cache()
    assert network is None and "not on this machine" in why
    (tmp_path / "checkpoints").mkdir()
    path = tmp_path / "checkpoints" / "resnet18-f37072fd.pth"
    path.write_bytes(b"cut off")
    assert "cannot be read" in _imagenet.from_cache()[1]

    from torchvision.models import resnet18

    torch.save(resnet18(weights=None).state_dict(), path)
    data = heads(2, 1)
    network, why = _imagenet.from_cache()
    pictures = Pictures(data.images, np.zeros(18, int), np.zeros(18, int), data.subjects)
    assert why == "" and _imagenet.features(network, pictures).shape == (18, 512)
