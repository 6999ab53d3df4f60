"""Two tables that differ in one person: what a private fit shows of that person, and whether an audit would see it."""

import numpy as np
import pytest

from benchmarks import dp_cases as cases
from shd.synthesizers import BayesianNetwork
from shd.synthesizers.dp.audit import _bound, audit

RUNS = 36
CONFIDENCE = 0.99  # many bounds are taken at once; seeds are fixed, so that a test says the same each time


def bounds(family, names=None, **parameters):
    one, neighbours = cases.tables()
    chosen = {name: neighbours[name] for name in names or neighbours}

    def make(run):
        return family(noise_seed=run, **parameters)

    return audit(make, one, chosen, RUNS, CONFIDENCE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "parameters",
    [
        {"epsilon": 0.01, "domain": cases.DOMAIN},
        {"epsilon": 1.0, "domain": cases.DOMAIN, "max_records": 3},
        {"epsilon": 1.0, "delta": 1e-6},
    ],
    ids=["declared, .01", "declared, 1", "learned, 1"],
)
def test_no_event_refutes_the_claim(parameters):
    for name, bound in bounds(BayesianNetwork, **parameters).items():
        assert not bound.refuted, (name, bound)


@pytest.mark.parametrize(
    ("fault", "pair", "claim"),
    [
        (cases.DomainReadOff, "a rare level", 0.01),
        (cases.DomainReadOff, "an extreme number", 0.01),
        (cases.DomainReadOff, "a missing value", 0.01),
        (cases.RecordsNotBounded, "a subject with 200 records", 0.5),
        (cases.NoiseKnown, "one more record", 0.8),
        (cases.NoiseTooSmall, "a new combination", 0.3),
    ],
)
def test_a_planted_fault_is_caught(fault, pair, claim):
    bound = bounds(fault, [pair], epsilon=claim, domain=cases.DOMAIN)[pair]
    assert bound.refuted, bound


def test_a_bound_by_hand():
    # 50 of 50 against 0 of 50; four tails of .0125: limits .0125 ** (1 / 50) and one less that
    always, never = np.ones(50, dtype=bool), np.zeros(50, dtype=bool)
    end = 0.0125 ** (1 / 50)
    assert _bound(always, never, 0.0, 0.95) == pytest.approx(np.log(end / (1 - end)))
    assert _bound(never, always, 0.0, 0.95) == pytest.approx(np.log(end / (1 - end)))
    assert _bound(always, never, 0.5, 0.95) == pytest.approx(np.log((end - 0.5) / (1 - end)))
    assert _bound(always, always, 0.0, 0.95) < 0
