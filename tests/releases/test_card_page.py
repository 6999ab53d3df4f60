import json
import re
from pathlib import Path

import pytest

from shd._paths import challenges_dir
from shd.releases.card_page import card_as_html

NAMES = ("diabetes_ml", "alzheimers_mri")
CHAPTERS = ("made-from", "made-how", "scores", "risks", "columns", "licence", "verify", "files")


def shipped(name: str) -> dict:
    """The card of a release that ships."""
    return json.loads((challenges_dir() / name / "data" / "release" / "card.json").read_text(encoding="utf-8"))


@pytest.fixture
def card() -> dict:
    """A card of which all that is asked for below is known."""
    card = shipped("diabetes_ml")
    for column in card["data"]["columns"]:
        column |= {"verdict": "green", "trust": {}}
    return {**card, "verdicts": {"fidelity": "green", "utility": "amber", "privacy": "red", "fairness": None}}


def test_the_page_says_what_the_card_says(card):
    card["scores"][0] |= {"value": 0.61234, "digits": 3}
    card["scores"][1] |= {"value": 1234.0, "ceiling": None, "digits": 0}
    text = card_as_html(card)
    records, train = card["data"]["records"], card["split"]["train"]
    assert f"{records:,} synthetic records of 42 columns" in text
    assert f"{train['records']:,} real records of {train['subjects']:,} subjects" in text
    assert "Is it safe?" in text and "alarm: do not share" in text and "not judged" in text
    assert "CC BY 4.0" in text and "https://spdx.org/licenses/CC-BY-4.0" in text and "doi 10.24432/C5230J" in text
    for file in card["files"].values():
        assert file["sha256"] in text
    assert '<td class="n">0.612</td>' in text and '<td class="n">1,234</td>' in text and '<td class="n">–</td>' in text


def test_the_page_needs_nothing_else(card):
    text = card_as_html(card)
    loaded = re.findall(r'(?:src|xlink:href|(?<!a )href)="((?!#|data:)[^"]*)"', text)
    assert loaded == [] and "<script" not in text and "@import" not in text
    assert len(text) < 100_000
    ids = re.findall(r'\sid="([^"]*)"', text)
    assert len(ids) == len(set(ids))


def test_what_is_not_beside_the_page_is_not_linked(card):
    assert 'href="synthetic.parquet"' in card_as_html(card) and 'href="SHA256SUMS"' in card_as_html(card)
    text = card_as_html(card, with_data=False)
    assert 'href="synthetic.parquet"' not in text and 'href="SHA256SUMS"' not in text and 'href="report.html"' in text


def test_made_from_a_stand_in_says_so(card):
    assert "Made from stand-in data" not in card_as_html(card)
    card["made_from"]["source"] = "stand-in"
    assert "Made from stand-in data" in card_as_html(card)


def test_columns_not_to_be_trusted_come_first_with_their_reasons(card):
    columns = card["data"]["columns"][:4]
    for column, verdict in zip(columns, ("green", "amber", "red"), strict=False):
        column["trust"] = {"verdict": verdict, "why": f"It is {verdict}.", "not for": "groups"}
    card["data"]["columns"] = columns
    card["checks"] = []  # they are listed in the same way
    text = card_as_html(card)
    first, second, *others = (column["name"] for column in (columns[2], columns[1], columns[0], columns[3]))
    assert re.findall(r"<li><b>(\w+)</b> ", text) == [first, second, *others]
    assert "It is red. Not for: groups" in text and "It is amber." in text
    assert "It is green." not in text  # a column that can be trusted needs no reason


def test_checks_are_told_and_so_is_their_silence(card):
    assert "Checks of method" not in card_as_html({**card, "checks": None})  # of earlier versions
    assert "They found no fault" in card_as_html({**card, "checks": []})
    check = {"code": "SHD001", "title": "Few people", "level": "error", "sentence": "Twenty.", "todo": "Add some."}
    text = card_as_html({**card, "checks": [check]})
    assert "Few people" in text and "Twenty. Add some." in text and "shd-red" in text


def test_nobody_writes_into_the_page(card):
    bad = "<script>alert(1)</script>"
    made_from = {**card["made_from"], "notes": [bad], "url": f"x{bad}"}
    assert "<script" not in card_as_html({**card, "title": bad, "citation": bad, "made_from": made_from})
    link = "javascript:alert(1)"
    made_from = {**card["made_from"], "url": link}
    files = {link: {"bytes": 1, "sha256": ""}}
    text = card_as_html({**card, "licence": {"name": "mine", "url": link}, "files": files, "made_from": made_from})
    assert link in text and f'"{link}"' not in text


@pytest.fixture(scope="module")
def card_pages(tmp_path_factory) -> dict[str, Path]:
    """The cards of the releases that ship, as pages."""
    folder, found = tmp_path_factory.mktemp("cards"), {}
    for name in NAMES:
        found[name] = folder / f"{name}.html"
        found[name].write_text(card_as_html(shipped(name)), encoding="utf-8")
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", NAMES)
def test_the_page_opens(card_pages, browser, name, width, scheme):
    opened = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said, asked = [], []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("request", lambda request: asked.append(request.url))
    opened.goto(card_pages[name].as_uri())
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    for chapter in CHAPTERS:
        assert opened.locator(f"#{chapter} h2").is_visible()
    opened.keyboard.press("Tab")
    assert opened.evaluate("document.activeElement.textContent") == "To the verdicts"
    opened.close()


@pytest.mark.parametrize("name", NAMES)
def test_the_page_prints_on_four_sheets(card_pages, browser, name):
    opened = browser.new_page()
    opened.goto(card_pages[name].as_uri())
    assert len(re.findall(rb"/Type /Page\b", opened.pdf(prefer_css_page_size=True))) <= 4
    opened.close()
