"""How long a comparison takes: seconds and peak memory, by level, and as the table grows.

    python -m benchmarks.compare                   # the diabetes table: real if it is on disk, else the stand-in
    python -m benchmarks.compare --grow            # 10,000 to 1,000,000 train records, and docs/compare.png

Limits for the real table on two cores: 180 s and 3 GB at the full level, 30 s at the quick one. The
growing tables are drawn from the shipped model, a quarter as many held out. Each run has a process
of its own. Time is also given as a multiple of that for 10,000 records: below the multiple of the
records, it grows less than linearly.
"""

import argparse
import multiprocessing
import time
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

import shd
from benchmarks._memory import peak_megabytes
from benchmarks.diabetes import RELEASE
from shd.compare.core.sides import LEVELS
from shd.plot import PALETTE, style

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
LIMITS = {"full": 180, "quick": 30}  # seconds
PICTURE = Path(__file__).resolve().parents[1] / "docs" / "compare.png"


def tables(size: int | None) -> list[shd.Dataset]:
    """Return train, synthetic and holdout: those of the challenge, or drawn ones of a size."""
    real = shd.load("diabetes")
    if size is None:
        train, holdout = real.split(test_size=0.2, random_state=0)
        return [train, shd.load("diabetes", source="synthetic"), holdout]
    roles = {"target": real.target, "sensitive": real.sensitive, "counts": real.counts, "source": "stand-in"}
    model = shd.load_synthesizer(RELEASE / "model.safetensors")
    drawn = [(size, 1), (size, 2), (size // 4, 3)]
    return [shd.Dataset(model.sample(n, random_state=seed), **roles) for n, seed in drawn]


def measure(size: int | None, level: str) -> dict:
    """Compare once; seconds by question, and the most memory held."""
    train, synthetic, holdout = tables(size)
    before = peak_megabytes()
    began = time.perf_counter()
    report = shd.compare(train, synthetic, holdout=holdout, level=level)
    report.to_html()
    took = time.perf_counter() - began
    sides = {"source": train.source, "train": len(train), "level": level}
    return {
        **sides,
        "seconds": took,
        "peak, MB": peak_megabytes(),
        "tables alone, MB": before,
        "steps": report.result.seconds,
    }


def alone(*arguments: object) -> dict:
    """Measure in a process of its own, so that memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, arguments)


def draw(grown: pd.DataFrame) -> None:
    """Draw seconds by records, beside a line that grows as fast as the records."""
    with style():
        figure = Figure((5.6, 3.4), layout="constrained", facecolor="white")
        axes = figure.subplots()
        for (level, rows), colour in zip(grown.groupby("level", sort=False), ("real", "synthetic"), strict=True):
            axes.plot(rows["train"], rows["seconds"], "o-", color=PALETTE[colour], label=f"{level} level")
        first = grown[grown["level"] == "full"].iloc[0]
        linear = first["seconds"] * grown["train"].unique() / first["train"]
        axes.plot(grown["train"].unique(), linear, ":", color=PALETTE["floor"], label="as fast as the records")
        axes.set(xscale="log", yscale="log", xlabel="records in train", ylabel="seconds, two cores")
        axes.set_title("A comparison takes less than linearly longer as tables grow", fontsize=10, loc="left")
        axes.legend()
    figure.savefig(PICTURE, dpi=160)


def main() -> None:
    """Print one row a run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grow", action="store_true", help="tables of 10,000 to 1,000,000 records")
    grow = parser.parse_args().grow
    rows = []
    for size in SIZES if grow else (None,):
        for level in reversed(LEVELS):
            rows.append(alone(size, level))
            steps = ", ".join(f"{name} {s:.1f}" for name, s in rows[-1].pop("steps").items())
            print({name: round(v, 1) if isinstance(v, float) else v for name, v in rows[-1].items()}, flush=True)
            print(f"    {steps}", flush=True)
            if not grow:
                print(f"    {rows[-1]['seconds'] / LIMITS[level]:.2f} of the limit of {LIMITS[level]} s", flush=True)
    frame = pd.DataFrame(rows)
    if grow:
        first = frame.groupby("level")[["seconds", "train"]].transform("first")
        frame["times the seconds"], frame["times the records"] = (
            frame["seconds"] / first["seconds"],
            frame["train"] / first["train"],
        )
        draw(frame)
        print(f"Figure: {PICTURE}")
    print(frame.round(1).to_string(index=False))


if __name__ == "__main__":
    main()
