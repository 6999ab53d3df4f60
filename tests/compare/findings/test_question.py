"""Known findings as a question of `compare`, and as a chapter of its report."""

from dataclasses import replace

import pytest

from shd.compare import ask, findings
from shd.compare.core.sides import look
from shd.compare.findings import replication
from shd.dataset import Dataset
from shd.releases.card import _comparison


def asked(known, word="real", **given):
    train = replace(given.pop("train"), source=word)
    return findings.measure(look({"train": train, **given}, findings=known))


@pytest.fixture
def answer(made, known_findings):
    return asked(known_findings, train=made(3000, 0), synthetic=made(3500, 1).frame, holdout=made(1500, 2))


def test_the_rate_lies_between_floor_and_ceiling(made, known_findings, answer):
    (score,) = answer.scores
    assert (score.question, score.metric, score.better, score.digits) == ("utility", "replication rate", "higher", 2)
    assert 0 <= score.floor < 0.5 < score.value <= 1 and score.ceiling == 1
    assert score.low <= score.value <= score.high
    assert "Of 5 known clinical findings" in score.sentence and "1,500 synthetic ones" in score.sentence
    frame = answer.tables["findings"]
    assert {"synthetic", "synthetic low", "replicated by holdout", "replicated by floor"} <= set(frame)
    assert frame["synthetic n"].max() == 1500
    (note,) = answer.skipped
    assert note.what == "1 of 7 known findings (T7)" and "there is no column 'nobody has it'" in note.why
    again = asked(known_findings, train=made(3000, 0), synthetic=made(3500, 1).frame, holdout=made(1500, 2))
    assert again.tables["findings"].equals(frame)


def test_without_holdout_it_is_judged_by_what_chance_allows(made, known_findings):
    (score,) = asked(known_findings, "stand-in", train=made(3000, 5), synthetic=made(3000, 6)).scores
    assert score.ceiling is None
    assert "is to be expected of so many" in score.sentence and "stand-in records show" in score.sentence


def test_a_table_without_its_links_is_red(made, known_findings):
    given = {"train": made(3000, 5), "synthetic": made(3000, 6, linked=False), "holdout": made(3000, 7)}
    assert asked(known_findings, **given).scores[0].verdict == "red"


def test_it_is_silent_where_nothing_is_known(made, known_findings):
    given = {"train": made(100, 0), "synthetic": made(100, 1)}
    silent = ask("known findings", **given)
    assert not silent.scores and [note.kind for note in silent.skipped] == ["holdout"]
    other = asked(known_findings[-1:], **given)
    assert not other.scores and "there is no column" in other.skipped[0].why
    few = asked(known_findings, train=made(20, 0), synthetic=made(20, 1))
    assert not few.scores and few.skipped[-1].why == "real records show none of the findings: too few"


def test_the_quick_level_says_that_it_leaves_them_out(made, known_findings):
    for known in (known_findings, ()):
        result = ask("known findings", made(200, 0), made(200, 1), level="quick", findings=known)
        assert ("known findings" in {note.what for note in result.skipped}) == bool(known)


@pytest.mark.parametrize("width", [1280, 400])
def test_the_chapter_of_the_report(fresh, answer, browser, tmp_path, width):
    scores = (*fresh.results, *answer.scores)
    tables, known = {**fresh.result.tables, **answer.tables}, {replication.QUESTION: ("replication rate",)}
    answered = {**fresh.result.answered, **known}
    report = replace(fresh, result=replace(fresh.result, scores=scores, tables=tables, answered=answered))
    assert len(report.table("findings")) == len(report.to_dict()["replication"]) == len(answer.tables["findings"])
    page = browser.new_page(viewport={"width": width, "height": 900})
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(report.save(tmp_path / "report.html").as_uri())
    assert said == [] and page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#known-findings h3").is_visible() and page.locator("#known-findings svg").count() == 1
    assert page.locator("#known-findings tbody tr").count() == len(report.table("findings"))
    first = page.locator("#known-findings tbody tr").first.inner_text()
    lost = report.table("findings")[report.table("findings")["counted"] & ~report.table("findings")["replicated"]]
    assert lost.empty or first.startswith(lost["code"].iloc[0])
    page.close()


def test_no_chapter_without_findings(fresh):
    assert 'id="known-findings"' not in fresh.to_html()


def test_what_is_known_of_a_table_is_given_with_it(made, known_findings):
    import shd

    train, synthetic = made(800, 0), Dataset(made(800, 1).frame, source="synthetic")
    known = findings.Studies(known_findings)
    known.name = "trial/studies"
    report = shd.compare(train, synthetic, findings=known)
    assert "replication rate" in set(report.scores["metric"])
    assert _comparison(report.to_dict()["about"], train, 800)["findings"] == "trial/studies"  # of the card
