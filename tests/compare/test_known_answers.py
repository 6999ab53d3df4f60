"""Whole comparisons whose answer is known: a fresh sample, the floor, a copy, and faults planted on purpose."""

import numpy as np
import pandas as pd
import pytest

from shd.compare import ask, checks, compare
from shd.compare.ask import look
from shd.compare.core.score import SCORES, VERDICTS, worst
from shd.dataset import Dataset
from shd.synthesizers import Marginals

pytestmark = pytest.mark.slow

N = 800


def make_sides(people, n: int = N):
    """Train, a fresh sample of the same population, and holdout."""
    train, holdout = (
        Dataset(people(n, seed), target="sick", subjects=np.arange(n) + n * seed, sensitive=("sex",))
        for seed in (15, 16)
    )
    return train, people(n, 17), holdout


@pytest.fixture(scope="module")
def big(people):
    return make_sides(people)


def verdicts_of(report, question: str) -> dict[str, str]:
    return {score.metric: score.verdict for score in report.results if score.question == question}


@pytest.fixture(scope="module")
def as_good_as_it_gets(big):
    train, fresh, holdout = big
    return compare(train, fresh, holdout=holdout)


def test_a_fresh_sample_is_as_good_as_it_gets(as_good_as_it_gets):
    report = as_good_as_it_gets
    assert report.verdicts == dict.fromkeys(("fidelity", "utility", "privacy", "fairness"), "green")
    assert sum(score.question == "privacy" for score in report.results) <= SCORES
    assert set(report.table("trust")["verdict"]) == {"green"} and report.findings == ()


def test_independent_columns_are_the_floor(big):
    train, _, holdout = big
    report = compare(train, Marginals(random_state=1).fit(train).sample(N), holdout=holdout, level="quick")
    assert report.verdicts["fidelity"] == report.verdicts["utility"] == "red" and report.verdicts["privacy"] != "red"
    for metric in ("association error", "C2ST", "relative prediction error"):
        score = report.score(metric)
        assert score.verdict == "red" and abs(score.value - score.floor) < 0.3 * abs(score.ceiling - score.floor), (
            metric
        )


def test_nothing_is_green_where_the_numbers_cannot_be_believed(big):
    train, fresh, _ = big
    report = compare(train, train.frame, holdout=train, level="quick")  # the same people on all sides
    assert {"SHD001", "SHD011"} <= {finding.code for finding in report.findings}
    assert "green" not in report.verdicts.values()
    alone = compare(train, fresh, level="quick")
    assert alone.verdicts["privacy"] == "amber" and "SHD010" in {finding.code for finding in alone.findings}


def test_copies_are_red_without_a_holdout_too(big):
    train, fresh, _ = big
    mixed = pd.concat([train.frame.head(240), fresh.head(360)])
    assert ask("verbatim copies", train, mixed).score("verbatim copies").verdict == "red"


def test_a_copy_is_caught_by_every_attack(big):
    train, _, holdout = big
    report = compare(train, train.frame, holdout=holdout)
    found = verdicts_of(report, "privacy")
    found = {metric: verdict for metric, verdict in found.items() if not metric.startswith("k-")}  # no attacks
    assert len(found) >= 10 and not {"green", "grey"} & set(found.values()), found
    assert report.verdicts["privacy"] == "red"
    assert {finding.code for finding in report.findings} >= {"SHD011"}
    assert len(report.table("at risk"))


def test_a_swapped_label_column_is_named(big):
    train, fresh, holdout = big
    swapped = fresh.assign(sick=fresh["sick"].sample(frac=1, random_state=0).to_numpy())
    (score,) = ask("TRTR, TSTR, TSTS, TRTS", train, swapped, holdout=holdout).scores
    assert score.metric.startswith("TSTR / TRTR") and score.verdict == "red"
    trust = ask("trust in single variables", train, swapped, holdout=holdout).table("trust").set_index("column")
    assert trust.loc["sick", "verdict"] == "red" and "lost" in trust.loc["sick", "why"]
    frame = holdout.frame.assign(sick=holdout.frame["sick"].sample(frac=1, random_state=0).to_numpy())
    wrong = Dataset(frame, target="sick", sensitive=("sex",), subjects=holdout.subjects)
    (found,) = (f for f in checks.before(look(train, fresh, wrong)) if f.code == "SHD004")
    assert "sick" in found.sentence and "nothing in holdout" in found.sentence


def test_a_mode_that_vanished_is_named(big):
    train, fresh, holdout = big
    some = fresh.assign(pills=fresh["pills"].where(fresh["pills"] != "many", "some").astype("category"))
    found = [finding for finding in checks.before(look(train, some, holdout)) if finding.code == "SHD009"]
    assert len(found) == 1 and "many" in found[0].sentence and "pills" in found[0].sentence
    trust = ask("trust in single variables", train, some, holdout=holdout, level="quick").table("trust")
    assert trust.set_index("column").loc["pills", "verdict"] == "red"


def test_a_subject_on_both_sides_is_named(big):
    train, fresh, holdout = big
    mixed = Dataset(
        pd.concat([holdout.frame, train.frame.head(50)], ignore_index=True),
        target="sick",
        subjects=np.concatenate([holdout.subjects, train.subjects[:50]]),
        sensitive=("sex",),
    )
    assert "SHD001" in {finding.code for finding in checks.before(look(train, fresh, mixed))}


def test_one_group_served_badly_is_named(people):
    train, fresh, holdout = make_sides(people, 1500)
    spoiled = fresh.copy()
    women = (fresh["sex"] == "f").to_numpy()
    for column in ("age", "blood", "pills"):
        spoiled.loc[women, column] = spoiled.loc[women, column].sample(frac=1, random_state=1).to_numpy()
    scores = ask("groups of people", train, spoiled, holdout=holdout).scores
    assert worst([score.verdict for score in scores]) != "green"
    assert any("sex = f" in score.sentence for score in scores if score.verdict != "green")


def test_quick_is_a_part_of_full(big, as_good_as_it_gets):
    train, fresh, holdout = big
    quick = compare(train, fresh, holdout=holdout, level="quick")
    assert {s.metric for s in quick.results} <= {s.metric for s in as_good_as_it_gets.results}
    assert quick.about.level == "quick" and set(quick.verdicts.values()) <= set(VERDICTS)
