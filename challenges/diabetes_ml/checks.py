"""What the check cells of the notebooks call. Each prints one line: right, or what to look at."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from shd.dataset import Dataset

_ROWS = 20_000  # to check with: enough, and quick
_NEAR = 0.03  # AUROC: two fair answers differ by less


def leak(honest: float | None, leaky: float) -> None:
    """Exercise 1: the AUROC without copies on both sides."""
    if honest is None or honest == leaky:
        print("Not yet. Call split first, and copy_rare only on the frame of its first part.")
    elif honest > 0.8:
        print(f"{honest:.3f} is still far too good. Are there copies in the test part, or was it trained on?")
    elif honest < 0.5:
        print(f"{honest:.3f} is worse than guessing. Train on the first part, test on the second.")
    else:
        print(f"Right. {leaky:.3f} was leakage; {honest:.3f} is what this forest can do for a new patient.")


def tstr(answer: float | None, trtr: float, synthetic: Dataset, test: Dataset) -> None:
    """Exercise 2: train on synthetic, test on held-out records, for ``<30``."""
    if answer is None:
        print("Not yet. fit_model takes few_synthetic, auroc takes test.frame, and the level is '<30'.")
        return
    expected = _auroc(synthetic.frame, test.frame, lambda frame: frame["readmitted"] == "<30")
    if answer == trtr:
        print("That is TRTR. The model has to be fitted on few_synthetic.")
    elif answer > expected + _NEAR:
        print(f"{answer:.3f} is too good. The test records must be held out, and the level '<30'.")
    elif answer < expected - _NEAR:
        print(f"{answer:.3f} is too low (expected: {expected:.2f}). Train on few_synthetic, test on test.frame.")
    else:
        print(f"Right. TSTR {answer:.3f} beside TRTR {trtr:.3f}.")


def tsts(answer: float | None, verdict: str | None, trtr: float, synthetic: Dataset) -> None:
    """Exercise 3: train and test on synthetic, and what that says."""
    if answer is None:
        print("Not yet. Split the dataset `synthetic` as `data` was split, then fit on one part and score the other.")
        return
    first, second = synthetic.split(test_size=0.2, random_state=0)
    expected = _auroc(first.frame, second.frame, lambda frame: frame["readmitted"] != "NO")
    should = "too easy" if answer > trtr + 0.02 else "too hard" if answer < trtr - 0.02 else "about right"
    if answer > expected + _NEAR:
        print(f"{answer:.3f} is too good. Was the model tested on records that it was trained on?")
    elif answer < expected - _NEAR:
        print(f"{answer:.3f} is too low; about {expected:.2f} was expected. The level is 'any'.")
    elif verdict != should:
        print(f"The number is right. Look at the verdict again: TSTS {answer:.3f}, TRTR {trtr:.3f}.")
    else:
        print(f"Right. TSTS {answer:.3f} beside TRTR {trtr:.3f}: {verdict}.")


def overlap(answer: float | None, one: np.ndarray, other: np.ndarray) -> None:
    """Exercise 4: share of the tenth with the highest chances that is on both lists."""
    if answer is None:
        print("Not yet. np.argsort(chance)[-n:] gives the positions of the n highest chances.")
        return
    n = len(one) // 10
    expected = len(set(np.argsort(one)[-n:]) & set(np.argsort(other)[-n:])) / n
    if abs(answer - expected) < 0.02:
        print(f"Right. {answer:.0%} of the list is the same; two lists drawn blindly would share 10%.")
    elif abs(answer - expected / 10) < 0.005:
        print("Nearly. Divide by the length of one list, not by the number of all stays.")
    else:
        print(f"{answer} is not it. Take the n = {n:,} highest of each, and count the positions that are in both.")


def impossible(rule: Callable[[pd.DataFrame], pd.Series], medicines: list[str]) -> None:
    """Exercise 5: find records in which diabetesMed and the medicines contradict each other."""
    frame = pd.DataFrame("No", index=range(4), columns=[*medicines, "diabetesMed"])
    frame.loc[[0, 1], "insulin"] = ["Steady", "Up"]
    frame["diabetesMed"] = ["Yes", "No", "No", "Yes"]
    found = np.asarray(rule(frame), dtype=bool).tolist()
    if found == [False, True, True, True]:
        print("Nearly. Record 2 takes nothing, and says so: that is possible.")
    elif found == [False, True, False, True]:
        print("Right.")
    elif not any(found):
        print("Not yet. Record 1 takes insulin and says that it takes no medicine: your rule should find it.")
    elif found == [False, True, False, False]:
        print("Half. Record 3 says that it takes a medicine, and takes none: that is impossible as well.")
    else:
        print(f"For four records your rule says {found}; it should say [False, True, False, True].")


def _auroc(train: pd.DataFrame, test: pd.DataFrame, outcome: Callable[[pd.DataFrame], pd.Series]) -> float:
    train = train.sample(min(_ROWS, len(train)), random_state=1)
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", early_stopping=False, random_state=0)
    model.fit(train.drop(columns="readmitted"), outcome(train))
    return roc_auc_score(outcome(test), model.predict_proba(test.drop(columns="readmitted"))[:, 1])
