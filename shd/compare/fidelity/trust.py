"""Which variables can be trusted? One line each: how far, why, and what not to use it for.

Nothing is measured here. The four things that were found about a variable are laid side by side,
and the worst of them decides: its own distribution, its links with others, how it follows from
them, and whether it gives synthetic records away. What is off by no more than other real records,
or than chance explains, is no fault; red is what would be amber at the near end of its interval, too.
So many things are looked at that some are off by chance, and the intervals are widened for that.

All variables together are one of the scores on fidelity: where one is red, it is not green.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from shd.compare.core.question import Answer, Question
from shd.compare.core.score import AMBER_FROM, GREEN_FROM, VERDICTS, Score, Skipped, beyond_chance
from shd.compare.core.sides import Sides
from shd.compare.fidelity.pairs import missing_of

LINK_AMBER, LINK_RED = 0.1, 0.2  # association lost or invented; the least effect of Cohen (1988, 10.4324/9780203771587)
ERROR_AMBER, ERROR_RED = 1.1, 1.25  # times the error of real records: what it costs to lose a link of 0.3 or 0.45
GIVEAWAY_AMBER, GIVEAWAY_RED = 0.05, 0.1  # fall of the AUROC: a tenth and a fifth of what lies above guessing
_LEAST_WAY = 0.05  # a floor less far above real records: the column follows from no other, so nothing can be lost
_SURE = 0.05 / 30  # chance to find a kind of fault in a fresh real sample: three kinds, ten scores on fidelity
_RED_FROM = 0.25  # share of variables that are red, from which on the table is
_OFF_FROM = 0.5  # share of variables that are red or amber, from which on the table is amber
_WHAT = "variables off"
_Z = 1.96  # of the intervals in the frames
_FINE = "as it should be: by itself, with the others, from the others"
_NOTHING = "–"
_SERIOUS = ("green", "grey", "amber", "red")  # what nobody could compare is nothing to rely on


@dataclass(frozen=True)
class _Finding:
    """One thing found about a variable."""

    verdict: str
    why: str = ""
    not_for: str = ""


def measure(sides: Sides, answers: dict[Question, Answer]) -> Answer:
    """Judge every variable by all that was found, and all of them together."""
    tables = {name: table for answer in answers.values() for name, table in answer.tables.items()}
    if "columns" not in tables:
        return Answer()
    table = _judge(tables, sides.word, sides.skipped)
    return Answer([_score(table, len(tables["columns"]))], {"trust": table})


def _judge(tables: dict[str, pd.DataFrame], word: str, skipped: Sequence[Skipped]) -> pd.DataFrame:
    """Return one row a variable: the worst of what the tables say of it, what not to use it for, and the numbers."""
    columns, none = tables["columns"], pd.DataFrame()
    links = _furthest_links(tables.get("pairs", none), missing_of(columns["column"]))
    errors = _sure_rows(tables.get("prediction", none), "relative error", 1.0)
    tells = _sure_rows(tables.get("giveaways", none), "importance", 0.0)
    rows = []
    for own in columns.to_dict("records"):
        link, error, tell = (found.get(own["column"], {}) for found in (links, errors, tells))
        found = [_of_itself(own, word), _of_link(link, word), _of_error(error, word), _of_giveaway(tell)]
        worst = max(found, key=lambda one: _SERIOUS.index(one.verdict))
        poor = [one.not_for for one in found if one.verdict != "green"]
        rows.append(
            {
                "column": own["column"],
                "verdict": worst.verdict,
                "why": worst.why if poor else _FINE,
                "not for": "; ".join(poor) or _NOTHING,
                "distance": own["distance"],
                "link": link.get("gap", np.nan),
                "with": link.get("other"),
                "relative error": error.get("relative error", np.nan),
                "importance": tell.get("importance", np.nan),
            }
        )
    return pd.DataFrame([*rows, *_not_compared(skipped)])


def _score(table: pd.DataFrame, n: int) -> Score:
    """Score all variables that were compared: the first `n` of the table."""
    own = table.head(n)
    red, off = (own["verdict"] == "red").sum(), own["verdict"].isin(["amber", "red"]).sum()
    worst = own.iloc[own["verdict"].map(_SERIOUS.index).argmax()]
    named = f" The first is {worst['column']}: {worst['why']}." if off else ""
    if red:
        verdict = "red" if red >= _RED_FROM * n and red > 1 else "amber"
    else:
        verdict = "amber" if off >= _OFF_FROM * n and off else "grey" if (own["verdict"] == "grey").all() else "green"
    sentence = (
        f"Of {n} variables {off or 'none'} {'is' if off < 2 else 'are'} off beyond chance, by itself or with the "
        f"others, and {red or 'none'} so far that {'it' if red < 2 else 'they'} cannot be trusted.{named}"
    )
    return Score.of(_WHAT, off / n, (off / n, off / n), (None, None), verdict=verdict, sentence=sentence)


def _step(value: float, amber: float, red: float, least: float | None = None) -> str:
    """Judge by limits; `least` is the near end of the interval."""
    return beyond_chance(value, np.inf if least is None else least, amber, red, is_sure=True)


def _of_itself(own: dict, word: str) -> _Finding:
    reference = own["real reference"]
    other = "" if np.isnan(reference) else f" (other {word} records: {reference:.1%})"
    why = f"by itself it is off: {own['distance']:.1%} of the records would have to change{other}"
    return _Finding(own["verdict"], why, "counts and shares of it")


def _of_link(link: dict, word: str) -> _Finding:
    if not link:
        return _Finding("green")
    verb = "lost" if abs(link["synthetic"]) < abs(link["train"]) else "invented"
    why = (
        f"a link is {verb}: with {link['other']} it is {link['synthetic']:.2f} in synthetic records, "
        f"{link['train']:.2f} in {word} ones"
    )
    return _Finding(_step(link["sure"], LINK_AMBER, LINK_RED, link["least"]), why, f"its link with {link['other']}")


def _of_error(error: dict, word: str) -> _Finding:
    """Judge by how much is lost, and by how much of what there was to lose; the milder counts."""
    if not error or not error["floor"] - error["real"] > _LEAST_WAY:
        return _Finding("green")
    value, least = 1 + error["sure"], 1 + error["least"]
    steps = _step(value, ERROR_AMBER, ERROR_RED, least), _step(error["lost"], 1 - GREEN_FROM, 1 - AMBER_FROM)
    why = (
        f"it follows less well from the others: models trained on synthetic records make "
        f"{error['relative error']:.2f} times the error of models trained on {word} ones"
    )
    return _Finding(min(steps, key=VERDICTS.index), why, "outcome of a model")


def _of_giveaway(tell: dict) -> _Finding:
    if not tell:
        return _Finding("green")
    why = f"it gives synthetic records away: without it a detector is right {tell['importance']:.1%} less often"
    return _Finding(
        _step(tell["sure"], GIVEAWAY_AMBER, GIVEAWAY_RED, tell["least"]), why, "anything that needs its exact values"
    )


def _sure(beyond: pd.Series, frame: pd.DataFrame) -> pd.DataFrame:
    """Return by how much numbers are beyond those of real records: 0 where chance explains it, and at least."""
    chance = link_noise(frame) if "low" in frame else 0.0
    least = (beyond - chance).clip(lower=0.0)
    return pd.DataFrame({"sure": beyond.where(least > 0, 0.0), "least": least})


def link_noise(frame: pd.DataFrame) -> pd.Series:
    """Return how far each of many numbers may be off by chance, over all of them and all kinds of faults."""
    return norm.ppf(1 - _SURE / 2 / len(frame)) / _Z * (frame["high"] - frame["low"]) / 2


def _sure_rows(frame: pd.DataFrame, what: str, ideal: float) -> dict[object, dict]:
    """Return the row of each column, with what it is for real records and by how much it surely is above that."""
    if frame.empty:
        return {}
    real = frame.get("real reference", pd.Series(np.nan, frame.index)).fillna(ideal).clip(lower=ideal)
    rows = pd.concat([frame.assign(real=real), _sure(frame[what] - real, frame)], axis=1).dropna(subset=what)
    return dict(zip(rows["column"], rows.to_dict("records"), strict=True))


def _furthest_links(pairs: pd.DataFrame, missing: dict[str, object]) -> dict[object, dict]:
    """Return the link of each column that is furthest off, surely so if any is; it may be that of being missing."""
    if pairs.empty:
        return {}
    owner = pairs[["first", "second"]].map(lambda name: missing.get(name, name))
    gap = pairs["synthetic"] - pairs["train"]
    beyond = gap.abs() - (pairs["real reference"] - pairs["train"]).abs().fillna(0.0)
    links = pd.concat([pairs[["train", "synthetic"]].assign(gap=gap, beyond=beyond), _sure(beyond, pairs)], axis=1)
    both = pd.concat(
        [
            links.assign(column=owner["first"].to_numpy(), other=pairs["second"].to_numpy()),
            links.assign(column=owner["second"].to_numpy(), other=pairs["first"].to_numpy()),
        ],
        ignore_index=True,
    )
    furthest = both.sort_values(["sure", "beyond"], kind="stable").groupby("column", sort=False).tail(1)
    return dict(zip(furthest["column"], furthest.to_dict("records"), strict=True))


def _not_compared(skipped: Sequence[Skipped]) -> list[dict]:
    """Return rows of the columns that no table could be compared by."""
    return [
        {"column": note.column, "verdict": "grey", "why": f"it was not compared: {note.why}", "not for": "anything"}
        for note in skipped
        if note.kind == "column"
    ]


QUESTION = Question(
    name="trust in single variables",
    chapter="fidelity",
    measure=measure,
    show="chapters.fidelity:trust",
    tables=("trust",),
    sums_up=(
        "columns",
        "pairs of columns",
        "C2ST: telling real from synthetic",
        "predicting each column from the others",
    ),
    words={
        "variables off": "The share of variables that the trust table calls amber or red.",
        "trust": "How far a single variable can be used, judged by the worst that was found about it.",
    },
)
