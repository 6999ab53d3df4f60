"""What teams and the class read: who is ranked comes first, words that a person marked count, nothing is cut off."""

import pytest

from shd.hackathon.grading.marks import Mark
from shd.hackathon.grading.page import as_index, as_page, leaderboards
from shd.hackathon.grading.result import Result, texts_of


def track(value=None, failed=(), why="", people="public"):
    gates = [{"name": name, "passed": name not in failed, "reason": why or "seen"} for name in ("schema", "copies")]
    low, high = (None, None) if value is None else (value - 0.01, value + 0.01)
    return {
        "track": "synthesize", "people": people, "source": "real", "ranked": value is not None and not failed,
        "value": value, "low": low, "high": high, "parts": [], "gates": gates, "why": why,
    }  # fmt: skip


@pytest.fixture
def results() -> list[dict]:
    def one(team: str, points: float, words: str, *tracks: dict) -> dict:
        exercise = Mark("double", 1, points, 0, 3, [] if points else ["It is <b>not</b> written yet."])
        texts = [{"text": "why:3", "words": words}] if words is not None else []
        return Result(team, "toy", "f", ["bubblewrap"], [exercise], texts, list(tracks)).to_dict()

    return [
        one("ants", 3, "Because.", track(0.7), track(0.6, people="private")),
        one("bees", 0, "", track(1.0, ["copies"]), track(0.9, people="private")),
        one("cats", 1, None, track(why="not handed in", failed=["schema"]), track(0.5, people="private")),
        one("dogs", 1, "So.", track(0.3), track(0.2, people="private")),
    ]


def test_the_ranked_come_first_and_why_others_have_no_rank_is_told(results):
    public, private = leaderboards(results)
    assert [board["people"] for board in (public, private)] == ["public", "private"]
    assert [(row["team"], row["rank"], row["failed"]) for row in public["rows"]] == [
        ("ants", 1, ""),
        ("dogs", 2, ""),
        ("bees", None, "copies"),
    ]
    assert public["without"] == ["cats"] and private["without"] == []
    assert [row["team"] for row in private["rows"]] == ["bees", "ants", "cats", "dogs"]


def test_marks_by_hand_count_on_every_page(results):
    marks = {("dogs", "why:3"): {"mark": "2,5", "comment": "well said"}, ("ants", "why:3"): {"mark": "", "comment": ""}}
    index = as_index(results, marks)
    order = [index.index(f'<a href="{team}/index.html">') for team in ("dogs", "ants", "cats", "bees")]
    assert order == sorted(order) and "<b>3.5</b> of 6" in index
    assert "1 answer in words waits for a mark" in index  # that of ants; bees wrote nothing
    page = as_page(results[3], marks, texts_of(results))
    assert "dogs: 3.5 of 6 points" in page and "2,5 of 3 points: well said." in page
    assert "not marked yet" in as_page(results[0], marks, texts_of(results))
    bees = as_page(results[1], marks, texts_of(results))
    assert "Nothing was written here." in bees and "It is &lt;b&gt;not&lt;/b&gt; written yet." in bees
    cats = as_page(results[2], marks, texts_of(results))
    assert "cats: 1 of 6 points" in cats and cats.count("not handed in") == 1


@pytest.mark.parametrize("width", [380, 1000])
def test_nothing_is_cut_off_on_a_screen(results, browser, tmp_path, width):
    pages = {"index.html": as_index(results, {}), "ants.html": as_page(results[0], {}, texts_of(results))}
    for name, text in pages.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        page = browser.new_page(viewport={"width": width, "height": 800})
        said = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.goto((tmp_path / name).as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width and said == []
        assert page.locator("h1").inner_text() and page.locator("table").count() >= 1
        page.close()
