import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.models import FAMILIES
from shd.compare.utility import ranking


@pytest.fixture(scope="module")
def answer(cohort):
    return _measure(*cohort)


def _measure(train, synthetic, holdout, target="sick"):
    return ask("ranking of models", train, synthetic, holdout=holdout, target=target)


@pytest.mark.parametrize(
    "other, agreement",
    [
        ([0.9, 0.8, 0.7], 1),
        ([0.7, 0.8, 0.9], 0),
        ([0.8, 0.9, 0.7], 2 / 3),  # one pair of three is swapped
        ([0.8, 0.8, 0.7], 2.5 / 3),  # one pair ties
        ([0.5, 0.5, 0.5], 0.5),
    ],
)
def test_agreement_counted_by_hand(other, agreement):
    first, second = (ranking._gaps(np.array(performance)[:, None]) for performance in ([0.9, 0.8, 0.7], other))
    assert ranking._alike(first, second).mean() == pytest.approx(agreement)
    assert ranking._alike(second, first).mean() == pytest.approx(agreement)


def test_models_of_a_shuffled_target_rank_by_chance(people, answer):
    rng = np.random.default_rng(0)
    shuffled = people(300, 2).assign(sick=lambda f: f["sick"].to_numpy()[rng.permutation(300)])
    assert _measure(people(300, 1), shuffled, people(300, 3)).score("SRA").value < 0.7 < answer.score("SRA").value


def test_too_few_records_are_skipped(people):
    found = _measure(people(45, 1), people(300, 1), people(300, 2))
    assert not found.scores and found.skipped[0].why == "takes 20 records in each third of the real ones"


def test_the_grid_has_every_family_and_design(answer):
    grid = answer.tables["models"]
    assert list(grid) == ["target", "model", "design", "measure", "value", "low", "high"]
    assert grid["model"].nunique() == len(FAMILIES) == 8
    assert (grid.groupby("model")["design"].agg(list).map(tuple) == ("TRTR", "TSTR", "TSTS", "TRTS", "floor")).all()
    assert (grid.loc[grid["design"] == "TRTR", "value"] > 0.75).all()  # every family learns
    wide = grid.pivot(index="model", columns="design", values="value")
    assert (wide["TSTR"] > wide["floor"] + 0.2).all()
    assert ((grid["low"] <= grid["value"]) & (grid["value"] <= grid["high"])).all()


def test_a_fresh_sample_ranks_models_as_real_records_do(answer):
    (score,) = answer.scores
    assert score.metric == "SRA" and score.verdict == "green"
    assert score.floor < score.value <= 1 and score.ceiling > 0.7
    assert "8 kinds of model" in score.sentence and "not counted" in score.sentence


def test_models_that_are_reversed_on_synthetic_records_are_found_out(people, monkeypatch):
    """What ranks first on real records ranks last on synthetic ones."""
    perform = ranking._perform

    def reverse(*arguments):
        found = perform(*arguments)
        return found | {"TSTS": 1 - found["TRTR"]}

    monkeypatch.setattr(ranking, "_perform", reverse)
    (score,) = _measure(people(300, 1), people(300, 2), people(300, 3)).scores
    assert score.value < 0.2 and score.verdict == "red"


def test_designs_are_told_apart_by_a_swapped_label(people):
    """Synthetic records that are right among themselves, and wrong about real ones."""
    swapped = people(300, 2).assign(sick=lambda f: f["sick"].map({"yes": "no", "no": "yes"}))
    grid = _measure(people(300, 1), swapped, people(300, 3)).tables["models"]
    value = grid[grid["model"] == "random forest"].set_index("design")["value"]
    assert value["TRTR"] > 0.7 and value["TSTS"] > 0.7
    assert value["TSTR"] < 0.3 and value["TRTS"] < 0.3


def test_a_number_gets_seven_families(people):
    answer = _measure(people(300, 1), people(300, 2), people(300, 3), "blood")
    grid = answer.tables["models"]
    assert set(grid["measure"]) == {"R2"} and grid["model"].nunique() == 7
    assert "ridge regression" in set(grid["model"]) and "naive Bayes" not in set(grid["model"])


def test_the_same_seed_gives_the_same_grid(cohort, answer):
    again = _measure(*cohort)
    pd.testing.assert_frame_equal(answer.tables["models"], again.tables["models"], check_exact=True)
    assert answer.scores == again.scores


def test_pairs_that_chance_explains_are_not_counted(people):
    """Nothing predicts sex: no two models differ."""
    answer = _measure(people(150, 1), people(150, 2), people(150, 3), "sex")
    assert not answer.scores or "not counted" in answer.scores[0].sentence
    guess = people(150, 1)[["sex", "sick"]].assign(sick="no")
    answer = _measure(guess, guess, guess, "sex")
    assert not answer.scores and "no two models differ" in answer.skipped[0].why
    assert len(answer.tables["models"])
