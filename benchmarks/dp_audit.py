"""Whether private families keep what they promise, and whether planted faults are caught: `shd audit`, at length.

    python -m benchmarks.dp_audit                                        # half an hour
    python -m benchmarks.dp_audit --runs 20000 --epsilons 1 --families MST --jobs 8

A line is one pair of tables: what is promised, and the lower bounds found, which hold together with 99.9 % for each
family. Results lie in a folder, and what is there is not done again. Planted faults come last: each has to be caught in
one pair at least.
"""

import argparse
import sys
import time
from pathlib import Path

from benchmarks.dp_cases import ANY, planted
from shd.audit import audit
from shd.synthesizers import registry
from shd.synthesizers.dp.private import PrivateSynthesizer

CONFIDENCE = 0.999
RUNS_OF_FAULTS, EPSILON_OF_FAULTS = 400, 3.0


def one(family: type[PrivateSynthesizer], folder: Path, epsilon: float, runs: int, jobs: int) -> bool:
    """Audit a family, print a line for each pair, and return whether the promise stands."""
    began = time.process_time()
    told = {**family.quick, "epsilon": epsilon, "delta": 1e-5}
    bounds = audit(family, folder / f"{family.__name__}-{epsilon:g}", told, runs, jobs, confidence=CONFIDENCE)
    for bound in bounds:
        said = "REFUTED" if bound.refuted else ""
        print(
            f"{family.__name__:28} {bound.pair:24} epsilon {bound.claim.epsilon:6g} >= {bound.epsilon[0]:6.3f}   "
            f"mu {bound.claim.mu:6.3f} >= {bound.mu[0]:6.3f} {bound.share:5.0%} {said:8} {bound.for_mu.event}",
            flush=True,
        )
    print(f"{'':28} {time.process_time() - began:.0f} CPU s", flush=True)
    return not any(bound.refuted for bound in bounds)


def main() -> None:
    private = [name for name in registry if issubclass(registry[name], PrivateSynthesizer)]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="*", default=private)
    parser.add_argument("--epsilons", nargs="*", type=float, default=[1.0, 3.0])
    parser.add_argument("--runs", type=int, default=2000, help="fits to each table")
    parser.add_argument("--jobs", type=int, default=1, help="processes at once")
    parser.add_argument("--output", type=Path, default=Path("dp_audit"), help="folder for results")
    arguments = parser.parse_args()
    families = [registry[name] for name in arguments.families]
    held = [
        one(family, arguments.output, epsilon, arguments.runs, arguments.jobs)
        for family in families
        for epsilon in arguments.epsilons
    ]
    # a class that is made here cannot be sent to other processes
    caught = [
        not one(planted(fault, family), arguments.output, EPSILON_OF_FAULTS, RUNS_OF_FAULTS, jobs=1)
        for family in families
        for fault in ANY
    ]
    print(f"{sum(held)} of {len(held)} promises stand; {sum(caught)} of {len(caught)} planted faults caught.")
    sys.exit(0 if all(held) and all(caught) else 1)


if __name__ == "__main__":
    main()
