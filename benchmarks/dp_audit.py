"""Whether `BayesianNetwork(epsilon=...)` keeps what it promises: two tables that differ in one person, many fits each.

    python -m benchmarks.dp_audit                                  # half an hour
    python -m benchmarks.dp_audit --runs 500 --epsilons 0.01 1     # an hour

A line is one audit: a lower bound of epsilon that holds with 99.9 % (so that a hundred lines together hold with 90 %),
the event that gave it, and how frequent that is with the person and without. The noise comes from the operating
system, so the numbers differ from run to run. Planted faults come last: each has to be caught in one pair at least.
"""

import argparse
import sys
import time
import warnings

import shd
from benchmarks.dp_cases import DOMAIN, PLANTED, tables
from shd.synthesizers.dp.audit import Bound, audit

CONFIDENCE = 0.999
CLAIM_OF_FAULTS = 0.3
FITS = {  # what a private fit can be given
    "declared": {"domain": DOMAIN},
    "declared, 3 records a subject": {"domain": DOMAIN, "max_records": 3},
    "learned": {"delta": 1e-6},
}


def show(name: str, bounds: dict[str, Bound], began: float) -> None:
    """Print one line a pair of tables."""
    for pair, bound in bounds.items():
        said = "REFUTED" if bound.refuted else ""
        shares = "{:4.0%} {:4.0%}".format(*bound.shares)
        print(
            f"{name:42} {bound.claimed:6g}  {bound.lower:6.3f} {said:8} {pair:26} {shares}  {bound.event}", flush=True
        )
    print(f"{'':42} {time.perf_counter() - began:.0f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200, help="fits to each table")
    parser.add_argument("--epsilons", nargs="*", type=float, default=[0.01, 0.1, 1.0, 3.0])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", shd.ShdWarning)
    one, neighbours = tables()
    held = []
    print(f"{'fit':42} {'claim':>6}  {'bound':>6} {'':8} {'one person more: ':26} with w/o   event")
    for name, parameters in FITS.items():
        for epsilon in arguments.epsilons:
            began = time.perf_counter()
            make = lambda _, e=epsilon, p=parameters: shd.BayesianNetwork(epsilon=e, **p)  # noqa: E731
            bounds = audit(make, one, neighbours, arguments.runs, CONFIDENCE)
            show(name, bounds, began)
            held += [not bound.refuted for bound in bounds.values()]
    caught = []
    for fault in PLANTED:
        began = time.perf_counter()
        make = lambda _, f=fault: f(epsilon=CLAIM_OF_FAULTS, domain=DOMAIN)  # noqa: E731
        bounds = audit(make, one, neighbours, arguments.runs, CONFIDENCE)
        show(f"planted: {fault.__name__}", bounds, began)
        caught.append(any(bound.refuted for bound in bounds.values()))
    print(f"{sum(held)} of {len(held)} claims stand; {sum(caught)} of {len(caught)} planted faults caught.")
    sys.exit(0 if all(held) and all(caught) else 1)


if __name__ == "__main__":
    main()
