"""The report as a page: what the templates are filled with."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from shd._style import PALETTE, VERDICT_COLOURS, VERDICT_MARKS
from shd.compare.checks import CHECKS
from shd.compare.core.score import CHAPTERS, Score, place
from shd.compare.report import figures_tables as _figures
from shd.compare.report import page_images as _of_images
from shd.compare.report import words as _words
from shd.compare.report.chapters import chapters
from shd.compare.report.glossary import glossary
from shd.compare.report.outcome import Outcome

_WORST_SHOWN, _PAIRS_SHOWN = 6, 8
_NO_WAY = 0.01  # a floor and a ceiling nearer than this are no ends of a scale


@dataclass(frozen=True)
class RangeBar:
    """Where a number lies between two ends, in % of the way from left to right.

    Parameters
    ----------
    at, low, high : float
        The number and its interval, 0 to 100.
    left, right : str
        What stands at the ends.
    label : str
        The whole in words, for those who do not see it.
    marks : tuple of (str, float)
        Further marks: "floor" or "ceiling", and where.
    """

    at: float
    low: float
    high: float
    left: str
    right: str
    label: str
    marks: tuple[tuple[str, float], ...] = ()


def range_bar(score: Score, word: str, of_images: bool = False) -> RangeBar:
    """Lay a score between its floor (left) and its ceiling (right); on a plain scale where these meet."""
    if score.better in ("at 1", "at the ceiling"):
        return _plain_bar(score, word)
    ideal = {"higher": 1.0, "lower": 0.0, "at 0.5": 0.5}[score.better]
    left_name, other = (
        ("floor", f"other {word} people") if of_images else ("independent columns", f"other {word} records")
    )
    right_name = other if score.ceiling is not None else "ideal"
    right = score.ceiling if score.ceiling is not None else ideal
    if score.floor is not None and score.question != "privacy" and _is_way(score, right):
        at, low, high = (_percent(place(v, score.floor, right)) for v in (score.value, score.low, score.high))
        label = f"{score.metric}: {at:.0f} % of the way from {left_name} to {right_name}"
        ends = f"{left_name} {score.write(score.floor)}", f"{right_name} {score.write(right)}"
        return RangeBar(at, min(low, high), max(low, high), *ends, label)
    return _plain_bar(score, word)


def _is_way(score: Score, right: float) -> bool:
    """Whether it is some way from the floor to the right end, and leads to what is better."""
    if score.better == "at 0.5":
        return abs(score.floor - 0.5) - abs(right - 0.5) > _NO_WAY
    return (right - score.floor if score.better == "higher" else score.floor - right) > _NO_WAY


def _plain_bar(score: Score, word: str) -> RangeBar:
    known = {name: v for name, v in (("floor", score.floor), ("ceiling", score.ceiling)) if v is not None}
    start, end = (0.0, 1.0) if score.better == "at 0.5" else (0.0, 1.25 * max(score.high, *known.values(), 1e-9))
    at, low, high = (_percent(place(v, start, end)) for v in (score.value, score.low, score.high))
    marks = tuple((name, _percent(place(v, start, end))) for name, v in known.items())
    label = f"{score.metric}: {score.write(score.value)} on a scale from {score.write(start)} to {score.write(end)}"
    left, right = score.write(start), score.write(end)
    if score.better == "lower":
        left = f"{left} (best)"
    return RangeBar(at, low, high, left, right, label, marks)


def _percent(share: float) -> float:
    return 100 * min(max(0.0 if math.isnan(share) else share, 0.0), 1.0)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("shd.compare.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _cell
    environment.filters["effect"] = _effect
    environment.filters["two"] = lambda number: f"{round(number, 2) + 0.0:.2f}"  # no -0.00
    environment.filters["share"] = lambda share: f"{share:.2%}"
    environment.globals |= {"marks": VERDICT_MARKS, "palette": PALETTE, "asked": _words.ASKED}
    return environment


def _cell(value: object) -> str:
    """Write one cell of a table that is shown as it is."""
    if isinstance(value, float):
        return "–" if math.isnan(value) else f"{value:,.0f}" if value.is_integer() and value > 1 else f"{value:.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _effect(value: float, low: float, high: float) -> str:
    """Write an effect with its interval."""
    return "–" if math.isnan(value) else f"{value:.2f} ({low:.2f} to {high:.2f})"


def document(report: Outcome) -> str:
    """Return the whole report as one HTML document."""
    if report.is_of_images:
        return _environment().get_template("images.html.j2").render(**_shared(report), **_of_images.chapters(report))
    return _environment().get_template("report.html.j2").render(
        **_shared(report),
        columns=_column_figures(report),
        column_table=_records(report.shown("columns")),
        pairs=_pair_chapter(report),
        utility=_utility_figures(report),
        prediction=_prediction(report),
        closeness=_closeness(report),
        **chapters(report),
    )  # fmt: skip


def fragment(report: Outcome) -> str:
    """Return the summary and the scores, to stand inside a notebook."""
    return _environment().get_template("notebook.html.j2").render(**_shared(report))


def _shared(report: Outcome) -> dict:
    return {
        "about": report.about,
        "word": report.about.word,
        "tables": report.about.tables,
        "colours": VERDICT_COLOURS,
        "compared": _words.compared(report),
        "findings": _words.findings(report),
        "warnings": _words.warnings(report),
        "power": report.power,
        "questions": [(q, report.verdicts[q], _words.verdict_words(report, q)) for q in CHAPTERS],
        "scores": [(score, range_bar(score, report.about.word, report.is_of_images)) for score in report.results],
        "checks": report.findings,
        "n_checks": len(CHECKS),
        "skipped": _words.skipped(report),
        "glossary": glossary(report.result),
        "things": _words.things(report),
    }


def _records(frame: pd.DataFrame) -> list[dict]:
    return frame.sort_values("distance", ascending=False, kind="stable").to_dict("records")


def _column_figures(report: Outcome) -> list[dict]:
    worst = report.shown("columns").sort_values("distance", ascending=False, kind="stable").head(_WORST_SHOWN)
    bars = report.table("distributions")
    figures = []
    for row in worst.itertuples():
        own = bars[(bars["column"] == row.column).to_numpy(dtype=bool)]
        svg = Markup(_figures.distribution(own, report.about.word))
        figures.append({"svg": svg, "title": _column_title(row.column, own, row.distance), "verdict": row.verdict})
    return figures


def _column_title(name: object, bars: pd.DataFrame, distance: float) -> str:
    """Say the finding: which bar differs most."""
    if distance < 0.01:
        return f"{name}: no difference to speak of"
    gap = bars["synthetic"] - bars["real"]
    row = bars.loc[gap.abs().idxmax()]
    much = "too many" if gap[gap.abs().idxmax()] > 0 else "too few"
    if pd.isna(row["left"]):
        return f"{name}: {much} records with {row['label']} ({row['synthetic']:.1%}, should be {row['real']:.1%})"
    known = bars[bars["left"].notna()]
    middle = (known["left"] + known["right"]) / 2
    means = {w: (known[w] * middle).sum() / max(known[w].sum(), 1e-12) for w in ("synthetic", "real")}
    made, real = (str(np.datetime64(round(m), "D")) if known["date"].any() else f"{m:,.3g}" for m in means.values())
    return f"{name}: {distance:.0%} off; the mean is {made}, should be {real}"


def _pair_chapter(report: Outcome) -> dict | None:
    if report.shown("pairs").empty:
        return None
    top = {
        what: report.shown("pairs")[report.shown("pairs")[what] > 0.01].nlargest(_PAIRS_SHOWN, what).to_dict("records")
        for what in ("lost", "invented")
    }
    maps = {name: Markup(svg) for name, svg in _figures.associations(report.shown("pairs")).items()}
    off = report.shown("pairs")["difference"].abs()
    furthest = report.shown("pairs").loc[off.idxmax()]
    difference = f"Difference: {furthest['first']} and {furthest['second']} are furthest off, by {off.max():.2f}"
    title = (
        f"{(off <= 0.05).mean():.0%} of {len(off):,} pairs are kept within 0.05; the furthest is off by {off.max():.2f}"
    )
    return {"maps": maps, "title": title, "difference": difference, **top}


def _utility_figures(report: Outcome) -> list[dict]:
    figures = []
    for target, rows in (
        report.shown("utility").groupby("target", sort=False) if not report.shown("utility").empty else ()
    ):
        value = rows.set_index("design")["value"]
        kept = f"synthetic records reach {value['TSTR']:.3f}, {report.about.word} ones {value['TRTR']:.3f}"
        title = (
            f"{report.about.target} = {target}: {kept}" if rows["measure"].iloc[0] == "AUROC" else f"{target}: {kept}"
        )
        figures.append({"svg": Markup(_figures.utility(rows, report.about.word)), "title": title})
    return figures


def _prediction(report: Outcome) -> list[dict]:
    frame = report.shown("prediction")
    return frame.nlargest(_PAIRS_SHOWN, "relative error").to_dict("records") if not frame.empty else []


def _closeness(report: Outcome) -> dict | None:
    distances = report.result.tables.get("distances")
    if distances is None:
        return None
    score = report.score("DCR share")
    said = {
        "grey": "Synthetic records lie no nearer to those learned from than chance explains, which shows little",
        "amber": "Synthetic records are not quite as near to records held out as to those learned from",
        "red": "Synthetic records lie nearer to the records learned from than to others",
    }
    return {"svg": Markup(_figures.closeness(distances, report.about.word)), "title": said[score.verdict]}
