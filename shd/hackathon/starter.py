"""The starter notebook of a new challenge: short, and it runs as it is."""

import json

from shd.dataset import Dataset
from shd.hackathon.challenge import Challenge

_LOAD = """\
import pandas as pd

import shd

data = shd.load({name!r})  # the people whom teams may see
synthetic = shd.load({name!r}, source="synthetic")  # made from the train side below
train, holdout = data.split(test_size={test_size}, random_state={seed})  # by person: nobody is on both sides
data"""
_TABLE = """\
trained_on = {{"real": train, "synthetic": synthetic}}
pd.DataFrame({{source: shd.compare.tstr(learned, holdout) for source, learned in trained_on.items()}})"""
_PICTURES = """\
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score


def rows(pictures):
    \"\"\"Return every fourth pixel of each picture, as a row of numbers.\"\"\"
    return pictures.images[:, ::4, ::4].reshape(len(pictures), -1) / 255


def accuracy(learned):
    \"\"\"Train on some pictures, and return the mean share of people held out that is found right in each class.\"\"\"
    model = LogisticRegression(C=0.01, max_iter=2000).fit(rows(learned), learned.frame[{target!r}].astype(str))
    return balanced_accuracy_score(holdout.frame[{target!r}].astype(str), model.predict(rows(holdout)))


pd.Series({{"real": accuracy(train), "synthetic": accuracy(synthetic)}})"""
_CHECK = """\
from shd.hackathon.submission import check

pd.DataFrame([vars(finding) for finding in check(".")], columns=["track", "file", "sentence", "loses"])"""


def starter(challenge: Challenge, people: Dataset) -> str:
    """Return the notebook as a file: load, split, train on real and synthetic records, check what is handed in."""
    rules = challenge.rules
    told = {
        "name": challenge.dataset, "target": challenge.target, "test_size": rules.test_size, "seed": rules.random_state
    }  # fmt: skip
    cells = [
        ("title", f"# {challenge.title}\n\n{challenge.question}\n\nRun the cells from top to bottom, then add more."),
        ("load", _LOAD),
        ("why", "## Train on synthetic, test on people held out\n\nWhat does a model learn from synthetic records that "
         "holds for people whom nobody has seen? Beside it, the same model learns from real ones."),
        ("utility", _TABLE if people.images is None else _PICTURES),
        ("hand-in", "## Hand in\n\n`SUBMISSIONS.md` says what belongs into `submission/`, and `example/` shows it. Say "
         "below what you found, in three sentences. The next cell lists what would be lost; it is empty where nothing "
         "would be."),
        ("check", _CHECK),
    ]  # fmt: skip
    code = ("load", "utility", "check")
    made = [_cell(name, text.format(**told) if name in code else text, name in code) for name, text in cells]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    book = {"cells": made, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(book, indent=1, ensure_ascii=False) + "\n"


def _cell(name: str, text: str, is_code: bool) -> dict:
    about = {"id": name, "metadata": {}, "source": text.splitlines(keepends=True)}
    code = {"cell_type": "code", "execution_count": None, "outputs": []}
    return {**about, **(code if is_code else {"cell_type": "markdown"})}
