"""Fit ImageCGAN on several splits of the people, and train on its pictures, test on the people held out.

    python -m benchmarks.image_splits                  # five splits, ten minutes each on one thread
    python -m benchmarks.image_splits --minutes 15 --jobs 2    # two splits at a time

With forty people to test on, one split says little. Each split has its own fit, and two networks
of other seeds are trained on either side. A split that is done is kept in ``runs/image_splits`` and
not done again; a fit that was stopped goes on from its checkpoint.
"""

import argparse
import json
import multiprocessing
from functools import partial
from pathlib import Path

import pandas as pd
import torch

import shd

FOLDER = Path("runs/image_splits")
NETWORKS = (0, 1)  # seeds
QUESTIONS = ("two classes", "all classes")


def one_split(split: int, minutes: float) -> dict[str, float]:
    """Return AUROCs of one split, each the mean over two networks: TRTR and TSTR, for both questions."""
    done = FOLDER / f"{split}-{minutes:g}.json"
    if done.is_file():
        return json.loads(done.read_text(encoding="utf-8"))
    torch.set_num_threads(1)
    train, holdout = shd.load("alzheimers").split(test_size=0.2, random_state=split)
    model = shd.ImageCGAN(random_state=split)
    plan = FOLDER / f"{split}-{minutes:g}.steps"
    if not plan.is_file():
        FOLDER.mkdir(parents=True, exist_ok=True)
        plan.write_text(str(model.steps_for(train, minutes)), encoding="utf-8")
    model.set_params(steps=int(plan.read_text(encoding="utf-8")))
    model.fit(train, checkpoint=done.with_suffix(".ckpt"))
    found = {"steps": float(model.steps), "fit, CPU s": model.seconds_[1]}
    made, asked = model.sample(len(train)), "TRTR, TSTR, TSTS, TRTS"
    results = [shd.compare.ask(asked, train, made, holdout=holdout, random_state=seed) for seed in NETWORKS]
    tested = pd.concat([result.table("utility") for result in results]).groupby(["design", "target"])["value"].mean()
    found |= {f"{design}, {task}": tested[design, task] for design in ("TRTR", "TSTR") for task in QUESTIONS}
    done.write_text(json.dumps(found), encoding="utf-8")
    done.with_suffix(".ckpt").unlink()
    return found


def main() -> None:
    """Print a row a split, and the shares of TRTR that TSTR reaches, both counted from guessing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--splits", type=int, default=5, metavar="N", help="how many (default: 5)")
    parser.add_argument("--minutes", type=float, default=10.0, metavar="N", help="a fit (default: 10)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="splits at a time (default: 1)")
    chosen = parser.parse_args()
    with multiprocessing.get_context("spawn").Pool(chosen.jobs) as pool:
        found = pd.DataFrame(pool.map(partial(one_split, minutes=chosen.minutes), range(chosen.splits), chunksize=1))
    print(found.round(3).to_string())
    for question in QUESTIONS:
        real, synthetic = found[f"TRTR, {question}"], found[f"TSTR, {question}"]
        share = (synthetic - 0.5) / (real - 0.5)
        print(
            f"{question}: mean TSTR {synthetic.mean():.3f} of mean TRTR {real.mean():.3f}: "
            f"{(synthetic.mean() - 0.5) / (real.mean() - 0.5):.3f}; a split {share.min():.3f} to {share.max():.3f}, "
            f"standard error {share.sem():.3f}"
        )


if __name__ == "__main__":
    main()
