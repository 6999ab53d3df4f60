import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.synthesizers import Marginals


def fitted(n=4000):
    rng = np.random.default_rng(0)
    a = rng.choice(["x", "y"], n, p=[0.8, 0.2])
    return Marginals().fit(pd.DataFrame({"a": a, "b": a, "c": np.where(a == "x", None, 1.5)}))


def test_each_column_keeps_its_shares_and_its_missing_values():
    sample = fitted().sample(20_000)
    assert (sample["a"] == "x").mean() == pytest.approx(0.8, abs=0.02)
    assert sample["c"].isna().mean() == pytest.approx(0.8, abs=0.02)


def test_columns_have_nothing_to_do_with_each_other():
    sample = fitted().sample(20_000)
    both = ((sample["a"] == "x") & (sample["b"] == "x")).mean()
    assert both == pytest.approx(0.64, abs=0.02)  # 0.8 x 0.8, where the real share is 0.8


def test_counts_are_those_of_the_table():
    model = Marginals().fit(pd.DataFrame({"a": ["x"] * 70 + ["y"] * 50}))
    assert [c.tolist() for c in model.counts_] == [[70, 50]]


def test_a_condition_is_refused_and_says_what_can():
    with pytest.raises(ShdError, match=r"Marginals cannot be asked .* TabularCGAN"):
        fitted().sample(5, condition={"a": "x"})
