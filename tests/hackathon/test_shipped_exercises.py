"""The exercises that ship: the worked solution is right on any data, and answers that once passed are not."""

import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.ndimage import uniform_filter
from scipy.stats import false_discovery_control
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from statsmodels.stats.contingency_tables import Table2x2
from torch.nn import functional

import shd
from shd.hackathon import Exercise
from shd.hackathon.exercise import _as_handed_in
from shd.hackathon.grading.marks import read_exercises

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("diabetes_ml", "diabetes_bioinformatics", "alzheimers_mri")
EXERCISES = {
    name: read_exercises((ROOT / f"challenges/{name}/_source/exercises.py").read_text(encoding="utf-8"))
    for name in NAMES
}


def outcome(frame, level):
    return frame["readmitted"] != "NO" if level == "any" else frame["readmitted"] == level


def fit_model(frame, level):
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", early_stopping=False, random_state=0)
    return model.fit(frame.drop(columns="readmitted"), outcome(frame, level))


def auroc(model, frame, level):
    return roc_auc_score(outcome(frame, level), model.predict_proba(frame.drop(columns="readmitted"))[:, 1])


def copy_rare(frame):
    rare = frame[frame["readmitted"] == "<30"]
    return pd.concat([frame, rare.sample(len(frame) - 2 * len(rare), replace=True, random_state=0)])


def smooth(images):
    return uniform_filter(images.astype(float), size=(1, 3, 3))


def nearest(images, others):
    apart = ((images[:, None].astype(float) - others[None]) ** 2).mean(axis=(2, 3))
    return apart.min(axis=1), apart.argmin(axis=1)


GIVEN = {
    **{"shd": shd, "np": np, "pd": pd, "torch": torch, "functional": functional, "Table2x2": Table2x2},
    **{"fit_model": fit_model, "auroc": auroc, "copy_rare": copy_rare, "smooth": smooth, "nearest": nearest},
    "false_discovery_control": false_discovery_control,
}


@pytest.fixture(scope="module")
def solutions() -> dict[tuple[str, str], object]:
    """The answers of the worked solutions, by challenge and exercise."""
    builder = runpy.run_path(str(ROOT / "data_scripts/build_notebooks.py"))
    found = {}
    for name in NAMES:
        (source,) = builder["sources"](f"challenges/{name}/")
        book = next(book for path, book in builder["notebooks"](source) if path.name == "solution.ipynb")
        for exercise in EXERCISES[name]:
            scope = dict(GIVEN)
            exec(next(cell.source for cell in book.cells if cell.id == f"answer-{exercise}"), scope)
            found[name, exercise] = scope[exercise] if exercise in scope else scope["honest_parts"]
    return found


def wrong_with(exercise: Exercise, answer, seed: int) -> str | None:
    """Say what is wrong with an answer on the data of a seed, hidden checks included."""
    checks = [*exercise.visible_checks, *exercise.hidden_checks]
    return exercise.why_wrong(_as_handed_in(exercise.called(answer, seed)), seed, checks)


ALL = [(name, exercise) for name in NAMES for exercise in EXERCISES[name]]


def test_there_are_fifteen_and_each_has_three_hints_and_points():
    assert len(ALL) == 15
    for name, exercise in ALL:
        one = EXERCISES[name][exercise]
        assert len(one.hints) == 3 and one.visible_points >= 1 and one.hidden_points >= 1 and one.visible_checks


@pytest.mark.parametrize(("name", "exercise"), ALL)
def test_the_worked_solution_is_right_on_any_data(solutions, name, exercise):
    for seed in (0, *range(1000, 1012)):
        assert wrong_with(EXERCISES[name][exercise], solutions[name, exercise], seed) is None


@pytest.mark.parametrize(("name", "exercise"), ALL)
@pytest.mark.parametrize(
    "answer", [lambda *a: None, lambda *a: float("nan"), lambda *a: "0.79", lambda *a: 0.79, lambda: 1]
)
def test_no_answer_of_the_wrong_kind_is_right(name, exercise, answer):
    wrong = wrong_with(EXERCISES[name][exercise], answer, 0)
    assert wrong and "\n" not in wrong and "cannot be checked" not in wrong


def by_row(data):
    rows = np.random.default_rng(0).permutation(len(data))
    fifth = len(data) // 5
    return copy_rare(data.frame.iloc[rows[fifth:]]), data.frame.iloc[rows[:fifth]]


def copies_in_test(data):
    first, second = data.split(test_size=0.2, random_state=0)
    return copy_rare(first.frame), copy_rare(second.frame)


def copied_first(data):
    frame = copy_rare(data.frame).sample(frac=1, random_state=0)
    return frame.iloc[len(frame) // 5 :], frame.iloc[: len(frame) // 5]


def no_copies(data):
    return tuple(part.frame for part in data.split(test_size=0.2, random_state=0))


def swapped(data):
    first, second = data.split(test_size=0.2, random_state=0)
    return second.frame, copy_rare(first.frame)


def verdict_by(tsts_of, trtr_of=lambda s, train, test: auroc(fit_model(train, "any"), test, "any")):
    def ease(synthetic, train, test):
        tsts, trtr = tsts_of(synthetic, train, test), trtr_of(synthetic, train, test)
        return tsts, "too easy" if tsts > trtr + 0.02 else "too hard" if tsts < trtr - 0.02 else "about right"

    return ease


def on_what_it_saw(synthetic, train, test):
    first, _ = synthetic.split(test_size=0.2, random_state=0)
    return auroc(fit_model(first.frame, "any"), first.frame, "any")


def also_what_others_lack(cuts, by_holdout):
    never = ~pd.concat(cuts).groupby("code")["replicated"].any()
    return by_holdout.loc[by_holdout["counted"] & never.array, "code"].tolist()


def no_keepdim(maps, slopes):
    return functional.relu((slopes.mean((2, 3)) * maps).sum(1))


WRONG = {
    ("diabetes_ml", "leak"): [by_row, copies_in_test, copied_first, no_copies, swapped],
    ("diabetes_ml", "tstr"): [
        lambda train, synthetic, test, level: auroc(fit_model(synthetic, "any"), test, "any"),
        lambda train, synthetic, test, level: auroc(fit_model(synthetic, level), train, level),
        lambda train, synthetic, test, level: auroc(fit_model(synthetic, level), synthetic, level),
        lambda train, synthetic, test, level: auroc(fit_model(train, level), test, level),
    ],
    ("diabetes_ml", "ease"): [
        verdict_by(on_what_it_saw),
        verdict_by(lambda s, train, test: auroc(fit_model(train, "any"), test, "any")),
        lambda s, train, test: (verdict_by(on_what_it_saw)(s, train, test)[0], "about right"),
        lambda s, train, test: (0.677, "too easy"),
    ],
    ("diabetes_ml", "overlap"): [
        lambda one, other, n: len(set(np.argsort(one)[-n:]) & set(np.argsort(other)[-n:])) / len(one),
        lambda one, other, n: len(set(np.argsort(one)[:n]) & set(np.argsort(other)[:n])) / n,
        lambda one, other, n: len(set(one[-n:]) & set(other[-n:])) / n,
    ],
    ("diabetes_ml", "impossible"): [
        lambda frame, medicines: (frame["insulin"] != "No") != (frame["diabetesMed"] == "Yes"),
        lambda frame, medicines: frame[medicines].isin(["Steady", "Up"]).any(axis=1) != (frame["diabetesMed"] == "Yes"),
        lambda frame, medicines: (frame[medicines] != "No").any(axis=1) & (frame["diabetesMed"] == "No"),
        lambda frame, medicines: pd.Series(False, index=frame.index),
    ],
    ("diabetes_bioinformatics", "lost"): [
        also_what_others_lack,
        lambda cuts, held: held.loc[held["counted"] & held["replicated"] & ~cuts[0]["replicated"], "code"].tolist(),
        lambda cuts, held: [],
    ],
    ("diabetes_bioinformatics", "odds"): [
        lambda frame, one, other: 1.46,
        lambda frame, one, other: 1.53,
        lambda frame, one, other: Table2x2(
            pd.crosstab(frame["diag_1"].isin(one), frame["diag_1"].isin(other)).to_numpy()
        ).oddsratio,
    ],
    ("diabetes_bioinformatics", "links"): [
        lambda p: ((p < 0.05).sum(), (p < 0.05 / len(p)).sum()),
        lambda p: ((false_discovery_control(p) < 0.05).sum(), (p < 0.05).sum()),
        lambda p: ((p < 0.05).sum(), 0),
    ],
    ("diabetes_bioinformatics", "size"): [
        lambda replicate, rate, train, held, made: (rate(replicate(train, held)), rate(replicate(train, made))),
        lambda replicate, rate, train, held, made: tuple(
            rate(replicate(train, table, records=len(held))) for table in (made, held)
        ),
        lambda replicate, rate, train, held, made: (0.5, 0.4),
    ],
    ("diabetes_bioinformatics", "controls"): [
        lambda arms: arms.loc[arms["bias"].abs().idxmax(), "controls"],
        lambda arms: arms[arms["method"] == "weighting"].set_index("controls")["bias"].idxmax(),
        lambda arms: "own controls",
    ],
    ("alzheimers_mri", "split"): [
        lambda data: (data.take(np.arange(len(data)) % 5 > 0), data.take(np.arange(len(data)) % 5 == 0)),
        lambda data: data.split(test_size=0.2, random_state=0)[::-1],
        lambda data: data.split(test_size=0.5, random_state=0),
        lambda data: tuple(part.frame for part in data.split(test_size=0.2, random_state=0)),
    ],
    ("alzheimers_mri", "tstr"): [
        lambda train, synthetic, test, fit, by_person, auroc: auroc(by_person(fit(train), test)),
        lambda train, synthetic, test, fit, by_person, auroc: auroc(by_person(fit(synthetic), synthetic)),
        lambda train, synthetic, test, fit, by_person, auroc: auroc(by_person(fit(synthetic), train)),
    ],
    ("alzheimers_mri", "grad_cam"): [
        no_keepdim,
        lambda maps, slopes: (slopes.mean((2, 3), keepdim=True) * maps).sum(1),
        lambda maps, slopes: functional.relu((slopes * maps).sum(1)),
        lambda maps, slopes: torch.zeros_like(maps[:, 0]),
    ],
    ("alzheimers_mri", "grain"): [
        lambda images: images.std(axis=(1, 2)),
        lambda images: (images - smooth(images)).std(axis=(1, 2)),
        lambda images: (images - smooth(images)).mean(axis=(1, 2)),
    ],
    ("alzheimers_mri", "share_nearer"): [
        lambda images, learned, held: (nearest(images, learned)[0] > nearest(images, held)[0]).mean(),
        lambda images, learned, held: 0.75,
        lambda images, learned, held: float((nearest(images, learned)[0] < nearest(images, held)[0]).sum()),
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "exercise", "k"), [(*key, k) for key, answers in WRONG.items() for k in range(len(answers))]
)
def test_an_answer_that_is_wrong_fails_with_a_line(name, exercise, k):
    one = EXERCISES[name][exercise]
    said = [wrong_with(one, WRONG[name, exercise][k], seed) for seed in (0, 1001, 1002, 1003)]
    assert any(said) and said[0]
    assert all("cannot be checked" not in why and "\n" not in why for why in said if why)


@pytest.mark.parametrize("name", NAMES)
def test_checks_of_a_team_are_the_visible_half(name):
    builder = runpy.run_path(str(ROOT / "data_scripts/build_notebooks.py"))
    (source,) = builder["sources"](f"challenges/{name}/")
    path, text = builder["checks"](source)
    assert path.read_text(encoding="utf-8") == text and "hidden(" not in text
