import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.fidelity.triples import _choose


def asked(train, synthetic, holdout=None):
    return ask("three columns at a time", train, synthetic, holdout=holdout)


def triple_distance(train, synthetic):
    return asked(train, synthetic).score("distance of triples").value


def parity(seed: int, n: int, keep: bool = True) -> pd.DataFrame:
    """Three columns of which any two are independent, and the third follows from two; and one beside them."""
    rng = np.random.default_rng(seed)
    a, b, other = rng.integers(0, 2, (3, n))
    c = a ^ b if keep else rng.integers(0, 2, n)
    return pd.DataFrame({"a": a, "b": b, "c": c, "d": other}).astype(str)


def test_by_hand():
    # of eight cells, train has the four of even parity at a quarter each, synthetic all eight at an eighth
    cells = np.array(np.meshgrid(*[[0, 1]] * 3)).reshape(3, 8).T
    even = cells[cells.sum(axis=1) % 2 == 0].repeat(2, axis=0)
    train, synthetic = (pd.DataFrame(table, columns=list("abc")).astype(str) for table in (even, cells))
    assert triple_distance(train, synthetic) == pytest.approx(0.5)
    frame = asked(train, synthetic).table("triples")
    assert frame["distance"].tolist() == [0.5] and frame["of pairs"].tolist() == [0]


def test_a_lost_triple_whose_pairs_are_intact_is_named():
    tables = parity(1, 2000), parity(2, 2000, keep=False), parity(3, 2000)
    # any two real columns are independent: pairs have nothing to lose
    assert ask("pairs of columns", *tables[:2], holdout=tables[2]).scores[0].verdict == "grey"
    answer = asked(*tables)
    first = answer.table("triples").iloc[0]
    assert first[["first", "second", "third"]].tolist() == ["a", "b", "c"]
    assert answer.table("triples")["distance"].is_monotonic_decreasing
    assert first["distance"] == pytest.approx(0.5, abs=0.05) and first["of pairs"] < 0.05
    assert answer.scores[0].verdict == "red" and "a, b and c are furthest off" in answer.scores[0].sentence


def test_without_a_holdout_chance_takes_its_place():
    (good,) = asked(parity(1, 2000), parity(2, 2000)).scores
    (bad,) = asked(parity(1, 2000), parity(2, 2000, keep=False)).scores
    assert good.ceiling is None and good.verdict == "green" and bad.verdict == "red"


def test_what_chance_gives_is_what_other_samples_give():
    rng = np.random.default_rng(0)
    tables = [pd.DataFrame(rng.integers(0, 4, (500, 6))).astype(str) for _ in range(3)]
    frame = asked(*tables).table("triples")
    assert frame["by chance"].mean() == pytest.approx(frame["real reference"].mean(), rel=0.1)


def test_identical_tables_are_the_same(people):
    assert triple_distance(people(300, 1), people(300, 1)) == 0


def test_missing_values_are_a_level():
    train = pd.DataFrame({"a": [1.0, 2.0] * 20, "b": ["x", "y"] * 20, "c": [1, 1] * 20})
    other = train.assign(a=[1.0, np.nan] * 20)
    assert triple_distance(train, other) == pytest.approx(0.5)
    lowest = pd.DataFrame({"a": np.arange(10.0), "b": "x", "c": 1})
    assert triple_distance(lowest, lowest.assign(a=lowest["a"].where(lowest["a"] > 1))) == pytest.approx(0.2)


def test_rare_levels_share_one():
    names = [f"l{i:02}" for i in range(40)]
    train = pd.DataFrame({"a": names * 10, "b": 0, "c": 0})
    swapped = train.replace({"a": {"l20": "l30"}})  # both are among the rarest
    assert triple_distance(train, swapped) == 0


def test_triples_are_chosen_once_each():
    chosen = _choose(100, 50, np.random.default_rng(0))
    assert chosen.shape == (50, 3) and len(np.unique(chosen, axis=0)) == 50
    assert (np.diff(chosen, axis=1) > 0).all()
    assert len(np.unique(chosen)) > 60
    assert len(_choose(5, 50, np.random.default_rng(0))) == 10


def test_a_link_destroyed_shows_in_the_pairs_of_its_triples(people):
    synthetic = people(800, 2)
    synthetic["blood"] = np.random.default_rng(0).permutation(synthetic["blood"])
    answer = asked(people(800, 1), synthetic, people(800, 3))
    frame = answer.table("triples")
    both = frame[["first", "second", "third"]].isin(["age", "blood"]).sum(axis=1) == 2
    assert (frame.loc[both, "of pairs"] > 0.3).all() and (frame.loc[~both, "of pairs"] < 0.3).all()
    assert both.sum() == 3 and answer.scores[0].verdict != "green"


def test_two_columns_make_no_triple(people):
    two = people(30, 1)[["age", "sex"]]
    assert asked(two, two).skipped[-1].why == "takes at least 3 columns"


def test_the_interval_holds_the_truth():
    held = []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        train, other = (
            pd.DataFrame({"a": rng.random(500) < p, "b": rng.integers(0, 2, 500), "c": 0}) for p in (0.2, 0.6)
        )
        (score,) = asked(train, other).scores
        held.append(score.low <= 0.4 <= score.high)
    assert np.mean(held) >= 0.85
