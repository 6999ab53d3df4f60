"""`SmoothedBootstrap`: what it draws, and that it leaks as it says."""

import numpy as np
import pandas as pd
import pytest

from shd import ShdError
from shd.dataset import Dataset
from shd.synthesizers import Marginals, SmoothedBootstrap
from shd.synthesizers._neighbours import Space, squared_distances


def _table(n=400, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.integers(20, 90, n)
    columns = {f"test {k}": rng.normal(age, 30).round() for k in range(4)}
    return pd.DataFrame({"age": age, **columns, "ward": rng.choice(list("abcd"), n),
                         "sick": np.where(rng.random(n) < age / 120, "yes", "no")})  # fmt: skip


def _copies(model, drawn):
    codes, made = (model.encoder_.transform(side) for side in (model.protection_.apply(_table()), drawn))
    return np.mean([tuple(row) in set(map(tuple, codes)) for row in made])


def test_without_blur_it_is_the_bootstrap_and_every_record_a_copy():
    model = SmoothedBootstrap(neighbours=0, width=0, min_people=1).fit(_table())
    assert _copies(model, model.sample(200)) == 1


def test_blur_makes_copies_rare():
    model = SmoothedBootstrap(min_people=1).fit(_table())
    assert _copies(model, model.sample(200)) < 0.02


@pytest.mark.filterwarnings("ignore::shd.ShdWarning")  # four rows are few, and meant to be
def test_neighbours_by_hand_are_of_other_people():
    frame = pd.DataFrame({"ward": list("aabc"), "drug": list("xyyz"), "day": list("ssst")})
    model = SmoothedBootstrap(neighbours=1, min_people=1).fit(Dataset(frame, subjects=[1, 1, 2, 3]))
    assert model.nearest_.tolist()[1:3] == [[1, 2], [2, 1]]
    assert model.nearest_[0, 1] == 2  # not its own other record, which is nearer
    alone = SmoothedBootstrap(neighbours=2, min_people=1).fit(Dataset(frame, subjects=[1, 1, 1, 3]))
    assert sorted(alone.nearest_[0, 1:]) == [0, 3]  # there is one other person


def test_it_leaks_as_it_says():
    """More of its records are nearer to people learned from than to as many others; independent columns are not."""
    people, others = _table(), _table(seed=1)

    def nearer(family):
        model = family.fit(people)
        tables = [model.protection_.apply(side) for side in (people, others)]
        codes = [model.encoder_.transform(side) for side in (*tables, model.sample(400))]
        space = Space.of(codes[0], model.encoder_.columns_)
        to = [
            np.concatenate([d.min(axis=1) for _, d in squared_distances(space(codes[2]), space(side))])
            for side in codes[:2]
        ]
        return float(np.mean(to[0] < to[1]))

    assert nearer(SmoothedBootstrap(width=0.02, neighbours=2)) > 0.65
    assert nearer(Marginals()) < 0.58


def test_what_is_asked_for_is_what_comes():
    model = SmoothedBootstrap(condition=("sick", "ward")).fit(_table())
    drawn = model.sample(100, condition={"sick": "yes", "ward": "a"})
    assert (drawn["sick"] == "yes").all() and (drawn["ward"] == "a").all()
    assert drawn["age"].mean() > _table()["age"].mean()


def test_numbers_stay_within_their_ends_and_move_by_the_width():
    frame = pd.DataFrame({"n": np.repeat(np.arange(100.0), 10)})
    near, far = (
        SmoothedBootstrap(neighbours=0, width=width, min_people=1).fit(frame).sample(1000)["n"] for width in (0.01, 1.0)
    )
    assert far.min() >= 0 and far.max() <= 99
    assert near.std() == pytest.approx(frame["n"].std(), rel=0.1)


def test_its_model_is_not_handed_on():
    with pytest.raises(ShdError, match="--no-model"):
        SmoothedBootstrap().fit(_table()).for_release()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"neighbours": -1}, "neighbours=-1"),
        ({"neighbours": 1.5}, "neighbours=1.5"),
        ({"width": 2}, "width=2"),
        ({"width": "wide"}, "width='wide'"),
        ({"max_levels": 1}, "max_levels=1"),
    ],
)
def test_what_cannot_be_is_said(given, said):
    with pytest.raises(ShdError, match=said):
        SmoothedBootstrap(**given).fit(_table())
