"""Fit every family on the diabetes table and judge all of them by the same measures.

    python -m benchmarks.diabetes                 # real data if they are on disk, else the stand-in
    python -m benchmarks.diabetes --ctgan 0       # without CTGAN, whose 300 epochs take an hour and a half

Each family is fitted in a process of its own, on one thread, so that CPU seconds and peak memory
are its own. The first line is the limit: other real patients (the holdout) in place of synthetic
ones. The last is the shipped release. TRTR, train and holdout are the same for all.
"""

import argparse
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import shd
from benchmarks._memory import peak_megabytes
from shd.compare import ask, c2st, tstr
from shd.datasets import challenges_dir
from shd.synthesizers.base import registry

CTGAN_ENVIRONMENT = Path(".venv-ctgan")
_DRAWS = 6  # C2ST against the holdout: the first draw, and the mean of six
RELEASE = challenges_dir() / "diabetes_ml" / "data" / "release"


@dataclass
class Line:
    """What was measured of one family.

    `c2st` is against the holdout in one draw of 8,000 records a side, as in the reports; `c2st_mean`
    the mean of several draws; `c2st_train` against records that the synthesizer has seen.
    """

    family: str
    fit_cpu_s: float | None
    rows_per_s: float | None
    peak_mb: float | None
    tstr: dict[str, float]
    c2st: float
    c2st_mean: float
    c2st_train: float
    association_error: float
    copies: int
    dcr_share: float


def data(split: int) -> tuple[shd.Dataset, shd.Dataset]:
    """Return train and holdout, split by subject, 80 / 20."""
    return shd.load("diabetes").split(test_size=0.2, random_state=split)


def fit_and_sample(family: str, split: int, path: Path) -> dict:
    """Fit one family on train with its defaults, write as many rows as train has; return the cost."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", shd.ShdWarning)
    train, _ = data(split)
    before = time.process_time()
    model = registry[family](random_state=0).fit(train)
    fitted = time.process_time()
    sample = model.sample(len(train))
    sampled = time.process_time()
    sample.to_parquet(path)
    return {
        "fit_cpu_s": fitted - before,
        "rows_per_s": len(train) / (sampled - fitted),
        "peak_mb": peak_megabytes(),
    }


def fit_ctgan(train: shd.Dataset, epochs: int, folder: Path) -> tuple[dict, pd.DataFrame]:
    """Fit CTGAN with its defaults, in an environment of its own: its licence is not ours to ship.

    It takes hours, so what it made is kept in `folder`, and used again for the same train.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table, rows, cost = (folder / name for name in ("train.csv", "rows.csv", "cost.json"))
    same = table.exists() and table.read_text(encoding="utf-8") == train.frame.to_csv(index=False)
    if not (same and rows.exists() and cost.exists()):
        cost.unlink(missing_ok=True)
        train.frame.to_csv(table, index=False)
        python = CTGAN_ENVIRONMENT / "bin" / "python"
        if not (CTGAN_ENVIRONMENT / ".ready").exists():
            uv = Path(sys.executable).with_name("uv")
            make = [uv, "venv", "--quiet", "--clear", "--python", sys.executable, CTGAN_ENVIRONMENT]
            subprocess.run(make, check=True)
            subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "ctgan==0.12.1"], check=True)
            (CTGAN_ENVIRONMENT / ".ready").touch()
        script = Path(__file__).with_name("peer_ctgan.py")
        subprocess.run([python, script, table, rows, cost, str(epochs)], check=True)
    made = pd.read_csv(rows, keep_default_na=False).astype(train.frame.dtypes.to_dict())
    return json.loads(cost.read_text(encoding="utf-8")), made


def judge(family: str, cost: dict, rows: shd.Dataset | pd.DataFrame, train: shd.Dataset, holdout: shd.Dataset) -> Line:
    """Take every measure of one set of rows."""
    return Line(
        family,
        cost.get("fit_cpu_s"),
        cost.get("rows_per_s"),
        cost.get("peak_mb"),
        tstr(rows, holdout, target=train.target),
        c2st(holdout, rows),
        over_draws(holdout, rows),
        c2st(train, rows),
        association_error(train, rows),
        copies(train, rows),
        ask("distances to the closest records", train, rows, holdout=holdout).score("DCR share").value,
    )


def association_error(train: shd.Dataset, rows: shd.Dataset | pd.DataFrame) -> float:
    """Return the mean over all pairs of columns of how far associations are off."""
    return ask("pairs of columns", train, rows).score("association error").value


def copies(train: shd.Dataset, rows: shd.Dataset | pd.DataFrame) -> int:
    """Return how many rows equal a record of train in every column."""
    return int(ask("verbatim copies", train, rows).score("verbatim copies").value)


def over_draws(real: shd.Dataset, rows: shd.Dataset | pd.DataFrame) -> float:
    """Return the mean C2ST over several draws of 8,000 records a side: one draw may be off by 0.01."""
    return float(np.mean([c2st(real, rows, random_state=draw) for draw in range(_DRAWS)]))


def limit(train: shd.Dataset, holdout: shd.Dataset, reference: dict[str, float]) -> Line:
    """Return what other real patients reach: TRTR, and the holdout in place of synthetic rows."""
    apart, error, equal = c2st(holdout, train), association_error(train, holdout), copies(train, holdout)
    mean = over_draws(holdout, train)
    return Line(
        "limit: other real patients", None, None, None, reference, apart, mean, apart, error, equal, float("nan")
    )


def show(line: Line, reference: dict[str, float]) -> None:
    """Print one line of the table; TSTR stands as AUROC and as a share of TRTR, both counted from guessing."""
    level = {"any": "NO", "<30": "<30"}  # readmission at all is the mirror image of none
    useful = "  ".join(
        f"{line.tstr[v]:.4f} ({(line.tstr[v] - 0.5) / (reference[v] - 0.5):.3f})" for v in level.values()
    )
    cost = "  ".join("-" if v is None else f"{v:,.0f}" for v in (line.fit_cpu_s, line.rows_per_s, line.peak_mb))
    print(
        f"{line.family:28} {cost:>24}  {useful}  {line.c2st:.4f}  {line.c2st_mean:.4f}  {line.c2st_train:.4f}  "
        f"{line.association_error:.4f}  {line.copies:>6}  {line.dcr_share:.3f}",
        flush=True,
    )


def main() -> None:
    """Run the benchmark and write the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="*", default=["Marginals", "BayesianNetwork", "TabularCGAN"])
    parser.add_argument(
        "--ctgan",
        type=int,
        default=300,
        metavar="EPOCHS",
        help="300 is its own default, and takes hours; 0 leaves it out",
    )
    parser.add_argument("--split", type=int, default=0, metavar="SEED", help="of the split; 0 is that of the release")
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/benchmark-diabetes.json"))
    chosen = parser.parse_args()
    train, holdout = data(chosen.split)
    print(f"{train!r}\nholdout: {len(holdout):,} records. One thread, defaults, seed 0.")
    reference = tstr(train, holdout)
    print(f"TRTR, AUROC: readmitted at all {reference['NO']:.4f}, within 30 days {reference['<30']:.4f}")
    print(
        f"{'':28} {'fit s  rows/s  peak MB':>24}  TSTR any         TSTR <30         "
        f"C2ST    of {_DRAWS}    train   assoc   copies  DCR share"
    )
    lines = [limit(train, holdout, reference)]
    show(lines[0], reference)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for family in chosen.families:
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                cost = pool.apply(fit_and_sample, (family, chosen.split, folder / "rows.parquet"))
            lines.append(judge(family, cost, pd.read_parquet(folder / "rows.parquet"), train, holdout))
            show(lines[-1], reference)
        if chosen.ctgan:
            cost, rows = fit_ctgan(train, chosen.ctgan, chosen.output.parent / f"ctgan-{chosen.ctgan}")
            lines.append(judge(f"CTGAN, {chosen.ctgan} epochs", cost, rows, train, holdout))
            show(lines[-1], reference)
    if train.source == "real" and chosen.split == 0:  # the train of the release, so this holdout is new to it
        rows = pd.read_parquet(RELEASE / "synthetic.parquet")
        lines.append(judge("shipped release", {}, rows, train, holdout))
        show(lines[-1], reference)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    chosen.output.write_text(json.dumps({"trtr": reference, "lines": [asdict(x) for x in lines]}, indent=1))
    print(chosen.output)


if __name__ == "__main__":
    main()
