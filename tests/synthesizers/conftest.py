import numpy as np
import pandas as pd
import pytest

from shd.dataset import DataCard, Dataset


@pytest.fixture(scope="session")
def heads():
    """Give a maker of small pictures with known answers."""

    def make(n_people=12, n_levels=3, size=(40, 37), seed=0):
        """Bright discs with a dark middle, the larger the higher the class; every person has each slice."""
        rng = np.random.default_rng(seed)
        person, level = np.divmod(np.arange(n_people * n_levels), n_levels)
        classes = np.arange(n_people) % 2
        y, x = np.mgrid[: size[0], : size[1]]
        radius = rng.uniform(10, 13, n_people)[person] - level
        off = np.hypot(y - 20, x - 18)[None]
        light = rng.uniform(140, 220, n_people)[person][:, None, None]
        images = np.where(off < radius[:, None, None], light, 0.0)
        images[off.repeat(len(images), axis=0) < (2 + 2 * classes[person])[:, None, None]] = 30
        frame = pd.DataFrame(
            {
                "class": pd.Categorical(np.array(["well", "ill"])[classes[person]], ["well", "ill"], ordered=True),
                "slice": level.astype("int64"),
            }
        )
        card = DataCard(title="Heads", licence="CC0 1.0", notes=("Made up.",))
        return Dataset(frame, target="class", subjects=person, name="heads", card=card, images=images.astype(np.uint8))

    return make
