"""The report as a page: chapter by chapter, question by question, each with its scores and its parts."""

import math
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shd.compare.core.part import Part
from shd.compare.core.question import Question
from shd.compare.core.score import CHAPTERS, VERDICTS, Score
from shd.compare.report import words
from shd.compare.report.glossary import glossary
from shd.compare.report.outcome import Outcome
from shd.compare.report.range_bar import RangeBar, range_bar
from shd.plot import PALETTE, VERDICT_COLOURS, VERDICT_MARKS, data_uri, to_svg


@dataclass(frozen=True)
class Asked:
    """A question as the page shows it: its anchor, its name, its scores with their bars, and its parts."""

    anchor: str
    name: str
    scores: list[tuple[Score, RangeBar]]
    parts: list[Part]


@dataclass(frozen=True)
class Chapter:
    """A chapter of the page, and the verdict on it."""

    name: str
    asked: str
    title: str
    intro: str
    verdict: str | None
    said: str
    scores: list[tuple[Score, RangeBar]]
    questions: list[Asked]


def document(report: Outcome) -> str:
    """Return the whole report as one HTML document."""
    return _environment().get_template("page.html.j2").render(
        **_summary(report),
        sums=[_asked(report, question) for question in report.result.answered if question.sums_up],
        checks=report.findings,
        n_checks=report.n_checks,
        power=report.power,
        skipped=words.skipped(report),
        glossary=glossary(report.result),
        compared=words.compared(report),
        findings=words.findings(report),
    )  # fmt: skip


def fragment(report: Outcome) -> str:
    """Return the summary and the scores, to stand inside a notebook."""
    return _environment().get_template("notebook.html.j2").render(**_summary(report, with_parts=False))


def _summary(report: Outcome, with_parts: bool = True) -> dict:
    return {
        "about": report.about,
        "word": report.about.word,
        "things": words.things(report),
        "colours": VERDICT_COLOURS,
        "warnings": words.warnings(report),
        "chapters": [_chapter(report, name, with_parts) for name in CHAPTERS],
    }


def _chapter(report: Outcome, name: str, with_parts: bool) -> Chapter:
    own = [question for question in report.result.answered if question.chapter == name and not question.sums_up]
    questions = [_asked(report, question) for question in own] if with_parts else []
    title, intro = words.chapter_words(report, name)
    return Chapter(
        name, words.ASKED[name], title, intro, report.verdicts[name], words.verdict_words(report, name),
        [_with_bar(report, score) for score in report.result.of_chapter(name)],
        _together(questions, name),
    )  # fmt: skip


def _together(questions: list[Asked], chapter: str) -> list[Asked]:
    """Gather the questions that show scores alone where the first of them stands."""
    plain = [asked for asked in questions if asked.scores and not asked.parts]
    scores = [score for asked in plain for score in asked.scores]
    gathered = Asked(f"{chapter}-numbers", "Single numbers", scores, [])
    return [
        gathered if plain and asked is plain[0] else asked for asked in questions if asked.parts or asked in plain[:1]
    ]


def _with_bar(report: Outcome, score: Score) -> tuple[Score, RangeBar]:
    return score, range_bar(score, report.about.word, report.is_of_images)


def _asked(report: Outcome, question: Question) -> Asked:
    metrics = report.result.answered[question]
    scores = [_with_bar(report, s) for s in report.result.of_chapter(question.chapter) if s.metric in metrics]
    name = question.name[0].upper() + question.name[1:]
    return Asked(re.sub(r"\W+", "-", question.name.lower()), name, scores, _parts(report, question))


def _parts(report: Outcome, question: Question) -> list[Part]:
    """Let a question show its tables, unless all of them are empty or were left out."""
    if question.show is None or (question.tables and all(report.shown(name).empty for name in question.tables)):
        return []
    show = question.show
    if isinstance(show, str):
        module, function = show.split(":")
        show = getattr(import_module(f"shd.compare.report.{module}"), function)
    return show(report)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("shd.compare.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"svg": lambda figure: Markup(to_svg(figure)), "cells": _cells, "tiles": _tiles}
    environment.globals |= {"marks": VERDICT_MARKS, "palette": PALETTE}
    return environment


def _cells(part: Part) -> dict:
    """Return the table of a part as text: its headings, which columns hold numbers, which verdicts, and its rows."""
    table = part.table
    numbers = [name in part.formats or pd.api.types.is_numeric_dtype(table[name]) for name in table]
    verdicts = [not number and table[name].isin(VERDICTS).all() for name, number in zip(table, numbers, strict=True)]
    columns = [[_cell(value, part.formats.get(name)) for value in table[name].tolist()] for name in table]
    kinds = ["n" if number else "v" if verdict else "" for number, verdict in zip(numbers, verdicts, strict=True)]
    return {
        "headings": list(zip(table.columns, kinds, strict=True)),
        "rows": [list(zip(row, table.columns, kinds, strict=True)) for row in zip(*columns, strict=True)],
    }


def _cell(value: object, form: str | None) -> str:
    if isinstance(value, int | str):
        return str(value) if isinstance(value, bool | str) else f"{value:,}"
    if not isinstance(value, float) or math.isnan(value):
        return "–" if pd.isna(value) else str(value)
    form = form or (",.0f" if value.is_integer() and value > 1 else ".3f")
    return re.sub(r"^-(0\.?0*%?)$", r"\1", f"{value:{form}}")  # no -0.00


def _tiles(part: Part) -> dict:
    """Return pictures one by one, cut to what is on them, each with a name for those who do not see it."""
    from shd.compare.report.figures_pictures import content

    grid = part.pictures
    values = grid.values[(..., *content(grid.values))]
    rows = [
        (
            name,
            [
                (data_uri(one), f"{name}: {column}".strip(": "))
                for one, column in zip(images, grid.columns, strict=True)
            ],
        )
        for name, images in zip(grid.rows, values, strict=True)
    ]
    return {"columns": grid.columns, "rows": rows}
