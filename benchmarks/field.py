"""The benchmark of the field on the diabetes file, in its protocol and in two that are fairer.

    python -m benchmarks.field                          # the families that are shown in README, some 40 minutes
    python -m benchmarks.field --families SequentialTrees --seeds 0
    python -m benchmarks.field --show                   # what is there so far

The "Diabetes" set of CDTD, TabSyn, TabDiff and TabPC is the file this project begins with, UCI 296: 36 columns, raw
ICD codes as levels (717, 749 and 790 of them), and whether the patient was readmitted at all. Three protocols:

* ``field``: three fifths of the records are learned from, chosen by chance, and synthetic records are told from *those*
  by XGBoost in three folds. A table of copies would be perfect.
* ``others``: the same fit, but told from the test records.
* ``people``: split by patient, told from records of other patients. Of the test records of the first two protocols more
  than a third belong to a patient who was learned from.

The ceiling is what real records reach in place of synthetic ones. XGBoost comes from an environment of its own.
"""

import argparse
import itertools
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import pandas as pd
from sklearn.model_selection import GroupShuffleSplit, train_test_split

import shd
from benchmarks._memory import peak_megabytes
from shd.datasets import archive_path
from shd.datasets.diabetes import read_raw
from shd.synthesizers import registry

TARGET = "readmitted"
# fmt: off
NUMBERS = [
    "age", "time_in_hospital", "num_lab_procedures", "num_procedures", "num_medications", "number_outpatient",
    "number_emergency", "number_inpatient", "number_diagnoses",
]
LEVELS = [
    "race", "gender", "admission_type_id", "discharge_disposition_id", "admission_source_id", "diag_1", "diag_2",
    "diag_3", "max_glu_serum", "A1Cresult", "metformin", "repaglinide", "nateglinide", "chlorpropamide",
    "glimepiride", "glipizide", "glyburide", "tolbutamide", "pioglitazone", "rosiglitazone", "acarbose", "miglitol",
    "tolazamide", "insulin", "glyburide-metformin", "change", "diabetesMed",
]
# fmt: on
FAMILIES = ("FilteredTrees", "SequentialTrees", "TabularAutoregressive", "BayesianNetwork")
FOLDER = Path("runs/field")
JUDGE = Path(".venv-xgboost")
RESULTS = Path(__file__).with_name("results") / "field.csv"
WHOLE = {"max_levels": 1000}
"""Every code keeps its own level; all else is as each family has it."""
_SEED = 42  # of the split, as the field has it


def table() -> pd.DataFrame:
    """Return the table of the field with the patient number: 101,766 records, missing as the level ``empty``."""
    raw = read_raw(archive_path("diabetes"))
    frame = raw[LEVELS].fillna("empty").replace("None", "empty")  # so does the field: "None" is read as missing
    numbers = raw[NUMBERS[1:]].astype("int64")
    age = raw["age"].str.extract(r"(\d+)")[0].astype("int64") // 10  # ten-year classes, in order
    target = (raw[TARGET] != "NO").astype("int64")
    return pd.concat([frame, age.rename("age"), numbers, target, raw["patient_nbr"]], axis=1)


def split(frame: pd.DataFrame, by_people: bool) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return three fifths to learn from and a fifth to test on, by record (as the field does) or by patient."""
    if by_people:
        people = frame["patient_nbr"]
        rest, test = next(GroupShuffleSplit(1, test_size=0.2, random_state=_SEED).split(frame, groups=people))
        rest = frame.iloc[rest]
        cut = GroupShuffleSplit(1, test_size=0.25, random_state=_SEED)
        learned, _ = next(cut.split(rest, groups=rest["patient_nbr"]))
        return rest.iloc[learned], frame.iloc[test]
    rest, test = train_test_split(frame, test_size=0.2, random_state=_SEED, stratify=frame[TARGET])
    return train_test_split(rest, test_size=0.25, random_state=_SEED, stratify=rest[TARGET])[0], test


def run(family: str, seed: int, by_people: bool) -> dict:
    """Fit, draw as many records as were learned from, and judge them; what is there already is not run again."""
    file = FOLDER / f"{family}-{seed}-{'people' if by_people else 'field'}.json"
    if not file.exists():
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                cost = pool.apply(fit_and_sample, (family, seed, by_people, folder))
            judged = folder / "judged.json"
            script = Path(__file__).with_name("field_judge.py")
            subprocess.run([JUDGE / "bin" / "python", script, folder, TARGET, judged], check=True)
            found = {"family": family, "seed": seed, "by_people": by_people, **cost, **json.loads(judged.read_text())}
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


def fit_and_sample(family: str, seed: int, by_people: bool, folder: Path) -> dict:
    """Write the three tables that the judge reads; return what the fit cost."""
    warnings.simplefilter("ignore", shd.ShdWarning)
    learned, others = split(table(), by_people)
    people = learned.pop("patient_nbr").to_numpy()
    begun = time.process_time()
    # codes are levels, all of them: the field merges none, and protects nobody
    data = shd.Dataset(learned, target=TARGET, subjects=people, source="real", min_people=1)
    takes = {name: value for name, value in WHOLE.items() if name in registry[family]().get_params()}
    model = registry[family](random_state=seed, **takes).fit(data)
    fitted = time.process_time()
    drawn = model.sample(len(learned))
    cost = {"fit_cpu_s": fitted - begun, "draw_cpu_s": time.process_time() - fitted, "peak_mb": peak_megabytes()}
    tables = {"learned": learned, "others": others[list(learned)], "drawn": drawn[list(learned)]}
    for name, rows in tables.items():
        rows.to_csv(folder / f"{name}.csv", index=False)
    return cost


def make_judge() -> None:
    """Make the environment of the judge, once."""
    if not (JUDGE / ".ready").exists():
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, JUDGE], check=True)
        packages = ["xgboost==3.2.0", "pandas", "scikit-learn"]
        subprocess.run([uv, "pip", "install", "--quiet", "--python", JUDGE / "bin" / "python", *packages], check=True)
        (JUDGE / ".ready").touch()


def summary(found: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over seeds: a row a family."""
    shown = []
    for family, rows in found.groupby("family", sort=False):
        by_people = rows[rows["by_people"]]
        field = rows[~rows["by_people"]]
        shown.append(
            {
                "family": family,
                "fits": len(field),
                "fit_cpu_s": field["fit_cpu_s"].mean(),
                "field": field["c2st_learned"].mean(),
                "others": field["c2st_others"].mean(),
                "people": by_people["c2st_others"].mean(),
                "tstr": field["tstr"].mean(),
                "trtr": field["trtr"].mean(),
                "ceiling": field["ceiling"].mean(),
                "ceiling by people": by_people["ceiling"].mean(),
            }
        )
    return pd.DataFrame(shown).set_index("family")


def main() -> None:
    """Run what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="*", default=list(FAMILIES))
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--show", action="store_true", help="run nothing")
    chosen = parser.parse_args()
    if not chosen.show:
        make_judge()
        for family, seed, by_people in itertools.product(chosen.families, chosen.seeds, (False, True)):
            print(json.dumps(run(family, seed, by_people)), flush=True)
    found = pd.DataFrame([json.loads(file.read_text()) for file in sorted(FOLDER.glob("*.json"))])
    learned, test = split(table(), by_people=False)
    known = test["patient_nbr"].isin(learned["patient_nbr"]).mean()
    print(f"{known:.1%} of the test records of their protocol belong to a patient who was learned from.")
    print(summary(found).round(3).to_string())
    summary(found).round(4).to_csv(RESULTS)


if __name__ == "__main__":
    main()
