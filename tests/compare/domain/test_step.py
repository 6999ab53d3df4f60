"""Known findings as a step of `compare`, and as a chapter of its report."""

from dataclasses import replace

import pytest

from shd.compare import domain
from shd.compare.ask import STEPS, _left_out, prepare_tables
from shd.dataset import Dataset


@pytest.fixture(scope="module")
def answer(study):
    given = {"train": study(3000, 0), "synthetic": study(3000, 1).frame, "holdout": study(1500, 2)}
    return domain.measure(prepare_tables(given)[0])


def test_a_table_without_a_name_takes_the_library_of_train(answer):
    (score,) = answer.scores
    assert (score.question, score.metric) == ("utility", "replication rate")
    assert score.floor < score.value <= 1 and score.ceiling > score.floor
    assert "1,500 synthetic ones" in score.sentence
    assert {"replicated by holdout", "replicated by floor"} <= set(answer.frames["findings"])


def test_the_same_seed_gives_the_same_findings(study, answer):
    given = {"train": study(3000, 0), "synthetic": study(3000, 1).frame, "holdout": study(1500, 2)}
    again = domain.measure(prepare_tables(given)[0])
    assert again.frames["findings"].equals(answer.frames["findings"])


def test_no_library_no_score(study):
    other = Dataset(study(200, 0).frame, target="readmitted", name="another")
    for train in (other, other.frame):
        assert domain.measure(prepare_tables({"train": train, "synthetic": other})[0]).scores == []


def test_the_quick_level_says_that_it_leaves_them_out(study):
    ours, others = study(200, 0), Dataset(study(200, 0).frame, name="another")
    steps = [step for step in STEPS if step.quick]
    for train, said in ((ours, True), (others, False)):
        inputs = prepare_tables({"train": train, "synthetic": train}, level="quick")[0]
        assert ("known findings" in {note.what for note in _left_out(inputs, steps)}) == said


@pytest.mark.parametrize("width", [1280, 400])
def test_the_chapter_of_the_report(fresh, answer, browser, tmp_path, width):
    frames = {**fresh.frames, **answer.frames}
    report = replace(fresh, results=(*fresh.results, *answer.scores), frames=frames)
    assert len(report.replication) == len(report.to_dict()["replication"]) == len(answer.frames["findings"])
    page = browser.new_page(viewport={"width": width, "height": 900})
    said = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(report.save(tmp_path / "report.html").as_uri())
    assert said == [] and page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#known h2").is_visible() and page.locator("#known svg").count() == 1
    assert page.locator("#known tbody tr").count() == len(report.replication)
    first = page.locator("#known tbody tr").first.inner_text()
    lost = report.replication[report.replication["counted"] & ~report.replication["replicated"]]
    assert lost.empty or first.startswith(lost["code"].iloc[0])
    page.close()


def test_no_chapter_without_findings(fresh):
    assert 'id="known"' not in fresh.to_html()
