"""`GaussianCopula`: it finds correlations that are known, and draws what is asked for."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtri

from shd._errors import ShdError
from shd.synthesizers import GaussianCopula
from shd.synthesizers.gaussian_copula import _as_correlation, _means


def normal(n=4000, rho=0.6, seed=0):
    """Return two numbers and two levels that hang on normal numbers correlated by `rho`."""
    rng = np.random.default_rng(seed)
    related = np.full((4, 4), rho) + (1 - rho) * np.eye(4)
    a, b, c, d = rng.multivariate_normal(np.zeros(4), related, n).T
    levels = pd.Categorical(np.select([d < -0.5, d < 0.5], ["low", "middle"], "high"), ["low", "middle", "high"], True)
    return pd.DataFrame({"a": a, "b": np.exp(b), "c": pd.Categorical(np.where(c > 0, "yes", "no")), "d": levels})


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
def test_correlations_of_hidden_numbers_are_found(rho):
    found = GaussianCopula().fit(normal(rho=rho)).correlation_.abs()
    off = found.to_numpy()[np.triu_indices(4, 1)]
    # to first order: pairs of few levels come out a little high where the correlation is strong
    assert off == pytest.approx(rho, abs=0.05 if rho < 0.5 else 0.12)
    assert found.loc["a", "b"] == pytest.approx(rho, abs=0.03)


def test_drawn_records_are_as_correlated_as_real_ones():
    frame = normal(rho=0.5)
    drawn = GaussianCopula().fit(frame).sample(4000)
    assert drawn[["a", "b"]].corr("spearman").iloc[0, 1] == pytest.approx(
        frame[["a", "b"]].corr("spearman").iloc[0, 1], abs=0.03
    )
    means = [table.groupby("d", observed=True)["a"].mean() for table in (frame, drawn)]
    assert means[0].to_numpy() == pytest.approx(means[1].to_numpy(), abs=0.12)


def test_two_columns_asked_for_together():
    """As many records that are so by chance have the same mean of a third column."""
    model = GaussianCopula(condition=("c", "d")).fit(normal(rho=0.5))
    both = model.sample(2000, condition={"c": "yes", "d": "high"})
    neither = model.sample(2000, condition={"c": "no", "d": "low"})
    assert (both["c"] == "yes").all() and (both["d"] == "high").all()
    top = normal(rho=0.5, n=40_000, seed=1).query("c == 'yes' and d == 'high'")["a"].mean()
    assert both["a"].mean() == pytest.approx(top, abs=0.12) and neither["a"].mean() < -0.4


def test_means_of_stretches_by_hand():
    """The mean of the upper half of a normal number is the square root of 2 / pi."""
    assert _means(np.array([0, 0.5, 1])) == pytest.approx([-np.sqrt(2 / np.pi), np.sqrt(2 / np.pi)], abs=1e-4)
    fine = np.linspace(0, 1, 1001)
    assert _means(fine)[1:-1] == pytest.approx(ndtri((fine[1:-2] + fine[2:-1]) / 2), abs=0.01)


def test_what_is_no_correlation_matrix_is_mended():
    wrong = np.array([[1, 0.9, -0.9], [0.9, 1, 0.9], [-0.9, 0.9, 1]])
    assert np.linalg.eigvalsh(wrong).min() < 0
    mended = _as_correlation(wrong, list("abc")).to_numpy()
    assert np.linalg.eigvalsh(mended).min() > 0 and np.diag(mended) == pytest.approx(np.ones(3))


def test_likely_records_score_higher():
    frame = normal(rho=0.6)
    model = GaussianCopula().fit(frame)
    odd = frame.assign(b=frame["b"].sample(frac=1, random_state=0).to_numpy())
    assert model.log_score(frame).mean() > model.log_score(odd).mean() + 0.1


def test_a_table_of_one_column_and_bad_arguments():
    assert len(GaussianCopula().fit(normal()[["c"]]).sample(20)) == 20
    with pytest.raises(ShdError, match="max_levels=1"):
        GaussianCopula(max_levels=1).fit(normal())
