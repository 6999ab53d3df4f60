import numpy as np
import pandas as pd
import pytest

from shd.compare.core.attacks import all_of, entropies, excess, hits, one_each, shares, stages
from shd.compare.core.score import beyond_chance, judge_excess
from shd.compare.core.sides import look
from shd.compare.core.tables import align
from shd.dataset import Dataset


def _rng(seed=0):
    return np.random.default_rng(seed)


def _patients(n, per, frame=None):
    frame = pd.DataFrame({"x": np.arange(n) * 1.0}) if frame is None else frame
    return align(Dataset(frame, subjects=np.arange(n) // per), frame)[0][0]


def test_one_record_a_person_and_every_person_alike():
    table = _patients(100, 1)
    object.__setattr__(table, "subjects", np.repeat([0, 1, 2, 3], [90, 5, 4, 1]))
    drawn = np.concatenate([one_each(table, 2, _rng(seed)).subjects for seed in range(400)])
    assert len(drawn) == 800
    assert np.bincount(drawn) == pytest.approx([200, 200, 200, 200], abs=45)
    assert len(np.unique(one_each(table, 9, _rng()).subjects)) == 4


def test_all_records_of_a_person_come_along():
    drawn = all_of(_patients(12, 3), 2, _rng())
    assert len(drawn) == 6 and len(np.unique(drawn.subjects)) == 2


def test_hits_by_hand():
    # 200 others from 0 to 199: 1 % are 198 and 199; members above 198 (of which only its half counts) are found
    score = np.concatenate([[300.0, 198.5, 10.0, 5.0], np.arange(200.0)])
    is_member = np.repeat([True, False], [4, 200])
    assert hits(is_member, score)[0] == pytest.approx(2 / 4)
    assert hits(is_member, score, alarms=0.005)[0] == pytest.approx(1 / 4)


def test_a_score_that_knows_nothing_hits_as_many_members_as_others():
    assert hits(np.repeat([True, False], 200), np.zeros(400))[0] == pytest.approx(0.01)
    # all tie for a half of both: 1 % of others are a fiftieth of that half
    score = np.tile([0.0, 1.0], 200)
    assert hits(np.repeat([True, False], 200), score)[0] == pytest.approx(0.01)
    drawn = [hits(np.repeat([True, False], 200), _rng(seed).random(400))[0] for seed in range(300)]
    assert np.mean(drawn) == pytest.approx(0.01, abs=0.002)


def test_hits_follow_the_weights():
    is_member, score = np.array([True, True, False, False]), np.array([3.0, 0.0, 2.0, 1.0])
    weights = np.array([[1.0, 1, 1, 1], [3, 1, 1, 1], [0, 1, 1, 1]])
    assert hits(is_member, score, weights) == pytest.approx([0.5, 0.75, 0])


def test_excess_and_its_interval():
    found = excess(np.repeat([1, 0], [60, 40]), np.repeat([1, 0], [50, 50]), _rng())
    assert (found.members, found.others) == (0.6, 0.5) and found.value == pytest.approx(0.1)
    error = 1.96 * np.sqrt(0.24 / 100 + 0.25 / 100)
    assert found.high - found.value == pytest.approx(error, rel=0.2)
    wide = excess(np.repeat([1, 0], [60, 40]), np.repeat([1, 0], [50, 50]), _rng(), looks=5)
    assert (wide.high - wide.value) / (found.high - found.value) == pytest.approx(2.576 / 1.96, rel=1e-3)


@pytest.mark.parametrize(
    "value, low, high, verdict",
    [
        (0.5, -0.1, 1.1, "grey"),  # it reaches so far that nothing can be told
        (0.02, 0.01, 0.03, "green"),
        (0.05, 0.02, 0.08, "amber"),
        (0.05, 0.01, 0.09, "grey"),  # clear for one score, not for twenty
        (0.2, 0.07, 0.33, "amber"),
        (0.2, 0.1, 0.3, "red"),
    ],
)
def test_verdict_of_an_excess(value, low, high, verdict):
    assert judge_excess(value, low, high) == verdict
    assert judge_excess(value, low, high, passed="grey") == verdict.replace("green", "grey")


@pytest.mark.parametrize(
    "excess, least, settings, verdict",
    [
        (0.1, 0.001, {}, "amber"),  # surely more than nothing, not more than negligible
        (0.1, 0.02, {}, "red"),
        (0.1, 0.02, {"red_from": 0.05}, "amber"),
        (0.1, 0.02, {"is_sure": False}, "green"),
        (0.1, -0.5, {"is_sure": True}, "amber"),  # an exact test says so
        (0.001, 0.0005, {}, "green"),  # negligible
        (0.001, -0.01, {"passed": "grey"}, "grey"),
    ],
)
def test_one_rule_for_an_excess_over_chance(excess, least, settings, verdict):
    assert beyond_chance(excess, least, 0.01, 0.05, **settings) == verdict


def test_an_excess_is_a_share_of_what_is_possible():
    found = excess(np.repeat([1, 0], [98, 2]), np.repeat([1, 0], [80, 20]), _rng(), possible=True)
    assert (found.members, found.others) == (0.98, 0.8) and found.value == pytest.approx(0.9)


def test_shares_and_entropy_by_hand():
    table = align(*[pd.DataFrame({"c": ["a", "a", "b", None], "n": [0.0, 0.0, 9.0, np.nan], "k": [1.0] * 4})] * 2)[0][0]
    assert [share.tolist() for share in shares(table)] == [[0.5, 0.5, 0.25, 0.25]] * 2 + [[1] * 4]
    assert entropies(table) == pytest.approx([1.5 * np.log(2)] * 2 + [0])


def test_both_sides_are_equally_many_people(cohort):
    train, synthetic, holdout = cohort
    inputs = look({"train": train, "synthetic": synthetic, "holdout": holdout})
    drawn = stages(inputs, 150, _rng())
    for name, people in (("synthetic", 150), ("floor", 150), ("ceiling", 150)):
        stage = drawn[name]
        assert len(stage.members) == len(stage.others) == people
        assert len(np.unique(stage.members.subjects)) == len(np.unique(stage.others.subjects)) == people
    assert drawn["synthetic"].members is drawn["floor"].members
    own = {row.tobytes() for row in drawn["ceiling"].release.values}
    assert not any(row.tobytes() in own for row in drawn["ceiling"].others.values)
