"""Can an attacker tell who was learned from? Membership inference.

The attackers hold the release and somebody's records, and ask whether that person was learned from. Members are people
of train, others those of the holdout; one score a person, pooled over their records. The strongest attacker counts, and
chance is that of the strongest of as many. Where nothing can be known every attack reaches an AUROC of 0.5, and finds
10 % of the members at 10 % false alarms.

Green in privacy comes from here: from attacks that were tried and failed.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from shd.compare.core.attacks import (
    ALARM,
    AMBER,
    GREEN,
    RELEASED,
    budget,
    check_count,
    check_people,
    some,
    surely,
)
from shd.compare.core.chance import deal, generator
from shd.compare.core.gower import Gower
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import align
from shd.compare.privacy.attackers import ATTACKERS, GUESSED_BY
from shd.compare.privacy.crowd import Crowd, guess
from shd.compare.privacy.guesses import Found, Guesses, auroc_of, hits_at, interval_of, strongest
from shd.compare.privacy.shadow_models import beyond_shadows, shadow_models
from shd.dataset import Dataset

_WHAT = "membership inference"
_SLOW = "error profile"  # of the attackers, takes half of the time
_PEOPLE = 1500  # members, and as many others
_ISOLATED, _FEWEST_ISOLATED = 0.8, 30  # place from which on people count as isolated, and how many others it takes
_BLIND = 0.10  # an AUROC whose interval reaches so far beyond 0.5 could not have told much
_MEANS = {
    "grey": "so few people cannot show more",
    "green": "no attack tells who was learned from",
    "amber": "the release hints at who was learned from",
    "red": "the release tells who was learned from",
}
_FEWEST_OTHERS = {0.10: 40, 0.01: 100, 0.001: 1000}  # so that there is one false alarm, or more
_LIMITS = {0.10: (0.03, 0.06), 0.01: (0.01, 0.03), 0.001: (0.005, 0.02)}
"""Excess of the hits at so many false alarms that is negligible, and beyond which it is an alarm."""
_BESIDE = {0.10: "; winners of the MIDST competition of 2025: 25% from the records, 46% from the model"}


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

    Attackers need nothing but the release, and a reference: real records of people who are none of those attacked
    (the holdout takes both parts in turn). ``distance``: minus the distance to the closest synthetic record.
    ``density ratio`` and ``neighbourhood``: the distance to the 3, or 10, nearest records of the reference over that
    to the nearest synthetic ones. ``boosted trees`` and ``forest``: models that learn to tell the release from the
    reference. ``learned space``: a ratio of densities in the leaves of trees that only the reference grew.
    ``error profile``: how much better models of the release predict a record's columns than models of the reference.
    ``all together``: their mean. One more, ``shadow models``, is made where a synthesizer is given: it is fitted on
    random halves of all real people, and the distance to the release is compared with the mean
    distance to what was made without the person.

    Each person has one score, the mean over their records.

    Parameters
    ----------
    train, synthetic, holdout : Dataset or DataFrame
        The holdout must hold people that the synthesizer never saw.
    synthesizer : object with `fit` and `sample`, optional
        What made the release, as the attacker would set it up. It is copied, and fitted `shadows` times.
    shadows : int
        How many shadow models there are, an even number from 2 on.
    people : int
        Most members tested, and most others.
    random_state : int

    Returns
    -------
    DataFrame
        One row an attack and measure: ``attack``, ``measure`` (``"AUROC"``, 0 to 1, 0.5 where nothing
        can be known; ``"hits at 10 %"``, the share of members found with 10 % false alarms, 0.10 where
        nothing can be known, and the same at 1 % and 0.1 % where there are enough people), ``value``, and its 95 %
        interval ``low`` and ``high``, by person.

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
    few false alarms are what counts. Vector Institute (2025), *MIDST Challenge at SaTML 2025*: hits at 10 % false
    alarms as the field's measure (quoted from memory).
    """
    check_count(people, "people")
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    shadowed = [] if synthesizer is None else shadow_models(given, synthesizer, shadows, random_state)
    made = {f"shadow {k}": shadow.made for k, shadow in enumerate(shadowed)}
    tables, _ = align(*given.values(), *made.values(), names=[*given, *made])
    train, release, holdout = tables[:3]
    check_people(train, release, holdout, _WHAT)
    rng, gower = generator(random_state, _WHAT), Gower.of(train)
    crowd, release = Crowd.of(train, holdout, people, rng), some(release, RELEASED, rng)
    guesses = guess(crowd, release, holdout, gower, seed=random_state).all_together()
    if shadowed:
        left_out = [shadow.left_out for shadow in shadowed]
        offset = np.where(crowd.of_member, 0, train.subjects.max() + 1)
        score = beyond_shadows(crowd, release, tables[3:], left_out, crowd.table.subjects + offset, gower)
        guesses.scores["shadow models"] = crowd.places(score)
    rows = [
        (attacker, name, *interval_of(guesses, of, attacker, generator(random_state, "membership weights")))
        for attacker in guesses.scores
        for name, of in _measures(guesses).items()
    ]
    return pd.DataFrame(rows, columns=["attack", "measure", "value", "low", "high"])


def measure(sides: Sides) -> Answer:
    """Attack the release; the floor, and other real records in its place, by those who win most from it."""
    rng = generator(sides.random_state, _WHAT)
    most, released, gower = budget(sides, _PEOPLE), budget(sides, RELEASED), Gower.of(sides.train)
    crowd = Crowd.of(sides.train, sides.holdout, most, rng)
    share = sides.most(RELEASED) / RELEASED
    release = some(sides.synthetic, released, rng)
    fast = None if sides.level == "full" else set(ATTACKERS) - {_SLOW}
    guesses = guess(crowd, release, sides.holdout, gower, fast, share, sides.random_state).all_together()
    asked = {name: (guesses, of) for name, of in _measures(guesses).items()}
    isolated = guesses.take(guesses.isolation > _ISOLATED)
    if (~isolated.is_member).sum() >= _FEWEST_ISOLATED:
        asked["isolated"] = (isolated, auroc_of)
    found = {name: strongest(*one, generator(sides.random_state, f"chance {name}")) for name, one in asked.items()}
    half = deal(sides.holdout.subjects, 2, rng) == 0
    other, held = some(sides.holdout.take(half), released, rng), sides.holdout.take(~half)
    winners = {one.attacker for one in found.values()}
    beside = [
        guess(crowd, some(sides.floor, len(release), rng), sides.holdout, gower, winners, share, half=True),
        guess(
            Crowd.of(sides.train, held, most, rng), some(other, released, rng), held, gower, winners, share, half=True
        ),
    ]
    scores = [_score(sides, name, one, beside) for name, one in found.items()]
    rows = [
        (attacker, name, float(of(side.is_member, score)[0]), attacker == found[name].attacker)
        for name, (side, of) in asked.items()
        for attacker, score in side.scores.items()
    ]
    frame = pd.DataFrame(rows, columns=["attack", "measure", "value", "strongest"])
    slow = [] if fast is None else [Skipped(f"membership: {_SLOW}", 'the quick level leaves it out; take level="full"')]
    return Answer(scores, {"membership": frame}, [*_left_out(guesses, asked), *slow])


def _left_out(guesses: Guesses, asked: dict) -> list[Skipped]:
    lacking = [
        Skipped(f"membership {_named(alarms)}", f"takes {few:,} people held out")
        for alarms, few in _FEWEST_OTHERS.items()
        if _named(alarms) not in asked
    ]
    if "isolated" not in asked:
        lacking.append(Skipped("membership AUROC: isolated people", "too few people stand apart"))
    return lacking


def _named(alarms: float) -> str:
    return f"hits at {100 * alarms:g} %"


def _measures(guesses: Guesses) -> dict[str, Callable]:
    """Return the measures by name; hits only where there are enough others."""
    others = int((~guesses.is_member).sum())
    return {"AUROC": auroc_of} | {
        _named(alarms): hits_at(alarms) for alarms, few in _FEWEST_OTHERS.items() if others >= few
    }


def _score(sides: Sides, name: str, found: Found, beside: list[Guesses]) -> Score:
    alarms = next((alarms for alarms in _LIMITS if _named(alarms) == name), None)
    of = auroc_of if alarms is None else hits_at(alarms)
    if name == "isolated":
        beside = [side.take(side.isolation > _ISOLATED) for side in beside]
    floor, ceiling = (float(of(side.is_member, side.scores[found.attacker])[0]) for side in beside)
    if alarms is None:
        return auroc_score(sides, name, found, floor, ceiling)
    verdict = judge(found, alarms, *_LIMITS[alarms])
    sentence = (
        f"With {100 * alarms:g} false alarms in a hundred, an attacker who goes by {GUESSED_BY[found.attacker]} finds "
        f"{found.value:.1%} of the people learned from (knowing nothing: {alarms:.1%}; with other {sides.word} "
        f"records as the release: {ceiling:.1%}{_BESIDE.get(alarms, '')}): {_MEANS[verdict]}."
    )
    metric = f"membership {name}"
    return Score("privacy", metric, found.value, found.low, found.high, floor, ceiling, verdict, "lower", sentence)


def auroc_score(sides: Sides, name: str, found: Found, floor: float | None, ceiling: float | None) -> Score:
    """Return the score of the strongest attacker who ranks people: all of them, isolated ones, or from the model."""
    verdict = "amber" if found.high < 0.5 - GREEN else judge(found, 0.5, GREEN, AMBER)
    metric, about, by = {
        "AUROC": ("membership AUROC", "", "release"),
        "isolated": (
            "membership AUROC: isolated people",
            "Of the fifth who stand furthest apart, ",
            "release",
        ),
        "weights": ("membership AUROC: weights", "From the model itself, ", "model"),
    }[name]
    other = "" if ceiling is None else f"; with other {sides.word} records as the release: {ceiling:.1%}"
    sentence = (
        f"{about}an attacker who goes by {GUESSED_BY[found.attacker]} ranks a person learned from above one held out "
        f"{found.value:.1%} of the time (knowing nothing: 50%{other}): {_MEANS[verdict].replace('release', by)}."
    )
    sentence = sentence[0].upper() + sentence[1:]
    return Score("privacy", metric, found.value, found.low, found.high, floor, ceiling, verdict, "at 0.5", sentence)


def judge(found: Found, nothing: float, green: float, amber: float) -> str:
    """Give the verdict for what the strongest attacker reached, beside what guessing reaches."""
    value, low = found.value - nothing, surely(found.value, found.low) - nothing
    if found.chance > ALARM or value <= green:
        blind = found.high - nothing > max(_BLIND, 2 * amber)
        return "grey" if blind else "green"
    return "red" if value > amber and low > green else "amber"


QUESTION = Question(
    name="membership inference",
    chapter="privacy",
    measure=measure,
    weight=4,
    needs=("holdout", "people"),
    tables=("membership",),
    is_attack=True,
    readme=("membership AUROC",),
    words={
        "membership inference": (
            "Attackers have somebody's records, the synthetic table (or the model: weights) and records of other "
            "people, and guess whether that person was learned from; the strongest counts. AUROC 0.5: cannot "
            "tell. Hits at 10 %: who is found while ten in a hundred strangers are accused."
        ),
        "density ratio": (
            "How much nearer the nearest synthetic records lie to a person than the nearest records of other real "
            "people."
        ),
    },
)
