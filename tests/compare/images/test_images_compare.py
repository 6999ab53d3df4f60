import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare import compare
from shd.dataset import Dataset

CHAPTERS = ("summary", "checks", "scores", "fidelity", "utility", "privacy", "skipped", "glossary")
METRICS = {
    "fidelity": {
        "mean image error", "frechet_distance", "kernel distance", "precision", "recall", "density", "coverage",
        "variety of brightness", "variety of ventricles", "variety of pictures", "C2ST",
    },
    "utility": {"TSTR / TRTR: two classes", "TSTR / TRTR: all classes", "Grad-CAM agreement"},
    "privacy": {"exact copies", "nearer to train", "too near", "membership AUROC"},
}  # fmt: skip


def test_every_question_is_answered(fresh):
    for question, metrics in METRICS.items():
        assert set(fresh.scores.loc[fresh.scores["question"] == question, "metric"]) == metrics
    numbers = fresh.scores[["value", "low", "high", "floor", "real reference"]]
    assert numbers.notna().all().all()
    assert (fresh.scores["low"] <= fresh.scores["value"]).all()
    assert (fresh.scores["value"] <= fresh.scores["high"]).all()
    lacking = {"membership hits at 10 %", "membership AUROC: weights"}  # twenty people held out, and a model
    assert set(fresh.skipped["what"]) == {"distances in ImageNet features", "fairness"} | lacking
    assert set(fresh.table("leakage")["split"]) == {"by image", "by subject"}


def test_other_people_are_as_good_as_it_gets(fresh):
    for metric in ("variety of ventricles", "variety of pictures"):
        assert fresh.score(metric).verdict == "green", metric
    brightness = fresh.score("variety of brightness")  # blurred Gaussians come as near to 1: nothing can be told
    assert abs(brightness.value - 1) > abs(brightness.floor - 1) and brightness.verdict == "grey"
    for metric in ("exact copies", "nearer to train", "too near"):  # distances never give the all-clear
        assert fresh.score(metric).verdict == "grey", metric
    assert fresh.score("exact copies").value == 0


def test_one_picture_again_and_again_is_found_out(repeated):
    for metric in ("variety of brightness", "variety of ventricles", "variety of pictures"):
        assert repeated.score(metric).value == pytest.approx(0, abs=1e-6)
        assert repeated.score(metric).verdict == "red"
    assert repeated.score("recall").value < 0.2 and repeated.score("coverage").value < 0.4
    assert repeated.score("exact copies").value == 108 and repeated.verdicts["privacy"] == "red"


@pytest.mark.slow
def test_the_same_seed_gives_the_same_digits(sides, fresh):
    train, synthetic, holdout = sides
    again = compare(train, synthetic, holdout=holdout)
    assert json.dumps(again.to_dict()) == json.dumps(fresh.to_dict())
    assert again.to_html() == fresh.to_html()


def test_without_a_holdout_train_is_split(heads):
    train = heads(16, 1)
    report = compare(train, replace(heads(8, 2, source="synthetic"), subjects=None))
    said = report.skipped["why"].to_string()
    assert "no holdout was given" in said and "take a holdout" in said
    assert report.score("nearer to train") is None and report.score("C2ST") is not None
    assert any("No holdout" in line for line in report.summary().splitlines())


def test_what_weakens_the_numbers_is_said(sides):
    train, synthetic, holdout = sides
    train = replace(train, subjects=None, frame=train.frame.assign(age=1))
    report = compare(train, replace(synthetic, frame=synthetic.frame[["class"]]), holdout=holdout)
    said = report.skipped.set_index("what")["why"]
    assert "names no subjects" in said["independence of people"]
    assert "is in train" in said["column age"] and "is not in all Datasets" in said["column slice"]


def test_floor_and_ceiling_do_not_depend_on_the_synthetic_pictures(fresh, repeated):
    names = ["floor", "real reference"]
    # the strongest attacker may be another, and floor and ceiling are those of the same attacker
    others = ["exact copies", "TSTR / TRTR: two classes", "TSTR / TRTR: all classes", "membership AUROC"]
    same = ~fresh.scores["metric"].isin(others)
    assert fresh.scores.loc[same, names].equals(repeated.scores.loc[same, names])


def test_a_class_of_two_people_is_not_judged(sides):
    train, synthetic, holdout = sides
    much = holdout.frame["class"] == "much"
    few = holdout.take(np.flatnonzero(~much | holdout.frame.index.isin(np.flatnonzero(much)[:6])))
    report = compare(train, synthetic, holdout=few)
    assert "12 people in train and 2 held out" in report.skipped.set_index("what")["why"]["class much"]
    assert "much" not in report.result.tables["means"]["class"].tolist()
    assert any("class much" in line for line in report.to_html().splitlines())


def bad_cases() -> dict:
    rng = np.random.default_rng(0)

    def heads(side=32, names=("a", "b"), target="class", n=48):
        frame = pd.DataFrame({"class": [names[i % len(names)] for i in range(n)]})
        images = rng.integers(0, 255, (n, side, side)).astype(np.uint8)
        return Dataset(frame, target=target, images=images, subjects=np.arange(n) // 2)

    good = heads()
    return {
        "has images, synthetic has none": (good, Dataset(good.frame, target="class")),
        "synthetic has images, train has none": (good.frame, good),
        "differ in size": (good, heads(side=40)),
        "has the class 'z', train has a, b": (good, heads(names=("a", "z"))),
        "no class": (heads(target=None), heads(target=None)),
        "16 x 16 pixels": (heads(side=8), heads(side=8)),
        "one class only": (heads(names=("a",)), heads(names=("a",))),
        "it is no class": (heads(names=tuple(map(str, range(40)))), good),
        "fewest that can be compared": (good, good.take(np.arange(4))),
        "missing values": (good, replace(good, frame=good.frame.assign(**{"class": ["a", None] * 24}))),
        "whole numbers": (replace(good, frame=good.frame.assign(slice=0.5)),) * 2,
    }


@pytest.mark.parametrize("message", bad_cases())
def test_what_cannot_be_compared_is_refused(message):
    with pytest.raises(ShdError, match=message) as refused:
        compare(*bad_cases()[message])
    assert "\n" not in str(refused.value)


def test_the_page_needs_nothing_else(fresh, tmp_path):
    path = fresh.save(tmp_path / "report.html")
    page = path.read_text(encoding="utf-8")
    loaded = re.findall(r'(?:src|xlink:href|(?<!a )href)="((?!#|data:)[^"]*)"', page)
    assert loaded == [] and "<script" not in page and path.stat().st_size < 3e6
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert page.count("<img") == 6 * 6 + 3 * 6 and "Toy heads" in page
    assert "split by image" in page and "records" not in re.sub(
        r"<style>.*?</style>|<svg.*?</svg>", "", page, flags=re.S
    )


def test_people_can_be_left_out(fresh):
    shared = fresh.without_persons()
    page = shared.to_html()
    assert page.count("<img") == 3 * 6 and "left out of this copy" in page
    assert shared.scores.equals(fresh.scores)
    assert not any(any(grid.persons) for grid in shared.result.pictures.values())


def test_words_in_a_notebook_and_a_terminal(fresh):
    lines = fresh.summary().splitlines()
    assert len(lines) == 6 and "synthetic pictures beside 108 real ones of 36 people" in lines[0]
    assert "C2ST" in fresh._repr_html_() and "independent columns" not in fresh.to_html()
    json.dumps(fresh.to_dict(), allow_nan=False)


@pytest.mark.slow
def test_a_stand_in_says_so(sides):
    train, synthetic, holdout = (replace(data, source="stand-in") for data in sides)
    report = compare(train, replace(synthetic, source="synthetic"), holdout=holdout)
    assert "stand-in cohort, not real patients" in report.to_html()
    assert not report.scores["sentence"].str.contains("real p").any()


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_opens(fresh, tmp_path, browser, width):
    page = browser.new_page(viewport={"width": width, "height": 900})
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(fresh.save(tmp_path / "report.html").as_uri())
    assert said == []
    assert all(page.locator(f"#{chapter} h2").is_visible() for chapter in CHAPTERS)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    page.close()
