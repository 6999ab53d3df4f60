"""`ADSGAN`: circles worked out by hand, a share that is kept, and a guard that is not handed on."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open

from shd import ShdError
from shd.dataset import DataCard, Dataset
from shd.releases import Cost, Split, make_release
from shd.releases.card_page import card_as_html, pages_of_card
from shd.synthesizers import ADSGAN, load_synthesizer
from shd.synthesizers._neighbours import Space, are_inside, nearest, squared_distances, to_other_people
from shd.synthesizers.encoding import TableEncoder

SMALL = {"steps": 30, "width": 16, "noise": 4, "batch": 32, "pack": 4, "critic_steps": 20, "critic_trees": 2}
FOUR = pd.DataFrame({"ward": list("aabc"), "drug": list("xyyz")})


def _space(frame, rare=False):
    encoder = TableEncoder().fit(frame)
    codes = encoder.transform(frame)
    return encoder, codes, Space.of(codes, encoder.columns_, rare)


def _distances(points, others):
    return np.vstack([distance for _, distance in squared_distances(points, others)])


def test_circles_of_four_records_by_hand():
    _, codes, space = _space(FOUR)
    points = space(codes)
    assert _distances(points, points) == pytest.approx(
        np.array([[0, 1, 2, 2], [1, 0, 1, 2], [2, 1, 0, 2], [2, 2, 2, 0]]), abs=1e-6
    )
    assert to_other_people(points, np.arange(4)) == pytest.approx([1, 1, 1, 2])
    # where the first two are one person's, the first one is as far from others as the last
    assert to_other_people(points, np.array([0, 0, 1, 2])) == pytest.approx([2, 1, 1, 2])


def test_who_falls_into_a_circle_by_hand():
    encoder, codes, space = _space(FOUR)
    drawn = pd.DataFrame({"ward": list("accb"), "drug": list("xxzx")})
    points = space(encoder.transform(drawn))
    radius = np.array([1, 1, 1, 2], dtype=np.float32)
    # the first is a copy; the second is 1 from the first, which is as near, and 1 from the last, which is nearer
    assert are_inside(points, space(codes), radius).tolist() == [True, True, True, False]
    assert are_inside(points, space(codes)[:3], radius[:3]).tolist() == [True, False, False, False]
    assert not are_inside(points, space(codes)[:0], radius[:0]).any()
    assert nearest(points, space(codes)).tolist()[:3] == [0, 0, 3]


def test_rare_things_count_more_and_numbers_by_what_lies_between():
    frame = pd.DataFrame(
        {"rare": ["x"] * 98 + ["y"] * 2, "often": ["a", "b"] * 50, "number": [0.0, 1.0, 2.0, 3.0] * 25}
    )
    _, codes, space = _space(frame, rare=True)
    a = codes[0].copy()
    for j, code, expected in ((0, 1, 1 / 0.1), (1, 1, 1 / np.log(2)), (2, 3, 0.75**2 / np.log(4))):
        b = a.copy()
        b[j] = code
        assert _distances(space(a[None]), space(b[None]))[0, 0] == pytest.approx(expected, rel=0.03)


def _table(n=400, seed=0):
    rng = np.random.default_rng(seed)
    drug = rng.choice(["none", "low", "high"], n, p=[0.5, 0.3, 0.2])
    columns = {name: rng.choice(list("abcd"), n) for name in ("ward", "town", "shift")}
    return pd.DataFrame({"drug": drug, **columns, "dose": rng.integers(0, 9, n) * (drug != "none"),
                         "sick": np.where(rng.random(n) < 0.3, "yes", "no")})  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    return ADSGAN(condition="sick", identifiability=0.2, **SMALL).fit(_table())


def _share(model, drawn):
    """Share of the records learned from to which a drawn one is nearer than another person's."""
    frame = model.protection_.apply(_table())
    codes, made = (model.encoder_.transform(side) for side in (frame, drawn))
    space = Space.of(codes, model.encoder_.columns_, rare=True)
    near = _distances(space(codes), space(made)).min(axis=1)
    return float((near < to_other_people(space(codes), np.arange(len(codes))) - 1e-3).mean())


def test_the_share_asked_for_is_kept_however_many_are_drawn(fitted):
    assert fitted.identifiability_ <= 0.2
    assert fitted.identifiability_ == pytest.approx(_share(fitted, fitted.sample(400, random_state=1)), abs=0.1)
    assert _share(fitted, fitted.sample(4000, random_state=2)) <= 0.2
    assert _share(fitted, fitted.for_release().sample(4000, random_state=2)) > 0.3  # which the guard has prevented


@pytest.mark.parametrize(("asked", "least", "most"), [(0, 0, 0), (1, 0.2, 1)])
def test_the_user_sets_the_share(asked, least, most):
    model = ADSGAN(condition="sick", identifiability=asked, penalty=0, **SMALL).fit(_table())
    assert least <= model.identifiability_ <= most


def test_what_is_asked_for_is_what_comes(fitted):
    assert (fitted.sample(200, condition={"sick": "yes"})["sick"] == "yes").all()


def test_records_in_circles_cost_and_others_do_not(fitted):
    model = ADSGAN(condition="sick", identifiability=0.2, **SMALL)
    vars(model).update(vars(fitted))
    encoder, codes, space = fitted.encoder_, fitted.guard_.codes.astype(int), fitted.guard_.space
    model._circles = space, codes[:1], np.array([0.5], dtype=np.float32)
    at = model._free_at
    condition = torch.eye(2)
    loss = model._loss_of_circles(condition)
    own = model._one_hot.encode(torch.tensor(codes[:1, at])).requires_grad_(True)
    sick = torch.tensor(codes[:1, model._condition_at[0]])
    assert loss(own, sick).item() == pytest.approx(1)  # in the middle
    other = codes[:1, at].copy()
    other[0, 0] = (other[0, 0] + 1) % encoder.sizes[at[0]]
    assert loss(model._one_hot.encode(torch.tensor(other)), sick).item() == 0
    assert loss(own.detach(), 1 - sick).item() == 0  # of another class
    softened = (0.7 * own + 0.3 * model._one_hot.encode(torch.tensor(other))).detach().requires_grad_(True)
    loss(softened, sick).backward()
    assert softened.grad.abs().sum() > 0


def test_the_guard_is_not_handed_on(fitted, tmp_path, capsys):
    handed_on = fitted.for_release()
    assert handed_on.guard_ is None and handed_on.identifiability_ is None and not handed_on.filter_.critics
    assert fitted.guard_ is not None and fitted.identifiability_ is not None
    with safe_open(handed_on.save(tmp_path / "out.safetensors"), "np") as content:
        assert not [key for key in content.keys() if "guard" in key]  # noqa: SIM118 - not a dict
    assert "records learned from" not in capsys.readouterr().err
    again = load_synthesizer(fitted.save(tmp_path / "own.safetensors"))
    assert "records learned from" in capsys.readouterr().err
    assert again.identifiability_ == fitted.identifiability_
    pd.testing.assert_frame_equal(again.sample(300), fitted.sample(300))
    assert not hasattr(fitted, "_circles")


def test_the_card_shows_the_share_reached(fitted, tmp_path, stub_report):
    card = DataCard(title="Stays", licence="CC0 1.0")
    data = Dataset.from_frame(_table(), target="sick", card=card)
    train, holdout = data.split(0.2, 0)
    train, holdout = (fitted.protection_.apply(side) for side in (train, holdout))
    synthetic = Dataset(fitted.sample(300), target="sick", source="synthetic", card=card)
    made = {"train": train, "holdout": holdout, "synthesizer": fitted, "synthetic": synthetic, "report": stub_report()}
    release = make_release(tmp_path / "out", **made, split=Split(0.2, 0), cost=Cost(1, 1))
    told = json.loads((release.folder / "card.json").read_text(encoding="utf-8"))["synthesizer"]
    assert told["identifiability"] == fitted.identifiability_
    assert told["weights"]["left_out"] == ADSGAN.left_out
    shown = f"{100 * fitted.identifiability_:.1f}"
    assert f"{shown}% of the people" in card_as_html(release.card)
    assert f"{shown} % of the people" in pages_of_card(release.card)["README.md"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"identifiability": 1.1}, "identifiability=1.1 must be"),
        ({"identifiability": -0.1}, "identifiability=-0.1 must be"),
        ({"identifiability": "few"}, "identifiability='few' must be"),
        ({"identifiability": True}, "identifiability=True must be"),
        ({"penalty": -1}, "penalty=-1 must be"),
    ],
)
def test_what_cannot_be_is_said(given, said):
    with pytest.raises(ShdError, match=said):
        ADSGAN(**given).fit(_table())
