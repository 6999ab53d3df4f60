"""Write the figures and the picture of README.md from the shipped release.

    python -m data_scripts.readme             # text and picture
    python -m data_scripts.readme --check     # change nothing: does the text say what the card says?

A page keeps its figures between markers, ``<!-- figures -->`` and ``<!-- /figures -->``; what stands
there comes from ``card.json`` of the release and from the data sets, and nowhere else. The picture is
the top of the release's report, taken with an installed Chromium.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

import shd
from shd.plot import save_grid

ROOT = Path(__file__).resolve().parents[1]
BIO_FOLDER = ROOT / "challenges/diabetes_bioinformatics"
PAGES = (
    ROOT / "README.md",
    ROOT / "docs/verdicts.md",
    ROOT / "challenges/diabetes_ml/README.md",
    BIO_FOLDER / "README.md",
)
RELEASE = ROOT / "challenges/diabetes_ml/data/release"
STAND_IN = ROOT / "challenges/diabetes_ml/data/stand-in.parquet"
PICTURE = ROOT / "docs/report.png"
MRI = ROOT / "challenges/alzheimers_mri/data/release"
GRID = ROOT / "docs/mri.png"
BIO = BIO_FOLDER / "data/release"
REPLICATION = BIO_FOLDER / "data/replication.json"
VERDICTS = ROOT / "benchmarks/results/verdicts.json"
FIELD = ROOT / "benchmarks/results/field.csv"
PUBLISHED = {"TabPC": (0.604, 0.687), "TabDiff": (0.719, 0.681), "TabSyn": (0.739, 0.686), "CTGAN": (1.0, 0.591)}
"""C2ST and TSTR of others in the protocol of the field: arXiv 2603.23016 and its repository."""

WIDTH = 1280  # of the page, in CSS pixels
SHARPNESS = 1.5  # image pixels a CSS pixel, so that letters stay sharp on fine screens
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUESTIONS = {"fidelity": "alike", "utility": "useful", "privacy": "safe", "fairness": "so for everybody"}


def read_card(release: Path = RELEASE) -> dict:
    """Return the card of a release."""
    return json.loads((release / "card.json").read_text(encoding="utf-8"))


def picture_block(card: dict) -> str:
    """Return the picture, described for those who do not see it."""
    said = ", ".join(f"{word} {card['verdicts'][question]}" for question, word in QUESTIONS.items())
    place = PICTURE.relative_to(ROOT).as_posix()
    return f"![The summary of the report on the shipped release. Verdicts: {said}.]({place})"


def shown_in_readme() -> tuple[str, ...]:
    """Return how the scores on tables begin that stand on a page, as their questions say; a report has all."""
    return tuple(metric for question in shd.compare.questions() for metric in question.readme)


def figures_block(card: dict) -> str:
    """Return the scores of the release, of a table those that questions name for it, between floor and ceiling."""
    word, (train, holdout) = card["made_from"]["source"], (card["split"][side] for side in ("train", "holdout"))
    of_images, scores = bool(card["data"].get("pixels")), card["scores"]
    shown = scores if of_images else [score for score in scores if score["metric"].startswith(shown_in_readme())]
    what, people = ("pictures", "people") if of_images else ("records", "patients")
    lines = [
        f"{card['data']['records']:,} synthetic {what}, learned from {train['records']:,} {word} ones of "
        f"{train['subjects']:,} {people}; {holdout['records']:,} of {holdout['subjects']:,} other {people} held out.",
        "",
        f"| metric | best | floor | **release** | 95 % interval | ceiling: other {word} {people} | verdict |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- |",
        *(_score_row(score) for score in shown),
        "",
        *_others(scores, shown),
        _how(card),
    ]
    return "\n".join(lines)


def grid_block(card: dict) -> str:
    """Return the grid of pictures, described for those who do not see it."""
    rows = "a row a class, from not demented to moderately demented; slices from low to high"
    return f"![Synthetic slices: {rows}.]({GRID.relative_to(ROOT).as_posix()})"


def utility_block(card: dict) -> str:
    """Return what the release teaches about the target, one line a level."""
    said = [score["sentence"] for score in card["scores"] if score["metric"].startswith("TSTR / TRTR")]
    return "\n".join(f"* {sentence.replace('<', '&lt;')}" for sentence in said)


def data_block(card: dict) -> str:
    """Return the size of every table that README speaks of."""
    made_from = card["made_from"]
    stand_in = shd.load(made_from["name"], source="stand-in")
    people = pd.Series(stand_in.subjects).nunique()
    release, table = (path.relative_to(ROOT).as_posix() for path in (RELEASE, STAND_IN))
    megabytes = sum(path.stat().st_size for path in (*RELEASE.iterdir(), STAND_IN)) / 1e6
    return "\n".join(
        [
            "| source | records | patients | where |",
            "| --- | ---: | ---: | --- |",
            f"| {made_from['source']} | {made_from['records']:,} | {made_from['subjects']:,} "
            f"| never in this repository; `shd data fetch {made_from['name']}` |",
            f"| synthetic, the release | {card['data']['records']:,} | none | `{release}/` |",
            f"| stand-in | {len(stand_in):,} | {people:,}, made up | `{table}` |",
            "",
            f"All have {len(card['data']['columns'])} columns. What ships is {megabytes:.1f} MB.",
        ]
    )


def replication_block(card: dict) -> str:
    """Return how many known findings each family's records replicate, one line a family."""
    found = json.loads(REPLICATION.read_text(encoding="utf-8"))
    cuts, counted = len(found["rows"][1]["cuts"]), found["rows"][0]["counted"]
    lines = [
        f"All tables are cut to {found['records']:,} records; rates are means over {cuts} cuts of the table, out of "
        f"{counted} findings that train shows.",
        "",
        "| records | replication rate | 95 % interval | of those that held-out patients replicate | fit, CPU s |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for row in found["rows"]:
        shown, all_of_them = row["of those held out"]
        seconds = "–" if row["fit, s"] is None else f"{row['fit, s']:,.0f}"
        lines.append(
            f"| {row['table']} | {row['rate']:.2f} | {row['low']:.2f} to {row['high']:.2f} "
            f"| {shown:.1f} of {all_of_them} ({shown / all_of_them:.0%}) | {seconds} |"
        )
    return "\n".join(lines)


def verdicts_block(card: dict) -> str:
    """Return how often verdicts on fresh samples are not green, and which planted faults they see."""
    from benchmarks.verdicts import tables

    return tables(json.loads(VERDICTS.read_text(encoding="utf-8")))


def field_block(card: dict) -> str:
    """Return what families reach in the benchmark of the field, beside what is published."""
    found = pd.read_csv(FIELD)
    ceiling = found.iloc[0]
    found["fits"] = found["fits"].map(lambda n: "one fit" if n == 1 else f"mean of {n} fits")
    lines = [
        "| | their protocol | other records | other patients | TSTR | fit, CPU s |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(
            f"| {row.family}, {row.fits} | **{row.field:.3f}** | {row.others:.3f} | {row.people:.3f} "
            f"| {row.tstr:.3f} | {row.fit_cpu_s:,.0f} |"
            for row in found.itertuples()
        ),
        f"| real records in their place | {ceiling['ceiling']:.3f} | {ceiling['ceiling']:.3f} "
        f"| {ceiling['ceiling by people']:.3f} | {ceiling['trtr']:.3f} | |",
        *(f"| {name}, published | {c2st:.3f} | | | {tstr:.3f} | |" for name, (c2st, tstr) in PUBLISHED.items()),
        "",
        "Published: arXiv 2603.23016; their TSTR is by another classifier than ours.",
    ]
    return "\n".join(lines)


def published_block(card: dict) -> str:
    """Return the study's groups and odds ratios beside those of the cohort, and the main terms of its model."""
    found = json.loads(REPLICATION.read_text(encoding="utf-8"))["published"]
    odds, model = found["crude odds ratios"], found["model"]
    lines = [
        "The study's numbers are those of its Table 3, quoted from memory (`studies/published.py`).",
        "",
        "| group | published (from memory) | here | difference | back within 30 days, published (from memory) | here |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in found["sizes"]:
        quoted = "–" if row["published rate"] is None else f"{row['published rate']:.1%}"
        lines.append(
            f"| {row['group']}: {_escaped(row['level'])} | {row['published']:,} | {row['here']:,} "
            f"| {row['difference']:+.2%} | {quoted} | {row['rate']:.1%} |"
        )
    lines += [
        "",
        "Odds ratios of coming back within 30 days, not adjusted, as they follow from the published counts (from "
        "memory): "
        f"{sum(row['same direction'] for row in odds)} of {len(odds)} point the same way here, and "
        f"{sum(row['within'] for row in odds)} lie within the published interval.",
        "",
        "| group | against | published (from memory) | 95 % interval | here | 95 % interval |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row['group']}: {_escaped(row['level'])} | {_escaped(row['against'])} | {row['published']:.2f} "
        f"| {row['published low']:.2f} to {row['published high']:.2f} | {row['here']:.2f} "
        f"| {row['low']:.2f} to {row['high']:.2f} |"
        for row in odds
    ]
    lines += [
        "",
        "All terms in one logistic model, as in the study, whose own coefficients could not be read (interactions of",
        "HbA1c and main diagnosis are in it, and not shown):",
        "",
        "| term | odds ratio | 95 % interval |",
        "| --- | ---: | ---: |",
    ]
    lines += [
        f"| {_escaped(row['term'])} | {row['odds ratio']:.2f} | {row['low']:.2f} to {row['high']:.2f} |"
        for row in model
        if " and main diagnosis" not in row["term"]
    ]
    return "\n".join(lines)


def _escaped(words: str) -> str:
    return words.replace("<", "&lt;").replace(">", "&gt;")


Blocks = dict[str, Callable[[dict], str]]
BLOCKS: Blocks = {
    "picture": picture_block,
    "figures": figures_block,
    "utility": utility_block,
    "data": data_block,
    "verdicts": verdicts_block,
    "field": field_block,
}
MRI_BLOCKS: Blocks = {"mri grid": grid_block, "mri figures": figures_block}
BIO_BLOCKS: Blocks = {
    "bio figures": figures_block,
    "replication": replication_block,
    "published": published_block,
}


def fill(page: str, card: dict, blocks: Blocks = BLOCKS) -> str:
    """Return a page with everything between the markers of some blocks written anew."""
    for name, block in blocks.items():
        first, last = f"<!-- {name} -->", f"<!-- /{name} -->"
        if first not in page:
            continue
        before, _, rest = page.partition(first)
        _, found, after = rest.partition(last)
        if not found:
            raise ValueError(f"{first} without {last}")
        page = f"{before}{first}\n{block(card)}\n{last}{after}"
    return page


def fill_all(page: str) -> str:
    """Return a page with every block of every challenge written anew."""
    page = fill(page, read_card())
    page = fill(page, read_card(MRI), MRI_BLOCKS)
    return fill(page, read_card(BIO), BIO_BLOCKS)


def take_picture(report: Path, path: Path) -> None:
    """Save the top of a report, as far as its summary goes, as a PNG."""
    from playwright.sync_api import sync_playwright

    found = next((place for name in BROWSERS if (place := shutil.which(name))), None)
    if found is None:
        raise SystemExit("no Chromium is installed: the text is written, the picture is not")
    path.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": 1200}, color_scheme="light", device_scale_factor=SHARPNESS
        )
        page.goto(report.resolve().as_uri())
        summary = page.locator("#summary").bounding_box()
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": summary["y"] + summary["height"] + 20}
        page.screenshot(path=path, clip=clip, full_page=True)
        browser.close()


def draw_grid(path: Path) -> None:
    """Save some pictures of the MRI release as a PNG: a row a class, eight slices."""
    data = shd.load("alzheimers", source="synthetic")
    classes, levels = data.frame[data.target].cat.codes.to_numpy(), data.frame["slice"].to_numpy()
    shown = [np.flatnonzero((classes == c) & (levels == k))[0] for c in np.unique(classes) for k in range(2, 32, 4)]
    save_grid(path, data.images[shown], len(np.unique(classes)))


def _score_row(score: dict) -> str:
    def number(value: float | None) -> str:
        return "–" if value is None else f"{value:,.{score['digits']}f}"

    cells = [
        f"`{score['metric']}`",
        score["better"].removeprefix("at "),
        number(score["floor"]),
        f"**{number(score['value'])}**",
        f"{number(score['low'])} to {number(score['high'])}",
        number(score["ceiling"]),
        score["verdict"],
    ]
    return f"| {' | '.join(cells)} |"


def _others(scores: list[dict], shown: list[dict]) -> list[str]:
    """Return a line on the scores that are not shown, none where there are none."""
    others = [score for score in scores if score not in shown]
    if not others:
        return []
    poor = [f"`{score['metric']}` is {score['verdict']}" for score in others if score["verdict"] != "green"]
    return [f"Of {len(others)} more scores in the report {'; '.join(poor) or 'all are green'}.", ""]


def _how(card: dict) -> str:
    synthesizer, environment = card["synthesizer"], card["environment"]
    steps = f", {synthesizer['steps_taken']:,} steps" if synthesizer["steps_taken"] else ""
    cost = f", {synthesizer['fit']['cpu_seconds'] / 60:,.0f} minutes of processor time" if synthesizer["fit"] else ""
    return f"How: {synthesizer['class']}{steps}{cost} on {environment['processors']} x {environment['processor']}."


def main(arguments: list[str] | None = None) -> int:
    """Write text and picture, or check the text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; exit code 1 where a page is behind")
    chosen = parser.parse_args(arguments)
    behind = 0
    for path in PAGES:
        page = path.read_text(encoding="utf-8")
        filled = fill_all(page)
        behind += filled != page
        if not chosen.check:
            path.write_text(filled, encoding="utf-8", newline="\n")
        print(f"{path.relative_to(ROOT).as_posix()}: {'written anew' if filled != page else 'as the card says'}")
    if chosen.check:
        return 1 if behind else 0
    take_picture(RELEASE / "report.html", PICTURE)
    draw_grid(GRID)
    for picture in (PICTURE, GRID):
        print(f"{picture.relative_to(ROOT).as_posix()}: {picture.stat().st_size / 1e3:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
