"""Whom synthetic records are near to: known answers for a model that copies, and for one that knows nobody."""

import numpy as np
import pandas as pd
import pytest

from shd.synthesizers._codes import PRIOR, dependence, draw_from_rows, places, profile
from shd.synthesizers._cuts import Cuts
from shd.synthesizers.encoding import TableEncoder


@pytest.fixture(scope="module")
def coded():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=500), "b": rng.choice(list("xyz"), 500), "c": rng.normal(size=500)})
    encoder = TableEncoder(20).fit(frame)
    return encoder.transform(frame), encoder.columns_


def test_a_model_that_copies_is_near_to_those_it_learned_from(coded):
    codes, codecs = coded
    rng, cuts = np.random.default_rng(1), Cuts(codes, np.arange(500), codecs, 0)
    share = cuts.nearer(cuts.try_out(lambda rows, n: codes[rng.choice(rows, n)]))
    assert share.nearer > 0.55 and not share.is_fair


def test_a_model_that_knows_nobody_is_near_to_both_alike_and_is_told_from_none(coded):
    codes, codecs = coded
    rng, cuts = np.random.default_rng(1), Cuts(codes, np.arange(500), codecs, 0)
    # the columns have nothing to do with each other, and so have those of what is drawn
    trials = cuts.try_out(lambda rows, n: np.column_stack([rng.choice(column, n) for column in codes[rows].T]))
    share = cuts.nearer(trials)
    assert share.nearer == pytest.approx(0.5, abs=0.04) and share.low <= share.nearer <= share.high
    assert list(cuts.told_apart(trials).values()) == pytest.approx([0.5, 0.5], abs=0.06)


def test_a_level_that_comes_too_often_is_told_by_every_judge(coded):
    codes, codecs = coded
    cuts, wrong = Cuts(codes, np.arange(500), codecs, 0), codes.copy()
    wrong[:, 1] = 0
    rng = np.random.default_rng(1)
    found = cuts.told_apart(cuts.try_out(lambda rows, n: wrong[rng.choice(rows, n)]))
    assert set(found) == {"boosted trees", "logistic"} and min(found.values()) > 0.75


def test_what_is_lost_of_a_target():
    """A column that says the other is predicted by real records, and not by records in which it was shuffled."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.choice(list("xyz"), 500), "b": rng.choice(list("uv"), 500)})
    frame["c"] = frame["a"]
    encoder = TableEncoder().fit(frame)
    codes = encoder.transform(frame)
    cuts = Cuts(codes, np.arange(500), encoder.columns_, 0)
    as_they_are = cuts.try_out(lambda rows, n: codes[rng.choice(rows, n)])
    shuffled = cuts.try_out(lambda rows, n: np.column_stack([rng.choice(c, n) for c in codes[rows].T]))
    assert cuts.lost(as_they_are, 2) == pytest.approx(0, abs=0.01)
    assert cuts.lost(shuffled, 2) > 0.3
    assert cuts.lost(shuffled, 1) == pytest.approx(0, abs=0.1)  # nothing was there to lose


def test_people_stay_together(coded):
    codes, codecs = coded
    people, seen = np.arange(500) // 5, []
    Cuts(codes, people, codecs, 0).try_out(lambda rows, n: seen.append(people[rows]) or codes[rows[:n]])
    assert [(len(of), len(np.unique(of))) for of in seen] == [(400, 80)] * 5
    out = np.concatenate([np.setdiff1d(people, of) for of in seen])
    assert sorted(out) == list(range(100))  # each is out once, with all their records


def test_draws_follow_the_rows_they_are_drawn_from():
    chance = np.array([[1.0, 0, 0], [0, 0.25, 0.75]])
    drawn = draw_from_rows(chance, np.repeat([0, 1], 4000), np.random.default_rng(0))
    assert (drawn[:4000] == 0).all() and (drawn[4000:] > 0).all()
    assert (drawn[4000:] == 2).mean() == pytest.approx(0.75, abs=0.03)


def test_dependence_of_equal_and_of_independent_columns():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.choice(list("xy"), 2000), "c": rng.choice(list("uvw"), 2000)})
    frame.insert(1, "b", frame["a"].map({"x": "p", "y": "q"}))
    encoder = TableEncoder().fit(frame)
    related = dependence(encoder.transform(frame), encoder.columns_)
    assert related[0, 1] == pytest.approx(1, abs=0.01) and related[0, 2] == pytest.approx(0, abs=0.01)
    assert (related == related.T).all() and (np.diag(related) == 0).all()


def test_places_are_the_middle_of_each_code():
    frame = pd.DataFrame({"a": pd.Series([0, 0, 1, 3], dtype="Int64")})
    encoder = TableEncoder().fit(frame)
    assert places(encoder.transform(frame)[:, 0], encoder["a"]).tolist() == [0.25, 0.625, 0.875]


def test_the_profile_of_a_level_by_hand():
    own, other = np.array([0, 0, 1, 1]), np.array([0, 0, 1, 1])
    near = (2 - 2 * 0.5) / (2 + PRIOR) * np.sqrt(0.5) / np.sqrt(0.5 + 0.25)
    assert profile(own, 2, other, 2) == pytest.approx(np.array([[near, -near], [-near, near]]))
