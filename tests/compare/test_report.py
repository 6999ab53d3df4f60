import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from markupsafe import escape

from shd._errors import ShdError
from shd.compare.checks import CHECKS, Finding
from shd.compare.core.part import Drawing, Part
from shd.compare.core.question import Question
from shd.compare.report import figures
from shd.compare.report.words import verdict_words

CHAPTERS = (
    "summary", "checks", "scores", "trust-in-single-variables", "fidelity", "utility", "privacy", "fairness", "skipped",
    "glossary",
)  # fmt: skip


def test_the_file_needs_nothing_else(fresh, tmp_path):
    path = fresh.save(tmp_path / "deep" / "report.html")
    page = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 3e6
    loaded = re.findall(r'(?:src|xlink:href|(?<!a )href)="((?!#|data:)[^"]*)"', page)
    assert loaded == [] and "<script" not in page and "@import" not in page
    assert "Licence of the real data: CC0 1.0" in page and "Nobody (2020). Toys." in page


def test_ids_are_there_once(fresh):
    ids = re.findall(r'\sid="([^"]*)"', fresh.to_html())
    assert len(ids) == len(set(ids))


def test_a_question_brings_along_what_the_page_shows_of_it(fresh):
    def show(report):
        figure = report.plot("fidelity")
        table = pd.DataFrame({"column": ["age"], "share": [0.25], "verdict": ["amber"]})
        drawn = [Drawing("Half of it is odd", figure)]
        return [Part("How odd?", "Said in one paragraph.", drawn, table=table, formats={"share": ".1%"})]

    plain, shown = (
        Question(name=name, chapter="fidelity", measure=None, show=how)
        for name, how in (("a score alone", None), ("oddness", show))
    )
    answered = {**fresh.result.answered, plain: ("C2ST",), shown: ()}
    page = replace(fresh, result=replace(fresh.result, answered=answered)).to_html()
    part = page[page.index('id="oddness"') :]
    for said in ("How odd?", "Said in one paragraph.", "Half of it is odd", "<svg", "25.0%", "shd-amber"):
        assert said in part, said
    assert page.count("<h4>C2ST ") == 2  # a question without parts shows its scores


def test_every_question_is_in_its_chapter_with_its_scores(fresh):
    page = fresh.to_html()
    assert all(str(escape(score.sentence)) in page for score in fresh.results)
    assert all(f"<h4>{metric}" in page or f"<h3>{metric}" in page for metric in fresh.scores["metric"])


def test_the_notebook_view_is_a_fragment(fresh):
    html = fresh._repr_html_()
    assert "<html" not in html and "C2ST" in html and len(html) < 50_000


def test_six_plain_lines(fresh):
    lines = fresh.summary().splitlines()
    assert len(lines) == 6 and lines[1].startswith("fidelity   green")
    assert repr(fresh) == fresh.summary()


def test_rows_with_intervals_stand_one_below_the_other():
    rows = pd.DataFrame({"row": ["a", "a", "b"], "side": ["real", "synthetic", "real"], "value": [0.7, 0.6, 0.8]})
    rows = rows.assign(low=0.5, high=0.9, filled=[True, False, True])
    figure = figures.row_plot(rows, "stand-in", "AUROC", said=figures.trained_on("stand-in"), guess=0.5)
    (axes,) = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b"]
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == ["trained on stand-in", "trained on synthetic"]
    real, synthetic, guess = axes.lines
    assert real.get_ydata()[0] > synthetic.get_ydata()[0] and synthetic.get_markerfacecolor() == "none"
    assert set(guess.get_xdata()) == {0.5} and len(axes.collections) == 2


def test_labels_are_cut_and_dollars_are_no_formulas():
    assert figures.short("a" * 30) == "a" * 19 + "…" and figures.short("$x$") == r"\$x\$"


def found(code: str) -> Finding:
    check = CHECKS[int(code[3:]) - 1]
    return Finding(code, check.title, check.level, "it is so.", check.todo, check.holds_back)


def test_nothing_is_green_after_an_error(fresh):
    assert fresh.verdicts["privacy"] == "green" and fresh.held_back("privacy") == []
    report = replace(fresh, findings=(found("SHD001"), found("SHD012")))
    assert "green" not in report.verdicts.values()
    said = "the numbers alone raise no alarm, but this cannot be believed (SHD001)"
    assert verdict_words(report, "privacy") == said and said in report.to_html()
    assert report.summary().count("; held back by SHD001") == len(report.verdicts) - sum(
        fresh.verdicts[question] != "green" for question in fresh.verdicts
    )


@pytest.mark.parametrize(("code", "question"), [("SHD010", "privacy"), ("SHD013", "fairness")])
def test_warnings_hold_back_what_they_are_about(fresh, code, question):
    report = replace(fresh, findings=(found(code),))
    assert report.verdicts == {**fresh.verdicts, question: "amber"}
    assert f"({code})" in verdict_words(report, question)


def test_a_red_question_stays_red_and_keeps_its_words(scrambled):
    report = replace(scrambled, findings=(found("SHD001"),))
    assert report.verdicts["fidelity"] == "red" and verdict_words(report, "fidelity") == "not alike"


def test_a_folder_is_no_file(fresh, tmp_path):
    with pytest.raises(ShdError, match="cannot be written"):
        fresh.save(tmp_path)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_opens(scrambled, tmp_path, browser, width, scheme):
    path: Path = scrambled.save(tmp_path / "report.html")
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert all(page.locator(f"#{chapter} h2").is_visible() for chapter in CHAPTERS)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("#columns svg").count() == 5 and page.locator("#pairs-of-columns svg").count() == 3
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the summary"
    page.close()
