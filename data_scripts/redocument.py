"""Document the shipped releases again: weights and records as they are, compared and described anew.

    SHD_DATA=folder/of/the/archives python -m data_scripts.redocument
    SHD_DATA=folder/of/the/archives python -m data_scripts.redocument --only diabetes_ml

For when the comparison has learned to ask more. Nothing is fitted: minutes, not hours. Steps and
seconds of the fit stay as the card tells them.
"""

import argparse
import warnings
from dataclasses import replace
from pathlib import Path

import torch

import shd
from shd.compare.findings import of_dataset
from shd.datasets import archive_path, as_stored, challenges_dir
from shd.releases import Cost, Split, Steps, judge, make_release, open_release, refuse_red

RUNS = Path("runs")
CHALLENGES = ("diabetes_ml", "diabetes_bioinformatics", "alzheimers_mri")


def redocument(challenge: str) -> None:
    """Compare what was released with the people it was learned from, and write the release again.

    Records and pictures stay as they are: what chose them is not released. A model that was not released is the one
    beside its checkpoint, ``runs/``.
    """
    release = open_release(challenges_dir() / challenge / "data" / "release")
    card, data = release.card, release.read_data()
    name, how = card["made_from"]["name"], Split(card["split"]["test_size"], card["split"]["random_state"])
    train, holdout = shd.load(name, source="real").split(how.test_size, how.random_state)
    if data.images is not None:  # those of earlier versions change when they are written once more
        data = replace(data, images=as_stored(data.images))
    model = release.load_model() or shd.load_synthesizer(RUNS / f"{challenge}.safetensors")
    made = judge(
        train, holdout, model, how, Cost(**card["synthesizer"]["fit"]), synthetic=replace(data, card=train.card),
        keep_rules=release.keeps_rules, with_model="model.safetensors" in card["files"], findings=of_dataset(name),
        tell=Steps(2),
    )  # fmt: skip
    again = replace(made, drawn_again=card["synthesizer"].get("drawn_again"))
    if made.report.verdicts.get("privacy") == "red":
        refuse_red(made.report, RUNS / challenge, None)
    make_release(release.folder, **vars(again), raw=archive_path(name))
    print(made.report.summary())


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
