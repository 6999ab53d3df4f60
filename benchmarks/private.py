"""What privacy costs on the diabetes table: private families by epsilon, judged against held-out patients.

    python -m benchmarks.private                          # one file a fit in runs/private; what is there stays
    python -m benchmarks.private --families MST --epsilons 1 10

Train and holdout are those of `benchmarks.diabetes`, split by subject; delta is 1e-5, neighbours differ in all records
of one subject. The dashed lines of the figure are what real patients reach.
"""

import argparse
import json
import time
import warnings
from pathlib import Path

import pandas as pd
import torch

import shd
from benchmarks.diabetes import association_error, data
from shd.compare import tstr
from shd.synthesizers import registry

FAMILIES, EPSILONS = ("PrivateMoments", "MST", "BayesianNetwork"), (0.1, 0.3, 1.0, 3.0, 10.0)
DELTA = 1e-5
RESULTS, FIGURE = Path("benchmarks/results/private.csv"), Path("docs/private.png")
_MEASURES = {"tstr_any": "TSTR, readmitted at all", "tstr_30": "TSTR, within 30 days", "association_error": ""}


def measure(family: str, epsilon: float, seed: int, train: shd.Dataset, holdout: shd.Dataset) -> dict:
    """Fit one family at one epsilon, and judge as many records as train has."""
    before = time.process_time()
    model = registry[family](epsilon=epsilon, delta=DELTA, random_state=seed).fit(train)
    cpu = time.process_time() - before
    return {"family": family, "epsilon": epsilon, "seed": seed, "fit_cpu_s": round(cpu, 1)} | judge(
        model.sample(len(train)), train, holdout
    )


def judge(rows: shd.Dataset | pd.DataFrame, train: shd.Dataset, holdout: shd.Dataset) -> dict:
    """Return the measures of a table."""
    useful = tstr(rows, holdout, target=train.target)
    found = {"tstr_any": useful["NO"], "tstr_30": useful["<30"], "association_error": association_error(train, rows)}
    return {name: round(value, 4) for name, value in found.items()}


def draw(table: pd.DataFrame, path: Path) -> None:
    """Draw each measure by epsilon, a line a family, and what real patients reach."""
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(12, 4), layout="constrained")
    real, private = table[table["family"] == "real patients"], table[table["family"] != "real patients"]
    for axis, (name, title) in zip(axes, _MEASURES.items(), strict=True):
        for marker, (family, own) in zip("os^Dv", private.groupby("family", sort=False), strict=False):
            mean = own.groupby("epsilon")[name].mean()
            axis.plot(mean.index, mean, marker=marker, label=family)
        axis.axhline(real[name].iloc[0], color="grey", linestyle="--", label="real patients")
        axis.set(xscale="log", xlabel="epsilon, by subject", title=title or "Association error", ylabel="AUROC")
        axis.set_xticks(EPSILONS, [f"{epsilon:g}" for epsilon in EPSILONS])
        axis.minorticks_off()
    axes[2].set_ylabel("mean over pairs of columns; lower is better")
    axes[0].legend()
    at_one = private[private["epsilon"] == 1].groupby("family")["tstr_any"].mean()
    kept = (at_one.max() - 0.5) / (real["tstr_any"].iloc[0] - 0.5)
    figure.suptitle(f"At epsilon 1 {at_one.idxmax()} keeps {kept:.0%} of what real patients teach of readmission")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)


def main() -> None:
    """Measure what is not measured yet, and write the table and the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="*", default=list(FAMILIES))
    parser.add_argument("--epsilons", nargs="*", type=float, default=list(EPSILONS))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0], help="of the records; the noise has none")
    parser.add_argument("--folder", type=Path, default=Path("runs/private"), help="a file a fit")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    parser.add_argument("--figure", type=Path, default=FIGURE)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", shd.ShdWarning)
    train, holdout = data(0)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    cases = [(f, e, seed) for e in sorted(chosen.epsilons, key=lambda e: abs(e - 1)) for f in chosen.families
             for seed in chosen.seeds]  # fmt: skip
    lines = []
    for family, epsilon, seed in [("real patients", None, 0), *cases]:
        file = chosen.folder / f"{family.replace(' ', '-')}-{epsilon}-{seed}.json"
        if not file.exists():
            # of real patients: TSTR of those learned from, and associations of those held out
            found = (
                measure(family, epsilon, seed, train, holdout)
                if epsilon
                else {"family": family, **judge(train, train, holdout)}
                | {"association_error": round(association_error(train, holdout), 4)}
            )
            file.write_text(json.dumps(found), encoding="utf-8")
        lines.append(json.loads(file.read_text(encoding="utf-8")))
        print(lines[-1], flush=True)
    table = pd.DataFrame(lines)[["family", "epsilon", "seed", *_MEASURES, "fit_cpu_s"]]
    table = table.sort_values(["family", "epsilon", "seed"], ignore_index=True)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(chosen.output, index=False)
    draw(table, chosen.figure)
    print(f"{chosen.output} and {chosen.figure}")


if __name__ == "__main__":
    main()
