"""Make everything that ships in challenges/diabetes_ml/data, from the owner's archive.

    SHD_DATA=folder/of/the/archive python -m data_scripts.diabetes_ml

* ``release/``: `TabularCGAN` in a long run on the training patients, with card and report. The fit
  goes on from its checkpoint where it was stopped.
* ``stand-in.parquet``: a second cohort, from a `BayesianNetwork` fitted on the same patients, with
  made-up subjects. It takes the place of the real data where those have not been downloaded.

Seeds and settings stand here and nowhere else. No synthesizer sees the patients of the holdout; all that is
taken from all patients is how many stays each has, for the made-up subjects of the stand-in.
"""

import argparse
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import shd
from data_scripts._cohort import group_into_subjects
from shd._generate import generate
from shd._paths import challenges_dir
from shd._progress import notice
from shd.datasets.registry import archive_path, shipped_path
from shd.release import make_release

SEED = 0
TEST_SIZE = 0.2
LONG_RUN = {"steps": 20_000, "width": 320, "average": 0.999, "patience": 100, "critic_trees": 1000}


def make_stand_in(data: shd.Dataset, path: Path) -> None:
    """Write as many records as `data` has, made by a Bayesian network of its training patients."""
    train, _ = data.split(TEST_SIZE, SEED)
    frame = shd.BayesianNetwork(random_state=SEED).fit(train).sample(len(data))
    stays = pd.Series(data.subjects).value_counts().to_numpy()
    rng = np.random.default_rng(SEED)
    frame.insert(0, "subject", group_into_subjects(frame, stays, list(data.sensitive), rng))
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path, compression="zstd", index=False)
    notice(f"{path}: {len(frame):,} records of {frame['subject'].nunique():,} subjects")


def make_the_release(data: shd.Dataset, folder: Path, checkpoint: Path) -> None:
    """Fit for a long time, sample as many records as train has, compare, and write the release."""
    model = shd.TabularCGAN(random_state=SEED, **LONG_RUN)
    made = generate(data, model, checkpoint=checkpoint, test_size=TEST_SIZE, random_state=SEED)
    release = make_release(
        folder,
        train=made.train,
        holdout=made.holdout,
        synthesizer=made.synthesizer,
        synthetic=made.synthetic,
        report=made.report,
        split=made.split,
        cost=made.cost,
        raw=archive_path("diabetes"),
    )
    notice(made.report.summary())
    notice(str(release.folder))


def main() -> None:
    """Make the stand-in, then the release."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path("runs/diabetes_ml.ckpt"), help="of the long fit")
    parser.add_argument("--only", choices=["stand-in", "release"], help="make one of the two")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", shd.ShdWarning)  # constant columns: they are so in the 2020 table
    torch.set_num_threads(1)  # the same rows on machines with any number of cores
    data = shd.load("diabetes", source="real")
    folder = challenges_dir() / "diabetes_ml" / "data"
    if chosen.only != "release":
        make_stand_in(data, shipped_path("diabetes", "stand-in"))
    if chosen.only != "stand-in":
        make_the_release(data, folder / "release", chosen.checkpoint)


if __name__ == "__main__":
    main()
