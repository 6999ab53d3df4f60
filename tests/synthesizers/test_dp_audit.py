"""Two tables that differ in one person: what a private fit shows of that person, and whether an audit would see it."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from benchmarks import dp_cases as cases
from shd import audit as module
from shd.audit import audit
from shd.cli import main
from shd.synthesizers import BayesianNetwork, registry
from shd.synthesizers.dp.audit import Claim, Errors, _errors, _heard, epsilon_of, judge
from shd.synthesizers.dp.neighbours import pairs
from shd.synthesizers.dp.noise import Noise

OWN, BEYOND, MANY = (pair.name for pair in pairs())


def bound(family, pair, folder, runs=32, epsilon=0.5, **parameters):
    told = {**family.quick, "epsilon": epsilon, "delta": 1e-5, **parameters}
    return audit(family, folder, told, runs, among=[pair])[0]


@pytest.mark.parametrize(
    ("fault", "pair"),
    [
        (cases.DomainReadOff, BEYOND),
        (cases.RecordsNotBounded, MANY),
        (cases.NoiseKnown, OWN),
        (cases.NoiseFarTooSmall, OWN),
    ],
)
def test_a_planted_fault_of_a_network_is_caught(fault, pair, tmp_path):
    found = bound(cases.planted(fault, BayesianNetwork), pair, tmp_path)
    assert found.refuted and found.epsilon[0] > 0.5, found.to_dict()


@pytest.mark.parametrize(
    ("fault", "pair", "runs", "epsilon"),
    [
        (cases.DomainReadOff, BEYOND, 32, 1.0),
        (cases.RecordsNotBounded, MANY, 32, 1.0),
        (cases.NoiseTooSmall, OWN, 100, 10.0),  # shows in Gaussian units; in epsilon it would take far more fits
    ],
)
def test_a_planted_fault_of_a_tree_is_caught(fault, pair, runs, epsilon, tmp_path):
    found = bound(cases.planted(fault, registry["MST"]), pair, tmp_path, runs, epsilon)
    assert found.refuted, found.to_dict()


@pytest.mark.slow
def test_the_audit_of_a_tree_is_tight(tmp_path):
    # of two columns there is one pair to choose: a sixth of the budget shows nothing, and 92 % of mu can be seen
    found = bound(registry["MST"], OWN, tmp_path, runs=1500, epsilon=16.0)
    assert not found.refuted and found.share >= 0.8, found.to_dict()


@pytest.mark.slow
def test_queries_that_are_not_added_up_are_caught(tmp_path):
    # one of the faults of public implementations of PATE-GAN (arXiv 2406.13985)
    family = cases.planted(cases.BallotsNotAddedUp, registry["PATEGAN"])
    found = bound(family, OWN, tmp_path, runs=48, epsilon=2.0, teachers=64, batch=256)
    assert found.refuted and found.mu[0] > 1.5 * found.claim.mu, found.to_dict()


@pytest.mark.parametrize("pair", [OWN, BEYOND, MANY])
def test_a_network_keeps_its_promise(pair, tmp_path):
    assert not bound(BayesianNetwork, pair, tmp_path, runs=24).refuted


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in registry if hasattr(registry[name], "book")])
def test_no_event_refutes_a_promise(name, tmp_path):
    for epsilon in (0.1, 3.0):
        told = {**registry[name].quick, "epsilon": epsilon, "delta": 1e-5}
        for found in audit(registry[name], tmp_path, told, 120, confidence=0.999):
            assert not found.refuted, found.to_dict()


# The arithmetic ----------------------------------------------------------------------------------


def test_limits_by_hand():
    # 50 of 50 alarms with the person, none of 50 without; tails of .0125
    inside = np.arange(100) < 50
    alarms, misses = _errors(inside, inside, np.ones(100, dtype=bool), 0.0125)
    end = 1 - 0.0125 ** (1 / 50)
    assert alarms == misses == (0.0, 0.0, pytest.approx(end))
    errors = Errors("always", alarms, misses)
    assert errors.epsilon(0.0)[0] == pytest.approx(np.log((1 - end) / end))
    assert errors.epsilon(0.5)[0] == pytest.approx(np.log((0.5 - end) / end))
    assert errors.mu[0] == pytest.approx(-2 * norm.ppf(end))
    assert errors.mu[1] == errors.epsilon(0.0)[1] == np.inf
    never = Errors("never", (0.0, 0.0, end), (1 - end, 1.0, 1.0))
    assert never.mu[0] == never.epsilon(0.0)[0] == 0.0


def test_a_rare_event_counts_from_either_side():
    seldom = Errors("seldom", (0.0, 0.001, 0.002), (0.9, 0.93, 0.95))
    often = Errors("often", (0.9, 0.93, 0.95), (0.0, 0.001, 0.002))
    assert seldom.epsilon(0.0)[0] == often.epsilon(0.0)[0] == pytest.approx(np.log(0.05 / 0.002))


@pytest.mark.parametrize("mu", [0.2, 1.0, 3.0])
def test_epsilon_of_mu_is_that_of_two_normal_distributions(mu):
    epsilon = epsilon_of(mu, 1e-5)
    x = np.linspace(-12, 15, 400_001)
    over = np.maximum(norm.pdf(x, mu) - np.exp(epsilon) * norm.pdf(x), 0).sum() * (x[1] - x[0])
    assert over == pytest.approx(1e-5, rel=1e-3)


def test_epsilon_of_nothing_is_nothing():
    assert epsilon_of(0.0, 1e-5) == 0.0 and epsilon_of(1.0, 0.0) is None


def test_what_is_promised_in_gaussian_units():
    assert Claim(1.0, 1e-5, rho=0.08).mu == pytest.approx(0.4)
    middle = 1 / (1 + np.exp(1.0))
    assert Claim(1.0, 0.0).mu == pytest.approx(norm.ppf(1 - middle) - norm.ppf(middle))
    assert Claim(1.0, 0.0).least_misses(np.array([0.0, middle, 1.0])) == pytest.approx([1.0, middle, 0.0])
    assert Claim(50.0, 1e-5, rho=0.5).least_misses(np.array([0.5])) == pytest.approx(norm.cdf(-1.0))


def seen(apart, runs=9000, noise=12, seed=0):
    """What fits would show: `noise` numbers that say nothing, and three that are normal, `apart` as the root."""
    rng = np.random.default_rng(seed)
    frames = []
    for with_ in (True, False):
        shown = pd.DataFrame(rng.normal(size=(runs, noise + 3))).add_prefix("n")
        shown.iloc[:, :3] += with_ * apart / 3**0.5
        frames.append(shown)
    return tuple(frames)


@pytest.mark.parametrize("mu", [0.5, 1.5])
def test_numbers_are_weighed_so_that_the_bound_is_tight(mu):
    claim = Claim(50.0, 1e-5, rho=mu**2 / 2)
    found = judge("pair", seen(mu), claim)
    assert not found.refuted and found.share > 0.8
    assert found.mu[0] < mu < found.mu[2]
    assert judge("pair", seen(2 * mu, 1200), claim).refuted


def test_nothing_is_found_where_nothing_is():
    shares = [judge("pair", seen(0.0, 200, seed=seed), Claim(0.01, 1e-5, rho=1e-8)).refuted for seed in range(20)]
    assert sum(shares) <= 1  # each with a chance of 5 % at most
    same = pd.DataFrame({"always": np.ones(60)})
    assert judge("pair", (same, same), Claim(1.0, 0.0)).epsilon[0] == 0.0


def test_what_is_shown_by_some_fits_only_counts():
    with_, without = pd.DataFrame([{"error x": 1.0}] * 60), pd.DataFrame([{"n_rows": float(n % 3)} for n in range(60)])
    assert judge("pair", (with_, without), Claim(0.5, 0.0)).refuted


def test_what_noise_is_made_from_is_heard_by_nobody():
    with _heard() as heard:
        first = Noise(3).gauss(np.array([5, 6]), 4)
    assert heard == {"gauss 0 sum": first.sum(), "gauss 0 size": 2.0, "gauss 0 0": first[0], "gauss 0 1": first[1]}
    again = Noise(3).gauss(np.array([5, 6]), 4)
    assert (again == first).all() and len(heard) == 4  # and nobody listens any more


def test_pairs_differ_in_all_records_of_one_subject():
    for pair in pairs():
        n = len(pair.without)
        pd.testing.assert_frame_equal(pair.with_.frame.iloc[:n], pair.without.frame, check_dtype=False)
        assert len(set(pair.with_.subjects) - set(pair.without.subjects)) == 1
        assert set(pair.with_.subjects[n:]) == {n}


# The work and the command ------------------------------------------------------------------------


def test_an_audit_that_was_stopped_goes_on(tmp_path, monkeypatch):
    done, run = [], module.run

    def stops(piece):
        if len(done) == 1:
            raise KeyboardInterrupt
        done.append(piece)
        return run(piece)

    monkeypatch.setattr(module, "run", stops)
    with pytest.raises(KeyboardInterrupt):
        bound(BayesianNetwork, OWN, tmp_path / "a", runs=12)
    monkeypatch.setattr(module, "run", lambda piece: done.append(piece) or run(piece))
    again = bound(BayesianNetwork, OWN, tmp_path / "a", runs=12)
    assert len(done) == 2  # a piece for each table; the first was not done twice
    whole = bound(BayesianNetwork, OWN, tmp_path / "b", runs=12)
    assert again.to_dict() == whole.to_dict()
    assert (tmp_path / "a" / "audit.png").stat().st_size > 10_000
    bound(BayesianNetwork, OWN, tmp_path / "a", runs=12, epsilon=1.0)
    assert len(done) == 6  # another promise is another audit


def test_the_command(tmp_path, capsys, monkeypatch):
    told = ["audit", "bayesiannetwork", "--epsilon", "1", "--runs", "12", "-o", str(tmp_path / "out")]
    assert main([*told, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["family"] == "BayesianNetwork" and len(found["pairs"]) == 3 and not found["refuted"]
    assert json.loads((tmp_path / "out" / "audit.json").read_text())["pairs"] == found["pairs"]
    assert main(told) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].endswith("audit.png") and sum("green" in line for line in lines) == 3
    monkeypatch.setitem(registry.data, "Leaky", cases.planted(cases.NoiseKnown, BayesianNetwork))
    assert main(["audit", "leaky", "--epsilon", "0.1", "--runs", "24", "-o", str(tmp_path / "leaky")]) == 1
    assert "REFUTED" in capsys.readouterr().out


def test_ctrl_c_says_that_the_command_goes_on(tmp_path, capsys, monkeypatch):
    def stops(piece):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run", stops)
    assert main(["audit", "BayesianNetwork", "--epsilon", "1", "-o", str(tmp_path)]) == 130
    assert "the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (["Marginals", "--epsilon", "1"], "Marginals promises no privacy"),
        (["Nonsense", "--epsilon", "1"], "Nonsense is no family"),
        (["BayesianNetwork", "--epsilon", "0"], "epsilon"),
        (["BayesianNetwork", "--epsilon", "1", "--delta", "2"], "delta"),
        (["BayesianNetwork", "--epsilon", "1", "--runs", "5"], "--runs"),
        (["BayesianNetwork"], "--epsilon"),
    ],
)
def test_bad_input_is_one_line(told, said, capsys, tmp_path):
    assert main(["audit", *told, "-o", str(tmp_path / "out")]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert said in lines[-1] and len(lines) == 1
