import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.core.neighbourhoods import Regions
from shd.compare.fidelity import neighbourhoods


def scores(train, synthetic, holdout) -> dict:
    found = ask("precision, recall, density, coverage", train, synthetic, holdout=holdout)
    return {score.metric: score for score in found.scores}


def values(real, synthetic) -> dict:
    return {metric: score.value for metric, score in scores(real, synthetic, real).items()}


def test_of_one_number_it_is_what_pictures_are_judged_by():
    rng = np.random.default_rng(0)
    real, other = rng.normal(size=(2, 80))
    found = values(pd.DataFrame({"x": real}), pd.DataFrame({"x": other + 0.5}))
    assert found == pytest.approx(Regions.of(real[:, None], other[:, None] + 0.5, neighbourhoods.NEIGHBOURS).measure())


def test_levels_by_hand(monkeypatch):
    monkeypatch.setattr(neighbourhoods, "NEIGHBOURS", 1)
    # real: a twice in both columns, so that its reach is 0; b and c are one column off, each other's neighbours
    real = pd.DataFrame({"p": list("aabb"), "q": list("xxyz")})
    other = pd.DataFrame({"p": list("aabb"), "q": list("xxww")})
    # both a x are copies; b w lies one column from b y and b z, which reach as far
    found = values(real, other)
    assert found["precision"] == 1 and found["coverage"] == 1
    # b w twice reach 0 and hold neither b y nor b z
    assert found["recall"] == 0.5
    # real balls hold: a x two each, b y and b z two each: 8 of 4 records, by k
    assert found["density"] == 2


def test_identical_tables_cover_each_other(people):
    found = values(people(300, 1), people(300, 1))
    assert found["precision"] == found["recall"] == found["coverage"] == 1


def test_tables_with_nothing_in_common_cover_nothing(people):
    real = people(200, 1)
    other = real.assign(age=real["age"] + 1000, blood=-1000.0, pills="x", sick="x", sex="x")
    assert set(values(real, other).values()) == {0}


def test_one_repeated_record_is_plausible_and_nothing_else_is_there(people):
    real = people(400, 1)
    one = people(400, 2).iloc[np.full(400, 7)]
    found = values(real, one)
    assert found["recall"] < 0.03 and found["coverage"] < 0.1
    found = scores(people(400, 3), one, real)
    assert found["recall"].verdict == found["coverage"].verdict == "red"


def test_a_dropped_mode_is_missed_by_recall_and_coverage_alone(people):
    synthetic = people(1200, 2)
    young = synthetic[synthetic["age"] < 60].head(500).reset_index(drop=True)
    found = scores(people(500, 1), young, people(500, 3))
    assert found["recall"].verdict == found["coverage"].verdict == "red"
    assert found["precision"].verdict == "green"


def test_noise_is_missed_by_precision_and_density():
    rng = np.random.default_rng(0)
    train, holdout, spread = (pd.DataFrame(rng.normal(size=(400, 3)) * by) for by in (1, 1, 3))
    found = scores(train, spread, holdout)
    assert found["precision"].verdict == found["density"].verdict == "red"


def test_scores(cohort):
    train, synthetic, holdout = cohort
    rng = np.random.default_rng(0)
    scrambled = pd.DataFrame({c: rng.permutation(synthetic.frame[c].to_numpy()) for c in synthetic.frame})
    good, bad = scores(train, synthetic, holdout), scores(train, scrambled, holdout)
    assert list(good) == ["precision", "recall", "density", "coverage"]
    for metric, score in good.items():
        # scrambled records are spread as wide as real ones: recall alone cannot tell the two
        assert score.verdict == ("grey" if metric == "recall" else "green")
        assert score.ceiling == pytest.approx(1, abs=0.1)
        assert bad[metric].value == pytest.approx(bad[metric].floor, abs=0.05)
        assert metric == "recall" or bad[metric].verdict == "red"


def test_too_few_records_are_skipped(people):
    answer = ask("precision, recall, density, coverage", people(50, 1), people(5, 2))
    assert not answer.scores and "more than 5 records" in answer.skipped[-1].why
