"""What chance and the machine must not decide: threads of the floor, and whose pictures are drawn again."""

from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from shd.compare.images import realism, sides
from shd.compare.images.pictures import Pictures
from shd.synthesizers import SliceGaussian


def some_pictures(n: int, people: np.ndarray) -> Pictures:
    images = np.random.default_rng(0).integers(0, 255, (n, 16, 16)).astype(np.uint8)
    return Pictures(images, np.arange(n) % 2, np.zeros(n, dtype=np.int64), people)


@pytest.mark.filterwarnings("ignore::shd.ShdWarning")  # few pictures, and meant to be
def test_the_floor_is_drawn_by_one_thread(monkeypatch):
    threads, fit = [], SliceGaussian.fit

    def watched(model, data):
        threads.extend(library["num_threads"] for library in threadpool_info())
        return fit(model, data)

    monkeypatch.setattr(SliceGaussian, "fit", watched)
    drawn = sides._floor(some_pictures(24, np.arange(24) // 2), ("a", "b"), 8, 0)
    assert len(drawn) == 8 and set(threads) == {1}


def test_people_are_drawn_again_whose_pictures_were_looked_at(monkeypatch):
    real, other = some_pictures(9, np.arange(9)), some_pictures(9, np.arange(9) + 100)
    drawn, weights = [], realism.subject_weights

    def watched(subjects, *given):
        drawn.append(subjects.tolist())
        return weights(subjects, *given)

    monkeypatch.setattr(realism, "subject_weights", watched)
    features = {name: np.random.default_rng(k).normal(size=(5, 3)) for k, name in enumerate(("real", *realism._SIDES))}
    of = SimpleNamespace(real=real, others={"synthetic": other}, random_state=0, word="real")
    realism._scores(of, features.pop("real"), features, ", five of nine")
    assert drawn == [[0, 2, 4, 6, 8], [100, 102, 104, 106, 108]] * 2
