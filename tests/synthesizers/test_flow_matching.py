from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import kurtosis

from shd._errors import ShdError
from shd.synthesizers import FlowMatching, SliceGaussian
from shd.synthesizers.image_base import Labels

pytestmark = pytest.mark.filterwarnings("ignore:.*too few to learn from")


def test_it_begins_as_the_gaussian(heads):
    data, quick = heads(40), {"components": 6, "random_state": 3}
    flow = FlowMatching(steps=1, width=8, **quick).fit(data)
    for parameter in flow.net_.leave.parameters():
        parameter.zero_()
    assert np.array_equal(flow.sample(9).images, SliceGaussian(**quick).fit(data).sample(9).images)


def test_it_learns_two_heaps_that_a_gaussian_cannot(heads):
    data = heads(100, n_levels=2)
    bright = data.subjects % 4 < 2  # half the people are bright and half are dark, nobody is between
    images = np.where(data.images > 90, np.where(bright, 230, 120)[:, None, None], data.images).astype(np.uint8)
    flow = FlowMatching(steps=1500, width=64, components=4).fit(replace(data, images=images))
    rng = np.random.default_rng(0)
    normal, labels = flow.start_.normals(500, rng), Labels(rng.integers(2, size=500), rng.integers(2, size=500))
    before, after = (kurtosis(x[:, 0], fisher=False) for x in (normal, flow.move(normal, labels)))
    assert before > 2.5  # a normal number has 3
    assert after < 2.1  # those of the real people have 1.7


def test_normals_of_real_people_are_those_they_would_be_drawn_from(heads):
    data = heads(40)
    start = SliceGaussian(components=6).fit(data)
    top, bottom, left, right = start.box_
    inside = data.images[:, top:bottom, left:right]
    labels = Labels(data.frame["class"].cat.codes.to_numpy().astype(int), data.frame["slice"].to_numpy())
    normal = start.normals_of(inside, labels)
    rest = start.description_.describe(inside, labels.levels) - start.center_[labels]
    assert start.scores(normal, labels) == pytest.approx(rest @ start.basis_.T, abs=1e-3)
    assert normal.mean() == pytest.approx(0, abs=0.1)


def test_arguments_that_cannot_work(heads):
    with pytest.raises(ShdError, match="moves=0"):
        FlowMatching(moves=0).fit(heads())
