"""Known findings as a step of `compare`, and as a chapter of its report."""

from dataclasses import replace

import pytest

from shd.compare import domain
from shd.compare.core.sides import look
from shd.dataset import Dataset


@pytest.fixture(scope="module")
def answer(study):
    given = {"train": study(3000, 0), "synthetic": study(3000, 1).frame, "holdout": study(1500, 2)}
    return domain.measure(look(given))


def test_a_table_without_a_name_takes_the_library_of_train(answer):
    (score,) = answer.scores
    assert (score.question, score.metric) == ("utility", "replication rate")
    assert score.floor < score.value <= 1 and score.ceiling > score.floor
    assert "1,500 synthetic ones" in score.sentence
    assert {"replicated by holdout", "replicated by floor"} <= set(answer.tables["findings"])


def test_the_same_seed_gives_the_same_findings(study, answer):
    given = {"train": study(3000, 0), "synthetic": study(3000, 1).frame, "holdout": study(1500, 2)}
    again = domain.measure(look(given))
    assert again.tables["findings"].equals(answer.tables["findings"])


def test_no_library_no_score(study):
    other = Dataset(study(200, 0).frame, target="readmitted", name="another")
    for train in (other, other.frame):
        assert domain.measure(look({"train": train, "synthetic": other})).scores == []


def test_the_chapter_of_the_report(fresh, answer, browser, tmp_path, width):
    frames = {**fresh.tables, **answer.tables}
    report = replace(fresh, results=(*fresh.results, *answer.scores), frames=frames)
    assert len(report.table("findings")) == len(report.to_dict()["replication"]) == len(answer.tables["findings"])
    page = browser.new_page(viewport={"width": width, "height": 900})
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(report.save(tmp_path / "report.html").as_uri())
    assert said == [] and page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#known h2").is_visible() and page.locator("#known svg").count() == 1
    assert page.locator("#known tbody tr").count() == len(report.table("findings"))
    first = page.locator("#known tbody tr").first.inner_text()
    lost = report.table("findings")[report.table("findings")["counted"] & ~report.table("findings")["replicated"]]
    assert lost.empty or first.startswith(lost["code"].iloc[0])
    page.close()


def test_no_chapter_without_findings(fresh):
    assert 'id="known"' not in fresh.to_html()
