from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.gower import Gower
from shd.compare.core.sides import look
from shd.compare.core.tables import align
from shd.compare.privacy import at_risk
from shd.compare.privacy import identifiability as module
from shd.dataset import Dataset

AT_RISK = "at risk"


def _rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def inputs(cohort):
    train, synthetic, holdout = cohort
    return look({"train": train, "synthetic": synthetic, "holdout": holdout})


def test_who_is_nearer_by_hand():
    train = pd.DataFrame({"n": [0.0, 1.0, 3.0, 10.0]})
    (train, synthetic), _ = align(train, pd.DataFrame({"n": [0.5, 3.0, 12.0]}))
    # other people at 1, 1, 2, 7; synthetic records at 0.5, 0.5, 0, 2
    assert module._is_nearer(Gower.of(train), train, train, synthetic, _rng()).tolist() == [1, 1, 1, 1]
    (train, synthetic), _ = align(pd.DataFrame({"n": [0.0, 1.0, 3.0]}), pd.DataFrame({"n": [2.0, 20.0]}))
    # others at 1, 1, 2; synthetic at 2, 1, 1
    assert module._is_nearer(Gower.of(train), train, train, synthetic, _rng()).tolist() == [0, 0.5, 1]


def test_other_records_of_the_same_person_are_not_other_people():
    table = align(*[pd.DataFrame({"n": [0.0, 1.0, 5.0, 10.0]})] * 2)[0][0]
    object.__setattr__(table, "subjects", np.array([1, 1, 2, 3]))
    assert module.to_others(Gower.of(table), table, table).tolist() == pytest.approx([0.5, 0.4, 0.4, 0.5])


def test_others_are_as_many_as_asked_for():
    table = align(*[pd.DataFrame({"n": [0.0, 4.0, 5.0, 10.0]})] * 2)[0][0]
    # among the first two others: of 0 these are 4 and 5, of 10 they are 0 and 4
    found = module.to_others(Gower.of(table), table, table, most=2)
    assert found.tolist() == pytest.approx([0.4, 0.1, 0.1, 0.6])


def test_rare_things_count_more():
    frame = pd.DataFrame({"often": ["a", "b"] * 50, "rare": ["x"] * 98 + ["y"] * 2})
    table = align(frame, frame)[0][0]
    often, rare = module.weighted(table).weights
    assert often == pytest.approx(1 / np.log(2), abs=0.01) and rare == pytest.approx(10, abs=0.3)


def _listed(train, synthetic):
    return ask("records at risk", train, synthetic).table(AT_RISK)


def test_a_copy_of_train_is_caught(inputs):
    copied = replace(inputs, synthetic=inputs.train)
    (score,) = module.measure(copied).scores
    assert score.verdict == "red" and score.value > 0.65
    assert len(at_risk.measure(copied).tables[AT_RISK]) == 20  # no more are listed


def test_new_people_and_independent_columns_identify_nobody(inputs, people):
    other = look({"train": people(800, 31), "synthetic": people(800, 32), "holdout": people(800, 33)})
    for given in (inputs, replace(inputs, synthetic=inputs.floor), other):
        assert module.measure(given).scores[0].verdict == "grey"
        assert len(at_risk.measure(given).tables[AT_RISK]) <= 6
    assert module.measure(inputs).scores[0].ceiling == pytest.approx(0.5, abs=0.07)


def _with_outliers(people, seed):
    """People like all others, and behind them three who are like nobody."""
    far = pd.DataFrame({"age": [200.0, -90.0, 240.0], "blood": [-40.0, 90.0, 0.0], "pills": "none", "sick": "no"})
    far["sex"] = "f"
    return pd.concat([people(300, seed), far], ignore_index=True)


def test_a_lone_person_is_listed_when_approached(people):
    train = _with_outliers(people, 1)
    synthetic = pd.concat([people(300, 3), train.iloc[[300, 302]]])
    listed = _listed(train, synthetic)
    assert set(listed["row"][:2]) == {300, 302}
    assert listed["to synthetic"].tolist()[:2] == [0, 0] and (listed["isolation"] >= 95).all()
    assert 301 not in listed["row"].tolist()
    assert listed.columns.tolist() == ["row", "isolation", "to other people", "to synthetic", "why"]
    assert "nobody else is nearer than" in listed["why"][0] and "rarest value is in" in listed["why"][0]


def test_nobody_is_listed_when_nobody_comes_near(people):
    listed = _listed(_with_outliers(people, 1), people(300, 3))
    assert not set(listed["row"]) & {300, 301, 302}
    assert _listed(people(300, 1), people(300, 3)[:20]).columns.tolist() == listed.columns.tolist()


def test_a_person_whose_records_resemble_each_other_is_isolated_all_the_same(people):
    train = pd.concat([_with_outliers(people, 1), _with_outliers(people, 1)[300:]], ignore_index=True)
    subjects = np.concatenate([np.arange(303), [300, 301, 302]])
    listed = _listed(Dataset(train, subjects=subjects), train[300:].iloc[np.arange(24) % 6])[:3]
    assert sorted(subjects[listed["row"]]) == [300, 301, 302]


def test_the_score_stands_beside_its_references(inputs):
    score = module.measure(inputs).scores[0]
    assert score.low <= score.value <= score.high and score.floor < score.ceiling
    assert "in place of the synthetic ones" in score.sentence


def test_the_same_seed_gives_the_same_digits(inputs):
    assert module.measure(inputs).scores == module.measure(inputs).scores
    pd.testing.assert_frame_equal(*(at_risk.measure(inputs).tables[AT_RISK] for _ in range(2)))


def test_what_cannot_be_judged_is_said(people):
    assert "takes a holdout" in ask("identifiability", people(50, 1), people(50, 2)).skipped[-1].why
    found = ask("records at risk", people(9, 1), people(9, 2))
    assert not found.tables and "at least 20 people" in found.skipped[-1].why
