"""What the page shows of distances, of exact values, and of people at risk."""

from shd.compare.core.part import Drawing, Part
from shd.compare.report import figures
from shd.compare.report.outcome import Outcome

_SAID = {
    "grey": "Synthetic records lie no nearer to those learned from than chance explains, which shows little",
    "amber": "Synthetic records are not quite as near to records held out as to those learned from",
    "red": "Synthetic records lie nearer to the records learned from than to others",
}


def closeness(report: Outcome) -> list[Part]:
    """Show how far synthetic records lie from train and from the holdout."""
    word, score = report.about.word, report.score("DCR share")
    figure = figures.closeness(report.shown("distances"), word)
    key = {word: "to records learned from", "holdout": "to records held out"}
    return [Part("Distances to the closest records", figures=[Drawing(_SAID[score.verdict], figure)], key=key)]


def exact_values(report: Outcome) -> list[Part]:
    """Show how many numbers are exact real ones."""
    text = (
        "How many synthetic values equal one of train to the last digit, beside the same share among people held out; "
        "and how many of them equal one that fewer than five records have."
    )
    return [Part("Numbers that are exact real ones", text, table=report.shown("exact values"))]


def at_risk(report: Outcome) -> list[Part]:
    """Show the people of train who are isolated and approached."""
    text = f"For the steward alone: this names rows of the {report.about.word} records. A release leaves it out."
    return [Part("Records at risk", text, table=report.shown("at risk"), is_secret=True)]
