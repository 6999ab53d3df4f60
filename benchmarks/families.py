"""Every family on small tables of other people: how well, how near to those learned from, and in how many seconds.

    python -m benchmarks.families                    # the quick families and auto, three seeds: half an hour
    python -m benchmarks.families --all              # with the networks: hours; a stop loses nothing
    python -m benchmarks.families --show             # what is there so far

Eight public tables of patients. Two ship with scikit-learn; the others lie in packages whose files alone are fetched,
into ``runs/tables``. None is committed; what is, is the summary and the figure.
"""

import argparse
import subprocess
import sys
from pathlib import Path

import pandas as pd
from scipy.io import arff
from sklearn.datasets import load_breast_cancer, load_diabetes

from shd import Dataset
from shd.bench import AUTO, bench, draw, summary
from shd.synthesizers.choice import QUICK

PACKAGES = ("lifelines==0.30.3", "scikit-survival==0.28.0")
FOLDER = Path("runs/tables")
RESULTS = Path(__file__).with_name("results")
NETWORKS = ("TabularVAE", "TabularDiffusion", "TabularAutoregressive", "TabularCGAN")

TABLES = {
    # name: file within the packages, target; licences of the packages: MIT (lifelines), GPL-3.0 (scikit-survival)
    "actg175": ("lifelines/datasets/ACTG175.csv", "cens"),
    "actg320": ("sksurv/datasets/data/actg320.arff", "censor"),
    "breast": ("", "target"),  # Wolberg et al. 1995, UCI 17, CC BY 4.0; with scikit-learn
    "diabetes442": ("", "target"),  # Efron et al. 2004; with scikit-learn
    "flchain": ("sksurv/datasets/data/flchain.arff", "death"),
    "gbsg2": ("sksurv/datasets/data/GBSG2.arff", "cens"),
    "kidney": ("lifelines/datasets/kidney_transplant.csv", "death"),
    "whas500": ("sksurv/datasets/data/whas500.arff", "fstat"),
}
_NUMBERS_OF_ROWS = ("id", "pidnum", "rownames", "Unnamed: 0")


def table(name: str) -> Dataset:
    """Return one of the tables, without numbers of rows; a target of two numbers is a category."""
    file, target = TABLES[name]
    if name == "breast":
        frame = load_breast_cancer(as_frame=True).frame
    elif name == "diabetes442":
        frame = load_diabetes(as_frame=True, scaled=False).frame
    elif file.endswith(".arff"):
        frame = pd.DataFrame(arff.loadarff(FOLDER / file)[0])
        text = frame.select_dtypes(object).columns
        frame[text] = frame[text].apply(lambda column: column.str.decode("utf-8").replace("?", None).astype("str"))
    else:
        frame = pd.read_csv(FOLDER / file, sep=None, engine="python")
    frame = frame.drop(columns=[column for column in frame if column in _NUMBERS_OF_ROWS])
    if frame[target].nunique() == 2:
        frame[target] = frame[target].astype(str).astype("category")
    return Dataset(frame, target=target, name=name)


def fetch() -> None:
    """Fetch the files of the packages, once."""
    if not all((FOLDER / file).exists() for file, _ in TABLES.values() if file):
        there = ["--quiet", "--no-deps", "--target", FOLDER, *PACKAGES]
        subprocess.run(
            [Path(sys.executable).with_name("uv"), "pip", "install", "--python", sys.executable, *there], check=True
        )


def main() -> None:
    """Run the bench, and keep its table and figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="with the families that train networks")
    parser.add_argument("--show", action="store_true", help="run nothing")
    parser.add_argument("--tables", nargs="*", default=list(TABLES), choices=TABLES)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/families"))
    chosen = parser.parse_args()
    if chosen.show:
        found = pd.read_csv(chosen.output / "bench.csv")
    else:
        fetch()
        families = ["Marginals", AUTO, *QUICK, *(NETWORKS if chosen.all else ())]
        found = bench([table(name) for name in chosen.tables], families, chosen.seeds, chosen.output, chosen.jobs)
    columns = ["c2st", "nearer", "membership", "tstr", "trtr", "fit_cpu_s"]
    each = found.groupby(["dataset", "family"], sort=False)[columns].mean().round(3)
    print(each.to_string(), "\n\n", summary(found).round(3).to_string(), sep="")
    each.to_csv(RESULTS / "families.csv")
    draw(found, Path(__file__).parents[1] / "docs" / "families.png")


if __name__ == "__main__":
    main()
