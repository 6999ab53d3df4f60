from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from shd.compare import ask
from shd.compare.images import imagenet as _imagenet
from shd.compare.images import networks as _networks
from shd.compare.images.attention import grad_cam
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


@pytest.fixture
def longer(monkeypatch):
    """Train for forty steps: enough to learn what is plain."""
    for steps in ("_STEPS", "_FEWEST_STEPS", "_DETECTOR_STEPS", "_FEWEST_DETECTOR_STEPS"):
        monkeypatch.setattr(_networks, steps, 40)


TSTR = "TRTR, TSTR, TSTS, TRTS"


@pytest.mark.slow
def test_a_classifier_learns_and_gives_the_same_digits_again(heads, longer):
    tables = [ask(TSTR, heads(12, 1), heads(12, 3), holdout=heads(6, 2)).table("utility") for _ in range(2)]
    assert tables[0].equals(tables[1])
    value = tables[0].set_index(["design", "target"])["value"]
    assert set(tables[0]["target"]) == {"two classes", "all classes"} and value["TRTR", "two classes"] > 0.8


def test_two_classes_are_one_question(heads):
    three = heads(17, 1), heads(17, 3), heads(6, 2)
    train, made, holdout = (data.take(np.flatnonzero(data.frame["class"] != "some")) for data in three)
    assert set(ask(TSTR, train, made, holdout=holdout).table("utility")["target"]) == {"two classes"}


@pytest.mark.slow
def test_a_detector_finds_what_is_foreign(heads, longer):
    train, made, holdout = heads(12, 1), heads(12, 3), heads(6, 2)
    odd = made.images.copy()
    odd[:, ::2, ::2] //= 2
    asked = "C2ST: telling real from synthetic"
    foreign, alike = (ask(asked, train, other, holdout=holdout) for other in (replace(made, images=odd), made))
    assert foreign.score("C2ST").value > 0.9
    assert alike.score("C2ST").value == pytest.approx(0.5, abs=0.25)


def test_features_come_from_before_the_last_layer(heads):
    data = heads(4, 1)
    pictures = Pictures(
        data.images, data.frame["class"].cat.codes.to_numpy().astype(int), np.zeros(36, int), data.subjects
    )
    network = train_classifier(pictures, 3, 0, lambda share: None)
    assert features(network, pictures).shape == (36, 64)
    maps = grad_cam(network, pictures.small, pictures.classes)
    assert maps.shape == (36, 8, 8) and (maps >= 0).all()


def test_both_splits_are_scored(fresh):
    frame = fresh.table("leakage")
    assert frame.columns.tolist() == ["split", "task", "metric", "value", "low", "high"]
    assert len(frame) == 8 and set(frame["split"]) == {"by image", "by subject"}
    assert ((frame["low"] <= frame["value"]) & (frame["value"] <= frame["high"])).all()


def test_people_that_differ_at_random_are_known_again(longer):
    """The class says nothing, so that only who it is can be learned."""
    rng = np.random.default_rng(0)
    people = rng.integers(0, 255, (30, 16, 16))
    images = np.repeat(people, 6, axis=0) + rng.integers(-5, 6, (180, 16, 16))
    classes = pd.Categorical.from_codes(np.repeat(rng.permutation(np.arange(30) % 2), 6), ["a", "b"])
    data = Dataset(
        pd.DataFrame({"class": classes}),
        target="class",
        subjects=np.repeat(np.arange(30), 6),
        images=np.clip(images, 0, 255).astype(np.uint8),
    )
    found = ask("leakage: split by image and by subject", data, replace(data, subjects=None)).table("leakage")
    scores = found.query("metric == 'AUROC'").set_index("split")["value"]
    assert scores["by image"] > 0.9 and scores["by subject"] < 0.8


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
