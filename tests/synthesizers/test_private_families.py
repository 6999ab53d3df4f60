"""`MST` and `PrivateMoments`: what they learn, what they pay, and that they look at noisy counts alone."""

import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch

import shd
from shd import Domain, Levels, Numbers, ShdError
from shd.synthesizers import MST, BayesianNetwork, PrivateMoments, load_synthesizer
from shd.synthesizers.dp.book import ConcentratedBudget
from shd.synthesizers.dp.cells import Column, _common, _neighbours
from shd.synthesizers.dp.moments import Kinds, _likely
from shd.synthesizers.dp.noise import Noise
from shd.synthesizers.dp.private import Records
from shd.synthesizers.dp.tree import PairsFit, TreeFit, raked

ABC = Levels(["0", "1", "2"])
CHAIN = Domain(dict.fromkeys("ABC", ABC) | {"number": Numbers(0, 50)})
QUICK = {"MST": {}, "PrivateMoments": {"kinds": 100, "steps": 100}}


@pytest.fixture(scope="module")
def chain():
    """A -> B -> C, each copies the one before nine times in ten; a number that goes with C."""
    rng = np.random.default_rng(0)
    n = 4000
    a = rng.integers(0, 3, n)
    b = np.where(rng.random(n) < 0.9, a, rng.integers(0, 3, n))
    c = np.where(rng.random(n) < 0.9, b, rng.integers(0, 3, n))
    frame = pd.DataFrame({"A": a, "B": b, "C": c}).astype(str).astype("category")
    return frame.assign(number=5 * c + rng.integers(0, 3, n))


@pytest.fixture(params=[MST, PrivateMoments])
def family(request):
    def make(**parameters):
        return request.param(**{**QUICK[request.param.__name__], **parameters})

    return make


def agree(frame, one, other):
    return (frame[one].astype(str) == frame[other].astype(str)).mean()


def test_a_large_epsilon_keeps_pairs_and_a_small_one_does_not(family, chain):
    real = np.array([agree(chain, "A", "B"), agree(chain, "B", "C")])
    off = {}
    for epsilon in (50, 0.005):
        samples = [family(epsilon=epsilon, domain=CHAIN).fit(chain).sample(4000) for _ in range(5)]
        off[epsilon] = np.mean([np.abs([agree(s, "A", "B"), agree(s, "B", "C")] - real) for s in samples])
        for sample in samples:
            assert list(sample) == list(chain) and str(sample["number"].dtype) == "int64"
            assert sample["number"].between(0, 50).all()
    assert off[50] < 0.04 and off[0.005] > 0.15


def test_the_book_adds_up_to_the_promise(family, chain):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # levels that could not be named
        for parameters in ({"domain": CHAIN}, {}, {"epsilon": 0.1, "delta": 1e-6}):
            privacy = family(**parameters).fit(chain).privacy_
            spent = sum(entry.rho for entry in privacy.spent)
            assert spent <= privacy.rho * (1 + 1e-12)
            if "domain" in parameters:  # elsewhere there may be no pair of columns that is worth a count
                assert spent == pytest.approx(privacy.rho)
            assert sum(entry.delta for entry in privacy.spent) == pytest.approx(privacy.delta)
            assert privacy.guarantee and "zero-concentrated" in privacy.composition and len(privacy.assumptions) == 5


def test_a_model_from_a_file_keeps_its_promise(family, chain, tmp_path):
    model = family(domain=CHAIN).fit(chain)
    again = load_synthesizer(model.save(tmp_path / "model"))
    assert again.privacy_ == model.privacy_ and again.get_params() == model.get_params()
    pd.testing.assert_frame_equal(again.sample(50), model.sample(50))


def test_subjects_are_protected_with_at_most_m_records(family, chain):
    data = shd.Dataset(chain, subjects=np.append(np.arange(3000), np.zeros(1000, dtype=int)), domain=CHAIN, target="C")
    for m in (1, 3):
        model = family(epsilon=20, max_records=m).fit(data)
        assert (model.privacy_.unit, model.privacy_.max_records) == ("subject", m)
        assert model.n_rows_ == pytest.approx(3000 + m - 1, abs=30)


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        ({"epsilon": None}, "epsilon=None must be a number above 0"),
        ({"epsilon": 0}, "epsilon=0 must be"),
        ({"delta": 0}, "delta=0 is a promise that Gaussian noise cannot keep"),
        ({"delta": 1}, "delta=1 must be"),
        ({"domain": {}}, "domain must be a Domain"),
        ({"max_records": 0}, "max_records=0 must be"),
        ({"max_levels": 1}, "max_levels=1 must be"),
        ({"noise_seed": -1}, "noise_seed=-1 must be"),
    ],
)
def test_arguments_that_promise_nothing_are_refused(family, chain, parameters, why):
    with pytest.raises(ShdError, match=why):
        family(**parameters).fit(chain)


@pytest.mark.parametrize("name", ["kinds", "rounds", "steps"])
def test_arguments_of_the_generator_are_checked(chain, name):
    with pytest.raises(ShdError, match=f"{name}=0 must be"):
        PrivateMoments(**{name: 0}).fit(chain)


def test_one_column_is_enough(family, chain):
    assert set(family(epsilon=10, domain=Domain({"A": ABC})).fit(chain[["A"]]).sample(20)["A"]) <= {"0", "1", "2"}


# The parts ------------------------------------------------------------------------------------------


def tree_of(frame, epsilon=20.0, m=1, noise=None):
    noise = noise or Noise(0)
    fit = TreeFit(
        Records(frame, np.arange(len(frame)), m, CHAIN, ConcentratedBudget(epsilon, 1e-5, False), noise), 9, 9
    )
    return fit, fit.run()


def test_the_tree_is_the_strongest_and_its_pairs_agree(chain):
    fit, nodes = tree_of(chain)
    edges = {frozenset((node.column, node.parents[0][0])) for node in nodes[1:]}
    assert edges == {frozenset((0, 1)), frozenset((1, 2)), frozenset((2, 3))} and not nodes[0].parents
    share = {nodes[0].column: nodes[0].table[0]}
    for node in nodes[1:]:
        share[node.column] = share[node.parents[0][0]] @ node.table
    shown = [np.bincount(fit.codes[:, j], minlength=size) / len(chain) for j, size in enumerate(fit.sizes)]
    for j, own in share.items():
        assert own == pytest.approx(shown[j], abs=0.01)


def test_raking_gives_the_sums_by_hand():
    table = raked(np.array([[1.0, 1], [1, 3]]), np.array([0.5, 0.5]), np.array([0.5, 0.5]))
    assert table.sum(axis=0) == pytest.approx([0.5, 0.5]) and table.sum(axis=1) == pytest.approx([0.5, 0.5])
    assert table[0, 0] * table[1, 1] / (table[0, 1] * table[1, 0]) == pytest.approx(3)  # the odds ratio stays


def test_what_noise_alone_would_show_is_taken_off_by_hand():
    shares = np.array([[0.5, 0.1], [0.2, 0.4]]), np.array([0.4, 0.6]), np.array([0.6, 0.4])
    nearest = np.array([[0.4, 0], [0.2, 0.4]])  # the sums of rows and columns are known better
    apart = np.array([[0.24, 0.16], [0.36, 0.24]])
    assert _likely(*shares, 0.0)[0] == pytest.approx(nearest) and _likely(*shares, 0.0)[1] == 1
    half, kept = _likely(*shares, 0.32 / 2**0.5)  # four cells, each 0.16 off: 0.32 squared in all, one free
    assert kept == pytest.approx(0.5) and half == pytest.approx((nearest + apart) / 2)
    assert _likely(*shares, 1.0)[0] == pytest.approx(apart)


def test_a_score_moves_by_no_more_than_m():
    rng = np.random.default_rng(0)
    for _ in range(100):
        m, n = int(rng.integers(1, 4)), int(rng.integers(5, 30))
        codes = np.column_stack([rng.integers(0, 3, n + m), rng.integers(0, 4, n + m)])
        found = []
        for rows in (n, n + m):
            fit = PairsFit.__new__(PairsFit)
            fit.codes, fit.sizes = codes[:rows], [3, 4]
            found.append((fit._count(0, 1), fit._score(0, 1, expected := np.full((3, 4), n / 12), 2.0)))
        assert np.linalg.norm(found[0][0] - found[1][0]) <= m and abs(found[0][1] - found[1][1]) <= m
        assert expected.shape == (3, 4)


class Recorder(Noise):
    """Hands out counts and the first choice as they are, and notes what was asked."""

    def __init__(self):
        super().__init__(0)
        self.asked = []

    def gauss(self, counts, variance):
        self.asked.append((np.array(counts, dtype=np.int64), float(variance)))
        return np.array(counts, dtype=np.int64)

    def pick(self, scores, epsilon, sensitivity):
        self.asked.append(sensitivity)
        return 0


def test_all_that_a_tree_looks_at_is_noisy_enough_for_its_book(chain):
    noise = Recorder()
    fit, _ = tree_of(chain, epsilon=1.0, m=2, noise=noise)
    counts, choices = [one for one in noise.asked if isinstance(one, tuple)], [one for one in noise.asked if one == 2]
    rho = sum(2**2 / (2 * variance) for _, variance in counts)
    chosen = sum(entry.rho for entry in fit.budget.spent() if entry.what.startswith("choice"))
    assert rho + chosen == pytest.approx(fit.budget.rho) and len(choices) == 3
    assert all(abs(count.sum() - len(chain)) == 0 for count, _ in counts)


def test_kinds_see_noisy_shares_alone_and_end_where_the_rest_is_noise():
    shares, pair = [np.array([0.5, 0.5]), np.array([0.3, 0.7])], np.array([[0.3, 0.2], [0.0, 0.5]])

    class Bar:
        steps = 0

        def advance(self, steps=1):
            self.steps += steps

    kinds, bar = Kinds(shares, 200.0, 50, seed=0), Bar()
    kinds.told(0, 1, pair)
    kinds.trust(0, 1, 200.0)
    kinds.fit(400, bar)
    assert kinds.block(kinds.joint(), 0, 1) == pytest.approx(pair, abs=0.01) and bar.steps < 400
    assert kinds.chances().shape == (4, 50) and torch.is_tensor(kinds.goal)


def test_numbers_beyond_all_people_are_not_drawn():
    column = Column.of(pd.Series(np.zeros(10), name="x"), Numbers(0, 60), 100, learned=False)
    noisy = np.append([4000, 900, 300], np.random.default_rng(0).normal(0, 20, 58)).astype(int)
    there = column.within(noisy, 20.0)
    assert there[:3].all() and there.sum() < 10


def test_codes_have_enough_records():
    assert _neighbours(np.array([70, 9, 8, 7, 3, 2, 1.0]), 4, 0).tolist() == [0, 1, 1, 2, 3, 3, 3]
    assert _neighbours(np.array([70, 9, 8, 7, 3, 2, 1.0]), 7, 7).tolist() == [0, 1, 2, 3, 3, 3, 3]
    assert _neighbours(np.array([3, 2.0]), 7, 7).tolist() == [0, 0]
    assert _common(np.array([90, 2, 50, 1.0]), 9, 5).tolist() == [0, 0, 1, 0]  # too few even together
    assert _common(np.array([90, 4, 50, 3.0]), 9, 5).tolist() == [0, 1, 2, 1]


# Faults: what a planted one changes is one method ----------------------------------------------------


def test_a_factor_on_the_sensitivity_is_one_method(chain):
    class TooLittle(MST, abstract=True):
        def _moved(self, m):
            return Fraction(m, 10)

    fits = [family(epsilon=1.0, domain=CHAIN, noise_seed=None).fit(chain) for family in (TooLittle, MST)]
    assert fits[0].privacy_.epsilon == fits[1].privacy_.epsilon


@pytest.mark.filterwarnings("ignore:no guarantee")
def test_the_tables_of_a_network_forget_numbers_beyond_all_people():
    frame = pd.DataFrame({"x": np.repeat([0, 1, 2], [3000, 800, 200])})
    private = BayesianNetwork(epsilon=1, domain=Domain({"x": Numbers(0, 200)}), noise_seed=0)  # one in some gets by
    sample = private.fit(frame).sample(4000)
    assert (sample["x"] > 20).mean() == 0
