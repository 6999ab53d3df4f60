import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.fidelity import missingness


def gaps(seed: int, n: int = 1000, share: float = 0.2, together: bool = True) -> pd.DataFrame:
    """A number and a level that are missing together, or each on its own."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"x": rng.normal(size=n), "g": rng.choice(["a", "b"], n), "full": rng.normal(size=n)})
    first, second = rng.random((2, n)) < share
    frame.loc[first, "x"] = np.nan
    frame.loc[first if together else second, "g"] = None
    return frame


def asked(train, synthetic, holdout=None):
    return ask("what is missing together", train, synthetic, holdout=holdout)


def score_of(*tables):
    (score,) = asked(*tables).scores
    return score


def test_by_hand():
    train = pd.DataFrame({"x": [1, np.nan, np.nan, 4], "g": ["a", None, None, "b"]})
    other = pd.DataFrame({"x": [1, np.nan, 2, 4], "g": ["a", None, None, "b"]})
    # train: none .5, both .5; other: none .5, both .25, g alone .25
    assert score_of(train, other).value == pytest.approx(0.25)
    assert score_of(train, train).value == 0
    assert score_of(train, train.dropna()).value == 0.5


def test_a_level_is_not_missing():
    train = pd.DataFrame({"test": ["not measured", "high"], "x": [1, 2]})
    assert not asked(train, train.assign(test="high")).scores


def test_what_is_missing_together_must_stay_together():
    good = score_of(gaps(1), gaps(2), gaps(3))
    bad = score_of(gaps(1), gaps(2, together=False), gaps(3))
    assert good.verdict == "green" and bad.verdict == "red"
    assert bad.value == pytest.approx(bad.floor, abs=0.04)
    assert "x, g is missing" in bad.sentence


@pytest.mark.parametrize(("share", "verdict"), [(0.2, "green"), (0.3, "amber"), (0.5, "red")])
def test_independent_gaps_are_judged_as_one_column_is(share, verdict):
    train, holdout = (gaps(seed).drop(columns="g") for seed in (1, 3))
    assert score_of(train, gaps(2, share=share).drop(columns="g"), holdout).verdict == verdict


def test_without_a_holdout_chance_takes_its_place():
    assert score_of(gaps(1), gaps(2)).verdict == "green"
    assert score_of(gaps(1), gaps(2, together=False)).verdict == "red"


def test_where_nothing_is_missing_there_is_nothing_to_judge(people):
    answer = asked(people(50, 1), people(50, 2))
    assert not answer.scores and "no value is missing" in answer.skipped[-1].why


def test_gaps_that_only_synthetic_records_have_are_seen(people):
    other = people(200, 2)
    other.loc[:99, "blood"] = np.nan
    assert score_of(people(200, 1), other, people(200, 3)).verdict == "red"


def test_the_commonest_patterns_are_named():
    frame = asked(gaps(1), gaps(2, together=False)).table("missing together")
    assert list(frame) == ["missing", "columns", "train", "synthetic", "floor", "real reference"]
    assert frame["missing"].tolist()[:2] == ["nothing", "x, g"] and set(frame["columns"]) == {0, 1, 2}
    assert frame[["train", "synthetic", "floor"]].sum().tolist() == pytest.approx([1, 1, 1])


def test_very_many_patterns_share_the_last(monkeypatch):
    monkeypatch.setattr(missingness, "_MOST", 8)
    rng = np.random.default_rng(0)
    train, other = (pd.DataFrame(np.where(rng.random((400, 8)) < 0.4, np.nan, 1.0)) for _ in range(2))
    frame = asked(train, other).table("missing together")
    assert len(frame) == 8 and frame["missing"].iloc[0] == "(rarer sets of columns)"
    assert frame["train"].sum() == pytest.approx(1)
