from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.sides import look
from shd.compare.privacy import membership, model_membership
from shd.compare.privacy.attacked import Attacked, guess
from shd.compare.privacy.strongest_attacker import auroc_of
from shd.synthesizers import BayesianNetwork

METRICS = [
    "membership AUROC",
    "membership hits at 10 %",
    "membership hits at 1 %",
    "membership AUROC: isolated people",
]
PASSED = {"green", "grey"}


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


@pytest.mark.slow
def test_new_people_and_independent_columns_betray_nobody(inputs, people):
    quick = replace(inputs, level="quick")
    for given in (quick, replace(quick, synthetic=inputs.floor)):
        assert set(_verdicts(given).values()) <= PASSED
    found = _verdicts(look({"train": people(800, 31), "synthetic": people(800, 32), "holdout": people(800, 33)}))
    assert set(found.values()) <= PASSED and found["membership AUROC"] == "green"


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


@pytest.mark.slow
def test_people_who_were_learned_from_by_a_model_are_ranked_above_others(people):
    """A network of every column on all others, learned from few: its records betray them, new people's do not."""
    train, holdout = (_more(people(500, seed), seed) for seed in (1, 2))
    rng = np.random.default_rng(3)
    made = train.iloc[rng.integers(500, size=500)].reset_index(drop=True)
    made = made.assign(blood=made["blood"] + rng.normal(0, 0.5, 500))
    made = made.assign(**{name: made[name].sample(frac=1, random_state=k).to_numpy() for k, name in enumerate("ab")})
    scores = membership.measure(look({"train": train, "synthetic": made, "holdout": holdout})).scores
    of = {score.metric: score for score in scores}
    assert of["membership AUROC"].verdict == "red" and of["membership hits at 10 %"].value > 0.2


def _more(table, seed):
    rng = np.random.default_rng(seed + 90)
    return table.assign(**{name: rng.normal(size=len(table)) for name in "abcd"})


def test_nobody_is_in_the_reference_of_their_own_attacker(inputs):
    attacked = Attacked.of(inputs.train, inputs.holdout, 300, np.random.default_rng(0))
    assert attacked.is_member.sum() == (~attacked.is_member).sum() == 300 and len(np.unique(attacked.fold)) == 4
    for k in range(4):
        own = attacked.table.subjects[~attacked.of_member & (attacked.fold[attacked.person] == k)]
        assert not np.isin(attacked.reference(k).subjects, own).any()
    whole = np.concatenate([inputs.train.values[attacked.rows[0]], inputs.holdout.values[attacked.rows[1]]])
    np.testing.assert_array_equal(whole, attacked.table.values)


def _reached(train, holdout, model):
    guesses = model_membership._guess({"train": train, "holdout": holdout}, model, 4000, 20_000, 0)
    return {name: float(auroc_of(guesses.is_member, score)[0]) for name, score in guesses.scores.items()}


@pytest.mark.slow
def test_the_model_tells_more_than_its_records(people):
    train, holdout = (_more(people(400, seed), seed) for seed in (1, 2))
    model = BayesianNetwork(degree=4, min_people=1, random_state=1).fit(train)  # states of one person are learned
    found = _reached(train, holdout, model)
    assert list(found) == ["many records", "the model itself", "the model, corrected"]
    assert max(found.values()) > 0.55
    stranger = people(400, 5).assign(**_more(people(400, 6), 6)[list("abcd")])
    assert max(_reached(stranger, holdout, model).values()) < 0.58
    given = {"holdout": holdout, "synthesizer": model}
    (score,) = ask("membership inference from the model", train, model.sample(400), **given).scores
    assert score.metric == "membership AUROC: weights" and score.value > 0.55 and score.low > 0.5
    without = ask("membership inference from the model", train, train, holdout=holdout)
    assert "takes the fitted model" in without.skipped[-1].why


@pytest.mark.slow
def test_the_same_seed_gives_the_same_digits(inputs):
    first, second = (membership.measure(replace(inputs, level="quick")) for _ in range(2))
    assert first.scores == second.scores
    pd.testing.assert_frame_equal(first.tables["membership"], second.tables["membership"])


def test_what_cannot_be_judged_is_said(people):
    def found(train, synthetic, holdout=None):
        return ask("membership inference", train, synthetic, holdout=holdout)

    assert "takes a holdout" in found(people(50, 1), people(50, 2)).skipped[-1].why
    assert "at least 20 people" in found(people(50, 1), people(50, 2), people(9, 3)).skipped[-1].why
    few = found(people(60, 1), people(60, 2), people(60, 3))
    assert [s.metric for s in few.scores] == METRICS[:2]
    assert few.skipped[0].what == "membership hits at 1 %"


def test_attackers_are_asked_in_their_own_order_whoever_names_them(people):
    sides = look({"train": people(60, 1), "synthetic": people(60, 2), "holdout": people(60, 3)})
    train, holdout, fresh = sides.train, sides.holdout, sides.synthetic
    attacked = Attacked.of(train, holdout, 60, np.random.default_rng(0))
    found = guess(attacked, fresh, ("neighbourhood", "density ratio", "distance"))
    assert list(found.scores) == ["distance", "density ratio", "neighbourhood"]
