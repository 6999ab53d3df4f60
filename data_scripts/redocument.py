"""Document the shipped releases again: weights and records as they are, compared and described anew.

    SHD_DATA=folder/of/the/archives python -m data_scripts.redocument
    SHD_DATA=folder/of/the/archives python -m data_scripts.redocument --only diabetes_ml

For when the comparison has learned to ask more. Nothing is fitted: minutes, not hours. Steps and
seconds of the fit stay as the card tells them.
"""

import argparse
import warnings
from dataclasses import replace

import torch

import shd
from data_scripts.alzheimers_mri import draw_released
from shd._audit import read_synthetic
from shd._audit_model import kept_rules
from shd._generate import Cost, Split, Steps, judge
from shd._paths import challenges_dir
from shd._progress import notice
from shd.datasets.registry import archive_path
from shd.release import make_release, verify_release

CHALLENGES = ("diabetes_ml", "diabetes_bioinformatics", "alzheimers_mri")


def redocument(challenge: str) -> None:
    """Compare what was released with the people it was learned from, and write the release again.

    Records of a table stay as they are: what chose them is not released. Pictures are drawn again from the model.
    """
    release = verify_release(challenges_dir() / challenge / "data" / "release")
    card, data = release.card, read_synthetic(release)
    name, how = card["made_from"]["name"], Split(card["split"]["test_size"], card["split"]["random_state"])
    train, holdout = shd.load(name, source="real").split(how.test_size, how.random_state)
    model, cost = shd.load_synthesizer(release.folder / "model.safetensors"), Cost(**card["synthesizer"]["fit"])
    released = None if train.images is not None else replace(data, card=train.card)
    made = judge(train, holdout, model, how, cost, keep_rules=kept_rules(card), synthetic=released, tell=Steps(2))
    if train.images is not None:  # fewer are released than are compared
        released, drawn_again = draw_released(model, made.train)
        made = replace(made, synthetic=released, drawn_again=drawn_again)
    make_release(release.folder, **vars(made), raw=archive_path(name))
    notice(made.report.summary())


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
