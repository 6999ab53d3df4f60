"""Checks of the finished report: what its numbers say about the method."""

from typing import TYPE_CHECKING

import numpy as np

from shd.compare.checks._evidence import Evidence, row_keys

if TYPE_CHECKING:
    from shd.compare.report import Report

_TOO_EASY = 0.03  # by how much TSTS may lie above TRTR
_NEARER = {"DCR share": 0.05, "nearer to train": 0.2}  # how far below the reference a share may lie
_COPIES = 3  # times what chance gives
_FEWEST = 5
_ATTACKS = ("membership", "attribute inference", "singling out", "linkability")


def saw_the_holdout(evidence: Evidence, report: "Report") -> list[str]:
    """SHD002: synthetic records that copy the holdout, or lie nearer to it than to train.

    Where the same records stand on both sides (SHD003), there is no telling from distances who was seen.
    """
    if "holdout" not in evidence.given:
        return []
    what, said = "pictures" if evidence.is_of_images else "records", _learned_from_all(evidence)
    if not evidence.is_of_images:
        said += _copies(evidence)
    if any(finding.code == "SHD003" for finding in report.findings):
        return said
    for metric, far in _NEARER.items():
        score = report.score(metric)
        if score is not None and score.high < score.ceiling - far:
            said.append(
                f"synthetic {what} lie nearer to those held out than to those learned from: {metric} is "
                f"{score.value:.2f}, and {score.ceiling:.2f} where neither is remembered."
            )
    return said


def _learned_from_all(evidence: Evidence) -> list[str]:
    sizes = [len(evidence.given[role]) for role in ("train", "holdout")]
    if getattr(evidence.synthesizer, "n_rows_", None) != sum(sizes):
        return []
    return [f"the synthesizer was fitted on {sum(sizes):,} records, as many as train and holdout have together."]


def _copies(evidence: Evidence) -> list[str]:
    keys = {role: row_keys(getattr(evidence.inputs, role).values) for role in ("train", "synthetic", "holdout")}
    own = np.setdiff1d(keys["holdout"], keys["train"])
    found = int(np.isin(keys["synthetic"], own).sum())
    # other real records that equal one held out: by chance
    chance = np.isin(keys["train"], keys["holdout"]).mean() * len(keys["synthetic"])
    if found < _FEWEST or found <= _COPIES * chance + _COPIES * np.sqrt(chance):
        return []
    return [f"{found:,} synthetic records equal a held-out record that is not in train; chance gives {chance:,.0f}."]


def too_easy(evidence: Evidence, report: "Report") -> list[str]:
    """SHD008: models tested on synthetic data score higher there than models of real data do on real ones."""
    if report.utility.empty:
        return []
    wide = report.utility.pivot(index="target", columns="design", values=["value", "low"])
    gap = wide["value"]["TSTS"] - wide["value"]["TRTR"]
    clear = gap[(gap > _TOO_EASY) & (wide["low"]["TSTS"] > wide["value"]["TRTR"])]
    return [
        f"{level}: trained and tested on synthetic data {wide['value']['TSTS'][level]:.3f}, on {report.about.word} "
        f"ones {wide['value']['TRTR'][level]:.3f}."
        for level in clear.index
    ]


def no_attack(evidence: Evidence, report: "Report") -> list[str]:
    """SHD010: no attack among the scores on privacy."""
    tried = [s.metric for s in report.results if s.question == "privacy" and s.metric.startswith(_ATTACKS)]
    if tried:
        return []
    why = "there is no holdout to attack beside train" if "holdout" not in evidence.given else "none could be run"
    return [f"copies and distances alone show little, and of attacks {why}."]
