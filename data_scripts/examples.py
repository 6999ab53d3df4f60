"""Write the worked example of each challenge, and what it scores into its page.

What is handed in is simple: predictions of gradient boosting (pictures: of a regression on thumbnails) that has seen
the shipped release alone, and records of `BayesianNetwork` (pictures: of `SliceGaussian`), learned from the train side
of the stand-in. It is scored as a team would score it, on the stand-in.

    python -m data_scripts.examples                  # all: some twenty minutes
    python -m data_scripts.examples diabetes_ml      # one
"""

import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

import shd
from shd.datasets import write_pictures
from shd.hackathon.baseline import predictions
from shd.hackathon.challenge import Challenge, find_challenge
from shd.hackathon.people import own_people, read_source, rehearsal, split
from shd.hackathon.score import TeamScore, score
from shd.hackathon.start import start

SEED, RECORDS, PICTURES = 0, 10_000, 256
EXAMPLE, SCORE = "example", "score.json"
CHALLENGES = ("diabetes_ml", "diabetes_bioinformatics", "alzheimers_mri")


def write_synthetic(challenge: Challenge, folder: Path) -> None:
    """Write records that a quick synthesizer learned from the train side of the stand-in."""
    train, _ = split(challenge, own_people(challenge))
    if challenge.is_of_images:
        write_pictures(folder / "synthetic.zip", shd.SliceGaussian(random_state=SEED).fit(train).sample(PICTURES))
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", shd.ShdWarning)  # of medicines that nobody takes
        made = shd.BayesianNetwork(random_state=SEED).fit(train).sample(RECORDS)
    made.to_parquet(folder / "synthetic.parquet", compression="zstd", index=False)


def make(name: str) -> TeamScore:
    """Write the example of one challenge and what it scores, in files and on its page."""
    challenge = find_challenge(name)
    example = challenge.folder / EXAMPLE
    example.mkdir(exist_ok=True)
    write_synthetic(challenge, example)
    with tempfile.TemporaryDirectory() as place:
        team = start(challenge.folder, Path(place) / EXAMPLE).folder
        if "predict" in challenge.tracks:
            made = predictions(challenge, read_source(challenge, "synthetic"), rehearsal(challenge))
            made.to_parquet(example / "predictions.parquet", compression="zstd", index=False)
        for file in [file for file in example.iterdir() if file.name != SCORE]:
            (team / "submission" / file.name).write_bytes(file.read_bytes())
        found = score(team)
    (example / SCORE).write_text(json.dumps(found.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    page = challenge.path("readme")
    page.write_text(fill(page.read_text(encoding="utf-8"), found.to_dict()), encoding="utf-8", newline="\n")
    return found


def fill(page: str, found: dict) -> str:
    """Return a page with the row of its example written anew."""
    first, last = "<!-- baseline -->", "<!-- /baseline -->"
    before, _, rest = page.partition(first)
    _, marked, after = rest.partition(last)
    if not marked:
        raise ValueError(f"the page lacks {first} ... {last}")
    return f"{before}{first}\n{rows(found)}\n{last}{after}"


def rows(found: dict) -> str:
    """Return a table of what an example scores, a row a track."""
    lines = ["| track | score | 95 % interval | parts | gates |", "| --- | ---: | ---: | --- | --- |"]
    for one in found["tracks"]:
        known = [part for part in one["parts"] if part["value"] is not None]
        parts = ", ".join(f"`{part['name']}` {part['value']:.3f}" for part in known)
        failed = [gate["name"] for gate in one["gates"] if not gate["passed"]]
        gates = f"fails {', '.join(failed)}" if failed else "passes all"
        lines.append(
            f"| *{one['track']}* | {one['value']:.3f} | {one['low']:.3f} to {one['high']:.3f} | {parts} | {gates} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Make the examples that are named, by default all."""
    os.environ["SHD_DATA"] = "no-real-data"  # the example is of the stand-in, wherever it is made
    for name in sys.argv[1:] or CHALLENGES:
        found = make(name)
        print(name, *(f"{one.track} {one.value:.3f}" for one in found.tracks))


if __name__ == "__main__":
    main()
