import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.utility import importance


def _measure(train, synthetic, holdout, target="sick", level="full"):
    return ask("importance", train, synthetic, holdout=holdout, target=target, level=level)


@pytest.fixture(scope="module")
def answer(people):
    return _measure(people(600, 1), people(600, 2), people(500, 3))


def test_columns_that_matter_fall_when_shuffled(answer):
    found = answer.table("importance").set_index("column")["real"]
    assert list(found.index) == ["age", "blood", "pills", "sex"]
    assert found["pills"] > 0.1 and found["age"] > 0.02 and abs(found["sex"]) < 0.02


def test_a_constant_column_matters_not_at_all(people):
    found = _measure(*(people(200, seed).assign(k=1) for seed in (1, 2, 3))).table("importance").set_index("column")
    assert (found.loc["k"] == 0).all()


def test_importance_of_a_number(people):
    found = _measure(people(400, 1), people(400, 2), people(400, 3), "blood").table("importance").set_index("column")
    assert found["real"].idxmax() == "age" and found.loc["age", "real"] > 0.5


@pytest.mark.parametrize(
    "other, correlation",
    [
        ([9, 5, 1], 1),
        ([1, 5, 9], -1),
        ([5, 9, 1], 0.5),  # 1 - 6 * (1 + 1 + 0) / (3 * 8)
        ([0, 0, 0], np.nan),  # without variation it is unknown
    ],
)
def test_agreement_worked_out_by_hand(other, correlation):
    found = importance._spearman(np.array([[0.3], [0.2], [0.1]]), np.array(other, dtype=float)[:, None])
    assert found == pytest.approx([correlation], nan_ok=True)


def test_the_top_is_counted_by_hand():
    first, second = np.array([[4.0], [3], [2], [1]]), np.array([[1.0], [4], [3], [2]])
    assert importance._shared(first, second, top=2) == 0.5
    assert importance._shared(first, first, top=2) == 1
    assert importance._shared(first, 0 * first, top=2) == 0  # nothing matters to the other model


def test_a_fresh_sample_agrees(answer):
    assert {score.metric: score.verdict for score in answer.scores} == {
        "importance agreement": "green",
        "important columns shared": "green",
    }
    assert not answer.skipped and list(answer.table("importance")) == ["column", "real", "synthetic"]


def test_a_swapped_label_is_found_out(people):
    """A model of the opposite gets better when a column that matters is shuffled."""
    swapped = people(600, 2).assign(sick=lambda f: f["sick"].map({"yes": "no", "no": "yes"}))
    found = _measure(people(600, 1), swapped, people(500, 3))
    assert {score.verdict for score in found.scores} == {"red"} and found.score("importance agreement").value < 0


def test_a_shuffled_target_agrees_less(people, answer):
    rng = np.random.default_rng(0)
    loose = people(600, 2).assign(sick=lambda f: f["sick"].to_numpy()[rng.permutation(600)])
    low = _measure(people(600, 1), loose, people(500, 3)).score("importance agreement")
    assert low.value < answer.score("importance agreement").value


def test_quick_leaves_it_out(people):
    found = _measure(people(100, 1), people(100, 2), people(100, 3), level="quick")
    assert not found.scores and not found.tables and "quick" in found.skipped[-1].why


@pytest.mark.parametrize("seed", [1, 51])
def test_both_metrics_are_skipped_where_there_is_nothing_to_learn(people, seed):
    rng = np.random.default_rng(seed)
    coin = _measure(*(people(600, seed + k).assign(sick=rng.choice(["no", "yes"], 600)) for k in range(3)))
    assert not coin.scores
    assert [note.what for note in coin.skipped] == ["importance agreement", "important columns shared"]


def test_a_number_that_does_not_vary_in_the_holdout_has_no_importance(people):
    found = _measure(people(200, 1), people(200, 2), people(200, 3).assign(blood=1.5), target="blood")
    assert not found.scores and not found.tables  # importances without a number cannot be drawn
    assert [note.what for note in found.skipped] == ["importance agreement", "important columns shared"]


def test_two_columns_cannot_be_ranked(people):
    found = _measure(*(people(200, seed)[["age", "sex", "sick"]] for seed in (1, 2, 3)))
    assert [note.what for note in found.skipped] == ["importance agreement"]


def test_too_many_columns_take_too_long(monkeypatch, people):
    monkeypatch.setattr(importance, "_MOST_FEATURES", 3)
    found = _measure(people(100, 1), people(100, 2), people(100, 3))
    assert found.skipped[0].why == "takes 3 to 3 columns beside the target, and there are 4"


def test_the_same_seed_gives_the_same_numbers(people, answer):
    again = _measure(people(600, 1), people(600, 2), people(500, 3))
    assert answer.scores == again.scores
    pd.testing.assert_frame_equal(answer.table("importance"), again.table("importance"), check_exact=True)
