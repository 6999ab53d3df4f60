"""The report's question about rules between columns: planted breaks, fresh records, rules of one's own."""

import numpy as np
import pandas as pd
import pytest

import shd
from shd._errors import ShdError
from shd.compare import ask


@pytest.fixture(scope="module")
def sides(planted):
    return {"train": planted(1200, seed=1), "synthetic": planted(1200, seed=2), "holdout": planted(400, seed=3)}


def asked(sides, **more):
    return ask("rules between columns", **sides | more)


def swapped(frame, every):
    """Let every so many stays end before they begin."""
    frame, rows = frame.copy(), np.arange(len(frame)) % every == 0
    late = frame["admission"] + pd.Timedelta(days=1)
    frame["admission"] = frame["admission"].where(~rows, frame["discharge"] + pd.Timedelta(days=2))
    return frame.assign(discharge=frame["discharge"].where(~rows, late - pd.Timedelta(days=1)))


def test_a_discharge_before_admission_in_a_third_is_red(sides):
    answer = asked(sides, synthetic=swapped(sides["synthetic"], 3))
    (score,) = answer.scores
    assert (score.metric, score.question, score.verdict) == ("broken rules", "fidelity", "red")
    assert score.value == pytest.approx(1 / 3, abs=0.001) and score.ceiling == 0 and score.floor > 0.9
    worst = answer.table("rules").iloc[0]
    assert worst["rule"] == "admission <= discharge" and worst["synthetic"] == pytest.approx(1 / 3, abs=0.001)
    assert worst["low"] < 1 / 3 < worst["high"] and worst["real reference"] == 0 and worst["people"] == 1200
    assert "admission <= discharge, by 33.3%" in score.sentence


def test_four_in_a_hundred_are_amber_and_one_in_two_hundred_green(sides):
    assert asked(sides, synthetic=swapped(sides["synthetic"], 25)).scores[0].verdict == "amber"
    assert asked(sides, synthetic=swapped(sides["synthetic"], 200)).scores[0].verdict == "green"


def test_fresh_records_are_green(planted):
    for seed in range(4):
        fresh = {
            role: planted(n, seed=10 * seed + k)
            for k, (role, n) in enumerate({"train": 600, "synthetic": 600, "holdout": 150}.items())
        }
        assert asked(fresh).scores[0].verdict == "green"
        assert asked({role: fresh[role] for role in ("train", "synthetic")}).scores[0].verdict == "green"


def test_a_rule_that_other_real_records_break_does_not_count(sides):
    answer = asked(sides, synthetic=swapped(sides["synthetic"], 3), holdout=swapped(sides["holdout"], 4))
    frame = answer.table("rules").set_index("rule")
    assert not frame.loc["admission <= discharge", "kept"]
    assert "admission" not in answer.scores[0].sentence


def test_it_does_not_matter_whether_a_table_came_from_a_file(sides, tmp_path):
    made = swapped(sides["synthetic"], 3)
    made.to_csv(tmp_path / "made.csv", index=False)
    frame = pd.read_csv(tmp_path / "made.csv")
    assert asked(sides, synthetic=frame).scores[0].value == asked(sides, synthetic=made).scores[0].value


def test_tables_without_rules_are_skipped_with_the_reason(independent):
    sides = {"train": independent(300, 0)[0], "synthetic": independent(300, 1)[0]}
    answer = asked(sides)
    assert not answer.scores and "no rule" in answer.skipped[-1].why


def test_rules_of_ones_own_are_judged_beside_those_found(sides):
    mine = [shd.Rule.own("grown up", lambda frame: frame["age"] >= 21), shd.Rule.at_most("drugs", "tests")]
    frame = asked(sides, rules=mine).table("rules").set_index("rule")
    assert frame.loc["grown up", "synthetic"] == (sides["synthetic"]["age"] < 21).mean()
    assert (
        frame.loc["drugs <= tests", "synthetic"] == (sides["synthetic"]["drugs"] > sides["synthetic"]["tests"]).mean()
    )
    with pytest.raises(ShdError, match="no column 'nowhere'"):
        asked(sides, rules=[shd.Rule.at_most("age", "nowhere")])


def test_kept_rules_make_it_green(sides):
    model = shd.Marginals().fit(sides["train"])
    assert asked(sides, synthetic=model.sample(300)).scores[0].verdict == "red"
    assert asked(sides, synthetic=model.sample(300, keep_rules=True)).scores[0].value == 0


@pytest.mark.slow
def test_the_report_lists_them(sides):
    made = {role: frame[["admission", "discharge", "age", "sex"]] for role, frame in sides.items()}
    report = shd.compare(
        made["train"],
        swapped(made["synthetic"], 3),
        holdout=made["holdout"],
        level="quick",
        rules=[shd.Rule.own("grown up", lambda frame: frame["age"] >= 18)],
    )
    page = report.to_html()
    assert "Rules between columns" in page and "admission &lt;= discharge" in page and "grown up" in page
    assert report.verdicts["fidelity"] == "red"
