"""What the chapters on models, groups of people and single variables are filled with."""

import numpy as np
import pandas as pd
from markupsafe import Markup

from shd._style import to_svg
from shd.compare.core.verdicts import VERDICTS
from shd.compare.findings import forest
from shd.compare.report import figures_models as figures
from shd.compare.report.figures_map import records_map
from shd.compare.report.outcome import Outcome

_SHOWN, _RULES = 8, 30


def chapters(report: Outcome) -> dict:
    """Return what the template of a report on tables needs beside columns, pairs and utility."""
    trust = report.shown("trust").to_dict("records")
    return {
        "trust": sorted(trust, key=lambda row: -VERDICTS.index(row["verdict"])),  # the worst first
        "trusted": sum(row["verdict"] == "green" for row in trust),
        "giveaways": _giveaways(report),
        "map": _map(report),
        "rules": _rules(report),
        "models": _models(report),
        "teaching": [*_augmentation(report), *_importance(report), *_calibration(report)],
        "odds": _odds_ratios(report),
        "known": _known_findings(report),
        "known_table": _lost_first(report.shown("findings")),
        "groups": _groups(report),
        "group_table": report.shown("fairness").to_dict("records"),
        "exact": report.shown("exact values").to_dict("records"),
        "at_risk": report.shown("at risk").to_dict("records"),
    }


def _figure(svg: str, title: str) -> dict:
    return {"svg": Markup(svg), "title": title}


def _giveaways(report: Outcome) -> list[dict]:
    frame = report.shown("giveaways")
    return [] if frame.empty else frame.nlargest(_SHOWN, "importance").to_dict("records")


def _rules(report: Outcome) -> dict | None:
    frame = report.shown("rules")
    if frame.empty:
        return None
    return {"rows": frame.head(_RULES).to_dict("records"), "more": max(len(frame) - _RULES, 0)}


def _map(report: Outcome) -> dict | None:
    frame = report.shown("map")
    if frame.empty:
        return None
    return _figure(records_map(frame, report.about.word), "All columns on two axes: the clouds should lie alike")


def _models(report: Outcome) -> list[dict]:
    frame, made = report.shown("models"), []
    for target, rows in frame.groupby("target", sort=False) if not frame.empty else ():
        wide = rows.pivot_table(index="model", columns="design", values="value", sort=False)
        lost = (wide["TRTR"] - wide["TSTR"]).dropna()
        if lost.empty:
            continue
        title = f"{report.about.target} = {target}: {lost.idxmax()} loses most, {max(lost.max(), 0):.3f}"
        made.append(_figure(figures.model_families(rows, report.about.word), title))
    return made


def _augmentation(report: Outcome) -> list[dict]:
    frame = report.shown("augmentation")
    if frame.empty:
        return []
    first = frame["records"][frame["design"] == "real"].min()
    at = frame[frame["records"] == first].set_index("design")["value"]
    gain = at["real + synthetic"] - at["real"]
    verb = "add" if gain >= 0 else "cost"
    title = f"To {first:,.0f} {report.about.word} records, synthetic ones {verb} {abs(gain):.3f}"
    return [_figure(figures.augmentation(frame, report.about.word), title)]


def _importance(report: Outcome) -> list[dict]:
    frame = report.shown("importance")
    if frame.empty:
        return []
    off = frame.loc[(frame["real"] - frame["synthetic"]).abs().idxmax()]
    more = "less" if off["synthetic"] < off["real"] else "more"
    title = f"What models rely on: {off['column']} counts {more} after synthetic records"
    return [_figure(figures.importance(frame, report.about.word), title)]


def _calibration(report: Outcome) -> list[dict]:
    frame = report.shown("calibration")
    if frame.empty:
        return []
    made = []
    for target, rows in frame.groupby("target", sort=False):
        own = rows[rows["design"] == "synthetic"]
        gap = (own["predicted"] - own["observed"]).abs().mul(own["records"]).sum() / own["records"].sum()
        title = f"{report.about.target} = {target}: chances are off by {gap * 100:.1f} points of 100 on average"
        made.append(_figure(figures.calibration(rows, report.about.word), title))
    return made


def _odds_ratios(report: Outcome) -> list[dict]:
    frame, made = report.shown("odds ratios"), []
    for target, rows in frame.groupby("target", sort=False) if not frame.empty else ():
        least = rows.loc[rows["overlap"].idxmin()]
        said = f"intervals overlap by {rows['overlap'].mean():.0%} on average, least for {least['term']}"
        made.append(_figure(figures.odds_ratios(rows, report.about.word), f"{report.about.target} = {target}: {said}"))
    return made


def _known_findings(report: Outcome) -> dict | None:
    frame = report.shown("findings")
    if frame.empty:
        return None
    lost = frame[frame["counted"] & ~frame["replicated"]]
    title = f"{frame['replicated'].sum()} of {frame['counted'].sum()} known findings are replicated"
    if len(lost):
        title += f"; lost, among others: {lost['label'].iloc[0]}"
    return _figure(to_svg(forest(frame, report.about.word)), title)


def _lost_first(frame: pd.DataFrame) -> list[dict]:
    """Return the findings as rows, those that count and are lost first, those that do not count last."""
    if frame.empty:
        return []
    order = np.where(frame["counted"], np.where(frame["replicated"], 1, 0), 2)
    return frame.iloc[np.argsort(order, kind="stable")].to_dict("records")


def _groups(report: Outcome) -> list[dict]:
    frame, made = report.shown("fairness"), []
    if frame.empty or "TSTR" not in frame:
        return made
    for column, rows in frame[frame["TSTR"].notna()].groupby("column", sort=False):
        lost = (rows["TRTR"] - rows["TSTR"]).to_numpy()
        title = f"{column}: {rows['group'].iloc[lost.argmax()]} loses most, {max(lost.max(), 0):.3f}"
        if rows["verdict"].isin(["green", "grey"]).all():
            title = f"{column}: no group is served worse than chance explains"
        made.append(_figure(figures.groups(rows, report.about.word), title))
    return made
