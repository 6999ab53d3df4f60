"""What the page of a comparison of pictures is filled with."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from markupsafe import Markup

from shd.compare.images.picture_grid import Grid
from shd.compare.report import figures_images as _figures
from shd.compare.report.outcome import Outcome


def chapters(report: Outcome) -> dict:
    """Return what the chapters of the page show; None or nothing where it could not be measured."""
    return {
        "samples": _tiles(report.result.pictures.get("samples")),
        "means": _means(report),
        "variety": _by(report, "variety", "metric", _figures.variety, _variety_title),
        "utility": _by(report, "utility", "target", _figures.utility, _utility_title),
        "attention": _attention(report),
        "suspects": _tiles(report.result.pictures.get("suspects")),
        "leakage": _by(report, "leakage", "task", _figures.leakage, _leakage_title),
        "leakage_rows": report.shown("leakage").to_dict("records"),
        "hidden": not any(any(grid.persons) for grid in report.result.pictures.values()),
    }


def _tiles(grid: Grid | None) -> dict | None:
    """Pictures one by one, cut to what is on them, each with a name for those who do not see it."""
    if grid is None:
        return None
    values = grid.values[(..., *_figures.content(grid.values))]
    rows = []
    for name, images in zip(grid.rows, values, strict=True):
        labels = [f"{name}: {column}".strip(": ") for column in grid.columns]
        rows.append((name, list(zip(map(_figures.png, images), labels, strict=True))))
    return {"columns": grid.columns, "rows": rows}


def _means(report: Outcome) -> dict:
    rows = report.table("means")
    furthest = rows.loc[rows["synthetic"].idxmax()]
    title = (
        f"Mean pictures: furthest off is {furthest['class']}, by {furthest['synthetic']:.1f} of 255 grey levels "
        f"(other {report.about.word} people: {furthest['real reference']:.1f})"
    )
    return {"svg": Markup(_figures.means(report.result.pictures["means"])), "title": title}


def _attention(report: Outcome) -> dict:
    score = report.score("Grad-CAM agreement")
    title = "Where networks look"
    if score is not None:
        said = {"green": "at the same places", "amber": "at much the same places", "red": "elsewhere"}.get(
            score.verdict, "at places that cannot be told from any"
        )
        title = f"Trained on synthetic pictures, a network looks {said}"
    return {"svg": Markup(_figures.attention(report.result.pictures["attention"])), "title": title}


def _by(report: Outcome, frame: str, column: str, draw: Callable, title: Callable) -> list[dict]:
    """Draw a figure for each value of a column of a frame."""
    rows = report.shown(frame)
    if rows.empty:
        return []
    return [
        {"svg": Markup(draw(part, report.about.word)), "title": title(value, part, report.about.word)}
        for value, part in rows.groupby(column, sort=False)
    ]


def _variety_title(metric: str, rows: pd.DataFrame, word: str) -> str:
    what = metric.removeprefix("variety of ").capitalize()
    furthest = rows.loc[np.log(rows["ratio"].clip(lower=1e-3)).abs().idxmax()]
    return f"{what}: {furthest['class']} varies {furthest['ratio']:.2f} times as much as among {word} people"


def _utility_title(task: str, rows: pd.DataFrame, word: str) -> str:
    value = rows.set_index("design")["value"]
    return f"{task.capitalize()}: synthetic pictures reach {value['TSTR']:.2f}, {word} ones {value['TRTR']:.2f}"


def _leakage_title(task: str, rows: pd.DataFrame, word: str) -> str:
    value = rows[rows["metric"] == "AUROC"].set_index("split")["value"]
    return f"{task.capitalize()}: AUROC {value['by image']:.2f} split by image, {value['by subject']:.2f} by person"
