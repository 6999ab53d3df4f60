"""Tell real from synthetic records as the field does, with XGBoost: runs in an environment of its own.

python field_judge.py FOLDER TARGET RESULT.json

FOLDER holds ``learned.csv``, ``others.csv`` (real records that were not learned from) and ``drawn.csv``. All text
columns but the target are levels. Every figure is an AUROC.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from xgboost import XGBClassifier

FOLDS = 3
PATIENT = {"learning_rate": 0.1, "max_depth": 5, "min_child_weight": 10, "gamma": 1.0}
"""For readmission, where the defaults of XGBoost learn rare codes by heart; else the field has those."""


def told_apart(real: pd.DataFrame, drawn: pd.DataFrame) -> float:
    """Return how well XGBoost tells the tables apart, of as many records each, mean over three folds; .5 is best."""
    n = min(len(real), len(drawn))
    # other seeds than that of the folds: with the same one a fold would be a stretch of the file, all of one year
    both = pd.concat([real.sample(n, random_state=1), drawn.sample(n, random_state=2)], ignore_index=True)
    truth = np.repeat([0, 1], n)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(both, truth)
    return float(np.mean([_auroc(both.iloc[a], truth[a], both.iloc[b], truth[b]) for a, b in folds]))


def _auroc(rows: pd.DataFrame, truth: np.ndarray, others: pd.DataFrame, other_truth: np.ndarray, **how) -> float:
    model = XGBClassifier(enable_categorical=True, tree_method="hist", n_jobs=1, random_state=0, **how)
    model.fit(rows, truth)
    return roc_auc_score(other_truth, model.predict_proba(others)[:, 1])


def main() -> None:
    """Read the three tables, judge them, and write the figures."""
    folder, target, result = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
    names = ("learned", "others", "drawn")
    tables = [pd.read_csv(folder / f"{name}.csv", keep_default_na=False) for name in names]
    whole = pd.concat(tables, keys=names)
    text = [column for column in whole if not pd.api.types.is_numeric_dtype(whole[column])]
    whole[text] = whole[text].astype("category")  # the same levels, in the same order, in all three
    learned, others, drawn = (whole.loc[name] for name in names)
    useful = {
        name: _auroc(rows.drop(columns=target), rows[target], others.drop(columns=target), others[target], **PATIENT)
        for name, rows in (("tstr", drawn), ("trtr", learned))
    }
    found = {
        "c2st_learned": told_apart(learned, drawn),
        "c2st_others": told_apart(others, drawn),
        "ceiling": told_apart(learned, others),
        **useful,
    }
    result.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
