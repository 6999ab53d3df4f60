"""Which synthesizers keep what clinicians know? Known findings, replicated by each family's records.

    SHD_DATA=folder/of/the/archive python -m benchmarks.replication     # the real cohort: about 15 minutes
    python -m benchmarks.replication --cuts 1                           # the stand-in, where that is all there is
    python -m benchmarks.replication --only published                   # the study's groups and model again: seconds

Each family learns from the train side of the split and is cut to as many records as are held out, five times with
other records (`--cuts`): rates are means over the cuts. The last column counts among the findings that the held-out
patients replicate, also as a mean over the cuts. With the real cohort the table goes to a file that the challenge's
README shows.
"""

import argparse
import json
import sys
import time
import warnings

import numpy as np
import pandas as pd

import shd
from shd.compare.findings import cut, estimates, lay_side_by_side, load, mean_rate
from shd.dataset import Dataset
from shd.datasets import challenges_dir

SEED = 0
CHALLENGE = challenges_dir() / "diabetes_bioinformatics"
PLACE = CHALLENGE / "data" / "replication.json"
FINDINGS = load(CHALLENGE / "studies")
SHORT = {"steps": 300, "moment_weight": 0.0, "critic_steps": 0, "critic_trees": 0}
"""A GAN as handed out in 2020: stopped early, nothing that holds pairs together, nothing that filters."""


def families() -> dict[str, shd.synthesizers.base.Synthesizer]:
    """Return an unfitted synthesizer by the name of its row."""
    return {
        "TabularCGAN, as by default": shd.TabularCGAN(random_state=SEED),
        "BayesianNetwork": shd.BayesianNetwork(random_state=SEED),
        "TabularCGAN, 300 steps, no moments, no filter": shd.TabularCGAN(random_state=SEED, **SHORT),
        "Marginals": shd.Marginals(random_state=SEED),
    }


def row(name: str, real: pd.DataFrame, other: Dataset, records: int, cuts: int, seconds: float | None) -> dict:
    """Return how many findings a table replicates, as a row of the table; and which, cut by cut."""
    sides = [
        lay_side_by_side(real, estimates(cut(other, records, seed), FINDINGS)) for seed in range(SEED, SEED + cuts)
    ]
    rate = mean_rate(sides)
    about = {"table": name, "counted": rate.counted, "rate": rate.value, "low": rate.low, "high": rate.high}
    kept = [side.loc[side["replicated"], "code"].tolist() for side in sides]
    return {**about, "cuts": [len(codes) for codes in kept], "fit, s": seconds, "kept": kept}


def published(data: Dataset) -> dict:
    """Return the study's groups and odds ratios beside those of the cohort, and its model of early readmission."""
    sys.path.insert(0, str(CHALLENGE))
    from studies import adjusted_model, crude_odds_ratios, group_sizes

    sizes, model = group_sizes(data), adjusted_model(data)
    frames = {
        "sizes": sizes.astype(object).where(sizes.notna(), None),
        "crude odds ratios": crude_odds_ratios(data),
        "model": model[model["why not"] == ""],
    }
    return {name: frame.to_dict("records") for name, frame in frames.items()}


def keep(**found: object) -> None:
    """Write what was found into the file of the challenge, beside what is there."""
    before = json.loads(PLACE.read_text(encoding="utf-8")) if PLACE.is_file() else {}
    PLACE.write_text(json.dumps(before | found, indent=1) + "\n", encoding="utf-8", newline="\n")
    print(PLACE)


def main() -> None:
    """Print one row a table, and keep them where they were measured on the real cohort."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cuts", type=int, default=5, help="how often a table is cut to the size of the holdout")
    parser.add_argument("--only", choices=["published"], help="what the study published, nothing else")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", shd.ShdWarning)  # constant columns: medicines that nobody takes
    data = shd.load("diabetes_cohort")
    if data.source == "real":
        keep(published=published(data))
    if not chosen.only:
        replicate_all(data, chosen.cuts)


def replicate_all(data: Dataset, cuts: int) -> None:
    """Fit every family, and print and keep how many findings its records replicate."""
    train, holdout = data.split(test_size=0.2, random_state=SEED)
    real = estimates(train, FINDINGS)
    rows = [row(f"other {data.source} patients", real, holdout, len(holdout), 1, None)]
    release = shd.load("diabetes_cohort", source="synthetic")
    rows.append(row("the release", real, release, len(holdout), cuts, None))
    for name, model in families().items():
        began = time.process_time()
        model.fit(train)
        seconds = round(time.process_time() - began, 1)
        drawn = Dataset(model.sample(len(train)), name=data.name, source="synthetic")
        rows.append(row(name, real, drawn, len(holdout), cuts, seconds))
        print(f"{name}: {rows[-1]['rate']:.2f}")
    whole = set(rows[0]["kept"][0])
    for found in rows:
        shown = [len(whole & set(codes)) for codes in found["kept"]]
        found["of those held out"] = [float(np.mean(shown)), len(whole)]
    print(pd.DataFrame(rows).drop(columns="kept").round(3).to_string(index=False))
    if data.source == "real":
        keep(train=len(train), records=len(holdout), rows=rows)


if __name__ == "__main__":
    main()
