import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.synthesizers import BayesianNetwork, Marginals
from shd.synthesizers.bayesian_network import distance_from_independence, mutual_information

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


def test_distance_from_independence_by_hand():
    assert distance_from_independence(np.array([[3, 1], [1, 3]])) == pytest.approx(0.25)  # half of 4 x 1/8
    assert distance_from_independence(np.array([[2, 4], [1, 2]])) == pytest.approx(0)


def test_replacing_one_record_moves_the_distance_no_more_than_its_sensitivity():
    rng = np.random.default_rng(0)
    for _ in range(300):
        joint = rng.integers(0, 4, (3, 4)) + np.eye(3, 4, dtype=int)
        n = joint.sum()
        other = joint.copy()
        full = np.argwhere(joint > 0)
        other[tuple(full[rng.integers(len(full))])] -= 1
        other[rng.integers(3), rng.integers(4)] += 1
        moved = abs(distance_from_independence(joint) - distance_from_independence(other))
        assert moved <= 3 / n + 2 / n**2


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


def test_a_large_epsilon_keeps_the_pairs(chain):
    sample = BayesianNetwork(degree=1, epsilon=1000).fit(chain).sample(20_000)
    assert agree(sample, "A", "B") == pytest.approx(agree(chain, "A", "B"), abs=0.02)


def test_more_noise_keeps_less():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2, 1000).astype(str)
    frame = pd.DataFrame({"a": a, "b": a})
    kept = [
        np.mean(
            [agree(BayesianNetwork(1, epsilon, random_state=s).fit(frame).sample(1000), "a", "b") for s in range(5)]
        )
        for epsilon in (100, 0.3)
    ]
    assert kept[0] > 0.95 and kept[0] > kept[1]


def test_with_a_tiny_epsilon_nothing_of_the_table_is_left():
    frame = pd.DataFrame({"a": ["x"] * 990 + ["y"] * 10})
    shares = [
        (BayesianNetwork(epsilon=1e-6, random_state=seed).fit(frame).sample(500)["a"] == "x").mean()
        for seed in range(40)
    ]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.25)  # near uniform on average, where the table says 0.99


def test_the_noise_follows_the_seed(chain):
    one, same, other = (BayesianNetwork(epsilon=1, random_state=seed).fit(chain) for seed in (0, 0, 1))
    assert one.parents_ == same.parents_
    tables = [{node.column: node.table for node in model.nodes_} for model in (one, same, other)]
    assert all((tables[0][j] == tables[1][j]).all() for j in tables[0])
    assert any(tables[0][j].shape != tables[2][j].shape or (tables[0][j] != tables[2][j]).any() for j in tables[0])


@pytest.mark.parametrize("epsilon", [0, -1, float("nan"), float("inf"), "1", True])
def test_an_epsilon_that_promises_nothing_is_refused(chain, epsilon):
    with pytest.raises(ShdError, match="epsilon=.* must be a number above 0"):
        BayesianNetwork(epsilon=epsilon).fit(chain)


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
