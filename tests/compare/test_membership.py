from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare.core.sides import look
from shd.compare.privacy import membership
from shd.compare.privacy import model_membership as weights
from shd.compare.privacy.crowd import Crowd
from shd.compare.privacy.membership import membership_inference
from shd.compare.privacy.model_membership import weights_inference
from shd.compare.privacy.shadow_models import shadow_models
from shd.dataset import Dataset
from shd.synthesizers import BayesianNetwork, Marginals

METRICS = [
    "membership AUROC",
    "membership hits at 10 %",
    "membership hits at 1 %",
    "membership AUROC: isolated people",
]
PASSED = {"green", "grey"}


class Memoriser:
    """Gives back what it has learned, here and there blurred."""

    def __init__(self, random_state=0):
        self.random_state = random_state

    def fit(self, data):
        self.frame_ = getattr(data, "frame", data).reset_index(drop=True)
        return self

    def sample(self, n):
        rng = np.random.default_rng(self.random_state)
        frame = self.frame_.iloc[rng.integers(len(self.frame_), size=n)].reset_index(drop=True)
        return frame.assign(blood=frame["blood"] + rng.normal(0, 0.5, n))


@pytest.fixture(scope="module")
def inputs(cohort):
    train, synthetic, holdout = cohort
    return look({"train": train, "synthetic": synthetic, "holdout": holdout})


def _verdicts(inputs):
    return {score.metric: score.verdict for score in membership.measure(inputs).scores}


def test_a_copy_of_train_is_caught_by_every_attack(inputs):
    answer = membership.measure(replace(inputs, synthetic=inputs.train))
    assert {score.metric: score.verdict for score in answer.scores} == dict.fromkeys(METRICS, "red")
    assert all(score.value > 0.95 for score in answer.scores)


def test_new_people_and_independent_columns_betray_nobody(inputs, people):
    other = look({"train": people(800, 31), "synthetic": people(800, 32), "holdout": people(800, 33)})
    for given in (inputs, replace(inputs, synthetic=inputs.floor), other):
        assert set(_verdicts(given).values()) <= PASSED
    assert _verdicts(other)["membership AUROC"] == "green"


def test_a_few_copies_show_in_the_hits(inputs):
    leaked = inputs.synthetic.values.copy()
    leaked[:350] = inputs.train.values[:350]  # of 200 of 400 people
    answer = membership.measure(replace(inputs, synthetic=replace(inputs.synthetic, values=leaked)))
    of = {score.metric: score for score in answer.scores}
    assert of["membership hits at 1 %"].verdict == "red" and of["membership hits at 1 %"].value > 0.3


def test_scores_say_what_was_done_and_stand_beside_their_references(inputs):
    answer = membership.measure(inputs)
    for score in answer.scores:
        assert score.low <= score.value <= score.high
        assert score.floor is not None and score.ceiling is not None and "knowing nothing" in score.sentence
    frame = answer.tables["membership"]
    assert frame.columns.tolist() == ["attack", "measure", "value", "strongest"]
    assert len(frame) == 8 * len(answer.scores) and frame["strongest"].sum() == len(answer.scores)
    assert "takes 1,000 people held out" in [note.why for note in answer.skipped]


def test_members_that_lie_further_away_are_no_green_either(inputs):
    # a release that is made of the holdout: those learned from are the ones that lie further away
    answer = membership.measure(replace(inputs, synthetic=inputs.holdout))
    assert {s.verdict for s in answer.scores if s.metric == "membership AUROC"} == {"amber"}


def test_people_who_were_learned_from_by_a_model_are_ranked_above_others(people):
    """A network of every column on all others, learned from few: its records betray them, new people's do not."""
    train, holdout = (_more(people(500, seed), seed) for seed in (1, 2))
    made = Memoriser(3).fit(train).sample(500)
    made = made.assign(**{name: made[name].sample(frac=1, random_state=k).to_numpy() for k, name in enumerate("ab")})
    scores = membership.measure(look({"train": train, "synthetic": made, "holdout": holdout})).scores
    of = {score.metric: score for score in scores}
    assert of["membership AUROC"].verdict == "red" and of["membership hits at 10 %"].value > 0.2


def _more(table, seed):
    rng = np.random.default_rng(seed + 90)
    return table.assign(**{name: rng.normal(size=len(table)) for name in "abcd"})


def test_nobody_is_in_the_reference_of_their_own_attacker(inputs):
    crowd = Crowd.of(inputs.train, inputs.holdout, 300, np.random.default_rng(0))
    assert crowd.is_member.sum() == (~crowd.is_member).sum() == 300 and len(np.unique(crowd.fold)) == 4
    for k in range(4):
        attacked = crowd.table.subjects[~crowd.of_member & (crowd.fold[crowd.person] == k)]
        assert not np.isin(crowd.reference(inputs.holdout, k).subjects, attacked).any()
    whole = np.concatenate([inputs.train.values[crowd.rows[0]], inputs.holdout.values[crowd.rows[1]]])
    np.testing.assert_array_equal(whole, crowd.table.values)


def test_the_model_tells_more_than_its_records(people):
    train, holdout = (_more(people(400, seed), seed) for seed in (1, 2))
    model = BayesianNetwork(degree=4, min_people=1, random_state=1).fit(train)  # states of one person are learned
    found = weights_inference(train, holdout, model)
    assert list(found.index) == ["many records", "the model itself", "the model, corrected"]
    assert found.max() > 0.55
    stranger = weights_inference(people(400, 5).assign(**_more(people(400, 6), 6)[list("abcd")]), holdout, model)
    assert stranger.max() < 0.58
    inputs = look({"train": train, "synthetic": model.sample(400), "holdout": holdout})
    (score,) = weights.measure(replace(inputs, synthesizer=model)).scores
    assert score.metric == "membership AUROC: weights" and score.value > 0.55 and score.low > 0.5
    assert "takes the fitted model" in weights.measure(inputs).skipped[0].why


def test_the_same_seed_gives_the_same_digits(inputs):
    first, second = membership.measure(inputs), membership.measure(inputs)
    assert first.scores == second.scores
    pd.testing.assert_frame_equal(first.tables["membership"], second.tables["membership"])


def test_what_cannot_be_judged_is_said(people):
    def skipped(train, synthetic, holdout=None):
        given = {"train": train, "synthetic": synthetic}
        return membership.measure(look(given if holdout is None else {**given, "holdout": holdout}))

    assert "takes a holdout" in skipped(people(50, 1), people(50, 2)).skipped[0].why
    assert "at least 20 people" in skipped(people(50, 1), people(50, 2), people(9, 3)).skipped[0].why
    few = skipped(people(60, 1), people(60, 2), people(60, 3))
    assert [s.metric for s in few.scores] == METRICS[:2]
    assert few.skipped[0].what == "membership hits at 1 %"


def test_the_public_function_on_frames(people):
    train = people(300, 1)
    copied = membership_inference(train, train, people(300, 2))
    assert copied.table("columns").tolist() == ["attack", "measure", "value", "low", "high"]
    assert copied["value"].max() > 0.95 and copied["attack"].nunique() == 8
    fresh = membership_inference(train, people(300, 3), people(300, 2)).set_index(["attack", "measure"])["value"]
    assert fresh["distance", "AUROC"] == pytest.approx(0.5, abs=0.08)


def test_shadow_models_find_what_a_memoriser_learned(people):
    train, holdout = (Dataset(people(200, seed), subjects=np.arange(200) // 2) for seed in (1, 2))
    made = Memoriser(7).fit(train).sample(200)
    found = membership_inference(train, made, holdout, synthesizer=Memoriser(), shadows=4)
    value = found.set_index(["attack", "measure"])["value"]["shadow models", "AUROC"]
    assert value > 0.7
    made = Marginals(random_state=7).fit(train).sample(200)
    found = membership_inference(train, made, holdout, synthesizer=Marginals(), shadows=2)
    found = found.set_index(["attack", "measure"])["low"]
    assert found["shadow models", "AUROC"] < 0.5


def test_each_person_is_left_out_of_every_second_shadow(people):
    given = {"train": Dataset(people(60, 1), subjects=np.arange(60) // 2), "holdout": people(20, 2)}
    given["synthetic"] = people(30, 3)
    shadows = shadow_models(given, Memoriser(), 4, 0)
    left_out = np.array([shadow.left_out for shadow in shadows])
    assert left_out.shape == (4, 50) and (left_out.sum(axis=0) == 2).all()
    assert [len(shadow.made) for shadow in shadows] == [30] * 4
    # nobody left out is among what a shadow learned: its rows without the blur
    learned = {tuple(row) for row in shadows[0].made[["age", "sick", "sex", "pills"]].to_numpy()}
    pool = pd.concat([given["train"].frame, given["holdout"]])[["age", "sick", "sex", "pills"]]
    person = np.concatenate([np.arange(60) // 2, 30 + np.arange(20)])
    seen = {tuple(row) for row in pool[~left_out[0][person]].to_numpy()}
    assert learned <= seen


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"synthesizer": Marginals(), "shadows": 3}, "odd"),
        ({"synthesizer": 3}, "no fit and sample"),
        ({"people": 0}, "whole number"),
    ],
)
def test_bad_input_is_refused(people, settings, said):
    with pytest.raises(ShdError, match=said):
        membership_inference(people(40, 1), people(40, 2), people(40, 3), **settings)
