import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest

from shd import ShdError
from shd._errors import ShdWorkError
from shd._paths import challenges_dir
from shd.releases.catalog import make_catalog
from shd.releases.release import SUMS

TABLE, PICTURES = "diabetes_ml", "alzheimers_mri"
EVIL = "</script><script>document.title = 'owned'</script>"


def rename(folder: Path, **parts) -> None:
    """Change a card and write the checksums again."""
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    (folder / "card.json").write_text(json.dumps({**card, **parts}), encoding="utf-8")
    names = [line.split("  ")[1] for line in (folder / SUMS).read_text().splitlines()]
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / SUMS).write_text("".join(sums))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    """Three whole releases at several depths, three broken ones, and things that are none."""
    shelf = tmp_path_factory.mktemp("shelf")
    shipped = {name: challenges_dir() / name / "data" / "release" for name in (TABLE, PICTURES)}
    shutil.copytree(shipped[TABLE], shelf / "diabetes")
    shutil.copytree(shipped[PICTURES], shelf / "scans" / "1")
    shutil.copytree(shipped[TABLE], shelf / "scans-1")
    verdicts = {"fidelity": "green", "utility": "amber", "privacy": "red"}
    rename(shelf / "scans-1", title=f"Stays {EVIL}", made="2020-11-14T00:00:00+00:00", verdicts=verdicts)
    shutil.copytree(shipped[TABLE], shelf / "changed")
    (shelf / "changed" / "synthetic.csv.gz").write_bytes(b"other rows")
    shutil.copytree(shipped[TABLE], shelf / "odd")
    rename(shelf / "odd", data={"columns": []})
    (shelf / "foreign").mkdir()
    (shelf / "foreign" / "card.json").write_text("[]")
    shutil.copytree(shipped[TABLE], shelf / ".hidden")
    (shelf / "notes").mkdir()
    return shelf


@pytest.fixture(scope="module")
def site(shelf, tmp_path_factory) -> Path:
    return make_catalog(shelf, tmp_path_factory.mktemp("www") / "site").page.parent


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_every_release_is_listed_whole_or_broken(site):
    found = json.loads((site / "catalog.json").read_text(encoding="utf-8"))
    assert [one["folder"] for one in found["releases"]] == ["diabetes", "scans-1", "scans/1"]
    assert {one["folder"]: one["reason"] for one in found["broken"]} == {
        "changed": "synthetic.csv.gz: changed since it was released. Get the release again.",
        "foreign": "not a release of shd. Give a folder with SHA256SUMS and card.json.",
        "odd": "card.json: not as shd writes it. Get the release again.",
    }
    table = found["releases"][0]
    assert (table["family"], table["records"], table["columns"], table["target"]) == (
        "TabularCGAN",
        json.loads((site / "diabetes" / "card.json").read_text())["data"]["records"],
        42,
        "readmitted",
    )
    assert table["licence"]["url"] == "https://spdx.org/licenses/CC-BY-4.0"
    assert found["releases"][1]["verdicts"] == {
        "fidelity": "green",
        "utility": "amber",
        "privacy": "red",
        "fairness": None,
    }


def test_folders_with_names_alike_stay_apart(site):
    pages = [one["page"] for one in json.loads((site / "catalog.json").read_text())["releases"]]
    assert pages == ["diabetes/card.html", "scans-1/card.html", "scans-1-2/card.html"]
    assert "pictures" in (site / "scans-1-2" / "card.html").read_text(encoding="utf-8")


def test_cards_reports_and_metadata_are_there_and_no_data(site):
    assert names_in(site) == ["catalog.json", "diabetes", "index.html", "scans-1", "scans-1-2"]
    assert names_in(site / "diabetes") == ["card.html", "card.json", "croissant.json", "report.html"]
    assert "not on this site" in (site / "index.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("with_data", [False, True])
def test_no_link_is_dead(site, shelf, tmp_path, with_data):
    if with_data:
        site = make_catalog(shelf, tmp_path / "site", with_data=True).page.parent
        assert {"synthetic.parquet", "model.safetensors", SUMS, "README.md"} <= set(names_in(site / "diabetes"))
    for path in site.rglob("*.html"):
        if path.name != "report.html":
            for link in re.findall(r'href="([^"#:]+)"', path.read_text(encoding="utf-8")):
                assert (path.parent / link).is_file(), f"{path}: {link}"


def test_search_engines_find_metadata_in_the_page(site, shelf, tmp_path):
    def embedded(page: Path) -> list[dict]:
        text = page.read_text(encoding="utf-8")
        return [
            json.loads(one) for one in re.findall(r'<script type="application/ld\+json">(.*?)</script>', text, re.S)
        ]

    found = embedded(site / "index.html")
    assert [one["@type"] for one in found] == ["sc:Dataset"] * 3
    assert [one["url"] for one in found] == ["diabetes/card.html", "scans-1/card.html", "scans-1-2/card.html"]
    assert found[1]["name"] == f"Stays {EVIL}"
    assert all("distribution" not in one for one in found)  # what is not there is not offered
    found = embedded(make_catalog(shelf, tmp_path / "site", with_data=True).page)
    for one in found:
        for file in one["distribution"]:
            assert hashlib.sha256((tmp_path / "site" / file["contentUrl"]).read_bytes()).hexdigest() == file["sha256"]


def test_the_same_releases_give_the_same_bytes_and_replace_what_was_there(shelf, tmp_path):
    first = make_catalog(shelf, tmp_path / "site").page
    before = {path: path.read_bytes() for path in (tmp_path / "site").rglob("*") if path.is_file()}
    assert make_catalog(shelf, tmp_path / "site").page == first
    assert {path: path.read_bytes() for path in (tmp_path / "site").rglob("*") if path.is_file()} == before
    assert names_in(tmp_path) == ["site"]


def test_a_site_among_the_releases_does_not_list_itself(tmp_path):
    shutil.copytree(challenges_dir() / TABLE / "data" / "release", tmp_path / "one")
    for _ in range(2):
        made = make_catalog(tmp_path, tmp_path / "site", with_data=True)
        assert [entry.folder for entry in made.entries] == ["one"]
    (made,) = make_catalog(tmp_path / "one", tmp_path / "site").entries  # the folder itself may be a release
    assert (made.folder, made.slug) == (".", "one")


def test_what_is_not_ours_is_not_touched(shelf, tmp_path):
    (tmp_path / "mine.txt").touch()
    with pytest.raises(ShdError, match=r"holds 'mine.txt', which is of no catalogue"):
        make_catalog(shelf, tmp_path)
    make_catalog(shelf, tmp_path / "site")
    (tmp_path / "site" / "CNAME").touch()
    with pytest.raises(ShdError, match="holds 'CNAME'"):
        make_catalog(shelf, tmp_path / "site")
    with pytest.raises(ShdError, match="holds the releases themselves"):
        make_catalog(shelf, shelf)
    with pytest.raises(ShdError, match="holds the releases themselves"):
        make_catalog(shelf / "diabetes", shelf)
    with pytest.raises(ShdError, match="a file. Name a folder"):
        make_catalog(shelf, tmp_path / "mine.txt")
    with pytest.raises(ShdError, match="no such folder"):
        make_catalog(tmp_path / "nope", tmp_path / "site2")
    with pytest.raises(ShdError, match="no release below it"):
        make_catalog(shelf / "notes", tmp_path / "site2")
    assert names_in(tmp_path) == ["mine.txt", "site"]


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_stop_on_the_way_leaves_the_site_as_it_was(shelf, tmp_path, monkeypatch, error):
    make_catalog(shelf, tmp_path / "site")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    def fail(*arguments):
        raise error

    monkeypatch.setattr("shd.releases.catalog.shutil.copyfile", fail)
    with pytest.raises((KeyboardInterrupt, ShdWorkError)):
        make_catalog(shelf, tmp_path / "site")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_opens(site, browser, width, scheme):
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    said, asked = [], []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto((site / "index.html").as_uri())
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.title() == "Releases of synthetic health data"
    assert page.locator("#broken").is_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the releases"
    page.locator("#releases h2 a").first.click()
    assert page.locator("h1").inner_text().startswith(("Synthetic records after", "Synthetic pictures after"))
    page.close()


def test_releases_can_be_filtered_and_sorted(site, browser):
    page = browser.new_page()
    page.goto((site / "index.html").as_uri())
    titles = page.locator("#releases > li:visible h2")
    assert titles.count() == 3
    assert "Stays" in titles.last.inner_text()  # the oldest
    page.select_option("#sort", "title")
    assert "Stays" in titles.first.inner_text()
    page.select_option("#sort", "verdicts")
    assert "Diabetes" in titles.first.inner_text()
    page.fill("#filter", "ODbL pictures")
    assert titles.count() == 1 and "MRI" in titles.first.inner_text()
    assert page.locator("#shown").inner_text() == "1 shown"
    page.close()


def test_the_page_can_be_read_without_scripts(site, browser):
    page = browser.new_page(java_script_enabled=False)
    page.goto((site / "index.html").as_uri())
    assert page.locator("#releases > li").count() == 3
    assert not page.locator(".tools").is_visible()
    page.close()
