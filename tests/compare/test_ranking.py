import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare.core.models import FAMILIES, _filled, fit, one_hot
from shd.compare.core.sides import look
from shd.compare.utility import ranking
from shd.compare.utility.ranking import ranking_agreement, sra


@pytest.fixture(scope="module")
def answer(cohort):
    train, synthetic, holdout = cohort
    return ranking.measure(look({"train": train, "synthetic": synthetic, "holdout": holdout}))


def _measure(train, synthetic, holdout, target="sick"):
    return ranking.measure(look({"train": train, "synthetic": synthetic, "holdout": holdout}, target))


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
    assert ranking_agreement([0.9, 0.8, 0.7], other) == pytest.approx(agreement)
    assert ranking_agreement(other, [0.9, 0.8, 0.7]) == pytest.approx(agreement)


@pytest.mark.parametrize("other", [[0.9], [0.9, np.nan], [[0.9, 0.8]], ["a", "b"], [], 3])
def test_what_cannot_be_ranked_is_refused(other):
    with pytest.raises(ShdError, match="performances"):
        ranking_agreement([0.9, 0.8], other)


def test_one_model_cannot_be_ranked():
    with pytest.raises(ShdError, match="two or more models"):
        ranking_agreement([0.9], [0.9])


def test_equal_tables_rank_alike(people):
    assert sra(people(200, 1), people(200, 1), "sick") == 1


def test_models_of_a_shuffled_target_rank_by_chance(people):
    rng = np.random.default_rng(0)
    shuffled = people(300, 2).assign(sick=lambda f: f["sick"].to_numpy()[rng.permutation(300)])
    assert sra(people(300, 1), shuffled, "sick") < 0.7 < sra(people(300, 1), people(300, 3), "sick")


def test_too_few_records_are_refused(people):
    with pytest.raises(ShdError, match="too few to rank"):
        sra(people(30, 1), people(300, 1), "sick")


def test_an_unknown_target_is_refused(people):
    with pytest.raises(ShdError, match="not a column that both tables have"):
        sra(people(60, 1), people(60, 2), "no such column")


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
    train, synthetic, holdout = cohort
    again = ranking.measure(look({"train": train, "synthetic": synthetic, "holdout": holdout}))
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


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("outcome", ["level", "number"])
def test_no_family_minds_odd_numbers(family, outcome):
    """Missing and huge numbers, a constant, a column that is missing throughout, and levels never seen."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 5))
    x[::3, 0], x[0, 1], x[:, 2], x[:, 3] = np.nan, 1e300, 7.0, np.nan
    x[:, 4] = rng.integers(0, 3, 60)
    categories = np.array([False, False, False, False, True])
    y = x[:, 4] > 0 if outcome == "level" else x[:, 4]
    if not family.called(outcome == "level"):
        return
    table = x.copy()
    table[:5, 1], table[:5, 4], table[5:9, 0] = np.nan, 9.0, -1e300
    predicted = fit(family, x, y, categories)(table)
    assert predicted.shape == (60,) and np.isfinite(predicted).all()


def test_trees_read_gaps_as_a_value_below_all_others():
    train = np.array([[1.0, 0], [np.nan, 2], [5.0, 1]])
    read = _filled(train, np.array([False, True]))
    assert np.array_equal(read(np.array([[np.nan, 1], [1e300, 2]])), [[0, 1], [1e30, 2]])


def test_linear_models_read_levels_and_gaps():
    train = np.array([[1.0, 0], [3.0, 1], [np.nan, 2], [np.nan, 0]])
    read = one_hot(train, np.array([False, True]))
    # standardised, missing, and the two levels beside the commonest one; 9 is far out, level 7 unknown
    assert np.array_equal(
        read(np.array([[1.0, 0], [np.nan, 1], [9e9, 7]])), [[-1, 0, 0, 0], [0, 1, 1, 0], [5, 0, 0, 0]]
    )
