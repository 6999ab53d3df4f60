"""What the page shows of pictures."""

import numpy as np
import pandas as pd

from shd.compare.core.part import Drawing, Part
from shd.compare.report import figures, figures_pictures
from shd.compare.report.chapters.fidelity import interval
from shd.compare.report.chapters.utility import tstr
from shd.compare.report.outcome import Outcome

__all__ = ["attention", "leakage", "means", "samples", "suspects", "tstr", "variety"]

_SAID = {"green": "at the same places", "amber": "at much the same places", "red": "elsewhere"}


def _has_persons(report: Outcome) -> bool:
    return any(any(grid.persons) for grid in report.result.pictures.values())


def samples(report: Outcome) -> list[Part]:
    """Show real beside synthetic pictures."""
    word, grid = report.about.word, report.result.pictures.get("samples")
    text = "" if _has_persons(report) else f"Pictures of single {word} people are left out of this copy."
    key = {word: word, "synthetic": "synthetic"} if grid else {}
    return [Part("Look at them", text, key=key, pictures=grid)]


def means(report: Outcome) -> list[Part]:
    """Show the mean pictures of each class."""
    rows = report.table("means")
    furthest = rows.loc[rows["synthetic"].idxmax()]
    title = (
        f"Mean pictures: furthest off is {furthest['class']}, by {furthest['synthetic']:.1f} of 255 grey levels "
        f"(other {report.about.word} people: {furthest['real reference']:.1f})"
    )
    text = (
        "A generator can be right on average and still make the common pictures again and again. Averages and variety "
        "are shown for every class with enough people."
    )
    figure = figures_pictures.means(report.result.pictures["means"])
    return [Part("Averages", text, [Drawing(title, figure)])]


def variety(report: Outcome) -> list[Part]:
    """Show the ratio of spreads of each class, synthetic beside other real people."""
    word = report.about.word
    said = {"synthetic": "synthetic", "real": f"other {word} people"}

    def draw(metric: str, rows: pd.DataFrame) -> Drawing:
        furthest = rows.loc[np.log(rows["ratio"].clip(lower=1e-3)).abs().idxmax()]
        what = metric.removeprefix("variety of ").capitalize()
        title = f"{what}: {furthest['class']} varies {furthest['ratio']:.2f} times as much as among {word} people"
        ours = rows.assign(side="synthetic", value=rows["ratio"])
        other = rows.assign(side="real", value=rows["real reference"], low=np.nan, high=np.nan)
        tall = pd.concat([ours, other], ignore_index=True).rename(columns={"class": "row"})
        label = "times the variety of people held out (1 is right)"
        return Drawing(title, figures.row_plot(tall, word, label, said=said, guess=1))

    text = (
        "How much pictures of one class differ, divided by how much they do among the people held out. Left of 1, the "
        "generator makes too few kinds of pictures."
    )
    return [Part("Variety", text, figures.each(report.shown("variety"), "metric", draw))]


def attention(report: Outcome) -> list[Part]:
    """Show where networks look."""
    score, title = report.score("Grad-CAM agreement"), "Where networks look"
    if score is not None:
        where = _SAID.get(score.verdict, "at places that cannot be told from any")
        title = f"Trained on synthetic pictures, a network looks {where}"
    return [
        Part(
            "Where networks look",
            figures=[Drawing(title, figures_pictures.attention(report.result.pictures["attention"]))],
        )
    ]


def suspects(report: Outcome) -> list[Part]:
    """Show the synthetic pictures nearest to one learned from, where people may be shown."""
    grid = report.result.pictures.get("suspects")
    if grid is None or not any(grid.persons):
        return []
    text = (
        "The synthetic pictures that lie nearest to a picture learned from, as compared with the nearest one held out. "
        "Above each: its class, and the first distance by the second (1: as near to both; 0: a copy). Where the middle "
        "row is no more like the first than the last one is, nobody was copied."
    )
    return [Part("The most suspicious", text, pictures=grid)]


def leakage(report: Outcome) -> list[Part]:
    """Show the scores of both splits of the real pictures."""
    word, frame = report.about.word, report.shown("leakage")

    def draw(task: str, rows: pd.DataFrame) -> Drawing:
        value = rows[rows["metric"] == "AUROC"].set_index("split")["value"]
        title = (
            f"{task.capitalize()}: AUROC {value['by image']:.2f} split by image, {value['by subject']:.2f} by person"
        )
        own = rows.assign(row=rows["metric"], side=rows["split"].map({"by image": "floor", "by subject": "real"}))
        said = {"floor": "split by image", "real": "split by person"}
        return Drawing(title, figures.row_plot(own, word, "score on the test part", said=said, guess=0.5))

    text = (
        f"This is about the {word} pictures alone. The same network learned from the same number of pictures twice. "
        "Split by image, slices of one head lie on both sides, and the network knows people again. Split by person, it "
        "is tested on people whom it has never seen. Only the second says how well the disease is recognised."
    )
    table = frame[["task", "metric", "split", "value"]].rename(columns={"value": "score"})
    table = table.assign(**{"95 % interval": interval(frame, ".3f")})
    return [
        Part("How not to split: by image", text, figures.each(frame, "task", draw)),
        Part("Scores of both splits", table=table, formats={"score": ".3f", "95 % interval": ""}),
    ]
