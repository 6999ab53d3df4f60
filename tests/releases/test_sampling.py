"""Pictures that lie too near to a person learned from are drawn again."""

import numpy as np
import pandas as pd
import pytest

import shd
from shd._errors import ShdError
from shd.compare.images.privacy import too_near_to_train
from shd.releases.generate import sample_apart


@pytest.fixture(scope="module")
def train():
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (40, 4, 4)).repeat(8, 1).repeat(8, 2)
    frame = pd.DataFrame({"class": pd.Categorical(["a", "b"] * 20)})
    return shd.Dataset(frame, target="class", subjects=np.arange(40) // 2, images=blocks.astype(np.uint8))


class Copier:
    """Gives train pictures: those of a first draw always, later ones as `honest` as it is told to be."""

    random_state = 0

    def __init__(self, train, honest):
        self.train, self.honest, self.asked = train, honest, []

    def sample(self, n, condition=None, random_state=None):
        self.asked.append((n, condition, random_state))
        rows = np.arange(n) % len(self.train)
        images = self.train.images[rows]
        if len(self.asked) > 1 and self.honest:
            images = np.random.default_rng(random_state).integers(0, 256, (n, 4, 4)).repeat(8, 1).repeat(8, 2)
        frame = self.train.frame.iloc[rows].reset_index(drop=True) if condition is None else condition
        return shd.Dataset(frame, target="class", source="synthetic", images=images.astype(np.uint8))


def test_copies_are_too_near_and_strangers_are_not(train):
    strangers = np.random.default_rng(1).integers(0, 256, (30, 4, 4)).repeat(8, 1).repeat(8, 2).astype(np.uint8)
    assert too_near_to_train(train, train.images).all()
    assert too_near_to_train(train, strangers).mean() < 0.2
    assert too_near_to_train(train, strangers, share=0.9).mean() > 0.7


def test_what_is_too_near_is_drawn_again_for_the_same_class(train):
    copier = Copier(train, honest=True)
    drawn, drawn_again = sample_apart(copier, train, 10)
    assert drawn_again >= 10 and not too_near_to_train(train, drawn.images).any()
    assert drawn.frame["class"].tolist() == train.frame["class"].tolist()[:10]
    assert copier.asked[1][1]["class"].tolist() == drawn.frame["class"].tolist()
    assert len({state for _, _, state in copier.asked}) == len(copier.asked)  # never the same draw twice


def test_a_model_that_knows_people_by_heart_is_not_asked_for_ever(train, capsys):
    drawn, drawn_again = sample_apart(Copier(train, honest=False), train, 4)
    assert len(drawn) == 4 and drawn_again == 4 * 19
    assert "4 are still too near after 20 draws" in capsys.readouterr().err


def test_nothing_is_too_near_where_nothing_can_be_compared(train):
    with pytest.raises(ShdError, match="same size"):
        too_near_to_train(train, np.zeros((2, 8, 8), dtype=np.uint8))
    with pytest.raises(ShdError, match="two or more"):
        too_near_to_train(train.take(np.array([0, 1])), train.images)
