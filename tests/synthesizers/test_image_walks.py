import numpy as np
import pytest

from shd._errors import ShdError
from shd.synthesizers import ImageCGAN, SliceGaussian
from shd.synthesizers.image_walks import _arc, between_people, through_classes, through_slices

pytestmark = pytest.mark.filterwarnings("ignore:.*too few to learn from")


@pytest.fixture(scope="module", params=["SliceGaussian", "ImageCGAN"])
def model(request, heads):
    if request.param == "SliceGaussian":
        return SliceGaussian(components=6).fit(heads(40))
    return ImageCGAN(steps=2, width=4, components=6, batch=8, device="cpu").fit(heads(40))


def test_neighbours_on_the_way_are_more_alike_than_its_ends(model):
    walk = between_people(model, steps=6, condition={"class": "ill", "slice": 1})
    assert (walk.frame["class"] == "ill").all() and (walk.frame["slice"] == 1).all()
    images = walk.images.astype(float)
    steps = np.abs(np.diff(images, axis=0)).mean(axis=(1, 2))
    assert 0 < steps.max() < np.abs(images[0] - images[-1]).mean()


def test_the_same_person_is_shown_in_every_class_and_slice(model):
    classes = through_classes(model, condition={"slice": 2})
    assert classes.frame["class"].tolist() == ["well", "ill"] and (classes.frame["slice"] == 2).all()
    slices = through_slices(model, condition={"class": "well"})
    assert slices.frame["slice"].tolist() == [0, 1, 2] and (slices.frame["class"] == "well").all()
    again = through_slices(model, condition={"class": "well"})
    assert np.array_equal(slices.images, again.images)
    other = through_slices(model, condition={"class": "well"}, random_state=1)
    assert not np.array_equal(slices.images, other.images)


def test_an_arc_keeps_its_distance_from_the_middle():
    first, last = np.array([3.0, 0.0]), np.array([0.0, 3.0])
    points = _arc(first, last, np.array([[0.0], [0.5], [1.0]]))
    assert points == pytest.approx(np.array([[3, 0], [4.5**0.5, 4.5**0.5], [0, 3]]))
    assert _arc(first, first, np.array([[0.5]]))[0] == pytest.approx(first)


def test_what_cannot_be_walked():
    with pytest.raises(ShdError, match="steps=1"):
        between_people(SliceGaussian(), steps=1)
    with pytest.raises(ShdError, match="call fit"):
        through_classes(SliceGaussian())
