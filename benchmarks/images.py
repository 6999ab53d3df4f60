"""Fit every family of images on the MRI slices and judge all of them by the same measures.

    python -m benchmarks.images                # real data if they are on disk, else the stand-in
    python -m benchmarks.images --minutes 5    # time for ImageCGAN; 15 minutes by default
    python -m benchmarks.images --families ImageCGAN    # one family alone

Each family is fitted in a process of its own, on one thread, so that CPU seconds and peak memory
are its own. The last column is the model of the release, where `data_scripts.alzheimers_mri` has left it.
Then 12,000 pictures are drawn from it on all cores; the limit is two minutes.
"""

import argparse
import multiprocessing
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch

import shd
from benchmarks._memory import peak_megabytes
from shd.synthesizers import ImageSynthesizer
from shd.synthesizers.base import registry

WEIGHTS = Path("runs/alzheimers_mri.safetensors")  # kept by data_scripts.alzheimers_mri; not released


def data() -> tuple[shd.Dataset, shd.Dataset]:
    """Return train and holdout, split by subject, 80 / 20."""
    return shd.load("alzheimers").split(test_size=0.2, random_state=0)


def fit(family: str, minutes: float, path: Path) -> dict:
    """Fit one family on train, save it, and return what it took."""
    torch.set_num_threads(1)
    train, _ = data()
    model = registry[family](random_state=0)
    if hasattr(model, "steps_for"):
        model.set_params(steps=model.steps_for(train, minutes))
    before = time.process_time()
    model.fit(train).save(path)
    return {"fit, CPU s": time.process_time() - before, "peak, MB": peak_megabytes()}


def judge(path: Path) -> tuple[pd.Series, pd.DataFrame]:
    """Return every score of as many pictures as train has, and its floor and limit."""
    train, holdout = data()
    began = time.perf_counter()
    model = shd.load_synthesizer(path)
    synthetic = model.sample(len(train))
    speed = len(train) / (time.perf_counter() - began)
    scores = shd.compare(train, synthetic, holdout=holdout, synthesizer=model).scores.set_index("metric")
    return pd.concat([pd.Series({"pictures a second": speed}), scores["value"]]), scores[["floor", "real reference"]]


def main() -> None:
    """Print one column a family."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=15.0, help="for ImageCGAN to fit in")
    families = sorted(name for name, family in registry.items() if issubclass(family, ImageSynthesizer))
    parser.add_argument("--families", nargs="+", choices=families, default=families, metavar="NAME", help="which ones")
    chosen = parser.parse_args()
    columns = {}
    with tempfile.TemporaryDirectory() as folder:
        for family in chosen.families:
            path = Path(folder, family)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                cost = pool.apply(fit, (family, chosen.minutes, path))
            found, known = judge(path)
            columns[family] = pd.concat([pd.Series(cost), found])
            print(family, columns[family].round(3).to_string(), sep="\n", flush=True)
    columns |= dict(known.items())
    if WEIGHTS.is_file():
        columns["of the release"], _ = judge(WEIGHTS)
    print(pd.DataFrame(columns).round(3).to_string())
    if WEIGHTS.is_file():
        began = time.perf_counter()
        shd.load_synthesizer(WEIGHTS).sample(12_000)
        print(f"12,000 pictures from the model of the release: {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
