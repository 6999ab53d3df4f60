"""Document the shipped releases again: their weights as they are, data drawn from them, compared and described anew.

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
from shd._generate import Cost, Split, draw_as_many
from shd._paths import challenges_dir
from shd._progress import notice
from shd.datasets.registry import archive_path
from shd.release import make_release, verify_release
from shd.synthesizers._protect import Protection

CHALLENGES = ("diabetes_ml", "diabetes_bioinformatics", "alzheimers_mri")


def redocument(challenge: str) -> None:
    """Draw from the model of a release, compare with the people it was learned from, and write it again."""
    release = verify_release(challenges_dir() / challenge / "data" / "release")
    card, drawn_again = release.card, None
    name, how = card["made_from"]["name"], Split(card["split"]["test_size"], card["split"]["random_state"])
    train, holdout = shd.load(name, source="real").split(how.test_size, how.random_state)
    model = shd.load_synthesizer(release.folder / "model.safetensors")
    model.protection_ = Protection.fit(train, model.least_people(train))
    train, holdout = (model.protection_.apply(side) for side in (train, holdout))
    compared, _ = draw_as_many(model, train)
    released = compared
    if train.images is not None:  # fewer are released than are compared
        released, drawn_again = draw_released(model, train)
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
