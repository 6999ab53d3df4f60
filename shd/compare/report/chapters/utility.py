"""What the page shows of models that learned from both tables, and of known findings."""

import math

import numpy as np
import pandas as pd
from markupsafe import Markup

from shd.compare.core.part import Drawing, Part
from shd.compare.report import figures
from shd.compare.report.outcome import Outcome

_PREDICTED = 8  # columns that are shown
_IMPORTANT = 10
_LEARNED_FROM = {"TRTR": "real", "TRTS": "real", "floor": "floor"}
_DESIGNS = Markup(
    "Ways to train a model and test it, with 95 % intervals. <b>TSTR</b> (train on synthetic, test on {word}) beside "
    "<b>TRTR</b> (train and test on {word}) is what counts. Filled marks are tested on {word} {things}, hollow ones on "
    "synthetic ones. TSTS far right of TRTR means that the synthetic {things} are too easy to predict."
)
_GUESSING = {"AUROC": 0.5}
"""What a score is that guesses; else 0."""


def _designs(rows: pd.DataFrame, word: str) -> pd.DataFrame:
    """Say of each way to train and test what it learned from, and whether it is tested on real records."""
    said = {
        "TRTR": f"TRTR  {word} to {word}",
        "TSTR": f"TSTR  synthetic to {word}",
        "real + synthetic": f"{word} + synthetic to {word}",
        "TSTS": "TSTS  synthetic to synthetic",
        "TRTS": f"TRTS  {word} to synthetic",
        "floor": f"floor  to {word}",
    }
    side = rows["design"].map(_LEARNED_FROM).fillna("synthetic")
    return rows.assign(row=rows["design"].map(said), side=side, filled=~rows["design"].isin(["TSTS", "TRTS"]))


def _axis(measure: str) -> str:
    return "AUROC (0.5 is guessing)" if measure == "AUROC" else "R2 (0 is guessing the mean)"


def tstr(report: Outcome) -> list[Part]:
    """Show every way to train and test, for each level of the target, or each task."""
    word, about = report.about.word, report.about
    things = "pictures" if report.is_of_images else "records"

    def draw(target: str, rows: pd.DataFrame) -> Drawing:
        value, measure = rows.set_index("design")["value"], rows["measure"].iloc[0]
        name = f"{about.target} = {target}" if measure == "AUROC" and not report.is_of_images else str(target)
        title = f"{name}: synthetic {things} reach {value['TSTR']:.3f}, {word} ones {value['TRTR']:.3f}"
        own, guess = _designs(rows[rows["value"].notna()], word), _GUESSING.get(measure, 0.0)
        return Drawing(title, figures.row_plot(own, word, _axis(measure), said=figures.trained_on(word), guess=guess))

    drawn = figures.each(report.shown("utility"), "target", draw)
    return [Part(f"Do they teach what {word} {things} teach?", _DESIGNS.format(word=word, things=things), drawn)]


def models(report: Outcome) -> list[Part]:
    """Show TRTR and TSTR of each family of models."""
    word, drawn = report.about.word, []
    for target, rows in report.shown("models").groupby("target", sort=False):
        wide = rows.pivot_table(index="model", columns="design", values="value", sort=False)
        lost = (wide["TRTR"] - wide["TSTR"]).dropna()
        if lost.empty:
            continue
        own = rows[rows["design"].isin(["TRTR", "TSTR"])]
        own = own.assign(row=own["model"], side=own["design"].map({"TRTR": "real", "TSTR": "synthetic"}))
        measure = rows["measure"].iloc[0]
        label = f"{measure} on {word} records ({'0.5 is guessing' if measure == 'AUROC' else '0: the mean'})"
        title = f"{report.about.target} = {target}: {lost.idxmax()} loses most, {max(lost.max(), 0):.3f}"
        drawn.append(Drawing(title, figures.row_plot(own, word, label, said=figures.trained_on(word))))
    text = f"Does it depend on the kind of model? Diamonds learned from {word}, dots from synthetic records; all are tested on the same {word} records."  # noqa: E501
    return [Part("Other families of models", text, drawn)] if drawn else []


def augmentation(report: Outcome) -> list[Part]:
    """Show whether synthetic records help where real ones are few."""
    word, frame = report.about.word, report.shown("augmentation")
    first = frame["records"][frame["design"] == "real"].min()
    at = frame[frame["records"] == first].set_index("design")["value"]
    gain = at["real + synthetic"] - at["real"]
    title = f"To {first:,.0f} {word} records, synthetic ones {'add' if gain >= 0 else 'cost'} {abs(gain):.3f}"
    return [Part("Beside few records", figures=[Drawing(title, figures.augmentation(frame, word))])]


def importance(report: Outcome) -> list[Part]:
    """Show what models of both tables rely on: the columns that matter most to either."""
    word, frame = report.about.word, report.shown("importance")
    off = frame.loc[(frame["real"] - frame["synthetic"]).abs().idxmax()]
    more = "less" if off["synthetic"] < off["real"] else "more"
    title = f"{off['column']} counts {more} after synthetic records"
    top = frame[["real", "synthetic"]].max(axis=1).nlargest(_IMPORTANT).index
    label = "what the score loses when the column is shuffled"
    figure = figures.bars(frame.loc[top], "column", word, label, figures.trained_on(word))
    return [Part("What models rely on", figures=[Drawing(title, figure)])]


def calibration(report: Outcome) -> list[Part]:
    """Show predicted chances beside what came true."""
    word, about = report.about.word, report.about

    def draw(target: str, rows: pd.DataFrame) -> Drawing:
        own = rows[rows["design"] == "synthetic"]
        gap = (own["predicted"] - own["observed"]).abs().mul(own["records"]).sum() / own["records"].sum()
        title = f"{about.target} = {target}: chances are off by {gap * 100:.1f} points of 100 on average"
        return Drawing(title, figures.calibration(rows, word))

    return [Part("Are the chances right?", figures=figures.each(report.shown("calibration"), "target", draw))]


def _side(rows: pd.DataFrame, side: str) -> pd.DataFrame:
    own = rows[["term", side, f"{side} low", f"{side} high"]]
    return own.set_axis(["row", "value", "low", "high"], axis=1).assign(side=side)


def odds_ratios(report: Outcome) -> list[Part]:
    """Show each term's ratio from real and from synthetic records."""
    word, about = report.about.word, report.about

    def draw(target: str, rows: pd.DataFrame) -> Drawing:
        least = rows.loc[rows["overlap"].idxmin()]
        title = (
            f"{about.target} = {target}: intervals overlap by {rows['overlap'].mean():.0%} on average, least for "
            f"{least['term']}"
        )
        tall = pd.concat([_side(rows, side) for side in ("real", "synthetic")], ignore_index=True)
        said = {"real": word, "synthetic": "synthetic"}
        return Drawing(title, figures.row_plot(tall, word, "odds ratio (1: no link)", said=said, guess=1, ratio=True))

    text = "The same regression on both tables. Where the intervals overlap, a study on synthetic records comes to the same answer."  # noqa: E501
    return [Part("A clinical model", text, figures.each(report.shown("odds ratios"), "target", draw))]


def prediction(report: Outcome) -> list[Part]:
    """Show the columns that follow least from the others."""
    frame = report.shown("prediction").nlargest(_PREDICTED, "relative error")
    error = f"error, times that of {report.about.word} records"
    table = frame[["column", "relative error", "floor"]].set_axis(["column", error, "independent columns"], axis=1)
    formats = {error: ".2f", "independent columns": ".2f"}
    return [Part("Columns that follow least from the others", table=table, formats=formats)]


def known_findings(report: Outcome) -> list[Part]:
    """Show which known findings are replicated, those that count and are lost first."""
    from shd.compare.findings import forest

    word, frame = report.about.word, report.shown("findings")
    lost = frame[frame["counted"] & ~frame["replicated"]]
    title = f"{frame['replicated'].sum()} of {frame['counted'].sum()} known findings are replicated"
    if len(lost):
        title += f"; lost, among others: {lost['label'].iloc[0]}"
    order = np.where(frame["counted"], np.where(frame["replicated"], 1, 0), 2)
    text = Markup(
        "What the literature says of such patients, computed on both tables, the synthetic one cut to as many records "
        "as are held out. A finding is <b>replicated</b> where the effect points the same way, is not chance (5 %), "
        "and the two 95 % intervals overlap. What the {word} records do not show themselves is not counted."
    ).format(word=word)
    drawn = [Drawing(title, forest(frame, word))]
    rows = frame.iloc[np.argsort(order, kind="stable")]
    table = pd.DataFrame(
        {
            "finding": rows["code"],
            "question": rows["question"],
            word: _effects(rows, "real"),
            "synthetic": _effects(rows, "synthetic"),
            "replicated": [
                "yes" if row["replicated"] else f"{'no' if row['counted'] else 'not counted'}: {row['why not']}"
                for row in rows.to_dict("records")
            ],
        }
    )
    return [
        Part("Known findings: do studies come to the same answers?", text, drawn),
        Part("Every finding", table=table, formats={word: "", "synthetic": ""}),
    ]


def _effects(rows: pd.DataFrame, side: str) -> list[str]:
    numbers = rows[[side, f"{side} low", f"{side} high"]].itertuples(index=False, name=None)
    return ["–" if math.isnan(value) else f"{value:.2f} ({low:.2f} to {high:.2f})" for value, low, high in numbers]
