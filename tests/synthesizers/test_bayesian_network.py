import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.synthesizers import BayesianNetwork, Marginals
from shd.synthesizers._codes import mutual_information

STAY = 0.9  # how often a child takes the level of its parent


@pytest.fixture(scope="module")
def chain():
    """A -> B -> C: each copies the one before nine times in ten."""
    rng = np.random.default_rng(0)
    n = 5000
    a = rng.integers(0, 3, n)
    b = np.where(rng.random(n) < STAY, a, rng.integers(0, 3, n))
    c = np.where(rng.random(n) < STAY, b, rng.integers(0, 3, n))
    return pd.DataFrame({"A": a, "B": b, "C": c}).astype(str).astype("category")


def agree(frame, one, other):
    return (frame[one].astype(str) == frame[other].astype(str)).mean()


def test_mutual_information_by_hand():
    # margins are halves: 2 x 3/8 log(3/8 / 1/4) + 2 x 1/8 log(1/8 / 1/4)
    by_hand = 0.75 * np.log(1.5) + 0.25 * np.log(0.5)
    assert mutual_information(np.array([[3, 1], [1, 3]])) == pytest.approx(by_hand)
    assert mutual_information(np.array([[5, 0], [0, 5]])) == pytest.approx(np.log(2))
    assert mutual_information(np.array([[2, 4], [1, 2]])) == pytest.approx(0)


def test_a_chain_is_recovered(chain):
    model = BayesianNetwork(degree=1).fit(chain)
    links = {frozenset((child, parent)) for child, parents in model.parents_.items() for parent in parents}
    assert links == {frozenset("AB"), frozenset("BC")}


def test_a_third_column_adds_no_parent_where_it_tells_nothing_more(chain):
    assert sum(len(parents) for parents in BayesianNetwork(degree=2).fit(chain).parents_.values()) == 2


def test_pairs_and_margins_of_the_chain_are_those_of_the_table(chain):
    sample = BayesianNetwork().fit(chain).sample(20_000)
    for one, other in ("AB", "BC", "AC"):
        assert agree(sample, one, other) == pytest.approx(agree(chain, one, other), abs=0.02)
    for column in chain:
        shares = sample[column].value_counts(normalize=True)
        assert shares[chain[column].cat.categories].to_numpy() == pytest.approx(
            chain[column].value_counts(normalize=True)[chain[column].cat.categories].to_numpy(), abs=0.02
        )


def test_logic_of_two_parents_is_exact_where_one_is_not_enough():
    rng = np.random.default_rng(0)
    a, b = rng.random((2, 3000)) < 0.4
    frame = pd.DataFrame({"a": a, "b": b, "either": a | b})
    wrong = []
    for degree in (1, 2):
        sample = BayesianNetwork(degree=degree).fit(frame).sample(5000)
        wrong.append(((sample["a"] | sample["b"]) != sample["either"]).mean())
    assert wrong[0] > 0.05 and wrong[1] < 0.001


def test_numbers_are_seen_coarsely_by_their_children():
    rng = np.random.default_rng(0)
    x = rng.normal(size=2000)
    frame = pd.DataFrame({"x": x, "y": x + rng.normal(size=2000) / 4})
    model = BayesianNetwork().fit(frame)
    child = model.nodes_[1]
    assert child.table.shape[0] in (2, 4, 8, 16)
    sample = model.sample(5000)
    assert sample["x"].corr(sample["y"]) == pytest.approx(frame["x"].corr(frame["y"]), abs=0.1)


def test_tables_are_never_sparser_than_one_row_a_cell():
    rng = np.random.default_rng(0)
    level = rng.integers(0, 30, 300)
    frame = pd.DataFrame({f"c{k}": (level + rng.integers(0, 2, 300)).astype(str) for k in range(6)})
    model = BayesianNetwork().fit(frame)
    assert all(node.table.size <= 300 for node in model.nodes_ if node.parents)


def test_degree_0_is_marginals_in_distribution(chain):
    model = BayesianNetwork(degree=0).fit(chain)
    assert set(model.parents_.values()) == {()}
    sample, floor = model.sample(20_000), Marginals().fit(chain).sample(20_000)
    for one, other in ("AB", "BC"):
        assert agree(sample, one, other) == pytest.approx(agree(floor, one, other), abs=0.02)
    for column in chain:
        assert sample[column].value_counts(normalize=True).sort_index().to_numpy() == pytest.approx(
            floor[column].value_counts(normalize=True).sort_index().to_numpy(), abs=0.02
        )


@pytest.mark.parametrize("degree", [-1, 1.5, None, True])
def test_a_degree_that_is_no_number_of_parents_is_refused(chain, degree):
    with pytest.raises(ShdError, match="degree=.* must be a whole number"):
        BayesianNetwork(degree=degree).fit(chain)


def test_max_levels_below_two_is_refused(chain):
    with pytest.raises(ShdError, match="max_levels=1 must be"):
        BayesianNetwork(max_levels=1).fit(chain)


def test_a_condition_is_refused_and_says_what_can(chain):
    with pytest.raises(ShdError, match=r"BayesianNetwork cannot be asked .* TabularCGAN"):
        BayesianNetwork().fit(chain).sample(5, condition={"A": "0"})


@pytest.mark.real_data
def test_real_pairs_are_kept_and_rows_are_not_copied(real_diabetes):
    train, _ = real_diabetes.take(np.arange(0, len(real_diabetes), 4)).split(0.2)
    with pytest.warns(UserWarning, match="only one value"):
        sample = BayesianNetwork().fit(train).sample(len(train))
    insulin = pd.crosstab(train.frame["insulin"], train.frame["change"], normalize=True)
    assert np.abs(pd.crosstab(sample["insulin"], sample["change"], normalize=True) - insulin).to_numpy().max() < 0.02
    copies = sample.astype(str).merge(train.frame.astype(str).drop_duplicates())
    assert len(copies) <= 3
