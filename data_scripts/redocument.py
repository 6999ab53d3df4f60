"""Document the shipped releases again: their weights and data as they are, compared and described anew.

    SHD_DATA=folder/of/the/archives python -m data_scripts.redocument
    SHD_DATA=folder/of/the/archives python -m data_scripts.redocument --only diabetes_ml

For when the comparison has learned to ask more. Nothing is fitted: minutes, not hours. Steps and
seconds of the fit stay as the card tells them.
"""

import argparse
import warnings

import torch

import shd
from data_scripts.alzheimers_mri import draw_released
from shd._apart import sample_apart
from shd._audit import read_synthetic
from shd._generate import Cost, Split
from shd._paths import challenges_dir
from shd._progress import notice
from shd.datasets.registry import archive_path
from shd.release import make_release, verify_release

CHALLENGES = ("diabetes_ml", "alzheimers_mri")


def redocument(challenge: str) -> None:
    """Compare what a release holds, or its model draws, with the people it was learned from, and write it again."""
    release = verify_release(challenges_dir() / challenge / "data" / "release")
    card, released, drawn_again = release.card, read_synthetic(release), None
    name, how = card["made_from"]["name"], Split(card["split"]["test_size"], card["split"]["random_state"])
    train, holdout = shd.load(name, source="real").split(how.test_size, how.random_state)
    model = shd.load_synthesizer(release.folder / "model.safetensors")
    compared = released
    if released.images is not None:
        # drawn anew, and the same: files of JPEG, read and written, would lose a little each time
        released, drawn_again = draw_released(model, train)
        compared, _ = sample_apart(model, train, len(train))  # as many as train has
    report = shd.compare(train, compared, holdout=holdout, random_state=how.random_state)
    make_release(
        release.folder,
        train=train,
        holdout=holdout,
        synthesizer=model,
        synthetic=released,
        report=report,
        split=how,
        cost=Cost(**card["synthesizer"]["fit"]),
        drawn_again=drawn_again,
        raw=archive_path(name),
    )
    notice(report.summary())


def main() -> None:
    """Document one release or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CHALLENGES, help="one of them")
    only = parser.parse_args().only
    warnings.simplefilter("ignore", shd.ShdWarning)
    torch.set_num_threads(1)  # the same pictures on machines with any number of cores
    for challenge in (only,) if only else CHALLENGES:
        redocument(challenge)


if __name__ == "__main__":
    main()
