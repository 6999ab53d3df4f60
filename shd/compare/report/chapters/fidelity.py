"""What the page shows of single columns, of pairs, and of all columns together."""

import numpy as np
import pandas as pd

from shd.compare.core.part import Drawing, Part
from shd.compare.core.score import VERDICTS
from shd.compare.report import figures
from shd.compare.report.outcome import Outcome

_WORST, _PAIRS, _GIVEAWAYS, _RULES = 6, 8, 8, 30  # that are shown
_LEAST = 0.01  # by which a pair is off, to be called lost or invented


def trust(report: Outcome) -> list[Part]:
    """Show every variable, the worst first."""
    frame = report.shown("trust").sort_values("verdict", key=lambda v: -v.map(VERDICTS.index), kind="stable")
    text = (
        f"{(frame['verdict'] == 'green').sum()} of {len(frame)} can be trusted. A variable is as good as the worst "
        "that was found about it: its own distribution, its links with others, how it follows from them, whether it "
        "gives synthetic records away."
    )
    table = frame[["column", "verdict", "why", "not for"]].set_axis(
        ["variable", "trust", "why", "do not use it for"], axis=1
    )
    return [Part("Which variables can be trusted?", text, table=table)]


def columns(report: Outcome) -> list[Part]:
    """Show the columns that differ most, and the distance of every column."""
    word, frame = report.about.word, report.shown("columns").sort_values("distance", ascending=False, kind="stable")
    shares, drawn = report.table("distributions"), []
    for row in frame.head(_WORST).itertuples():
        own = shares[(shares["column"] == row.column).to_numpy(dtype=bool)]
        title = _column_title(row.column, own, row.distance)
        drawn.append(Drawing(title, figures.distribution(own, word), row.verdict))
    text = (
        f"The {len(drawn)} columns that differ most. Where even these look alike, single columns are fine; what is "
        "lost then is lost between columns."
    )
    table = pd.DataFrame(
        {
            "column": frame["column"],
            "kind": frame["kind"],
            "distance": frame["distance"],
            "95 % interval": interval(frame, ".3f"),
            f"other {word} records": frame["real reference"],
            "verdict": frame["verdict"],
        }
    )
    formats = {"distance": ".3f", "95 % interval": "", f"other {word} records": ".3f"}
    key = {word: word, "synthetic": "synthetic"}
    return [Part("Columns, one at a time", text, drawn, key), Part("Every column", table=table, formats=formats)]


def _column_title(name: object, shares: pd.DataFrame, distance: float) -> str:
    """Say the finding: which bar differs most."""
    if distance < _LEAST:
        return f"{name}: no difference to speak of"
    gap = shares["synthetic"] - shares["real"]
    row = shares.loc[gap.abs().idxmax()]
    if pd.isna(row["left"]):
        much = "too many" if row["synthetic"] > row["real"] else "too few"
        return f"{name}: {much} records with {row['label']} ({row['synthetic']:.1%}, should be {row['real']:.1%})"
    known = shares[shares["left"].notna()]
    middle = (known["left"] + known["right"]) / 2
    means = [(known[side] * middle).sum() / max(known[side].sum(), 1e-12) for side in ("synthetic", "real")]
    made, real = (str(np.datetime64(round(m), "D")) if known["date"].any() else f"{m:,.3g}" for m in means)
    return f"{name}: {distance:.0%} off; the mean is {made}, should be {real}"


def interval(frame: pd.DataFrame, form: str) -> list[str]:
    """Write intervals as text."""
    return [f"{low:{form}} – {high:{form}}" for low, high in zip(frame["low"], frame["high"], strict=True)]


def pairs(report: Outcome) -> list[Part]:
    """Show how strongly columns hang together in both tables, and which pairs are lost or invented."""
    word, frame = report.about.word, report.shown("pairs")
    off = frame["difference"].abs()
    furthest, maps = frame.loc[off.idxmax()], figures.associations(frame)
    titles = {
        "train": f"{word.capitalize()}: how strongly columns hang together",
        "synthetic": "Synthetic: it should look the same",
        "difference": f"Difference: {furthest['first']} and {furthest['second']} are furthest off, by {off.max():.2f}",
    }
    text = (
        f"{(off <= 0.05).mean():.0%} of {len(off):,} pairs are kept within 0.05; the furthest by {off.max():.2f}."
        " Dark means: knowing one column tells much about the other. Columns that go with nothing are left out."
    )
    drawn = [Drawing(titles[side], maps[side]) for side in titles]
    return [
        Part("Pairs of columns", text, drawn),
        *(_furthest(frame, what, word) for what in ("lost", "invented")),
    ]


def _furthest(frame: pd.DataFrame, what: str, word: str) -> Part:
    top = frame[frame[what] > _LEAST].nlargest(_PAIRS, what)
    if top.empty:
        return Part(f"Most {what}", f"No pair by more than {_LEAST}.")
    names = [f"{first} and {second}" for first, second in zip(top["first"], top["second"], strict=True)]
    table = pd.DataFrame({"pair": names, word: top["train"], "synthetic": top["synthetic"]})
    return Part(f"Most {what}", table=table, formats={word: ".2f", "synthetic": ".2f"})


def rules(report: Outcome) -> list[Part]:
    """Show the rules between columns that are broken most often."""
    word, frame = report.about.word, report.shown("rules")
    shown, more = frame.head(_RULES), len(frame) - _RULES
    doubt = f" (does not count: {word} records break it, too)"
    table = pd.DataFrame(
        {
            "rule": shown["rule"] + np.where(shown["kept"].astype(bool), "", doubt),
            "people": shown["people"],
            "synthetic records that break it": shown["synthetic"],
            "95 % interval": interval(shown, ".2%"),
            f"other {word} records": shown.get("real reference", np.nan),
            "independent columns": shown["floor"],
        }
    )
    text = f"What every {word} record of train keeps, too unlikely by chance; the most often broken first. People: of whom train says it."  # noqa: E501
    formats = dict.fromkeys(table.columns[2:], ".2%") | {"95 % interval": ""}
    said = f"{more} more are broken no more often." if more > 0 else ""
    return [Part("Rules between columns", text, table=table, formats=formats, more=said)]


def giveaways(report: Outcome) -> list[Part]:
    """Show which columns give synthetic records away."""
    text = "A classifier may look at all columns at once, learns from four fifths of the records which are synthetic, and is tested on the rest."  # noqa: E501
    parts, frame = [Part("All columns together", text)], report.shown("giveaways")
    if not frame.empty:
        table = frame.nlargest(_GIVEAWAYS, "importance")[["column", "importance", "tell"]]
        table = table.rename(columns={"importance": "lost"})
        said = "What the classifier loses (AUROC) when the column is shuffled."
        parts.append(Part("What gave them away", said, table=table, formats={"lost": ".3f"}))
    return parts


def principal_axes(report: Outcome) -> list[Part]:
    """Show all records on two axes."""
    figure = figures.principal_axes(report.shown("map"), report.about.word)
    return [Part("A map of all records", figures=[Drawing("On two axes the clouds should lie alike", figure)])]
