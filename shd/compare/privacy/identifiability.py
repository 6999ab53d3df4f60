"""Who could be recognised? Identifiability, and the people of train who stand alone and are come near to.

A person is identifiable when some synthetic record is more like them than any other real person is.
In what makes people recognisable rare things count more: distances are weighted by the inverse
entropy of the columns. A distance may raise an alarm; that it does not shows nothing, and is grey (arXiv 2505.01524).
"""

import numpy as np
import pandas as pd

from shd.compare.core.attacks import (
    FEWEST,
    RELEASED,
    REPLICATES,
    budget,
    check_count,
    check_people,
    count_people,
    entropies,
    judge_excess,
    obstacle,
    one_each,
    pick_one_each,
    shares,
    some,
)
from shd.compare.core.chance import bootstrap_weights, generator, interval
from shd.compare.core.gower import Gower
from shd.compare.core.score import Answer, Inputs, Score, Skipped
from shd.compare.core.tables import Coded, align
from shd.compare.report.report import AT_RISK
from shd.dataset import Dataset

_WHAT = "identifiability"
_PEOPLE = 1500  # at random, and as many of the rarest
_LEAST_ENTROPY = 0.1  # nats, so that a level that hardly anybody has does not decide alone
_ISOLATED, _APPROACHED = 95, 1 / 5  # percentile, and how near in terms of the nearest other real record
_LISTED = 20
_TINY = 1e-6
_MEANS = {
    "grey": "people are no easier to recognise than in other people's records",
    "amber": "some people may be recognised",
    "red": "people can be recognised",
}


def identifiability_score(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    people: int = _PEOPLE,
    random_state: int = 0,
) -> float:
    """Return the share of people of train to whom a synthetic record lies nearer than any other person of train.

    Gower's distance, each column weighted by its inverse entropy in train. Other people and
    synthetic records are cut to the same number, one record a person, so that 0.5 is what records of
    new people reach. Ties count half.

    Parameters
    ----------
    train, synthetic : Dataset or DataFrame
    people : int
        Most people that are looked at.
    random_state : int

    Returns
    -------
    float
        0 to 1; above 0.5: the synthetic records are about the people learned from.

    Raises
    ------
    ShdError
        Where a table has fewer than 20 people.

    References
    ----------
    Yoon, Drumright, van der Schaar (2020), *Anonymization Through Data Synthesis Using Generative
    Adversarial Networks (ADS-GAN)*, IEEE J-BHI, doi 10.1109/JBHI.2020.2980262.
    """
    check_count(people, "people")
    (train, synthetic), _ = align(train, synthetic, names=["train", "synthetic"])
    check_people(train, synthetic, train, _WHAT)
    rng = generator(random_state, _WHAT)
    real = one_each(train, RELEASED, rng)
    own = real.take(np.arange(min(people, len(real))))
    return float(_is_nearer(_weighted(train), own, real, synthetic, rng).mean())


def outliers_at_risk(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    most: int = _LISTED,
    random_state: int = 0,
) -> pd.DataFrame:
    """List records of train that are both isolated and approached. For the data steward only.

    Isolated: no other person of train is near (further away than for 95 % of people). Approached: a
    synthetic record lies at less than a fifth of that distance. Looked at are the 1,500 people with
    the rarest values, and as many at random.

    Parameters
    ----------
    train, synthetic : Dataset or DataFrame
    most : int
        Most records listed, the nearest approached first.
    random_state : int

    Returns
    -------
    DataFrame
        ``row``, its number in train from 0 on; ``isolation``, the percentile of its distance to the
        nearest other person, 0 to 100; ``to other people`` and ``to synthetic``, these distances as
        shares of the largest possible one, 0 to 1; ``why``, a sentence.

    Raises
    ------
    ShdError
        Where a table has fewer than 20 people.

    References
    ----------
    Meeus, Guépin, Creţu, de Montjoye (2023), *Achilles' Heels: Vulnerable Record Identification in
    Synthetic Data Publishing*, arXiv 2306.10308: isolated records are the ones attacks find.
    """
    check_count(most, "most")
    (train, synthetic), _ = align(train, synthetic, names=["train", "synthetic"])
    check_people(train, synthetic, train, AT_RISK)
    rng = generator(random_state, AT_RISK)
    return _list(train, some(synthetic, RELEASED, rng), some(train, RELEASED, rng), _PEOPLE, most, rng)


def measure(inputs: Inputs) -> Answer:
    """Score the release, the floor, and other real records; list the people at risk."""
    people = min(count_people(inputs.train), len(inputs.synthetic))
    if people < FEWEST:
        why = f"take at least {FEWEST} people in train, and {FEWEST} synthetic records"
        return Answer(skipped=[Skipped(f"{_WHAT}, and records {AT_RISK}", why)])
    rng = generator(inputs.random_state, AT_RISK)
    most = budget(inputs, RELEASED)
    synthetic, real = some(inputs.synthetic, most, rng), some(inputs.train, most, rng)
    frames = {AT_RISK: _list(inputs.train, synthetic, real, budget(inputs, _PEOPLE), _LISTED, rng)}
    why = obstacle(inputs)
    return Answer([_score(inputs)], frames) if why is None else Answer([], frames, [Skipped(_WHAT, why)])


def _score(inputs: Inputs) -> Score:
    rng = generator(inputs.random_state, _WHAT)
    most, gower = budget(inputs, RELEASED), _weighted(inputs.train)
    real = one_each(inputs.train, most, rng)
    own = real.take(np.arange(min(budget(inputs, _PEOPLE), len(real))))
    places = (inputs.synthetic, inputs.floor, one_each(inputs.holdout, most, rng))
    nearer, at_floor, others = (_is_nearer(gower, own, real, records, rng) for records in places)
    value, floor, ceiling = (float(side.mean()) for side in (nearer, at_floor, others))
    weights = bootstrap_weights(len(own), REPLICATES, rng) / len(own)
    low, high = interval(value, weights @ nearer, 0, 1)
    beyond = value - ceiling
    verdict = judge_excess(beyond, *map(float, interval(beyond, weights @ (nearer - others))), passed="grey")
    sentence = (
        f"To {value:.1%} of people learned from some synthetic record lies nearer than any other person's record does "
        f"(with other {inputs.word} people's records in place of the synthetic ones: {ceiling:.1%}): {_MEANS[verdict]}."
    )
    return Score("privacy", _WHAT, value, float(low), float(high), floor, ceiling, verdict, "lower", sentence)


def _weighted(train: Coded) -> Gower:
    return Gower.of(train, 1 / np.maximum(entropies(train), _LEAST_ENTROPY))


def _to_others(gower: Gower, own: Coded, real: Coded, most: int | None = None) -> np.ndarray:
    """Return the distance of each record to the nearest real one of another person, among the first `most`; (n,)."""

    def closest(distance: np.ndarray, start: int) -> np.ndarray:
        mine = own.subjects[start : start + len(distance), None] == real.subjects
        distance[mine] = np.inf  # nobody is another person to themselves
        if most is None or most >= len(real):
            return distance.min(axis=1)
        # who is among the first ones is left out of them, and the next one comes in
        distance[~mine[:, :most].any(axis=1), most] = np.inf
        return distance[:, : most + 1].min(axis=1)

    return np.concatenate(gower.map_blocks(own, real, closest))


def _is_nearer(gower: Gower, own: Coded, real: Coded, synthetic: Coded, rng: np.random.Generator) -> np.ndarray:
    """Return to whom a synthetic record lies nearer than another person, of equally many; 0, 1, or 0.5 for a tie."""
    n = min(len(real) - 1, len(synthetic))
    to_person = _to_others(gower, own, real, n)
    to_synthetic = gower.nearest(own, some(synthetic, n, rng))
    return (1 + np.sign(to_person - to_synthetic).astype(float)) / 2


def _list(
    train: Coded, synthetic: Coded, real: Coded, people: int, most: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return the people of train who are isolated and approached; see `outliers_at_risk`."""
    rarity = -np.log(np.column_stack(shares(train)))
    usual = pick_one_each(train, people, rng)
    rows = np.concatenate([usual, np.argsort(-rarity.sum(axis=1), kind="stable")[:people]])
    gower, own = _weighted(train), train.take(rows)
    to_person, to_synthetic = _to_others(gower, own, real), gower.nearest(own, synthetic)
    place = 100 * np.searchsorted(np.sort(to_person[: len(usual)]), to_person) / len(usual)
    frame = pd.DataFrame(
        {
            "row": rows,
            "isolation": place,
            "to other people": to_person.astype(float) / gower.weights.sum(),
            "to synthetic": to_synthetic.astype(float) / gower.weights.sum(),
            "why": [f"its rarest value is in {train.names[j]}" for j in rarity[rows].argmax(axis=1)],
        }
    ).assign(person=own.subjects, nearness=to_synthetic / np.maximum(to_person, _TINY))
    chosen = frame[(place >= _ISOLATED) & np.isfinite(to_person) & (frame["nearness"] <= _APPROACHED)]
    chosen = chosen.sort_values(["nearness", "isolation"], ascending=[True, False], kind="stable")
    chosen = chosen.drop_duplicates("person").head(most).drop(columns=["person", "nearness"]).reset_index(drop=True)
    chosen["why"] = [
        f"nobody else is nearer than {other:.3f}, further away than for {place:.1f}% of people, but a synthetic record "
        f"is at {near:.3f}; {why}"
        for _, place, other, near, why in chosen.itertuples(index=False)
    ]
    return chosen
