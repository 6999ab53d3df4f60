"""Do synthetic records lie nearer to the people learned from than to others? DCR share, and ratios of distances.

DCR share: how often the closest real record (Gower 1971, doi 10.2307/2528823) is one of train, not of the holdout,
both cut to as many people, so that 0.5 is what a table reaches that remembers no one; ties count half (Platzer,
Reutterer 2021, *Holdout-Based Empirical Assessment of Mixed-Type Synthetic Data*, doi 10.3389/fdata.2021.679939).
NNDR gap: the distance to the nearest person over that to the next one is low where a record points at one person (Zhao,
Kunar, Birke, Chen 2021, *CTAB-GAN*, arXiv 2102.08369); its low end against train, beside that against the holdout.

Both are alarms, not guarantees: a table can pass and still betray people. A pass is grey, *cannot tell*, for experts
advise against it as evidence (Yao et al. 2025, *The DCR Delusion*, arXiv 2505.01524; consensus framework, Patterns
2025, doi 10.1016/j.patter.2025.101320). What is green in privacy comes from attacks.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd.compare.core.attacks import as_many_people, budget, count_people
from shd.compare.core.chance import deal, generator, interval, sample_records
from shd.compare.core.gower import Gower
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import NO_GUARANTEE, Score, Skipped, judge_excess
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

_RED_FROM, _AMBER_TO = 0.01, 0.05  # how far above 0.5 a DCR share surely lies, and lies, to be red
_RATIO_GREEN, _RATIO_AMBER = 0.1, 0.2  # by what share a ratio of distances may be smaller against train
_LOWEST = 5  # the percentile of ratios that counts
_REPLICATES = 200
_FEWEST, _ROWS = 50, 5000
_MOST_REAL = 50_000
_DRAWS, _DRAWN = 5, 20_000  # of people beside the holdout, and most real records over all of them
_POINTS = {
    "grey": "no alarm, which shows little",
    "amber": "some may point at single people learned from",
    "red": "some point at single people learned from",
}


def measure(sides: Sides) -> Answer:
    """Compare the distances to the nearest and next nearest people of train and holdout, over several draws of them."""
    if min(count_people(sides.train), count_people(sides.holdout), len(sides.synthetic)) < _FEWEST:
        why = f"take at least {_FEWEST} people, and synthetic records, in every table"
        return Answer(skipped=[Skipped("DCR share, NNDR gap", why)])
    times = 1 if count_people(sides.train) == count_people(sides.holdout) else _DRAWS
    times = int(np.clip(_DRAWN // len(sides.holdout), 1, times))
    draws = [_draw(sides, sides.random_state + 1000 * k) for k in range(times)]
    frame = pd.concat(
        pd.DataFrame({"records": name, "to train": a.distances[:, 0], "to holdout": b.distances[:, 0]})
        for name, (a, b) in draws[0].items()
        if name != "floor"
    ).reset_index(drop=True)
    frame[["to train", "to holdout"]] /= len(sides.train.names)
    rng = generator(sides.random_state, "closeness")
    own = [found["synthetic"] for found in draws]
    weights = list(zip(*(_drawn([tables[k] for tables in own], rng) for k in (0, 1)), strict=True))
    share = _dcr(sides, draws, weights)
    if all(np.percentile(_ratio(side.distances), _LOWEST) == 1 for found in draws for side in found["synthetic"]):
        why = "the nearest and the next nearest person are equally far nearly everywhere: too few different values"
        return Answer([share], {"distances": frame}, [Skipped("NNDR gap", why)])
    return Answer([share, _ratios(sides, draws, weights)], {"distances": frame})


def _draw(sides: Sides, seed: int) -> dict[str, tuple["_Side", "_Side"]]:
    """Measure distances to as many people of train and of the holdout: of synthetic, floor and other real records."""
    rows, most = budget(sides, _ROWS), budget(sides, _MOST_REAL)
    train, holdout = sides.train, sides.holdout
    # other real people in place of synthetic ones: half of the holdout, between train and the other half
    half = deal(holdout.subjects, 2, generator(seed, "halves")) == 0
    return {
        "synthetic": _distances(train, sides.synthetic, holdout, rows, seed, most),
        "floor": _distances(train, sides.floor, holdout, rows, seed, most),
        "holdout": _distances(train, holdout.take(half), holdout.take(~half), rows, seed, most),
    }


@dataclass(frozen=True, eq=False)
class _Side:
    """Train or holdout, as seen from some records: how far its two nearest people are, and who the nearest is."""

    distances: np.ndarray  # (n, 2)
    nearest: np.ndarray  # subjects, (n,)
    n_people: int  # all of this side


@dataclass(frozen=True, eq=False)
class _Weights:
    """How often records count where people are drawn again, int (n_replicates, n), and what makes sides as heavy."""

    often: np.ndarray
    scale: np.ndarray


def _drawn(sides: list[_Side], rng: np.random.Generator) -> list[_Weights]:
    """Draw people again, the same ones in every draw of this side: holdouts, above all, share all of theirs.

    The records near to a person come and go with them. That holds both sources of chance: how large the part of the
    space is that falls to a person, and how many records happen to lie in it. As many people are drawn as there are:
    the Poisson bootstrap (Hanley, MacGibbon 2006) leaves that to chance, and is scaled to it.
    """
    people, at = np.unique(np.concatenate([side.nearest for side in sides]), return_inverse=True)
    count = rng.poisson(1.0, (_REPLICATES, len(people)))
    weights = []
    for side, here in zip(sides, np.split(at, np.cumsum([len(side.nearest) for side in sides])[:-1]), strict=True):
        there = np.unique(here)
        far = rng.poisson(max(side.n_people - len(there), 0), _REPLICATES)  # those who are nearest to no record
        total = count[:, there].sum(axis=1) + far
        weights.append(_Weights(count[:, here], side.n_people / np.maximum(total, 1)))
    return weights


def _dcr(sides: Sides, draws: list[dict], weights: list[tuple[_Weights, _Weights]]) -> Score:
    drawn = np.mean([_redrawn(found["synthetic"], own) for found, own in zip(draws, weights, strict=True)], axis=0)
    value, floor, ceiling = (
        float(np.mean([_closer(*found[name]).mean() for found in draws])) for name in ("synthetic", "floor", "holdout")
    )
    low, high = interval(value, drawn, 0, 1)
    red_from = max(_RED_FROM, ceiling - 0.5)  # more than other real records reach
    # being nearer to held-out records betrays nobody: SHD002 asks why
    verdict = judge_excess(value - 0.5, low - 0.5, high - 0.5, 0, _AMBER_TO, passed="grey", red_from=red_from)
    sentence = (
        f"{value:.1%} of synthetic records lie nearer to a record learned from than to one held out (ideal: 50%; "
        f"other {sides.word} records: {ceiling:.1%}). {NO_GUARANTEE}"
    )
    return Score.of(
        "DCR share", value, (low, high), (floor, ceiling), verdict=verdict, better="at 0.5", sentence=sentence
    )


def _redrawn(sides: tuple[_Side, _Side], weights: tuple[_Weights, _Weights]) -> np.ndarray:
    """Return the share with the people of both sides drawn again, (n_replicates,)."""
    closer = _closer(*sides)
    # a tie counts half whoever is drawn: its like is on both sides
    tied = (closer == 0.5).sum() / 2
    ours, theirs = (w.often @ (closer == won) * w.scale + tied for w, won in zip(weights, (1, 0), strict=True))
    return np.divide(ours, ours + theirs, out=np.full(len(ours), np.nan), where=ours + theirs > 0)


def _ratios(sides: Sides, draws: list[dict], weights: list[tuple[_Weights, _Weights]]) -> Score:
    """Compare the low end of the ratios of distances, d1 / d2, against train and against the holdout."""
    ratios = [{name: [_ratio(side.distances) for side in pair] for name, pair in found.items()} for found in draws]
    ends = {
        name: np.mean([[np.percentile(side, _LOWEST) for side in one[name]] for one in ratios], axis=0)
        for name in ratios[0]
    }
    value, floor, ceiling = (_smaller(*ends[name]) for name in ("synthetic", "floor", "holdout"))
    (to_train, to_holdout), own = ends["synthetic"], [one["synthetic"] for one in ratios]
    drawn = np.mean(
        [
            [_smaller(*map(_low_end, pair, often)) for often in zip(*(w.often for w in each), strict=True)]
            for pair, each in zip(own, weights, strict=True)
        ],
        axis=0,
    )
    low, high = interval(value, drawn, -1, 1)
    verdict = judge_excess(value, low, high, _RATIO_GREEN, _RATIO_AMBER, passed="grey")
    sentence = (
        f"For the lowest 5% of synthetic records the distance to the nearest person over that to the next one is "
        f"at most {to_train:.3f} among people learned from and {to_holdout:.3f} among as many held out, "
        f"{_much(value)} (other {sides.word} records: {_much(ceiling)}): {_POINTS[verdict]}."
    )
    return Score.of("NNDR gap", value, (low, high), (floor, ceiling), verdict=verdict, sentence=sentence)


def _smaller(to_train: float, to_holdout: float) -> float:
    """Return by what share a ratio is smaller against train than against the holdout, -1 to 1."""
    return float((to_holdout - to_train) / max(to_holdout, to_train, 1e-12))


def _much(smaller: float) -> str:
    return f"{abs(smaller):.0%} {'smaller' if smaller > 0 else 'larger'}" if round(smaller, 2) else "the same"


def _ratio(distances: np.ndarray) -> np.ndarray:
    """Distance to the nearest over that to the next person; 1 where both are 0, or there is no other."""
    first, second = distances.astype(float).T
    known = (second > 0) & np.isfinite(second)
    return np.divide(first, second, out=np.ones(len(first)), where=known)


def _low_end(ratios: np.ndarray, weights: np.ndarray) -> float:
    return float(np.percentile(np.repeat(ratios, weights), _LOWEST)) if weights.any() else np.nan


def _closer(train: _Side, holdout: _Side) -> np.ndarray:
    to_train, to_holdout = train.distances[:, 0], holdout.distances[:, 0]
    return np.where(to_train < to_holdout, 1.0, np.where(to_train > to_holdout, 0.0, 0.5))


def _distances(
    train: Coded, records: Coded, holdout: Coded, rows: int, random_state: int, most: int
) -> tuple[_Side, _Side]:
    """Find the two nearest people of each record in train and in the holdout, cut to as many people."""
    rng = generator(random_state, "dcr")
    gower = Gower.of(train)
    records = sample_records(records, rows, rng)
    return tuple(
        _Side(*gower.two_people(records, side), count_people(side))
        for side in as_many_people(train, holdout, most, rng)
    )


QUESTION = Question(
    name="distances to the closest records",
    chapter="privacy",
    measure=measure,
    show="chapters.privacy:closeness",
    weight=4,
    needs=("holdout",),
    tables=("distances",),
    readme=("DCR share",),
    words={
        "DCR": (
            "Distance to closest record. The DCR share is how often that record is one that was learned from and "
            "not one held out; 0.5 is what a table reaches that remembers nobody."
        ),
        "NNDR": (
            "Nearest-neighbour distance ratio: the distance to the nearest person over that to the second "
            "nearest. Near 0: the record points at one person. Compared between people learned from and held out, "
            "at its lowest 5 %."
        ),
    },
)
