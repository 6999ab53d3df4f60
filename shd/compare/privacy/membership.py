"""Can an attacker tell who was learned from? Membership inference.

The attackers hold the release and somebody's records, and ask whether that person was learned from. Members are people
of train, others those of the holdout; one score a person, pooled over their records. The strongest attacker counts, and
chance is that of the strongest of as many. Where nothing can be known every attack reaches an AUROC of 0.5, and finds
10 % of the members at 10 % false alarms.

Green in privacy comes from here: from attacks that were tried and failed.

Carlini et al. (2022), *Membership Inference Attacks From First Principles*, IEEE S&P, arXiv 2112.03570: why hits at few
false alarms are what counts. Vector Institute (2025), *MIDST Challenge at SaTML 2025*: hits at 10 % false alarms as the
field's measure (quoted from memory). Stadler, Oprisanu, Troncoso (2022), *Synthetic Data - Anonymisation Groundhog
Day*, USENIX Security, arXiv 2011.07018.
"""

from collections.abc import Callable

import pandas as pd

from shd.compare.core.attacks import RELEASED, budget
from shd.compare.core.chance import deal, generator, sample_records
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import ALARMING, NEGLIGIBLE, Score, Skipped
from shd.compare.core.sides import Sides
from shd.compare.privacy.attacked import Attacked, guess
from shd.compare.privacy.attackers import ATTACKERS, GUESSED_BY
from shd.compare.privacy.strongest_attacker import Guesses, Strongest, auroc_of, find_strongest, hits_at

_WHAT = "membership inference"
_SLOW = "error profile"  # of the attackers, takes half of the time
_PEOPLE = 1500  # members, and as many others
_ISOLATED, _FEWEST_ISOLATED = 0.8, 30  # place from which on people count as isolated, and how many others it takes
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


def measure(sides: Sides) -> Answer:
    """Attack the release; the floor, and other real records in its place, by those who win most from it."""
    rng = generator(sides.random_state, _WHAT)
    most, released = budget(sides, _PEOPLE), budget(sides, RELEASED)
    people = Attacked.of(sides.train, sides.holdout, most, rng)
    share = sides.most(RELEASED) / RELEASED
    release = sample_records(sides.synthetic, released, rng)
    fast = None if sides.level == "full" else set(ATTACKERS) - {_SLOW}
    guesses = guess(people, release, fast, share, sides.random_state).all_together()
    asked = {name: (guesses, reached) for name, reached in _measures(guesses).items()}
    isolated = guesses.take(guesses.isolation > _ISOLATED)
    if (~isolated.is_member).sum() >= _FEWEST_ISOLATED:
        asked["isolated"] = (isolated, auroc_of)
    found = {n: find_strongest(*one, generator(sides.random_state, f"chance {n}")) for n, one in asked.items()}
    half = deal(sides.holdout.subjects, 2, rng) == 0
    other, held = sample_records(sides.holdout.take(half), released, rng), sides.holdout.take(~half)
    winners = {one.attacker for one in found.values()}
    floor = sample_records(sides.floor, len(release), rng)
    beside = [guess(people, floor, winners, share, half=True)]
    people = Attacked.of(sides.train, held, most, rng)
    beside += [guess(people, other, winners, share, half=True)]
    scores = [_score(sides, name, one, beside) for name, one in found.items()]
    rows = [
        (attacker, name, float(reached(side.is_member, score)[0]), attacker == found[name].attacker)
        for name, (side, reached) in asked.items()
        for attacker, score in side.scores.items()
    ]
    frame = pd.DataFrame(rows, columns=["attack", "measure", "value", "strongest"])
    return Answer(scores, {"membership": frame}, _left_out(asked, sides.level))


def _left_out(asked: dict, level: str) -> list[Skipped]:
    lacking = [
        Skipped(f"membership {_named(alarms)}", f"takes {few:,} people held out")
        for alarms, few in _FEWEST_OTHERS.items()
        if _named(alarms) not in asked
    ]
    if "isolated" not in asked:
        lacking.append(Skipped("membership AUROC: isolated people", "too few people stand apart"))
    if level != "full":
        lacking.append(Skipped(f"membership: {_SLOW}", 'the quick level leaves it out; take level="full"'))
    return lacking


def _named(alarms: float) -> str:
    return f"hits at {100 * alarms:g} %"


def _measures(guesses: Guesses) -> dict[str, Callable]:
    """Return the measures by name; hits only where there are enough others."""
    others = int((~guesses.is_member).sum())
    return {"AUROC": auroc_of} | {
        _named(alarms): hits_at(alarms) for alarms, few in _FEWEST_OTHERS.items() if others >= few
    }


def _score(sides: Sides, name: str, found: Strongest, beside: list[Guesses]) -> Score:
    alarms = next((alarms for alarms in _LIMITS if _named(alarms) == name), None)
    reached = auroc_of if alarms is None else hits_at(alarms)
    if name == "isolated":
        beside = [side.take(side.isolation > _ISOLATED) for side in beside]
    floor, ceiling = (float(reached(side.is_member, side.scores[found.attacker])[0]) for side in beside)
    if alarms is None:
        return auroc_score(sides, name, found, floor, ceiling)
    verdict = found.verdict(alarms, *_LIMITS[alarms])
    sentence = (
        f"With {100 * alarms:g} false alarms in a hundred, an attacker who goes by {GUESSED_BY[found.attacker]} "
        f"finds {found.value:.1%} of the people learned from (knowing nothing: {alarms:.1%}; with other "
        f"{sides.word} records as the release: {ceiling:.1%}{_BESIDE.get(alarms, '')}): {_MEANS[verdict]}."
    )
    return Score.of(
        f"membership {name}", found.value, (found.low, found.high), (floor, ceiling), verdict=verdict, sentence=sentence
    )


def auroc_score(sides: Sides, name: str, found: Strongest, floor: float | None, ceiling: float | None) -> Score:
    """Return the score of the strongest attacker who ranks people: all of them, isolated ones, or from the model."""
    is_backwards = found.high < 0.5 - NEGLIGIBLE  # an attacker who does worse than chance tells something, too
    verdict = "amber" if is_backwards else found.verdict(0.5, NEGLIGIBLE, ALARMING)
    metric, about, by = {
        "AUROC": ("membership AUROC", "An", "release"),
        "isolated": ("membership AUROC: isolated people", "Of the fifth who stand furthest apart, an", "release"),
        "weights": ("membership AUROC: weights", "From the model itself, an", "model"),
    }[name]
    other = "" if ceiling is None else f"; with other {sides.word} records as the release: {ceiling:.1%}"
    sentence = (
        f"{about} attacker who goes by {GUESSED_BY[found.attacker]} ranks a person learned from above one held "
        f"out {found.value:.1%} of the time (knowing nothing: 50%{other}): "
        f"{_MEANS[verdict].replace('release', by)}."
    )
    return Score.of(
        metric,
        found.value,
        (found.low, found.high),
        (floor, ceiling),
        verdict=verdict,
        better="at 0.5",
        sentence=sentence,
    )


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
