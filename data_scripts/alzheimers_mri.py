"""Make everything that ships in challenges/alzheimers_mri/data, from the owner's archive.

    SHD_DATA=folder/of/the/archive python -m data_scripts.alzheimers_mri

* ``release/``: pictures of an `ImageCGAN` in a long run on the training people, with card and report. As
  many of each class, every slice equally often. The fit goes on from its checkpoint where it was stopped.
  The model is kept beside the checkpoint and not released: asked about a picture of one of 160 people, it
  tells whether it learned from them.
* ``stand-in.zip``: made-up people with every second slice, from a `SliceGaussian` of the same training
  people. It takes the place of the real data where those have not been downloaded.

Seeds and settings stand here and nowhere else. Nothing sees the people of the holdout.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch

import shd
from data_scripts._tables import fitted
from shd.datasets import archive_path, challenges_dir, shipped_path, write_pictures
from shd.datasets.alzheimers import LEVELS, N_SLICES
from shd.releases import Split, Steps, judge, make_release, sample_apart

SEED = 0
TEST_SIZE = 0.2
PEOPLE = (22, 16, 8, 2)  # of the stand-in, a class
PICTURES_A_CLASS = 300  # of the release
LONG_RUN = {"steps": 3300, "precision": "bfloat16"}


def make_stand_in(data: shd.Dataset, path: Path) -> None:
    """Write every second slice of made-up people, some of every class: people count, and the file stays small."""
    train, _ = data.split(TEST_SIZE, SEED)
    model = shd.SliceGaussian(components=60, random_state=SEED).fit(train)
    cohort = model.sample_people(np.repeat(np.arange(len(PEOPLE)), PEOPLE), random_state=SEED)
    cohort = cohort.take(np.flatnonzero(cohort.frame["slice"] % 2 == 0))
    write_pictures(path, replace(cohort, source="stand-in"))
    print(f"{path}: {len(cohort):,} pictures of {sum(PEOPLE)} subjects, {path.stat().st_size / 1e6:.1f} MB")


def draw_released(model: shd.ImageCGAN, train: shd.Dataset) -> tuple[shd.Dataset, int]:
    """Draw the pictures that ship, and say how many were drawn again: each class and slice equally often."""
    asked = pd.DataFrame(
        {
            "class": np.repeat(LEVELS, PICTURES_A_CLASS),
            "slice": np.arange(len(LEVELS) * PICTURES_A_CLASS) % N_SLICES,
        }
    )
    return sample_apart(model, train, len(asked), asked, SEED + 1)


def make_the_release(data: shd.Dataset, folder: Path, checkpoint: Path) -> None:
    """Fit for a long time, compare pictures of balanced classes, and release these without the model."""
    train, holdout = data.split(TEST_SIZE, SEED)
    model, cost = fitted(shd.ImageCGAN(random_state=SEED, **LONG_RUN), train, checkpoint)
    balanced, drawn_again = draw_released(model, train)
    made = judge(
        train, holdout, model, Split(TEST_SIZE, SEED), cost, synthetic=balanced, with_model=False, tell=Steps(2)
    )
    release = make_release(folder, **vars(replace(made, drawn_again=drawn_again)), raw=archive_path("alzheimers"))
    print(made.report.summary())
    print(str(release.folder))


def main() -> None:
    """Make the stand-in, then the release."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=Path("runs/alzheimers_mri.ckpt"), help="of the long fit")
    parser.add_argument("--only", choices=["stand-in", "release"], help="make one of the two")
    chosen = parser.parse_args()
    torch.set_num_threads(1)  # the same pictures on machines with any number of cores
    data = shd.load("alzheimers", source="real")
    folder = challenges_dir() / "alzheimers_mri" / "data"
    if chosen.only != "release":
        make_stand_in(data, shipped_path("alzheimers", "stand-in"))
    if chosen.only != "stand-in":
        make_the_release(data, folder / "release", chosen.checkpoint)


if __name__ == "__main__":
    main()
