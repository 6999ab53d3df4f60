"""Rows and columns by the million and the hundred: seconds and peak memory.

    python -m benchmarks.scale

Samples a million rows of the shipped model to Parquet, and fits a table of 200 columns, one of
them with 5,000 levels. Each runs in a process of its own. Limits: 60 s and 2 GB; 4 GB.
"""

import multiprocessing
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import shd
from benchmarks._memory import peak_megabytes
from benchmarks.diabetes import RELEASE


def sample_a_million() -> str:
    """Sample 1,000,000 rows of the shipped model and write them as Parquet."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        model = shd.load_synthesizer(RELEASE / "model.safetensors")
        loaded = time.perf_counter()
        model.sample(1000, condition={"readmitted": "<30"})
        thousand = time.perf_counter()
        model.sample(1_000_000).to_parquet(Path(folder) / "rows.parquet")
        seconds = time.perf_counter() - thousand
    return (
        f"model loaded: {loaded - started:.2f} s; 1,000 rows on condition: {thousand - loaded:.2f} s; "
        f"1,000,000 rows to Parquet: {seconds:.0f} s, peak {peak_megabytes():,.0f} MB"
    )


def fit_a_wide_table(steps: int = 50) -> str:
    """Fit 20,000 rows of 200 columns, half of them numbers, one category with 5,000 levels."""
    warnings.simplefilter("ignore", shd.ShdWarning)
    rng = np.random.default_rng(0)
    n = 20_000
    hidden = rng.normal(size=(n, 5))
    columns = {f"number_{j}": hidden @ rng.normal(size=5) + rng.normal(size=n) for j in range(100)}
    columns |= {f"group_{j}": np.digitize(hidden @ rng.normal(size=5), [-2, 0, 2]).astype(str) for j in range(99)}
    columns["code"] = np.concatenate([np.arange(5000), rng.zipf(1.1, n - 5000) % 5000]).astype(str)
    frame = pd.DataFrame(columns)
    started = time.perf_counter()
    shd.TabularCGAN(condition="group_0", steps=steps).fit(frame).sample(1000)
    seconds = time.perf_counter() - started
    levels = frame["code"].nunique()
    return f"200 columns, {levels:,} levels in one: {steps} steps in {seconds:.0f} s, peak {peak_megabytes():,.0f} MB"


def main() -> None:
    """Run both, each in a process of its own."""
    for work in (sample_a_million, fit_a_wide_table):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            print(pool.apply(work), flush=True)


if __name__ == "__main__":
    main()
