"""What every table challenge ships, made from the real table: a release and a stand-in."""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import shd
from data_scripts._cohort import group_into_subjects
from shd.compare.findings import of_dataset
from shd.datasets import archive_path, challenges_dir, shipped_path
from shd.releases import Cost, Split, Steps, judge, make_release
from shd.synthesizers.base import Synthesizer

SEED = 0
TEST_SIZE = 0.2


def make_stand_in(data: shd.Dataset, model: Synthesizer, path: Path, checkpoint: Path) -> None:
    """Write as many records as `data` has, made by a model of its training patients."""
    train, _ = data.split(TEST_SIZE, SEED)
    again = {"checkpoint": checkpoint} if isinstance(model, shd.TabularCGAN) else {}
    frame = model.fit(train, **again).sample(len(data))
    stays = pd.Series(data.subjects).value_counts().to_numpy()
    if stays.max() > 1:
        rng = np.random.default_rng(SEED)
        frame.insert(0, "subject", group_into_subjects(frame, stays, list(data.sensitive), rng))
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, compression="zstd", index=False)
    subjects = frame["subject"].nunique() if "subject" in frame else len(frame)
    print(f"{path}: {len(frame):,} records of {subjects:,} subjects")


def fitted(model: Synthesizer, train: shd.Dataset, checkpoint: Path) -> tuple[Synthesizer, Cost]:
    """Fit a model and keep it beside its checkpoint, or take the one that is there; and what the fit took."""
    whole = checkpoint.with_suffix(".safetensors")
    if whole.is_file():
        model = shd.load_synthesizer(whole)
        print(f"Going on from the model of {whole}.")
    else:
        model.fit(train, checkpoint=checkpoint).save(whole)
    return model, Cost(*(round(seconds, 1) for seconds in model.seconds_))


def make_the_release(data: shd.Dataset, model: Synthesizer, folder: Path, checkpoint: Path) -> None:
    """Fit for a long time, sample as many records as train has, compare, and write the release.

    The model as it was fitted stays beside the checkpoint, critics included: what is released lacks them.
    """
    train, holdout = data.split(TEST_SIZE, SEED)
    model, cost = fitted(model, train, checkpoint)
    findings = of_dataset(data.name)
    made = judge(train, holdout, model, Split(TEST_SIZE, SEED), cost, findings=findings, tell=Steps(2))
    release = make_release(folder, **vars(made), raw=archive_path(data.name))
    print(made.report.summary())
    print(str(release.folder))


def main(about: str, challenge: str, dataset: str, model: Synthesizer, stand_in: Synthesizer) -> None:
    """Make the stand-in of a challenge, then its release, as the command line says."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path(f"runs/{challenge}.ckpt"), help="of the long fit")
    parser.add_argument("--only", choices=["stand-in", "release"], help="make one of the two")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", shd.ShdWarning)  # constant columns: they are so in the 2020 table
    torch.set_num_threads(1)  # the same rows on machines with any number of cores
    data = shd.load(dataset, source="real")
    if chosen.only != "release":
        its_own = chosen.checkpoint.with_name(f"stand-in-{chosen.checkpoint.name}")
        make_stand_in(data, stand_in, shipped_path(dataset, "stand-in"), its_own)
    if chosen.only != "stand-in":
        make_the_release(data, model, challenges_dir() / challenge / "data" / "release", chosen.checkpoint)
