from dataclasses import replace

import numpy as np
import pytest

from shd._errors import ShdError
from shd.compare import ask
from shd.compare.privacy.strongest_attacker import Guesses, auroc_of, find_strongest, hits_at, ranks
from shd.synthesizers import SliceGaussian


def test_one_score_a_person_and_auroc_worked_out_by_hand():
    # two members, two others; a member's mean is 3 and 1, an other's 2 and 0
    place = ranks(np.array([4.0, 2, 1, 1, 2, 2, 0, 0]), np.array([0, 0, 1, 1, 2, 2, 3, 3]), np.zeros(4))
    assert place.tolist() == [0.875, 0.375, 0.625, 0.125]
    member = np.array([True, True, False, False])
    assert auroc_of(member, place)[0] == 0.75  # of four pairs only 1 against 2 is wrong
    assert hits_at(0.1)(member, place)[0] == 0.5  # one of two members lies above all others


def test_labels_dealt_anew_give_the_same_numbers_as_one_by_one():
    rng = np.random.default_rng(0)
    score, labels = rng.normal(size=40).round(1), rng.permuted(np.tile(np.arange(40) < 15, (6, 1)), axis=1)
    for of in (auroc_of, hits_at(0.1)):
        assert of(labels, score) == pytest.approx([float(of(own, score)[0]) for own in labels])


def test_the_strongest_of_many_who_know_nothing_is_no_news():
    chances = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scores = {str(k): rng.normal(size=120) for k in range(7)}
        guesses = Guesses(np.arange(120) < 60, np.arange(120) % 4, scores)
        chances.append(find_strongest(guesses, auroc_of, rng).chance)
    assert np.mean(np.array(chances) < 0.05) < 0.2 and 0.3 < np.mean(chances) < 0.7


ASKED = "membership inference"


@pytest.mark.slow
def test_copies_are_found_and_strangers_are_not(heads):
    train, holdout, fresh = heads(12, 1), heads(12, 2), heads(12, 3)
    found = ask(ASKED, train, train, holdout=holdout)
    assert found.score("membership AUROC").value > 0.99 and found.score("membership hits at 10 %").value > 0.95
    found = ask(ASKED, train, fresh, holdout=holdout)
    assert found.score("membership AUROC").value < 0.65 and found.score("membership hits at 10 %").value < 0.35


@pytest.mark.slow
def test_the_model_tells_more_than_its_pictures(heads):
    train, holdout = heads(12, 1), heads(12, 2)
    model = SliceGaussian(components=60).fit(replace(train, subjects=None))
    made = model.sample(108)
    weights = ask(ASKED, train, made, holdout=holdout, synthesizer=model).score("membership AUROC: weights")
    assert weights.value > 0.75 and weights.verdict in ("amber", "red") and "the model" in weights.sentence
    assert ask(ASKED, train, made, holdout=holdout).score("membership AUROC: weights") is None


def test_the_report_judges_people(fresh):
    assert fresh.score("membership AUROC").verdict in ("green", "grey")
    assert 0.2 < fresh.score("membership AUROC").ceiling < 0.8
    assert fresh.verdicts["privacy"] in ("green", "grey", "amber")


def test_few_people_are_not_judged(heads):
    found = ask(ASKED, heads(12, 1), heads(12, 3), holdout=heads(5, 2))
    assert [note.what for note in found.skipped if "membership" in note.what] == ["membership inference"]
    assert found.scores == ()


def test_tables_are_refused(heads):
    with pytest.raises(ShdError, match="images"):
        ask(ASKED, heads(4, 1), heads(4, 2).frame, holdout=heads(4, 3))
