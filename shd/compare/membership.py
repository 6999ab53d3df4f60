"""Can an attacker tell who was learned from? Membership inference.

The attacker holds the release and somebody's record, and asks whether that record was learned from.
Members are records of train, others those of the holdout, one a person and equally many. Where
nothing can be known every attack reaches an AUROC of 0.5, and finds 1 % of the members at 1 % false
alarms.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.base import clone

from shd._errors import ShdError
from shd.compare._attacks import (
    GREEN,
    RELEASED,
    REPLICATES,
    Stage,
    check_count,
    hits,
    judge_excess,
    obstacle,
    stage_of,
    stages,
)
from shd.compare._coded import Coded, align
from shd.compare._gower import Gower
from shd.compare._models import auroc
from shd.compare._resample import bootstrap_weights, deal, generator, interval
from shd.compare._schema import Answer, Inputs, Score, Skipped
from shd.dataset import Dataset, as_frame

HITS_GREEN, HITS_AMBER = 0.01, 0.03
"""Excess of the hits at 1 % false alarms that is negligible, and beyond which it is an alarm."""
_WHAT = "membership inference"
_PEOPLE = 1500  # members, and as many others
_NEIGHBOURS = 3  # whose distance stands for the density around a record
_FEWEST_OTHERS = 100  # with fewer, one false alarm in a hundred is less than one person
_HALF = 0.5  # share of the holdout that is tested; the rest shows how dense real records lie
_TINY = 1e-6  # columns; keeps the ratio of two distances finite
_GUESSED_BY = {
    "distance": "how near the closest synthetic record lies",
    "density ratio": (
        "how much nearer the {k} nearest synthetic records lie than the {k} nearest {word} ones of other people"
    ),
}
_MEANS = {
    "green": "this attack does not tell who was learned from",
    "amber": "the release hints at who was learned from",
    "red": "the release tells who was learned from",
}


def membership_inference(
    train: Dataset | pd.DataFrame,
    synthetic: Dataset | pd.DataFrame,
    holdout: Dataset | pd.DataFrame,
    *,
    synthesizer: object = None,
    shadows: int = 8,
    people: int = _PEOPLE,
    random_state: int = 0,
) -> pd.DataFrame:
    """Try to tell from a release whose records were learned from.

    Two attacks need nothing but the release, and real records of other people. ``distance``: minus
    the distance to the closest synthetic record. ``density ratio``: the distance to the three
    nearest real records that belong to nobody tested, over that to the three nearest synthetic
    ones (geometric means). A third one, ``shadow models``, is made where a synthesizer is given: it is fitted on
    random halves of all real people, and the distance to the release is compared with the mean
    distance to what was made without the person.

    Parameters
    ----------
    train, synthetic, holdout : Dataset or DataFrame
        The holdout must hold people that the synthesizer never saw.
    synthesizer : object with `fit` and `sample`, optional
        What made the release, as the attacker would set it up. It is copied, and fitted `shadows` times.
    shadows : int
        How many shadow models there are, an even number from 2 on.
    people : int
        Most members tested; equally many others, at most half of the people of the holdout.
    random_state : int

    Returns
    -------
    DataFrame
        One row an attack and measure: ``attack``, ``measure`` (``"AUROC"``, 0 to 1, 0.5 where nothing
        can be known; ``"hits at 1 %"``, the share of members found with 1 % false alarms, 0.01 where
        nothing can be known), ``value``, and its 95 % interval ``low`` and ``high``, by person.

    Raises
    ------
    ShdError
        Where a table has fewer than 20 people, or a number or the synthesizer cannot be used.

    References
    ----------
    Hilprecht, Härterich, Bernau (2019), *Monte Carlo and Reconstruction Membership Inference Attacks
    against Generative Models*, PoPETs, doi 10.2478/popets-2019-0067: distances. Van Breugel, Sun,
    Qian, van der Schaar (2023), *Membership Inference Attacks against Synthetic Data through
    Overfitting Detection*, AISTATS, arXiv 2302.12580: density ratios. Stadler, Oprisanu, Troncoso
    (2022), *Synthetic Data – Anonymisation Groundhog Day*, USENIX Security, arXiv 2011.07018, and
    Watson, Guo, Cormode, Sablayrolles (2022), *On the Importance of Difficulty Calibration in
    Membership Inference Attacks*, ICLR, arXiv 2111.08440: shadow models. Carlini et al. (2022),
    *Membership Inference Attacks From First Principles*, IEEE S&P, arXiv 2112.03570: why hits at
    few false alarms are what counts.
    """
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    shadow_models = [] if synthesizer is None else _shadows(given, synthesizer, shadows, random_state)
    made = {f"shadow {k}": shadow.made for k, shadow in enumerate(shadow_models)}
    tables, _ = align(*given.values(), *made.values(), names=[*given, *made])
    stage = stage_of(dict(zip(given, tables, strict=False)), people, random_state, _WHAT, tested=_HALF)
    gower = Gower.of(tables[0])
    scores = _nearness(stage, gower)
    if shadow_models:
        left_out = [shadow.left_out for shadow in shadow_models]
        offset = tables[0].subjects.max() + 1
        scores["shadow models"] = _beyond_shadows(stage, gower, tables[3:], left_out, offset)
    weights = _draw(stage, generator(random_state, "membership weights"))
    rows = [(attack, *row) for attack, score in scores.items() for row in _figures(stage, score, weights)]
    return pd.DataFrame(rows, columns=["attack", "measure", "value", "low", "high"])


def measure(inputs: Inputs) -> Answer:
    """Attack the release, the floor, and other real records in their place."""
    why = obstacle(inputs)
    if why is not None:
        return Answer(skipped=[Skipped(_WHAT, why)])
    gower = Gower.of(inputs.train)
    found = {}
    for name, stage in stages(inputs, _PEOPLE, generator(inputs.random_state, _WHAT), tested=_HALF).items():
        weights = _draw(stage, generator(inputs.random_state, "membership weights"))
        for attack, score in _nearness(stage, gower).items():
            for row in _figures(stage, score, weights):
                found.setdefault((attack, row[0]), {})[name] = row[1:]
    kept = {key: sides for key, sides in found.items() if "synthetic" in sides}
    scores = [_score(inputs, *key, sides) for key, sides in kept.items()]
    rows = [(*key, s.value, s.low, s.high, s.floor, s.ceiling) for key, s in zip(kept, scores, strict=True)]
    frame = pd.DataFrame(rows, columns=["attack", "measure", "value", "low", "high", "floor", "other records"])
    if ("distance", "hits at 1 %") in kept:
        return Answer(scores, {"membership": frame})
    why = f"takes {2 * _FEWEST_OTHERS} people in the holdout"
    return Answer(scores, {"membership": frame}, [Skipped("membership hits at 1 %", why)])


def _nearness(stage: Stage, gower: Gower) -> dict[str, np.ndarray]:
    """Return how sure each attack is that a person was learned from, members first; shape (n,)."""
    both = [_to_nearest(stage, table, gower) for table in (stage.release, stage.reference)]
    # the geometric mean: one record at no distance must show among several
    to_release, to_reference = (np.log(distance + _TINY).mean(axis=1) for distance in both)
    return {"distance": -both[0][:, 0], "density ratio": to_reference - to_release}


def _to_nearest(stage: Stage, table: Coded, gower: Gower) -> np.ndarray:
    few = min(_NEIGHBOURS, len(table))
    return np.concatenate([gower.nearest_few(side, table, few)[0] for side in (stage.members, stage.others)])


def _draw(stage: Stage, rng: np.random.Generator) -> np.ndarray:
    """Return bootstrap weights, members and others drawn apart, shape (replicates, n)."""
    return np.hstack([bootstrap_weights(len(side), REPLICATES, rng) for side in (stage.members, stage.others)])


def _figures(stage: Stage, score: np.ndarray, weights: np.ndarray) -> list[tuple[str, float, float, float]]:
    """Return measure, value, low and high of one attack; hits only where there are enough others."""
    is_member = np.repeat([True, False], [len(stage.members), len(stage.others)])
    measures = {"AUROC": auroc} | ({"hits at 1 %": hits} if len(stage.others) >= _FEWEST_OTHERS else {})
    rows = []
    for name, of in measures.items():
        value = float(of(is_member, score)[0])
        low, high = interval(value, of(is_member, score, weights), 0, 1)
        rows.append((name, value, float(low), float(high)))
    return rows


def _score(inputs: Inputs, attack: str, name: str, sides: dict[str, tuple]) -> Score:
    value, low, high = sides["synthetic"]
    floor, ceiling = sides["floor"][0], sides["ceiling"][0] if "ceiling" in sides else None
    by = _GUESSED_BY[attack].format(word=inputs.word, k=_NEIGHBOURS)
    if name == "AUROC":
        # members that lie further away than others are betrayed, too, if less plainly
        verdict = "amber" if high < 0.5 - GREEN else judge_excess(value - 0.5, low - 0.5)
        sentence = (
            f"Guessing by {by}, an attacker ranks a person learned from above one held out {value:.1%} of the time "
            f"(knowing nothing: 50%; with other {inputs.word} records as the release: {ceiling:.1%}): "
        )
        better = "at 0.5"
    else:
        verdict = judge_excess(value - 0.01, low - 0.01, HITS_GREEN, HITS_AMBER)
        other = "" if ceiling is None else f"; with other {inputs.word} records as the release: {ceiling:.1%}"
        sentence = (
            f"Guessing by {by}, and with one false alarm in a hundred, an attacker finds {value:.1%} of the people "
            f"learned from (knowing nothing: 1%{other}): "
        )
        better = "lower"
    metric = f"membership {name}: {attack}"
    return Score("privacy", metric, value, low, high, floor, ceiling, verdict, better, sentence + _MEANS[verdict] + ".")


@dataclass(frozen=True, eq=False)
class _Shadow:
    """What was made from half of the people, and who was left out: of train, and behind them of the holdout."""

    made: pd.DataFrame
    left_out: np.ndarray


def _shadows(given: dict, synthesizer: object, shadows: int, random_state: int) -> list[_Shadow]:
    """Fit copies of a synthesizer on random halves of all real people; each person is left out of every second one."""
    check_count(shadows, "shadows")
    if shadows % 2:
        raise ShdError(f"shadows={shadows} is odd; give an even number, for each split of the people makes two.")
    if not all(callable(getattr(synthesizer, name, None)) for name in ("fit", "sample")):
        raise ShdError(f"synthesizer={synthesizer!r} has no fit and sample; give one, for example Marginals().")
    rng = generator(random_state, "shadow models")
    (train, holdout), _ = align(given["train"], given["holdout"], names=["train", "holdout"])
    subjects = np.concatenate([train.subjects, holdout.subjects + train.subjects.max() + 1])
    frames = [as_frame(given[name], name) for name in ("train", "holdout")]
    pool = pd.concat([frame[train.names] for frame in frames], ignore_index=True)
    made = []
    for _ in range(shadows // 2):
        hand = deal(subjects, 2, rng)
        for half in (0, 1):
            model, seed = clone(synthesizer, safe=False), int(rng.integers(2**31))
            if hasattr(model, "random_state"):
                model.random_state = seed
            model.fit(_part(given["train"], pool, subjects, hand == half))
            left_out = np.zeros(subjects.max() + 1, dtype=bool)
            left_out[subjects[hand != half]] = True
            made.append(_Shadow(as_frame(model.sample(len(given["synthetic"])), "what was sampled"), left_out))
    return made


def _part(train: Dataset | pd.DataFrame, pool: pd.DataFrame, subjects: np.ndarray, rows: np.ndarray) -> object:
    """Return some of the pool, as a Dataset with the roles of train where train is one."""
    frame = pool[rows].reset_index(drop=True)
    if not isinstance(train, Dataset):
        return frame
    roles = {name: tuple(c for c in getattr(train, name) if c in frame) for name in ("sensitive", "counts")}
    target = train.target if train.target in frame else None
    return replace(train, frame=frame, subjects=subjects[rows], target=target, **roles)


def _beyond_shadows(
    stage: Stage, gower: Gower, made: list[Coded], left_out: list[np.ndarray], offset: int
) -> np.ndarray:
    """Return how much nearer the release lies to each person than what was made without that person; shape (n,)."""
    person = np.concatenate([stage.members.subjects, stage.others.subjects + offset])
    total, times = np.zeros(len(person)), np.zeros(len(person))
    for table, out in zip(made, left_out, strict=True):
        total += np.where(out[person], _closest(stage, table.take(np.arange(min(len(table), RELEASED))), gower), 0)
        times += out[person]
    return total / times - _closest(stage, stage.release, gower)


def _closest(stage: Stage, table: Coded, gower: Gower) -> np.ndarray:
    return np.concatenate([gower.nearest(side, table) for side in (stage.members, stage.others)])
