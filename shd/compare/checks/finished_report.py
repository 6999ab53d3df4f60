"""Checks of the finished report: what its numbers say about the method."""

import numpy as np
from scipy.stats import binomtest, norm

from shd.compare.checks.evidence import SURE, exceeds
from shd.compare.core.attacks import as_many_people, one_each, row_keys
from shd.compare.core.chance import deal, generator, sample_records
from shd.compare.core.gower import Gower
from shd.compare.core.result import Result
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

_TOO_EASY = 0.03  # by how much TSTS may lie above TRTR
_LEAN = 0.05  # how far above one half the share of records, and of people, nearer to the holdout may lie
_PICTURES = 0.2  # how far below that of real people the share of pictures nearer to train may lie
_LOOKED_AT = 2000
_CHANCE = 0.02  # how often SHD008 may accuse records that are as easy as real ones
_COPIES = 3  # times what chance gives
_FEWEST, _FEWEST_PICTURES = 5, 10  # copies; and pictures that differ


def saw_the_holdout(sides: Sides, result: Result, found: list) -> list[str]:
    """SHD002: synthetic records that copy the holdout, or lie nearer to it than to train.

    Where the same records stand on both sides (SHD003), there is no telling from distances who was seen.
    """
    said = _learned_from_all(sides)
    if not sides.is_of_images:
        said += _copies(sides)
    if any(finding.code == "SHD003" for finding in found):
        return said
    return said + (_nearer_pictures(sides, result) if sides.is_of_images else _nearer_records(sides))


def _nearer_records(sides: Sides) -> list[str]:
    """Whether the people whom synthetic records lie nearest to are more often held out than learned from.

    Whoever saw neither lies nearest to either as often: one half, and each person counts once, however many records
    lie there. So a thousand equal records are one sign, and no more.
    """
    rng, gower = generator(sides.random_state, "nearer to the holdout"), Gower.of(sides.train)
    records = sample_records(sides.synthetic, sides.most(_LOOKED_AT), rng)
    tables = as_many_people(sides.train, sides.holdout, len(sides.train), rng)
    (to_train, learned), (to_held, held) = (gower.two_people(records, side) for side in tables)
    apart = to_train[:, 0] - to_held[:, 0]
    if not (apart != 0).any():
        return []
    share = float((1 + np.sign(apart).astype(float)).mean() / 2)
    ours, theirs = (len(np.unique(side[nearer])) for side, nearer in ((learned, apart < 0), (held, apart > 0)))
    leans = min(share, theirs / (ours + theirs)) > 0.5 + _LEAN
    if not leans or binomtest(theirs, ours + theirs, alternative="greater").pvalue >= SURE:
        return []
    return [
        f"synthetic records lie nearer to those held out than to those learned from: {share:.0%} do, and {theirs:,} of "
        f"the {ours + theirs:,} people nearest to them are held out. Where neither is remembered it is one half."
    ]


def _nearer_pictures(sides: Sides, result: Result) -> list[str]:
    score = result.score("nearer to train")
    different = len(np.unique(sides.points("synthetic").round(3), axis=0))
    if score is None or different < _FEWEST_PICTURES or score.high >= score.ceiling - _PICTURES:
        return []
    return [
        f"synthetic pictures lie nearer to those held out than to those learned from: {score.value:.2f} are nearer to "
        f"train, and {score.ceiling:.2f} where neither is remembered."
    ]


def _learned_from_all(sides: Sides) -> list[str]:
    sizes = [len(sides.given[role]) for role in ("train", "holdout")]
    if getattr(sides.synthesizer, "n_rows_", None) != sum(sizes):
        return []
    return [f"the synthesizer was fitted on {sum(sizes):,} records, as many as train and holdout have together."]


def _copies(sides: Sides) -> list[str]:
    """Count people held out whose record nobody of train has, and who stand among the synthetic ones all the same."""
    rng = generator(sides.random_state, "copies of the holdout")
    # by chance: people of one half of train whom the other half lacks, among as many other real records
    half = deal(sides.train.subjects, 2, rng) == 0
    found = _met(sides.holdout, sides.train, sides.synthetic, rng)
    others = sample_records(sides.holdout, len(sides.synthetic), rng)
    by_chance = _met(sides.train.take(half), sides.train.take(~half), others, rng)
    if found.sum() < _FEWEST or not exceeds(found, by_chance, 0.0):
        return []
    expected = by_chance.mean() * len(found) * max(len(sides.synthetic) / len(others), 1.0)
    if found.sum() <= _COPIES * expected:
        return []
    return [
        f"{found.sum():,} people held out, whose record nobody of train has, have an equal among the synthetic "
        f"records; chance gives {expected:,.0f}."
    ]


def _met(people: Coded, without: Coded, records: Coded, rng: np.random.Generator) -> np.ndarray:
    """Whether the record of each person is among some records, of those whose record is not among others; bool."""
    keys = np.unique(row_keys(one_each(people, len(people), rng).values))
    return np.isin(np.setdiff1d(keys, row_keys(without.values)), row_keys(records.values))


def too_easy(sides: Sides, result: Result, found: list) -> list[str]:
    """SHD008: models tested on synthetic data score higher there than models of real data do on real ones.

    Both numbers have an interval, and a target may have several levels: all of them together accuse fresh real
    records in few of a hundred cases.
    """
    if "utility" not in result.tables:
        return []
    wide = result.table("utility").pivot(index="target", columns="design", values=["value", "low", "high"])
    value = wide["value"]
    gap = value["TSTS"] - value["TRTR"]
    ends = value["TSTS"] - wide["low"]["TSTS"], wide["high"]["TRTR"] - value["TRTR"]
    error = np.hypot(*ends) / norm.isf(0.025)  # the ends of normal intervals of 95 %
    clear = gap[gap - norm.isf(_CHANCE / len(gap)) * error > _TOO_EASY]
    return [
        f"{level}: trained and tested on synthetic data {value['TSTS'][level]:.3f}, on {sides.word} "
        f"ones {value['TRTR'][level]:.3f}."
        for level in clear.index
    ]


def no_attack(sides: Sides, result: Result, found: list) -> list[str]:
    """SHD010: no attack among the scores on privacy."""
    if result.attacks:
        return []
    why = "there is no holdout to attack beside train" if "holdout" not in sides.given else "none could be run"
    return [f"copies and distances alone show little, and of attacks {why}."]
